//! The dialects of this crate by name, with the settings of their controllers.
//!
//! For programs that let a person choose:
//!
//! ```
//! use ingress_core::dialect::catalog::{self, Settings};
//!
//! let (dialect, warnings) = catalog::build("kubernetes", &Settings::default())?;
//! assert_eq!(dialect.name(), "kubernetes");
//! assert!(warnings.is_empty());
//!
//! let error = catalog::build("kubernets", &Settings::default()).unwrap_err();
//! assert_eq!(error.to_string(), r#"there is no dialect "kubernets"; there is ingress-nginx, kubernetes"#);
//! # Ok::<(), catalog::CatalogError>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;

use super::{Dialect, IngressNginx, Kubernetes};
use crate::printable::Excerpt;

/// What a controller is told besides objects: its options, and the data of its ConfigMap.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    options: BTreeMap<String, String>,
    config_map: Option<BTreeMap<String, String>>,
}

impl Settings {
    /// Adds an option of the controller by its own name. The last value of a name counts.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.options.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets the data of the controller's ConfigMap.
    #[must_use]
    pub fn config_map<K: Into<String>, V: Into<String>>(
        mut self,
        data: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.config_map = Some(data.into_iter().map(|(key, value)| (key.into(), value.into())).collect());
        self
    }

    /// The options, by name.
    pub fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The data of the ConfigMap by key; nothing when there is none.
    pub fn config_data(&self) -> impl Iterator<Item = (&str, &str)> {
        self.config_map.iter().flatten().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there is a ConfigMap at all.
    pub fn has_config_map(&self) -> bool {
        self.config_map.is_some()
    }
}

/// A setting that was read, but not acted on as it stands.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct SettingWarning {
    setting: String,
    message: String,
}

impl SettingWarning {
    pub(super) fn new(setting: &str, message: &str) -> Self {
        Self { setting: setting.to_owned(), message: message.to_owned() }
    }

    /// The option, or the key of the ConfigMap.
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// What is wrong with it, and what is done instead.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for SettingWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Excerpt(&self.setting), self.message)
    }
}

/// A dialect that can be asked for by name.
struct Entry {
    name: &'static str,
    options: &'static [&'static str],
    build: fn(&Settings) -> Result<Built, CatalogError>,
}

/// A dialect, and what its settings left to say.
pub type Built = (Box<dyn Dialect>, Vec<SettingWarning>);

/// In the order of their names.
const ENTRIES: &[Entry] = &[
    Entry { name: "ingress-nginx", options: super::nginx::OPTIONS, build: ingress_nginx },
    Entry { name: "kubernetes", options: &[], build: kubernetes },
];

#[expect(
    clippy::unnecessary_wraps,
    reason = "the shape of all entries; others have options that can be wrong"
)]
fn ingress_nginx(settings: &Settings) -> Result<Built, CatalogError> {
    let (dialect, warnings) = IngressNginx::new(settings);
    Ok((Box::new(dialect), warnings))
}

fn kubernetes(settings: &Settings) -> Result<Built, CatalogError> {
    let warnings = settings
        .config_data()
        .map(|(key, _)| SettingWarning::new(key, "the specification knows no ConfigMap; it has no effect"));
    Ok((Box::new(Kubernetes), warnings.collect()))
}

/// The names of all dialects, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|entry| entry.name)
}

/// The names of the options that a dialect takes; `None` if there is no such dialect.
pub fn options(name: &str) -> Option<&'static [&'static str]> {
    ENTRIES.iter().find(|entry| entry.name == name).map(|entry| entry.options)
}

/// The dialect of this name. Options that it does not know are an error, for somebody misspelled them;
/// what is odd about the ConfigMap is a warning, for controllers read past it.
pub fn build(name: &str, settings: &Settings) -> Result<Built, CatalogError> {
    let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) else {
        return Err(CatalogError { kind: ErrorKind::Dialect(name.to_owned()) });
    };
    if let Some((option, _)) = settings.options().find(|(option, _)| !entry.options.contains(option)) {
        let kind =
            ErrorKind::Option { dialect: entry.name, option: option.to_owned(), options: entry.options };
        return Err(CatalogError { kind });
    }
    (entry.build)(settings)
}

/// Why there is no such dialect with these settings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CatalogError {
    kind: ErrorKind,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum ErrorKind {
    Dialect(String),
    Option { dialect: &'static str, option: String, options: &'static [&'static str] },
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Dialect(name) => {
                let known: Vec<_> = names().collect();
                write!(f, "there is no dialect {}; there is {}", Excerpt(name), known.join(", "))
            }
            ErrorKind::Option { dialect, option, options: [] } => {
                write!(f, "there is no option {}; {dialect} has none", Excerpt(option))
            }
            ErrorKind::Option { dialect, option, options } => {
                write!(f, "there is no option {}; {dialect} has {}", Excerpt(option), options.join(", "))
            }
        }
    }
}

impl std::error::Error for CatalogError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_built_and_is_the_dialects_own() {
        assert!(names().is_sorted());
        for name in names() {
            let (dialect, warnings) = build(name, &Settings::default()).unwrap();
            assert_eq!((dialect.name(), warnings.len()), (name, 0));
            assert!(options(name).is_some());
        }
    }

    #[test]
    fn an_unknown_option_is_an_error_and_an_unread_key_a_warning() {
        let error = build("kubernetes", &Settings::default().option("strict", "true")).unwrap_err();
        assert_eq!(error.to_string(), r#"there is no option "strict"; kubernetes has none"#);
        let (_, warnings) =
            build("kubernetes", &Settings::default().config_map([("ssl-redirect", "false")])).unwrap();
        assert_eq!(
            warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [r#""ssl-redirect": the specification knows no ConfigMap; it has no effect"#]
        );
    }
}
