//! The tables that are raced: hosts, each with its rules, all numbered.

use crate::random::Random;
use crate::{hosts, paths};

/// Printed with every result; the same seed gives the same tables and the same requests.
pub const SEED: u64 = 0x0150_2026_1121;

/// How a rule compares its path.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// Equal, byte for byte.
    Exact,
    /// Element by element from the start.
    Prefix,
}

/// One path of one host.
#[derive(Clone, Debug)]
pub struct PathRule {
    path: Box<str>,
    kind: Kind,
}

impl PathRule {
    /// A rule. Its path starts with `/` and does not end with one, except for `/` itself.
    pub fn new(path: String, kind: Kind) -> Self {
        Self { path: path.into(), kind }
    }

    /// The path of the rule.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// How it is compared.
    pub const fn kind(&self) -> Kind {
        self.kind
    }
}

/// One host pattern with its rules, in the order they were written in.
#[derive(Clone, Debug)]
pub struct HostRules {
    host: Box<str>,
    first: u32,
    rules: Vec<PathRule>,
}

impl HostRules {
    /// `shop.example.test`, or `*.example.test` for a wildcard.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The rules as written.
    pub fn rules(&self) -> &[PathRule] {
        &self.rules
    }

    /// Every rule with its number, which is unique in the workload.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &PathRule)> {
        (self.first..).zip(&self.rules)
    }

    /// The same, in the order in which the first match is the answer: longest path first, then `Exact`.
    pub fn by_precedence(&self) -> Vec<(u32, &PathRule)> {
        let mut rules: Vec<_> = self.numbered().collect();
        rules.sort_by_key(|(number, rule)| {
            (std::cmp::Reverse(rule.path.len()), rule.kind == Kind::Prefix, *number)
        });
        rules
    }
}

/// What a table looks like, without the table.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    name: &'static str,
    hosts: usize,
    paths: usize,
    wildcards: usize,
    exact: usize,
}

impl Shape {
    /// 100 hosts of 10 paths: fits the nearest caches.
    pub const S: Self = Self::plain("S", 100, 10);
    /// 10,000 hosts of 10 paths.
    pub const M: Self = Self::plain("M", 10_000, 10);
    /// 100,000 hosts of 10 paths: fits no cache.
    pub const L: Self = Self::plain("L", 100_000, 10);
    /// One host of 10,000 paths.
    pub const W: Self = Self::plain("W", 1, 10_000);
    /// 50,000 hosts of one to six labels, a fifth of them wildcards; a fifth of the paths `Exact`.
    pub const X: Self = Self { wildcards: 20, exact: 20, ..Self::plain("X", 50_000, 10) };

    /// Exact hosts with `Prefix` paths.
    pub const fn plain(name: &'static str, hosts: usize, paths: usize) -> Self {
        Self { name, hosts, paths, wildcards: 0, exact: 0 }
    }

    /// The same shape with at most so many hosts and paths per host, for a run that only has to show that it runs.
    pub fn at_most(self, hosts: usize, paths: usize) -> Self {
        Self { hosts: self.hosts.min(hosts), paths: self.paths.min(paths), ..self }
    }

    /// The letter used in tables and benchmark names.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// How many rules a table of this shape has.
    pub const fn rule_count(&self) -> usize {
        self.hosts * self.paths
    }
}

/// A table of a shape, as every router is given it.
#[derive(Clone, Debug)]
pub struct Workload {
    shape: Shape,
    hosts: Vec<HostRules>,
    random: Random,
}

impl Workload {
    /// Makes the table.
    pub fn new(shape: Shape, seed: u64) -> Self {
        let random = Random::new(seed);
        let names = if shape.wildcards == 0 {
            hosts::plain(shape.hosts, &mut random.fork(1))
        } else {
            hosts::mixed(shape.hosts, shape.wildcards, &mut random.fork(1))
        };
        let mut paths_random = random.fork(2);
        let hosts = names
            .into_iter()
            .map(|host| (host, paths::for_one_host(shape.paths, shape.exact, &mut paths_random)));
        Self::from_parts(shape, random, hosts)
    }

    /// A table written out by hand, numbered in the given order.
    pub fn from_rules(name: &'static str, hosts: Vec<(String, Vec<PathRule>)>) -> Self {
        let shape = Shape::plain(name, hosts.len(), hosts.first().map_or(0, |(_, rules)| rules.len()));
        Self::from_parts(shape, Random::new(SEED), hosts)
    }

    fn from_parts(
        shape: Shape,
        random: Random,
        parts: impl IntoIterator<Item = (String, Vec<PathRule>)>,
    ) -> Self {
        let mut first = 0;
        let hosts = parts
            .into_iter()
            .map(|(host, rules)| {
                let host = HostRules { host: host.into(), first, rules };
                first += host.rules.len() as u32;
                host
            })
            .collect();
        Self { shape, hosts, random }
    }

    /// The letter of the shape.
    pub const fn name(&self) -> &'static str {
        self.shape.name
    }

    /// The hosts; the rules of one follow those of the one before in the numbering.
    pub fn hosts(&self) -> &[HostRules] {
        &self.hosts
    }

    /// The number of rules.
    pub fn rule_count(&self) -> usize {
        self.hosts.iter().map(|host| host.rules.len()).sum()
    }

    /// The host that owns rule `number`, and the rule's index within it.
    pub fn locate(&self, number: u32) -> Option<(usize, usize)> {
        let host = self.hosts.partition_point(|host| host.first <= number).checked_sub(1)?;
        let index = number.checked_sub(self.hosts.get(host)?.first)? as usize;
        Some((host, index))
    }

    pub(crate) fn random(&self, part: u64) -> Random {
        self.random.fork(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_one_table() {
        let shape = Shape::X.at_most(50, 10);
        let (one, two) = (Workload::new(shape, 1), Workload::new(shape, 1));
        assert_eq!(format!("{one:?}"), format!("{two:?}"));
        assert_ne!(format!("{one:?}"), format!("{:?}", Workload::new(shape, 2)));
    }

    #[test]
    fn numbers_lead_back_to_rules() {
        let workload = Workload::new(Shape::S, 1);
        assert_eq!(workload.rule_count(), 1_000);
        assert_eq!(workload.locate(0), Some((0, 0)));
        assert_eq!(workload.locate(437), Some((43, 7)));
    }

    #[test]
    fn longest_first_then_exact() {
        let rules = vec![
            PathRule::new("/a".to_owned(), Kind::Prefix),
            PathRule::new("/a".to_owned(), Kind::Exact),
            PathRule::new("/a/b".to_owned(), Kind::Prefix),
        ];
        let workload = Workload::from_rules("order", vec![("a.test".to_owned(), rules)]);
        let order: Vec<u32> = workload.hosts()[0].by_precedence().iter().map(|(number, _)| *number).collect();
        assert_eq!(order, [2, 1, 0]);
    }
}
