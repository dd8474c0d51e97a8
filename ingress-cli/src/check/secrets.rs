//! The Secrets that tls names, and the certificates in them, as far as the input holds Secrets.
//!
//! Of a Secret nothing is ever printed but its name and what its certificate says to every client anyway.

use std::collections::BTreeMap;

use ingress_core::Ingress;
use ingress_core::ingress::TlsEntry;
use ingress_core::origin::{FieldPath, Leaf, ObjectId};
use serde_json::Value;

use super::kind::Kind;
use super::quoted::Quoted;
use super::{Found, Object, Subject};
use crate::certificate::Certificate;
use crate::manifest::ResourceKind;

/// How many names of a certificate are listed.
const LISTED: usize = 5;

/// What a Secret is good for.
enum Secret {
    /// It is encrypted in its repository, and cannot be judged.
    Sealed,
    Read {
        /// Its type, where that is not the one for certificates.
        other_type: Option<String>,
        /// Or what is wrong with it.
        certificate: Result<Certificate, &'static str>,
    },
}

pub(super) fn find<'m>(subject: &Subject<'m>, found: &mut Vec<Found<'m>>) {
    let resources = subject.manifests.resources().iter().map(crate::manifest::Located::object);
    let secrets: BTreeMap<&str, &Value> = resources
        .filter(|resource| resource.kind() == ResourceKind::Secret)
        .map(|resource| (resource.id().as_str(), resource.value()))
        .collect();
    // Without any, they are taken to be elsewhere.
    if secrets.is_empty() {
        return;
    }
    let mut read: BTreeMap<&str, Secret> = BTreeMap::new();
    for object in subject.objects.values() {
        for entry in object.ingress.tls() {
            let Some(name) = entry.secret() else { continue };
            let Some((id, value)) = secrets.get_key_value(name.as_str()) else {
                found.extend(missing(subject, *object, entry));
                continue;
            };
            let secret = read.entry(*id).or_insert_with(|| Secret::read(value));
            judge(subject, *object, entry, secret, found);
        }
    }
}

fn field(entry: &TlsEntry) -> FieldPath {
    FieldPath::tls(entry.index()).leaf(Leaf::SecretName)
}

fn missing<'m>(subject: &Subject<'m>, object: Object<'m>, entry: &TlsEntry) -> Option<Found<'m>> {
    let secret = entry.secret()?;
    let id = ObjectId::new(secret.namespace(), secret.name());
    if is_issued(object.ingress) || subject.manifests.issues(&id) {
        return None;
    }
    let message = format!("there is no Secret {secret} among the manifests; its hosts have no certificate");
    Some(object.found(Kind::SecretMissing, &field(entry), message).because_of(secret))
}

/// Whether something in the cluster makes the Secret, as an annotation asks it to.
fn is_issued(ingress: &Ingress) -> bool {
    const ISSUERS: [&str; 2] = ["cert-manager.io/issuer", "cert-manager.io/cluster-issuer"];
    ISSUERS.iter().any(|key| ingress.annotation(key).is_some())
        || ingress.annotation("kubernetes.io/tls-acme") == Some("true")
}

fn judge<'m>(
    subject: &Subject<'m>,
    object: Object<'m>,
    entry: &TlsEntry,
    secret: &Secret,
    found: &mut Vec<Found<'m>>,
) {
    let (Some(name), Secret::Read { other_type, certificate }) = (entry.secret(), secret) else { return };
    let mut say = |kind, field: &FieldPath, message| {
        found.push(object.found(kind, field, message).because_of(name));
    };
    if let Some(other) = other_type {
        let message = format!(
            "Secret {name} is of type {}; certificates belong in one of kubernetes.io/tls",
            Quoted(other)
        );
        say(Kind::SecretType, &field(entry), message);
    }
    let certificate = match certificate {
        Ok(certificate) => certificate,
        Err(problem) => {
            return say(Kind::SecretUnusable, &field(entry), format!("Secret {name} {problem}"));
        }
    };
    if certificate.until < subject.now {
        let message = format!("the certificate in Secret {name} expired at {}", certificate.until);
        say(Kind::CertificateExpired, &field(entry), message);
    } else if subject.now < certificate.from {
        let message = format!("the certificate in Secret {name} is not valid before {}", certificate.from);
        say(Kind::CertificateNotYetValid, &field(entry), message);
    }
    for (place, host) in entry.hosts() {
        if !certificate.covers(host) {
            let message =
                format!("the certificate in Secret {name} is not for host {host}: {}", names(certificate));
            say(Kind::CertificateNameMismatch, &FieldPath::tls_host(entry.index(), place), message);
        }
    }
}

fn names(certificate: &Certificate) -> String {
    let listed: Vec<_> = certificate.names.iter().take(LISTED).map(|name| Quoted(name).to_string()).collect();
    let more = if certificate.names.len() > LISTED { " and more" } else { "" };
    match &*listed {
        [] => "it names no host, and clients do not look at the common name".to_owned(),
        _ => format!("it names {}{more}", listed.join(", ")),
    }
}

impl Secret {
    fn read(object: &Value) -> Self {
        if object.get("sops").is_some() {
            return Self::Sealed;
        }
        let kind = object.get("type").and_then(Value::as_str).unwrap_or("Opaque");
        let other_type = (kind != "kubernetes.io/tls").then(|| kind.to_owned());
        Self::Read { other_type, certificate: Certificate::of_secret(object) }
    }
}
