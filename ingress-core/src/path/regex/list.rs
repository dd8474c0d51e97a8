//! All expressions of a host: found by the text that they start with, tried together.
//!
//! One automaton over all of them would look at each byte of a path once. But it is the product of all:
//! five hundred expressions such as people write make several megabytes, and a lookup that waits for memory
//! at every byte. So a trie finds the texts that the path starts with, and behind each text a small automaton tries what may
//! follow there. Most paths meet two or three such texts. Texts that lie too deep in each other are cut, so that nobody
//! can make a path meet many.
//!
//! Automata are fully compiled, and so immutable: a search takes no lock and no allocation. Lazily
//! built ones would be smaller but need a cache per thread. Their price is size, which is bounded: expressions that
//! do not fit into one automaton are spread over several, and one that does not fit alone is reported
//! and left out. The bound is one for each object, not one for the host: whoever shares a host with others
//! cannot use up what their expressions need.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;

use regex_automata::MatchKind;
use regex_automata::dfa::{StartKind, dense};
use regex_syntax::hir::Hir;

use super::machine::Machine;
use super::opening::{Opening, ends_element};
use super::{Start, anything, parse, program};
use crate::path::trie::{self, Entry, PADDING};

/// Memory that one automaton may take. Expressions are spread over several until they fit.
const AUTOMATON_LIMIT: usize = 2 << 20;
/// Memory that the construction of one automaton may take on top.
const DETERMINIZE_LIMIT: usize = 4 << 20;
/// Memory that the automata of one object's rules may take on a host.
const OWNER_LIMIT: usize = 16 << 20;
/// How much may be built in vain, or only to see whether it fits, for one object. What comes after that is
/// left out, so that an object costs a bounded time.
const VAIN_LIMIT: usize = 8 * AUTOMATON_LIMIT;
/// How many texts with expressions behind them may start each other.
const DEPTH: usize = 6;

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
    with_case: Index,
    without_case: Index,
}

/// Expressions by the text that they start with.
#[derive(Debug, Default)]
struct Index {
    /// The ranks in it are places.
    trie: Vec<u8>,
    places: Vec<Place>,
}

/// What starts with one text.
#[derive(Debug)]
struct Place {
    /// How long the text is.
    length: usize,
    /// The first of all its rules.
    first: u32,
    /// The rules of which the text is all.
    plain: Box<[u32]>,
    /// Those for which its last element has to end as well.
    elements: Box<[Element]>,
    groups: Box<[Group]>,
}

/// A rule that takes a path when an element ends.
#[derive(Clone, Copy, Debug)]
struct Element {
    rank: u32,
    /// A line feed may stand before the end of the path.
    line_feed: bool,
}

/// Expressions that share an automaton: those of consecutive rules.
#[derive(Debug)]
struct Group {
    /// The first of its rules.
    first: u32,
    machine: Machine,
}

/// An expression that is ready to be built.
struct Parsed<'a> {
    ranks: &'a [u32],
    opening: Opening,
    owner: usize,
}

impl Parsed<'_> {
    fn needs_automaton(&self) -> bool {
        let opening = &self.opening;
        !opening.is_plain() && ends_element(&opening.rest(opening.text().len())).is_none()
    }
}

/// The same, cut to what follows the text of its place.
struct Rest<'a> {
    ranks: &'a [u32],
    hir: Hir,
    owner: usize,
}

/// What the expressions of one object may still take.
#[derive(Clone)]
struct Allowance {
    space: usize,
    vain: usize,
}

