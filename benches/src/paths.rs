//! Paths of one host: a few roots, resources below them, and rules below rules.

use std::collections::HashSet;

use crate::random::Random;
use crate::vocabulary::{AREAS, RESOURCES};
use crate::workload::{Kind, PathRule};

/// Per cent of hosts that end with a rule for everything.
const CATCH_ALL: usize = 25;

/// `count` different rules for one host, `exact` per cent of them `Exact`.
///
/// No rule path ends in a slash (but `/` itself): what a final slash means differs between the peers, and
/// is the business of the suites, not of a race.
pub(crate) fn for_one_host(count: usize, exact: usize, random: &mut Random) -> Vec<PathRule> {
    let mut rules: Vec<PathRule> = Vec::with_capacity(count);
    let mut seen = HashSet::with_capacity(count);
    let catch_all = count > 1 && random.chance(CATCH_ALL);
    let roots = roots(2 + count / 50, random);
    while rules.len() + usize::from(catch_all) < count {
        let kind = if random.chance(exact) { Kind::Exact } else { Kind::Prefix };
        let path = match rules.get(random.below(rules.len())) {
            // A twin of the other kind, which the longer-first order alone does not settle.
            Some(rule) if exact > 0 && random.chance(5) => rule.path().to_owned(),
            Some(rule) if random.chance(25) && rule.path().len() < 40 => below(rule.path(), 1, random),
            _ => {
                let root = roots.get(random.below(roots.len())).map_or("", String::as_str);
                let elements = 1 + random.below(3);
                below(root, elements, random)
            }
        };
        if seen.insert((path.clone(), kind)) {
            rules.push(PathRule::new(path, kind));
        }
    }
    if catch_all {
        rules.push(PathRule::new("/".to_owned(), Kind::Prefix));
    }
    random.shuffle(&mut rules);
    rules
}

fn roots(count: usize, random: &mut Random) -> Vec<String> {
    (0..count)
        .map(|_| match random.below(6) {
            0 => String::new(),
            1 => format!("/{}", random.word(AREAS)),
            2 => format!("/v{}", 1 + random.below(4)),
            _ => format!("/{}/v{}", random.word(AREAS), 1 + random.below(4)),
        })
        .collect()
}

fn below(path: &str, elements: usize, random: &mut Random) -> String {
    let mut longer = path.to_owned();
    for _ in 0..elements {
        longer.push('/');
        longer.push_str(random.word(RESOURCES));
        // Every fourth element is a compound, such as `order-items`.
        if random.below(4) == 0 {
            longer.push('-');
            longer.push_str(random.word(RESOURCES));
        }
    }
    longer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_the_stated_mean_length() {
        let mut random = Random::new(8);
        let rules: Vec<PathRule> = (0..1_000).flat_map(|_| for_one_host(10, 0, &mut random)).collect();
        let mean = rules.iter().map(|rule| rule.path().len()).sum::<usize>() as f64 / rules.len() as f64;
        assert!((27.0..31.0).contains(&mean), "{mean}");
        let wide = for_one_host(10_000, 0, &mut random);
        let mean = wide.iter().map(|rule| rule.path().len()).sum::<usize>() as f64 / wide.len() as f64;
        assert!((27.0..33.0).contains(&mean), "{mean}");
    }

    #[test]
    fn rules_share_prefixes_and_never_repeat() {
        let rules = for_one_host(200, 20, &mut Random::new(9));
        let distinct: HashSet<_> = rules.iter().map(|rule| (rule.path(), rule.kind())).collect();
        assert_eq!(distinct.len(), 200);
        let nested = rules
            .iter()
            .filter(|rule| rules.iter().any(|other| rule.path().starts_with(&format!("{}/", other.path()))))
            .count();
        assert!(nested > 30, "{nested}");
    }
}
