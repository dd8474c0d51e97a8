//! Texts that the controller takes for attacks: with one of them in a path or in the name of a Secret, it does
//! not load the object.

use crate::ingress::Ingress;
use crate::origin::{FieldPath, Leaf};

/// The first such text of an object.
pub(super) fn offence(ingress: &Ingress) -> Option<(FieldPath, String)> {
    for rule in ingress.rules() {
        for path in rule.paths().unwrap_or_default() {
            if let Some(text) = path.path().filter(|text| is_offensive(text)) {
                let field = FieldPath::path(rule.index(), path.index()).leaf(Leaf::Path);
                return Some((field, text.to_string()));
            }
        }
    }
    ingress.tls().iter().find_map(|entry| {
        let name = entry.secret().map(crate::origin::SecretRef::name).filter(|name| is_offensive(name))?;
        Some((FieldPath::tls(entry.index()).leaf(Leaf::SecretName), name.to_owned()))
    })
}

fn is_offensive(text: &str) -> bool {
    let directive = |word: &str| {
        text.match_indices(word)
            .any(|(at, _)| text.get(at + word.len()..).is_some_and(|after| after.contains(';')))
    };
    let files = ["passwd", "shadow", "group", "nginx", "ingress-controller"];
    let secret_file = text.split("/etc/").skip(1).any(|rest| files.iter().any(|file| rest.starts_with(file)));
    directive("alias")
        || directive("root")
        || secret_file
        || text.contains("/var/run/secrets")
        || text.contains("_by_lua")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attacks_and_what_only_looks_like_them() {
        for text in
            ["/bla{alias /var/x;}", "/x root\n/y;", "/etc/passwd", "/a/etc/nginx/", "/content_by_lua_block"]
        {
            assert!(is_offensive(text), "{text}");
        }
        for text in ["/root", "/alias/x", "/etc/hosts", "/by_lua", ";/root"] {
            assert!(!is_offensive(text), "{text}");
        }
    }
}