impl RegexList {
    /// Builds the list; also says which ranks had to be left out for their size.
    ///
    /// `all` asks for every rule that matches, not only the first: hosts with conditional rules
    /// need to know what comes next.
    pub(crate) fn build(expressions: &[Expression<'_>], all: bool) -> (Self, Vec<u32>) {
        let mut refused = Vec::new();
        let (mut with_case, mut without_case) = (Vec::new(), Vec::new());
        for Expression { ranks, text, fold, start, owner } in expressions {
            match parse(text, *fold) {
                Ok(hir) => {
                    let parsed = Parsed { ranks, opening: Opening::new(&hir, *start, *fold), owner: *owner };
                    if *fold { without_case.push(parsed) } else { with_case.push(parsed) }
                }
                Err(_) => refused.extend(ranks),
            }
        }
        let owners = expressions.iter().map(|expression| expression.owner + 1).max().unwrap_or(0);
        let mut builder = Builder {
            all,
            allowances: vec![Allowance { space: OWNER_LIMIT, vain: VAIN_LIMIT }; owners],
            refused,
        };
        let list = Self { with_case: builder.index(&with_case), without_case: builder.index(&without_case) };
        builder.refused.sort_unstable();
        (list, builder.refused)
    }

    /// The lowest rank below `bound` whose expression matches.
    pub(crate) fn lowest(&self, path: &[u8], bound: u32) -> Option<u32> {
        let mut lowest = bound;
        self.each_place(path, |place| {
            if place.first < lowest {
                lowest = place.lowest(path, lowest);
            }
        });
        (lowest < bound).then_some(lowest)
    }

    /// Every rank whose expression matches. The list must have been built for it.
    pub(crate) fn each(&self, path: &[u8], mut visit: impl FnMut(u32)) {
        self.each_place(path, |place| place.each(path, &mut visit));
    }

    #[inline]
    fn each_place(&self, path: &[u8], mut visit: impl FnMut(&Place)) {
        let Index { trie, places } = &self.with_case;
        if !places.is_empty() {
            trie::walk::<false>(trie, 0, path, |at| {
                if let Some(place) = places.get(at as usize) {
                    visit(place);
                }
            });
        }
        let Index { trie, places } = &self.without_case;
        if !places.is_empty() {
            trie::walk::<true>(trie, 0, path, |at| {
                if let Some(place) = places.get(at as usize) {
                    visit(place);
                }
            });
        }
    }

    pub(crate) fn memory_usage(&self) -> usize {
        let usage =
            |index: &Index| index.trie.len() + index.places.iter().map(Place::memory_usage).sum::<usize>();
        usage(&self.with_case) + usage(&self.without_case)
    }
}

impl Place {
    fn lowest(&self, path: &[u8], bound: u32) -> u32 {
        let mut lowest = self.plain.first().map_or(bound, |&rank| rank.min(bound));
        let rest = self.rest(path);
        if let Some(element) = self.elements.iter().find(|element| element.ends(rest)) {
            lowest = lowest.min(element.rank);
        }
        for group in self.groups.iter().take_while(|group| group.first < bound) {
            if let Some(&rank) = group.machine.matched(rest).first() {
                lowest = lowest.min(rank);
            }
        }
        lowest
    }

    fn each(&self, path: &[u8], visit: &mut impl FnMut(u32)) {
        let rest = self.rest(path);
        let ends = |element: &&Element| element.ends(rest);
        self.plain.iter().for_each(|&rank| visit(rank));
        self.elements.iter().filter(ends).for_each(|element| visit(element.rank));
        for group in &self.groups {
            group.machine.matched(rest).iter().for_each(|&rank| visit(rank));
        }
    }

    fn rest<'p>(&self, path: &'p [u8]) -> &'p [u8] {
        path.get(self.length..).unwrap_or_default()
    }

    fn memory_usage(&self) -> usize {
        let groups: usize = self.groups.iter().map(Group::memory_usage).sum();
        size_of::<Self>() + size_of_val(&*self.plain) + size_of_val(&*self.elements) + groups
    }
}

impl Element {
    #[inline]
    fn ends(self, rest: &[u8]) -> bool {
        match rest {
            [] | [b'/', ..] => true,
            [b'\n'] => self.line_feed,
            _ => false,
        }
    }
}

