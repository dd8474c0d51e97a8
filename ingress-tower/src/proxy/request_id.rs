//! A name for each request, that both sides can log.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

/// Where request ids come from.
pub(super) trait RequestIds: Send + Sync {
    fn next(&self) -> HeaderValue;
}

impl<F: Fn() -> HeaderValue + Send + Sync> RequestIds for F {
    fn next(&self) -> HeaderValue {
        self()
    }
}

/// 32 hexadecimal digits: a counter under a keyed hash, twice. The keys are drawn from the operating
/// system once, so ids differ between processes and tell nobody how many requests there were.
#[derive(Debug, Default)]
pub(super) struct RandomIds {
    keys: (RandomState, RandomState),
    counter: AtomicU64,
}

impl RequestIds for RandomIds {
    fn next(&self) -> HeaderValue {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let halves = [self.keys.0.hash_one(count), self.keys.1.hash_one(count)];
        let mut bits = u128::from(halves[0]) << 64 | u128::from(halves[1]);
        let mut text = [b'0'; 32];
        for digit in text.iter_mut().rev() {
            *digit = DIGITS.get((bits & 15) as usize).copied().unwrap_or(b'0');
            bits >>= 4;
        }
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("0"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_hexadecimal_and_each_is_new() {
        let ids = RandomIds::default();
        let drawn: HashSet<_> = (0..1000).map(|_| ids.next()).collect();
        assert_eq!(drawn.len(), 1000);
        assert!(drawn.iter().all(|id| id.len() == 32 && id.as_bytes().iter().all(u8::is_ascii_hexdigit)));
        let other = RandomIds::default();
        assert!((0..1000).all(|_| !drawn.contains(&other.next())));
    }
}
