//! The table's lookup against the literal reading of its rules.
//!
//! `INGRESS_CASES=1000000 cargo test --release -p ingress-core --test equivalence` is the long run.

#![cfg(feature = "k8s-openapi")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by a panic")]

mod generate {
    pub(crate) mod objects;
    pub(crate) mod plans;
    pub(crate) mod probe;
    pub(crate) mod seam;
    pub(crate) mod settings;
    pub(crate) mod vocabulary;
}

use std::cell::RefCell;

use generate::objects::content;
use generate::plans::{Uses, object, plan, reading};
use generate::probe::{Probe, Recipe, Words, recipe};
use generate::seam::Seam;
use generate::settings::Settings;
use ingress_core::dialect::Kubernetes;
use ingress_core::explain::{HostStep, Verdict};
use ingress_core::host::HostName;
use ingress_core::origin::SecretRef;
use ingress_core::rule::{Backend, ServiceRef};
use ingress_core::table::{HostTable, Match};
use ingress_core::{Action, Compiler, Config, Outcome, RequestHead, RouteTable};
use proptest::prelude::*;

/// Requests that each table is asked.
const REQUESTS: u32 = 32;

#[test]
fn tables_of_the_kubernetes_dialect() {
    let seen = RefCell::new(Seen::default());
    let strategy = (prop::collection::vec(content(), 1..7), recipes(), config());
    Settings::of(30_000).run(REQUESTS, &strategy, |(contents, recipes, config)| {
        let mut compiler = Compiler::with_config(Kubernetes, config);
        for (number, content) in contents.iter().enumerate() {
            compiler.upsert(content.ingress(&format!("i{number}")));
        }
        let case = Case { table: &compiler.compile(), keep_case: false, keep_dot: false };
        case.ask_all(&recipes, &mut seen.borrow_mut())
    });
    let seen = seen.into_inner();
    seen.share("crowded", seen.crowded, 1);
    seen.is_a_good_mix();
}

#[test]
fn tables_of_a_dialect_that_uses_the_whole_seam() {
    let seen = RefCell::new(Seen::default());
    let age = || prop::option::of(0u8..2);
    let plans = |uses, count| prop::collection::vec((plan(uses), age(), age()), 1..count);
    let (none, literals) = (Uses::default(), Uses { literals: true, ..Uses::default() });
    let plans = prop_oneof![
        6 => plans(none, 6),
        6 => plans(literals, 6),
        6 => plans(Uses { conditions: true, ..literals }, 6),
        2 => plans(Uses { expressions: true, ..literals }, 4),
        2 => plans(Uses { expressions: true, literals: true, conditions: true }, 4),
    ];
    let strategy = (reading(), plans, recipes(), config());
    Settings::of(30_000).run(REQUESTS, &strategy, |(reading, plans, recipes, config)| {
        let objects: Vec<_> = (0..)
            .zip(&plans)
            .map(|(number, (_, created, priority))| {
                object(&format!("i{number}"), number, *created, *priority)
            })
            .collect();
        let plans = plans.into_iter().map(|(plan, _, _)| plan).collect();
        let mut compiler = Compiler::with_config(Seam { reading, plans }, config);
        for object in objects {
            compiler.upsert(object);
        }
        let table = compiler.compile();
        let case = Case { table: &table, keep_case: reading.keep_case, keep_dot: reading.keep_dot };
        case.ask_all(&recipes, &mut seen.borrow_mut())
    });
    let seen = seen.into_inner();
    seen.share("rewritten", seen.rewritten, 5);
    seen.share("conditional", seen.conditional, 2);
    seen.is_a_good_mix();
}

fn recipes() -> impl Strategy<Value = Vec<Recipe>> {
    prop::collection::vec(recipe(), REQUESTS as usize)
}

fn config() -> impl Strategy<Value = Config> {
    let (backend, certificate) = (prop::bool::weighted(0.1), prop::bool::weighted(0.3));
    (backend, certificate, any::<[u64; 4]>()).prop_map(|(backend, certificate, seeds)| {
        let mut config = Config::default().hash_seeds(seeds);
        if backend {
            config = config.default_backend(Backend::Service(ServiceRef::new("infra", "default", 80)));
        }
        if certificate {
            config = config.default_certificate(SecretRef::new("infra", "default"));
        }
        config
    })
}

/// A table, and what of a host name it does not put into canonical form.
struct Case<'t> {
    table: &'t RouteTable,
    keep_case: bool,
    keep_dot: bool,
}

