//! Canaries: which upstream has which other one beside it.

use super::findings;
use super::model::{ANY, Model, Target, UpstreamKey, path_of, server_name, upstream_key};
use crate::diagnostic::DiagnosticKind;
use crate::dialect::Assembly;
use crate::origin::FieldPath;
use crate::rule::Backend;

/// What came of one attempt.
enum Merge {
    /// The canary's Service serves the host itself.
    Same,
    /// Nothing matches; the controller forgets the upstream of the canary.
    Nowhere,
    Done,
}

/// Attaches canaries to the upstreams of the locations that they name, the oldest object first.
pub(super) fn attach(model: &mut Model<'_>, out: &mut Assembly<'_>) {
    if model.objects.iter().all(|object| object.options.canary.is_some()) {
        return;
    }
    for owner in 0..model.objects.len() {
        let Some(object) = model.objects.get(owner) else { continue };
        let Some(canary) = object.options.canary.clone() else { continue };
        let ingress = object.notes.ingress();
        let mut found = |field: FieldPath, what: &str| {
            let kind = DiagnosticKind::Dialect(&findings::CANARY);
            out.diagnose(kind, ingress.id(), field, what.to_owned());
        };
        let mut attempt = |server: &str, key: UpstreamKey, path: Option<(&str, bool)>, field: FieldPath| {
            if !model.upstreams.contains_key(&key) {
                found(field, "its upstream is gone: an earlier path of a canary matches nothing");
                return;
            }
            match merge(model, server, &key, path, canary.legacy_affinity) {
                None => found(field, "the host does not exist without the canary"),
                Some(Merge::Done) => {}
                Some(Merge::Same) => {
                    found(field, "the main rule has the same Service; the canary has no effect");
                }
                Some(Merge::Nowhere) => {
                    found(field, "no main rule has this host, path and path type; the canary gets nothing");
                    model.upstreams.remove(&key);
                }
            }
        };
        if let Some(Backend::Service(service)) = ingress.default_backend() {
            attempt(ANY, upstream_key(service), None, FieldPath::default_backend());
        }
        for rule in ingress.rules() {
            for path in rule.paths().unwrap_or_default() {
                let Backend::Service(service) = path.backend() else { continue };
                let field = FieldPath::path(rule.index(), path.index());
                attempt(server_name(rule.host()), upstream_key(service), Some(path_of(path)), field);
            }
        }
    }
}

/// `None` when there is no such server.
fn merge(
    model: &mut Model<'_>,
    server: &str,
    key: &UpstreamKey,
    path: Option<(&str, bool)>,
    legacy: bool,
) -> Option<Merge> {
    let mut merged = Merge::Nowhere;
    for location in &model.servers.get(server)?.locations {
        let Target::Upstream(primary) = &location.target else { continue };
        if primary == key {
            return Some(Merge::Same);
        }
        if path.is_some_and(|(path, exact)| location.path != path || location.exact != exact) {
            continue;
        }
        let Some(upstream) = model.upstreams.get_mut(primary).filter(|upstream| !upstream.no_server) else {
            continue;
        };
        merged = Merge::Done;
        if upstream.alternatives.contains(key) {
            continue;
        }
        upstream.alternatives.push(key.clone());
        let affinity = upstream.affinity.clone();
        if !legacy && let Some(alternative) = model.upstreams.get_mut(key) {
            alternative.affinity = affinity;
        }
    }
    Some(merged)
}
