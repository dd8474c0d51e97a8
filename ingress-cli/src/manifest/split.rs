//! Where one document ends and the next begins, found before anything is parsed, so that a broken
//! document takes no other with it.

use std::ops::Range;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The bytes of one document within its file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Chunk {
    pub(super) range: Range<usize>,
    /// The line of its first byte, from 1.
    pub(super) line: u32,
}

/// Splits a file into documents. Documents without content are left out.
pub(super) fn split(bytes: &[u8]) -> Vec<Chunk> {
    let text = bytes.strip_prefix(BOM).unwrap_or(bytes);
    if !text.trim_ascii_start().starts_with(b"{") {
        return yaml_documents(bytes);
    }
    let values = json_values(bytes);
    if let Some(values) = values.as_ref().filter(|values| values.len() > 1) {
        return values.clone();
    }
    let documents = yaml_documents(bytes);
    if values.is_none() && documents.len() == 1 { json_lines(bytes) } else { documents }
}

/// Splits at `---` and `...`.
///
/// Either marker, at the start of a line and followed by white space, ends whatever stands before it:
/// YAML forbids such a line inside of scalars, and the text of a block scalar in a mapping is indented
/// anyway. So this needs to know nothing about the rest of the grammar.
fn yaml_documents(bytes: &[u8]) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut open = Open::at(0, 1);
    for line in lines(bytes) {
        if is_marker(line.text, b"---") {
            // Comments and directives before a first marker belong to the document behind it.
            if open.marked || open.content {
                open.close(line.start, &mut chunks);
                open = Open::at(line.content_start(), line.number);
            }
            open.marked = true;
            open.content = !is_blank(line.text.get(3..).unwrap_or_default());
        } else if is_marker(line.text, b"...") {
            open.close(line.end, &mut chunks);
            open = Open::at(line.end, line.number + 1);
        } else if !open.content && !is_blank(line.text) {
            open.content = open.marked || !line.text.starts_with(b"%");
        }
        if line.start == open.start {
            open.start = line.content_start();
        }
    }
    open.close(bytes.len(), &mut chunks);
    chunks
}

/// The document that is being read.
struct Open {
    start: usize,
    line: u32,
    marked: bool,
    content: bool,
}

impl Open {
    const fn at(start: usize, line: u32) -> Self {
        Self { start, line, marked: false, content: false }
    }

    fn close(&self, end: usize, chunks: &mut Vec<Chunk>) {
        if self.content {
            chunks.push(Chunk { range: self.start..end, line: self.line });
        }
    }
}

/// JSON values one after the other, as streams of objects are written. `None` when that is not what
/// the bytes are.
fn json_values(bytes: &[u8]) -> Option<Vec<Chunk>> {
    let mut chunks = Vec::new();
    let (mut depth, mut line, mut start, mut start_line) = (0_usize, 1_u32, 0, 1);
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' {
            line = line.saturating_add(1);
        }
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'{' | b'[' => {
                if depth == 0 {
                    (start, start_line) = (at, line);
                }
                depth += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    chunks.push(Chunk { range: start..at + 1, line: start_line });
                }
            }
            b'"' => quoted = true,
            b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf => {}
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    (depth == 0 && !quoted).then_some(chunks)
}

/// The same when brackets do not balance: a value begins at every line that begins with `{`.
fn json_lines(bytes: &[u8]) -> Vec<Chunk> {
    let starts: Vec<_> = lines(bytes)
        .filter(|line| line.text.starts_with(b"{"))
        .map(|line| (line.content_start(), line.number))
        .collect();
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([bytes.len()]);
    starts.iter().zip(ends).map(|((start, line), end)| Chunk { range: *start..end, line: *line }).collect()
}

/// A line with its line break, without a byte order mark.
struct Line<'b> {
    start: usize,
    end: usize,
    number: u32,
    text: &'b [u8],
}

impl Line<'_> {
    fn content_start(&self) -> usize {
        self.end - self.text.len()
    }
}

