//! From expressions to their [list](super::list).
//!
//! Automata are fully compiled, and so immutable. Lazily built ones would be smaller but need a cache per
//! thread. Their price is size, which is bounded: expressions that do not fit into one automaton are spread
//! over several, and one that does not fit alone is reported and left out. The bound is one for each object,
//! not one for the host: whoever shares a host with others cannot use up what their expressions need.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;

use regex_automata::MatchKind;
use regex_automata::dfa::{StartKind, dense};
use regex_syntax::hir::Hir;

use super::list::{Element, Expression, Group, Index, Place, RegexList};
use super::machine::Machine;
use super::opening::{Opening, ends_element};
use super::{anything, parse, program};

/// Memory that one automaton may take. Expressions are spread over several until they fit.
pub(super) const AUTOMATON_LIMIT: usize = 2 << 20;
/// Memory that the construction of one automaton may take on top.
const DETERMINIZE_LIMIT: usize = 4 << 20;
/// Memory that the automata of one object's rules may take on a host.
pub(super) const OWNER_LIMIT: usize = 16 << 20;
/// How much may be built in vain, or only to see whether it fits, for one object. What comes after that is
/// left out, so that an object costs a bounded time.
const VAIN_LIMIT: usize = 8 * AUTOMATON_LIMIT;
/// How many texts with expressions behind them may start each other.
pub(super) const DEPTH: usize = 6;

/// An expression that is ready to be built.
struct Parsed<'a> {
    ranks: &'a [u32],
    opening: Opening,
    owners: &'a [usize],
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
    owners: &'a [usize],
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
        for Expression { ranks, text, fold, start, owners } in expressions {
            match parse(text, *fold) {
                Ok(hir) => {
                    let parsed = Parsed { ranks, opening: Opening::new(&hir, *start, *fold), owners };
                    if *fold { without_case.push(parsed) } else { with_case.push(parsed) }
                }
                Err(_) => refused.extend(ranks),
            }
        }
        let owners =
            expressions.iter().flat_map(|expression| &expression.owners).max().map_or(0, |last| last + 1);
        let mut builder = Builder {
            all,
            allowances: vec![Allowance { space: OWNER_LIMIT, vain: VAIN_LIMIT }; owners],
            refused,
        };
        let list = Self::new(builder.index(&with_case, false), builder.index(&without_case, true));
        builder.refused.sort_unstable();
        (list, builder.refused)
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
    fn index(&mut self, parsed: &[Parsed<'_>], fold: bool) -> Index {
        let kept = kept_texts(parsed);
        let mut places: BTreeMap<&[u8], Contents<'_>> = BTreeMap::new();
        for Parsed { ranks, opening, owners } in parsed {
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
            let rest = Rest { ranks, hir: opening.rest(text.len()), owners };
            places.entry(text).or_default().rests.push(rest);
        }
        let places = places.into_iter().map(|(text, Contents { plain, elements, rests })| {
            let groups = self.groups(rests, text.last().copied());
            (text, Place { plain, elements, groups })
        });
        Index::new(places.collect(), fold)
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
            let alike = run.iter().all(|one| one.owners == first.owners);
            let owners = first.owners;
            match Group::build(&run, behind, self.all).filter(|group| self.is_paid_for(group, &run)) {
                Some(group) => groups.push(group),
                None if run.len() == 1 => {
                    self.spend(owners, AUTOMATON_LIMIT);
                    self.refused.extend(first.ranks);
                }
                // Most do not fit because of few: halving would meet these again at every step.
                None if !fit_alone => {
                    runs.extend(self.packed(run, behind).into_iter().rev().map(|run| (run, true)));
                }
                None => {
                    // A run of several objects that does not fit is nobody's fault.
                    if alike {
                        self.spend(owners, AUTOMATON_LIMIT);
                    }
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
                self.spend(one.owners, AUTOMATON_LIMIT);
                self.refused.extend(one.ranks);
                continue;
            };
            let taken = group.machine.memory_usage();
            self.spend(one.owners, taken);
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

    /// Refuses what only belongs to objects that have used up what they may.
    fn has_something_left(&mut self, one: &Rest<'_>) -> bool {
        let left = self.payer(one.owners).is_some();
        if !left {
            self.refused.extend(one.ranks);
        }
        left
    }

    /// Who pays for an expression that several objects have: who has most left. So none of them
    /// depends on what else another one asks for.
    fn payer(&self, owners: &[usize]) -> Option<usize> {
        let left = |owner: &usize| self.allowances.get(*owner).filter(|left| left.vain > 0);
        owners
            .iter()
            .copied()
            .filter(|owner| left(owner).is_some())
            .max_by_key(|owner| left(owner).map(|left| left.space))
    }

    fn spend(&mut self, owners: &[usize], size: usize) {
        if let Some(payer) = self.payer(owners)
            && let Some(left) = self.allowances.get_mut(payer)
        {
            left.vain = left.vain.saturating_sub(size);
        }
    }

    /// Takes the space off what the objects have left, in equal parts; `false` when one of them has too
    /// little.
    fn is_paid_for(&mut self, group: &Group, run: &[Rest<'_>]) -> bool {
        let share = group.machine.memory_usage() / run.len().max(1);
        let mut shares = BTreeMap::new();
        for payer in run.iter().filter_map(|one| self.payer(one.owners)) {
            *shares.entry(payer).or_insert(0) += share;
        }
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