impl Group {
    /// `behind` is the byte that the expressions follow.
    fn build(run: &[Rest<'_>], behind: Option<u8>, all: bool) -> Option<Self> {
        // Every expression goes on to the end of the path, see `machine`.
        let whole = |one: &Rest<'_>| Hir::concat(vec![one.hir.clone(), anything(true)]);
        let expressions: Vec<Hir> = run.iter().map(whole).collect();
        // Under "leftmost first" a rule that has matched hides all later ones.
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
        let ranks: Vec<Box<[u32]>> = run.iter().map(|one| one.ranks.into()).collect();
        let first = ranks.iter().flatten().min().copied()?;
        Some(Self { first, machine: Machine::new(&automaton, behind, &ranks)? })
    }

    fn memory_usage(&self) -> usize {
        size_of_val(&self.first) + self.machine.memory_usage()
    }
}

/// What a place is made of.
#[derive(Default)]
struct Contents<'a> {
    plain: Vec<u32>,
    elements: Vec<Element>,
    rests: Vec<Rest<'a>>,
}

struct Builder {
    all: bool,
    allowances: Vec<Allowance>,
    refused: Vec<u32>,
}

impl Builder {
    fn index(&mut self, parsed: &[Parsed<'_>]) -> Index {
        if parsed.is_empty() {
            return Index::default();
        }
        let kept = kept_texts(parsed);
        let mut places: BTreeMap<&[u8], Contents<'_>> = BTreeMap::new();
        for Parsed { ranks, opening, owner } in parsed {
            if opening.is_plain() {
                places.entry(opening.text()).or_default().plain.extend_from_slice(ranks);
                continue;
            }
            if let Some(line_feed) = ends_element(&opening.rest(opening.text().len())) {
                let elements = ranks.iter().map(|&rank| Element { rank, line_feed });
                places.entry(opening.text()).or_default().elements.extend(elements);
                continue;
            }
            let text = kept.get(opening.text()).copied().unwrap_or_default();
            let rest = Rest { ranks, hir: opening.rest(text.len()), owner: *owner };
            places.entry(text).or_default().rests.push(rest);
        }
        let entries: Vec<_> =
            (0..).zip(places.keys()).map(|(rank, text)| Entry::literal(text, rank)).collect();
        let mut trie = Vec::new();
        trie::build(&entries, &mut trie);
        trie.extend([0; PADDING]);
        let places = places.into_iter().map(|(text, Contents { plain, elements, rests })| {
            let groups = self.groups(rests, text.last().copied());
            let others =
                elements.iter().map(|element| element.rank).chain(groups.iter().map(|group| group.first));
            let first = plain.iter().copied().chain(others).min().unwrap_or(u32::MAX);
            let (plain, elements, groups) = (plain.into(), elements.into(), groups.into());
            Place { length: text.len(), first, plain, elements, groups }
        });
        Index { places: places.collect(), trie }
    }

    /// The automata of one place.
    fn groups(&mut self, rests: Vec<Rest<'_>>, behind: Option<u8>) -> Vec<Group> {
        let mut groups = Vec::new();
        // Runs still to be built, the first on top, so that groups come out in order; and whether each of
        // their expressions is known to fit alone.
        let mut runs = vec![(rests, false)];
        while let Some((mut run, fit_alone)) = runs.pop() {
            run.retain(|one| self.has_something_left(one));
            let Some(first) = run.first() else { continue };
            let owner = run.iter().all(|one| one.owner == first.owner).then_some(first.owner);
            match Group::build(&run, behind, self.all).filter(|group| self.is_paid_for(group, &run)) {
                Some(group) => groups.push(group),
                None if run.len() == 1 => {
                    self.spend(first.owner, AUTOMATON_LIMIT);
                    self.refused.extend(first.ranks);
                }
                // Most do not fit because of few: halving would meet these again at every step.
                None if !fit_alone => {
                    runs.extend(self.packed(run, behind).into_iter().rev().map(|run| (run, true)));
                }
                None => {
                    // A run of several objects that does not fit is nobody's fault.
                    owner.into_iter().for_each(|owner| self.spend(owner, AUTOMATON_LIMIT));
                    let second = run.split_off(run.len() / 2);
                    runs.extend([(second, true), (run, true)]);
                }
            }
        }
        groups
    }

    /// Runs of what fits alone, by what it takes alone.
    fn packed<'a>(&mut self, run: Vec<Rest<'a>>, behind: Option<u8>) -> Vec<Vec<Rest<'a>>> {
        let mut packs = vec![Vec::new()];
        let mut size = 0;
        for one in run {
            if !self.has_something_left(&one) {
                continue;
            }
            let Some(group) = Group::build(slice::from_ref(&one), behind, self.all) else {
                self.spend(one.owner, AUTOMATON_LIMIT);
                self.refused.extend(one.ranks);
                continue;
            };
            let taken = group.machine.memory_usage();
            self.spend(one.owner, taken);
            size += taken;
            if size > AUTOMATON_LIMIT / 4 {
                packs.push(Vec::new());
                size = taken;
            }
            if let Some(last) = packs.last_mut() {
                last.push(one);
            }
        }
        packs
    }

    /// Refuses what belongs to an object that has used up what it may.
    fn has_something_left(&mut self, one: &Rest<'_>) -> bool {
        let left = self.allowances.get(one.owner).is_some_and(|left| left.vain > 0);
        if !left {
            self.refused.extend(one.ranks);
        }
        left
    }

    fn spend(&mut self, owner: usize, size: usize) {
        if let Some(left) = self.allowances.get_mut(owner) {
            left.vain = left.vain.saturating_sub(size);
        }
    }

    /// Takes the space off what the objects have left, in equal parts; `false` when one of them has too
    /// little.
    fn is_paid_for(&mut self, group: &Group, run: &[Rest<'_>]) -> bool {
        let share = group.machine.memory_usage() / run.len().max(1);
        let mut shares = BTreeMap::new();
        run.iter().for_each(|one| *shares.entry(one.owner).or_insert(0) += share);
        let enough = |(owner, share): (&usize, &usize)| {
            self.allowances.get(*owner).is_some_and(|left| left.space >= *share)
        };
        if !shares.iter().all(enough) {
            return false;
        }
        for (owner, share) in shares {
            if let Some(left) = self.allowances.get_mut(owner) {
                left.space -= share;
            }
        }
        true
    }
}

