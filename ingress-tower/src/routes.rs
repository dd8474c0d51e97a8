//! The published routes as a list.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use ingress_core::rule::{Forward, RuleId};
use ingress_core::table::HostTable;
use ingress_core::{Action, HostPattern, RouteTable, Rule};

/// All routes of one table, the most specific host first, the rules of a host in the order in which they
/// are asked.
///
/// It keeps its table alive: make one, show it, drop it. `Display` prints a line per rule:
///
/// ```
/// # use ingress_core::{RouteTable, SharedTable, dialect::Kubernetes};
/// # let shop: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str("
/// # metadata: {namespace: shop, name: web}
/// # spec: {rules: [{host: shop.example.com, http: {paths: [
/// #     {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}},
/// #     {path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {name: http}}}}]}}]}
/// # ").unwrap();
/// # let table = SharedTable::new(RouteTable::compile(Kubernetes, [&shop]).0);
/// let layer = ingress_tower::RouteLayer::new(table);
/// assert_eq!(layer.routes().to_string(), "\
/// shop.example.com #0 Prefix /cart -> shop/cart:http (shop/web spec.rules[0].http.paths[1])
/// shop.example.com #1 Prefix / -> shop/web:80 (shop/web spec.rules[0].http.paths[0])
/// ");
/// let backends: Vec<_> = layer.routes().iter().filter_map(|route| route.forward()).map(|to| to.to_string()).collect();
/// assert_eq!(backends, ["shop/cart:http", "shop/web:80"]);
/// ```
#[derive(Clone, Debug)]
pub struct Routes {
    table: Arc<RouteTable>,
}

/// One line of [`Routes`]. Dereferences to its [`Rule`].
#[derive(Clone, Copy, Debug)]
pub struct ListedRoute<'t> {
    host: &'t HostTable,
    rule_id: RuleId,
    rule: &'t Rule,
}

impl Routes {
    pub(crate) const fn new(table: Arc<RouteTable>) -> Self {
        Self { table }
    }

    /// The routes, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = ListedRoute<'_>> {
        self.table
            .hosts()
            .flat_map(|host| host.numbered().map(move |(rule_id, rule)| ListedRoute { host, rule_id, rule }))
    }

    /// Which compilation of its compiler the table is.
    pub fn generation(&self) -> u64 {
        self.table.generation()
    }
}

impl<'t> ListedRoute<'t> {
    /// The host pattern that the rule stands under.
    pub fn host(&self) -> &'t HostPattern {
        self.host.pattern()
    }

    /// Its number within the host.
    pub fn rule_id(&self) -> RuleId {
        self.rule_id
    }

    /// The rule: path, conditions, action, origin.
    pub fn rule(&self) -> &'t Rule {
        self.rule
    }

    /// Whether it is a default backend.
    pub fn is_default(&self) -> bool {
        self.host.is_default(self.rule_id)
    }

    /// The backends; `None` for a rule that does not forward.
    pub fn forward(&self) -> Option<&'t Forward> {
        match self.rule.action() {
            Action::Forward(forward) => Some(forward),
            _ => None,
        }
    }
}

impl Deref for ListedRoute<'_> {
    type Target = Rule;

    fn deref(&self) -> &Rule {
        self.rule
    }
}

impl fmt::Display for ListedRoute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = if self.is_default() { " default" } else { "" };
        write!(f, "{} {}{default} {} ({})", self.host(), self.rule_id, self.rule, self.rule.origin())
    }
}

impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|route| writeln!(f, "{route}"))
    }
}
