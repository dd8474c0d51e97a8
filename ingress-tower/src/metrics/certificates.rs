//! When certificates expire. Feature `tls`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use ::metrics::{Label, Recorder, Unit};
use ingress_core::origin::SecretRef;

use super::series::Recording;
use crate::tls::CertificateStore;

const EXPIRY: &str = "ingress_certificate_expiry_timestamp_seconds";

/// The gauge `ingress_certificate_expiry_timestamp_seconds`, by `secret`: the last second in which the
/// certificate is valid, in Unix time. With the feature `tls`.
///
/// [`record`](Self::record) is to be called when somebody asks for metrics, or now and then. A Secret that
/// is no longer in the store is set to NaN, which is in no alarm: a recorder has no way to take a gauge back.
#[derive(Clone, Debug)]
pub struct CertificateGauges(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: CertificateStore,
    recording: Recording,
    known: Mutex<BTreeSet<SecretRef>>,
}

impl CertificateGauges {
    /// Of the certificates in this store, with the program's recorder.
    pub fn new(store: CertificateStore) -> Self {
        Self::with(store, Recording::default())
    }

    /// With this recorder.
    pub fn with_recorder(store: CertificateStore, recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        Self::with(store, Recording::to(recorder))
    }

    fn with(store: CertificateStore, recording: Recording) -> Self {
        recording.describe_gauge(EXPIRY, Unit::Seconds, "When the certificate expires, in Unix time");
        Self(Arc::new(Inner { store, recording, known: Mutex::default() }))
    }

    /// Sets the gauges to what is in the store at this moment.
    pub fn record(&self) {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let present = self.0.store.validities();
        for (secret, validity) in &present {
            // A certificate that expired before 1970 has expired.
            let seconds = validity.not_after().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            self.set(secret, seconds);
        }
        let present: BTreeSet<SecretRef> = present.into_iter().map(|(secret, _)| secret).collect();
        for gone in known.difference(&present) {
            self.set(gone, f64::NAN);
        }
        *known = present;
    }

    fn set(&self, secret: &SecretRef, seconds: f64) {
        self.0.recording.gauge(EXPIRY, vec![Label::new("secret", secret.to_string())]).set(seconds);
    }
}
