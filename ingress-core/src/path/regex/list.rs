//! All expressions of a host: found by the text that they start with, tried together.
//!
//! One automaton over all of them would look at each byte of a path once. But it is the product of all:
//! five hundred expressions such as people write make several megabytes, and a lookup that waits for memory
//! at every byte. So a tree finds the texts that the path starts with, and behind each of them a small
//! automaton tries what may follow there. Most paths meet two or three such texts. Texts that lie too deep
//! in each other are cut, so that nobody can make a path meet many.
//!
//! Nothing here changes or waits, so a search takes no lock, and it allocates nothing.

use std::collections::BTreeMap;

use super::Start;
use super::machine::Machine;
use super::texts::{Step, Texts};

/// Greater than every number.
const NONE: u32 = u32::MAX;

/// One expression of a host, with the rules that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Expression<'a> {
    /// The numbers of its rules; several only where some of them have conditions.
    pub(crate) ranks: Vec<u32>,
    pub(crate) text: &'a str,
    pub(crate) fold: bool,
    pub(crate) start: Start,
    /// The numbers of the objects that it came from.
    pub(crate) owners: Vec<usize>,
}

/// All expressions of a host, in the order of their rules.
#[derive(Debug)]
pub(crate) struct RegexList {
    with_case: Index,
    without_case: Index,
}

/// Expressions by the text that they start with.
#[derive(Debug)]
pub(super) struct Index {
    texts: Texts<Firsts>,
    /// One for each text.
    places: Vec<Place>,
}

/// What most lookups need to know of a place, so that they need not touch it: the first of its rules of
/// each kind, or none.
#[derive(Clone, Copy, Debug)]
struct Firsts {
    plain: u32,
    element: u32,
    place: u32,
    has_groups: bool,
}

/// What starts with one text.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The rules of which the text is all.
    pub(super) plain: Vec<u32>,
    /// Those for which its last element has to end as well.
    pub(super) elements: Vec<Element>,
    pub(super) groups: Vec<Group>,
}

/// A rule that takes a path when an element ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    pub(super) rank: u32,
    /// A line feed may stand before the end of the path.
    pub(super) line_feed: bool,
}

/// Expressions that share an automaton: those of consecutive rules.
#[derive(Debug)]
pub(super) struct Group {
    /// The first of its rules.
    pub(super) first: u32,
    pub(super) machine: Machine,
}

impl RegexList {
    pub(super) fn new(with_case: Index, without_case: Index) -> Self {
        Self { with_case, without_case }
    }

    /// The lowest rank below `bound` whose expression matches.
    #[inline]
    pub(crate) fn lowest(&self, path: &[u8], bound: u32) -> Option<u32> {
        let mut lowest = bound;
        for index in [&self.with_case, &self.without_case] {
            if !index.texts.is_empty() {
                lowest = index.lowest(path, lowest);
            }
        }
        (lowest < bound).then_some(lowest)
    }

    /// Every rank whose expression matches. The list must have been built for it.
    pub(crate) fn each(&self, path: &[u8], mut visit: impl FnMut(u32)) {
        self.with_case.each(path, &mut visit);
        self.without_case.each(path, &mut visit);
    }

    pub(crate) fn memory_usage(&self) -> usize {
        self.with_case.memory_usage() + self.without_case.memory_usage()
    }
}

impl Index {
    /// Takes the texts in their order.
    pub(super) fn new(places: BTreeMap<&[u8], Place>, fold: bool) -> Self {
        let texts: Vec<_> =
            places.iter().zip(0..).map(|((text, place), number)| (*text, place.firsts(number))).collect();
        let texts = Texts::new(&texts, Place::default().firsts(NONE), fold);
        Self { texts, places: places.into_values().collect() }
    }

