//! All paths, side by side through the automata of two tables, the shortest first.

use std::collections::{BTreeMap, BTreeSet};

use super::side::Side;
use crate::path::reader::{Reader, Token, Written};
use crate::path::sets::{Place, Sets, TooLarge};
use crate::path::{PathReading, Refusal};

/// Memory for the automaton of a side, in numbers of four bytes.
const BUDGET: usize = 24 << 20;
/// How many places are gone through.
const MOST_NODES: usize = 1 << 21;
/// How many paths of a crossing are kept.
const MOST_PATHS: usize = 24;
/// Endings that are tried behind the shortest paths of a crossing: two rewrites that agree on short paths may part
/// on longer ones.
const ENDINGS: [&str; 8] = ["a", "aa", "/a", "/a/b", "a-b.c/d_e", "/", "0/1/2/x", "%20b"];
/// Behind so many paths of each crossing.
const EXTENDED: usize = 4;
/// What a token is long at most.
const LONGEST: usize = 3;

/// Paths that are alike to both tables.
#[derive(Clone, Debug)]
pub(super) struct Crossing {
    /// What both tables know of these paths.
    pub(super) ends: (End, End),
    /// Whether a table reads something else than what was sent, where the two do not read alike.
    pub(super) changed: bool,
    /// Some of the paths as they are sent, the shortest first.
    pub(super) paths: Vec<String>,
}

/// What a table knows of a path.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum End {
    /// It is in these sets.
    In(Box<[u32]>),
    /// It is refused.
    Refused(Refusal),
}

impl Crossing {
    pub(super) fn shortest(&self) -> &str {
        self.paths.first().map_or("/", |path| path)
    }
}

/// A side on its way.
struct Runner {
    reading: PathReading,
    sets: Sets,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Position {
    reader: Reader,
    place: Place,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Node {
    sides: (Position, Position),
    changed: bool,
    character: Character,
}

/// What a character beyond ASCII still needs: so many bytes, the next of them in this range.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Character {
    missing: u8,
    from: u8,
    to: u8,
}

impl Character {
    const WHOLE: Self = Self { missing: 0, from: 0x80, to: 0xbf };

    /// Behind one more token; `None` where it cannot stand.
    fn next(self, token: Token) -> Option<Self> {
        let byte = match token {
            Token::Plain(byte) if !byte.is_ascii() => byte,
            _ => return (self.missing == 0).then_some(self),
        };
        if self.missing > 0 {
            let inside = (self.from..=self.to).contains(&byte);
            return inside.then_some(Self { missing: self.missing - 1, ..Self::WHOLE });
        }
        let (missing, from, to) = match byte {
            0xc2..=0xdf => (1, 0x80, 0xbf),
            0xe0 => (2, 0xa0, 0xbf),
            0xed => (2, 0x80, 0x9f),
            0xe1..=0xef => (2, 0x80, 0xbf),
            0xf0 => (3, 0x90, 0xbf),
            0xf1..=0xf3 => (3, 0x80, 0xbf),
            0xf4 => (3, 0x80, 0x8f),
            _ => return None,
        };
        Some(Self { missing, from, to })
    }

    /// Bytes of one role may stand at the same places.
    fn role(byte: u8) -> u8 {
        match byte {
            0x00..=0x7f => 0,
            0x80..=0x8f => 1,
            0x90..=0x9f => 2,
            0xa0..=0xbf => 3,
            0xc0 | 0xc1 | 0xf5..=0xff => 4,
            0xc2..=0xdf => 5,
            0xe0 => 6,
            0xed => 7,
            0xe1..=0xef => 8,
            0xf0 => 9,
            0xf1..=0xf3 => 10,
            0xf4 => 11,
        }
    }
}

/// How a node was reached.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    node: Node,
    from: u32,
    token: Token,
    length: u32,
}

/// What was seen on the way.
#[derive(Debug)]
pub(super) struct Walk {
    crossings: Vec<Crossing>,
}

impl Walk {
    /// Goes through all paths.
    pub(super) fn through(a: &Side<'_>, b: &Side<'_>) -> Result<Self, TooLarge> {
        let runner = |side: &Side<'_>| {
            let sets = Sets::new(&side.languages(), side.uses(), BUDGET)?;
            Ok(Runner { reading: side.table().semantics().paths(), sets })
        };
        let (mut a, mut b) = (runner(a)?, runner(b)?);
        let alike = a.reading == b.reading;
        let tokens = tokens(&a, &b, alike);

