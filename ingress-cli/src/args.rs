//! The arguments, and what `--help` says about them.

#![allow(rustdoc::bare_urls, reason = "the comments are help texts, which link nowhere")]

mod manifests;
mod requests;
mod serve;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use ingress_core::Severity;
use ingress_core::dialect::catalog;

use crate::check::Moment;
pub(crate) use manifests::{Input, OptionalInput, Reading};
pub(crate) use requests::{Asked, header};
pub(crate) use serve::{LogFormat, ServeArgs};

/// Ask Ingress manifests where a request goes, why, and what is wrong with them
#[derive(Debug, Parser)]
#[command(name = "ingress", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "\
Exit status:
  0  as asked
  1  the answer is no: a finding, a failed test, a difference
  2  arguments that make no sense
  3  input that could not be read, though the rest of it was

Examples:
  $ ingress check -f ingress-cli/examples/shop
  $ ingress route -f ingress-cli/examples/shop https://shop.example.com/cart/7
")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

impl Args {
    /// The arguments of the process. Ends it where there is nothing to run.
    pub(crate) fn read() -> Self {
        let matches = program().get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// The program as it was called: `kubectl` starts its plugins under their own names, and people type
/// something else.
pub(crate) fn program() -> clap::Command {
    let command = Args::command();
    if is_plugin() { as_plugin(command.name("kubectl-ingress").bin_name(typed_name())) } else { command }
}

/// What people type.
fn typed_name() -> &'static str {
    if is_plugin() { "kubectl ingress" } else { "ingress" }
}

fn is_plugin() -> bool {
    let program = std::env::args_os().next().map(PathBuf::from);
    program.as_deref().and_then(|path| path.file_stem()).is_some_and(|name| name == "kubectl-ingress")
}

/// Examples are for typing, so they have the name that one types.
fn as_plugin(command: clap::Command) -> clap::Command {
    let examples = command.get_after_help().map(ToString::to_string);
    let command = match examples {
        Some(text) => command.after_help(text.replace("$ ingress ", "$ kubectl ingress ")),
        None => command,
    };
    command.mut_subcommands(as_plugin)
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
    Test(TestArgs),
    Table(TableArgs),
    Diff(DiffArgs),
    Serve(Box<ServeArgs>),
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
    pub(crate) questions: Questions,
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
  $ ingress explain -f ingress-cli/examples/cluster.yaml http://shop.example.com/checkout
")]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) questions: Questions,
}

/// Requests, what to ask about them, and how to answer.
#[derive(Debug, ClapArgs)]
pub(crate) struct Questions {
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
  $ ingress check -f ingress-cli/examples/shop --fail-on warning  # exits 1
  $ ingress check -f ingress-cli/examples/broken --fail-on never
  $ ingress check -f ingress-cli/examples/broken --now 2030-01-01 -o sarif  # exits 1
  $ ingress check --explain shadowed-rule
")]
#[command(
    override_usage = format!(
        "{0} check [OPTIONS] --filename <FILE|DIR|->\n       {0} check --explain <CODE>",
        typed_name()
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

/// Do requests go where they should?
///
/// Runs route tests. A test file is a list, in YAML or JSON, of a request, what to expect of it,
/// and perhaps why:
///
///   - request: {host: shop.example.com, path: /cart/7, headers: {x-canary: always}}
///     expect: {backend: {namespace: shop, service: cart}, upstream_path: /cart/7}
///     because: the cart is a service of its own
///   - {request: "https://shop.example.com/", expect: "shop/frontend:http"}
///   - {request: "POST http://shop.example.com/none", expect: 404}
///
/// A request has the keys of a line of `route --requests`, or is a URL, with a method before it or
/// without. What is expected has the keys of the answer of `route -o json`; what it leaves out may
/// be anything, and null is what the answer must not have. For short, a backend is
/// namespace/service:port or namespace/service, a rule is namespace/ingress with a field or
/// without, and instead of all keys one may write a backend or a status.
///
/// A file may also bring manifests of its own, in documents before the list; it is then tested by
/// itself, with those of -f if there are any. The list stands under the key requests then, and
/// beside it may stand the key options: dialect, class, controller, take_unclassed,
/// default_backend, default_certificate, and under settings the options of the dialect.
#[derive(Debug, ClapArgs)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  $ ingress test ingress-cli/examples/routes.yaml -f ingress-cli/examples/shop
  $ ingress test ingress-cli/examples/routes.yaml -f ingress-cli/examples/shop -o junit
  $ ingress test ingress-cli/examples/routes.yaml -f ingress-cli/examples --fail-under 99 # exits 1
  $ ingress test ingress-core/testdata/kubernetes
"
)]
pub(crate) struct TestArgs {
    /// Files of tests, directories of such, or - for standard input
    #[arg(value_name = "TESTS", help_heading = "Arguments", required = true)]
    pub(crate) tests: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) input: OptionalInput,
    /// Say which rules no test reached
    #[arg(long, help_heading = "Tests")]
    pub(crate) coverage: bool,
    /// Fail when tests reach less than this percentage of the rules; implies --coverage
    #[arg(long, value_name = "PERCENT", help_heading = "Tests", value_parser = percent)]
    pub(crate) fail_under: Option<f64>,
    /// How to print results: for people, one JSON object a line, or the XML of JUnit
    #[arg(short, long, value_enum, value_name = "FORMAT", help_heading = "Results", default_value_t = TestFormat::Text)]
    pub(crate) output: TestFormat,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum TestFormat {
    Text,
    Json,
    Junit,
}

fn percent(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number| (0.0..=100.0).contains(number))
        .ok_or_else(|| "write a number from 0 to 100".to_owned())
}

