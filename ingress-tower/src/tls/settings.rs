//! The settings of a TLS server, as a front door wants them.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::{ProducesTickets, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::{DEFAULT_VERSIONS, ServerConfig, SupportedProtocolVersion};

/// Makes a [`ServerConfig`]: HTTP/2 and HTTP/1.1 by ALPN, TLS 1.2 and 1.3, session resumption.
#[must_use]
#[derive(Clone, Debug)]
pub struct ServerSettings {
    provider: Option<Arc<CryptoProvider>>,
    versions: Vec<&'static SupportedProtocolVersion>,
    protocols: Vec<Vec<u8>>,
    sessions: usize,
    ticketer: Option<Arc<dyn ProducesTickets>>,
}

/// Why there is no [`ServerConfig`].
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum SettingsError {
    /// No crypto provider was given, and the process has no default one.
    NoProvider,
    /// The provider cannot do what the settings ask for.
    Provider(rustls::Error),
}

impl ServerSettings {
    /// The defaults, with the crypto provider that is the default of the process.
    pub fn new() -> Self {
        Self {
            provider: None,
            versions: DEFAULT_VERSIONS.to_vec(),
            protocols: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            sessions: 4096,
            ticketer: None,
        }
    }

    /// A crypto provider.
    pub fn with_provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Versions of TLS, in the place of 1.2 and 1.3.
    pub fn with_versions(
        mut self,
        versions: impl IntoIterator<Item = &'static SupportedProtocolVersion>,
    ) -> Self {
        self.versions = versions.into_iter().collect();
        self
    }

    /// Protocols for ALPN, the preferred one first, in the place of `h2` and `http/1.1`.
    pub fn with_protocols<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// How many sessions are kept for resumption, in the place of 4096: in the order of a kilobyte each,
    /// and by this process alone. None with 0, which leaves resumption to tickets, if there are any.
    pub const fn with_sessions(mut self, sessions: usize) -> Self {
        self.sessions = sessions;
        self
    }

    /// Tickets: sessions that the client keeps, encrypted. They outlive the memory for sessions, and a
    /// restart if the key does. Providers have ticketers that change their key by time.
    pub fn with_ticketer(mut self, ticketer: Arc<dyn ProducesTickets>) -> Self {
        self.ticketer = Some(ticketer);
        self
    }

    /// The configuration, with certificates from `resolver`.
    pub fn build(self, resolver: impl ResolvesServerCert + 'static) -> Result<ServerConfig, SettingsError> {
        let provider = self.provider.or_else(|| CryptoProvider::get_default().cloned());
        let provider = provider.ok_or(SettingsError::NoProvider)?;
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&self.versions).map_err(SettingsError::Provider)?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = self.protocols;
        config.session_storage = match self.sessions {
            0 => Arc::new(rustls::server::NoServerSessionStorage {}),
            sessions => ServerSessionMemoryCache::new(sessions),
        };
        if let Some(ticketer) = self.ticketer {
            config.ticketer = ticketer;
        }
        Ok(config)
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProvider => "there is no crypto provider",
            Self::Provider(_) => "the crypto provider cannot do what the settings ask for",
        })
    }
}

impl std::error::Error for SettingsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoProvider => None,
            Self::Provider(error) => Some(error),
        }
    }
}
