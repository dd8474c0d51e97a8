//! Where something stands in a file, and how that line looks.

/// A line of a file, and what is meant in it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    line: u32,
    column: u32,
    width: u32,
    /// In bytes, from the start of the file: lines may be as long as the file, so nobody counts columns
    /// to find a place again.
    offset: u32,
}

impl Place {
    /// `offset` is in bytes; `width` is 0 when all that follows in the line is meant.
    pub(super) fn new(line: u32, column: usize, width: usize, offset: usize) -> Self {
        let narrow = |wide: usize| u32::try_from(wide).unwrap_or(u32::MAX);
        Self { line, column: narrow(column), width: narrow(width), offset: narrow(offset) }
    }

    /// The line, from 1.
    pub const fn line(self) -> u32 {
        self.line
    }

    /// The column in characters, from 1.
    pub const fn column(self) -> u32 {
        self.column
    }

    /// How the line looks around this place.
    pub(super) fn excerpt(self, bytes: &[u8]) -> Excerpt {
        const BEFORE: usize = 60;
        const AFTER: usize = 100;
        let at = usize::try_from(self.offset).unwrap_or(usize::MAX).min(bytes.len());
        let (before, after) = bytes.split_at(at);
        let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let is_start = |byte: &u8| !matches!(byte, 0x80..=0xbf);

        // Only ever as much of the line as is shown: it may be the whole file.
        let near = before.get(at.saturating_sub(BEFORE)..).unwrap_or_default();
        let line_start = near.iter().rposition(is_break).map(|end| end + 1);
        let cut_before = line_start.is_none() && near.len() < before.len();
        let first = if cut_before { near.iter().position(is_start) } else { line_start };
        let before = near.get(first.unwrap_or(0)..).unwrap_or_default();
        let mut end =
            after.iter().take(AFTER + 1).position(is_break).unwrap_or_else(|| after.len().min(AFTER + 1));
        let cut_after = end > AFTER;
        while cut_after && (end > AFTER || !after.get(end).is_some_and(is_start)) && end > 0 {
            end -= 1;
        }
        let after = after.get(..end).unwrap_or_default();

        let mut text = if cut_before { "...".to_owned() } else { String::new() };
        text.push_str(&printable(before));
        let column = text.chars().count();
        let after = printable(after);
        let after = if cut_after { after } else { after.trim_end().to_owned() };
        let rest = after.chars().count();
        let width = usize::try_from(self.width).unwrap_or(usize::MAX);
        let width = if width == 0 { rest } else { width.min(rest) };
        text.push_str(&after);
        if cut_after {
            text.push_str("...");
        }
        Excerpt { text, column, width: width.max(1) }
    }
}

/// Text of a stranger, one column for each character, with nothing in it that moves the cursor.
fn printable(bytes: &[u8]) -> String {
    let shown = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    String::from_utf8_lossy(bytes).chars().map(shown).collect()
}

/// A line of a file, or as much of it as a person reads, and what to underline.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Excerpt {
    text: String,
    column: usize,
    width: usize,
}

impl Excerpt {
    /// The line, without its line break.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many characters stand before what is meant.
    pub fn column(&self) -> usize {
        self.column
    }

    /// How many characters are meant; at least 1.
    pub fn width(&self) -> usize {
        self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, at: usize, width: usize) -> (String, usize, usize) {
        let excerpt = Place::new(1, 1, width, at).excerpt(text.as_bytes());
        (excerpt.text, excerpt.column, excerpt.width)
    }

    #[test]
    fn a_line_is_shown_whole() {
        assert_eq!(shown("a: 1\n\tbé: 2  \r\nc: 3", 11, 1), (" bé: 2".to_owned(), 5, 1));
        assert_eq!(shown("abc def", 4, 0), ("abc def".to_owned(), 4, 3));
        assert_eq!(shown("", 0, 0), (String::new(), 0, 1));
        assert_eq!(shown("a", 99, 5), ("a".to_owned(), 1, 1));
        assert_eq!(shown("a\u{1b}[31mb", 1, 1), ("a\u{fffd}[31mb".to_owned(), 1, 1));
    }

    #[test]
    fn a_long_line_is_cut_around_what_is_meant() {
        let text = "é".repeat(1000);
        let (shown, column, width) = shown(&text, 1000, 900);
        assert_eq!(shown, format!("...{}...", "é".repeat(80)));
        assert_eq!((column, width), (33, 50));
    }
}
