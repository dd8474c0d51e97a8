//! Certificates: those of the Secrets in the input, and one of our own making for when there is none.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use ingress_core::RouteTable;
use ingress_core::origin::{ObjectId, SecretRef};
use ingress_core::table::HostTable;
use ingress_tower::tls::{Certificate, CertificateResolver, CertificateStore, ServerSettings};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use serde_json::Value;

use super::published::Published;
use crate::manifest::{Located, Manifests, Resource, ResourceKind};

/// Keeps the store as the Secrets of the input are.
#[derive(Debug)]
pub(super) struct Certificates {
    provider: Arc<CryptoProvider>,
    store: CertificateStore,
    /// What each certificate in the store was made from, so that only changes are read again.
    made_from: BTreeMap<SecretRef, u64>,
    hasher: RandomState,
}

impl Certificates {
    pub(super) fn new(store: CertificateStore) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Self { provider, store, made_from: BTreeMap::new(), hasher: RandomState::new() }
    }

    /// Puts in what a table will need, before it is published. Gives what is wrong with Secrets; their
    /// last good certificates stay.
    pub(super) fn prepare(&mut self, table: &RouteTable, manifests: &Manifests) -> Vec<String> {
        let secrets = secrets(manifests);
        let mut wrong = Vec::new();
        let mut made = Vec::new();
        for secret in named(table) {
            let id = ObjectId::new(secret.namespace(), secret.name());
            let Some(value) = secrets.get(&id) else { continue };
            let read = match (text(value, "tls.crt"), text(value, "tls.key")) {
                (Some(chain), Some(key)) => {
                    let hash = self.hasher.hash_one((&chain, &key));
                    if self.made_from.get(secret) == Some(&hash) {
                        continue;
                    }
                    Certificate::from_pem(secret, &chain, &key, &self.provider)
                        .map(|certificate| (hash, certificate))
                        .map_err(|error| chain_of(&error))
                }
                _ => Err(format!("the Secret {secret} lacks tls.crt or tls.key, or they are not Base64")),
            };
            match read {
                Ok((hash, certificate)) => made.push((secret.clone(), hash, certificate)),
                Err(message) => wrong.push(message),
            }
        }
        let first = self.store.is_empty();
        self.made_from.extend(made.iter().map(|(secret, hash, _)| (secret.clone(), *hash)));
        let made = made.into_iter().map(|(secret, _, certificate)| (secret, certificate));
        if first {
            // Each change of the store copies it, so many are made at once where that is possible.
            self.store.replace(made);
        } else {
            for (secret, certificate) in made {
                self.store.insert(&secret, certificate);
            }
        }
        wrong
    }

    /// Takes out what the published table does not name.
    pub(super) fn clear(&mut self, table: &RouteTable) {
        let named: std::collections::BTreeSet<_> = named(table).collect();
        let gone: Vec<_> = self.made_from.keys().filter(|secret| !named.contains(secret)).cloned().collect();
        for secret in gone {
            self.store.remove(&secret);
            self.made_from.remove(&secret);
        }
    }

    /// The settings for listeners with TLS.
    pub(super) fn server(&self, published: &Published) -> Result<ServerConfig, String> {
        let own = SecretRef::new("ingress", "self-signed");
        let made = rcgen::generate_simple_self_signed(["ingress.invalid".to_owned(), "localhost".to_owned()])
            .map_err(|error| format!("no self-signed certificate could be made: {error}"))?;
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let fallback = Certificate::from_pem(&own, chain.as_bytes(), key.as_bytes(), &self.provider)
            .map_err(|error| chain_of(&error))?;
        let resolver = CertificateResolver::new(published.table.clone(), self.store.clone());
        ServerSettings::new()
            .with_provider(self.provider.clone())
            .build(resolver.with_fallback(fallback))
            .map_err(|error| chain_of(&error))
    }
}

/// The Secrets that a table names, and the hosts that name none: theirs is the default.
fn named(table: &RouteTable) -> impl Iterator<Item = &SecretRef> {
    let mut named: Vec<_> =
        table.hosts().filter_map(HostTable::certificate).chain(table.default_certificate()).collect();
    named.sort_unstable();
    named.dedup();
    named.into_iter()
}

/// The Secrets of the input; of several with one name the last.
fn secrets(manifests: &Manifests) -> BTreeMap<&ObjectId, &Value> {
    let objects = manifests.resources().iter().map(Located::object);
    let secrets = objects.filter(|resource| resource.kind() == ResourceKind::Secret);
    secrets.map(|secret: &Resource| (secret.id(), secret.value())).collect()
}

/// What is under a key; `stringData` goes before `data`.
fn text(secret: &Value, key: &str) -> Option<Vec<u8>> {
    let under = |list: &str| secret.get(list)?.get(key)?.as_str();
    if let Some(text) = under("stringData") {
        return Some(text.as_bytes().to_vec());
    }
    let encoded: String = under("data")?.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    Base64::decode_vec(&encoded).ok()
}

/// An error and what it comes from, in a line.
pub(super) fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
