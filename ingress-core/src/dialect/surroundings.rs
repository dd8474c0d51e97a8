//! What stands around the Ingress objects, as far as it decides what they mean.

use std::collections::{BTreeMap, BTreeSet};

use crate::endpoint::Service;
use crate::origin::ObjectId;

/// The objects beside Ingresses that a dialect may look at while a table is made.
///
/// Of a kind that nobody spoke of, nothing is known: then whatever an Ingress names is taken to exist.
/// Endpoints have no place here; they are [asked for](crate::request::Availability) with each request.
///
/// ```
/// use ingress_core::dialect::{Known, SecretFacts, Surroundings};
/// use ingress_core::origin::ObjectId;
///
/// let secret = ObjectId::new("shop", "tls");
/// let around = Surroundings::default();
/// assert!(matches!(around.secret(&secret), Known::Nothing));
/// let around = around.with_secrets([(secret.clone(), SecretFacts::certificate(["shop.example.com"], None))]);
/// assert!(matches!(around.secret(&secret), Known::Present(_)));
/// assert!(matches!(around.secret(&ObjectId::new("shop", "other")), Known::Absent));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    services: Option<BTreeMap<ObjectId, Service>>,
    secrets: Option<BTreeMap<ObjectId, SecretFacts>>,
    config_maps: Option<BTreeMap<ObjectId, BTreeMap<String, String>>>,
}

/// What is known of an object.
#[allow(clippy::exhaustive_enums, reason = "there is no fourth way to know something")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Known<T> {
    /// There is no such object.
    Absent,
    /// Nobody spoke of objects of its kind.
    Nothing,
    /// It is there.
    Present(T),
}

/// What matters of a Secret; none of what is secret.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SecretFacts {
    keys: BTreeSet<String>,
    certificate: Option<CertificateFacts>,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct CertificateFacts {
    names: Vec<String>,
    common_name: Option<String>,
}

impl SecretFacts {
    /// A Secret with these keys.
    pub fn with_keys<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self { keys: keys.into_iter().map(Into::into).collect(), certificate: None }
    }

    /// A Secret with a certificate for these names, and its key.
    pub fn certificate<N: Into<String>>(
        names: impl IntoIterator<Item = N>,
        common_name: Option<&str>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        let certificate = CertificateFacts { names, common_name: common_name.map(str::to_owned) };
        Self { certificate: Some(certificate), ..Self::with_keys(["tls.crt", "tls.key"]) }
    }

    /// Whether it has a key.
    pub fn has_key(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// Whether it has a certificate that is valid for a name. A wildcard stands for one label; the common
    /// name only counts where there are no other names. The name may be a wildcard itself.
    pub fn is_valid_for(&self, name: &str) -> bool {
        let Some(certificate) = &self.certificate else { return false };
        let covers = |pattern: &str| {
            pattern.eq_ignore_ascii_case(name)
                || pattern.strip_prefix("*.").is_some_and(|suffix| {
                    let rest = name.split_once('.').filter(|(label, _)| !label.is_empty() && *label != "*");
                    rest.is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(suffix))
                })
        };
        if certificate.names.is_empty() {
            return certificate.common_name.as_deref().is_some_and(covers);
        }
        certificate.names.iter().any(|pattern| covers(pattern))
    }

    /// Whether it has a certificate at all.
    pub fn has_certificate(&self) -> bool {
        self.certificate.is_some()
    }
}

impl Surroundings {
    /// All Services that there are.
    #[must_use]
    pub fn with_services(mut self, services: impl IntoIterator<Item = Service>) -> Self {
        self.services = Some(services.into_iter().map(|service| (service.id().clone(), service)).collect());
        self
    }

    /// All Secrets that there are.
    #[must_use]
    pub fn with_secrets(mut self, secrets: impl IntoIterator<Item = (ObjectId, SecretFacts)>) -> Self {
        self.secrets = Some(secrets.into_iter().collect());
        self
    }

    /// All ConfigMaps that there are.
    #[must_use]
    pub fn with_config_maps(
        mut self,
        config_maps: impl IntoIterator<Item = (ObjectId, BTreeMap<String, String>)>,
    ) -> Self {
        self.config_maps = Some(config_maps.into_iter().collect());
        self
    }

    /// A Service.
    pub fn service(&self, id: &ObjectId) -> Known<&Service> {
        known(self.services.as_ref(), id)
    }

    /// A Secret.
    pub fn secret(&self, id: &ObjectId) -> Known<&SecretFacts> {
        known(self.secrets.as_ref(), id)
    }

    /// A ConfigMap.
    pub fn config_map(&self, id: &ObjectId) -> Known<&BTreeMap<String, String>> {
        known(self.config_maps.as_ref(), id)
    }
}

fn known<'s, T>(objects: Option<&'s BTreeMap<ObjectId, T>>, id: &ObjectId) -> Known<&'s T> {
    match objects {
        None => Known::Nothing,
        Some(objects) => objects.get(id).map_or(Known::Absent, Known::Present),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_cover_one_label() {
        let named = SecretFacts::certificate(["a.com", "*.b.com"], Some("c.com"));
        for (name, valid) in [
            ("a.com", true),
            ("A.com", true),
            ("x.b.com", true),
            ("*.b.com", true),
            ("y.x.b.com", false),
            ("b.com", false),
            ("*.x.b.com", false),
            ("c.com", false),
        ] {
            assert_eq!(named.is_valid_for(name), valid, "{name}");
        }
        assert!(SecretFacts::certificate([""; 0], Some("c.com")).is_valid_for("c.com"));
        assert!(!SecretFacts::with_keys(["tls.crt"]).is_valid_for("c.com"));
    }
}
