//! Bytes, eight at a time, in plain integer arithmetic.
//!
//! The short texts of a table (host names, labels of a trie) are compared here without a call into
//! the C library, whose entry alone costs as much as the comparison.

use wide::u8x16;

/// 1 in every byte.
pub(crate) const LOW_BITS: u64 = 0x0101_0101_0101_0101;
/// The topmost bit of every byte.
pub(crate) const HIGH_BITS: u64 = LOW_BITS << 7;

/// Marks each zero byte of `word`. Above a zero byte others may be marked, too: whoever asks looks at what
/// is marked anyway, and to be exact would take twice the work.
#[inline(always)]
pub(crate) const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(LOW_BITS) & !word & HIGH_BITS
}

/// ASCII letters in lower case, all other bytes as they are.
#[inline(always)]
pub(crate) const fn to_lower(word: u64) -> u64 {
    let seven = word & (LOW_BITS * 0x7f);
    let from_a = seven + LOW_BITS * (0x80 - b'A' as u64);
    let past_z = seven + LOW_BITS * (0x80 - (b'Z' + 1) as u64);
    word | (from_a & !past_z & !word & HIGH_BITS) >> 2
}

/// The word that starts at `at`; `None` if the text ends before it does.
#[inline(always)]
pub(crate) fn word_at(text: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*text.get(at..)?.first_chunk()?))
}

/// Whether two texts are equal.
#[inline(always)]
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    if a.len() > 32 {
        return equal_long(a, b);
    }
    // Both ends cover what is no longer than the two; what they overlap is compared twice, rather
    // than byte by byte.
    if let (Some(first_a), Some(first_b)) = (a.first_chunk::<16>(), b.first_chunk::<16>())
        && let (Some(last_a), Some(last_b)) = (a.last_chunk::<16>(), b.last_chunk::<16>())
    {
        return same_lanes(first_a, first_b) && same_lanes(last_a, last_b);
    }
    if let (Some(last_a), Some(last_b)) = (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        return last_a == last_b && a.first_chunk::<8>() == b.first_chunk::<8>();
    }
    a.iter().zip(b).all(|(a, b)| a == b)
}

#[inline(never)]
fn equal_long(a: &[u8], b: &[u8]) -> bool {
    a == b
}

#[inline(always)]
fn same_lanes(a: &[u8; 16], b: &[u8; 16]) -> bool {
    u8x16::new(*a).simd_eq(u8x16::new(*b)).to_bitmask() == 0xffff
}

/// Whether a text in lower case is this one, whatever the case of the other.
#[inline]
pub(crate) fn equal_folded(lower: &[u8], other: &[u8]) -> bool {
    let same =
        |lower: &[u8; 8], other: &[u8; 8]| u64::from_le_bytes(*lower) == to_lower(u64::from_le_bytes(*other));
    if let (Some(last), Some(other_last)) = (lower.last_chunk(), other.last_chunk()) {
        // The last word overlaps the one before it, rather than that bytes are compared one by one.
        let words = lower.as_chunks().0.iter().zip(other.as_chunks().0);
        return lower.len() == other.len()
            && same(last, other_last)
            && words.fold(true, |all, (lower, other)| all & same(lower, other));
    }
    lower.eq_ignore_ascii_case(other)
}

/// A text that words are read from at any place, with zeros beyond its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'t> {
    /// At least eight bytes.
    bytes: &'t [u8],
    len: usize,
}

impl<'t> Text<'t> {
    /// A text of less than eight bytes is copied to `short` for it.
    #[inline(always)]
    pub(crate) fn new(bytes: &'t [u8], short: &'t mut [u8; 8]) -> Self {
        let len = bytes.len();
        if len >= 8 {
            return Self { bytes, len };
        }
        for (slot, byte) in short.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        Self { bytes: short, len }
    }

    #[inline(always)]
    pub(crate) const fn len(self) -> usize {
        self.len
    }

    /// The eight bytes before `end`, which is at least 1 and at most the length; where there are
    /// fewer, with zeros before them.
    #[inline(always)]
    pub(crate) fn word_before(self, end: usize) -> u64 {
        let at = end.saturating_sub(8);
        word_at(self.bytes, at).unwrap_or(0) << ((8 * (at + 8 - end)) & 63)
    }

