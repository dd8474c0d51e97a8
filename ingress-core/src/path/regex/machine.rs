//! An automaton in as little memory as it can do with, for a lookup waits for memory more than for anything
//! else.
//!
//! It is read off the one that `regex-automata` compiles, whose rows are padded and whose matches lie
//! elsewhere. Here every expression goes on to the end of the path, so that the last state alone knows what
//! matched: its row says where the ranks stand. A state that no byte leads out of ends the search.

use std::collections::BTreeMap;

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;

#[derive(Debug)]
pub(super) struct Machine {
    start: u32,
    /// States from here on lead nowhere but to themselves.
    settled: u32,
    /// One row after the other; a state is where its row starts. The first column says where the ranks stand
    /// of what matches there: behind the rows, each list after its length.
    data: Box<[u32]>,
    /// The column of each byte.
    columns: [u8; 256],
}

impl Machine {
    /// Reads the machine off an automaton that starts behind a certain byte. `ranks` holds those of each
    /// expression.
    pub(super) fn new(
        automaton: &dense::DFA<Vec<u32>>,
        behind: Option<u8>,
        ranks: &[Box<[u32]>],
    ) -> Option<Self> {
        let classes = automaton.byte_classes();
        // One byte of each class. Expressions that tell all bytes apart need more columns than a byte counts.
        let mut columns = [0_u8; 256];
        let mut bytes = BTreeMap::new();
        for (byte, column) in (0..=u8::MAX).zip(columns.iter_mut()) {
            *column = classes.get(byte).checked_add(1)?;
            bytes.entry(*column).or_insert(byte);
        }
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(behind);
        let states = States::reached(automaton, automaton.start_state(&config).ok()?, &bytes);

        let width = u32::try_from(bytes.len() + 1).ok()?;
        let place = |state: &StateID| states.places.get(state).and_then(|place| place.checked_mul(width));
        let rows = u32::try_from(states.order.len()).ok()?.checked_mul(width)?;
        let mut lists = Lists { first: rows, ..Lists::default() };
        let mut data = Vec::with_capacity(rows as usize);
        for (state, next) in &states.order {
            data.push(lists.place(matched(automaton, *state, ranks)));
            for next in next {
                data.push(place(next)?);
            }
        }
        data.append(&mut lists.text);
        let settled = states.settled.checked_mul(width)?;
        Some(Self { start: place(&states.start)?, settled, data: data.into(), columns })
    }

    /// The ranks of what matches, in order.
    #[inline]
    pub(super) fn matched(&self, path: &[u8]) -> &[u32] {
        let mut state = self.start;
        for &byte in path {
            if state >= self.settled {
                break;
            }
            let column = self.columns.get(usize::from(byte)).map_or(0, |column| usize::from(*column));
            state = self.data.get(state as usize + column).copied().unwrap_or(0);
        }
        let list = self.data.get(state as usize).map_or(0, |list| *list as usize);
        let Some((&length, ranks)) = self.data.get(list..).and_then(<[u32]>::split_first) else {
            return &[];
        };
        ranks.get(..length as usize).unwrap_or_default()
    }

    pub(super) fn memory_usage(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.data)
    }
}

/// The states of an automaton in a new order.
struct States {
    start: StateID,
    /// Each with the states that its columns lead to.
    order: Vec<(StateID, Vec<StateID>)>,
    places: BTreeMap<StateID, u32>,
    /// The place of the first state that only leads to itself.
    settled: u32,
}

impl States {
    fn reached(automaton: &dense::DFA<Vec<u32>>, start: StateID, bytes: &BTreeMap<u8, u8>) -> Self {
        let mut seen = std::collections::BTreeSet::from([start]);
        let mut waiting = std::collections::VecDeque::from([start]);
        let (mut order, mut settled) = (Vec::new(), Vec::new());
        while let Some(state) = waiting.pop_front() {
            let next: Vec<_> = bytes.values().map(|byte| automaton.next_state(state, *byte)).collect();
            waiting.extend(next.iter().filter(|next| seen.insert(**next)));
            let stays = next.iter().all(|next| *next == state);
            if stays { &mut settled } else { &mut order }.push((state, next));
        }
        let first = order.len() as u32;
        order.append(&mut settled);
        let places = order.iter().map(|(state, _)| *state).zip(0..).collect();
        Self { start, order, places, settled: first }
    }
}

/// The ranks of what matches where the path ends in this state.
fn matched(automaton: &dense::DFA<Vec<u32>>, state: StateID, ranks: &[Box<[u32]>]) -> Vec<u32> {
    let end = automaton.next_eoi_state(state);
    if !automaton.is_match_state(end) {
        return Vec::new();
    }
    let expressions = (0..automaton.match_len(end)).map(|index| automaton.match_pattern(end, index));
    let mut matched: Vec<_> =
        expressions.filter_map(|expression| ranks.get(expression.as_usize())).flatten().copied().collect();
    matched.sort_unstable();
    matched
}

/// Lists of ranks, each one once.
#[derive(Default)]
struct Lists {
    /// Where the text will begin.
    first: u32,
    text: Vec<u32>,
    places: BTreeMap<Vec<u32>, u32>,
}

impl Lists {
    fn place(&mut self, ranks: Vec<u32>) -> u32 {
        if let Some(place) = self.places.get(&ranks) {
            return *place;
        }
        let place = self.first + self.text.len() as u32;
        self.text.push(ranks.len() as u32);
        self.text.extend_from_slice(&ranks);
        self.places.insert(ranks, place);
        place
    }
}
