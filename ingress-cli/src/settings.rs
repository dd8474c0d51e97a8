//! What is told to the compiler besides objects.

use std::collections::BTreeMap;

use ingress_core::dialect::catalog::{self, Built};
use ingress_core::ingress::ClassSelector;
use ingress_core::origin::{ObjectId, SecretRef};
use ingress_core::{Backend, Config};
use serde_json::Value;

use crate::args::Reading;
use crate::manifest::{Located, Manifests, Resource, ResourceKind};

/// The dialect and its settings, the class, and what serves where no object does.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) dialect: String,
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) config_map: Option<ObjectId>,
    pub(crate) class: Option<String>,
    pub(crate) controller: Option<String>,
    pub(crate) take_unclassed: bool,
    pub(crate) default_backend: Option<Backend>,
    pub(crate) default_certificate: Option<SecretRef>,
}

impl From<&Reading> for Settings {
    fn from(input: &Reading) -> Self {
        Self {
            dialect: input.dialect.clone(),
            options: input.option.iter().cloned().collect(),
            config_map: input.configmap.clone(),
            class: input.class.clone(),
            controller: None,
            take_unclassed: false,
            default_backend: None,
            default_certificate: None,
        }
    }
}

impl Settings {
    /// The dialect, with the settings that the input holds for it; or why there is none such.
    pub(crate) fn dialect(&self, manifests: &Manifests) -> Result<Built, String> {
        let mut settings = catalog::Settings::default();
        for (name, value) in &self.options {
            settings = settings.option(name, value);
        }
        if let Some(map) = self.config_map.as_ref().and_then(|id| config_map(manifests, id)) {
            settings = settings.config_map(data(map.value()));
        }
        catalog::build(&self.dialect, &settings).map_err(|error| error.to_string())
    }

    /// Whether the controller's ConfigMap was named, and is not there.
    pub(crate) fn lacks_config_map(&self, manifests: &Manifests) -> Option<&ObjectId> {
        self.config_map.as_ref().filter(|id| config_map(manifests, id).is_none())
    }

    /// The settings that no dialect has a part in.
    pub(crate) fn config(&self, manifests: &Manifests) -> Config {
        let objects = manifests.classes().iter().map(|class| class.object().clone());
        let mut classes = ClassSelector::default().classes(objects).take_unclassed(self.take_unclassed);
        // With some in the input these are all there are; with none the controller's own is taken to exist.
        classes = classes.complete(!manifests.classes().is_empty());
        if let Some(class) = &self.class {
            classes = classes.class(class);
        }
        if let Some(controller) = &self.controller {
            classes = classes.controller(controller);
        }
        let mut config = Config::default().classes(classes);
        if let Some(backend) = &self.default_backend {
            config = config.default_backend(backend.clone());
        }
        if let Some(secret) = &self.default_certificate {
            config = config.default_certificate(secret.clone());
        }
        config
    }
}

/// A ConfigMap; of several with one name, the last.
fn config_map<'m>(manifests: &'m Manifests, id: &ObjectId) -> Option<&'m Resource> {
    let named = |resource: &&Resource| resource.kind() == ResourceKind::ConfigMap && resource.id() == id;
    manifests.resources().iter().rev().map(Located::object).find(named)
}

/// The data of a ConfigMap.
pub(crate) fn data(map: &Value) -> BTreeMap<String, String> {
    let data = map.get("data").and_then(Value::as_object);
    // The API knows only text here; who left out the quotes meant the text all the same.
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    data.into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect()
}
