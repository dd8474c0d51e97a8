//! Sets of texts that rules speak of, in a form that automata can be made of.

use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, Look};

use super::regex::{Start, anchored, parse};
use super::{PathKind, PathPattern};

/// How large the program of all sets together may be.
const PROGRAM_LIMIT: usize = 64 << 20;

/// A set of texts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Language<'p> {
    /// The paths that a pattern means.
    Path(&'p PathPattern),
    /// One text.
    Equals(&'p [u8]),
    /// What ends in this.
    EndsWith(&'p [u8]),
    /// What an expression is found in.
    Found(&'p str),
}

/// The program that tells the sets apart; `None` if it is too large. It says that a text is in a set as soon as
/// that is so whatever follows: sets of texts with a certain end look for the end themselves.
pub(crate) fn program(languages: &[Language<'_>]) -> Option<NFA> {
    let sets: Vec<Hir> = languages.iter().map(Language::hir).collect::<Option<_>>()?;
    let config = thompson::Config::new()
        .utf8(false)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(PROGRAM_LIMIT));
    thompson::Compiler::new().configure(config).build_many_from_hir(&sets).ok()
}

impl Language<'_> {
    fn hir(&self) -> Option<Hir> {
        Some(match *self {
            Self::Path(pattern) => return path(pattern),
            Self::Equals(text) => {
                Hir::concat(vec![Hir::look(Look::Start), Hir::literal(text), Hir::look(Look::End)])
            }
            Self::EndsWith(text) => {
                let end = Hir::concat(vec![Hir::literal(text), Hir::look(Look::End)]);
                anchored(end, Start::Anywhere)
            }
            Self::Found(expression) => anchored(parse(expression, false).ok()?, Start::Anywhere),
        })
    }
}

fn path(pattern: &PathPattern) -> Option<Hir> {
    let text = || text(pattern.compared().as_bytes(), pattern.ignores_case());
    let from_the_start = |rest: Vec<Hir>| {
        let mut parts = vec![Hir::look(Look::Start), text()];
        parts.extend(rest);
        Hir::concat(parts)
    };
    Some(match pattern.kind() {
        PathKind::Any => Hir::empty(),
        PathKind::Exact => from_the_start(vec![Hir::look(Look::End)]),
        PathKind::Literal => from_the_start(Vec::new()),
        PathKind::Prefix if pattern.compared().is_empty() => Hir::empty(),
        PathKind::Prefix => {
            from_the_start(vec![Hir::alternation(vec![Hir::literal(*b"/"), Hir::look(Look::End)])])
        }
        PathKind::Regex => anchored(parse(pattern.as_str(), pattern.ignores_case()).ok()?, pattern.start()),
    })
}

fn text(text: &[u8], fold: bool) -> Hir {
    if !fold {
        return Hir::literal(text);
    }
    let byte = |byte: &u8| {
        if !byte.is_ascii_alphabetic() {
            return Hir::literal([*byte]);
        }
        let (upper, lower) = (byte.to_ascii_uppercase(), byte.to_ascii_lowercase());
        let ranges = [upper, lower].map(|letter| ClassBytesRange::new(letter, letter));
        Hir::class(Class::Bytes(ClassBytes::new(ranges)))
    };
    Hir::concat(text.iter().map(byte).collect())
}
