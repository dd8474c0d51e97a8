//! Regular expressions of a host: tried in order, run all at once.
//!
//! The engine is a fully compiled DFA over all expressions of a host. It is immutable, so a search
//! takes no lock and no allocation; a lazily built one would be smaller but needs a cache per
//! thread. Its price is size, which is bounded: expressions that do not fit into one automaton
//! together are halved into several, and one that does not fit alone is reported and left out.
//!
//! The bound is one for each object, not one for the host: whoever shares a host with others cannot use
//! up what their expressions need.
//!
//! Anchors go on the parsed expression, never by pasting text around it: `^` before `/a|/ab` binds
//! to the first branch only, and a comment in an `(?x)` expression swallows what follows.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, NFA, pikevm};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Dot, Hir, HirKind, Look, Repetition};

use super::PathError;

/// Memory that one automaton may take. Expressions are split among several until they fit.
const AUTOMATON_LIMIT: usize = 4 << 20;
/// Memory that the construction of one automaton may take on top.
const DETERMINIZE_LIMIT: usize = 8 << 20;
/// Memory that the automata of one object's rules may take on a host, and how many constructions it may
/// make fail: what comes after that is left out, so that an object costs no more than a bounded time and
/// space.
const OWNER_LIMIT: usize = 16 << 20;
const FAILURES: u32 = 8;
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

fn anchored(hir: Hir, start: Start) -> Hir {
    match start {
        Start::Path => Hir::concat(vec![Hir::look(Look::Start), hir]),
        // What says itself that it starts where the path does needs nothing before it; without that, an
        // automaton would have to go on to the end of every path.
        Start::Anywhere if hir.properties().look_set_prefix().contains(Look::Start) => hir,
        Start::Anywhere => Hir::concat(vec![anything(), hir]),
    }
}

/// As few bytes as possible.
fn anything() -> Hir {
    let sub = Box::new(Hir::dot(Dot::AnyByte));
    Hir::repetition(Repetition { min: 0, max: None, greedy: false, sub })
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

/// One expression of a host, with the rules that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Expression<'a> {
    /// The numbers of its rules; several only where some of them have conditions.
    pub(crate) ranks: Vec<u32>,
    pub(crate) text: &'a str,
    pub(crate) fold: bool,
    pub(crate) start: Start,
    /// The number of the object that it came from.
    pub(crate) owner: usize,
}

/// All expressions of a host, in the order of their rules.
#[derive(Debug, Default)]
pub(crate) struct RegexList {
    groups: Vec<Group>,
}

/// Expressions that share an automaton: those of consecutive rules.
#[derive(Debug)]
struct Group {
    ranks: Box<[Box<[u32]>]>,
    automaton: dense::DFA<Vec<u32>>,
}

/// An expression that is ready to be built.
struct Parsed<'a> {
    ranks: &'a [u32],
    hir: Hir,
    owner: usize,
}

/// What the expressions of one object may still take.
#[derive(Clone)]
struct Allowance {
    space: usize,
    failures: u32,
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
        for Expression { ranks, text, fold, start, owner } in expressions {
            match parse(text, *fold) {
                Ok(hir) => parsed.push(Parsed { ranks, hir: anchored(hir, *start), owner: *owner }),
                Err(_) => refused.extend(ranks),
            }
        }
        let owners = expressions.iter().map(|expression| expression.owner + 1).max().unwrap_or(0);
        let mut allowances = vec![Allowance { space: OWNER_LIMIT, failures: FAILURES }; owners];
        // Runs still to be built, the first on top, so that groups come out in order.
        let mut runs = vec![parsed];
        while let Some(mut run) = runs.pop() {
            let spent = |one: &Parsed<'_>| allowances.get(one.owner).is_none_or(|left| left.failures == 0);
            refused.extend(run.iter().filter(|one| spent(one)).flat_map(|one| one.ranks));
            run.retain(|one| !spent(one));
            let Some(first) = run.first() else { continue };
            let alone = run.iter().all(|one| one.owner == first.owner).then_some(first.owner);
            match Group::build(&run, all).filter(|group| group.is_paid_for(&run, &mut allowances)) {
                Some(group) => list.groups.push(group),
                None => {
                    // A run of several objects that does not fit is nobody's fault; it is halved until
                    // each part is somebody's.
                    if let Some(left) = alone.and_then(|owner| allowances.get_mut(owner)) {
                        left.failures -= 1;
                    }
                    if run.len() == 1 {
                        refused.extend(run.iter().flat_map(|one| one.ranks));
                    } else {
                        let second = run.split_off(run.len() / 2);
                        runs.extend([second, run]);
                    }
                }
            }
        }
        refused.sort_unstable();
        (list, refused)
    }

    /// The lowest rank below `bound` whose expression matches.
    pub(crate) fn lowest(&self, path: &[u8], bound: u32) -> Option<u32> {
        for group in &self.groups {
            if group.first(0).is_none_or(|rank| rank >= bound) {
                return None;
            }
            let input = Input::new(path).anchored(Anchored::Yes);
            if let Ok(Some(found)) = group.automaton.try_search_fwd(&input) {
                return group.first(found.pattern().as_usize()).filter(|&rank| rank < bound);
            }
        }
        None
    }

    /// Every rank whose expression matches. The list must have been built for it.
    pub(crate) fn each(&self, path: &[u8], mut visit: impl FnMut(u32)) {
        for group in &self.groups {
            let Some(end) = group.end(path) else { continue };
            for index in 0..group.automaton.match_len(end) {
                let expression = group.automaton.match_pattern(end, index).as_usize();
                group.ranks.get(expression).into_iter().flatten().for_each(|&rank| visit(rank));
            }
        }
    }

    pub(crate) fn memory_usage(&self) -> usize {
        self.groups
            .iter()
            .map(|group| {
                let ranks: usize = group.ranks.iter().map(|ranks| size_of_val(&**ranks)).sum();
                group.automaton.memory_usage() + size_of_val(&*group.ranks) + ranks + size_of::<Group>()
            })
            .sum()
    }
}

