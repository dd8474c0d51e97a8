//! Finding a field of an object again.

use super::node::{Node, Value};
use super::place::Place;

/// Finds the place of a field such as `spec.rules[0].http.paths[2].path`.
///
/// A field that is not there is found where it should be: at the innermost thing around it that is.
/// The fields of the two dropped API versions are found under the names they had.
pub(super) fn find(object: &Node<'_>, field: &str) -> Place {
    let mut node = object;
    let mut place = object.place;
    let mut steps = steps(field).peekable();
    while let Some(step) = steps.next() {
        let entry = match step {
            Step::Index(index) => {
                let Some(item) = node.items().get(index) else { break };
                place = item.place;
                node = item;
                continue;
            }
            Step::Key("defaultBackend") => node.entry("defaultBackend").or_else(|| node.entry("backend")),
            Step::Key("service") => node.entry("service").or_else(|| match steps.next() {
                Some(Step::Key("name")) => node.entry("serviceName"),
                Some(Step::Key("port")) => node.entry("servicePort"),
                _ => None,
            }),
            Step::Key(key) => node.entry(key),
        };
        let Some(entry) = entry else { break };
        node = &entry.value;
        place = match node.value {
            Value::List(_) | Value::Map(_) => entry.place,
            _ => node.place,
        };
    }
    place
}

enum Step<'f> {
    Key(&'f str),
    Index(usize),
}

/// The steps of a field path. What stands in brackets is an index, or a key that may hold anything.
fn steps(field: &str) -> impl Iterator<Item = Step<'_>> {
    let mut rest = field;
    std::iter::from_fn(move || {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if rest.is_empty() {
            return None;
        }
        if let Some(bracketed) = rest.strip_prefix('[') {
            let digits = bracketed.bytes().take_while(u8::is_ascii_digit).count();
            if let (Some(index), Some(after)) = (bracketed.get(..digits), bracketed.get(digits..))
                && let (Ok(index), Some(after)) = (index.parse(), after.strip_prefix(']'))
            {
                rest = after;
                return Some(Step::Index(index));
            }
            // A key in brackets is an annotation's, and always comes last.
            rest = "";
            return Some(Step::Key(bracketed.strip_suffix(']').unwrap_or(bracketed)));
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        rest = after;
        Some(Step::Key(key))
    })
}
