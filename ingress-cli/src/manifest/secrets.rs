//! Where Secrets stand: what is in them is shown to nobody.

use std::ops::RangeInclusive;

use super::node::{Node, Value};

/// The lines of a document that hold something of a Secret, in order.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<RangeInclusive<u32>>);

impl Lines {
    pub(super) fn of(root: &Node<'_>) -> Self {
        let mut found = Vec::new();
        collect(root, None, u32::MAX, &mut found);
        Self(found)
    }

    pub(super) fn contains(&self, line: u32) -> bool {
        // Where one Secret ends, the next one begins at the earliest: only the last that begins can hold it.
        let begun = self.0.partition_point(|lines| *lines.start() <= line);
        self.0.get(..begun).and_then(<[_]>::last).is_some_and(|lines| lines.contains(&line))
    }
}

/// `end` is the last line on which the object may stand; the next one may begin on it.
fn collect(node: &Node<'_>, inherited: Option<&str>, end: u32, found: &mut Vec<RangeInclusive<u32>>) {
    let Some(kind) = node.text("kind").or(inherited) else { return };
    if kind == "Secret" {
        found.push(node.place.line()..=end);
    } else if let Some(element) = kind.strip_suffix("List")
        && let Some(Value::List(elements)) = node.get("items").map(|items| &items.value)
    {
        let ends = elements.iter().skip(1).map(|next| next.place.line()).chain([end]);
        for (element_node, end) in elements.iter().zip(ends) {
            collect(element_node, Some(element), end, found);
        }
    }
}

/// Whether a document that could not be read may hold a Secret. Fields that name one are not meant.
pub(super) fn may_hold(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|word| word == b"Secret")
}
