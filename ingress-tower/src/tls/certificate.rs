//! A certificate with its key, read and checked.

use std::fmt;
use std::sync::Arc;

use ingress_core::origin::SecretRef;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::error::{CertificateError, CertificateErrorKind};
use super::validity::Validity;

/// The most certificates of a chain. What is sent with every handshake may not be made long by whoever
/// wrote a Secret; chains in use have two to four.
const MAX_CHAIN: usize = 16;
/// The most bytes of a chain.
const MAX_CHAIN_BYTES: usize = 64 << 10;

/// A certificate chain and its private key, which fits the first certificate.
///
/// The key is behind the provider's signing key; nothing here prints it.
pub struct Certificate {
    key: Arc<CertifiedKey>,
    validity: Validity,
}

impl Certificate {
    /// Reads what a Secret of type `kubernetes.io/tls` holds: a chain of certificates in PEM, that of the
    /// server first, and a private key in PEM, as PKCS #8, PKCS #1 or SEC 1.
    ///
    /// `secret` is what an error names. Other PEM sections are passed over, as is everything between
    /// sections; of several keys, the first is taken.
    pub fn from_pem(
        secret: &SecretRef,
        chain: &[u8],
        key: &[u8],
        provider: &CryptoProvider,
    ) -> Result<Self, CertificateError> {
        read(chain, key, provider).map_err(|kind| CertificateError::new(secret.clone(), kind))
    }

    /// Takes a key that was made elsewhere: by hardware, or by a program that makes its own.
    ///
    /// Whether it fits is checked where it tells its public half.
    pub fn from_certified_key(secret: &SecretRef, key: CertifiedKey) -> Result<Self, CertificateError> {
        check(key).map_err(|kind| CertificateError::new(secret.clone(), kind))
    }

    /// From when until when the server's own certificate is valid. Those above it in the chain do not count:
    /// clients know other ways to their roots, and chains with an expired cross-signature are in use.
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// The chain, the server's certificate first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.key.cert
    }

    /// What rustls serves.
    pub const fn certified_key(&self) -> &Arc<CertifiedKey> {
        &self.key
    }
}

fn read(chain: &[u8], key: &[u8], provider: &CryptoProvider) -> Result<Certificate, CertificateErrorKind> {
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(chain) {
        certificates.push(certificate.map_err(|_| CertificateErrorKind::MalformedChain)?);
        if certificates.len() > MAX_CHAIN {
            return Err(CertificateErrorKind::ChainTooLong);
        }
    }
    // The reader's errors quote what they stumbled over, which may be a part of the key.
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
        pem::Error::NoItemsFound => CertificateErrorKind::NoKey,
        _ => CertificateErrorKind::MalformedKey,
    })?;
    let key = provider.key_provider.load_private_key(key).map_err(|_| CertificateErrorKind::UnusableKey)?;
    check(CertifiedKey::new(certificates, key))
}

fn check(key: CertifiedKey) -> Result<Certificate, CertificateErrorKind> {
    let Some(first) = key.cert.first() else { return Err(CertificateErrorKind::NoCertificate) };
    let length: usize = key.cert.iter().map(|certificate| certificate.len()).sum();
    if key.cert.len() > MAX_CHAIN || length > MAX_CHAIN_BYTES {
        return Err(CertificateErrorKind::ChainTooLong);
    }
    let validity = Validity::of(first).ok_or(CertificateErrorKind::UnreadableCertificate)?;
    match key.keys_match() {
        // A key that does not tell its public half cannot be checked.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(Error::InconsistentKeys(_)) => return Err(CertificateErrorKind::KeyMismatch),
        Err(_) => return Err(CertificateErrorKind::UnreadableCertificate),
    }
    Ok(Certificate { key: Arc::new(key), validity })
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a provider's key prints is not for us to trust.
        f.debug_struct("Certificate")
            .field("chain", &self.key.cert.len())
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}
