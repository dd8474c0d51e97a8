//! What the types promise to whoever builds on them.

use std::fmt::{Debug, Display};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use ingress_core::diagnostic::{Diagnostic, DiagnosticKind};
use ingress_core::dialect::{Contributions, Dialect, Kubernetes, Semantics};
use ingress_core::explain::Explanation;
use ingress_core::host::HostPattern;
use ingress_core::origin::{FieldPath, IngressId, Origin, SecretRef};
use ingress_core::path::{PathPattern, PathReading, Refusal};
use ingress_core::rule::{Action, Predicate, Rewrite, Rule, RuleId};
use ingress_core::table::{HostTable, Match, MemoryUsage, OwnedMatch};
use ingress_core::{Compiler, Config, Ingress, Outcome, RequestHead, RouteTable, SharedTable, Snapshot};

#[test]
fn everything_goes_between_threads() {
    fn owned<T: Send + Sync + 'static>() {}
    fn borrowed<T: Send + Sync>() {}
    owned::<Action>();
    owned::<Compiler>();
    owned::<Config>();
    owned::<Diagnostic>();
    owned::<HostPattern>();
    owned::<HostTable>();
    owned::<Ingress>();
    owned::<OwnedMatch>();
    owned::<PathPattern>();
    owned::<Rewrite>();
    owned::<RouteTable>();
    owned::<Rule>();
    owned::<SharedTable>();
    owned::<Outcome<'static>>();
    borrowed::<Explanation<'_>>();
    borrowed::<RequestHead<'_>>();
}

/// What is shared between requests has nothing in it that a request could change: a panic of one reader
/// leaves no trace for others. `Cell`, `Mutex` and the like have not this property.
#[test]
fn a_table_has_no_interior_mutability() {
    fn frozen<T: RefUnwindSafe + UnwindSafe>() {}
    frozen::<RouteTable>();
    frozen::<Arc<RouteTable>>();
    frozen::<HostTable>();
    frozen::<Rule>();
    frozen::<Outcome<'_>>();
    frozen::<OwnedMatch>();
}

#[test]
fn small_things_are_copied() {
    fn copied<T: Copy>() {}
    copied::<DiagnosticKind>();
    copied::<Kubernetes>();
    copied::<Match<'_>>();
    copied::<MemoryUsage>();
    copied::<Outcome<'_>>();
    copied::<PathReading>();
    copied::<Refusal>();
    copied::<RequestHead<'_>>();
    copied::<RuleId>();
    copied::<Semantics>();
}

/// A speed bump: whoever needs more room says why, and what it costs with a million rules.
#[test]
fn sizes() {
    for (what, size, bound) in [
        ("Outcome", size_of::<Outcome<'_>>(), 24),
        ("Match", size_of::<Match<'_>>(), 16),
        ("OwnedMatch", size_of::<OwnedMatch>(), 16),
        ("HostTable", size_of::<HostTable>(), 8),
        ("Rule", size_of::<Rule>(), 120),
        ("Origin", size_of::<Origin>(), 48),
        ("PathPattern", size_of::<PathPattern>(), 24),
        ("HostPattern", size_of::<HostPattern>(), 24),
        ("IngressId", size_of::<IngressId>(), 16),
        ("SecretRef", size_of::<SecretRef>(), 16),
        ("Semantics", size_of::<Semantics>(), 32),
        ("RequestHead", size_of::<RequestHead<'_>>(), 80),
    ] {
        assert!(size <= bound, "{what} has {size} bytes, more than {bound}");
    }
}

#[test]
fn everything_can_be_shown() {
    fn shown<T: Debug + Display>() {}
    fn logged<T: Debug>() {}
    shown::<Action>();
    shown::<Diagnostic>();
    shown::<Explanation<'_>>();
    shown::<FieldPath>();
    shown::<HostPattern>();
    shown::<HostTable>();
    shown::<Origin>();
    shown::<Outcome<'_>>();
    shown::<PathPattern>();
    shown::<Predicate>();
    shown::<RequestHead<'_>>();
    shown::<Rewrite>();
    shown::<RouteTable>();
    shown::<Rule>();
    logged::<Compiler>();
    logged::<Config>();
    logged::<Ingress>();
    logged::<SharedTable>();
    logged::<Snapshot>();
}

/// A program chooses its dialect when it runs.
#[test]
fn a_dialect_is_an_object() {
    #[derive(Debug)]
    struct Silent;

    impl Dialect for Silent {
        fn name(&self) -> &'static str {
            "silent"
        }

        fn expand(&self, _: &Ingress, _: &mut Contributions<'_>) {}
    }

    for (dialect, name) in
        [(Box::new(Kubernetes) as Box<dyn Dialect>, "kubernetes"), (Box::new(Silent), "silent")]
    {
        let table = Compiler::new(dialect).compile();
        assert_eq!((table.dialect(), table.rule_count()), (name, 0));
    }
}
