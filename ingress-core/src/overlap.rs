//! Which rules of a host take a part of the requests that others would have got.
//!
//! That is how precedence is meant to work, and yet a surprise when the two rules belong to different
//! objects: whoever reads only the one does not see that it does not get everything it names.

use crate::path::{PathKind, PathPattern};
use crate::rule::RuleId;
use crate::table::HostTable;

/// One rule takes requests that another one would have got, were it not there.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Overlap {
    /// The rule that does not get all the requests it names.
    pub loser: RuleId,
    /// The rule that takes some of them.
    pub winner: RuleId,
}

/// The overlaps among the rules of a host, ordered by the rules that lose something.
///
/// Each rule takes from the *next wider* one only: where `/a/b/c` stands below `/a/b` and `/a`, it takes
/// from `/a/b`. A rule for every path loses nothing, since what others leave is just what it names. Rules
/// with conditions and regular expressions are passed over, and so are rules that are never reached.
///
/// Linear in the text of the paths, but for sorting it.
///
/// ```
/// use ingress_core::{Compiler, HostPattern, dialect::Kubernetes, overlap};
/// # let backend = serde_json::json!({"service": {"name": "web", "port": {"number": 80}}});
/// # let web: k8s_openapi::api::networking::v1::Ingress = serde_json::from_value(serde_json::json!({
/// #     "metadata": {"name": "web", "namespace": "shop"},
/// #     "spec": {"rules": [{"host": "shop.example.com", "http": {"paths": [
/// #         {"path": "/", "pathType": "Prefix", "backend": backend},
/// #         {"path": "/api", "pathType": "Prefix", "backend": backend},
/// #         {"path": "/api/v1", "pathType": "Exact", "backend": backend},
/// #     ]}}]}
/// # })).unwrap();
///
/// // Prefix /, Prefix /api, Exact /api/v1
/// let mut compiler = Compiler::new(Kubernetes);
/// compiler.upsert(&web);
/// let table = compiler.compile();
/// let host = table.host(&"shop.example.com".parse()?).unwrap();
/// let [overlap] = overlap::overlaps(host)[..] else { panic!() };
/// let rule = |id: ingress_core::rule::RuleId| host.rules()[id.index()].path().to_string();
/// assert_eq!((rule(overlap.loser), rule(overlap.winner)), ("Prefix /api".into(), "Exact /api/v1".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn overlaps(host: &HostTable) -> Vec<Overlap> {
    let mut found = Vec::new();
    for fold in [false, true] {
        among(host, fold, &mut found);
    }
    found.sort_unstable();
    found
}

/// A rule as far as other rules can lie within it.
struct Area {
    text: Vec<u8>,
    /// The wider of two with the same text comes first.
    kind: PathKind,
    rank: u32,
}

fn among(host: &HostTable, fold: bool, found: &mut Vec<Overlap>) {
    let routed = host.rules().get(..host.routed()).unwrap_or_default();
    let mut areas: Vec<Area> = (0..)
        .zip(routed)
        .filter(|(_, rule)| !rule.is_conditional() && rule.path().ignores_case() == fold)
        .filter_map(|(rank, rule)| Area::new(rule.path(), rank))
        .collect();
    let width = |kind| match kind {
        PathKind::Literal => 0,
        PathKind::Prefix => 1,
        _ => 2,
    };
    areas.sort_unstable_by(|a, b| (&a.text, width(a.kind), a.rank).cmp(&(&b.text, width(b.kind), b.rank)));
    // Of equal rules only the first is ever reached.
    areas.dedup_by(|later, earlier| later.kind == earlier.kind && later.text == earlier.text);
    // Whose text the present one starts with. As long as the text itself, so walking through it costs no
    // more than reading the text did.
    let mut around: Vec<&Area> = Vec::new();
    for area in &areas {
        while around.last().is_some_and(|outer| !area.text.starts_with(&outer.text)) {
            around.pop();
        }
        if let Some(outer) = around.iter().rev().find(|outer| outer.holds(area))
            && area.rank < outer.rank
            && !outer.is_everything()
        {
            found.push(Overlap { loser: RuleId::new(outer.rank), winner: RuleId::new(area.rank) });
        }
        if area.kind != PathKind::Exact {
            around.push(area);
        }
    }
}

impl Area {
    fn new(path: &PathPattern, rank: u32) -> Option<Self> {
        let text = path.compared().as_bytes();
        let text = if path.ignores_case() { text.to_ascii_lowercase() } else { text.to_vec() };
        match path.kind() {
            PathKind::Any => Some(Self { text: Vec::new(), kind: PathKind::Literal, rank }),
            PathKind::Exact | PathKind::Literal | PathKind::Prefix => {
                Some(Self { text, kind: path.kind(), rank })
            }
            PathKind::Regex => None,
        }
    }

    /// Whether every path of `inner`, whose text starts with this one's, is one of this one's.
    fn holds(&self, inner: &Self) -> bool {
        let rest = inner.text.get(self.text.len()..).unwrap_or_default();
        match self.kind {
            PathKind::Prefix => {
                self.text.is_empty()
                    || rest.starts_with(b"/")
                    || rest.is_empty() && inner.kind != PathKind::Literal
            }
            _ => true,
        }
    }

    fn is_everything(&self) -> bool {
        self.text.is_empty() || self.kind == PathKind::Literal && self.text == b"/"
    }
}
