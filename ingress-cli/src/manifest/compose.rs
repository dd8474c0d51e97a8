//! From the text of one document to its tree, within bounds.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{ErrorKind, Event, Marker, Options, Parser, ScalarStyle, Span, Tag};

use super::node::{Entry, Node, Value};
use super::place::Place;
use super::scalar;
use super::split::Chunk;

/// How deep values may be nested. Manifests stay below 20, the schemas of custom resources below 60.
const DEPTH: usize = 200;

/// How many nodes, and bytes of text, anchors and aliases may copy in one document. Ten lines of
/// aliases of aliases stand for a billion values otherwise.
const COPIED_NODES: usize = 250_000;
const COPIED_BYTES: usize = 32 << 20;

/// Below this many entries, keys are compared one by one.
const FEW: usize = 16;

const NOT_A_KEY: &str = "a key must be text, not a list or a mapping";
const NOT_MERGEABLE: &str = "`<<` takes a mapping, or a list of mappings";

/// Why a document cannot be read, and where.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) place: Place,
    pub(super) message: String,
    /// Whether the document is a template that was not rendered.
    pub(super) template: bool,
}

impl SyntaxError {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), template: false }
    }
}

/// Reads the text of the document in `chunk`. A document without content is `None`.
pub(super) fn compose<'t>(text: &'t str, chunk: &Chunk) -> Result<Option<Node<'t>>, SyntaxError> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = DEPTH;
    options.block_nesting_limit = DEPTH;
    let mut composer = Composer { line: chunk.line, offset: chunk.range.start, ..Composer::default() };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| {
            let place = composer.place_at(error.marker(), 1);
            match error.kind() {
                // The parser looks ahead, so either it or the composer is the first to notice.
                ErrorKind::RecursionLimitExceeded => SyntaxError::new(place, too_deep()),
                _ => SyntaxError::new(place, error.info()),
            }
        })?;
        composer.event(event, &span)?;
    }
    Ok(composer.root.filter(|node| !matches!(node.value, Value::Null)))
}

fn too_deep() -> String {
    format!("values are nested more than {DEPTH} deep")
}

#[derive(Default)]
struct Composer<'t> {
    /// Where the document begins in its file.
    line: u32,
    offset: usize,
    stack: Vec<Frame<'t>>,
    anchors: HashMap<usize, Node<'t>>,
    copied_nodes: usize,
    copied_bytes: usize,
    root: Option<Node<'t>>,
}

/// A collection that is not finished.
struct Frame<'t> {
    place: Place,
    anchor: usize,
    open: Collection<'t>,
}

enum Collection<'t> {
    List(Vec<Node<'t>>),
    Map { entries: Vec<Entry<'t>>, key: Option<Key<'t>>, merges: Vec<Node<'t>> },
}

struct Key<'t> {
    text: Cow<'t, str>,
    place: Place,
    merge: bool,
}

