//! The two spellings that Kubernetes dropped and manifests did not: `extensions/v1beta1` and
//! `networking.k8s.io/v1beta1`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Ingress;
use super::raw::{RawBackend, RawIngress, RawPath, RawResource, RawRule, RawService, RawTls};

/// An Ingress of `extensions/v1beta1` or `networking.k8s.io/v1beta1`.
///
/// ```
/// use ingress_core::ingress::{Ingress, LegacyIngress};
///
/// let object: LegacyIngress = serde_json::from_str(r#"{
///     "apiVersion": "extensions/v1beta1",
///     "kind": "Ingress",
///     "metadata": {"name": "web", "namespace": "shop"},
///     "spec": {"backend": {"serviceName": "main", "servicePort": 80}}
/// }"#)?;
/// let ingress = Ingress::from(&object);
/// assert_eq!(ingress.default_backend().unwrap().to_string(), "shop/main:80");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LegacyIngress {
    metadata: Option<Metadata>,
    spec: Option<Spec>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    namespace: Option<String>,
    name: Option<String>,
    creation_timestamp: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    ingress_class_name: Option<String>,
    backend: Option<Backend>,
    rules: Option<Vec<Rule>>,
    tls: Option<Vec<Tls>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    host: Option<String>,
    http: Option<Http>,
}

#[derive(Clone, Debug, Deserialize)]
struct Http {
    paths: Option<Vec<Path>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Path {
    path: Option<String>,
    path_type: Option<String>,
    backend: Option<Backend>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Backend {
    service_name: Option<String>,
    service_port: Option<Port>,
    resource: Option<Resource>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Port {
    Number(i64),
    Name(String),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    api_group: Option<String>,
    kind: Option<String>,
    name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tls {
    hosts: Option<Vec<String>>,
    secret_name: Option<String>,
}

impl From<&LegacyIngress> for Ingress {
    fn from(object: &LegacyIngress) -> Self {
        let mut raw = RawIngress::default();
        if let Some(meta) = &object.metadata {
            raw.namespace = meta.namespace.as_deref();
            raw.name = meta.name.as_deref();
            raw.created = meta.creation_timestamp.as_deref().and_then(seconds);
            raw.annotations =
                meta.annotations.iter().flatten().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        }
        if let Some(spec) = &object.spec {
            raw.class = spec.ingress_class_name.as_deref();
            raw.default_backend = spec.backend.as_ref().map(backend);
            raw.rules = spec.rules.iter().flatten().map(rule).collect();
            raw.tls = spec
                .tls
                .iter()
                .flatten()
                .map(|tls| RawTls {
                    hosts: tls.hosts.as_deref().unwrap_or_default(),
                    secret: tls.secret_name.as_deref(),
                })
                .collect();
        }
        raw.parse()
    }
}

impl From<LegacyIngress> for Ingress {
    fn from(object: LegacyIngress) -> Self {
        Self::from(&object)
    }
}

fn rule(rule: &Rule) -> RawRule<'_> {
    let paths = rule.http.as_ref().map(|http| http.paths.iter().flatten().map(path).collect());
    RawRule { host: rule.host.as_deref(), paths }
}

fn path(path: &Path) -> RawPath<'_> {
    RawPath {
        path: path.path.as_deref(),
        // These versions had no type at first; what was meant is what the controller made of it.
        path_type: path.path_type.as_deref().or(Some("ImplementationSpecific")),
        backend: path.backend.as_ref().map(backend).unwrap_or_default(),
    }
}

fn backend(backend: &Backend) -> RawBackend<'_> {
    let (number, port_name) = match &backend.service_port {
        None => (None, None),
        Some(Port::Number(number)) => (Some(*number), None),
        Some(Port::Name(name)) => (None, Some(name.as_str())),
    };
    RawBackend {
        service: (backend.service_name.is_some() || backend.service_port.is_some()).then(|| RawService {
            name: backend.service_name.as_deref().unwrap_or(""),
            number,
            port_name,
        }),
        resource: backend.resource.as_ref().map(|resource| RawResource {
            group: resource.api_group.as_deref(),
            kind: resource.kind.as_deref().unwrap_or(""),
            name: resource.name.as_deref().unwrap_or(""),
        }),
    }
}

/// Seconds since 1970 of an RFC 3339 time; `None` if it is none.
fn seconds(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
    };
    let is = |at: usize, wanted: &[u8]| text.as_bytes().get(at).is_some_and(|byte| wanted.contains(byte));
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let shaped = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
    let ranged =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !(shaped && ranged) {
        return None;
    }
    let zone = text.get(19..)?;
    let zone = zone
        .strip_prefix('.')
        .map_or(zone, |fraction| fraction.trim_start_matches(|c: char| c.is_ascii_digit()));
    let offset = match zone.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let digit = |byte: &u8| char::from(*byte).to_digit(10).map(i64::from);
            let minutes = (digit(h1)? * 10 + digit(h2)?) * 60 + digit(m1)? * 10 + digit(m2)?;
            if *sign == b'-' { -minutes * 60 } else { minutes * 60 }
        }
        _ => return None,
    };
    // Days since 1970 with the year starting in March, so that leap days come last.
    let (shifted_year, shifted_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * shifted_year + shifted_year / 4 - shifted_year / 100
        + shifted_year / 400
        + (153 * shifted_month + 2) / 5
        + day
        - 719_469;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2024-02-29T12:00:00Z"), Some(1_709_208_000));
        assert_eq!(seconds("2024-02-29T12:00:00.25+02:00"), Some(1_709_200_800));
        assert_eq!(seconds("2024-03-01T00:00:00Z"), Some(1_709_251_200));
        assert_eq!(seconds("1999-12-31T23:59:59Z"), Some(946_684_799));
        for bad in
            ["", "2024", "2024-02-29", "2024-13-01T00:00:00Z", "2024-02-29T12:00:00", "é024-02-29T12:00:00Z"]
        {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
