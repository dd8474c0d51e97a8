//! Certificates: which one a host shows, which hosts have one, and which ask clients for theirs.

use std::collections::BTreeSet;

use super::findings;
use super::model::{ANY, Model, Object, Server, server_name};
use super::settings::Globals;
use crate::dialect::{Assembly, CertificateChoice, Known, Surroundings};
use crate::ingress::Ingress;
use crate::origin::{ObjectId, SecretRef};

/// Notes what an object wants of clients' certificates; the first with a usable Secret decides.
pub(super) fn ask_clients(
    server: &mut Server,
    owner: usize,
    object: &Object<'_>,
    globals: &Globals,
    out: &mut Assembly<'_>,
) {
    let Some(secret) = object.notes.get("auth-tls-secret") else { return };
    if server.client_certificates.is_some() {
        return;
    }
    let namespace = object.notes.ingress().id().namespace();
    let usable = match secret.split_once('/') {
        Some((own, name)) if own == namespace || globals.cross_namespace => {
            match out.surroundings().secret(&ObjectId::new(own, name)) {
                Known::Absent => Err("there is no such Secret"),
                Known::Present(facts) if !facts.has_key("ca.crt") => Err("the Secret has no ca.crt"),
                Known::Nothing | Known::Present(_) => Ok(()),
            }
        }
        Some(_) => Err("the Secret is in another namespace"),
        None => Err("it is no namespace/name"),
    };
    match usable {
        Ok(()) => server.client_certificates = Some(owner),
        Err(why) => {
            server.closed = true;
            let what = format!("{why}; every request for the host is answered with 403");
            object.notes.find(&findings::DENIED, "auth-tls-secret", &what, out);
        }
    }
}

/// The certificate of a host.
pub(super) fn of_server(name: &str, model: &Model<'_>, around: &Surroundings) -> CertificateChoice {
    if name == ANY {
        return CertificateChoice::Inherited;
    }
    for object in model.objects.iter().filter(|object| object.options.canary.is_none()) {
        let ingress = object.notes.ingress();
        if !ingress.rules().iter().any(|rule| server_name(rule.host()) == name) || ingress.tls().is_empty() {
            continue;
        }
        let secret = named(name, ingress, around);
        return match secret.filter(|secret| is_valid(secret, name, around)) {
            Some(secret) => CertificateChoice::Secret(secret),
            None => CertificateChoice::Default,
        };
    }
    CertificateChoice::Inherited
}

/// The Secret that an object names for a host: that of the first entry with the host in it, else the first
/// whose certificate is for it.
fn named(name: &str, ingress: &Ingress, around: &Surroundings) -> Option<SecretRef> {
    for entry in ingress.tls() {
        if entry.hosts().any(|(_, host)| host.as_str().eq_ignore_ascii_case(name)) {
            return entry.secret().cloned();
        }
    }
    let covering = ingress.tls().iter().filter_map(|entry| entry.secret()).find(|secret| {
        let facts = around.secret(&ObjectId::new(secret.namespace(), secret.name()));
        matches!(facts, Known::Present(facts) if facts.is_valid_for(name))
    });
    covering.cloned()
}

fn is_valid(secret: &SecretRef, name: &str, around: &Surroundings) -> bool {
    match around.secret(&ObjectId::new(secret.namespace(), secret.name())) {
        Known::Absent => false,
        Known::Nothing => true,
        Known::Present(facts) => facts.is_valid_for(name),
    }
}

/// The names that a certificate is registered for.
pub(super) fn registered(model: &Model<'_>, around: &Surroundings) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, server) in &model.servers {
        let choice = of_server(name, model, around);
        if choice == CertificateChoice::Inherited {
            continue;
        }
        names.insert(name.clone());
        let CertificateChoice::Secret(secret) = choice else { continue };
        let other = server.aliases.iter().cloned().chain(super::names::www_source(server));
        names.extend(other.filter(|other| is_valid(&secret, other, around)));
    }
    names
}

/// Whether a certificate is found for a name: its own, or that of the wildcard above it.
pub(super) fn covers(registered: &BTreeSet<String>, name: &str) -> bool {
    registered.contains(name)
        || name.split_once('.').is_some_and(|(_, rest)| registered.contains(&format!("*.{rest}")))
}
