//! Certificates: which one a host shows, which hosts have one, and which ask clients for theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::findings;
use super::model::{ANY, Model, Object, Server, server_name};
use super::settings::Globals;
use crate::dialect::{Assembly, CertificateChoice, Known, Surroundings};
use crate::host::HostPattern;
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

/// The certificates of hosts that have one: the first object with a rule for the host and with a TLS section
/// decides.
#[derive(Debug)]
pub(super) struct Certificates<'m>(BTreeMap<&'m str, CertificateChoice>);

impl<'m> Certificates<'m> {
    pub(super) fn new(model: &'m Model<'_>, around: &Surroundings) -> Self {
        let mut choices = BTreeMap::new();
        for object in model.objects.iter().filter(|object| object.options.canary.is_none()) {
            let ingress = object.notes.ingress();
            if ingress.tls().is_empty() {
                continue;
            }
            for name in
                ingress.rules().iter().map(|rule| server_name(rule.host())).filter(|name| *name != ANY)
            {
                choices.entry(name).or_insert_with(|| {
                    let secret = named(name, ingress, around);
                    let valid = secret.filter(|secret| is_valid(secret, name, around));
                    valid.map_or(CertificateChoice::Default, CertificateChoice::Secret)
                });
            }
        }
        Self(choices)
    }

    /// The certificate of a host.
    pub(super) fn of(&self, name: &str) -> CertificateChoice {
        self.0.get(name).cloned().unwrap_or_default()
    }
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
#[derive(Debug, Default)]
pub(super) struct Registered {
    names: BTreeSet<String>,
    /// Of those that begin with `*.`, the rest.
    parents: Arc<BTreeSet<Box<str>>>,
}

/// Whether a certificate is found for a request.
#[derive(Clone, Debug)]
pub(super) enum Coverage {
    All,
    None,
    /// For hosts that are one label before one of these names: what is looked up is the host of the request,
    /// whatever name led to its server.
    Below(Arc<BTreeSet<Box<str>>>),
}

/// Finds the names that a certificate is registered for.
pub(super) fn registered(
    model: &Model<'_>,
    certificates: &Certificates<'_>,
    around: &Surroundings,
) -> Registered {
    let mut names = BTreeSet::new();
    for (name, server) in &model.servers {
        let choice = certificates.of(name);
        if choice == CertificateChoice::Inherited {
            continue;
        }
        names.insert(name.clone());
        let CertificateChoice::Secret(secret) = choice else { continue };
        let other = server.aliases.iter().cloned().chain(super::names::www_source(server));
        names.extend(other.filter(|other| is_valid(&secret, other, around)));
    }
    let parents = names.iter().filter_map(|name| name.strip_prefix("*.")).map(Box::from).collect();
    Registered { names, parents: Arc::new(parents) }
}

impl Registered {
    /// Whether the name itself is registered.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Which requests for a pattern have a certificate: that of their own name, or that of the wildcard above
    /// it.
    pub(super) fn coverage(&self, pattern: &HostPattern) -> Coverage {
        let name = pattern.as_str();
        if pattern.is_exact() {
            let parent = name.split_once('.').filter(|(label, _)| !label.is_empty());
            let covered = name == ANY
                || self.names.contains(name)
                || parent.is_some_and(|(_, rest)| self.parents.contains(rest));
            return if covered { Coverage::All } else { Coverage::None };
        }
        if pattern.is_wildcard() {
            return if self.names.contains(name) { Coverage::All } else { Coverage::None };
        }
        // Names that are registered themselves have servers of their own.
        if self.parents.is_empty() {
            return Coverage::None;
        }
        match name.strip_prefix("**.") {
            None => Coverage::Below(Arc::clone(&self.parents)),
            Some(top) => {
                let below = |name: &str| {
                    name.strip_suffix(top).is_some_and(|head| head.is_empty() || head.ends_with('.'))
                };
                let parents: BTreeSet<_> = self.parents.iter().filter(|name| below(name)).cloned().collect();
                if parents.is_empty() { Coverage::None } else { Coverage::Below(Arc::new(parents)) }
            }
        }
    }
}
