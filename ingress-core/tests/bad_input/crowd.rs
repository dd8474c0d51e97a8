//! Ten thousand Ingresses of which one is bad: 9,999 that are not, and the place of the last.

#![allow(clippy::panic, reason = "outside of test functions, too, a failed expectation is a panic")]

use std::sync::Arc;

use ingress_core::dialect::Kubernetes;
use ingress_core::{Compiler, Diagnostic, HostPattern, Ingress, IngressId, RequestHead, RouteTable};
use serde_json::json;

use super::manifest;

const GOOD: usize = 9_999;

/// The host that the bad object shares with ten others.
pub(crate) const SHARED_HOST: &str = "shop-7.example.com";

/// The good objects, ten on each host, and the table of them alone.
pub(crate) struct Crowd {
    compiler: Compiler,
    alone: Arc<RouteTable>,
}

/// What came of the bad object.
pub(crate) struct Visit {
    pub(crate) table: Arc<RouteTable>,
    pub(crate) findings: Vec<Diagnostic>,
}

impl Crowd {
    pub(crate) fn new() -> Self {
        let mut compiler = Compiler::new(Kubernetes);
        for index in 0..GOOD {
            let _ = compiler.upsert(good(index));
        }
        let alone = compiler.compile();
        assert_eq!(compiler.diagnostics().count(), 0);
        let crowd = Self { compiler, alone };
        crowd.everybody_is_served(&crowd.alone);
        crowd
    }

    /// The bad object comes in, and a table is made. Whatever came of it: findings are about that
    /// object, all others are served as before, and their hosts are the very same.
    pub(crate) fn visit(&mut self, what: &str, bad: Ingress) -> Visit {
        let id = bad.id().clone();
        let _ = self.compiler.upsert(bad);
        let table = self.compiler.compile();
        let findings: Vec<_> = self.compiler.diagnostics().cloned().collect();
        for finding in &findings {
            assert_eq!(*finding.ingress(), id, "{what}: a finding about somebody else: {finding}");
        }
        for host in self.alone.hosts() {
            let now = table.host(host.pattern());
            let same = now.is_some_and(|now| now.ptr_eq(host));
            assert!(
                same || host.pattern().as_str() == SHARED_HOST,
                "{what}: {} was built anew",
                host.pattern()
            );
        }
        self.neighbours_are_served(what, &table);
        Visit { table, findings }
    }

    /// The bad object goes, and nothing of it stays.
    pub(crate) fn part(&mut self, what: &str, id: &IngressId) {
        let _ = self.compiler.remove(id);
        let table = self.compiler.compile();
        assert_eq!(self.compiler.diagnostics().count(), 0, "{what}: findings stay behind");
        assert_eq!(table.host_count(), self.alone.host_count(), "{what}: hosts stay behind");
        let shared: HostPattern = SHARED_HOST.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(table.host(&shared), self.alone.host(&shared), "{what}");
        self.neighbours_are_served(what, &table);
    }

    fn neighbours_are_served(&self, what: &str, table: &RouteTable) {
        for index in 70..80 {
            served(what, table, index);
        }
    }

    pub(crate) fn everybody_is_served(&self, table: &RouteTable) {
        for index in 0..GOOD {
            served("everybody", table, index);
        }
    }
}

fn served(what: &str, table: &RouteTable, index: usize) {
    let (host, path) = (format!("shop-{}.example.com", index / 10), format!("/p{}/x", index % 10));
    let request = RequestHead::new(&host, &path);
    let answer = table.lookup(&request).to_string();
    let expected = format!("tenant-{}/web-{index}:80 ", index % 97);
    assert!(answer.starts_with(&expected), "{what}: {request} goes to {answer}, not to {expected}");
}

fn good(index: usize) -> Ingress {
    manifest::ingress(&json!({
        "metadata": {"namespace": format!("tenant-{}", index % 97), "name": format!("web-{index}")},
        "spec": {"rules": [{"host": format!("shop-{}.example.com", index / 10), "http": {"paths": [{
            "path": format!("/p{}", index % 10),
            "pathType": "Prefix",
            "backend": {"service": {"name": format!("web-{index}"), "port": {"number": 80}}},
        }]}}]},
    }))
}
