//! Programs that others wrote, over loopback.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use ingress_tower::tls::{CertificateResolver, ServerSettings};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::authority::{Authority, folder, program};
use crate::door::{provider, server, store, table};

const SECRETS: &[(&str, &[&str])] =
    &[("exact", &["shop.example"]), ("wildcard", &["*.shop.example"]), ("default", &["else.example"])];

/// Answers every connection with its server name, in HTTP/1.1, whatever the request is.
async fn serve(config: Arc<ServerConfig>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(config);
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let name = stream.get_ref().1.server_name().unwrap_or("none").to_owned();
            let length = name.len();
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{name}");
            let mut request = [0; 4096];
            // A client that only looks sends nothing, and is gone by then.
            if matches!(stream.read(&mut request).await, Ok(length) if length > 0) {
                let _gone = stream.write_all(answer.as_bytes()).await;
                let _gone = stream.shutdown().await;
            }
        }
    });
    port
}

/// Runs a program to its end: whether it succeeded, and all that it said.
async fn run(program: &Path, arguments: &[&dyn AsRef<OsStr>]) -> (bool, String) {
    let mut command = Command::new(program);
    command.args(arguments.iter().map(AsRef::as_ref)).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(Duration::from_secs(30), command.output()).await.unwrap().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn openssl_is_given_the_certificate_of_its_name() {
    let Some(openssl) = program("openssl") else { return };
    let authority = Authority::new();
    let ca = folder("openssl").join("ca.pem");
    fs::write(&ca, authority.pem()).unwrap();
    let port = serve(server(&table(true), &store(&authority, SECRETS))).await;
    let address = format!("127.0.0.1:{port}");
    for (name, subject, version) in [
        ("shop.example", "shop.example", "-tls1_3"),
        ("a.shop.example", "*.shop.example", "-tls1_2"),
        ("else.example", "else.example", "-tls1_3"),
    ] {
        let (succeeded, said) = run(
            &openssl,
            &[
                &"s_client",
                &"-connect",
                &address,
                &"-servername",
                &name,
                &"-verify_hostname",
                &name,
                &"-CAfile",
                &ca,
                &"-verify_return_error",
                &"-alpn",
                &"h2,http/1.1",
                &version,
            ],
        )
        .await;
        assert!(succeeded, "{name}: {said}");
        let subject = format!("CN = {subject}");
        for expected in [subject.as_str(), "ALPN protocol: h2", "Verify return code: 0 (ok)"] {
            // Newer versions write a subject without spaces.
            let found = said.contains(expected) || said.replace("CN=", "CN = ").contains(expected);
            assert!(found, "{name}: {expected}: {said}");
        }
    }
}

#[tokio::test]
async fn curl_trusts_the_certificate_of_its_name() {
    let Some(curl) = program("curl") else { return };
    let authority = Authority::new();
    let ca = folder("curl").join("ca.pem");
    fs::write(&ca, authority.pem()).unwrap();
    let resolver = CertificateResolver::new(table(true), store(&authority, SECRETS));
    let settings = ServerSettings::new().with_provider(provider()).with_protocols(["http/1.1"]);
    let port = serve(Arc::new(settings.build(resolver).unwrap())).await;
    for (name, trusted) in [
        ("shop.example", true),
        ("a.shop.example", true),
        ("else.example", true),
        // The default certificate is not for this name, and curl says so.
        ("other.example", false),
    ] {
        let resolve = format!("{name}:{port}:127.0.0.1");
        let url = format!("https://{name}:{port}/");
        let (succeeded, said) = run(
            &curl,
            &[
                &"-sS",
                &"--noproxy",
                &"*",
                &"--max-time",
                &"20",
                &"--resolve",
                &resolve,
                &"--cacert",
                &ca,
                &url,
            ],
        )
        .await;
        assert_eq!((succeeded, said == name), (trusted, trusted), "{name}: {said}");
    }
}
