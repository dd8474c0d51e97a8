//! A controller of somebody else's, in one file: `cargo run -p ingress-core --example custom_dialect`.
//!
//! The fictional controller `acme` reads Ingress objects in its own way:
//!
//! - `Prefix` compares bytes, not elements, and no path regards case;
//! - `ImplementationSpecific` is a regular expression, and expressions are tried in the order in which
//!   they were written, after exact paths and before prefixes;
//! - the annotation `example.com/priority` goes before everything else, even before the host: a rule
//!   without a host can take a request from a rule for exactly this host.

use std::error::Error;

use ingress_core::diagnostic::DialectFinding;
use ingress_core::dialect::{Contributions, HostChoice, HostReading, HostRules, Semantics, Wildcards};
use ingress_core::ingress::{IngressPath, PathType};
use ingress_core::origin::{FieldPath, Leaf};
use ingress_core::path::{PathKind, PathReading, Step};
use ingress_core::{
    Action, Compiler, DiagnosticKind, Dialect, Ingress, PathPattern, RequestHead, Rule, Severity,
};
use k8s_openapi::api::networking::v1 as api;

const PRIORITY: &str = "example.com/priority";

/// Findings of one's own are described once, as constants; their codes are for scripts.
static ODD_PRIORITY: DialectFinding =
    DialectFinding::new("acme-odd-priority", Severity::Warning, "write a whole number, such as \"10\"");

#[derive(Debug)]
struct Acme;

impl Dialect for Acme {
    fn name(&self) -> &'static str {
        "acme"
    }

    /// How requests are read: wildcards of any depth, all hosts in competition, and paths with every
    /// escape decoded and slashes merged.
    fn semantics(&self) -> Semantics {
        Semantics::default()
            .with_choice(HostChoice::Best)
            .with_hosts(HostReading::new(Wildcards::ManyLabels))
            .with_paths(PathReading::new(&[Step::DecodeAll, Step::MergeSlashes, Step::DotSegments]))
    }

    /// What one object contributes. It sees nothing else, so that a change of another object never
    /// makes it run again.
    fn expand(&self, ingress: &Ingress, out: &mut Contributions<'_>) {
        let priority = priority(ingress, out);
        for rule in ingress.rules() {
            for path in rule.paths().unwrap_or_default() {
                let field = FieldPath::path(rule.index(), path.index());
                match pattern(path) {
                    Ok(pattern) => {
                        let key = order_key(priority, &pattern);
                        let action = Action::forward(path.backend().clone());
                        let made = Rule::new(pattern, action, out.origin(field)).order_key(key);
                        out.rule(rule.host(), made);
                    }
                    Err(error) => {
                        out.diagnose(DiagnosticKind::InvalidPath, field.leaf(Leaf::Path), error.to_string());
                    }
                }
            }
        }
    }

    /// The rules of one host, of all objects. With [`HostChoice::Best`] they must stand in the order of
    /// their keys; the sort is stable, so that equal ones stay in the order of objects and lines.
    fn arrange(&self, host: &mut HostRules<'_>) {
        host.drafts_mut().sort_by(|a, b| a.rule().key().cmp(b.rule().key()));
    }
}

fn priority(ingress: &Ingress, out: &mut Contributions<'_>) -> i32 {
    let Some(text) = ingress.annotation(PRIORITY) else { return 0 };
    text.parse().unwrap_or_else(|_| {
        let message = format!("{text:?} is no whole number; the priority is 0");
        out.diagnose(DiagnosticKind::Dialect(&ODD_PRIORITY), FieldPath::annotation(PRIORITY), message);
        0
    })
}

fn pattern(path: &IngressPath) -> Result<PathPattern, ingress_core::path::PathError> {
    let text = path.path().cloned().unwrap_or_else(|| "/".into());
    let pattern = match path.path_type() {
        Some(PathType::Exact) => PathPattern::exact(text),
        Some(PathType::Prefix) => PathPattern::literal(text),
        Some(PathType::ImplementationSpecific) | None => PathPattern::regex(text),
    };
    pattern.map(PathPattern::ignore_case)
}

/// Keys are compared as bytes and the smallest wins: the higher priority, then the kind, then, among
/// prefixes, the longer one.
fn order_key(priority: i32, pattern: &PathPattern) -> Vec<u8> {
    let (kind, length) = match pattern.kind() {
        PathKind::Exact => (0, 0),
        PathKind::Regex => (1, 0),
        _ => (2, u32::try_from(pattern.specificity()).unwrap_or(u32::MAX)),
    };
    let priority = !(priority.cast_unsigned() ^ 1 << 31);
    [&priority.to_be_bytes()[..], &[kind], &(!length).to_be_bytes()].concat()
}

const OBJECTS: [&str; 3] = [
    r#"
metadata: {namespace: shop, name: web}
spec:
  rules:
  - host: shop.example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: home, port: {number: 80}}}}
      - {path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}
      - {path: /cart, pathType: Exact, backend: {service: {name: cart-page, port: {number: 80}}}}
      - {path: "/v[0-9]+/", pathType: ImplementationSpecific, backend: {service: {name: api, port: {number: 80}}}}
      - {path: "/v1/", pathType: ImplementationSpecific, backend: {service: {name: api-v1, port: {number: 80}}}}
"#,
    r#"
metadata: {namespace: ops, name: maintenance, annotations: {example.com/priority: "100"}}
spec:
  rules:
  - http:
      paths:
      - {path: /cart/checkout, pathType: Prefix, backend: {service: {name: sorry, port: {number: 80}}}}
"#,
    r#"
metadata: {namespace: blog, name: typo, annotations: {example.com/priority: high}}
spec:
  rules:
  - host: "*.example.com"
    http:
      paths:
      - {path: /posts, pathType: Prefix, backend: {service: {name: posts, port: {number: 80}}}}
"#,
];

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let mut compiler = Compiler::new(Acme);
    for object in OBJECTS {
        let ingress: api::Ingress = serde_saphyr::from_str(object)?;
        compiler.upsert(&ingress);
    }
    let table = compiler.compile();
    println!("{table}");
    for finding in compiler.diagnostics() {
        println!("{finding}\n  help: {}", finding.help());
    }
    println!();

    for (host, path, service) in [
        ("shop.example.com", "/cart", "shop/cart-page:80"),
        ("shop.example.com", "/CARTS//7", "shop/cart:80"),
        ("shop.example.com", "/v1/users", "shop/api:80"),
        ("shop.example.com", "/cart/checkout/pay", "ops/sorry:80"),
        ("en.blog.example.com", "/posts%2F2026", "blog/posts:80"),
    ] {
        let request = RequestHead::new(host, path);
        let why = table.explain(&request);
        println!("{why}");
        let taken = table.lookup(&request).matched().map(|hit| hit.rule().action().to_string());
        assert_eq!(taken.as_deref(), Some(service), "{host}{path}");
        assert_eq!(table.lookup(&request), why.outcome());
    }
    Ok(())
}
