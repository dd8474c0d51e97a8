//! Connections to endpoints through TLS.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::TlsConnector;

use super::connect::{Connect, Connected, Connecting, TcpConnect};
use super::pick::{Protocol, Target};
use super::reason::Reason;

/// Speaks TLS with the endpoints that want it, and plain TCP with the others. Feature `upstream-tls`.
///
/// What is spoken inside, HTTP/1.1 or HTTP/2, is agreed upon in the handshake (ALPN). The name that is asked
/// for is that of the [target](Target::server_name), else its address. A handshake that fails is
/// [`Reason::Tls`] or, where the certificate is to blame, [`Reason::Certificate`]; nothing is ever sent in the
/// clear in its place.
///
/// ```
/// use std::sync::Arc;
/// use ingress_tower::proxy::{Config, TlsConnect, UpstreamTls};
///
/// # fn sound(authorities: rustls::RootCertStore) -> Result<(), rustls::Error> {
/// # let provider = Arc::new(rustls::crypto::ring::default_provider());
/// // One for all endpoints.
/// let verified = UpstreamTls::new(provider.clone()).authorities(authorities).client_config()?;
/// let config = Config::default().connect_with(TlsConnect::new(verified.clone()));
///
/// // Those that a rule wants verified, and the others.
/// let unverified = UpstreamTls::new(provider).unverified().client_config()?;
/// let connect = TlsConnect::by(move |target| {
///     let verifies = target.trust().is_some_and(|trust| trust.verifies());
///     Some(if verifies { verified.clone() } else { unverified.clone() })
/// });
/// # drop((config, connect));
/// # Ok(())
/// # }
/// # sound(rustls::RootCertStore::empty()).unwrap_err();
/// ```
#[derive(Clone)]
pub struct TlsConnect {
    tcp: TcpConnect,
    choose: Arc<Choose>,
}

type Choose = dyn Fn(&Target) -> Option<Arc<ClientConfig>> + Send + Sync;

impl TlsConnect {
    /// With one configuration for all endpoints. It is used as it is: HTTP/2 is only spoken if its
    /// `alpn_protocols` have it.
    pub fn new(config: Arc<ClientConfig>) -> Self {
        Self::by(move |_| Some(config.clone()))
    }

    /// With a configuration for each endpoint, such as one of the Secret that its rule
    /// [names](super::Trust::secret). `None` refuses the connection. It is asked for every new connection, so
    /// configurations are best kept: sessions are resumed within one.
    pub fn by(choose: impl Fn(&Target) -> Option<Arc<ClientConfig>> + Send + Sync + 'static) -> Self {
        Self { tcp: TcpConnect::default(), choose: Arc::new(choose) }
    }

    /// Opens the streams below in another way.
    #[must_use]
    pub fn over(mut self, tcp: TcpConnect) -> Self {
        self.tcp = tcp;
        self
    }

    async fn shake_hands(&self, target: &Target) -> Result<Connected, Reason> {
        let config = (self.choose)(target).ok_or(Reason::Tls)?;
        let name = server_name(target).ok_or(Reason::Certificate)?;
        let stream = self.tcp.open(target.address()).await?;
        let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|error| blame(&error))?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Connected::new(stream, http2))
    }
}

impl Connect for TlsConnect {
    fn connect<'c>(&'c self, target: &'c Target) -> Connecting<'c> {
        if target.protocol() == Protocol::Tls {
            return Box::pin(self.shake_hands(target));
        }
        self.tcp.connect(target)
    }
}

impl fmt::Debug for TlsConnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnect").field("tcp", &self.tcp).finish_non_exhaustive()
    }
}

fn server_name(target: &Target) -> Option<ServerName<'static>> {
    match target.server_name() {
        Some(name) => ServerName::try_from(name.to_owned()).ok(),
        None => target.address().socket().map(|socket| socket.ip().into()),
    }
}

fn blame(error: &io::Error) -> Reason {
    let tls = error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Reason::Certificate
        }
        _ => Reason::Tls,
    }
}

/// The settings of TLS with endpoints.
///
/// Without authorities, and unless it is told not to verify, no certificate is good enough.
pub struct UpstreamTls {
    provider: Arc<CryptoProvider>,
    authorities: RootCertStore,
    verify: bool,
    server_name: bool,
    own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl UpstreamTls {
    /// With the algorithms of this provider.
    pub fn new(provider: Arc<CryptoProvider>) -> Self {
        let authorities = RootCertStore::empty();
        Self { provider, authorities, verify: true, server_name: true, own: None }
    }

    /// Trusts what these have signed.
    #[must_use]
    pub fn authorities(mut self, authorities: RootCertStore) -> Self {
        self.authorities = authorities;
        self
    }

    /// Takes any certificate. The connection is encrypted, but to whom nobody knows: what controllers do by
    /// default that know no authority of the endpoints.
    #[must_use]
    pub fn unverified(mut self) -> Self {
        self.verify = false;
        self
    }

    /// Does not send the name in the handshake.
    #[must_use]
    pub fn without_server_name(mut self) -> Self {
        self.server_name = false;
        self
    }

    /// Shows this certificate to endpoints that ask for one.
    #[must_use]
    pub fn certificate(mut self, chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Self {
        self.own = Some((chain, key));
        self
    }

    /// The configuration: HTTP/2 and HTTP/1.1 by ALPN, TLS 1.2 and 1.3.
    pub fn client_config(self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let algorithms = self.provider.signature_verification_algorithms;
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?;
        let builder = if self.verify {
            let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(
                self.authorities.into(),
                self.provider,
            );
            let verifier = verifier.build().map_err(|error| rustls::Error::General(error.to_string()))?;
            builder.with_webpki_verifier(verifier)
        } else {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(algorithms)))
        };
        let mut config = match self.own {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.enable_sni = self.server_name;
        Ok(Arc::new(config))
    }
}

// A key never gets into a log.
impl fmt::Debug for UpstreamTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamTls")
            .field("verify", &self.verify)
            .field("server_name", &self.server_name)
            .field("certificate", &self.own.is_some())
            .finish_non_exhaustive()
    }
}

/// Believes that everybody is who they say; that they have the key of the certificate they show is checked.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
