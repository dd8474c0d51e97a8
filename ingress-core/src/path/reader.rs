//! A reading of paths, one token at a time.
//!
//! What [`PathReading::normalize`] does to a whole path, this does to a path that is still being written, with
//! as little memory of what came before as that takes. Only dot segments cannot be read so: they take back what
//! was written long ago. A path is not followed beyond the first of them.

use super::normalize::{is_reserved, is_unreserved};
use super::{PathReading, Refusal, Step};

/// A part of a path that is read as a whole.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Token {
    /// A byte that stands for itself, or for what a reading makes of it. Not `%`.
    Plain(u8),
    /// `%` and two hexadecimal digits.
    Escape(u8, u8),
}

/// How far a reading has got.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Reader {
    /// On its way.
    Reading {
        /// The step that merges slashes has just let one pass.
        slash: bool,
        /// What the step that resolves dot segments has seen of the present one.
        segment: Segment,
    },
    /// There is a dot segment.
    Dotted,
    /// The path is refused.
    Refused(Refusal),
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Segment {
    Start,
    Dot,
    Dots,
    Other,
}

/// Bytes that a token becomes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    bytes: [u8; 3],
    length: usize,
}

impl Written {
    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = byte;
            self.length += 1;
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Token {
    /// The token as it stands in a request.
    pub(crate) fn text(self) -> Written {
        let mut text = Written::default();
        match self {
            Self::Plain(byte) => text.push(byte),
            Self::Escape(high, low) => [b'%', high, low].into_iter().for_each(|byte| text.push(byte)),
        }
        text
    }

    fn meant(self) -> Option<u8> {
        let Self::Escape(high, low) = self else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        u8::try_from(digit(high)? * 16 + digit(low)?).ok()
    }
}

impl Reader {
    /// Before the slash that every path starts with.
    pub(crate) const START: Self = Self::Reading { slash: false, segment: Segment::Other };

    /// Reads one more token; what becomes of it goes to `written`.
    pub(crate) fn next(self, reading: &PathReading, token: Token, written: &mut Written) -> Self {
        let Self::Reading { mut slash, mut segment } = self else { return self };
        let mut token = token;
        if reading.is_strict() && token.meant() == Some(0) {
            return Self::Refused(Refusal::Null);
        }
        for step in reading.steps() {
            match step {
                Step::Backslash => {
                    if token == Token::Plain(b'\\') {
                        token = Token::Plain(b'/');
                    }
                }
                Step::DecodeAll | Step::DecodeNotReserved | Step::DecodeUnreserved => {
                    if let Some(byte) = token.meant()
                        && step.decodes(byte)
                    {
                        token = Token::Plain(byte);
                    }
                }
                Step::MergeSlashes => {
                    let is_slash = token == Token::Plain(b'/');
                    if is_slash && slash {
                        return Self::Reading { slash, segment };
                    }
                    slash = is_slash;
                }
                Step::DotSegments => {
                    segment = match (token, segment) {
                        (Token::Plain(b'/'), Segment::Dot | Segment::Dots) => return Self::Dotted,
                        (Token::Plain(b'/'), _) => Segment::Start,
                        (Token::Plain(b'.'), Segment::Start) => Segment::Dot,
                        (Token::Plain(b'.'), Segment::Dot) => Segment::Dots,
                        _ => Segment::Other,
                    };
                }
            }
        }
        *written = token.text();
        Self::Reading { slash, segment }
    }

    /// What it has come to where the path ends.
    pub(crate) fn end(self) -> Self {
        match self {
            Self::Reading { segment: Segment::Dot | Segment::Dots, .. } => Self::Dotted,
            other => other,
        }
    }
}

impl Step {
    fn decodes(self, byte: u8) -> bool {
        match self {
            Self::DecodeAll => true,
            Self::DecodeNotReserved => !is_reserved(byte),
            Self::DecodeUnreserved => is_unreserved(byte),
            Self::Backslash | Self::DotSegments | Self::MergeSlashes => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const READINGS: [PathReading; 6] = [
        PathReading::new(&[Step::DecodeUnreserved, Step::DotSegments]),
        PathReading::new(&[Step::DecodeAll, Step::MergeSlashes, Step::DotSegments]),
        PathReading::new(&[Step::DecodeNotReserved, Step::Backslash, Step::DotSegments, Step::MergeSlashes]),
        PathReading::new(&[Step::Backslash, Step::DecodeAll, Step::MergeSlashes]),
        PathReading::new(&[Step::MergeSlashes]),
        PathReading::raw(),
    ];

    fn token() -> impl Strategy<Value = Token> {
        let plain = prop::sample::select(b"//..ab\\A".to_vec()).prop_map(Token::Plain);
        let escape = prop::sample::select(vec!["2f", "2F", "2e", "61", "00", "5c", "25", "20", "e9"]);
        prop_oneof![3 => plain, 1 => escape.prop_map(|text| {
            let bytes = text.as_bytes();
            Token::Escape(bytes[0], bytes[1])
        })]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn reads_as_the_whole_is_read(tokens in prop::collection::vec(token(), 0..10)) {
            for reading in READINGS {
                let (mut reader, mut path, mut raw) = (Reader::START, Vec::new(), Vec::new());
                for token in std::iter::once(&Token::Plain(b'/')).chain(&tokens) {
                    let mut written = Written::default();
                    reader = reader.next(&reading, *token, &mut written);
                    path.extend_from_slice(written.bytes());
                    raw.extend_from_slice(token.text().bytes());
                }
                let raw = String::from_utf8(raw).unwrap();
                match (reader.end(), reading.normalize(&raw)) {
                    // Whether something behind it is refused is not looked at.
                    (Reader::Dotted, _) => {
                        let dotted = |path: &[u8]| path.split(|byte| *byte == b'/').any(|part| part == b"." || part == b"..");
                        let without = PathReading::new(match reading.steps() {
                            [Step::DecodeUnreserved, _] => &[Step::DecodeUnreserved],
                            [Step::DecodeAll, Step::MergeSlashes, _] => &[Step::DecodeAll, Step::MergeSlashes],
                            [Step::DecodeNotReserved, Step::Backslash, ..] => &[Step::DecodeNotReserved, Step::Backslash],
                            _ => &[],
                        });
                        let kept = without.normalize(&raw);
                        prop_assert!(kept.is_err() || dotted(kept.unwrap().path()), "{raw}");
                    }
                    (Reader::Refused(refusal), read) => prop_assert_eq!(read, Err(refusal)),
                    (Reader::Reading { .. }, read) => {
                        let read = read.unwrap();
                        prop_assert_eq!(read.path(), &path[..], "{} {:?}", raw, reading);
                    }
                }
            }
        }
    }
}