impl Group {
    /// The first rule of an expression.
    fn first(&self, expression: usize) -> Option<u32> {
        self.ranks.get(expression)?.first().copied()
    }

    /// Where a path ends, if anything matches there. When all matches are asked for, every expression goes
    /// on to the end of the path, so that this one state knows them all: nothing has to be collected on the
    /// way, and so nothing is allocated.
    fn end(&self, path: &[u8]) -> Option<StateID> {
        let automaton = &self.automaton;
        let mut state = automaton.start_state(&start::Config::new().anchored(Anchored::Yes)).ok()?;
        for &byte in path {
            state = automaton.next_state(state, byte);
            if automaton.is_special_state(state) && automaton.is_dead_state(state) {
                return None;
            }
        }
        let state = automaton.next_eoi_state(state);
        automaton.is_match_state(state).then_some(state)
    }

    /// Takes the space off what the objects have left, in equal parts; `false` when one of them has too
    /// little.
    fn is_paid_for(&self, run: &[Parsed<'_>], allowances: &mut [Allowance]) -> bool {
        let share = self.automaton.memory_usage() / run.len().max(1);
        let before = allowances.to_vec();
        for one in run {
            let Some(left) = allowances.get_mut(one.owner) else { return false };
            let Some(rest) = left.space.checked_sub(share) else {
                allowances.clone_from_slice(&before);
                return false;
            };
            left.space = rest;
        }
        true
    }

    fn build(run: &[Parsed<'_>], all: bool) -> Option<Self> {
        let whole = |hir: Hir| if all { Hir::concat(vec![hir, anything()]) } else { hir };
        let expressions: Vec<Hir> = run.iter().map(|one| whole(one.hir.clone())).collect();
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
        Some(Self { ranks: run.iter().map(|one| one.ranks.into()).collect(), automaton })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str], all: bool) -> (RegexList, Vec<u32>) {
        owned(texts, |_| 0, all)
    }

    fn owned(texts: &[&str], owner: fn(u32) -> usize, all: bool) -> (RegexList, Vec<u32>) {
        let expression = |(rank, text): (u32, &&'static str)| -> Expression<'static> {
            Expression { ranks: vec![rank], text, fold: false, start: Start::Path, owner: owner(rank) }
        };
        let texts: Vec<&'static str> = texts.iter().map(|text| &*String::from(*text).leak()).collect();
        let expressions: Vec<_> = (0..).zip(&texts).map(expression).collect();
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

    #[test]
    fn all_matches_are_seen_when_asked_for() {
        assert_eq!(each(&["/|/ab", "/ab", "/b", "/a"], "/ab"), [0, 1, 3]);
    }

    /// Each of these fits alone; all of them would not.
    #[test]
    fn an_object_has_a_bound_of_its_own() {
        let texts: Vec<String> = (0..400).map(|n| format!("/{n}(a|b)*a(a|b){{12}}$")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (list, refused) = list(&texts, false);
        assert!(!refused.is_empty() && refused.len() < texts.len());
        assert!(list.memory_usage() <= OWNER_LIMIT + 100 * size_of::<Group>() + 24 * texts.len());
    }

    /// One object's expressions take all that it may have, and those between them are served nevertheless.
    #[test]
    fn nobody_uses_up_what_others_need() {
        let texts: Vec<String> =
            (0..12).flat_map(|n| [format!("/{n}(a|b)*a(a|b){{18}}"), format!("/x{n}")]).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (_, refused) = owned(&texts, |rank| usize::from(rank % 2 == 0), true);
        assert_eq!(refused, (0..12).map(|n| 2 * n).collect::<Vec<_>>());
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
