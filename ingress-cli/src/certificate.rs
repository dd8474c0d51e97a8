//! What is asked of a certificate: the names it is for, and from when until when it is valid.

use base64ct::{Base64, Encoding};
use ingress_core::HostPattern;
use serde_json::Value;
use x509_cert::Certificate as X509;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::check::Moment;

/// What a certificate says. The key that belongs to it is never looked at.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) names: Vec<String>,
    pub(crate) common_name: Option<String>,
    pub(crate) from: Moment,
    pub(crate) until: Moment,
}

impl Certificate {
    /// Reads that of a Secret; or what is wrong with the Secret.
    pub(crate) fn of_secret(object: &Value) -> Result<Self, &'static str> {
        let has = |key| {
            let text = |list| object.get(list).and_then(|list| list.get(key)).and_then(Value::as_str);
            text("data").or_else(|| text("stringData")).is_some_and(|text| !text.is_empty())
        };
        if !has("tls.crt") {
            return Err("has no tls.crt");
        }
        if !has("tls.key") {
            return Err("has no tls.key");
        }
        let text = match object.get("stringData").and_then(|list| list.get("tls.crt")).and_then(Value::as_str)
        {
            Some(text) => text.to_owned(),
            None => {
                let data = object.get("data").and_then(|list| list.get("tls.crt")).and_then(Value::as_str);
                let data: String =
                    data.unwrap_or_default().chars().filter(|c| !c.is_ascii_whitespace()).collect();
                let bytes = Base64::decode_vec(&data).map_err(|_| "has a tls.crt that is not Base64")?;
                String::from_utf8(bytes).map_err(|_| "has a tls.crt that is not PEM")?
            }
        };
        Self::first(&text).ok_or("has a tls.crt without a certificate that can be read")
    }

    /// Reads the first certificate of a PEM text: the server's own, which those of its authorities follow.
    pub(crate) fn first(pem: &str) -> Option<Self> {
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
        let common_name = certificate.subject().common_name().ok()?.map(|name| name.value().into_owned());
        Some(Self { names, common_name, from: from.into(), until: until.into() })
    }

    /// Whether it is for a host: by the same name, or by a wildcard for its first label. Nothing looks at
    /// the common name any more.
    pub(crate) fn covers(&self, host: &HostPattern) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// For *.example.com, example.com and 192.0.2.1, throughout 2026.
    const PEM: &str = "\
-----BEGIN CERTIFICATE-----
MIIBIDCB06ADAgECAgEBMAUGAytlcDASMRAwDgYDVQQDDAdpbmdyZXNzMB4XDTI2
MDEwMTAwMDAwMFoXDTI3MDEwMTAwMDAwMFowEjEQMA4GA1UEAwwHaW5ncmVzczAq
MAUGAytlcAMhANG8AjJL62GrI2cI/u0Ssg4gOsT5gPw6suUVC3Hiu61Go04wTDAr
BgNVHREEJDAigg0qLmV4YW1wbGUuY29tggtleGFtcGxlLmNvbYcEwAACATAdBgNV
HQ4EFgQUTwq1vkVw0shqj1w3hDVFEvruQtswBQYDK2VwA0EAR6KEFedRpRzgynzx
Xh07mH6k2dd3/94XjSAzO45UyIH9WE5WBhkkc7/itmaao6N7PgpDjzxaVtXuAO5w
HdreCQ==
-----END CERTIFICATE-----
";

    fn der() -> Vec<u8> {
        let body: String = PEM.lines().filter(|line| !line.starts_with('-')).collect();
        Base64::decode_vec(&body).unwrap()
    }

    fn pem(der: &[u8]) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", Base64::encode_string(der))
    }

    #[test]
    fn names_and_times_are_read() {
        for text in [PEM.to_owned(), PEM.replace('\n', "\r\n"), format!("subject=x\n{PEM}{PEM}"), pem(&der())]
        {
            let certificate = Certificate::first(&text).unwrap();
            assert_eq!(certificate.names, ["*.example.com", "example.com"]);
            assert_eq!(certificate.from.to_string(), "2026-01-01T00:00:00Z");
            assert_eq!(certificate.until.to_string(), "2027-01-01T00:00:00Z");
        }
    }

    #[test]
    fn a_wildcard_covers_one_label() {
        let certificate = Certificate::first(PEM).unwrap();
        for (host, covered) in [
            ("example.com", true),
            ("a.example.com", true),
            ("*.example.com", true),
            ("a.b.example.com", false),
            ("*.b.example.com", false),
            ("example.org", false),
            ("com", false),
        ] {
            assert_eq!(certificate.covers(&host.parse().unwrap()), covered, "{host}");
        }
    }

    /// Certificates come from strangers: whatever stands there is read or refused, and nothing else.
    #[test]
    fn no_bytes_make_it_panic() {
        let der = der();
        let mut read = 0;
        for at in 0..der.len() {
            for bit in 0..8 {
                let mut changed = der.clone();
                changed[at] ^= 1 << bit;
                read += usize::from(Certificate::first(&pem(&changed)).is_some());
            }
            assert!(Certificate::first(&pem(&der[..at])).is_none(), "cut at {at}");
        }
        // Most of it is keys and signatures, which are none of our business.
        assert!(read > der.len(), "{read}");
        for text in
            ["", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----------END CERTIFICATE-----"]
        {
            assert!(Certificate::first(text).is_none(), "{text}");
        }
    }
}
