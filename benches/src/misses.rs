//! Requests that match nothing, most of them by a hair.

use crate::oracle::Oracle;
use crate::random::Random;
use crate::requests::{Draw, descend};
use crate::vocabulary::{APPS, ORGS};
use crate::workload::{Kind, PathRule};

/// A request for which the oracle knows no rule.
pub(crate) fn near_or_far(draw: &Draw<'_>, oracle: &Oracle<'_>, random: &mut Random) -> (String, String) {
    // Where a host has a rule for `/` no path misses, so some kinds need another host.
    for _ in 0..16 {
        let Some((host, rule)) = draw.host_and_rule(random) else { continue };
        let (host, path) = spoil(host, rule, random);
        if oracle.answer(&host, &path).is_none() {
            return (host, path);
        }
    }
    (stranger(random), "/".to_owned())
}

fn spoil(host: String, rule: &PathRule, random: &mut Random) -> (String, String) {
    let path = rule.path().to_owned();
    match random.below(8) {
        0 => (stranger(random), path),
        1 => (one_off(&host, 0, random), path),
        2 => (format!("x{}.{host}", random.below(10)), path),
        3 => (host.split_once('.').map_or_else(String::new, |(_, parent)| parent.to_owned()), path),
        4 => (host, one_off(&path, 1, random)),
        // `/foo` and `/foobar`: the prefix ends inside an element.
        5 => (host, format!("{path}bar")),
        6 => (host, path.get(..path.len() - 1).filter(|cut| cut.len() > 1).unwrap_or("/-").to_owned()),
        _ => {
            let mut below = path;
            if rule.kind() == Kind::Exact {
                descend(&mut below, random);
            } else {
                below.insert_str(0, "/-");
            }
            (host, below)
        }
    }
}

/// A host of the usual form that no workload has.
fn stranger(random: &mut Random) -> String {
    format!("{}-{}.{}.example", random.word(APPS), random.below(10_000), random.word(ORGS))
}

/// One character changed, at `from` or behind it; dots and slashes stay where they are.
fn one_off(text: &str, from: usize, random: &mut Random) -> String {
    let at = from + random.below(text.len().saturating_sub(from));
    text.char_indices()
        .map(|(index, char)| match char {
            '.' | '/' => char,
            _ if index != at => char,
            'q' => 'z',
            _ => 'q',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_off_changes_one_character_or_hits_a_separator() {
        let mut random = Random::new(10);
        for _ in 0..200 {
            let changed = one_off("/foo/bar", 1, &mut random);
            let differing = changed.bytes().zip("/foo/bar".bytes()).filter(|(a, b)| a != b).count();
            assert!(differing <= 1 && changed.matches('/').count() == 2, "{changed}");
        }
    }
}
