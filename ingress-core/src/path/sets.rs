//! Which of many sets a text is in, for all texts at once.
//!
//! A deterministic automaton over the sets of [`language`](super::language), whose states are made when somebody
//! first comes to them. Whoever walks through all of its states has seen every text there is, as far as the sets
//! can tell texts apart. It is made for proofs, not for lookups: it remembers where it came from in more detail
//! than an engine that only wants to know whether there is a match.

use std::collections::BTreeMap;

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;

use super::language::{Language, program};

/// The automaton needs more memory than it may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TooLarge;

/// When a set is asked for at all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    /// The number of the first that asks for it.
    pub(crate) first: u32,
    /// A text in the set concerns nobody with a larger number than this.
    pub(crate) last: u32,
}

impl Use {
    /// Asked for by everybody.
    pub(crate) const ALWAYS: Self = Self { first: 0, last: u32::MAX };
}

/// A state of a [`Sets`].
pub(crate) type Place = u32;

/// The automaton.
#[derive(Debug)]
pub(crate) struct Sets {
    program: NFA,
    /// To which set a state of the program belongs.
    owners: Vec<u32>,
    uses: Vec<Use>,
    watch: Watch,
    keys: Vec<Key>,
    places: BTreeMap<Key, Place>,
    /// One row a place, one column a class of bytes.
    rows: Vec<Place>,
    columns: usize,
    /// The sets that a text is in that ends at a place.
    ends: Vec<Option<u32>>,
    labels: Vec<Box<[u32]>>,
    label_numbers: BTreeMap<Box<[u32]>, u32>,
    budget: usize,
    marks: Vec<u32>,
    mark: u32,
}

/// Everything that what follows can depend on.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Key {
    /// States of the program, in order.
    live: Box<[u32]>,
    /// Sets that the text is in whatever follows, in order.
    done: Box<[u32]>,
    before: Before,
}

/// What stands before a place, as far as some set looks back.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Before {
    Nothing,
    Other,
    Word,
    Feed,
    Return,
}

/// What sets look around for.
#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    lines: bool,
    words: bool,
}

const UNKNOWN: Place = Place::MAX;

