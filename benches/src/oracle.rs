//! What the answer is: every rule of the host compared as the specification words it.

use std::collections::HashMap;

use crate::workload::{HostRules, Kind, Workload};

/// Answers by scanning. Only the host is found through a map, since comparing a request with every host of
/// the larger workloads would take hours.
#[derive(Debug)]
pub struct Oracle<'w> {
    hosts: HashMap<&'w str, &'w HostRules>,
}

impl<'w> Oracle<'w> {
    /// An oracle for one workload.
    pub fn new(workload: &'w Workload) -> Self {
        Self { hosts: workload.hosts().iter().map(|host| (host.host(), host)).collect() }
    }

    /// The number of the rule that wins. The host is lower-case and bare; a host whose rules do not match
    /// passes the request on to the wildcard over it.
    pub fn answer(&self, host: &str, path: &str) -> Option<u32> {
        let exact = self.hosts.get(host).and_then(|host| best(host, path));
        exact.or_else(|| {
            let (label, parent) = host.split_once('.')?;
            if label.is_empty() {
                return None;
            }
            best(self.hosts.get(format!("*.{parent}").as_str())?, path)
        })
    }
}

fn best(host: &HostRules, path: &str) -> Option<u32> {
    host.numbered()
        .filter(|(_, rule)| matches(rule.path(), rule.kind(), path))
        .max_by_key(|(number, rule)| {
            (rule.path().len(), rule.kind() == Kind::Exact, std::cmp::Reverse(*number))
        })
        .map(|(number, _)| number)
}

fn matches(rule: &str, kind: Kind, path: &str) -> bool {
    match kind {
        Kind::Exact => rule == path,
        Kind::Prefix if rule == "/" => path.starts_with('/'),
        Kind::Prefix => path.strip_prefix(rule).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::PathRule;

    #[test]
    fn reads_the_specification() {
        let rule = |path: &str, kind| PathRule::new(path.to_owned(), kind);
        let workload = Workload::from_rules(
            "words",
            vec![
                ("a.x.test".to_owned(), vec![rule("/foo", Kind::Prefix), rule("/foo", Kind::Exact)]),
                ("*.x.test".to_owned(), vec![rule("/", Kind::Prefix)]),
            ],
        );
        let oracle = Oracle::new(&workload);
        assert_eq!(oracle.answer("a.x.test", "/foo"), Some(1));
        assert_eq!(oracle.answer("a.x.test", "/foo/bar"), Some(0));
        assert_eq!(oracle.answer("a.x.test", "/foobar"), Some(2), "falls through to the wildcard");
        assert_eq!(oracle.answer("b.x.test", "/foo"), Some(2));
        assert_eq!(oracle.answer("x.test", "/foo"), None);
        assert_eq!(oracle.answer("a.b.x.test", "/foo"), None);
    }
}
