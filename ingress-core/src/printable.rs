//! Text of strangers, fit to be read.

use std::fmt;

/// A tenant's text, without what would move a cursor, colour a screen or turn a line around.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

impl Printable<'_> {
    /// Whether the text is printed as it is.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.bytes().all(|byte| matches!(byte, b' '..=b'~'))
            || self.0.chars().all(|c| matches!(c, ' '..='~') || c.escape_debug().eq([c]))
    }
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        if self.is_plain() {
            return f.write_str(self.0);
        }
        self.0.chars().try_for_each(|c| match c {
            ' '..='~' => f.write_char(c),
            _ => write!(f, "{}", c.escape_debug()),
        })
    }
}

/// A tenant's text, fit to stand in a message: quoted, control characters escaped, cut at a length
/// that a person reads.
pub(crate) struct Excerpt<'a>(pub(crate) &'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 80;
        let shown: String = self.0.chars().take(SHOWN).collect();
        write!(f, "{shown:?}")?;
        if shown.len() < self.0.len() {
            write!(f, "... ({} bytes)", self.0.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_hostile_text_is_cut_and_escaped() {
        let text = format!("\u{1b}[31m{}", "x".repeat(1_000_000));
        let shown = Excerpt(&text).to_string();
        assert!(shown.len() < 200 && !shown.contains('\u{1b}'));
    }

    #[test]
    fn printable_text_is_left_alone_and_nothing_else() {
        assert_eq!(Printable(r#"/a\d "b" é"#).to_string(), r#"/a\d "b" é"#);
        assert_eq!(Printable("a\u{1b}[31m\n\u{9b}\u{202e}").to_string(), r"a\u{1b}[31m\n\u{9b}\u{202e}");
    }
}
