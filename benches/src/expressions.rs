//! One host whose paths are expressions, in the manner of ingress-nginx: without case, anchored where the
//! path starts, tried in the order of their length.

use std::collections::BTreeMap;

use regex::bytes::{Regex, RegexBuilder};

use crate::random::Random;
use crate::requests::Requests;
use crate::vocabulary::{AREAS, RESOURCES};

/// The host that they belong to.
pub const HOST: &str = "shop.acme.test";

/// Expressions in the order in which they are tried, the last one taking everything.
#[derive(Clone, Debug)]
pub struct Expressions {
    texts: Vec<String>,
    /// For each, a path that it was made to match.
    paths: Vec<String>,
}

impl Expressions {
    /// So many of them.
    pub fn new(count: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut made = BTreeMap::new();
        while made.len() + 1 < count {
            let (text, path) = expression(&mut random);
            made.insert(text, path);
        }
        let mut made: Vec<_> = made.into_iter().chain([("/".to_owned(), "/elsewhere".to_owned())]).collect();
        // What ingress-nginx does: the longer text first, then the greater one.
        made.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| b.cmp(a)));
        let (texts, paths) = made.into_iter().unzip();
        Self { texts, paths }
    }

    /// The expressions, in order.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Requests spread evenly over the expressions, a fifth of them in upper case or changed a little, with
    /// the answers that trying one expression after the other gives.
    pub fn requests(&self, count: usize, seed: u64) -> Requests {
        let mut random = Random::new(seed);
        let compiled: Vec<_> = self.texts.iter().map(|text| compile(text)).collect();
        let answered = (0..count).map(|_| {
            let mut path = self.paths.get(random.below(self.paths.len())).cloned().unwrap_or_default();
            match random.below(20) {
                0 => path.make_ascii_uppercase(),
                1 => path.truncate(1 + random.below(path.len())),
                2 => path.push_str("/tail/of/it"),
                3 => path.insert(1, 'x'),
                _ => {}
            }
            let found = compiled.iter().position(|expression| expression.is_match(path.as_bytes()));
            (HOST, path, found.map(|found| found as u32))
        });
        Requests::answered(answered)
    }
}

/// One expression as the peers of ours take it.
///
/// # Panics
///
/// When it is none, which no expression of [`Expressions`] is.
#[expect(clippy::expect_used, reason = "the expressions are our own")]
pub(crate) fn compile(text: &str) -> Regex {
    RegexBuilder::new(&format!("^{text}")).case_insensitive(true).build().expect("it is an expression")
}

/// An expression such as people write into Ingresses, and a path that it matches.
fn expression(random: &mut Random) -> (String, String) {
    let area = format!("/{}", random.word(AREAS));
    let area = if random.chance(60) { format!("{area}/v{}", 1 + random.below(3)) } else { area };
    let (one, two) = (random.word(RESOURCES), random.word(RESOURCES));
    let id = random.below(10_000);
    match random.below(20) {
        0..6 => (format!("{area}/{one}(/|$)(.*)"), format!("{area}/{one}/{two}/{id}")),
        6..10 => (format!("{area}/{one}/{two}"), format!("{area}/{one}/{two}/{id}")),
        10..12 => (format!("{area}/{one}/[0-9]+/{two}"), format!("{area}/{one}/{id}/{two}")),
        12..14 => (format!("{area}/[^/]+/{one}/{two}"), format!("{area}/{id}/{one}/{two}/{id}")),
        14..16 => (format!("{area}/({one}|{two})/(.*)"), format!("{area}/{two}/{id}")),
        16 => (format!("{area}/{one}/.*\\.(?:png|jpe?g|css)$"), format!("{area}/{one}/{two}/{id}.jpg")),
        17..19 => (format!("{area}/{one}/\\d+(/{two})?$"), format!("{area}/{one}/{id}")),
        _ => (format!("{area}/{one}-[a-z0-9-]+/{two}"), format!("{area}/{one}-x{id}/{two}")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_expression_is_asked_for_and_most_requests_meet_it() {
        let expressions = Expressions::new(50, 1);
        assert_eq!(expressions.texts().len(), 50);
        assert!(expressions.texts().windows(2).all(|pair| pair[0].len() >= pair[1].len()));
        for (text, path) in expressions.texts().iter().zip(&expressions.paths) {
            assert!(compile(text).is_match(path.as_bytes()), "{text} {path}");
        }
        let requests = expressions.requests(2_000, 1);
        let answers: BTreeSet<_> = requests.answers().map(|(_, answer)| answer).collect();
        assert!(answers.len() >= 40, "{}", answers.len());
        let last = requests.answers().filter(|(_, answer)| *answer == Some(49)).count();
        assert!((50..500).contains(&last), "{last}");
    }
}
