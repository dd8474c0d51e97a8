//! One pass over a request's path, sixteen bytes at a time: is there anything to normalise, and where
//! do its elements end?

use wide::u8x16;

/// How many bytes are looked at together.
const LANES: usize = 16;

/// Of how many bytes it is noted whether an element ends there.
const MARKED: usize = u64::BITS as usize;

/// What a lookup needs to know of a path before it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan {
    plain: bool,
    ends: u64,
}

impl Scan {
    /// Looks at a path, which need not be one.
    #[inline(always)]
    pub(crate) fn of(path: &[u8]) -> Self {
        let Some((first, last)) = path.first_chunk::<LANES>().zip(path.last_chunk::<LANES>()) else {
            let mut lanes = [b'a'; LANES];
            for (lane, byte) in lanes.iter_mut().zip(path) {
                *lane = *byte;
            }
            return Marks::default().with(&lanes, 0).judged(path);
        };
        if path.len() >= MARKED {
            return Self::of_long(path);
        }
        // The last lanes reach back over what was seen before: nothing is noted anew.
        let mut marks = Marks::default().with(first, 0).with(last, path.len() - LANES);
        if path.len() > 2 * LANES {
            for at in [LANES, 2 * LANES] {
                if let Some(lanes) = path.get(at..).and_then(<[u8]>::first_chunk) {
                    marks = marks.with(lanes, at);
                }
            }
        }
        marks.judged(path)
    }

    /// A path whose bytes are not all marked.
    #[inline(never)]
    fn of_long(path: &[u8]) -> Self {
        let mut marks = Marks::default();
        for at in [0, LANES, 2 * LANES, 3 * LANES] {
            if let Some(lanes) = path.get(at..).and_then(<[u8]>::first_chunk) {
                marks = marks.with(lanes, at);
            }
        }
        // One byte back each time, for pairs over a seam.
        let mut rest = path.get(MARKED - 1..).unwrap_or_default();
        while let Some(lanes) = rest.first_chunk::<LANES>() {
            marks.odd |= Marks::default().with(lanes, 0).odd();
            rest = rest.get(LANES - 1..).unwrap_or_default();
        }
        if let Some(lanes) = path.last_chunk::<LANES>() {
            marks.odd |= Marks::default().with(lanes, 0).odd();
        }
        marks.judged(path)
    }

    /// Whether no reading of paths could change, refuse or cut this one. May say no too often, never
    /// yes.
    #[inline]
    pub(crate) const fn is_plain(self) -> bool {
        self.plain
    }

    /// One bit for each of the first 64 places where an element of the path ends: before a slash,
    /// and at the end.
    #[inline]
    pub(crate) const fn ends(self) -> u64 {
        self.ends
    }
}

/// What was seen, one bit for each of the first 64 bytes of a path.
#[derive(Clone, Copy, Default)]
struct Marks {
    slashes: u64,
    /// What must not stand behind a slash: another, or a dot.
    follow: u64,
    /// What could concern a step or be refused, wherever it stands: up to `%` (control bytes, space, `#`), `?`,
    /// `\`, DEL, and what is not ASCII.
    odd: u32,
}

impl Marks {
    /// With the bytes at `at`, which is less than 64.
    #[inline(always)]
    fn with(self, lanes: &[u8; LANES], at: usize) -> Self {
        let lanes = u8x16::new(*lanes);
        let is = |byte: u8| lanes.simd_eq(u8x16::splat(byte));
        let low = lanes.saturating_sub(u8x16::splat(b'%')).simd_eq(u8x16::splat(0));
        let high = u8x16::splat(0x7e).saturating_sub(lanes).simd_eq(u8x16::splat(0)) & !is(0x7e);
        let slashes = is(b'/');
        let bits = |lanes: u8x16| u64::from(lanes.to_bitmask()) << (at % MARKED);
        Self {
            slashes: self.slashes | bits(slashes),
            follow: self.follow | bits(slashes | is(b'.')),
            odd: self.odd | (low | high | is(b'?') | is(b'\\')).to_bitmask(),
        }
    }

    /// Not 0 if something odd was seen, be it alone or behind a slash.
    #[inline(always)]
    const fn odd(self) -> u32 {
        self.odd | (self.slashes & self.follow >> 1 != 0) as u32
    }

    #[inline(always)]
    fn judged(self, path: &[u8]) -> Scan {
        let end = if path.len() < MARKED { 1 << path.len() } else { 0 };
        Scan { plain: self.odd() == 0 && path.first() == Some(&b'/'), ends: self.slashes | end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::{Fragment, PathReading, Step};
    use proptest::prelude::*;

    #[test]
    fn ends_at_every_length() {
        for length in 1..80 {
            for slash in 0..length {
                let mut path = vec![b'x'; length];
                path[slash] = b'/';
                let wanted =
                    (0..64).filter(|&at| at == slash || at == length).fold(0, |bits, at| bits | 1u64 << at);
                assert_eq!(Scan::of(&path).ends(), wanted, "{length} {slash}");
            }
        }
    }

    /// Every byte at every place of a path, and every pair behind a slash, seams included.
    #[test]
    fn odd_bytes_are_seen_wherever_they_stand() {
        for length in 2..70 {
            for place in 1..length {
                for byte in 0..=255u8 {
                    let mut path = vec![b'x'; length];
                    path[0] = b'/';
                    path[place] = byte;
                    let odd = byte <= b'%' || byte >= 0x7f || b"?\\".contains(&byte);
                    let pair = place == 1 && b"/.".contains(&byte);
                    assert_eq!(Scan::of(&path).is_plain(), !(odd || pair), "{length} {place} {byte:#x}");
                }
                for pair in [*b"//", *b"/."] {
                    let mut path = vec![b'x'; length + 1];
                    path[0] = b'/';
                    path[place..place + 2].copy_from_slice(&pair);
                    assert!(!Scan::of(&path).is_plain(), "{length} {place}");
                }
            }
        }
        assert!(!Scan::of(b"").is_plain() && !Scan::of(b"*").is_plain() && Scan::of(b"/").is_plain());
    }

    proptest! {
        #[test]
        fn plain_means_that_no_reading_changes_it(path in "[/a.%?#\\\\ \u{1}é~-]{0,40}") {
            const READINGS: [PathReading; 3] = [
                PathReading::new(&[Step::DecodeUnreserved, Step::DotSegments]),
                PathReading::new(&[Step::DecodeAll, Step::MergeSlashes, Step::DotSegments]).fragment(Fragment::Cut),
                PathReading::raw(),
            ];
            let path = format!("/{path}");
            if Scan::of(path.as_bytes()).is_plain() {
                for reading in READINGS {
                    let read = reading.normalize(&path).unwrap();
                    prop_assert_eq!(read.path(), path.as_bytes());
                    prop_assert_eq!(read.query(), None);
                }
            }
        }
    }
}
