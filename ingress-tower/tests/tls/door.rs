//! A table, a store, and handshakes with what answers from them.

use std::io;
use std::sync::Arc;

use ingress_core::dialect::Kubernetes;
use ingress_core::origin::SecretRef;
use ingress_core::{Compiler, Config, SharedTable};
use ingress_tower::tls::{Certificate, CertificateResolver, CertificateStore, ServerSettings};
use k8s_openapi::api::networking::v1 as api;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind, ServerConfig};
use tokio::io::duplex;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::authority::{Authority, Issued};

/// Names: one exactly, one by a wildcard beside it. Everything else has the default, `ns/default`.
const OBJECT: &str = "
metadata: {namespace: ns, name: web}
spec:
  tls:
  - {hosts: [shop.example], secretName: exact}
  - {hosts: ['*.shop.example'], secretName: wildcard}
  rules:
  - host: shop.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
  - host: plain.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
";

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

pub(crate) fn secret(name: &str) -> SecretRef {
    SecretRef::new("ns", name)
}

pub(crate) fn read(secret: &SecretRef, issued: &Issued) -> Certificate {
    Certificate::from_pem(secret, issued.chain.as_bytes(), issued.key.as_bytes(), &provider()).unwrap()
}

/// The table of the tests, with a default certificate or without.
pub(crate) fn table(default: bool) -> SharedTable {
    let object: api::Ingress = serde_saphyr::from_str(OBJECT).unwrap();
    let config = Config::default();
    let config = if default { config.default_certificate(secret("default")) } else { config };
    let mut compiler = Compiler::with_config(Kubernetes, config);
    compiler.upsert(&object);
    SharedTable::new(compiler.compile())
}

/// A store with a certificate for each of these Secrets, whose names each covers.
pub(crate) fn store(authority: &Authority, names: &[(&str, &[&str])]) -> CertificateStore {
    let store = CertificateStore::new();
    for (name, hosts) in names {
        let secret = secret(name);
        store.insert(&secret, read(&secret, &authority.issue(hosts)));
    }
    store
}

/// The settings of the tests' server.
pub(crate) fn server(table: &SharedTable, store: &CertificateStore) -> Arc<ServerConfig> {
    let resolver = CertificateResolver::new(table.clone(), store.clone());
    Arc::new(ServerSettings::new().with_provider(provider()).build(resolver).unwrap())
}

pub(crate) fn client(authority: &Authority) -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authority.roots())
        .with_no_client_auth()
}

/// What came of a handshake.
#[derive(Debug)]
pub(crate) struct Shaken {
    /// The certificate that the client was given.
    pub(crate) certificate: Vec<u8>,
    pub(crate) protocol: Option<Vec<u8>>,
    pub(crate) kind: HandshakeKind,
}

/// Makes one handshake, and has the client take what the server sends afterwards.
pub(crate) async fn shake(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
    name: &str,
) -> io::Result<Shaken> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let (near, far) = duplex(1 << 16);
    let connect = TlsConnector::from(client.clone()).connect(name, near);
    let accept = TlsAcceptor::from(server.clone()).accept(far);
    let (mut near, mut far) = tokio::try_join!(connect, accept)?;
    // Tickets come after the handshake, with the first bytes.
    far.write_all(b"x").await?;
    far.flush().await?;
    near.read_u8().await?;
    let connection = near.get_ref().1;
    Ok(Shaken {
        certificate: connection.peer_certificates().unwrap()[0].to_vec(),
        protocol: connection.alpn_protocol().map(<[u8]>::to_vec),
        kind: connection.handshake_kind().unwrap(),
    })
}
