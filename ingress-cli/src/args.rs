//! The arguments, and what `--help` says about them.

#![allow(rustdoc::bare_urls, reason = "the comments are help texts, which link nowhere")]

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use http::{HeaderName, HeaderValue, Method};
use ingress_core::Severity;
use ingress_core::dialect::{Dialect, Kubernetes};

use crate::check::Moment;
use crate::target::Target;

/// Ask Ingress manifests where a request goes, why, and what is wrong with them
#[derive(Debug, Parser)]
#[command(name = "ingress", bin_name = bin_name(), version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// `kubectl` starts its plugins under their own names; people type something else.
pub(crate) fn bin_name() -> &'static str {
    let program = std::env::args_os().next().map(PathBuf::from);
    match program.as_deref().and_then(|path| path.file_stem()) {
        Some(name) if name == "kubectl-ingress" => "kubectl ingress",
        _ => "ingress",
    }
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "General")]
pub(crate) struct Global {
    /// Colour the text; auto is on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Print results and errors, and no remarks about them
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say what was read and what was passed over
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Route(RouteArgs),
    Explain(ExplainArgs),
    Check(CheckArgs),
    Table(TableArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Where does this request go?
///
/// Says for each request which backend answers it, and by which rule.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  $ ingress route -f ingress-cli/examples/shop https://shop.example.com/cart/7
  $ ingress route -f ingress-cli/examples/shop --requests ingress-cli/examples/requests.jsonl
")]
pub(crate) struct RouteArgs {
    #[command(flatten)]
    pub(crate) asked: Asked,
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Where does this request go, and why?
///
/// Prints the decision: the hosts that were consulted, every rule of theirs, and why it won, lost, or
/// was not needed.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  $ ingress explain -f ingress-cli/examples/shop https://shop.example.com/cart/7
  $ ingress explain -f ingress-cli/examples/shop -o json https://ada.shops.example.com/about
")]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) asked: Asked,
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// What is wrong with these manifests?
///
/// Lists what is not served, what is served otherwise than it was meant, and what is worth knowing,
/// each with the line that it is about.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  $ ingress check -f ingress-cli/examples/shop --fail-on warning
  $ ingress check -f ingress-cli/examples/broken --fail-on never
  $ ingress check -f ingress-cli/examples/broken --now 2030-01-01 -o sarif
  $ ingress check --explain shadowed-rule
")]
#[command(
    override_usage = format!(
        "{0} check [OPTIONS] --filename <FILE|DIR|->\n       {0} check --explain <CODE>",
        bin_name()
    )
)]
#[command(mut_arg("filename", |arg| arg.required(false).required_unless_present("explain")))]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) input: Input,
    /// How to print findings: for people, for programs, one JSON object a line, or as one SARIF log
    #[arg(
        short,
        long,
        value_enum,
        value_name = "FORMAT",
        default_value_t = FindingFormat::Text,
        help_heading = "Results"
    )]
    pub(crate) output: FindingFormat,
    /// The least severity that makes the exit status 1
    #[arg(
        long,
        value_enum,
        value_name = "SEVERITY",
        default_value_t = FailOn::Error,
        help_heading = "Results"
    )]
    pub(crate) fail_on: FailOn,
    /// The time to judge certificates by, such as 2030-01-01 or 2030-01-01T12:00:00Z; without it, now
    #[arg(long, value_name = "TIME", help_heading = "Results")]
    pub(crate) now: Option<Moment>,
    /// Say what a code means, with an example and what to do, and read nothing
    #[arg(
        long,
        value_name = "CODE",
        help_heading = "Results",
        value_parser = PossibleValuesParser::new(crate::check::codes()),
        hide_possible_values = true,
        conflicts_with_all = ["filename", "output", "fail_on", "now"]
    )]
    pub(crate) explain: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum FindingFormat {
    Text,
    Json,
    Sarif,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum FailOn {
    Error,
    Warning,
    Note,
    Never,
}

impl FailOn {
    /// Whether a finding of this severity is a failure.
    pub(crate) fn includes(self, severity: Severity) -> bool {
        match self {
            Self::Error => severity <= Severity::Error,
            Self::Warning => severity <= Severity::Warning,
            Self::Note => severity <= Severity::Note,
            Self::Never => false,
        }
    }
}

/// The compiled table
///
/// Prints every host with its rules in the order in which they are asked.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  $ ingress table -f ingress-cli/examples/shop
  $ ingress table -f ingress-cli/examples/shop --host '*.shops.example.com' -o json
")]
pub(crate) struct TableArgs {
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) format: Format,
    /// Only this host, written as in the manifests; `*` for the rules without a host
    #[arg(long, value_name = "PATTERN")]
    pub(crate) host: Option<String>,
}

/// Print a script that completes these commands in a shell
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  $ ingress completions bash
  $ ingress completions zsh
")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// Print the manual page, in the format of man
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  $ ingress man
  $ ingress man route
")]
pub(crate) struct ManArgs {
    /// The command to describe; without one, the program
    pub(crate) command: Option<String>,
}

/// Manifests and how to read them.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Manifests")]
pub(crate) struct Input {
    /// A manifest, a directory of .yaml, .yml and .json files, or - for standard input; repeatable
    #[arg(short, long, value_name = "FILE|DIR|-", required = true)]
    pub(crate) filename: Vec<PathBuf>,
    /// How to read the manifests
    #[arg(long, value_enum, value_name = "NAME", default_value_t = DialectName::Kubernetes)]
    pub(crate) dialect: DialectName,
    /// Take only the Ingresses of this class
    #[arg(long, value_name = "NAME")]
    pub(crate) class: Option<String>,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Results")]
pub(crate) struct Format {
    /// How to print results: for people, or for programs, one JSON object a line
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = OutputFormat::Text)]
    pub(crate) output: OutputFormat,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum OutputFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum DialectName {
    /// The specification, and no controller's habits
    Kubernetes,
}

impl DialectName {
    pub(crate) fn dialect(self) -> Box<dyn Dialect> {
        match self {
            Self::Kubernetes => Box::new(Kubernetes),
        }
    }
}

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
    /// The random draw among weighted backends, modulo the sum of their weights
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) draw: u32,
    /// Read requests from a file, or - for standard input: JSON, one request a line
    #[arg(
        long,
        value_name = "FILE|-",
        conflicts_with_all = ["request", "header", "client_ip", "draw"],
        long_help = "Read requests from a file, or - for standard input: JSON, one request a line, as in\n\
            {\"id\":\"r1\",\"method\":\"GET\",\"scheme\":\"https\",\"host\":\"shop.example.com\",\"path\":\"/cart?id=7\",\n \
            \"headers\":{\"x-canary\":\"always\"},\"client_ip\":\"192.0.2.7\",\"draw\":0}\n\
            Only path is required."
    )]
    pub(crate) requests: Option<PathBuf>,
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
    let name = name.trim().parse().map_err(|_| format!("{name:?} is no name of a header"))?;
    let value = value.trim().parse().map_err(|_| format!("{value:?} is no value of a header"))?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        super::Args::command().debug_assert();
    }
}
