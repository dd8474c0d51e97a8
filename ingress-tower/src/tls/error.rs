//! Why a Secret gives no certificate.

use std::fmt;

use ingress_core::origin::SecretRef;

/// A Secret whose certificate cannot be served. Names the Secret and the reason, and quotes nothing of what
/// is in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateError {
    secret: SecretRef,
    kind: CertificateErrorKind,
}

/// What is wrong with a certificate or its key.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CertificateErrorKind {
    /// There is no certificate.
    NoCertificate,
    /// The chain is no well-formed PEM.
    MalformedChain,
    /// The chain has more than 16 certificates or 64 KiB.
    ChainTooLong,
    /// The first certificate is none that can be read.
    UnreadableCertificate,
    /// There is no private key, or only an encrypted one.
    NoKey,
    /// The private key is no well-formed PEM.
    MalformedKey,
    /// The crypto provider has no use for the private key: it is damaged, or of a kind that it does not know.
    UnusableKey,
    /// The private key belongs to another certificate than the first.
    KeyMismatch,
}

impl CertificateError {
    pub(super) const fn new(secret: SecretRef, kind: CertificateErrorKind) -> Self {
        Self { secret, kind }
    }

    /// The Secret.
    pub const fn secret(&self) -> &SecretRef {
        &self.secret
    }

    /// What is wrong.
    pub const fn kind(&self) -> CertificateErrorKind {
        self.kind
    }
}

impl fmt::Display for CertificateErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCertificate => "there is no certificate in PEM",
            Self::MalformedChain => "the certificates are no well-formed PEM",
            Self::ChainTooLong => "the chain has more than 16 certificates or 64 KiB",
            Self::UnreadableCertificate => "the first certificate cannot be read",
            Self::NoKey => "there is no unencrypted private key in PEM",
            Self::MalformedKey => "the private key is no well-formed PEM",
            Self::UnusableKey => "the private key is damaged or of an unknown kind",
            Self::KeyMismatch => "the private key does not fit the first certificate",
        })
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret {}: {}", self.secret, self.kind)
    }
}

impl std::error::Error for CertificateError {}