impl Sets {
    /// The automaton of some sets, with the uses of each. `budget` bounds its memory, in numbers of four bytes.
    pub(crate) fn new(languages: &[Language<'_>], uses: Vec<Use>, budget: usize) -> Result<Self, TooLarge> {
        let program = program(languages).ok_or(TooLarge)?;
        let looks = program.look_set_any();
        if looks.contains_word_unicode() {
            return Err(TooLarge);
        }
        let lines = [Look::StartLF, Look::EndLF, Look::StartCRLF, Look::EndCRLF];
        let watch = Watch {
            lines: lines.iter().any(|look| looks.contains(*look)),
            words: looks.contains_word_ascii(),
        };
        let mut sets = Self {
            owners: owners(&program, languages.len()),
            uses,
            watch,
            keys: Vec::new(),
            places: BTreeMap::new(),
            rows: Vec::new(),
            columns: program.byte_classes().alphabet_len(),
            ends: Vec::new(),
            labels: Vec::new(),
            label_numbers: BTreeMap::new(),
            budget,
            marks: vec![0; program.states().len()],
            mark: 0,
            program,
        };
        let starts = (0..languages.len())
            .filter_map(|set| sets.program.start_pattern(set.try_into().ok()?))
            .map(|state| state.as_u32())
            .collect();
        sets.place(Key { live: starts, done: Box::default(), before: Before::Nothing })?;
        Ok(sets)
    }

    /// Where every text starts.
    pub(crate) const START: Place = 0;

    /// Bytes of one class are alike to all sets.
    pub(crate) fn class(&self, byte: u8) -> u8 {
        self.program.byte_classes().get(byte)
    }

    /// Where one more byte leads.
    pub(crate) fn next(&mut self, place: Place, byte: u8) -> Result<Place, TooLarge> {
        let cell = place as usize * self.columns + usize::from(self.class(byte));
        match self.rows.get(cell) {
            Some(&UNKNOWN) => {}
            Some(&known) => return Ok(known),
            None => return Err(TooLarge),
        }
        let Some(key) = self.keys.get(place as usize).cloned() else { return Err(TooLarge) };
        let (states, mut done) = self.closure(&key, Some(byte));
        let mut live: Vec<u32> = Vec::new();
        for state in states {
            if let Some(next) = step(&self.program, state, byte) {
                live.push(next);
            }
        }
        self.prune(&mut live, &mut done);
        let next = Key { live: live.into(), done: done.into(), before: self.watch.before(byte) };
        let next = self.place(next)?;
        if let Some(cell) = self.rows.get_mut(cell) {
            *cell = next;
        }
        Ok(next)
    }

    /// The number of the list of sets that a text is in that ends here.
    pub(crate) fn end(&mut self, place: Place) -> u32 {
        if let Some(Some(known)) = self.ends.get(place as usize) {
            return *known;
        }
        let Some(key) = self.keys.get(place as usize).cloned() else { return 0 };
        let (_, mut done) = self.closure(&key, None);
        self.prune(&mut Vec::new(), &mut done);
        let done: Box<[u32]> = done.into();
        let number = match self.label_numbers.get(&done) {
            Some(number) => *number,
            None => {
                let number = self.labels.len() as u32;
                self.labels.push(done.clone());
                self.label_numbers.insert(done, number);
                number
            }
        };
        if let Some(end) = self.ends.get_mut(place as usize) {
            *end = Some(number);
        }
        number
    }

    /// The sets of a list, by number.
    pub(crate) fn label(&self, number: u32) -> &[u32] {
        self.labels.get(number as usize).map_or(&[], |label| label)
    }

    fn place(&mut self, key: Key) -> Result<Place, TooLarge> {
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        let size = 2 * (key.live.len() + key.done.len()) + self.columns + 32;
        self.budget = self.budget.checked_sub(size).ok_or(TooLarge)?;
        let place = self.keys.len() as Place;
        self.keys.push(key.clone());
        self.places.insert(key, place);
        self.rows.resize(self.rows.len() + self.columns, UNKNOWN);
        self.ends.push(None);
        Ok(place)
    }

    /// The states of the program that are reached without a byte, before `next`, and the sets that the text is
    /// in by now.
    fn closure(&mut self, key: &Key, next: Option<u8>) -> (Vec<u32>, Vec<u32>) {
        self.mark += 1;
        let mut done = key.done.to_vec();
        let mut reached = Vec::new();
        let mut waiting: Vec<u32> = key.live.iter().rev().copied().collect();
        while let Some(state) = waiting.pop() {
            let Some(mark) = self.marks.get_mut(state as usize) else { continue };
            if std::mem::replace(mark, self.mark) == self.mark {
                continue;
            }
            let Some(read) = self.program.states().get(state as usize) else { continue };
            match read {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => reached.push(state),
                State::Look { look, next: behind } => {
                    if self.watch.holds(*look, key.before, next) {
                        waiting.push(behind.as_u32());
                    }
                }
                State::Union { alternates } => {
                    waiting.extend(alternates.iter().map(StateID::as_u32));
                }
                State::BinaryUnion { alt1, alt2 } => waiting.extend([alt1.as_u32(), alt2.as_u32()]),
                State::Capture { next, .. } => waiting.push(next.as_u32()),
                State::Fail => {}
                State::Match { pattern_id } => done.push(pattern_id.as_u32()),
            }
        }
        done.sort_unstable();
        done.dedup();
        (reached, done)
    }

    /// Leaves out what nobody asks for any more.
    fn prune(&self, live: &mut Vec<u32>, done: &mut Vec<u32>) {
        let of = |set: u32| self.uses.get(set as usize).copied().unwrap_or(Use::ALWAYS);
        let last = done.iter().map(|set| of(*set).last).min().unwrap_or(u32::MAX);
        done.retain(|set| of(*set).first <= last);
        live.retain(|state| {
            let owner = self.owners.get(*state as usize).copied().unwrap_or(0);
            of(owner).first <= last && done.binary_search(&owner).is_err()
        });
        live.sort_unstable();
        live.dedup();
    }
}

impl Watch {
    fn before(self, byte: u8) -> Before {
        match byte {
            b'\n' if self.lines => Before::Feed,
            b'\r' if self.lines => Before::Return,
            _ if self.words && is_word(byte) => Before::Word,
            _ => Before::Other,
        }
    }

