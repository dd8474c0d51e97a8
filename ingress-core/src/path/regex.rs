//! Regular expressions of a host: tried in order, run all at once.
//!
//! The engine is a fully compiled DFA over all expressions of a host. It is immutable, so a search
//! takes no lock and no allocation; a lazily built one would be smaller but needs a cache per
//! thread. Its price is size, which is bounded: expressions that do not fit into one automaton
//! together are halved into several, and one that does not fit alone is reported and left out.
//!
//! Anchors go on the parsed expression, never by pasting text around it: `^` before `/a|/ab` binds
//! to the first branch only, and a comment in an `(?x)` expression swallows what follows.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, NFA, pikevm};
use regex_automata::util::primitives::PatternID;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};
use regex_syntax::hir::{Hir, Look};

use super::PathError;

/// Memory that one automaton may take. Expressions are split among several until they fit.
const AUTOMATON_LIMIT: usize = 4 << 20;
/// Memory that the construction of one automaton may take on top.
const DETERMINIZE_LIMIT: usize = 8 << 20;
/// Memory that all automata of a host may take, and how many constructions may fail on the way: what
/// comes after that is left out, so that no host costs more than a bounded time and space.
const HOST_LIMIT: usize = 32 << 20;
const FAILURES: usize = 64;
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

fn anchored(hir: Hir) -> Hir {
    Hir::concat(vec![Hir::look(Look::Start), hir])
}

/// The literal reading of one expression: a simulation, built for this one question.
pub(crate) fn matched_length(expression: &str, fold: bool, path: &[u8]) -> Option<usize> {
    let captures = Captures::new(expression, fold)?;
    captures.groups(path)?.first().copied().flatten().map(|(_, end)| end)
}

/// The groups of one expression, for rules that rewrite. Run only once the rule has won.
#[derive(Clone, Debug)]
pub(crate) struct Captures(pikevm::PikeVM);

impl Captures {
    pub(crate) fn new(expression: &str, fold: bool) -> Option<Self> {
        let program = program(&[anchored(parse(expression, fold).ok()?)])?;
        pikevm::PikeVM::new_from_nfa(program).ok().map(Self)
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

/// One expression of a host, with the number of the rule it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Expression<'a> {
    pub(crate) rank: u32,
    pub(crate) text: &'a str,
    pub(crate) fold: bool,
}

/// All expressions of a host, in the order of their rules.
#[derive(Debug, Default)]
pub(crate) struct RegexList {
    groups: Vec<Group>,
}

/// Expressions that share an automaton: those of consecutive rules.
#[derive(Debug)]
struct Group {
    ranks: Box<[u32]>,
    automaton: dense::DFA<Vec<u32>>,
}

impl RegexList {
    /// Builds the list; also says which ranks had to be left out for their size.
    ///
    /// `all` asks for every rule that matches, not only the first: hosts with conditional rules
    /// need to know what comes next.
    pub(crate) fn build(expressions: &[Expression<'_>], all: bool) -> (Self, Vec<u32>) {
        let mut list = Self::default();
        let mut refused = Vec::new();
        let mut parsed = Vec::with_capacity(expressions.len());
        for expression in expressions {
            match parse(expression.text, expression.fold) {
                Ok(hir) => parsed.push((expression.rank, anchored(hir))),
                Err(_) => refused.push(expression.rank),
            }
        }
        // Runs still to be built, the first on top, so that groups come out in order.
        let mut runs = vec![&parsed[..]];
        let (mut space, mut failures) = (HOST_LIMIT, FAILURES);
        while let Some(run) = runs.pop() {
            if run.is_empty() {
                continue;
            }
            let built = if failures == 0 { None } else { Group::build(run, all) };
            let fits = built.as_ref().and_then(|group| space.checked_sub(group.automaton.memory_usage()));
            match (built, fits) {
                (Some(group), Some(left)) => {
                    space = left;
                    list.groups.push(group);
                }
                _ if run.len() == 1 || failures == 0 => {
                    refused.extend(run.iter().map(|(rank, _)| *rank));
                    failures = failures.saturating_sub(1);
                }
                _ => {
                    failures -= 1;
                    let (first, second) = run.split_at(run.len() / 2);
                    runs.extend([second, first]);
                }
            }
        }
        refused.sort_unstable();
        (list, refused)
    }

    /// The lowest rank below `bound` whose expression matches.
    pub(crate) fn lowest(&self, path: &[u8], bound: u32) -> Option<u32> {
        for group in &self.groups {
            if group.ranks.first().is_none_or(|&rank| rank >= bound) {
                return None;
            }
            let input = Input::new(path).anchored(Anchored::Yes);
            if let Ok(Some(found)) = group.automaton.try_search_fwd(&input) {
                return group.ranks.get(found.pattern().as_usize()).copied().filter(|&rank| rank < bound);
            }
        }
        None
    }

    /// Every rank whose expression matches. The list must have been built for it.
    pub(crate) fn each(&self, path: &[u8], mut visit: impl FnMut(u32)) {
        for group in &self.groups {
            let mut set = PatternSet::new(group.ranks.len());
            let input = Input::new(path).anchored(Anchored::Yes);
            if group.automaton.try_which_overlapping_matches(&input, &mut set).is_ok() {
                set.iter()
                    .filter_map(|id: PatternID| group.ranks.get(id.as_usize()))
                    .for_each(|&rank| visit(rank));
            }
        }
    }

    pub(crate) fn memory_usage(&self) -> usize {
        self.groups
            .iter()
            .map(|group| group.automaton.memory_usage() + size_of_val(&*group.ranks) + size_of::<Group>())
            .sum()
    }
}

impl Group {
    fn build(run: &[(u32, Hir)], all: bool) -> Option<Self> {
        let expressions: Vec<Hir> = run.iter().map(|(_, hir)| hir.clone()).collect();
        // Under "leftmost first" an alternation of an earlier rule hides later rules altogether.
        let kind = if all { MatchKind::All } else { MatchKind::LeftmostFirst };
        let automaton = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .match_kind(kind)
                    .start_kind(StartKind::Anchored)
                    .dfa_size_limit(Some(AUTOMATON_LIMIT))
                    .determinize_size_limit(Some(DETERMINIZE_LIMIT)),
            )
            .build_from_nfa(&program(&expressions)?)
            .ok()?;
        Some(Self { ranks: run.iter().map(|(rank, _)| *rank).collect(), automaton })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str], all: bool) -> (RegexList, Vec<u32>) {
        let expressions: Vec<_> =
            (0..).zip(texts).map(|(rank, text)| Expression { rank, text, fold: false }).collect();
        RegexList::build(&expressions, all)
    }