/// For each text that has something behind it the text that it is kept under: itself, or a shorter one where
/// too many start each other.
fn kept_texts<'a>(parsed: &'a [Parsed<'_>]) -> BTreeMap<&'a [u8], &'a [u8]> {
    let texts: BTreeSet<_> =
        parsed.iter().filter(|one| one.needs_automaton()).map(|one| one.opening.text()).collect();
    let mut kept = BTreeMap::new();
    // The texts that start the present one, the shortest first.
    let mut above: Vec<&[u8]> = Vec::new();
    for text in texts {
        while above.last().is_some_and(|last| !text.starts_with(last)) {
            above.pop();
        }
        match above.last().filter(|_| above.len() == DEPTH) {
            Some(last) => {
                kept.insert(text, *last);
            }
            None => {
                above.push(text);
                kept.insert(text, text);
            }
        }
    }
    kept
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
        found.sort_unstable();
        found
    }

    /// Every expression by itself is the reference.
    #[test]
    fn a_list_finds_what_each_of_its_expressions_finds() {
        let texts = [
            "",
            "/",
            "/a",
            "/a|/ab",
            "/a$",
            "/ab",
            "/ab/?$",
            "/a(/|$)(.*)",
            "/A",
            "/(?-i:A)b",
            "/[Aa]b",
            "/a.c",
            "/a/b/c",
            "/a/[^/]+",
            "/a/[^/]+/c",
            "/a/b(?:/c)?$",
            ".*",
            ".*c$",
            "/a/b|/c|d",
            "^/a^",
            "/a/^b",
            r"/a\b",
            r"/a/\bb",
            r"/a\x00b",
            "/aaaaaaaa[a-b]",
            "/aaaaaaa[a-b]",
            "/aaaaaa[a-b]",
            "/aaaaa[a-b]",
            "/aaaa[a-b]",
            "/aaa[a-b]",
            "/aa[a-b]",
            "/a[a-b]",
            "/[a-b]",
            "/aaaaaaaab",
            "(/a)(b)?",
            "/a/(b|bc)(c|cd)$",
            r"/\xff",
            "b",
        ];
        let paths = [
            "",
            "/",
            "/a",
            "/A",
            "/ab",
            "/Ab",
            "/aB",
            "/ab/",
            "/ab/c",
            "/a/",
            "/a/b",
            "/a/b/c",
            "/A/B/C",
            "/a/bc",
            "/a/bcd",
            "/axc",
            "/a\0b",
            "/aaaaaaaaa",
            "/aaaaaaab",
            "/aaab",
            "/b",
            "b",
            "d",
            "/c",
            "/x/c",
            "/a b",
        ];
        for (fold, start, all) in [
            (false, Start::Path, false),
            (true, Start::Path, true),
            (true, Start::Anywhere, false),
            (false, Start::Anywhere, true),
        ] {
            // Many that may start anywhere are too much for one automaton: two are enough to see.
            let written =
                |text: &&str| if start == Start::Path { (*text).to_owned() } else { format!("^{text}") };
            let texts: Vec<_> =
                texts.iter().map(written).chain(["b/c".to_owned(), "c$".to_owned()]).collect();
            let expression = |(rank, text): (u32, _)| -> Expression<'_> {
                Expression { ranks: vec![2 * rank, 2 * rank + 1], text, fold, start, owner: 0 }
            };
            let expressions: Vec<_> = (0..).zip(texts.iter().map(String::as_str)).map(expression).collect();
            let (list, refused) = RegexList::build(&expressions, all);
            assert!(refused.is_empty());
            for path in paths.map(str::as_bytes).into_iter().chain([&b"/\xff"[..]]) {
                let matches = |one: &&Expression<'_>| {
                    crate::path::regex::matched_length(one.text, fold, start, path).is_some()
                };
                let wanted: Vec<_> =
                    expressions.iter().filter(matches).flat_map(|one| one.ranks.clone()).collect();
                let what = (fold, start, String::from_utf8_lossy(path));
                if all {
                    let mut found = Vec::new();
                    list.each(path, |rank| found.push(rank));
                    found.sort_unstable();
                    assert_eq!(found, wanted, "{what:?}");
                } else {
                    assert_eq!(list.lowest(path, u32::MAX), wanted.first().copied(), "{what:?}");
                    let bound = wanted.first().copied().unwrap_or(0);
                    assert_eq!(list.lowest(path, bound), None, "{what:?}");
                }
            }
        }
    }

    /// However many texts start each other, a path meets few automata.
    #[test]
    fn texts_within_texts_are_cut() {
        let texts: Vec<String> = (1..200).map(|length| format!("/{}[b-c]", "a".repeat(length))).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (list, refused) = list(&texts, false);
        assert!(refused.is_empty());
        let path = format!("/{}b", "a".repeat(150));
        let mut met = 0;
        list.each_place(path.as_bytes(), |place| met += place.groups.len());
        assert_eq!(met, DEPTH);
        assert_eq!(list.lowest(path.as_bytes(), u32::MAX), Some(149));
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

    /// One object's expressions take all that it may have, and those of others are served nevertheless.
    #[test]
    fn nobody_uses_up_what_others_need() {
        let bombs = (0..20).map(|n| format!("/{n}(a|b)*a(a|b){{18}}"));
        let texts: Vec<String> = bombs.chain((0..20).map(|n| format!("/x{n}[a-z]?$"))).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (list, refused) = owned(&texts, |rank| usize::from(rank >= 20), true);
        assert_eq!(refused, (0..20).collect::<Vec<_>>());
        let mut found = Vec::new();
        list.each(b"/x7", |rank| found.push(rank));
        assert_eq!(found, [27]);
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
