//! From when until when a certificate is valid.

use std::time::{Duration, SystemTime};

use rustls_pki_types::CertificateDer;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode;

/// The time in which a certificate is valid. Both ends belong to it.
///
/// A certificate is served at any time: one that has expired is still the right one for its name, and a
/// client that minds says so. This is for metrics and alarms.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Validity {
    not_before: SystemTime,
    not_after: SystemTime,
}

/// Where a moment lies in the validity of a certificate.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Phase {
    /// It will be valid after this time.
    NotYetValid(Duration),
    /// It is valid for this time.
    Valid(Duration),
    /// It has not been valid for this time.
    Expired(Duration),
}

impl Validity {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        // Profiles of the standard are for those who issue certificates: serial numbers that are too long,
        // for one, are in use.
        let certificate = CertificateInner::<Raw>::from_der(certificate).ok()?;
        let validity = certificate.tbs_certificate().validity();
        Some(Self {
            not_before: validity.not_before.to_system_time(),
            not_after: validity.not_after.to_system_time(),
        })
    }

    /// The first moment.
    pub const fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// The last moment.
    pub const fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Where `now` lies.
    pub fn phase(&self, now: SystemTime) -> Phase {
        if let Err(expired) = self.not_after.duration_since(now) {
            return Phase::Expired(expired.duration());
        }
        match now.duration_since(self.not_before) {
            Err(early) => Phase::NotYetValid(early.duration()),
            Ok(_) => Phase::Valid(self.not_after.duration_since(now).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let validity = Validity { not_before: at(100), not_after: at(200) };
        let seconds = Duration::from_secs;
        for (now, phase) in [
            (90, Phase::NotYetValid(seconds(10))),
            (100, Phase::Valid(seconds(100))),
            (150, Phase::Valid(seconds(50))),
            (200, Phase::Valid(seconds(0))),
            (201, Phase::Expired(seconds(1))),
        ] {
            assert_eq!(validity.phase(at(now)), phase, "{now}");
        }
        // A certificate that is never valid has expired.
        let never = Validity { not_before: at(200), not_after: at(100) };
        assert_eq!(never.phase(at(150)), Phase::Expired(seconds(50)));
    }

    #[test]
    fn what_is_no_certificate_has_none() {
        for bytes in [&b""[..], b"\x30\x00", b"\x30\x84\xff\xff\xff\xff", b"certificate"] {
            assert_eq!(Validity::of(&CertificateDer::from(bytes)), None);
        }
    }
}
