//! The half that all peers share: a hash of hosts, and something per host that knows paths.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use ahash::RandomState;

use crate::router::Router;
use crate::workload::{HostRules, Workload};

/// The paths of one host, as a peer keeps them.
pub trait Paths: Sized {
    /// The peer's name.
    const NAME: &'static str;

    /// Takes in the rules of one host.
    fn build(host: &HostRules) -> Self;

    /// The rule that serves the path.
    fn find(&self, path: &str) -> Option<u32>;
}

/// A hash of hosts with `P` for each, stored in the table itself to save a hop.
///
/// The peers know paths only. What a user of one would have to write around it is written here, as cheaply
/// as we know how: lower case and port without an allocation for hosts that need neither, one probe for
/// the exact host and, where there are wildcards at all, one for what follows the first dot.
pub struct PerHost<P> {
    exact: HashMap<Box<str>, P, RandomState>,
    wildcard: HashMap<Box<str>, P, RandomState>,
}

impl<P> fmt::Debug for PerHost<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (exact, wildcard) = (self.exact.len(), self.wildcard.len());
        f.debug_struct("PerHost").field("exact", &exact).field("wildcard", &wildcard).finish_non_exhaustive()
    }
}

impl<P: Paths> Router for PerHost<P> {
    const NAME: &'static str = P::NAME;

    fn build(workload: &Workload) -> Self {
        // Seeded, or the layout of the table would differ from run to run.
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        let mut router =
            Self { exact: HashMap::with_hasher(hasher.clone()), wildcard: HashMap::with_hasher(hasher) };
        for host in workload.hosts() {
            match host.host().strip_prefix("*.") {
                Some(parent) => router.wildcard.insert(parent.into(), P::build(host)),
                None => router.exact.insert(host.host().into(), P::build(host)),
            };
        }
        router
    }

    fn find(&self, host: &str, path: &str) -> Option<u32> {
        let host = fold(host);
        if let Some(paths) = self.exact.get(&*host)
            && let Some(rule) = paths.find(path)
        {
            return Some(rule);
        }
        if self.wildcard.is_empty() {
            return None;
        }
        let (label, parent) = host.split_once('.')?;
        if label.is_empty() { None } else { self.wildcard.get(parent)?.find(path) }
    }
}

/// The host in lower case, without port and final dot; borrowed when it is so already.
fn fold(host: &str) -> Cow<'_, str> {
    // Only a host that ends in a digit can end in a port, which spares the others the search for one.
    let bare = match host.as_bytes().last() {
        Some(b'0'..=b'9' | b':') => match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        },
        _ => host,
    };
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    if bare.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(bare.to_ascii_lowercase())
    } else {
        Cow::Borrowed(bare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_what_clients_send() {
        for (sent, meant) in [
            ("shop.test", "shop.test"),
            ("Shop.TEST:8080", "shop.test"),
            ("shop.test.", "shop.test"),
            ("shop7", "shop7"),
            ("shop.test.:80", "shop.test"),
            ("", ""),
        ] {
            assert_eq!(fold(sent), meant, "{sent}");
        }
        assert!(matches!(fold("shop.test"), Cow::Borrowed(_)));
    }
}
