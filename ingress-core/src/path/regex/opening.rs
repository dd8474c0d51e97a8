//! The text that an expression starts with, and what is left to try behind it.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::{Start, anything};

/// An expression in parts, of which the first are plain text.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// In lower case where case does not count.
    text: Vec<u8>,
    parts: Vec<Hir>,
    fold: bool,
}

impl Opening {
    pub(super) fn new(hir: &Hir, start: Start, fold: bool) -> Self {
        let mut parts = match hir.kind() {
            HirKind::Concat(parts) => parts.clone(),
            _ => vec![hir.clone()],
        };
        if start == Start::Anywhere {
            if parts.first().is_some_and(|part| *part.kind() == HirKind::Look(Look::Start)) {
                parts.remove(0);
            } else if !hir.properties().look_set_prefix().contains(Look::Start) {
                parts.insert(0, anything(false));
            }
        }
        // What may be absent at the end decides nothing, for nothing has to follow. Only what looks around
        // decides without taking anything.
        while parts.last().is_some_and(|part| {
            part.properties().minimum_len() == Some(0) && part.properties().look_set().is_empty()
        }) {
            parts.pop();
        }
        let mut text = Vec::new();
        for part in &parts {
            if !take(part, fold, &mut text) {
                break;
            }
        }
        Self { text, parts, fold }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether the text is all there is.
    pub(super) fn is_plain(&self) -> bool {
        let mut text = Vec::new();
        self.parts.iter().all(|part| take(part, self.fold, &mut text))
    }

    /// What has to match behind so many bytes of the text.
    pub(super) fn rest(&self, length: usize) -> Hir {
        let mut taken = 0;
        let mut rest = Vec::new();
        for part in &self.parts {
            let mut text = Vec::new();
            let whole = taken < length && take(part, self.fold, &mut text);
            match part.kind() {
                _ if whole && taken + text.len() <= length => {}
                HirKind::Literal(literal) if taken < length => {
                    rest.push(Hir::literal(literal.0.get(length - taken..).unwrap_or_default()));
                }
                _ => rest.push(part.clone()),
            }
            taken = if whole { taken + text.len() } else { length };
        }
        Hir::concat(rest)
    }
}

/// Whether what follows a text only has to end its element: `(/|$)`, with which many expressions go on. Says
/// whether a line feed at the end of the path counts as its end, as the `$` of some engines has it.
pub(super) fn ends_element(rest: &Hir) -> Option<bool> {
    let bare = |hir: &Hir| match hir.kind() {
        HirKind::Capture(capture) => (*capture.sub).clone(),
        _ => hir.clone(),
    };
    let choice = bare(rest);
    let HirKind::Alternation(branches) = choice.kind() else { return None };
    let [slash, end] = branches.as_slice() else { return None };
    let slash = *slash == Hir::literal(*b"/");
    match bare(end).kind() {
        _ if !slash => None,
        HirKind::Look(Look::End) => Some(false),
        HirKind::Concat(parts) => {
            let [feed, end] = parts.as_slice() else { return None };
            let HirKind::Repetition(feed) = feed.kind() else { return None };
            let optional = (feed.min, feed.max) == (0, Some(1)) && *feed.sub == Hir::literal(*b"\n");
            (optional && *end.kind() == HirKind::Look(Look::End)).then_some(true)
        }
        _ => None,
    }
}

/// Appends the text of a part that is plain; `false` when it is not, or not to its end.
fn take(part: &Hir, fold: bool, text: &mut Vec<u8>) -> bool {
    match part.kind() {
        HirKind::Literal(literal) => {
            // A trie holds no zero, and where case does not count, a letter whose case does is for the
            // automaton.
            let plain = |byte: &&u8| **byte != 0 && !(fold && byte.is_ascii_alphabetic());
            let taken = text.len();
            text.extend(literal.0.iter().take_while(plain));
            text.len() - taken == literal.0.len()
        }
        HirKind::Class(Class::Bytes(class)) if fold => match class.ranges() {
            [upper, lower]
                if upper.start() == upper.end()
                    && lower.start() == lower.end()
                    && upper.start().is_ascii_uppercase()
                    && upper.start().to_ascii_lowercase() == lower.start() =>
            {
                text.push(lower.start());
                true
            }
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(text: &str, fold: bool) -> (String, bool, String) {
        let hir = super::super::parse(text, fold).unwrap();
        let opening = Opening::new(&hir, Start::Path, fold);
        let rest = opening.rest(opening.text().len());
        (String::from_utf8_lossy(opening.text()).into_owned(), opening.is_plain(), rest.to_string())
    }

    #[test]
    fn an_opening_ends_where_there_is_a_choice() {
        let open = |text| opening(text, false);
        assert_eq!(open("/api/users"), ("/api/users".to_owned(), true, "(?:)".to_owned()));
        assert_eq!(open("/api(.*)(x)?"), ("/api".to_owned(), true, "(?:)".to_owned()));
        assert_eq!(open("/a[Aa]b").0, "/a");
        assert_eq!(open("/a$"), ("/a".to_owned(), false, r"\z".to_owned()));
        assert_eq!(open("/foo|/far"), (String::new(), false, "(?:(?:/foo)|(?:/far))".to_owned()));
        assert_eq!(open(r"/a\x00b").0, "/a");
        assert_eq!(open("").0, "");
        assert!(open(".*").1);
    }

    #[test]
    fn without_case_letters_are_taken_in_lower_case() {
        assert_eq!(opening("/API/v1", true).0, "/api/v1");
        assert_eq!(opening("/(?-i:A)b", true).0, "/");
        assert_eq!(opening("/x(?-i:a)b", true).0, "/x");
    }

    #[test]
    fn the_end_of_an_element() {
        let ends = |text| ends_element(&super::super::parse(text, true).unwrap());
        assert_eq!(
            (ends("(/|$)"), ends("/|$"), ends("(?:/|(?:\\n?\\z))")),
            (Some(false), Some(false), Some(true))
        );
        for other in ["$", "/", "(/|$)?", "(x|$)", "(/|$|x)", "(/|\\n*\\z)", "(/|x?$)", "/|^"] {
            assert_eq!(ends(other), None, "{other}");
        }
    }

    #[test]
    fn a_rest_may_begin_within_a_text() {
        let hir = super::super::parse("/abc/[0-9]", false).unwrap();
        let opening = Opening::new(&hir, Start::Path, false);
        assert_eq!(opening.rest(2).to_string(), "(?:(?:bc/)(?-u:[0-9]))");
        assert_eq!(opening.rest(0).to_string(), "(?:(?:/abc/)(?-u:[0-9]))");
    }
}