    /// The word at `at`, which is at most the length.
    #[inline(always)]
    pub(crate) fn word_at(self, at: usize) -> u64 {
        // Near the end the last word is read and shifted: cheaper than a branch that nobody foresees.
        let start = at.min(self.bytes.len().saturating_sub(8));
        let word = word_at(self.bytes, start).unwrap_or(0);
        // In two halves, for all 64 bits may have to go.
        let half = (4 * (at - start)) & 63;
        word >> half >> half
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_bytes_are_marked_and_nothing_below_the_first() {
        for word in
            [0, 1, u64::MAX, 0x0100, 0x0001_0000_0080_ff00, 0x8000_0000_0000_0000, 0x0180_0000_00ff_017f]
        {
            let marked = zeros(word).to_le_bytes();
            let first = word.to_le_bytes().iter().position(|byte| *byte == 0).unwrap_or(8);
            for (place, (byte, mark)) in word.to_le_bytes().into_iter().zip(marked).enumerate() {
                assert!(mark & 0x7f == 0, "{word:#x}");
                assert!(byte != 0 || mark != 0, "{word:#x}");
                assert!(place >= first || mark == 0, "{word:#x}");
            }
        }
    }

    #[test]
    fn lower_case_is_that_of_bytes() {
        for byte in 0..=255u8 {
            for lane in 0..8 {
                let mut word = *b"aZ@[`{\x80Q";
                word[lane] = byte;
                let lower = to_lower(u64::from_le_bytes(word)).to_le_bytes();
                assert_eq!(lower, word.map(|byte| byte.to_ascii_lowercase()), "{byte:#x} in lane {lane}");
            }
        }
    }

    #[test]
    fn words_of_a_text_end_in_zeros() {
        let bytes = b"abcdefghijklmnopqrst";
        for length in 0..=bytes.len() {
            let mut short = [0; 8];
            let text = Text::new(&bytes[..length], &mut short);
            for at in 0..=length {
                let mut expected = [0; 8];
                for (slot, byte) in expected.iter_mut().zip(bytes[..length].iter().skip(at)) {
                    *slot = *byte;
                }
                assert_eq!(text.word_at(at).to_le_bytes(), expected, "{length} {at}");
            }
        }
    }

    #[test]
    fn words_before_an_end_start_in_zeros() {
        let bytes = b"abcdefghijklmnopqrst";
        for length in 1..=bytes.len() {
            let mut short = [0; 8];
            let text = Text::new(&bytes[..length], &mut short);
            for end in 1..=length {
                let mut expected = [0; 8];
                for (slot, byte) in expected.iter_mut().rev().zip(bytes[..end].iter().rev()) {
                    *slot = *byte;
                }
                assert_eq!(text.word_before(end).to_le_bytes(), expected, "{length} {end}");
            }
        }
    }

    #[test]
    fn equality_at_every_length() {
        let bytes: Vec<u8> = (0..40).collect();
        for length in 0..bytes.len() {
            let text = &bytes[..length];
            assert!(equal(text, &Vec::from(text)));
            assert!(!equal(text, &bytes[..length + 1]));
            for place in 0..length {
                let mut other = text.to_vec();
                other[place] ^= 0x80;
                assert!(!equal(text, &other), "{length} {place}");
            }
        }
    }

    #[test]
    fn equality_without_case_at_every_length() {
        let lower: Vec<u8> = (0..40).map(|index| b"abc/0-{@z"[index % 9]).collect();
        let upper = lower.to_ascii_uppercase();
        for length in 0..lower.len() {
            let text = &lower[..length];
            assert!(equal_folded(text, &upper[..length]) && equal_folded(text, text));
            assert!(!equal_folded(text, &upper[..length + 1]));
            for place in 0..length {
                let mut other = upper[..length].to_vec();
                other[place] ^= 0x80;
                assert!(!equal_folded(text, &other), "{length} {place}");
            }
        }
    }
}
