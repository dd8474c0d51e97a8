//! Certificates for TLS handshakes: the published table says which Secret, a store has what is in it.
//!
//! # Which certificate
//!
//! 1. The Secret that the table names for the server name: that of the exact host, else of the wildcard,
//!    else of entries without hosts, else the table's default. Without a server name, only the last two.
//! 2. When the store has no certificate for that Secret, be it that it has not arrived yet or that it
//!    cannot be read: the table's default certificate. A table may thus be published before its
//!    certificates arrive; [`CertificateStore::missing`] tells which are waited for.
//! 3. Else the resolver's [fallback](CertificateResolver::with_fallback).
//! 4. Else the handshake is refused.
//!
//! An expired certificate is served like any other: [`CertificateStore::validities`] is there to see it
//! coming. Neither table nor store is held for longer than the choice takes; connections that are
//! established go on with what they were made with.
//!
//! A session is resumed under the server name that it was made for, and no certificate is sent then. The
//! choice is made all the same, so that a name without any certificate is refused here, too.
//!
//! # Crypto
//!
//! No crypto provider comes with this feature: reading a key takes one as an argument, and
//! [`ServerSettings`] take one or the default of the process.
//!
//! # Cost
//!
//! A handshake asks the table once and the store once, and takes no lock: without an allocation, and with
//! one reference count. A change of the store copies its map, which is two words for each certificate.
//! Chains are bounded, since they are sent with every handshake: 16 certificates, 64 KiB. A time limit for
//! handshakes is for whoever accepts connections to set.
//!
//! # By default
//!
//! ```
//! use ingress_core::{SharedTable, origin::SecretRef};
//! use ingress_tower::tls::{Certificate, CertificateResolver, CertificateStore, ServerSettings};
//!
//! # let made = rcgen::generate_simple_self_signed(["shop.example.com".to_owned()]).unwrap();
//! # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
//! # let table = SharedTable::default();
//! let provider = rustls::crypto::ring::default_provider();
//! let store = CertificateStore::new();
//! let secret = SecretRef::new("shop", "web-tls");
//! let certificate = Certificate::from_pem(&secret, chain.as_bytes(), key.as_bytes(), &provider)?;
//! store.insert(&secret, certificate);
//!
//! let resolver = CertificateResolver::new(table, store.clone());
//! let config = ServerSettings::new().with_provider(provider.into()).build(resolver)?;
//! assert_eq!(config.alpn_protocols, [&b"h2"[..], b"http/1.1"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Configured
//!
//! A fallback, fewer protocols, and requests for a host of another certificate than that of their connection:
//!
//! ```
//! use std::sync::Arc;
//! use http::{Request, Response};
//! use ingress_core::{RouteTable, SharedTable, dialect::Kubernetes, origin::SecretRef};
//! use ingress_tower::tls::{
//!     Certificate, CertificateResolver, CertificateStore, ConnectionName, MisdirectedLayer, ServerSettings,
//! };
//! use tokio_rustls::{TlsAcceptor, TlsConnector, rustls};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let web: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str("
//! # metadata: {namespace: shop, name: web}
//! # spec: {tls: [{hosts: [shop.example.com], secretName: web-tls}]}
//! # ").unwrap();
//! # let made = rcgen::generate_simple_self_signed(["shop.example.com".to_owned()])?;
//! # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
//! # let mut roots = rustls::RootCertStore::empty();
//! # roots.add(made.cert.der().clone())?;
//! let provider = Arc::new(rustls::crypto::ring::default_provider());
//! // The object has an entry for TLS: `hosts: [shop.example.com], secretName: web-tls`.
//! let (table, _findings) = RouteTable::compile(Kubernetes, [&web]);
//! let shared = SharedTable::new(table);
//!
//! // The Secret has not arrived yet: what answers is the fallback.
//! let own = SecretRef::new("program", "own");
//! let fallback = Certificate::from_pem(&own, chain.as_bytes(), key.as_bytes(), &provider)?;
//! let store = CertificateStore::new();
//! assert!(store.missing(&shared.load()).contains(&SecretRef::new("shop", "web-tls")));
//! let resolver = CertificateResolver::new(shared.clone(), store).with_fallback(fallback);
//! let config = ServerSettings::new()
//!     .with_provider(provider.clone())
//!     .with_versions([&rustls::version::TLS13])
//!     .with_protocols(["http/1.1"])
//!     .with_sessions(100_000)
//!     .build(resolver)?;
//!
//! # let client = rustls::ClientConfig::builder_with_provider(provider)
//! #     .with_safe_default_protocol_versions()?
//! #     .with_root_certificates(roots)
//! #     .with_no_client_auth();
//! let (near, far) = tokio::io::duplex(1 << 14);
//! let connect = TlsConnector::from(Arc::new(client)).connect("shop.example.com".try_into()?, near);
//! let accept = TlsAcceptor::from(Arc::new(config)).accept(far);
//! let (_near, far) = tokio::try_join!(connect, accept)?;
//!
//! // The extension goes to every request of the connection.
//! let connection = ConnectionName::of(far.get_ref().1);
//! let service = MisdirectedLayer::new(shared).layer(service_fn(async |_: Request<()>| {
//!     Ok::<_, std::convert::Infallible>(Response::new(String::new()))
//! }));
//! for (host, status) in [("shop.example.com", 200), ("else.example.com", 421)] {
//!     let request = Request::get("/").header("host", host).extension(connection.clone()).body(())?;
//!     assert_eq!(service.clone().oneshot(request).await?.status(), status);
//! }
//! # Ok(())
//! # }
//! ```

mod certificate;
mod error;
mod misdirected;
mod resolver;
mod settings;
mod store;
mod validity;

pub use certificate::Certificate;
pub use error::{CertificateError, CertificateErrorKind};
pub use misdirected::{Agreement, CheckConnection, ConnectionName, Misdirected, MisdirectedLayer};
pub use resolver::{CertificateResolver, Choice};
pub use settings::{ServerSettings, SettingsError};
pub use store::CertificateStore;
pub use validity::{Phase, Validity};
