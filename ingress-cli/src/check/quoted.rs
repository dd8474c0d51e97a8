//! Text of strangers in messages.

use std::fmt;

/// How many characters are shown.
const SHOWN: usize = 80;

/// A stranger's text, fit to stand in a message: in quotes, with nothing in it that moves the cursor, and cut
/// at a length that a person reads.
pub(super) struct Quoted<'t>(pub(super) &'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.char_indices().nth(SHOWN).and_then(|(end, _)| self.0.get(..end));
        match shown {
            None => write!(f, "{:?}", self.0),
            Some(shown) => write!(f, "{shown:?}... ({} bytes)", self.0.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_hostile_text_is_cut_and_escaped() {
        assert_eq!(Quoted("/a\u{1b}\u{202e}é").to_string(), "\"/a\\u{1b}\\u{202e}é\"");
        let long = "é".repeat(81);
        assert_eq!(Quoted(&long).to_string(), format!("\"{}\"... (162 bytes)", "é".repeat(80)));
        assert_eq!(Quoted(&long[..160]).to_string(), format!("\"{}\"", "é".repeat(80)));
    }
}
