//! HAProxy as the sender, over loopback.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use ingress_tower::proxy_protocol::{AcceptError, Connection, Endpoints, ProxyProtocol, Version};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::authority::{Authority, folder, program};

const LIMIT: Duration = Duration::from_secs(20);

/// A port that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Starts HAProxy, and waits until it listens.
async fn start(haproxy: &Path, folder: &Path, configuration: &str, port: u16) -> Child {
    let file = folder.join("haproxy.cfg");
    let head = "defaults\n mode tcp\n timeout connect 5s\n timeout client 20s\n timeout server 20s\n";
    fs::write(&file, format!("{head}{configuration}")).unwrap();
    let mut child = Command::new(haproxy)
        .args(["-db", "-f"])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    for _ in 0..200 {
        if let Some(status) = child.try_wait().unwrap() {
            panic!("HAProxy ended: {status}");
        }
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return child;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("HAProxy does not listen");
}

/// The next connection that is one of a client: HAProxy passes on those that only looked whether it is there.
async fn next(listener: &TcpListener, client: u16) -> Connection<TcpStream> {
    let settings = ProxyProtocol::required(["127.0.0.0/8".parse().unwrap()]);
    loop {
        let (stream, peer) = timeout(LIMIT, listener.accept()).await.unwrap().unwrap();
        match settings.accept(stream, peer).await {
            Ok(connection) if connection.client().port() == client => return connection,
            Ok(_) | Err(AcceptError::Closed) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Sends through the connection and back.
async fn echo<S>(client: &mut S, connection: &mut Connection<TcpStream>) -> io::Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut bytes = [0; 5];
    client.write_all(b"hello").await?;
    client.flush().await?;
    connection.read_exact(&mut bytes).await?;
    assert_eq!(&bytes, b"hello");
    connection.write_all(b"there").await?;
    client.read_exact(&mut bytes).await?;
    assert_eq!(&bytes, b"there");
    Ok(())
}

#[tokio::test]
async fn addresses_from_haproxy() {
    let Some(haproxy) = program("haproxy") else { return };
    for (option, version) in [("send-proxy", Version::V1), ("send-proxy-v2", Version::V2)] {
        let folder = folder(option);
        let (listener, back) = listen().await;
        let front = free_port();
        let configuration =
            format!("listen front\n bind 127.0.0.1:{front}\n server back 127.0.0.1:{back} {option}\n");
        let _haproxy = start(&haproxy, &folder, &configuration, front).await;
        let mut client = TcpStream::connect(("127.0.0.1", front)).await.unwrap();
        let own = client.local_addr().unwrap();
        client.write_all(b"x").await.unwrap();
        let mut connection = next(&listener, own.port()).await;
        assert_eq!(connection.read_u8().await.unwrap(), b'x');
        assert_eq!(connection.client(), own);
        assert_ne!(connection.peer(), own);
        let header = connection.header().unwrap();
        assert_eq!(header.version(), version);
        assert_eq!(header.destination(), Some(client.peer_addr().unwrap()));
        echo(&mut client, &mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn fields_from_haproxy() {
    let Some(haproxy) = program("haproxy") else { return };
    let folder = folder("fields");
    let authority = Authority::new();
    let server = authority.issue(&["shop.example"]);
    let own = authority.issue(&["a client"]);
    let (pem, ca) = (folder.join("server.pem"), folder.join("ca.pem"));
    fs::write(&pem, server.chain + &server.key).unwrap();
    fs::write(&ca, authority.pem()).unwrap();
    let (listener, back) = listen().await;
    let front = free_port();
    let configuration = format!(
        "listen front\n bind 127.0.0.1:{front} ssl crt {} ca-file {} verify required alpn h2,http/1.1\n \
         unique-id-format id-%cp\n server back 127.0.0.1:{back} send-proxy-v2 proxy-v2-options \
         ssl,cert-cn,ssl-cipher,unique-id,authority,crc32c\n",
        pem.display(),
        ca.display(),
    );
    let _haproxy = start(&haproxy, &folder, &configuration, front).await;

    let chain = CertificateDer::pem_slice_iter(own.chain.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authority.roots())
        .with_client_auth_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(("127.0.0.1", front)).await.unwrap();
    let port = stream.local_addr().unwrap().port();
    let name = "shop.example".try_into().unwrap();
    let mut client = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let mut connection = next(&listener, port).await;

    let tlvs = connection.header().unwrap().tlvs();
    assert!(tlvs.is_checked());
    assert_eq!(tlvs.alpn(), Some(&b"h2"[..]));
    assert_eq!(tlvs.authority(), Some("shop.example"));
    assert_eq!(tlvs.unique_id(), Some(format!("id-{port}").as_bytes()));
    let secure = tlvs.ssl().unwrap();
    assert!(secure.is_tls() && secure.has_certificate_on_connection() && secure.is_verified());
    assert_eq!(secure.version(), Some("TLSv1.3"));
    assert_eq!(secure.common_name(), Some("a client"));
    assert!(secure.cipher().is_some_and(|cipher| cipher.starts_with("TLS_")), "{secure:?}");
    echo(&mut client, &mut connection).await.unwrap();
}

#[tokio::test]
async fn health_checks_from_haproxy() {
    let Some(haproxy) = program("haproxy") else { return };
    let folder = folder("checks");
    let (listener, back) = listen().await;
    let front = free_port();
    let configuration = format!(
        "listen front\n bind 127.0.0.1:{front}\n \
         server back 127.0.0.1:{back} send-proxy-v2 check check-send-proxy inter 100ms\n"
    );
    let _haproxy = start(&haproxy, &folder, &configuration, front).await;
    let settings = ProxyProtocol::required(["127.0.0.0/8".parse().unwrap()]);
    let checked = async {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            // A connection that looked whether HAProxy is there comes with the address of the test.
            if let Ok(connection) = settings.accept(stream, peer).await
                && connection.header().is_some_and(|header| header.endpoints() == Endpoints::Local)
            {
                assert_eq!(connection.client(), peer);
                return;
            }
        }
    };
    timeout(LIMIT, checked).await.unwrap();
}