impl<'t> Composer<'t> {
    fn event(&mut self, event: Event<'t>, span: &Span) -> Result<(), SyntaxError> {
        let place = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(text, style, anchor, tag.as_deref(), place)
            }
            Event::SequenceStart(_, anchor, _) => self.open(anchor, place, Collection::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                let open = Collection::Map { entries: Vec::new(), key: None, merges: Vec::new() };
                self.open(anchor, place, open)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(SyntaxError::new(place, "a second document begins without a `---` line of its own"))
            }
            _ => Ok(()),
        }
    }

    fn place(&self, span: &Span) -> Place {
        let (start, end) = (&span.start, &span.end);
        let width = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 0 };
        self.place_at(start, width)
    }

    fn place_at(&self, mark: &Marker, width: usize) -> Place {
        let line = u32::try_from(mark.line()).unwrap_or(u32::MAX).saturating_sub(1);
        let offset = mark.byte_offset().unwrap_or_else(|| mark.index());
        Place::new(self.line.saturating_add(line), mark.col() + 1, width, self.offset + offset)
    }

    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        place: Place,
    ) -> Result<(), SyntaxError> {
        let plain = style == ScalarStyle::Plain;
        if let Some(Frame { open: Collection::Map { key: key @ None, .. }, .. }) = self.stack.last_mut() {
            let merge = plain && text == "<<";
            *key = Some(Key { text: text.clone(), place, merge });
            if anchor > 0 {
                self.remember(anchor, &Node { place, value: Value::Text(text) })?;
            }
            return Ok(());
        }
        let resolved = match tag.and_then(Tag::core_suffix) {
            Some("int" | "float" | "bool" | "null") => true,
            Some("str") => false,
            _ => plain,
        };
        let value = if resolved { scalar::resolve(text) } else { Value::Text(text) };
        self.finished(Node { place, value }, anchor)
    }

    fn open(&mut self, anchor: usize, place: Place, open: Collection<'t>) -> Result<(), SyntaxError> {
        if let Some(Frame { open: Collection::Map { key: None, .. }, .. }) = self.stack.last() {
            return Err(SyntaxError::new(place, NOT_A_KEY));
        }
        if self.stack.len() >= DEPTH {
            return Err(SyntaxError::new(place, too_deep()));
        }
        self.stack.push(Frame { place, anchor, open });
        Ok(())
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let value = match frame.open {
            Collection::List(items) => Value::List(items),
            Collection::Map { mut entries, merges, .. } => {
                unique(&entries)?;
                for merge in merges {
                    merged(&mut entries, merge)?;
                }
                Value::Map(entries)
            }
        };
        self.finished(Node { place: frame.place, value }, frame.anchor)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), SyntaxError> {
        let Some(target) = self.anchors.get(&anchor) else {
            return Err(SyntaxError::new(place, "the alias stands inside of the value that it names"));
        };
        if let Some(Frame { open: Collection::Map { key: key @ None, .. }, .. }) = self.stack.last_mut()
            && let Value::Text(text) = &target.value
        {
            *key = Some(Key { text: text.clone(), place, merge: false });
            return Ok(());
        }
        let node = Node { place, value: target.value.clone() };
        self.count(&node)?;
        self.finished(node, 0)
    }

    /// A value is complete: it goes where it belongs.
    fn finished(&mut self, node: Node<'t>, anchor: usize) -> Result<(), SyntaxError> {
        if anchor > 0 {
            self.remember(anchor, &node)?;
        }
        match self.stack.last_mut().map(|frame| &mut frame.open) {
            None => self.root = Some(node),
            Some(Collection::List(items)) => items.push(node),
            Some(Collection::Map { entries, key, merges }) => match key.take() {
                Some(key) if key.merge => merges.push(node),
                Some(key) => entries.push(Entry { key: key.text, place: key.place, value: node }),
                None => return Err(SyntaxError::new(node.place, NOT_A_KEY)),
            },
        }
        Ok(())
    }

    fn remember(&mut self, anchor: usize, node: &Node<'t>) -> Result<(), SyntaxError> {
        self.count(node)?;
        self.anchors.insert(anchor, node.clone());
        Ok(())
    }

    /// Charges a copy, before or after it is made, against what one document may copy.
    fn count(&mut self, node: &Node<'t>) -> Result<(), SyntaxError> {
        let mut pending = vec![node];
        while let Some(next) = pending.pop() {
            self.copied_nodes += 1;
            match &next.value {
                Value::Text(text) => self.copied_bytes += text.len(),
                Value::List(items) => pending.extend(items),
                Value::Map(entries) => {
                    self.copied_bytes += entries.iter().map(|entry| entry.key.len()).sum::<usize>();
                    pending.extend(entries.iter().map(|entry| &entry.value));
                }
                _ => {}
            }
            if self.copied_nodes > COPIED_NODES || self.copied_bytes > COPIED_BYTES {
                let message = "the anchors and aliases of this document stand for too many values";
                return Err(SyntaxError::new(node.place, message));
            }
        }
        Ok(())
    }
}

fn unique(entries: &[Entry<'_>]) -> Result<(), SyntaxError> {
    let repeated = if entries.len() <= FEW {
        let earlier = |at: usize| entries.iter().take(at);
        entries.iter().enumerate().find(|(at, entry)| earlier(*at).any(|other| other.key == entry.key))
    } else {
        let mut seen = HashSet::with_capacity(entries.len());
        entries.iter().enumerate().find(|(_, entry)| !seen.insert(&*entry.key))
    };
    match repeated {
        None => Ok(()),
        Some((_, entry)) => {
            let first =
                entries.iter().find(|other| other.key == entry.key).map_or(0, |first| first.place.line());
            let key = shown(&entry.key);
            let message = format!("key {key} is given twice; the first one stands in line {first}");
            Err(SyntaxError::new(entry.place, message))
        }
    }
}

/// `<<: *base` adds the entries of `base` that the mapping does not have itself.
fn merged<'t>(entries: &mut Vec<Entry<'t>>, merge: Node<'t>) -> Result<(), SyntaxError> {
    let sources = match merge.value {
        Value::Map(_) => vec![merge],
        Value::List(items) => items,
        _ => return Err(SyntaxError::new(merge.place, NOT_MERGEABLE)),
    };
    let mut known: HashSet<String> = entries.iter().map(|entry| entry.key.to_string()).collect();
    for source in sources {
        let Value::Map(added) = source.value else {
            return Err(SyntaxError::new(source.place, NOT_MERGEABLE));
        };
        entries.extend(added.into_iter().filter(|entry| known.insert(entry.key.to_string())));
    }
    Ok(())
}

/// Text of a document within a message: quoted, escaped, and no longer than a person reads.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let start: String = text.chars().take(LONGEST).collect();
    let cut = if start.len() < text.len() { "..." } else { "" };
    format!("{start:?}{cut}")
}
