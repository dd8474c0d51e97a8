//! A page for each code: what it means, an example that shows it, and what to do.

/// Finds the page of each code by its name.
macro_rules! pages {
    ($($code:literal),* $(,)?) => {
        &[$(($code, include_str!(concat!("pages/", $code, ".md")))),*]
    };
}

const PAGES: &[(&str, &str)] = pages![
    "acme-path-taken",
    "address-host",
    "ambiguous-backend",
    "certificate-conflict",
    "certificate-expired",
    "certificate-name-mismatch",
    "certificate-not-yet-valid",
    "class-conflict",
    "deprecated-api-version",
    "deprecated-class-annotation",
    "empty-ingress",
    "empty-path-element",
    "exact-trailing-slash",
    "ignored-annotations",
    "incomplete-resource",
    "invalid-host",
    "invalid-name",
    "invalid-path",
    "invalid-port",
    "missing-path",
    "missing-service-name",
    "namespace-conflict",
    "oversized-pattern",
    "partly-shadowed-rule",
    "regex-line-end",
    "regex-not-portable",
    "relative-path",
    "replaced-object",
    "respelled-host",
    "rule-host-without-tls",
    "secret-missing",
    "secret-type",
    "secret-unusable",
    "service-missing",
    "service-port-missing",
    "shadowed-rule",
    "tls-host-without-rule",
    "tls-without-secret",
    "unknown-path-type",
    "unnamed-ingress",
    "unreachable-path",
    "wildcard-host",
];

/// The codes that have a page.
pub(crate) fn codes() -> Vec<&'static str> {
    PAGES.iter().map(|(code, _)| *code).collect()
}

/// The page of a code.
pub(crate) fn page(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == code).map(|(_, page)| *page)
}

/// What a code means, in one line.
pub(crate) fn title(code: &str) -> Option<&'static str> {
    page(code)?.lines().next()?.split_once(": ").map(|(_, title)| title)
}

#[cfg(test)]
mod tests {
    use super::super::kind::Kind;
    use super::*;
    use ingress_core::DiagnosticKind;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let core = DiagnosticKind::ALL.iter().map(|kind| kind.code());
        let all: BTreeSet<_> = core.chain(Kind::ALL.iter().map(|kind| kind.code())).collect();
        assert_eq!(all.len(), DiagnosticKind::ALL.len() + Kind::ALL.len(), "two kinds share a code");
        assert_eq!(all.into_iter().collect::<Vec<_>>(), codes());
    }

    #[test]
    fn every_page_is_laid_out_alike() {
        for (code, page) in PAGES {
            assert!(page.starts_with(&format!("# {code}: ")), "{code}");
            let parts = ["\n# Example\n", "\n    $ ingress check ", "\n# What to do\n"];
            let places: Vec<_> = parts.iter().filter_map(|part| page.find(part)).collect();
            assert!(places.len() == parts.len() && places.is_sorted(), "{code}: {places:?}");
            assert!(page.lines().all(|line| line.chars().count() <= 100), "{code}: a line is too long");
            assert!(title(code).is_some_and(|title| title.len() > 10), "{code}");
        }
    }
}
