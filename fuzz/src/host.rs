//! Host names, in rules and in requests.

use ingress_core::dialect::{Contributions, Dialect, HostReading, Semantics, Wildcards};
use ingress_core::host::HostName;
use ingress_core::origin::FieldPath;
use ingress_core::path::PathPattern;
use ingress_core::rule::{Action, Rule};
use ingress_core::table::HostTable;
use ingress_core::{Compiler, HostPattern, Ingress, RequestHead};

use crate::agree::agree;
use crate::lines::Name;
use crate::{objects, text};

/// One host a line: each as that of a rule, and each as that of a request.
pub fn host(data: &[u8]) {
    let text = text(data);
    let hosts: Vec<_> = text.split('\n').take(40).collect();
    let mut patterns: Vec<HostPattern> = hosts.iter().filter_map(|text| pattern(text)).collect();
    patterns.sort();
    patterns.dedup();
    for wildcards in [Wildcards::Dead, Wildcards::OneLabel, Wildcards::ManyLabels] {
        let mut compiler = Compiler::new(Hosts { patterns: patterns.clone(), wildcards });
        compiler
            .upsert(objects::ingress(&Name { namespace: "ns".to_owned(), name: "hosts".to_owned() }, &[]));
        let table = compiler.compile();
        assert!(table.hosts().map(HostTable::pattern).eq(&patterns), "{table}");
        for raw in &hosts {
            let head = RequestHead::new(raw, "/");
            agree(&table, &head);
            let name = HostName::parse(raw);
            let meant = patterns.iter().find(|pattern| match &name {
                None => pattern.is_any(),
                Some(name) => match wildcards {
                    Wildcards::ManyLabels => pattern.matches_deep(name),
                    Wildcards::OneLabel => pattern.matches(name),
                    _ => !pattern.is_wildcard() && pattern.matches(name),
                },
            });
            assert_eq!(table.lookup(&head).matched().map(|hit| hit.host()), meant, "{raw:?}");
        }
    }
}

/// Reads the host of a rule: what comes of it is read the same again, and so is its name in a request.
fn pattern(text: &str) -> Option<HostPattern> {
    if let Some(name) = HostName::parse(text) {
        assert_eq!(HostName::parse(name.as_str()).as_ref(), Some(&name), "{text:?}");
        assert!(name.as_str().len() <= 253, "{text:?}");
    }
    let pattern: HostPattern = text.parse().ok()?;
    if !pattern.is_any() {
        assert_eq!(pattern.as_str().parse().as_ref(), Ok(&pattern), "{text:?}");
        let name = HostName::parse(pattern.suffix());
        assert_eq!(name.as_ref().map(HostName::as_str), Some(pattern.suffix()), "{text:?}");
    }
    Some(pattern)
}

/// One rule for each of some hosts.
#[derive(Debug)]
struct Hosts {
    patterns: Vec<HostPattern>,
    wildcards: Wildcards,
}

impl Dialect for Hosts {
    fn name(&self) -> &'static str {
        "hosts"
    }

    fn semantics(&self) -> Semantics {
        Semantics::default().with_hosts(HostReading::new(self.wildcards))
    }

    fn expand(&self, _: &Ingress, out: &mut Contributions<'_>) {
        for pattern in &self.patterns {
            let origin = out.origin(FieldPath::object());
            out.rule(pattern, Rule::new(PathPattern::any(), Action::respond(http::StatusCode::OK), origin));
        }
    }
}