        let start = Position { reader: Reader::START, place: Sets::START };
        let root = Node { sides: (start, start), changed: false, character: Character::WHOLE };
        let mut arrivals: Vec<Arrival> = Vec::new();
        let mut known: BTreeMap<Node, u32> = BTreeMap::new();
        // Nodes by the length of the shortest path to them, as far as it is known.
        let mut waiting: Vec<Vec<u32>> = vec![Vec::new(); 2];
        let slash = Token::Plain(b'/');
        let Some(first) = root.next((&mut a, &mut b), slash, alike)? else { return Err(TooLarge) };
        arrivals.push(Arrival { node: first, from: u32::MAX, token: slash, length: 1 });
        known.insert(first, 0);
        waiting.get_mut(1).into_iter().for_each(|nodes| nodes.push(0));

        let mut crossings: Vec<Crossing> = Vec::new();
        let mut places: BTreeMap<(End, End, bool), usize> = BTreeMap::new();
        let mut extended: Vec<(Node, usize)> = Vec::new();
        let mut length = 1;
        while length < waiting.len() {
            for at in waiting.get_mut(length).map(std::mem::take).unwrap_or_default() {
                let Some(arrival) = arrivals.get(at as usize).copied() else { continue };
                if arrival.length as usize != length {
                    continue;
                }
                let node = arrival.node;
                if node.character == Character::WHOLE
                    && let (Some(end_a), Some(end_b)) = (a.end(node.sides.0), b.end(node.sides.1))
                {
                    let key = (end_a, end_b, node.changed);
                    let place = *places.entry(key.clone()).or_insert_with(|| {
                        crossings.push(Crossing {
                            ends: (key.0, key.1),
                            changed: node.changed,
                            paths: Vec::new(),
                        });
                        crossings.len() - 1
                    });
                    if let Some(crossing) = crossings.get_mut(place)
                        && crossing.paths.len() < MOST_PATHS
                    {
                        crossing.paths.push(path_to(&arrivals, at));
                        if crossing.paths.len() <= EXTENDED {
                            extended.push((node, place));
                        }
                    }
                }
                if !node.goes_on() {
                    continue;
                }
                for token in &tokens {
                    let Some(next) = node.next((&mut a, &mut b), *token, alike)? else { continue };
                    let after = length + token.text().bytes().len();
                    let arrival = Arrival { node: next, from: at, token: *token, length: after as u32 };
                    let place = *known.entry(next).or_insert(u32::MAX);
                    let place = match arrivals.get_mut(place as usize) {
                        Some(earlier) if earlier.length <= arrival.length => continue,
                        Some(earlier) => {
                            *earlier = arrival;
                            place
                        }
                        None => {
                            if arrivals.len() >= MOST_NODES {
                                return Err(TooLarge);
                            }
                            let place = arrivals.len() as u32;
                            arrivals.push(arrival);
                            known.insert(next, place);
                            place
                        }
                    };
                    if waiting.len() <= length + LONGEST {
                        waiting.resize(length + LONGEST + 1, Vec::new());
                    }
                    if let Some(nodes) = waiting.get_mut(after) {
                        nodes.push(place);
                    }
                }
            }
            length += 1;
        }
        let mut counts = vec![0; crossings.len()];
        for (node, place) in extended {
            let at = counts.get_mut(place).map_or(0, |count| std::mem::replace(count, *count + 1));
            for ending in ENDINGS {
                let Some(last) = node.behind((&mut a, &mut b), ending, alike)? else { continue };
                let (Some(end_a), Some(end_b)) = (a.end(last.sides.0), b.end(last.sides.1)) else { continue };
                if places.get(&(end_a, end_b, last.changed)) == Some(&place)
                    && let Some(crossing) = crossings.get_mut(place)
                    && let Some(longer) = crossing.paths.get(at).map(|path| format!("{path}{ending}"))
                {
                    crossing.paths.push(longer);
                }
            }
        }
        for crossing in &mut crossings {
            crossing.paths.sort_by_key(String::len);
        }
        let asterisk = (a.asterisk()?, b.asterisk()?);
        crossings.push(Crossing { ends: asterisk, changed: !alike, paths: vec!["*".to_owned()] });
        Ok(Self { crossings })
    }

    /// What was seen, those with the shortest paths first.
    pub(super) fn crossings(&self) -> impl Iterator<Item = &Crossing> {
        self.crossings.iter()
    }
}

impl Node {
    fn next(
        self,
        (a, b): (&mut Runner, &mut Runner),
        token: Token,
        alike: bool,
    ) -> Result<Option<Self>, TooLarge> {
        let Some(character) = self.character.next(token) else { return Ok(None) };
        let (side_a, same_a) = a.next(self.sides.0, token)?;
        let (side_b, same_b) = b.next(self.sides.1, token)?;
        let changed = self.changed || !(alike || same_a && same_b);
        Ok(Some(Self { sides: (side_a, side_b), changed, character }))
    }