    fn each(texts: &[&str], path: &str) -> Vec<u32> {
        let mut found = Vec::new();
        list(texts, true).0.each(path.as_bytes(), |rank| found.push(rank));
        found
    }

    #[test]
    fn the_first_rule_wins_whatever_the_length() {
        let (list, refused) = list(&["/a|/ab", "/ab", "/abc"], false);
        assert!(refused.is_empty());
        assert_eq!(list.lowest(b"/abc", 9), Some(0));
        assert_eq!(list.lowest(b"/x", 9), None);
        assert_eq!(list.lowest(b"/abc", 0), None);
    }

    #[test]
    fn an_alternation_is_anchored_as_a_whole() {
        let (list, _) = list(&["/a|/ab"], false);
        assert_eq!(list.lowest(b"x/ab", 9), None);
        assert_eq!(matched_length("/a|/ab", false, b"/ab"), Some(2));
        assert_eq!(matched_length("(?x)/a # comment", false, b"/a"), Some(2));
    }

    #[test]
    fn all_matches_are_seen_when_asked_for() {
        assert_eq!(each(&["/|/ab", "/ab", "/b", "/a"], "/ab"), [0, 1, 3]);
    }

    /// Each of these fits alone; all of them would not.
    #[test]
    fn a_host_has_a_bound_of_its_own() {
        let texts: Vec<String> = (0..400).map(|n| format!("/{n}(a|b)*a(a|b){{12}}$")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (list, refused) = list(&texts, false);
        assert!(!refused.is_empty() && refused.len() < texts.len());
        assert!(list.memory_usage() <= HOST_LIMIT + 100 * size_of::<Group>() + 4 * texts.len());
    }

    #[test]
    fn what_does_not_fit_is_named_and_the_rest_works() {
        let bomb = "/(a|b)*a(a|b){18}";
        let (list, refused) = list(&["/x", bomb, "/y"], false);
        assert_eq!(refused, [1]);
        assert_eq!((list.lowest(b"/x", 9), list.lowest(b"/y", 9)), (Some(0), Some(2)));
        assert!(list.memory_usage() <= AUTOMATON_LIMIT);
    }
}