    fn holds(self, look: Look, before: Before, next: Option<u8>) -> bool {
        let behind = before == Before::Word;
        let ahead = next.is_some_and(is_word);
        let start = before == Before::Nothing;
        match look {
            Look::Start => start,
            Look::End => next.is_none(),
            Look::StartLF => start || before == Before::Feed,
            Look::EndLF => matches!(next, None | Some(b'\n')),
            Look::StartCRLF => {
                start || before == Before::Feed || before == Before::Return && next != Some(b'\n')
            }
            Look::EndCRLF => {
                matches!(next, None | Some(b'\r')) || next == Some(b'\n') && before != Before::Return
            }
            Look::WordAscii => behind != ahead,
            Look::WordAsciiNegate => behind == ahead,
            Look::WordStartAscii => !behind && ahead,
            Look::WordEndAscii => behind && !ahead,
            Look::WordStartHalfAscii => !behind,
            Look::WordEndHalfAscii => !ahead,
            // Refused when the automaton was made.
            _ => false,
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn step(program: &NFA, state: u32, byte: u8) -> Option<u32> {
    let next = match program.states().get(state as usize)? {
        State::ByteRange { trans } if trans.matches_byte(byte) => trans.next,
        State::Sparse(transitions) => transitions.matches_byte(byte)?,
        State::Dense(transitions) => transitions.matches_byte(byte)?,
        _ => return None,
    };
    Some(next.as_u32())
}

/// To which set each state of a program belongs: no two sets share any.
fn owners(program: &NFA, sets: usize) -> Vec<u32> {
    let mut owners = vec![u32::MAX; program.states().len()];
    for set in 0..sets {
        let mut waiting: Vec<StateID> =
            set.try_into().ok().and_then(|pattern| program.start_pattern(pattern)).into_iter().collect();
        while let Some(state) = waiting.pop() {
            let Some(owner) = owners.get_mut(state.as_usize()) else { continue };
            if *owner != u32::MAX {
                continue;
            }
            *owner = set as u32;
            match program.state(state) {
                State::ByteRange { trans } => waiting.push(trans.next),
                State::Sparse(transitions) => {
                    waiting.extend(transitions.transitions.iter().map(|transition| transition.next));
                }
                State::Dense(transitions) => {
                    waiting.extend((0..=u8::MAX).filter_map(|byte| transitions.matches_byte(byte)));
                }
                State::Look { next, .. } | State::Capture { next, .. } => waiting.push(*next),
                State::Union { alternates } => waiting.extend(alternates.iter().copied()),
                State::BinaryUnion { alt1, alt2 } => waiting.extend([*alt1, *alt2]),
                State::Fail | State::Match { .. } => {}
            }
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::PathPattern;
    use proptest::prelude::*;

    fn label(languages: &[Language<'_>], uses: Vec<Use>, text: &[u8]) -> Vec<u32> {
        let mut sets = Sets::new(languages, uses, 1 << 20).unwrap();
        let mut place = Sets::START;
        for byte in text {
            place = sets.next(place, *byte).unwrap();
        }
        let end = sets.end(place);
        sets.label(end).to_vec()
    }

    fn patterns() -> Vec<PathPattern> {
        vec![
            PathPattern::any(),
            PathPattern::exact("/a/b").unwrap(),
            PathPattern::prefix("/a/").unwrap(),
            PathPattern::prefix("/").unwrap(),
            PathPattern::literal("/a").unwrap(),
            PathPattern::exact("/A/b").unwrap().ignore_case(),
            PathPattern::regex("/a|/ab$").unwrap(),
            PathPattern::regex(r"/a\b").unwrap(),
            PathPattern::search("b$").unwrap(),
            PathPattern::search("(?m)^b").unwrap(),
            PathPattern::regex("(?mR)/a$").unwrap(),
            PathPattern::search("a.b").unwrap().ignore_case(),
            PathPattern::regex("/a{2,3}$").unwrap(),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]

        #[test]
        fn a_text_is_in_the_sets_that_its_patterns_say(path in "/[abAB/\n\r_ \\-]{0,7}") {
            let patterns = patterns();
            let languages: Vec<_> = patterns.iter().map(Language::Path).collect();
            let found = label(&languages, vec![Use::ALWAYS; patterns.len()], path.as_bytes());
            let wanted: Vec<u32> =
                (0..).zip(&patterns).filter(|(_, pattern)| pattern.matches(path.as_bytes())).map(|(at, _)| at).collect();
            prop_assert_eq!(found, wanted);
        }

        #[test]
        fn what_nobody_asks_for_is_left_out(path in "/[ab/]{0,6}") {
            let patterns = patterns();
            let languages: Vec<_> = patterns.iter().map(Language::Path).collect();
            // Each is asked for by the rule of its number, and the even ones leave nothing to later rules.
            let uses = (0..patterns.len() as u32)
                .map(|at| Use { first: at, last: if at % 2 == 1 { at } else { u32::MAX } })
                .collect();
            let found = label(&languages, uses, path.as_bytes());
            let mut wanted = Vec::new();
            for (at, pattern) in (0..).zip(&patterns) {
                if pattern.matches(path.as_bytes()) {
                    wanted.push(at);
                    if at % 2 == 1 {
                        break;
                    }
                }
            }
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn texts() {
        let languages = [
            Language::Equals(b"always"),
            Language::EndsWith(b"ys"),
            Language::Found("^a.*s$"),
            Language::Found(""),
        ];
        let found = |text: &[u8]| label(&languages, vec![Use::ALWAYS; 4], text);
        assert_eq!(found(b"always"), [0, 1, 2, 3]);
        assert_eq!(found(b"days"), [1, 3]);
        assert_eq!(found(b"as"), [2, 3]);
        assert_eq!(found(b""), [3]);
    }

    #[test]
    fn memory_is_bounded() {
        let pattern = PathPattern::search("(a|b)*a(a|b){20}$").unwrap();
        let mut sets = Sets::new(&[Language::Path(&pattern)], vec![Use::ALWAYS], 1 << 16).unwrap();
        let mut place = Sets::START;
        let mut state = 1_u32;
        let walked = (0..1 << 20).try_for_each(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            place = sets.next(place, if state >> 31 == 0 { b'a' } else { b'b' })?;
            Ok::<(), TooLarge>(())
        });
        assert_eq!(walked, Err(TooLarge));
    }
}