    /// A function of its own: within another its values would not stay in registers.
    #[inline(never)]
    fn lowest(&self, path: &[u8], bound: u32) -> u32 {
        let mut lowest = bound;
        self.texts.walk(path, |Step { value: firsts, at, next }| {
            // No branch, for nobody could foresee where it goes.
            let ends = u32::from((next == b'/') | (at == path.len()));
            lowest = lowest.min(firsts.plain).min(firsts.element | ends.wrapping_sub(1));
            if (firsts.has_groups | (next == b'\n'))
                && let Some(place) = self.places.get(firsts.place as usize)
            {
                lowest = place.lowest(path.get(at..).unwrap_or_default(), lowest);
            }
        });
        lowest
    }

    fn each(&self, path: &[u8], visit: &mut impl FnMut(u32)) {
        self.texts.walk(path, |Step { value, at, .. }| {
            if let Some(place) = self.places.get(value.place as usize) {
                place.each(path.get(at..).unwrap_or_default(), visit);
            }
        });
    }

    fn memory_usage(&self) -> usize {
        self.texts.memory_usage() + self.places.iter().map(Place::memory_usage).sum::<usize>()
    }
}

impl Place {
    fn firsts(&self, number: u32) -> Firsts {
        Firsts {
            plain: self.plain.first().copied().unwrap_or(NONE),
            element: self.elements.first().map_or(NONE, |element| element.rank),
            place: number,
            has_groups: !self.groups.is_empty(),
        }
    }

    /// The lowest that the first ones do not tell. Few steps of a walk come to it.
    #[inline(never)]
    fn lowest(&self, rest: &[u8], bound: u32) -> u32 {
        let mut lowest = bound;
        if rest == b"\n" {
            let element = self.elements.iter().find(|element| element.line_feed);
            lowest = lowest.min(element.map_or(NONE, |element| element.rank));
        }
        for group in &self.groups {
            if group.first >= lowest {
                break;
            }
            if let Some(&rank) = group.machine.matched(rest).first() {
                lowest = lowest.min(rank);
            }
        }
        lowest
    }

    fn each(&self, rest: &[u8], visit: &mut impl FnMut(u32)) {
        let ends = |element: &&Element| element.ends(rest);
        self.plain.iter().for_each(|&rank| visit(rank));
        self.elements.iter().filter(ends).for_each(|element| visit(element.rank));
        for group in &self.groups {
            group.machine.matched(rest).iter().for_each(|&rank| visit(rank));
        }
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
    fn memory_usage(&self) -> usize {
        size_of_val(&self.first) + self.machine.memory_usage()
    }
}

#[cfg(test)]
mod tests {
    use super::super::build::{AUTOMATON_LIMIT, DEPTH, OWNER_LIMIT};
    use super::*;

    fn list(texts: &[&str], all: bool) -> (RegexList, Vec<u32>) {
        owned(texts, |_| vec![0], all)
    }

    fn owned(texts: &[&str], owners: fn(u32) -> Vec<usize>, all: bool) -> (RegexList, Vec<u32>) {
        let expression = |(rank, text): (u32, &&'static str)| -> Expression<'static> {
            Expression { ranks: vec![rank], text, fold: false, start: Start::Path, owners: owners(rank) }
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
                Expression { ranks: vec![2 * rank, 2 * rank + 1], text, fold, start, owners: vec![0] }
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
        list.with_case.texts.walk(path.as_bytes(), |step| {
            met += list.with_case.places.get(step.value.place as usize).map_or(0, |place| place.groups.len());
        });
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

    /// One object's expressions take all that it may have, and those of others are served nevertheless, even
    /// what it has in common with them.
    #[test]
    fn nobody_uses_up_what_others_need() {
        let bombs = (0..20).map(|n| format!("/{n}(a|b)*a(a|b){{18}}"));
        let texts: Vec<String> = bombs.chain((0..20).map(|n| format!("/x{n}[a-z]?$"))).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (list, refused) = owned(
            &texts,
            |rank| match rank {
                0..20 => vec![0],
                27 => vec![0, 1],
                _ => vec![1],
            },
            true,
        );
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
