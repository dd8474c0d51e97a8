//! What a suite says about how its manifests are read: what would be arguments and settings of a
//! controller elsewhere.

use std::collections::BTreeMap;

use ingress_core::Backend;
use ingress_core::origin::SecretRef;
use ingress_core::rule::ServiceRef;

use super::expect::BackendText;
use super::fields::{Fields, flag, mistake, text, unknown};
use crate::manifest::{Mistake, Node, Value};
use crate::settings::Settings;

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Options {
    dialect: Option<String>,
    settings: BTreeMap<String, String>,
    class: Option<String>,
    controller: Option<String>,
    take_unclassed: Option<bool>,
    default_backend: Option<Backend>,
    default_certificate: Option<SecretRef>,
}

const KEYS: &[&str] = &[
    "dialect",
    "settings",
    "class",
    "controller",
    "take_unclassed",
    "default_backend",
    "default_certificate",
];

impl Options {
    pub(super) fn read(&mut self, node: &Node<'_>, mistakes: &mut Vec<Mistake>) {
        if !matches!(node.value, Value::Map(_)) {
            mistakes.push(mistake(node.place, "options is a mapping"));
            return;
        }
        for entry in node.entries() {
            match &*entry.key {
                "dialect" => self.dialect = text(entry, mistakes),
                "class" => self.class = text(entry, mistakes),
                "controller" => self.controller = text(entry, mistakes),
                "take_unclassed" => self.take_unclassed = flag(entry, mistakes),
                "default_backend" => {
                    self.default_backend = text(entry, mistakes).and_then(|text| {
                        let backend = BackendText::parse(&text).and_then(|backend| {
                            Some(ServiceRef::new(&backend.namespace, &backend.service, backend.port?))
                        });
                        if backend.is_none() {
                            let message = format!("{text:?} is not namespace/service:port");
                            mistakes.push(mistake(entry.value.place, &message));
                        }
                        backend.map(Backend::Service)
                    });
                }
                "default_certificate" => {
                    self.default_certificate = text(entry, mistakes).and_then(|text| {
                        let secret =
                            text.split_once('/').map(|(namespace, name)| SecretRef::new(namespace, name));
                        if secret.is_none() {
                            mistakes
                                .push(mistake(entry.value.place, &format!("{text:?} is not namespace/name")));
                        }
                        secret
                    });
                }
                "settings" => {
                    let mut fields = Fields::new(&entry.value, "settings");
                    for setting in entry.value.entries() {
                        if let Some(setting) = fields.take(&setting.key) {
                            self.settings
                                .extend(text(setting, mistakes).map(|text| (setting.key.to_string(), text)));
                        }
                    }
                }
                _ => mistakes.push(unknown(entry, "options", KEYS)),
            }
        }
    }

    /// Whether nothing is said here.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The settings of the command line, and what is said here instead.
    pub(crate) fn over(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        if let Some(dialect) = &self.dialect {
            settings.dialect.clone_from(dialect);
        }
        settings.options.extend(self.settings.clone());
        settings.take_unclassed = self.take_unclassed.unwrap_or(settings.take_unclassed);
        let Self { class, controller, default_backend, default_certificate, .. } = self.clone();
        settings.class = class.or(settings.class);
        settings.controller = controller.or(settings.controller);
        settings.default_backend = default_backend.or(settings.default_backend);
        settings.default_certificate = default_certificate.or(settings.default_certificate);
        settings
    }
}