    /// Behind all tokens of a text; `None` where it cannot stand.
    fn behind(
        self,
        (a, b): (&mut Runner, &mut Runner),
        text: &str,
        alike: bool,
    ) -> Result<Option<Self>, TooLarge> {
        let mut node = self;
        let mut rest = text.as_bytes();
        loop {
            let token = match rest {
                [] => return Ok(Some(node)),
                [b'%', high, low, after @ ..] => {
                    rest = after;
                    Token::Escape(*high, *low)
                }
                [byte, after @ ..] => {
                    rest = after;
                    Token::Plain(*byte)
                }
            };
            match node.next((a, b), token, alike)? {
                Some(next) => node = next,
                None => return Ok(None),
            }
        }
    }

    /// Whether what follows makes a difference.
    fn goes_on(self) -> bool {
        let readers = [self.sides.0.reader, self.sides.1.reader];
        !readers.contains(&Reader::Dotted)
            && readers.iter().any(|reader| matches!(reader, Reader::Reading { .. }))
    }
}

impl Runner {
    /// One token further; and whether it was read as it stands.
    fn next(&mut self, position: Position, token: Token) -> Result<(Position, bool), TooLarge> {
        let mut written = Written::default();
        let reader = position.reader.next(&self.reading, token, &mut written);
        if !matches!(reader, Reader::Reading { .. }) {
            // Nothing that was read before matters any more.
            return Ok((Position { reader, place: Sets::START }, false));
        }
        let mut place = position.place;
        for byte in written.bytes() {
            place = self.sets.next(place, *byte)?;
        }
        Ok((Position { reader, place }, written.bytes() == token.text().bytes()))
    }

    /// What is known of a path that ends here; `None` for one that is not followed.
    fn end(&mut self, position: Position) -> Option<End> {
        match position.reader.end() {
            Reader::Dotted => None,
            Reader::Refused(refusal) => Some(End::Refused(refusal)),
            Reader::Reading { .. } => {
                let label = self.sets.end(position.place);
                Some(End::In(self.sets.label(label).into()))
            }
        }
    }

    /// What is known of the target `*`, the only one that is no path.
    fn asterisk(&mut self) -> Result<End, TooLarge> {
        if self.reading.has_strict_root() {
            return Ok(End::Refused(Refusal::Relative));
        }
        let place = self.sets.next(Sets::START, b'*')?;
        let label = self.sets.end(place);
        Ok(End::In(self.sets.label(label).into()))
    }

    /// What a token is to this side; tokens that are the same to both sides need not both be tried.
    fn sight(&self, token: Token) -> Vec<u8> {
        let mut written = Written::default();
        let reader = Reader::START.next(&self.reading, token, &mut written);
        let mut sight: Vec<u8> = written.bytes().iter().map(|byte| self.sets.class(*byte)).collect();
        match written.bytes() {
            [byte @ (b'/' | b'.' | b'\\')] => sight.extend([0, *byte]),
            [_] => sight.push(1),
            _ => sight.push(2),
        }
        sight.push(u8::from(matches!(reader, Reader::Reading { .. })));
        sight
    }
}

/// One token of each kind that the two sides tell apart.
fn tokens(a: &Runner, b: &Runner, alike: bool) -> Vec<Token> {
    // Those first that people like to read.
    let nice = b"abcdefghijklmnopqrstuvwxyz0123456789-_/.ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let rest = (0x21..=0x7e).filter(|byte| !nice.contains(byte) && !b"%?#".contains(byte));
    let plain = nice.iter().copied().chain(rest).map(Token::Plain);
    let digits = [b"0123456789ABCDEF", b"0123456789abcdef"];
    let escapes = digits.iter().flat_map(|digits| {
        digits.iter().flat_map(|high| digits.iter().map(|low| Token::Escape(*high, *low)))
    });
    let mut seen = BTreeSet::new();
    let mut tokens: Vec<Token> = plain
        .chain(escapes)
        .filter(|token| {
            let is_escape = matches!(token, Token::Escape(..));
            seen.insert((a.sight(*token), b.sight(*token), is_escape && !alike))
        })
        .collect();
    // What lies beyond ASCII is mostly like any other byte.
    let beyond = (0x80..=u8::MAX).map(Token::Plain);
    if !beyond.clone().all(|token| seen.contains(&(a.sight(token), b.sight(token), false))) {
        let mut seen = BTreeSet::new();
        tokens.extend((0x80..=u8::MAX).filter_map(|byte| {
            let token = Token::Plain(byte);
            seen.insert((a.sight(token), b.sight(token), Character::role(byte))).then_some(token)
        }));
    }
    tokens
}

fn path_to(arrivals: &[Arrival], node: u32) -> String {
    let mut tokens = Vec::new();
    let mut at = node;
    while let Some(arrival) = arrivals.get(at as usize) {
        tokens.push(arrival.token);
        at = arrival.from;
    }
    let bytes = tokens.iter().rev().flat_map(|token| token.text().bytes().to_vec()).collect();
    String::from_utf8(bytes).unwrap_or_default()
}