impl Case<'_> {
    fn ask_all(&self, recipes: &[Recipe], seen: &mut Seen) -> Result<(), TestCaseError> {
        let words = Words::of(self.table);
        for recipe in recipes {
            let probe = recipe.prepare(&words);
            self.ask(&probe, seen).map_err(|error| match error {
                TestCaseError::Fail(reason) => {
                    TestCaseError::fail(format!("{reason}\n{probe:?}\n{}", self.table))
                }
                rejected => rejected,
            })?;
        }
        Ok(())
    }

    /// The property: lookup and explanation give the same answer, and it can be acted on.
    fn ask(&self, probe: &Probe, seen: &mut Seen) -> Result<(), TestCaseError> {
        let head = probe.head();
        let fast = self.table.lookup(&head);
        let why = self.table.explain(&head);
        prop_assert_eq!(fast, why.outcome(), "{}", why);
        seen.count(&fast);

        let candidates = || why.hosts().iter().flat_map(HostStep::candidates);
        let won = candidates().filter(|candidate| *candidate.verdict() == Verdict::Won).count();
        prop_assert_eq!(won, usize::from(fast.matched().is_some()), "{}", why);
        let shadowed = candidates().any(|candidate| matches!(candidate.verdict(), Verdict::Shadowed(_)));
        seen.contested += u32::from(shadowed);

        if let (Some(hit), Some(slow)) = (fast.matched(), why.outcome().matched()) {
            prop_assert!(hit.host_table().ptr_eq(slow.host_table()));
            prop_assert_eq!(hit.rule_id(), slow.rule_id());
            self.follow(&hit, &head)?;
        }
        let name = head.host().unwrap_or("");
        prop_assert_eq!(self.table.certificate(name), self.certificate_by_scan(name), "{}", name);
        Ok(())
    }

    /// The upstream gets what was judged, and a target that can be sent.
    fn follow(&self, hit: &Match<'_>, head: &RequestHead<'_>) -> Result<(), TestCaseError> {
        let upstream = hit.upstream(head);
        prop_assert_eq!(&upstream, &hit.detach().borrow().upstream(head));
        let rewritten = hit.rule().path_rewrite().is_some();
        match hit.changed_upstream(head) {
            Ok(None) => prop_assert!(!rewritten),
            changed => prop_assert_eq!(&changed.map(Option::unwrap), &upstream),
        }
        // The short answer is never another than the long one.
        match self.table.pass_on(head) {
            Ok(same) => {
                prop_assert_eq!(same, *hit);
                prop_assert!(matches!(hit.rule().action(), Action::Forward(_)), "{}", hit.rule());
                prop_assert_eq!(hit.changed_upstream(head), Ok(None));
            }
            Err(outcome) => prop_assert_eq!(outcome, Outcome::Matched(*hit)),
        }
        let Ok(target) = upstream else { return Ok(()) };
        prop_assert!(target.path().starts_with('/') || target.path() == "*", "{}", target);
        if !rewritten && !self.table.semantics().forward_received() {
            // Whoever receives it decodes once, and must come to what was judged. Where the reading left
            // escapes alone they are still to be decoded on this side, too.
            let reading = self.table.semantics().paths();
            let judged = reading.normalize(head.target()).expect("the request was not refused");
            let decodes_all = reading.normalize("/%2541").is_ok_and(|path| path.path() == b"/%41");
            let meant = if decodes_all { judged.path().to_vec() } else { decode(judged.path()) };
            prop_assert_eq!(decode(target.path().as_bytes()), meant, "sent on as {}", target);
        }
        Ok(())
    }

    /// The certificate for a server name, found by reading all hosts in order.
    fn certificate_by_scan(&self, raw: &str) -> Option<&SecretRef> {
        let bare = raw.split(':').next().unwrap_or(raw);
        let upper = bare.bytes().any(|byte| byte.is_ascii_uppercase());
        let other = self.keep_case && upper || self.keep_dot && bare.ends_with('.');
        let name = if other { None } else { HostName::parse(raw) };
        let meant = |host: &&HostTable| match &name {
            Some(name) => host.pattern().matches(name),
            None => host.pattern().is_any(),
        };
        let found = self.table.hosts().filter(meant).find_map(HostTable::certificate);
        found.or_else(|| self.table.default_certificate())
    }
}

fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'%').and_then(|digits| str::from_utf8(digits).ok());
        let escape = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escape.unwrap_or(byte));
        rest = if escape.is_some() { &after[2..] } else { after };
    }
    decoded
}

/// What the requests came to, so that nobody has to trust that they were interesting.
#[derive(Debug, Default)]
struct Seen {
    requests: u32,
    exact: u32,
    wildcard: u32,
    any_host: u32,
    /// More than one rule of a host would have taken the request.
    contested: u32,
    /// Hosts with so many rules that a short list does not hold them.
    crowded: u32,
    default: u32,
    rewritten: u32,
    conditional: u32,
    no_path: u32,
    no_host: u32,
    refused: u32,
}

impl Seen {
    fn count(&mut self, outcome: &Outcome<'_>) {
        self.requests += 1;
        match outcome {
            Outcome::Matched(hit) => {
                let (host, rule) = (hit.host(), hit.rule());
                self.wildcard += u32::from(host.is_wildcard());
                self.any_host += u32::from(host.is_any());
                self.exact += u32::from(!host.is_any() && !host.is_wildcard());
                self.crowded += u32::from(hit.host_table().rules().len() > 40);
                self.default += u32::from(hit.is_default());
                self.rewritten += u32::from(rule.path_rewrite().is_some());
                self.conditional += u32::from(!rule.predicates().is_empty());
            }
            Outcome::NoPath(_) => self.no_path += 1,
            Outcome::NoHost => self.no_host += 1,
            Outcome::Refused(_) => self.refused += 1,
            other => panic!("{other} is an outcome that this test does not know"),
        }
    }

    fn share(&self, what: &str, part: u32, percent: u32) {
        assert!(part * 100 > self.requests * percent, "{what}: not {percent} in a hundred of {self:?}");
    }

    fn is_a_good_mix(&self) {
        println!("{self:?}");
        self.share("exact", self.exact, 8);
        self.share("wildcard", self.wildcard, 8);
        self.share("any host", self.any_host, 10);
        self.share("contested", self.contested, 5);
        self.share("default", self.default, 5);
        self.share("no path", self.no_path, 7);
        self.share("no host", self.no_host, 4);
        self.share("refused", self.refused, 5);
    }
}
