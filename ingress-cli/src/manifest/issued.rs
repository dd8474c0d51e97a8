//! Secrets that are not in the input because something in the cluster makes them from what is.

use ingress_core::origin::ObjectId;

use super::node::Node;

/// The Secret that an object of another kind stands for, if it is of a kind that does.
pub(super) fn secret(kind: &str, group: &str, object: &Node<'_>) -> Option<ObjectId> {
    let at = |way: &[&str]| {
        let (last, above) = way.split_last()?;
        above.iter().try_fold(object, |node, key| node.get(key))?.text(last)
    };
    let own = at(&["metadata", "name"]);
    let name = match (kind, group) {
        ("Certificate", "cert-manager.io") => at(&["spec", "secretName"]),
        ("SealedSecret", "bitnami.com") => at(&["spec", "template", "metadata", "name"]).or(own),
        ("ExternalSecret", "external-secrets.io") => at(&["spec", "target", "name"]).or(own),
        _ => None,
    };
    Some(ObjectId::new(at(&["metadata", "namespace"]).unwrap_or("default"), name?))
}
