//! This project's table, through a dialect that takes the expressions as they come.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderName;
use ingress_core::dialect::catalog::{self, Settings};
use ingress_core::dialect::{Contributions, Dialect, HostRules};
use ingress_core::origin::FieldPath;
use ingress_core::path::PathPattern;
use ingress_core::rule::{Action, Backend, Predicate, Rule, ServiceRef, ValueTest};
use ingress_core::table::HostTable;
use ingress_core::{Diagnostic, HostPattern, Ingress, Outcome, RequestHead, RouteTable, Severity};
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress as Object, IngressRule, IngressSpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Engine;
use crate::expressions::{Expressions, HOST};
use crate::objects::backend;

/// `RouteTable::lookup` on a host of expressions: host, path and all.
#[derive(Debug)]
pub struct Table(Arc<RouteTable>);

impl Engine for Table {
    const NAME: &'static str = "ingress";

    fn build(expressions: &Expressions) -> Self {
        Self(compile_all(expressions))
    }

    fn find(&self, host: &str, path: &str) -> Option<u32> {
        find(&self.0, host, path)
    }
}

/// The same through the dialect of ingress-nginx, whose locations are several rules each: most of them under
/// a condition, so that every match has to be known and not only the first.
#[derive(Debug)]
pub struct IngressNginx {
    table: Arc<RouteTable>,
    /// The expression of each rule.
    expressions: Vec<Option<u32>>,
}

impl Engine for IngressNginx {
    const NAME: &'static str = "ingress, ingress-nginx";

    /// # Panics
    ///
    /// When the compiler finds fault with the expressions: then not every one is served and no figure counts.
    #[expect(clippy::expect_used, reason = "the dialect is one of ours")]
    fn build(expressions: &Expressions) -> Self {
        let (dialect, _) =
            catalog::build("ingress-nginx", &Settings::default()).expect("it is in the catalogue");
        let (table, findings) = RouteTable::compile(dialect, [&object(expressions.texts())]);
        let errors = findings.iter().filter(|finding| finding.severity() == Severity::Error).count();
        assert_eq!(errors, 0, "{findings:?}");
        let fields: BTreeMap<_, _> =
            (0..).map(|index| FieldPath::path(0, index)).zip(0..).take(expressions.texts().len()).collect();
        let host = HOST.parse().ok().and_then(|host| table.host(&host)).map(HostTable::rules);
        let rules = host.unwrap_or_default().iter();
        let expressions = rules.map(|rule| fields.get(rule.origin().field()).copied()).collect();
        Self { table, expressions }
    }

    fn find(&self, host: &str, path: &str) -> Option<u32> {
        let rule = find(&self.table, host, path)?;
        self.expressions.get(rule as usize).copied().flatten()
    }
}

fn find(table: &RouteTable, host: &str, path: &str) -> Option<u32> {
    match table.lookup(&RequestHead::new(host, path)) {
        Outcome::Matched(hit) => Some(hit.rule_id().index() as u32),
        _ => None,
    }
}

/// An Ingress with these expressions as paths.
fn object(texts: &[String]) -> Object {
    let path = |text: &String| HTTPIngressPath {
        path: Some(text.clone()),
        path_type: "ImplementationSpecific".to_owned(),
        backend: backend("web", 80),
    };
    let http = HTTPIngressRuleValue { paths: texts.iter().map(path).collect() };
    let rule = IngressRule { host: Some(HOST.to_owned()), http: Some(http) };
    let annotation = ("nginx.ingress.kubernetes.io/use-regex".to_owned(), "true".to_owned());
    let metadata = ObjectMeta {
        namespace: Some("shop".to_owned()),
        name: Some("web".to_owned()),
        annotations: Some([annotation].into()),
        ..ObjectMeta::default()
    };
    let spec = IngressSpec {
        ingress_class_name: Some("nginx".to_owned()),
        rules: Some(vec![rule]),
        ..IngressSpec::default()
    };
    Object { metadata, spec: Some(spec), ..Object::default() }
}

/// # Panics
///
/// When the compiler finds fault with the expressions: then not every one is served and no figure counts.
fn compile_all(expressions: &Expressions) -> Arc<RouteTable> {
    let (table, findings) = compile(expressions.texts(), false);
    assert!(findings.is_empty(), "{findings:?}");
    table
}

/// A table of these expressions, all of one object, and what the compiler finds fault with.
pub fn compile(texts: &[String], conditions: bool) -> (Arc<RouteTable>, Vec<Diagnostic>) {
    RouteTable::compile(AsWritten { texts: texts.to_vec(), conditions }, [&object(&[])])
}

/// Makes one rule of each expression, or two, whatever the object.
#[derive(Debug)]
struct AsWritten {
    texts: Vec<String>,
    conditions: bool,
}

impl Dialect for AsWritten {
    fn name(&self) -> &'static str {
        "as-written"
    }

    /// The annotations are for the other entrant, which is made of the same objects.
    fn acts_on(&self, _: &str) -> bool {
        true
    }

    fn expand(&self, _: &Ingress, out: &mut Contributions<'_>) {
        let Ok(host) = HOST.parse::<HostPattern>() else { return };
        for (index, text) in (0..).zip(&self.texts) {
            let Ok(path) = PathPattern::regex(text.as_str()) else { continue };
            let backend = Backend::Service(ServiceRef::new("shop", "web", 80));
            let origin = out.origin(FieldPath::path(0, index));
            let rule = Rule::new(path.ignore_case(), Action::forward(backend), origin);
            if self.conditions {
                let never = Predicate::header(HeaderName::from_static("x-never"), ValueTest::present());
                out.rule(&host, rule.clone().when(never));
            }
            out.rule(&host, rule);
        }
    }

    fn arrange(&self, _: &mut HostRules<'_>) {}
}
