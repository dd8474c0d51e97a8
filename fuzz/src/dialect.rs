//! A dialect that reads lines, and so can be told to use everything the seam offers.

use http::{HeaderName, Method};
use ingress_core::dialect::{
    Contributions, Dialect, HostChoice, HostReading, HostRules, Kubernetes, Semantics, Wildcards,
};
use ingress_core::origin::{FieldPath, Origin, SecretRef};
use ingress_core::path::{Fragment, PathPattern, PathReading, Step};
use ingress_core::rule::{Action, Backend, Predicate, Rewrite, Rule, ServiceRef, ValueTest};
use ingress_core::{HostPattern, Ingress};

use crate::lines::{RuleLine, Word};

/// Readings of paths by name.
pub(crate) const READINGS: &[(&str, PathReading)] = &[
    ("spec", PathReading::new(&[Step::DecodeUnreserved, Step::DotSegments])),
    ("cut", PathReading::new(&[Step::DecodeUnreserved, Step::DotSegments]).fragment(Fragment::Cut)),
    (
        "decode-all",
        PathReading::new(&[Step::DecodeAll, Step::MergeSlashes, Step::DotSegments]).fragment(Fragment::Cut),
    ),
    (
        "not-reserved",
        PathReading::new(&[Step::DecodeNotReserved, Step::Backslash, Step::MergeSlashes, Step::DotSegments]),
    ),
    ("dots-first", PathReading::new(&[Step::DotSegments, Step::MergeSlashes]).fragment(Fragment::Keep)),
    ("raw", PathReading::raw()),
];

/// Expressions that one object may bring. Compiling one takes longer than everything else together.
const EXPRESSIONS: usize = 6;
/// Longer ones are not tried: their cost is what the limits of the crate are for, and has tests of its own.
const LONGEST_EXPRESSION: usize = 60;

/// The dialect.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    semantics: Semantics,
    keep_order: bool,
}

impl Lines {
    pub(crate) fn new(words: &[Word]) -> Self {
        let value =
            |key: &str| words.iter().find(|word| word.key == key).and_then(|word| word.value.as_deref());
        let has = |key: &str| words.iter().any(|word| word.key == key);
        let mut hosts = HostReading::new(match value("wildcards") {
            Some("none") => Wildcards::Dead,
            Some("many") => Wildcards::ManyLabels,
            _ => Wildcards::OneLabel,
        });
        if has("keep-case") {
            hosts = hosts.keep_case();
        }
        if has("keep-dot") {
            hosts = hosts.keep_dot();
        }
        let paths = READINGS.iter().find(|(name, _)| Some(*name) == value("paths"));
        let semantics = Semantics::default()
            .with_choice(match value("choice") {
                Some("best") => HostChoice::Best,
                Some("first") => HostChoice::MostSpecific,
                Some("first-then-any") => HostChoice::MostSpecificThenAny,
                _ => HostChoice::FallThrough,
            })
            .with_hosts(hosts)
            .with_paths(paths.map_or_else(|| Semantics::default().paths(), |(_, reading)| *reading))
            .with_forward_received(has("received"));
        Self { semantics, keep_order: has("keep-order") }
    }
}

impl Dialect for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn semantics(&self) -> Semantics {
        self.semantics
    }

    fn expand(&self, ingress: &Ingress, out: &mut Contributions<'_>) {
        let mut expressions = 0;
        for (index, (_, text)) in (0..).zip(ingress.annotations()) {
            let Ok(line) = text.parse::<RuleLine>() else { continue };
            let host = if line.host == "*" { "" } else { &line.host };
            let Ok(host) = host.parse::<HostPattern>() else { continue };
            let field = FieldPath::path(0, index);
            match line.kind.as_str() {
                "Certificate" => {
                    let secret = SecretRef::new(ingress.id().namespace(), &line.backend);
                    out.certificate(&host, secret, field);
                }
                "Claim" => out.claim(&host),
                kind => {
                    expressions += usize::from(kind.starts_with("Regex"));
                    let origin = out.origin(field);
                    let Some(rule) = rule(&line, origin).filter(|_| expressions <= EXPRESSIONS) else {
                        continue;
                    };
                    if kind == "Default" {
                        out.default_backend(&host, rule);
                    } else if line.words.iter().any(|word| word.key == "weak") {
                        out.weak_rule(&host, rule);
                    } else {
                        out.rule(&host, rule);
                    }
                }
            }
        }
    }

    fn arrange(&self, host: &mut HostRules<'_>) {
        if !self.keep_order {
            host.sort_by_specificity();
        }
    }
}

/// The rule of a line, if it says one.
fn rule(line: &RuleLine, origin: Origin) -> Option<Rule> {
    let (kind, fold) = match line.kind.strip_suffix("~*") {
        Some(kind) => (kind, true),
        None => (line.kind.as_str(), false),
    };
    let path = line.path.as_str();
    let pattern = match kind {
        "Any" | "Default" => Ok(PathPattern::any()),
        "Exact" => PathPattern::exact(path),
        "Literal" => PathPattern::literal(path),
        "Prefix" => PathPattern::prefix(path),
        "Regex" if path.len() <= LONGEST_EXPRESSION => PathPattern::regex(path),
        _ => return None,
    };
    let pattern = pattern.ok()?;
    let pattern = if fold { pattern.ignore_case() } else { pattern };
    let (service, port) = line.backend.split_once(':').unwrap_or((&line.backend, "80"));
    let service = match port.parse::<u16>() {
        Ok(number) => ServiceRef::new(origin.ingress().namespace(), service, number),
        Err(_) => ServiceRef::new(origin.ingress().namespace(), service, port),
    };
    let mut rule = Rule::new(pattern, Action::forward(Backend::Service(service)), origin);
    for word in &line.words {
        rule = apply(rule, word)?;
    }
    Some(rule)
}

/// Adds what a word says to a rule; `None` when it cannot be said.
fn apply(rule: Rule, word: &Word) -> Option<Rule> {
    let value = word.value.as_deref().unwrap_or_default();
    let test = match value {
        "*" => ValueTest::present(),
        "" => ValueTest::absent(),
        value => match value.strip_prefix('~') {
            Some(expression) if expression.len() <= LONGEST_EXPRESSION => {
                ValueTest::regex(expression).ok()?
            }
            Some(_) => return None,
            None => ValueTest::equals(value),
        },
    };
    Some(match word.key.split_once(':') {
        Some(("cookie", name)) => rule.when(Predicate::cookie(name, test)),
        Some(("header", name)) => rule.when(Predicate::header(name.parse::<HeaderName>().ok()?, test)),
        Some(("query", name)) => rule.when(Predicate::query(name, test)),
        _ => match word.key.as_str() {
            "key" => rule.order_key(value),
            "method" => rule.when(Predicate::method(value.parse::<Method>().ok()?)),
            "replace" => rule.rewrite(Rewrite::replace_match(value).ok()?),
            "rewrite" => rule.rewrite(Rewrite::template(value).ok()?),
            _ => rule,
        },
    })
}

/// The dialect of such words, and that of the specification without any.
pub(crate) fn dialect(words: Option<&[Word]>) -> Box<dyn Dialect> {
    match words {
        Some(words) => Box::new(Lines::new(words)),
        None => Box::new(Kubernetes),
    }
}
