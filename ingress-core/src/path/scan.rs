//! One pass over a request's path, sixteen bytes at a time: is there anything to normalise, and where
//! do its elements end?

use wide::u8x16;

/// How many bytes are looked at together.
const LANES: usize = 16;

/// What a lookup needs to know of a path before it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan {
    plain: bool,
    ends: u64,
}

impl Scan {
    /// Looks at a path, which need not be one.
    #[inline]
    pub(crate) fn of(path: &[u8]) -> Self {
        let length = path.len();
        let mut slashes = 0u64;
        let mut odd = 0u32;
        if let Some(last) = path.last_chunk::<LANES>() {
            let mut rest = path;
            let mut at = 0;
            let mut slash_before = 0;
            while let Some((lanes, after)) = rest.split_first_chunk::<LANES>() {
                let seen = Seen::in_lanes(lanes);
                odd |= seen.odd | seen.pairs() | slash_before & seen.follow;
                slash_before = seen.slashes >> (LANES - 1);
                if at < 64 {
                    slashes |= u64::from(seen.slashes) << at;
                }
                (rest, at) = (after, at + LANES);
            }
            if !rest.is_empty() {
                // The last lanes reach back over what was seen before, and over the seam.
                let seen = Seen::in_lanes(last);
                odd |= seen.odd | seen.pairs();
                let from = length - LANES;
                if from < 64 {
                    slashes |= u64::from(seen.slashes) << from;
                }
            }
        } else {
            let mut lanes = [b'a'; LANES];
            for (lane, byte) in lanes.iter_mut().zip(path) {
                *lane = *byte;
            }
            let seen = Seen::in_lanes(&lanes);
            slashes = u64::from(seen.slashes);
            odd = seen.odd | seen.pairs();
        }
        let end = if length < 64 { 1 << length } else { 0 };
        Self { plain: odd == 0 && path.first() == Some(&b'/'), ends: slashes | end }
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

/// One bit a lane, the first lane in the lowest.
struct Seen {
    slashes: u32,
    /// What must not stand behind a slash: another, or a dot.
    follow: u32,
    /// What could concern a step or be refused: up to `%` (control bytes, space, `#`), `?`, `\`, DEL,
    /// and what is not ASCII.
    odd: u32,
}

impl Seen {
    #[inline(always)]
    fn in_lanes(lanes: &[u8; LANES]) -> Self {
        let lanes = u8x16::new(*lanes);
        let is = |byte: u8| lanes.simd_eq(u8x16::splat(byte));
        let low = lanes.saturating_sub(u8x16::splat(b'%')).simd_eq(u8x16::splat(0));
        let high = u8x16::splat(0x7e).saturating_sub(lanes).simd_eq(u8x16::splat(0)) & !is(0x7e);
        let slashes = is(b'/');
        Self {
            slashes: slashes.to_bitmask(),
            follow: (slashes | is(b'.')).to_bitmask(),
            odd: (low | high | is(b'?') | is(b'\\')).to_bitmask(),
        }
    }

    /// Slashes with something odd behind them.
    #[inline(always)]
    const fn pairs(&self) -> u32 {
        self.slashes & self.follow >> 1
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
