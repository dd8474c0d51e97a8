//! The entries of a mapping, taken one by one. What nobody takes is a mistake: a misspelt expectation
//! would never fail.

use crate::manifest::{Entry, Mistake, Node, Place, Value};
use crate::suggest::closest;

pub(super) struct Fields<'n, 't> {
    what: &'static str,
    left: Vec<&'n Entry<'t>>,
}

impl<'n, 't> Fields<'n, 't> {
    /// The entries of `what`.
    pub(super) fn new(node: &'n Node<'t>, what: &'static str) -> Self {
        Self { what, left: node.entries().iter().collect() }
    }

    pub(super) fn take(&mut self, key: &str) -> Option<&'n Entry<'t>> {
        let at = self.left.iter().position(|entry| entry.key == key)?;
        Some(self.left.remove(at))
    }

    /// Complains of what is left. Tells whether anything was.
    pub(super) fn done(self, known: &[&str], mistakes: &mut Vec<Mistake>) -> bool {
        let misspelt = !self.left.is_empty();
        mistakes.extend(self.left.into_iter().map(|entry| unknown(entry, self.what, known)));
        misspelt
    }
}

/// A key that means nothing in `what`.
pub(super) fn unknown(entry: &Entry<'_>, what: &str, known: &[&str]) -> Mistake {
    let help = match closest(&entry.key, known.iter().copied()) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => format!("there are {}", known.join(", ")),
    };
    Mistake {
        place: entry.place,
        message: format!("key {:?} has no meaning in {what}", entry.key),
        help: Some(help),
    }
}

pub(super) fn mistake(place: Place, message: &str) -> Mistake {
    Mistake { place, message: message.to_owned(), help: None }
}

/// The text under a key.
pub(super) fn text(entry: &Entry<'_>, mistakes: &mut Vec<Mistake>) -> Option<String> {
    match &entry.value.value {
        Value::Text(text) => Some(text.to_string()),
        _ => {
            mistakes.push(mistake(entry.value.place, &format!("{} is text", entry.key)));
            None
        }
    }
}

/// The truth value under a key.
pub(super) fn flag(entry: &Entry<'_>, mistakes: &mut Vec<Mistake>) -> Option<bool> {
    match &entry.value.value {
        Value::Bool(flag) => Some(*flag),
        _ => {
            mistakes.push(mistake(entry.value.place, &format!("{} is true or false", entry.key)));
            None
        }
    }
}
