//! Which requests.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use http::{HeaderName, HeaderValue, Method};

use crate::target::Target;

/// Requests, from the command line or a file.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Requests")]
pub(crate) struct Asked {
    /// Requests, such as https://shop.example.com/cart?id=7; /cart alone names no host
    #[arg(
        value_name = "URL",
        help_heading = "Arguments",
        required_unless_present = "requests",
        conflicts_with = "requests"
    )]
    pub(crate) urls: Vec<Target>,
    /// The method
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET")]
    pub(crate) request: Method,
    /// A header, as in 'X-Canary: always'; repeatable. Host replaces the host of the URL
    #[arg(short = 'H', long, value_name = "HEADER", value_parser = header)]
    pub(crate) header: Vec<(HeaderName, HeaderValue)>,
    /// The address that the request comes from
    #[arg(long, value_name = "IP")]
    pub(crate) client_ip: Option<IpAddr>,
    /// The TLS server name, where it is not the host
    #[arg(long, value_name = "NAME")]
    pub(crate) sni: Option<String>,
    /// The random draw among weighted backends, modulo the sum of their weights
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) draw: u32,
    /// Read requests from a file, or - for standard input: JSON, one request a line
    #[arg(
        long,
        value_name = "FILE|-",
        conflicts_with_all = ["request", "header", "client_ip", "sni", "draw"],
        long_help = "Read requests from a file, or - for standard input: JSON, one request a line, as in\n\
            {\"id\":\"r1\",\"method\":\"GET\",\"scheme\":\"https\",\"host\":\"shop.example.com\",\"path\":\"/cart?id=7\",\n \
            \"headers\":{\"x-canary\":\"always\"},\"client_ip\":\"192.0.2.7\",\"draw\":0}\n\
            Only path is required."
    )]
    pub(crate) requests: Option<PathBuf>,
}

/// A header as it is written on the command line.
pub(crate) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
    let name = name.trim().parse().map_err(|_| format!("{name:?} is no name of a header"))?;
    let value = value.trim().parse().map_err(|_| format!("{value:?} is no value of a header"))?;
    Ok((name, value))
}
