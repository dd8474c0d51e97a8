//! What a dialect decides about requests, as data: read at every lookup, so it is small and `Copy`.

use crate::host::{HostName, lenient, strip_port};
use crate::path::{PathReading, Step};
use crate::request::RequestHead;

/// How a table reads requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Semantics {
    choice: HostChoice,
    hosts: HostReading,
    paths: PathReading,
    certificate_wildcards: Wildcards,
    forward_received: bool,
    checks: bool,
}

/// Which of the hosts that a request may belong to are asked for a rule.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostChoice {
    /// All of them compete; the rule with the smallest
    /// [order key](crate::rule::Rule::order_key) wins, then the more specific host.
    Best,
    /// One after the other, the most specific first, until a rule matches.
    FallThrough,
    /// Only the most specific one.
    MostSpecific,
    /// The most specific one, then the rules that name no host.
    MostSpecificThenAny,
}

/// How the host of a request is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HostReading {
    fold_case: bool,
    strip_dot: bool,
    lenient: bool,
    wildcards: Wildcards,
}

/// Where a host is brought into form. Longer names than these 256 bytes are rare.
pub(crate) struct NameBuffer {
    short: [u8; 256],
    long: Vec<u8>,
}

impl NameBuffer {
    pub(crate) const fn new() -> Self {
        Self { short: [0; 256], long: Vec::new() }
    }

    fn fill(&mut self, name: &str) -> &[u8] {
        let place = match self.short.get_mut(..name.len()) {
            Some(place) => place,
            None => {
                self.long.resize(name.len(), 0);
                &mut self.long
            }
        };
        place.copy_from_slice(name.as_bytes());
        place.make_ascii_lowercase();
        place
    }
}

/// What the `*` of a wildcard host stands for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wildcards {
    /// Nothing: wildcards match no request.
    Dead,
    /// One label or more. Of several wildcards the longest suffix goes first.
    ManyLabels,
    /// One label.
    OneLabel,
}

impl Default for Semantics {
    /// The reading of the `kubernetes` dialect.
    fn default() -> Self {
        Self {
            choice: HostChoice::FallThrough,
            hosts: HostReading::new(Wildcards::OneLabel),
            paths: PathReading::new(&[Step::DecodeUnreserved, Step::DotSegments]),
            certificate_wildcards: Wildcards::OneLabel,
            forward_received: false,
            checks: false,
        }
    }
}

impl Semantics {
    /// Sets which hosts are asked.
    #[must_use]
    pub const fn with_choice(mut self, choice: HostChoice) -> Self {
        self.choice = choice;
        self
    }

    /// Sets how hosts are read.
    #[must_use]
    pub const fn with_hosts(mut self, hosts: HostReading) -> Self {
        self.hosts = hosts;
        self
    }

    /// Sets how paths are read.
    #[must_use]
    pub const fn with_paths(mut self, paths: PathReading) -> Self {
        self.paths = paths;
        self
    }

    /// Sets what the `*` of a certificate's host stands for.
    #[must_use]
    pub const fn with_certificate_wildcards(mut self, wildcards: Wildcards) -> Self {
        self.certificate_wildcards = wildcards;
        self
    }

    /// Sends the target on as it was received, not as it was judged.
    #[must_use]
    pub const fn with_forward_received(mut self, received: bool) -> Self {
        self.forward_received = received;
        self
    }

    /// Judges requests before any path is read, and refuses what a strict server refuses: methods that are
    /// not in upper case, `CONNECT` and `TRACE`, hosts that are none, no host at all in HTTP/1.1, targets
    /// that are too long, control bytes in the query, and paths that climb above the root. Absolute targets
    /// are taken apart.
    #[must_use]
    pub const fn with_checks(mut self, checks: bool) -> Self {
        self.checks = checks;
        self.paths = self.paths.strict_root(checks);
        self
    }

    /// Whether requests are judged before any path is read.
    pub const fn checks(&self) -> bool {
        self.checks
    }

    /// The request that an absolute target stands for.
    pub(crate) fn absolute<'r>(&self, request: &RequestHead<'r>) -> Option<RequestHead<'r>> {
        if self.checks { request.taken_apart() } else { None }
    }

    /// Which hosts are asked.
    pub const fn choice(&self) -> HostChoice {
        self.choice
    }

    /// How hosts are read.
    pub const fn hosts(&self) -> HostReading {
        self.hosts
    }

    /// How paths are read.
    pub const fn paths(&self) -> PathReading {
        self.paths
    }

    /// What the `*` of a certificate's host stands for: one label, as in certificates themselves.
    pub const fn certificate_wildcards(&self) -> Wildcards {
        self.certificate_wildcards
    }

    /// Whether the target is sent on as it was received.
    pub const fn forward_received(&self) -> bool {
        self.forward_received
    }
}

impl HostReading {
    /// Without case, without a final dot, with the given wildcards.
    pub const fn new(wildcards: Wildcards) -> Self {
        Self { fold_case: true, strip_dot: true, lenient: false, wildcards }
    }

    /// What a lenient server takes for a host is a name: of any length, in whatever letters, before a colon
    /// and whatever comes behind it. Each label that a wildcard stands for remains one of letters,
    /// digits, `-` and `_`.
    #[must_use]
    pub const fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    /// The same with other wildcards.
    pub(crate) const fn with_wildcards(mut self, wildcards: Wildcards) -> Self {
        self.wildcards = wildcards;
        self
    }

    /// Whether names may be of any length, in whatever letters.
    pub(crate) const fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// A final dot is part of the name, which then matches nothing but rules without a host.
    #[must_use]
    pub const fn keep_dot(mut self) -> Self {
        self.strip_dot = false;
        self
    }

    /// Upper case in the host of a request matches nothing but rules without a host.
    #[must_use]
    pub const fn keep_case(mut self) -> Self {
        self.fold_case = false;
        self
    }

    /// What a wildcard stands for.
    pub const fn wildcards(&self) -> Wildcards {
        self.wildcards
    }

    /// The name in a raw host, its case as it came; `None` when it is none that could match.
    fn bare<'r>(&self, raw: &'r str) -> Option<&'r str> {
        if self.lenient {
            return lenient(raw);
        }
        let name = strip_port(raw).unwrap_or(raw);
        let meant = (self.fold_case || !name.bytes().any(|byte| byte.is_ascii_uppercase()))
            && (self.strip_dot || !name.ends_with('.'));
        if meant { HostName::bare(raw) } else { None }
    }

    /// The canonical form of a host, written to `buffer`; `None` when it is none that could match.
    pub(crate) fn canonical<'b>(&self, raw: &[u8], buffer: &'b mut NameBuffer) -> Option<&'b [u8]> {
        let name = self.bare(str::from_utf8(raw).ok()?)?;
        Some(buffer.fill(name))
    }

    /// The same for patterns to be compared with.
    pub(crate) fn name<'r>(&self, raw: &'r str) -> Option<HostName<'r>> {
        self.bare(raw).map(HostName::folded)
    }

    /// A host that needs no other form, if it is one that could match.
    pub(crate) fn name_in_form<'r>(&self, name: &'r str) -> Option<HostName<'r>> {
        if self.lenient { lenient(name).map(|_| HostName::in_form(name)) } else { HostName::parse(name) }
    }
}
