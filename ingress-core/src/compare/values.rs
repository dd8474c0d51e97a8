//! Values that conditions tell apart: one of each kind.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::host::HostName;
use crate::path::Language;
use crate::path::sets::{Place, Sets, TooLarge, Use};

/// Memory for the automaton of the values of one name, in numbers of four bytes.
const BUDGET: usize = 1 << 20;
/// How many places of it are gone through.
const MOST_PLACES: usize = 1 << 16;
/// How many kinds of values one name may have.
const MOST_KINDS: usize = 64;

/// What a value may be made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Alphabet {
    Cookie,
    Header,
    Host,
    Parameter,
}

impl Alphabet {
    fn bytes(self) -> impl Iterator<Item = u8> {
        let nice = b"abcdefghijklmnopqrstuvwxyz0123456789-._ABCDEFGHIJKLMNOPQRSTUVWXYZ/";
        let rest = (b' '..=b'~').filter(|byte| !nice.contains(byte));
        nice.iter().copied().chain(rest).filter(move |byte| self.has(*byte))
    }

    fn has(self, byte: u8) -> bool {
        match self {
            Self::Cookie => !b" \",;\\".contains(&byte),
            Self::Header => true,
            Self::Host => byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte),
            Self::Parameter => !b" \"#&<>".contains(&byte),
        }
    }
}

/// A value of each kind: for each combination of sets that a value can be in, the shortest value that is. Where a
/// name may come several times, also pairs that are together in sets in which no single value is.
pub(super) fn kinds(
    languages: &[Language<'_>],
    alphabet: Alphabet,
    several: bool,
) -> Result<Vec<Vec<String>>, TooLarge> {
    let mut found: BTreeMap<BTreeSet<u32>, Vec<String>> = BTreeMap::new();
    let mut order = vec![BTreeSet::new()];
    found.insert(BTreeSet::new(), Vec::new());
    let mut kinds: Vec<Vec<String>> = vec![Vec::new()];
    for (sets, value) in singles(languages, alphabet)? {
        kinds.push(vec![value.clone()]);
        if found.insert(sets.clone(), vec![value]).is_none() {
            order.push(sets);
        }
    }
    let mut at = 1;
    while several && at < order.len() {
        for other in 1..at {
            let (Some(a), Some(b)) = (order.get(at), order.get(other)) else { continue };
            let both: BTreeSet<u32> = a.union(b).copied().collect();
            if found.contains_key(&both) {
                continue;
            }
            let mut values = found.get(a).cloned().unwrap_or_default();
            values.extend(found.get(b).cloned().unwrap_or_default());
            kinds.push(values.clone());
            found.insert(both.clone(), values);
            order.push(both);
        }
        if kinds.len() > MOST_KINDS {
            return Err(TooLarge);
        }
        at += 1;
    }
    Ok(kinds)
}

fn singles(languages: &[Language<'_>], alphabet: Alphabet) -> Result<Vec<(BTreeSet<u32>, String)>, TooLarge> {
    let mut sets = Sets::new(languages, vec![Use::ALWAYS; languages.len()], BUDGET)?;
    let mut classes = BTreeSet::new();
    // A space at an end of a value is no part of it.
    let bytes: Vec<u8> =
        alphabet.bytes().filter(|byte| classes.insert((sets.class(*byte), *byte == b' '))).collect();
    let mut seen = BTreeSet::from([(Sets::START, true)]);
    let mut waiting: VecDeque<(Place, bool, Vec<u8>)> = VecDeque::from([(Sets::START, true, Vec::new())]);
    let mut labels = BTreeSet::new();
    let mut found = Vec::new();
    while let Some((place, edge, text)) = waiting.pop_front() {
        let end = sets.end(place);
        if (!edge || text.is_empty()) && labels.insert(end) {
            let value = String::from_utf8_lossy(&text).into_owned();
            found.push((sets.label(end).iter().copied().collect(), value));
            if found.len() > MOST_KINDS {
                return Err(TooLarge);
            }
        }
        for &byte in &bytes {
            let space = byte == b' ';
            if space && text.is_empty() {
                continue;
            }
            let next = sets.next(place, byte)?;
            if seen.insert((next, space)) {
                let mut longer = text.clone();
                longer.push(byte);
                waiting.push_back((next, space, longer));
            }
        }
        if seen.len() > MOST_PLACES {
            return Err(TooLarge);
        }
    }
    Ok(found)
}

/// A host that an expression is found in.
pub(super) fn host_in(expression: &str) -> Option<String> {
    let mut sets = Sets::new(&[Language::Found(expression)], vec![Use::ALWAYS], BUDGET).ok()?;
    let mut classes = BTreeSet::new();
    let bytes: Vec<u8> = Alphabet::Host
        .bytes()
        .filter(|byte| classes.insert((sets.class(*byte), *byte == b'.', *byte == b'-')))
        .collect();
    let mut seen = BTreeSet::from([Sets::START]);
    let mut waiting = VecDeque::from([(Sets::START, Vec::new())]);
    while let Some((place, text)) = waiting.pop_front() {
        let end = sets.end(place);
        if !sets.label(end).is_empty() {
            let name = String::from_utf8_lossy(&text).into_owned();
            if HostName::parse(&name).is_some_and(|parsed| parsed.as_str() == name) {
                return Some(name);
            }
        }
        for &byte in &bytes {
            if (text.is_empty() || text.ends_with(b".")) && b".-".contains(&byte) {
                continue;
            }
            let next = sets.next(place, byte).ok()?;
            if seen.len() < MOST_PLACES && seen.insert(next) {
                let mut longer = text.clone();
                longer.push(byte);
                waiting.push_back((next, longer));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_each_kind() {
        let languages = [Language::Equals(b"always"), Language::Equals(b"never"), Language::Found("^a")];
        let kinds = kinds(&languages, Alphabet::Header, false).unwrap();
        assert_eq!(kinds, [vec![], vec![""], vec!["a"], vec!["never"], vec!["always"]]);
    }

    #[test]
    fn several_values_of_one_name() {
        let languages = [Language::Equals(b"a"), Language::Equals(b"b")];
        let values = kinds(&languages, Alphabet::Header, true).unwrap();
        assert!(values.contains(&vec!["b".to_owned(), "a".to_owned()]), "{values:?}");
        assert!(!kinds(&languages, Alphabet::Header, false).unwrap().iter().any(|kind| kind.len() > 1));
    }

    #[test]
    fn spaces_stand_only_within_a_value() {
        let kinds = kinds(&[Language::Found(" ")], Alphabet::Header, false).unwrap();
        assert_eq!(kinds, [vec![], vec![""], vec!["a a"]]);
    }

    #[test]
    fn hosts() {
        assert_eq!(host_in(r"^[a-z]+\.example\.com$").as_deref(), Some("a.example.com"));
        assert_eq!(host_in("^[A-Z]$"), None);
    }
}
