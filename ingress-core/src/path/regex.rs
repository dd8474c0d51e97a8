//! Regular expressions: what they are, where they start, and the groups that they find.
//!
//! How the expressions of a host are tried together is the matter of [`list`].
//!
//! Anchors go on the parsed expression, never by pasting text around it: `^` before `/a|/ab` binds
//! to the first branch only, and a comment in an `(?x)` expression swallows what follows.

mod build;
mod list;
mod machine;
mod opening;
mod texts;

use regex_automata::nfa::thompson::{self, NFA, pikevm};
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Dot, Hir, HirKind, Look, Repetition};

pub(crate) use list::{Expression, RegexList};

use super::PathError;

/// Size of the intermediate program of one expression.
const PROGRAM_LIMIT: usize = 1 << 20;

pub(crate) fn parse(expression: &str, fold: bool) -> Result<Hir, Box<regex_syntax::Error>> {
    // On bytes: a request path need not be UTF-8, and a Unicode class would multiply the states.
    regex_syntax::ParserBuilder::new()
        .case_insensitive(fold)
        .unicode(false)
        .utf8(false)
        .nest_limit(100)
        .build()
        .parse(expression)
        .map_err(Box::new)
}

/// Whether the expression can be run at all.
pub(crate) fn check(expression: &str) -> Result<(), PathError> {
    parse(expression, false).map(drop).map_err(PathError::syntax)
}

/// An expression that is looked for anywhere in a text. Two of them are equal when their texts are.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    expression: Box<str>,
    engine: pikevm::PikeVM,
}

impl Search {
    pub(crate) fn new(expression: &str) -> Result<Self, PathError> {
        let hir = parse(expression, false).map_err(PathError::syntax)?;
        let engine = program(&[hir]).and_then(|program| pikevm::PikeVM::new_from_nfa(program).ok());
        let engine = engine.ok_or(PathError::oversized())?;
        Ok(Self { expression: expression.into(), engine })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.expression
    }

    pub(crate) fn is_found(&self, text: &[u8]) -> bool {
        self.engine.is_match(&mut self.engine.create_cache(), text)
    }
}

impl PartialEq for Search {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression
    }
}

fn program(expressions: &[Hir]) -> Option<NFA> {
    thompson::Compiler::new()
        .configure(thompson::Config::new().utf8(false).nfa_size_limit(Some(PROGRAM_LIMIT)))
        .build_many_from_hir(expressions)
        .ok()
}

/// Where an expression may start to match.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Start {
    Anywhere,
    Path,
}

pub(crate) fn anchored(hir: Hir, start: Start) -> Hir {
    match start {
        Start::Path => Hir::concat(vec![Hir::look(Look::Start), hir]),
        // What says itself that it starts where the path does needs nothing before it; without that, an
        // automaton would have to go on to the end of every path.
        Start::Anywhere if hir.properties().look_set_prefix().contains(Look::Start) => hir,
        Start::Anywhere => Hir::concat(vec![anything(false), hir]),
    }
}

/// Whatever there is, or as little of it as possible.
fn anything(greedy: bool) -> Hir {
    let sub = Box::new(Hir::dot(Dot::AnyByte));
    Hir::repetition(Repetition { min: 0, max: None, greedy, sub })
}

/// The literal reading of one expression: a simulation, built for this one question.
pub(crate) fn matched_length(expression: &str, fold: bool, start: Start, path: &[u8]) -> Option<usize> {
    let captures = Captures::new(expression, fold, start)?;
    captures.groups(path)?.first().copied().flatten().map(|(_, end)| end)
}

/// The text that every match starts with, where the expression starts with the path.
pub(crate) fn literal_start(expression: &str) -> Option<String> {
    let mut text = Vec::new();
    // Only what stands in a row at the very start; an alternation or a repetition ends it.
    let parts = match parse(expression, false).ok()?.into_kind() {
        HirKind::Concat(parts) => parts,
        HirKind::Literal(literal) => vec![Hir::literal(literal.0)],
        _ => return None,
    };
    for part in parts {
        match part.into_kind() {
            HirKind::Look(Look::Start) if text.is_empty() => {}
            HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
            _ => break,
        }
    }
    String::from_utf8(text).ok().filter(|text| text.starts_with('/'))
}

/// The groups of one expression, for rules that rewrite. Run only once the rule has won.
#[derive(Clone, Debug)]
pub(crate) struct Captures(pikevm::PikeVM);

impl Captures {
    pub(crate) fn new(expression: &str, fold: bool, start: Start) -> Option<Self> {
        let program = program(&[anchored(parse(expression, fold).ok()?, start)])?;
        pikevm::PikeVM::new_from_nfa(program).ok().map(Self)
    }

    /// Of an expression that may match anywhere.
    pub(crate) fn search(expression: &str) -> Result<Self, PathError> {
        parse(expression, false).map_err(PathError::syntax)?;
        Self::new(expression, false, Start::Anywhere).ok_or(PathError::oversized())
    }

    /// The spans of all groups, the whole match first; `None` when `path` does not match.
    pub(crate) fn groups(&self, path: &[u8]) -> Option<Vec<Option<(usize, usize)>>> {
        let mut cache = self.0.create_cache();
        let mut captures = self.0.create_captures();
        self.0.captures(&mut cache, Input::new(path).anchored(Anchored::Yes), &mut captures);
        captures
            .is_match()
            .then(|| captures.iter().map(|span| span.map(|span| (span.start, span.end))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alternation_is_anchored_as_a_whole() {
        assert_eq!(matched_length("/a|/ab", false, Start::Path, b"/ab"), Some(2));
        assert_eq!(matched_length("(?x)/a # comment", false, Start::Path, b"/a"), Some(2));
    }

    #[test]
    fn what_is_looked_for_is_anchored_by_itself_or_not_at_all() {
        let found = |text, path| matched_length(text, false, Start::Anywhere, path);
        assert_eq!(found("^/a|/b", b"/x/b/c"), Some(4));
        assert_eq!(found("^/a|/b", b"/x/a"), None);
        assert_eq!(found("^/a", b"/a/b"), Some(2));
        assert_eq!(found("a\nb", b"/\n\xff/a\nb"), Some(7));
    }

    #[test]
    fn literal_starts() {
        let start = |text| literal_start(text);
        assert_eq!(start("^/api/v[0-9]+").as_deref(), Some("/api/v"));
        assert_eq!(start("^/api").as_deref(), Some("/api"));
        assert_eq!(start("^/a|^/b"), None);
        assert_eq!(start("^(/a)"), None);
        assert_eq!(start("a/"), None);
    }
}
