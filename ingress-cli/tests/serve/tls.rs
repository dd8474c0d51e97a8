//! TLS: which certificate answers, that clients verify it, and what is spoken then.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::client::{Answer, ask, ask_http2, ask_on, connect, get};
use super::manifests::{ingress, secret, service};
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

/// What rules ask about a connection, they are told: whether it is encrypted, and whose it is.
#[test]
fn rules_hear_of_the_connection() {
    let authority = Authority::new();
    let annotations = "metadata: {namespace: web, name: NAME, annotations: {nginx.ingress.kubernetes.io/\
                       whitelist-source-range: 192.0.2.0/24}}";
    let open = ingress("open", &["a.com Prefix / open"]) + "  tls: [{hosts: [a.com], secretName: a-tls}]\n";
    let closed = ingress("closed", &["c.com Prefix / closed"])
        .replace("metadata: {namespace: web, name: closed}", &annotations.replace("NAME", "closed"));
    let all = format!("{open}---\n{closed}{}", authority.secret("a-tls", "a.com").0);
    let manifests = directory("told", &[("web.yaml", &all)]);
    let dialect = ["--echo", "--dialect", "ingress-nginx", "--class", "nginx"];
    let all = all.replace("spec:\n", "spec:\n  ingressClassName: nginx\n");
    std::fs::write(manifests.join("web.yaml"), all).unwrap();
    let running = serve(&manifests, &dialect);
    let redirected = get(running.http(), "a.com", "/x");
    assert_eq!((redirected.status, redirected.header("location")), (308, Some("https://a.com/x")));
    assert_eq!(authority.ask(running.https(), "a.com", "a.com").unwrap().backend(), "web/open");
    assert_eq!(get(running.http(), "c.com", "/").status, 403);

    let proxied = serve(&manifests, &[&dialect[..], &["--proxy-protocol", "127.0.0.0/8"]].concat());
    for (client, status) in [("192.0.2.7", 200), ("198.51.100.7", 403)] {
        let request =
            format!("PROXY TCP4 {client} 192.0.2.1 5555 80\r\nGET / HTTP/1.1\r\nHost: c.com\r\n\r\n");
        assert_eq!(ask(proxied.http(), &request).status, status, "{client}");
    }
}

/// An endpoint that wants TLS gets it, whoever made its certificate.
#[test]
fn endpoints_that_want_tls_get_it() {
    let made = rcgen::generate_simple_self_signed(["pod.internal".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, stream.unwrap()));
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                if stream.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
            }
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret";
            let _ = stream.get_mut().write_all(answer);
        }
    });
    let web = ingress("web", &["a.com Prefix / web"]) + &service("web", &[port]);
    let web = web.replace("spec: {ports: [{port: 80}]}", "spec: {ports: [{port: 80, appProtocol: https}]}");
    let running = serve(&directory("upstream-tls", &[("web.yaml", &web)]), &[]);
    let answer = get(running.http(), "a.com", "/");
    assert_eq!((answer.status, answer.body.as_str()), (200, "secret"));
}