/// The compiled table
///
/// Prints every host with its rules in the order in which they are asked, and the line that each of them
/// comes from.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  $ ingress table -f ingress-cli/examples/shop
  $ ingress table -f ingress-cli/examples/cluster.yaml
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

/// What would change?
///
/// Compares two sets of manifests, or one set under two dialects, or both, for every possible request:
/// either they route alike, or it prints each difference once, with the shortest request that shows it.
/// What cannot be told is said to be unknown, and never taken for equal. The exit status is 0 only if
/// nothing differs and nothing is unknown, but for what --ignore expects.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
What --ignore takes:
  a host          as the difference calls it: shop.example.com, '*.shops.example.com', '[others]'
  a host/path     differences of that host whose request is for this path or one below it
  an aspect       answer, authorization, backend, certificate, location, policies, target, weights
  a cause         reading-backslashes, reading-dot-segments, reading-escapes, reading-host,
                  reading-malformed, reading-repeated-slashes
  a doubt         of what is unknown, by its code

Examples:
  $ ingress diff -f ingress-cli/examples/shop --to-dialect ingress-nginx  # exits 1
  $ ingress diff -f ingress-cli/examples/shop --to ingress-cli/examples/shop
  $ ingress diff -f ingress-cli/examples/shop --to ingress-cli/examples/cluster.yaml  # exits 1
")]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) other: Other,
    /// Only this host, as a difference calls it
    #[arg(long, value_name = "HOST", help_heading = "Differences")]
    pub(crate) only: Option<String>,
    /// Expect this difference; repeatable
    #[arg(long, value_name = "WHAT", help_heading = "Differences")]
    pub(crate) ignore: Vec<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// What the manifests are compared with.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Compared with")]
#[group(required = true, multiple = true)]
pub(crate) struct Other {
    /// Other manifests, as with -f; without this, the same ones
    #[arg(long, value_name = "FILE|DIR|-")]
    pub(crate) to: Vec<PathBuf>,
    /// Another reading of them; without this, the same one
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(catalog::names()))]
    pub(crate) to_dialect: Option<String>,
    /// Take only the Ingresses of this class there; without this, the same one
    #[arg(long, value_name = "NAME")]
    pub(crate) to_class: Option<String>,
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

#[cfg(test)]
mod tests {
    #[test]
    fn arguments_are_consistent() {
        super::program().debug_assert();
    }
}
