//! Differences that somebody expects.

use ingress_core::compare::{Difference, Unknown};

/// What `--ignore` says, and what of it was met.
pub(super) struct Expected<'i> {
    what: &'i [String],
    met: Vec<bool>,
}

impl<'i> Expected<'i> {
    pub(super) fn new(what: &'i [String]) -> Self {
        Self { what, met: vec![false; what.len()] }
    }

    /// Whether a difference is expected: its host is, or its cause, or all of its aspects are.
    pub(super) fn has(&mut self, difference: &Difference<'_>) -> bool {
        let target = difference.witness().target();
        let place = |what: &str| is_place(what, difference.host(), &target);
        if self.meet(|what| what == difference.cause().code() || place(what)) {
            return true;
        }
        let aspects = difference.aspects();
        let all = aspects.iter().all(|aspect| self.what.iter().any(|what| what == aspect.code()));
        all && self.meet(|what| aspects.iter().any(|aspect| aspect.code() == what))
    }

    pub(super) fn has_unknown(&mut self, unknown: &Unknown) -> bool {
        let place = |what: &str| is_place(what, unknown.host(), unknown.path().unwrap_or("/"));
        self.meet(|what| what == unknown.doubt().code() || place(what))
    }

    /// Notes what is so of the expected, and whether it is of any.
    fn meet(&mut self, is_so: impl Fn(&str) -> bool) -> bool {
        let mut found = false;
        for (what, met) in self.what.iter().zip(&mut self.met) {
            if is_so(what) {
                (*met, found) = (true, true);
            }
        }
        found
    }

    pub(super) fn into_met(self) -> Vec<bool> {
        self.met
    }
}

/// Whether the text is this host, or this host and the path or one above it.
fn is_place(text: &str, host: &str, target: &str) -> bool {
    let Some(rest) = text.strip_prefix(host) else { return false };
    let path = target.split('?').next().unwrap_or_default();
    let below = |path: &str| path.is_empty() || path.starts_with('/');
    rest.is_empty()
        || rest.starts_with('/') && path.strip_prefix(rest.trim_end_matches('/')).is_some_and(below)
}

#[cfg(test)]
mod tests {
    use super::is_place;

    #[test]
    fn places() {
        for (text, is_it) in [
            ("a.com", true),
            ("a.com/", true),
            ("a.com/api", true),
            ("a.com/api/", true),
            ("a.com/api/v1", true),
            ("a.com/ap", false),
            ("a.com/api/v1/x", false),
            ("b.com", false),
            ("a.co", false),
        ] {
            assert_eq!(is_place(text, "a.com", "/api/v1?q=/"), is_it, "{text}");
        }
    }
}