/// The lines of a file. A line ends with LF, CR LF, or CR, as in YAML.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    let mut number = 0_u32;
    std::iter::from_fn(move || {
        let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let end = match rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            Some(at) if rest.get(at..at + 2) == Some(b"\r\n") => at + 2,
            Some(at) => at + 1,
            None => rest.len(),
        };
        let line = rest.get(..end)?;
        let text = line.strip_prefix(BOM).unwrap_or(line);
        number = number.saturating_add(1);
        let found = Line { start, end: start + end, number, text };
        start += end;
        Some(found)
    })
}

fn is_marker(line: &[u8], marker: &[u8]) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace))
}

/// Nothing but white space, or a comment.
fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii_start().first().is_none_or(|first| *first == b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(u32, &str)> {
        split(text.as_bytes()).into_iter().map(|chunk| (chunk.line, text.get(chunk.range).unwrap())).collect()
    }

    #[test]
    fn one_document_is_left_whole() {
        assert_eq!(parts("a: 1\nb: 2\n"), [(1, "a: 1\nb: 2\n")]);
        assert_eq!(parts("# head\n---\na: 1"), [(1, "# head\n---\na: 1")]);
        assert_eq!(parts("\u{feff}a: 1"), [(1, "a: 1")]);
        assert_eq!(parts(""), []);
        assert_eq!(parts("# nothing\n\n"), []);
    }

    #[test]
    fn markers_split() {
        assert_eq!(
            parts("a: 1\n---\nb: 2\n--- # c\nd: 3\n"),
            [(1, "a: 1\n"), (2, "---\nb: 2\n"), (4, "--- # c\nd: 3\n")]
        );
        assert_eq!(parts("--- {a: 1}\n--- {b: 2}"), [(1, "--- {a: 1}\n"), (2, "--- {b: 2}")]);
        assert_eq!(parts("a: 1\r\n---\r\nb: 2"), [(1, "a: 1\r\n"), (2, "---\r\nb: 2")]);
        assert_eq!(parts("a: 1\r---\rb: 2"), [(1, "a: 1\r"), (2, "---\rb: 2")]);
        assert_eq!(parts("a: 1\n...\nb: 2\n"), [(1, "a: 1\n...\n"), (3, "b: 2\n")]);
        assert_eq!(parts("a: 1\n\u{feff}---\nb: 2\n"), [(1, "a: 1\n"), (2, "---\nb: 2\n")]);
    }

    #[test]
    fn documents_without_content_are_left_out() {
        assert_eq!(parts("---\n---\n# only this\n---\na: 1\n---\n"), [(4, "---\na: 1\n")]);
    }

    #[test]
    fn what_only_looks_like_a_marker_does_not_split() {
        for text in [
            "a: |\n  x\n  ---\n  y\n",
            "a: 1\n----\n",
            "a: '---'\n",
            "a: b---\n",
            "a:\n  ---b\n",
            "---a: 1\n",
        ] {
            assert_eq!(parts(text), [(1, text)]);
        }
    }

    #[test]
    fn directives_stay_with_their_document() {
        assert_eq!(
            parts("%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n"),
            [(1, "%YAML 1.2\n---\na: 1\n...\n"), (5, "%YAML 1.2\n---\nb: 2\n")]
        );
    }

    #[test]
    fn json_values_in_a_row() {
        assert_eq!(
            parts("{\"a\": \"}\\\"\"}\n{\"b\": [1]} {}"),
            [(1, "{\"a\": \"}\\\"\"}"), (2, "{\"b\": [1]}"), (2, "{}")]
        );
        assert_eq!(parts("{\"a\": 1\n{\"b\": 2}\n"), [(1, "{\"a\": 1\n"), (2, "{\"b\": 2}\n")]);
        assert_eq!(parts("{a: 1}\n---\n{b: 2}\n"), [(1, "{a: 1}\n"), (2, "---\n{b: 2}\n")]);
    }
}
