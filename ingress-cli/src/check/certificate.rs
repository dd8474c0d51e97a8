//! What is asked of a certificate: the names it is for, and from when until when it is valid.

use base64ct::{Base64, Encoding};
use ingress_core::HostPattern;
use x509_cert::Certificate as X509;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::Moment;

/// What a certificate says. The key that belongs to it is never looked at.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) names: Vec<String>,
    pub(super) from: Moment,
    pub(super) until: Moment,
}

impl Certificate {
    /// Reads the first certificate of a PEM text: the server's own, which those of its authorities follow.
    pub(super) fn first(pem: &str) -> Option<Self> {
        let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
        let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
        let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let certificate = X509::from_der(&Base64::decode_vec(&body).ok()?).ok()?;
        let certificate = certificate.tbs_certificate();
        let names = certificate
            .get_extension::<SubjectAltName>()
            .ok()?
            .map_or_else(Vec::new, |(_, names)| names.0.into_iter().filter_map(dns_name).collect());
        let validity = certificate.validity();
        let (from, until) = (validity.not_before.to_date_time(), validity.not_after.to_date_time());
        Some(Self { names, from: from.into(), until: until.into() })
    }

    /// Whether it is for a host: by the same name, or by a wildcard for its first label. Nothing looks at
    /// the common name any more.
    pub(super) fn covers(&self, host: &HostPattern) -> bool {
        let parent = host.as_str().split_once('.').map(|(_, rest)| rest);
        self.names.iter().any(|name| {
            let wildcard =
                name.strip_prefix("*.").zip(parent).is_some_and(|(suffix, parent)| suffix == parent);
            name == host.as_str() || wildcard && !host.is_wildcard()
        })
    }
}

fn dns_name(name: GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().trim_end_matches('.').to_ascii_lowercase()),
        _ => None,
    }
}
