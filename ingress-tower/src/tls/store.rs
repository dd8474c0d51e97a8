//! The certificates by the Secrets that they come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ingress_core::RouteTable;
use ingress_core::origin::SecretRef;
use ingress_core::table::HostTable;

use super::certificate::Certificate;
use super::validity::Validity;

type Certificates = BTreeMap<SecretRef, Arc<Certificate>>;

/// Certificates by Secret, changed while handshakes go on. Clones share what they hold.
///
/// Every change is one atomic swap: a handshake sees all of it or nothing. A read takes no lock; a change
/// copies the map, so that many of them at once belong into one [`replace`](Self::replace).
///
/// Table and store are published each by itself. To let no handshake miss its certificate, put certificates
/// in before the table that names them is published, and take them out after the table that does not.
#[derive(Clone, Default)]
pub struct CertificateStore(Arc<ArcSwap<Certificates>>);

impl CertificateStore {
    /// A store without certificates.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the certificate of a Secret in, and gives back the one whose place it took.
    ///
    /// A Secret that cannot be read leaves the store as it is: the last good certificate stays.
    pub fn insert(&self, secret: &SecretRef, certificate: Certificate) -> Option<Arc<Certificate>> {
        let certificate = Arc::new(certificate);
        let replaced = self.change(|all| {
            all.insert(secret.clone(), certificate.clone());
        });
        replaced.get(secret).cloned()
    }

    /// Takes the certificate of a Secret out.
    pub fn remove(&self, secret: &SecretRef) -> Option<Arc<Certificate>> {
        let replaced = self.change(|all| {
            all.remove(secret);
        });
        replaced.get(secret).cloned()
    }

    /// Puts other certificates in the place of all present ones, in one swap.
    pub fn replace(&self, certificates: impl IntoIterator<Item = (SecretRef, Certificate)>) {
        let certificates =
            certificates.into_iter().map(|(secret, certificate)| (secret, Arc::new(certificate))).collect();
        self.0.store(Arc::new(certificates));
    }

    /// The certificate of a Secret.
    pub fn get(&self, secret: &SecretRef) -> Option<Arc<Certificate>> {
        self.0.load().get(secret).cloned()
    }

    /// How many certificates there are.
    pub fn len(&self) -> usize {
        self.0.load().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.load().is_empty()
    }

    /// When each certificate is valid, in the order of their Secrets: one gauge each, for metrics.
    pub fn validities(&self) -> Vec<(SecretRef, Validity)> {
        let all = self.0.load();
        all.iter().map(|(secret, certificate)| (secret.clone(), certificate.validity())).collect()
    }

    /// The Secrets that a table names and that have no certificate here. Their hosts are served with a
    /// stand-in.
    pub fn missing(&self, table: &RouteTable) -> BTreeSet<SecretRef> {
        let all = self.0.load();
        let named = table.hosts().filter_map(HostTable::certificate).chain(table.default_certificate());
        named.filter(|secret| !all.contains_key(*secret)).cloned().collect()
    }

    /// Swaps in a changed copy. `change` is called again if another thread was quicker.
    fn change(&self, change: impl Fn(&mut Certificates)) -> Arc<Certificates> {
        self.0.rcu(|all| {
            let mut all = Certificates::clone(all);
            change(&mut all);
            all
        })
    }
}

impl fmt::Debug for CertificateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CertificateStore").field(&*self.0.load()).finish()
    }
}
