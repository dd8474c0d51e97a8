//! This project's table, through a dialect that takes the expressions as they come.

use std::sync::Arc;

use ingress_core::dialect::{Contributions, Dialect, HostRules};
use ingress_core::origin::FieldPath;
use ingress_core::path::PathPattern;
use ingress_core::rule::{Action, Backend, Rule, ServiceRef};
use ingress_core::{HostPattern, Ingress, Outcome, RequestHead, RouteTable};

use super::Engine;
use crate::expressions::{Expressions, HOST};

/// `RouteTable::lookup` on a host of expressions: host, path and all.
#[derive(Debug)]
pub struct Table(Arc<RouteTable>);

impl Engine for Table {
    const NAME: &'static str = "ingress";

    /// # Panics
    ///
    /// When the compiler finds fault with the expressions: then not every one is served and no figure counts.
    fn build(expressions: &Expressions) -> Self {
        let object = k8s_openapi::api::networking::v1::Ingress::default();
        let dialect = AsWritten { texts: expressions.texts().to_vec() };
        let (table, findings) = RouteTable::compile(dialect, [&object]);
        assert!(findings.is_empty(), "{findings:?}");
        Self(table)
    }

    fn find(&self, host: &str, path: &str) -> Option<u32> {
        match self.0.lookup(&RequestHead::new(host, path)) {
            Outcome::Matched(hit) => Some(hit.rule_id().index() as u32),
            _ => None,
        }
    }
}

/// Makes one rule of each expression, whatever the object.
#[derive(Debug)]
struct AsWritten {
    texts: Vec<String>,
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
            out.rule(&host, Rule::new(path.ignore_case(), Action::forward(backend), origin));
        }
    }

    fn arrange(&self, _: &mut HostRules<'_>) {}
}
