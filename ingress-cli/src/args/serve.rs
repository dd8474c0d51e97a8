//! What `ingress serve` is told.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use ingress_core::origin::{ObjectId, SecretRef};
use ipnet::IpNet;

use super::manifests::{Input, object};
use crate::serve::{Place, Span};

/// Serve these manifests
///
/// Listens, routes by the Ingresses, and forwards to the endpoints in the input; with --echo it answers
/// every request itself, with what the pod would have seen. Files that change are read again.
///
///   what         default                turned off by
///   --http       port 8080 of loopback  --http off
///   --https      port 8443 of loopback  --https off
///   --admin      port 8090 of loopback  --admin off
///   --workers    one for each core
///   --drain      30s
///
/// An address is IP:PORT; PORT alone is on loopback, in both families, :PORT on all addresses, and port 0 any free one.
/// SIGHUP reads the files again, SIGTERM finishes what is under way, a second one stops at once.
#[derive(Debug, ClapArgs)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  $ ingress serve --echo -f ingress-cli/examples/shop --http 0 --https 0 --admin 0 --for 1s
  $ ingress serve -f ingress-cli/examples/cluster.yaml --http 0 --https off --admin off --for 1s
"
)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Answer for every backend, with what the pod would have seen
    #[arg(long, help_heading = "Serving")]
    pub(crate) echo: bool,
    /// Where to listen for HTTP/1.1 and HTTP/2 in the clear; repeatable
    #[arg(long, value_name = "ADDR", help_heading = "Serving")]
    pub(crate) http: Vec<Place>,
    /// Where to listen for TLS; repeatable
    #[arg(long, value_name = "ADDR", help_heading = "Serving")]
    pub(crate) https: Vec<Place>,
    /// Where to listen for those who watch: health, metrics, and a page; repeatable
    #[arg(long, value_name = "ADDR", help_heading = "Serving")]
    pub(crate) admin: Vec<Place>,
    /// The rest of the settings, in YAML or JSON
    #[arg(long, value_name = "FILE", help_heading = "Serving")]
    pub(crate) config: Option<PathBuf>,
    /// Connections begin with the PROXY protocol, and come from this range; repeatable
    #[arg(long, value_name = "RANGE", help_heading = "Serving")]
    pub(crate) proxy_protocol: Vec<IpNet>,
    /// The Secret whose certificate answers where no other does
    #[arg(long, value_name = "NS/NAME", value_parser = object, help_heading = "Serving")]
    pub(crate) default_certificate: Option<ObjectId>,
    /// How many threads serve requests
    #[arg(long, value_name = "N", help_heading = "Serving")]
    pub(crate) workers: Option<u16>,
    /// Give each thread listeners and connections of its own, in the place of sharing them
    #[arg(long, help_heading = "Serving")]
    pub(crate) per_core: bool,
    /// Let other processes listen at the same addresses (SO_REUSEPORT)
    #[arg(long, help_heading = "Serving")]
    pub(crate) reuse_port: bool,
    /// How long to wait for requests that are under way when told to stop
    #[arg(long, value_name = "TIME", help_heading = "Serving")]
    pub(crate) drain: Option<Span>,
    /// Stop by itself after this time
    #[arg(long = "for", value_name = "TIME", help_heading = "Serving")]
    pub(crate) until: Option<Span>,
    /// How to log: text, JSON, or text on a terminal and JSON elsewhere
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Results")]
    pub(crate) log: Option<LogFormat>,
}

impl ServeArgs {
    pub(crate) fn default_certificate(&self) -> Option<SecretRef> {
        self.default_certificate.as_ref().map(|id| SecretRef::new(id.namespace(), id.name()))
    }
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    #[default]
    Auto,
    Text,
    Json,
}
