//! Host patterns as clusters have them.

use std::collections::HashSet;

use crate::random::Random;
use crate::vocabulary::{APPS, LABELS, ORGS, PLACES};

/// Reserved for tests (RFC 2606), and short.
const SUFFIX: &str = "test";

/// `count` different exact hosts such as `cart-17.acme.test` or `search.eu4.maple.test`.
pub(crate) fn plain(count: usize, random: &mut Random) -> Vec<String> {
    distinct(count, random, |random, attempt| {
        let number = random.below(count / 8 + 10 + attempt);
        let (app, org) = (random.word(APPS), random.word(ORGS));
        if random.chance(60) {
            format!("{app}-{number}.{org}.{SUFFIX}")
        } else {
            format!("{app}.{}{number}.{org}.{SUFFIX}", random.word(PLACES))
        }
    })
}

/// `count` different hosts of one to six labels under the suffix, `wildcards` per cent of them `*.` patterns.
///
/// Half of the wildcards stand over an exact host, so that a request may fit both.
pub(crate) fn mixed(count: usize, wildcards: usize, random: &mut Random) -> Vec<String> {
    let starred = count * wildcards / 100;
    let exact = distinct(count - starred, random, |random, attempt| {
        let depth = 1 + random.below(6);
        deep(depth, attempt, random)
    });
    let stars = distinct(starred, random, |random, attempt| {
        let sibling = exact.get(random.below(exact.len())).map_or("", String::as_str);
        match sibling.split_once('.') {
            Some((_, parent)) if parent != SUFFIX && random.chance(50) => format!("*.{parent}"),
            _ => {
                let depth = 1 + random.below(5);
                format!("*.{}", deep(depth, attempt, random))
            }
        }
    });
    let mut hosts: Vec<String> = exact.into_iter().chain(stars).collect();
    random.shuffle(&mut hosts);
    hosts
}

/// Labels from the short list under the suffix; the first one numbered, or there would not be enough of them.
fn deep(depth: usize, attempt: usize, random: &mut Random) -> String {
    let mut host = random.word(LABELS).to_owned();
    if depth < 4 || attempt > 0 {
        host.push_str(&random.below(400 + 400 * attempt).to_string());
    }
    for _ in 1..depth {
        host.push('.');
        host.push_str(random.word(LABELS));
    }
    format!("{host}.{SUFFIX}")
}

/// Calls `make` until it has given `count` different strings; it is told how often it repeated itself in a row.
fn distinct(count: usize, random: &mut Random, make: impl Fn(&mut Random, usize) -> String) -> Vec<String> {
    let mut seen = HashSet::with_capacity(count);
    let mut hosts = Vec::with_capacity(count);
    let mut attempt = 0;
    while hosts.len() < count {
        let host = make(random, attempt);
        if seen.insert(host.clone()) {
            hosts.push(host);
            attempt = 0;
        } else {
            attempt += 1;
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(hosts: &[String]) -> f64 {
        hosts.iter().map(String::len).sum::<usize>() as f64 / hosts.len() as f64
    }

    #[test]
    fn hosts_have_the_stated_mean_length() {
        let plain = plain(10_000, &mut Random::new(5));
        assert!((19.5..22.5).contains(&mean(&plain)), "{} {:?}", mean(&plain), &plain[..9]);
        let mixed = mixed(10_000, 20, &mut Random::new(6));
        assert!((19.5..22.5).contains(&mean(&mixed)), "{} {:?}", mean(&mixed), &mixed[..9]);
    }

    #[test]
    fn a_fifth_are_wildcards_and_depths_are_all_there() {
        let hosts = mixed(5_000, 20, &mut Random::new(7));
        assert_eq!(hosts.iter().filter(|host| host.starts_with("*.")).count(), 1_000);
        for depth in 1..=6 {
            let found = hosts.iter().filter(|host| host.matches('.').count() == depth).count();
            assert!(found > 500, "{found} hosts of {depth} labels under the suffix");
        }
    }
}
