//! Kubernetes Ingress objects in, an immutable route table out: which rule takes a request, where it
//! goes, and why.
//!
//! ```
//! use ingress_core::{Outcome, RequestHead, RouteTable, dialect::Kubernetes};
//! use k8s_openapi::api::networking::v1::Ingress;
//!
//! let shop: Ingress = serde_saphyr::from_str("
//! metadata: {namespace: shop, name: web}
//! spec:
//!   rules:
//!   - host: shop.example.com
//!     http:
//!       paths:
//!       - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
//!       - {path: /cart, pathType: Exact, backend: {service: {name: cart, port: {number: 80}}}}
//! ")?;
//! let (table, findings) = RouteTable::compile(Kubernetes, [&shop]);
//! assert!(findings.is_empty());
//!
//! let request = RequestHead::new("shop.example.com", "/cart");
//! let Outcome::Matched(hit) = table.lookup(&request) else { panic!("no rule matches") };
//! assert_eq!(hit.rule().action().to_string(), "shop/cart:80");
//! assert_eq!(hit.rule().origin().to_string(), "shop/web spec.rules[0].http.paths[1]");
//!
//! assert_eq!(table.explain(&RequestHead::new("shop.example.com", "/cart/7")).to_string(), "\
//! GET shop.example.com/cart/7
//!   host shop.example.com   2 rules
//!   #0 Exact /cart   no    the request goes on after byte 5
//!   #1 Prefix /      WON   shop/web spec.rules[0].http.paths[0] -> shop/web:80
//! ");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Three types to know
//!
//! - [`Compiler`] follows objects: [`upsert`](Compiler::upsert), [`remove`](Compiler::remove),
//!   [`compile`](Compiler::compile). Only hosts whose rules changed are built anew. What is wrong with an
//!   object becomes a [`Diagnostic`], and everything else is served.
//! - [`RouteTable`] is what it makes: immutable, [`lookup`](RouteTable::lookup),
//!   [`explain`](RouteTable::explain), [`certificate`](RouteTable::certificate).
//! - [`SharedTable`] is where producer and readers meet: a reader [loads](SharedTable::load) one
//!   [`Snapshot`] for each request, the producer [publishes](SharedTable::publish) the next table.
//!
//! # How a request is decided
//!
//! With the default dialect, [`Kubernetes`](dialect::Kubernetes); each step is an example in
//! [`_documentation::semantics`].
//!
//! 1. The path is split from the query and normalised: escapes of unreserved characters are decoded, dot
//!    segments resolved. A path that servers would read differently is [refused](Outcome::Refused): 400.
//! 2. The host comes from the authority, else from the `Host` header; case, port and one final dot do not
//!    count. The exact host is asked first, then the wildcard, then the rules that name no host.
//! 3. Rules of one host are numbered by precedence when the table is compiled: the longest path first,
//!    among equals `Exact` before `Prefix`, then the older object, then the earlier line. **The
//!    lowest-numbered rule that matches wins.** A host without one passes the request on to the next.
//! 4. When no rule of any host matched, the default backend: of an object that names the host, else of the
//!    oldest object that has one, else of the [configuration](Config::default_backend).
//! 5. Else [no path](Outcome::NoPath) or [no host](Outcome::NoHost): 404.
//!
//! Step 3 is the invariant that everything here serves: indexes find candidates, numbers decide. The
//! literal reading of the same steps is [`explain`](RouteTable::explain), which shares no index with
//! `lookup`; the tests hold the one against the other.
//!
//! # Where things are
//!
//! | | |
//! |---|---|
//! | [`ingress`] | the parsed model of an object, and its class |
//! | [`dialect`] | how a controller reads objects; the seam for further ones |
//! | [`compile`] | objects to tables, one change at a time; settings |
//! | [`rule`], [`path`], [`host`], [`port`] | what a rule consists of |
//! | [`table`], [`request`] | the product, what it is asked, what it answers |
//! | [`mod@explain`] | the same answer with its reasons |
//! | [`endpoint`] | the addresses behind a Service |
//! | [`shared`] | publication |
//! | [`diagnostic`], [`origin`] | what is wrong, and where |
//! | [`overlap`] | which rules take requests away from others |
//!
//! and at length, every example tested: the [words](_documentation::lexicon), the
//! [reading of the specification](_documentation::semantics), the
//! [reasons](_documentation::design), [dialects](_documentation::dialects), what
//! [`ingress-nginx`](_documentation::ingress_nginx) makes of objects, and [cost](_documentation::cost).
//!
//! # Features
//!
//! - `k8s-openapi` (default): conversions from the API's types. The crate never chooses a Kubernetes
//!   version; the program that uses it does, with a feature of `k8s-openapi`.
//! - `serde`: reads the two dropped API versions, as
//!   [`LegacyIngress`](https://docs.rs/ingress-core/latest/ingress_core/ingress/struct.LegacyIngress.html);
//!   serialises diagnostics.
//!
//! Features only add; none changes an answer.
//!
//! # Cost
//!
//! A lookup is linear in the length of host and path, whatever the number of hosts and rules, and a plain
//! hit, a miss and a certificate lookup allocate nothing. Expressions are bounded in memory and time.
//! Publishing one changed host among many copies a small part of the index. The figures, and what an
//! adversary can do, are in [`_documentation::cost`].
//!
//! # Panics, unsafe code, side effects
//!
//! No object and no request makes a function of this crate panic. There is no unsafe code in it, no IO,
//! no clock, no randomness and no thread; where one of these is needed, it is an argument.

#![warn(clippy::indexing_slicing)]

pub mod compare;
pub mod compile;
pub mod diagnostic;
pub mod dialect;
pub mod endpoint;
pub mod explain;
pub mod host;
pub mod ingress;
#[cfg(feature = "k8s-openapi")]
mod k8s;
pub mod origin;
pub mod overlap;
pub mod path;
pub mod port;
mod printable;
pub mod request;
pub mod rule;
pub mod shared;
pub mod table;
mod words;

pub use compile::{Compiler, Config};
pub use diagnostic::{Diagnostic, DiagnosticKind, Severity};
pub use dialect::Dialect;
pub use host::HostPattern;
pub use ingress::Ingress;
pub use origin::IngressId;
pub use path::PathPattern;
pub use request::RequestHead;
pub use rule::{Action, Backend, Rule};
pub use shared::{SharedTable, Snapshot};
pub use table::{Outcome, RouteTable};

/// The long form: pages for reading, whose examples are tests.
pub mod _documentation {
    #[doc = include_str!("docs/lexicon.md")]
    pub mod lexicon {}

    #[doc = include_str!("docs/semantics.md")]
    pub mod semantics {}

    #[doc = include_str!("docs/design.md")]
    pub mod design {}

    #[doc = include_str!("docs/dialects.md")]
    pub mod dialects {}

    #[doc = include_str!("docs/ingress_nginx.md")]
    pub mod ingress_nginx {}

    #[doc = include_str!("docs/cost.md")]
    pub mod cost {}

    #[cfg(doctest)]
    #[doc = include_str!("../README.md")]
    pub mod readme {}
}
