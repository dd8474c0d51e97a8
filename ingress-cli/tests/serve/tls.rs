//! TLS: which certificate answers, that clients verify it, and what is spoken then.

use std::io::BufReader;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::client::{Answer, ask_http2, ask_on, connect, get};
use super::manifests::{ingress, secret};
use super::running::{directory, serve, until};

/// An authority that the tests' clients trust.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), root }
    }

    /// A Secret with a certificate for a name.
    fn secret(&self, secret_name: &str, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (secret(secret_name, &certificate.pem(), &key.serialize_pem()), key.serialize_pem())
    }

    fn client(&self, protocols: &[&[u8]]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Arc::new(config)
    }

    /// Asks a host by a server name, which the certificate has to be for.
    fn ask(&self, address: SocketAddr, name: &str, host: &str) -> Result<Answer, String> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let client = ClientConnection::new(self.client(&[]), name).unwrap();
        let stream = StreamOwned::new(client, connect(address));
        ask_on(&mut BufReader::new(stream), host, "/").map_err(|error| error.to_string())
    }
}

/// Two hosts with certificates of their own, and one without.
fn shop(test: &str, authority: &Authority) -> PathBuf {
    let rules = ingress("web", &["a.com Prefix / a", "b.a.com Prefix / b", "c.com Prefix / c"]);
    let tls = rules
        + "  tls:\n  - {hosts: [a.com], secretName: a-tls}\n  - {hosts: ['*.a.com'], secretName: wild-tls}\n"
        + &authority.secret("a-tls", "a.com").0
        + &authority.secret("wild-tls", "*.a.com").0
        + &authority.secret("other-tls", "c.com").0;
    directory(test, &[("web.yaml", &tls)])
}

#[test]
fn each_host_has_its_certificate_and_clients_verify_it() {
    let authority = Authority::new();
    let running = serve(&shop("sni", &authority), &["--echo"]);
    for (name, service) in [("a.com", "web/a"), ("b.a.com", "web/b")] {
        let answer = authority.ask(running.https(), name, name).unwrap();
        assert_eq!((answer.status, answer.backend().as_str()), (200, service));
        let echo = answer.json();
        assert_eq!(echo["headers"]["x-forwarded-proto"], "https");
        assert_eq!(echo["headers"]["x-forwarded-port"], running.https().port().to_string());
    }
    // What has none gets one that nobody trusts, and that is said.
    let error = authority.ask(running.https(), "c.com", "c.com").unwrap_err();
    assert!(error.contains("certificate"), "{error}");
    let metrics = get(running.admin(), "localhost", "/metrics").body;
    assert!(
        metrics
            .contains("ingress_certificate_not_after_timestamp_seconds{namespace=\"web\",secret=\"a-tls\"} ")
    );
}

#[test]
fn a_default_certificate_answers_for_the_rest() {
    let authority = Authority::new();
    let manifests = shop("default", &authority);
    let running = serve(&manifests, &["--echo", "--default-certificate", "web/other-tls"]);
    assert_eq!(authority.ask(running.https(), "c.com", "c.com").unwrap().backend(), "web/c");
    assert_eq!(authority.ask(running.https(), "a.com", "a.com").unwrap().backend(), "web/a");
}

#[test]
fn a_connection_is_for_the_hosts_of_its_certificate() {
    let authority = Authority::new();
    let running = serve(&shop("misdirected", &authority), &["--echo"]);
    assert_eq!(authority.ask(running.https(), "a.com", "b.a.com").unwrap().status, 421);
    assert_eq!(authority.ask(running.https(), "b.a.com", "x.a.com").unwrap().status, 404);
}

#[test]
fn http2_is_agreed_upon() {
    let authority = Authority::new();
    let running = serve(&shop("alpn", &authority), &["--echo"]);
    let (https, config) = (running.https(), authority.client(&[b"h2"]));
    let stream = async move {
        let stream = tokio::net::TcpStream::connect(https).await.unwrap();
        let name = ServerName::try_from("a.com").unwrap();
        let stream = tokio_rustls::TlsConnector::from(config).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        stream
    };
    let answer = ask_http2(stream, "https://a.com/x");
    assert_eq!((answer.status, answer.backend().as_str()), (200, "web/a"));
}

#[test]
fn certificates_change_with_their_secrets_and_stay_when_they_break() {
    let authority = Authority::new();
    let rules = ingress("web", &["a.com Prefix / a"]) + "  tls: [{hosts: [a.com], secretName: a-tls}]\n";
    let manifests = directory("renewed", &[("web.yaml", &rules)]);
    let running = serve(&manifests, &["--echo"]);
    assert_eq!(running.said()["loaded"]["certificates_missing"], serde_json::json!(["web/a-tls"]));
    assert!(authority.ask(running.https(), "a.com", "a.com").is_err());

    std::fs::write(manifests.join("secret.yaml"), authority.secret("a-tls", "a.com").0).unwrap();
    until(|| authority.ask(running.https(), "a.com", "a.com").ok()).unwrap();

    // A key that belongs to another certificate.
    let (first, _) = authority.secret("a-tls", "a.com");
    let (second, _) = authority.secret("a-tls", "a.com");
    let mixed = format!(
        "{}  tls.key: |\n{}",
        first.split("  tls.key").next().unwrap(),
        second.split("tls.key: |\n").nth(1).unwrap()
    );
    std::fs::write(manifests.join("secret.yaml"), mixed).unwrap();
    running.logs("web/a-tls");
    running.logs_times("another table is served", 2);
    assert_eq!(authority.ask(running.https(), "a.com", "a.com").unwrap().status, 200);

    // Another authority altogether.
    let other = Authority::new();
    std::fs::write(manifests.join("secret.yaml"), other.secret("a-tls", "a.com").0).unwrap();
    until(|| other.ask(running.https(), "a.com", "a.com").ok()).unwrap();
    assert!(authority.ask(running.https(), "a.com", "a.com").is_err());
}

#[test]
fn keys_are_told_to_nobody() {
    let authority = Authority::new();
    let (text, key) = authority.secret("a-tls", "a.com");
    let rules = ingress("web", &["a.com Prefix / a"]) + "  tls: [{hosts: [a.com], secretName: a-tls}]\n";
    // Once as it should be, once with a key that cannot be read, once in a document that cannot be.
    for (test, text) in [
        ("keys", text.clone()),
        ("keys-unusable", text.replace("BEGIN PRIVATE", "BEGIN PRIVAT")),
        ("keys-broken", format!("{text}  more: [\n")),
        ("keys-encoded", text.replace("stringData:", "data:")),
    ] {
        let manifests = directory(test, &[("web.yaml", &rules), ("secret.yaml", &text)]);
        let running = serve(&manifests, &["--echo", "-v"]);
        let _ = authority.ask(running.https(), "a.com", "a.com");
        let mut told = running.said().to_string();
        for path in ["/", "/table", "/hosts", "/diagnostics", "/metrics", "/explain?url=https://a.com/"] {
            told.push_str(&get(running.admin(), "localhost", path).body);
        }
        told.push_str(&running.log());
        assert!(told.contains("web/a-tls"), "{test}");
        for line in key.lines().filter(|line| !line.starts_with('-')) {
            assert!(!told.contains(line) && !told.contains(&line[..20]), "{test}: {line} in {told}");
        }
    }
}
