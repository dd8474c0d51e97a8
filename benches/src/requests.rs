//! Requests for a workload, each with the answer it must get.

use crate::access::{Access, Sampler};
use crate::misses;
use crate::oracle::Oracle;
use crate::random::Random;
use crate::vocabulary::{LEAVES, PLACES, RESOURCES};
use crate::workload::{HostRules, Kind, PathRule, Workload};

/// Per cent of requests that no rule matches.
const MISSES: usize = 5;

/// Per cent of the hits on a `Prefix` rule that go on below it.
const BELOW: usize = 60;

/// What a router is asked.
#[derive(Clone, Copy, Debug)]
pub struct Head<'r> {
    /// Lower-case, without a port: what all but a few clients send.
    pub host: &'r str,
    /// Without a query.
    pub path: &'r str,
}

/// A list of requests whose text lies in one piece and in order, so that reading a request costs every
/// router the same little: a server has just parsed it and holds it in the nearest cache.
#[derive(Clone, Debug)]
pub struct Requests {
    text: String,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    host: u16,
    path: u16,
    expected: Option<u32>,
}

impl Requests {
    /// Draws `count` requests, 5% of them misses, and has the oracle answer each.
    pub fn new(workload: &Workload, access: Access, count: usize) -> Self {
        let oracle = Oracle::new(workload);
        let mut random = workload.random(3);
        let draw = Draw::new(workload, access, &mut random);
        let mut requests = Self { text: String::new(), entries: Vec::with_capacity(count) };
        while requests.entries.len() < count {
            let (host, path) = if random.chance(MISSES) {
                misses::near_or_far(&draw, &oracle, &mut random)
            } else {
                hit(&draw, &oracle, &mut random)
            };
            let expected = oracle.answer(&host, &path);
            requests.push(&host, &path, expected);
        }
        requests
    }

    /// One request of one's own making, answered by the oracle.
    pub fn one(workload: &Workload, host: &str, path: &str) -> Self {
        let mut requests = Self { text: String::new(), entries: Vec::new() };
        requests.push(host, path, Oracle::new(workload).answer(host, path));
        requests
    }

    /// Requests of one's own making with the answers that they must get.
    pub fn answered<'h>(answered: impl Iterator<Item = (&'h str, String, Option<u32>)>) -> Self {
        let mut requests = Self { text: String::new(), entries: Vec::new() };
        answered.for_each(|(host, path, expected)| requests.push(host, &path, expected));
        requests
    }

    fn push(&mut self, host: &str, path: &str, expected: Option<u32>) {
        let entry = Entry {
            start: self.text.len() as u32,
            host: host.len() as u16,
            path: path.len() as u16,
            expected,
        };
        self.text.push_str(host);
        self.text.push_str(path);
        self.entries.push(entry);
    }

    /// The requests, in order.
    pub fn heads(&self) -> Vec<Head<'_>> {
        self.entries.iter().map(|entry| self.head(entry)).collect()
    }

    /// The requests with the number of the rule that must win, if one must.
    pub fn answers(&self) -> impl Iterator<Item = (Head<'_>, Option<u32>)> {
        self.entries.iter().map(|entry| (self.head(entry), entry.expected))
    }

    fn head(&self, entry: &Entry) -> Head<'_> {
        let text = self.text.get(entry.start as usize..).unwrap_or_default();
        let (host, rest) = text.split_at(usize::from(entry.host));
        Head { host, path: rest.get(..usize::from(entry.path)).unwrap_or_default() }
    }
}

/// Draws rules with the skew of the access.
#[derive(Debug)]
pub(crate) struct Draw<'w> {
    workload: &'w Workload,
    rules: Sampler,
}

impl<'w> Draw<'w> {
    fn new(workload: &'w Workload, access: Access, random: &mut Random) -> Self {
        Self { workload, rules: Sampler::new(access, workload.rule_count(), random) }
    }

    /// A rule, and its host pattern made concrete.
    pub(crate) fn host_and_rule(&self, random: &mut Random) -> Option<(String, &'w PathRule)> {
        let (host, index) = self.workload.locate(self.rules.draw(random) as u32)?;
        let host = self.workload.hosts().get(host)?;
        Some((concrete(host, random), host.rules().get(index)?))
    }
}

/// The host itself, or one that its wildcard covers.
fn concrete(host: &HostRules, random: &mut Random) -> String {
    match host.host().strip_prefix('*') {
        None => host.host().to_owned(),
        Some(parent) => format!("{}{}{parent}", random.word(PLACES), random.below(1_000)),
    }
}

/// A request that some rule matches.
fn hit(draw: &Draw<'_>, oracle: &Oracle<'_>, random: &mut Random) -> (String, String) {
    loop {
        let Some((host, rule)) = draw.host_and_rule(random) else { continue };
        let mut path = rule.path().to_owned();
        if rule.kind() == Kind::Prefix && random.chance(BELOW) {
            descend(&mut path, random);
        }
        if oracle.answer(&host, &path).is_some() {
            return (host, path);
        }
    }
}

/// Goes one or two elements further down: `/4711`, `/items/4711`, `/4711/edit`.
pub(crate) fn descend(path: &mut String, random: &mut Random) {
    if path.ends_with('/') {
        path.pop();
    }
    if random.chance(30) {
        path.push('/');
        path.push_str(random.word(RESOURCES));
    }
    path.push('/');
    path.push_str(&random.below(100_000).to_string());
    if random.chance(20) {
        path.push('/');
        path.push_str(random.word(LEAVES));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Shape;

    #[test]
    fn one_in_twenty_is_a_miss() {
        for shape in [Shape::S, Shape::X.at_most(500, 10), Shape::W.at_most(1, 300)] {
            let workload = Workload::new(shape, 1);
            let requests = Requests::new(&workload, Access::Zipf, 4_000);
            let misses = requests.answers().filter(|(_, expected)| expected.is_none()).count();
            assert!((140..260).contains(&misses), "{}: {misses}", shape.name());
        }
    }

    #[test]
    fn text_comes_back_as_it_went_in() {
        let workload = Workload::new(Shape::S, 1);
        let mut requests = Requests::one(&workload, "nobody.test", "/x/y");
        requests.push("a.test", "/", None);
        let heads = requests.heads();
        assert_eq!((heads[0].host, heads[0].path), ("nobody.test", "/x/y"));
        assert_eq!((heads[1].host, heads[1].path), ("a.test", "/"));
    }
}
