//! This project's table, through a dialect that takes the expressions as they come.

use std::sync::Arc;

use http::HeaderName;
use ingress_core::dialect::{Contributions, Dialect, HostRules};
use ingress_core::origin::FieldPath;
use ingress_core::path::PathPattern;
use ingress_core::rule::{Action, Backend, Predicate, Rule, ServiceRef, ValueTest};
use ingress_core::{Diagnostic, HostPattern, Ingress, Outcome, RequestHead, RouteTable};
use k8s_openapi::api::networking::v1::{Ingress as Object, IngressRule, IngressSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Engine;
use crate::expressions::{Expressions, HOST};

/// `RouteTable::lookup` on a host of expressions: host, path and all.
#[derive(Debug)]
pub struct Table(Arc<RouteTable>);

impl Engine for Table {
    const NAME: &'static str = "ingress";

    fn build(expressions: &Expressions) -> Self {
        Self(compile_all(expressions, false))
    }

    fn find(&self, host: &str, path: &str) -> Option<u32> {
        find(&self.0, host, path)
    }
}

/// The same with two rules for each expression, the first of which stands under a condition: as where some
/// requests are redirected. Then every match has to be known, not only the first.
#[derive(Debug)]
pub struct Conditional(Arc<RouteTable>);

impl Engine for Conditional {
    const NAME: &'static str = "ingress, conditions";

    fn build(expressions: &Expressions) -> Self {
        Self(compile_all(expressions, true))
    }

    fn find(&self, host: &str, path: &str) -> Option<u32> {
        find(&self.0, host, path).map(|rule| rule / 2)
    }
}

fn find(table: &RouteTable, host: &str, path: &str) -> Option<u32> {
    match table.lookup(&RequestHead::new(host, path)) {
        Outcome::Matched(hit) => Some(hit.rule_id().index() as u32),
        _ => None,
    }
}

/// # Panics
///
/// When the compiler finds fault with the expressions: then not every one is served and no figure counts.
fn compile_all(expressions: &Expressions, conditions: bool) -> Arc<RouteTable> {
    let (table, findings) = compile(expressions.texts(), conditions);
    assert!(findings.is_empty(), "{findings:?}");
    table
}

/// A table of these expressions, all of one object, and what the compiler finds fault with.
pub fn compile(texts: &[String], conditions: bool) -> (Arc<RouteTable>, Vec<Diagnostic>) {
    let metadata = ObjectMeta { name: Some("web".to_owned()), ..ObjectMeta::default() };
    let rule = IngressRule { host: Some(HOST.to_owned()), http: None };
    let spec = IngressSpec { rules: Some(vec![rule]), ..IngressSpec::default() };
    let object = Object { metadata, spec: Some(spec), ..Object::default() };
    RouteTable::compile(AsWritten { texts: texts.to_vec(), conditions }, [&object])
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
