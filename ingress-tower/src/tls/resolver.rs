//! Which certificate a handshake is answered with.

use std::sync::Arc;

use ingress_core::SharedTable;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::Certificate;
use super::store::CertificateStore;

/// Answers handshakes with the certificate that the published table names, out of a store. See the
/// [module's documentation](super) for the order of choice.
#[derive(Clone, Debug)]
pub struct CertificateResolver {
    table: SharedTable,
    store: CertificateStore,
    fallback: Option<Arc<Certificate>>,
}

/// The certificate for a server name, and how it came to be chosen.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Choice {
    /// The one that the table names: for the host, for a wildcard, or for names that nothing else covers.
    Named(Arc<Certificate>),
    /// The table's default, in the place of one that is not in the store.
    Default(Arc<Certificate>),
    /// The resolver's own.
    Fallback(Arc<Certificate>),
    /// There is none: the handshake is refused.
    Nothing,
}

impl CertificateResolver {
    /// A resolver over what is published in a table and in a store, both at the time of the handshake.
    pub const fn new(table: SharedTable, store: CertificateStore) -> Self {
        Self { table, store, fallback: None }
    }

    /// Answers with this certificate where there is no other, in the place of refusing the handshake.
    #[must_use]
    pub fn with_fallback(mut self, certificate: Certificate) -> Self {
        self.fallback = Some(Arc::new(certificate));
        self
    }

    /// What a handshake is answered with: for a server name, or without one.
    pub fn choose(&self, server_name: Option<&str>) -> Choice {
        let table = self.table.load();
        // The empty name is no host's: what answers is what is there for names that nothing covers.
        let named = table.certificate(server_name.unwrap_or(""));
        if let Some(certificate) = named.and_then(|secret| self.store.get(secret)) {
            return Choice::Named(certificate);
        }
        if let Some(certificate) = table.default_certificate().and_then(|secret| self.store.get(secret)) {
            return Choice::Default(certificate);
        }
        self.fallback.clone().map_or(Choice::Nothing, Choice::Fallback)
    }
}

impl Choice {
    /// The certificate, however it was chosen.
    pub const fn certificate(&self) -> Option<&Arc<Certificate>> {
        match self {
            Self::Named(certificate) | Self::Default(certificate) | Self::Fallback(certificate) => {
                Some(certificate)
            }
            Self::Nothing => None,
        }
    }
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let choice = self.choose(hello.server_name());
        choice.certificate().map(|certificate| certificate.certified_key().clone())
    }
}
