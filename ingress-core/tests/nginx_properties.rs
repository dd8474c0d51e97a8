//! What holds for every table of the dialect `ingress-nginx`, whatever the objects say.

#![cfg(feature = "k8s-openapi")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by a panic")]

mod generate {
    pub(crate) mod nginx;
    pub(crate) mod probe;
    pub(crate) mod settings;
    pub(crate) mod vocabulary;
}

use std::cell::RefCell;
use std::net::IpAddr;

use generate::nginx::{Annotated, annotated, settings};
use generate::probe::{Recipe, Words, recipe};
use generate::settings::Settings;
use ingress_core::dialect::{IngressNginx, catalog};
use ingress_core::explain::{HostStep, Verdict};
use ingress_core::origin::ObjectId;
use ingress_core::port::Port;
use ingress_core::request::{Availability, Circumstances, Scheme};
use ingress_core::{Action, Compiler, IngressId, Outcome, RequestHead, RouteTable};
use proptest::prelude::*;
use proptest::sample::select;

/// Requests that each table is asked.
const REQUESTS: u32 = 32;

/// A request's circumstances, as they are drawn.
#[derive(Clone, Copy, Debug)]
struct Around {
    https: bool,
    client: Option<[u8; 4]>,
    /// Services whose number has its bit set have no endpoints.
    empty: u8,
}

impl Availability for Around {
    fn has_endpoints(&self, service: &ObjectId, _: &Port) -> bool {
        let number = service.name().trim_start_matches('s').parse::<u8>().unwrap_or(0);
        self.empty >> number.min(7) & 1 == 0
    }
}

fn around() -> impl Strategy<Value = Around> {
    let client =
        prop::option::of(select(&[[10, 0, 0, 1], [192, 0, 2, 1], [192, 0, 2, 9], [127, 0, 0, 1]][..]));
    (any::<bool>(), client, any::<u8>(), any::<bool>()).prop_map(|(https, client, empty, full)| Around {
        https,
        client,
        empty: if full { 0 } else { empty },
    })
}

fn compiler(settings: &catalog::Settings) -> Compiler {
    Compiler::new(IngressNginx::new(settings).0)
}

#[test]
fn lookup_and_explain_agree_and_every_answer_can_be_given() {
    let seen = RefCell::new(Seen::default());
    let recipes = prop::collection::vec((recipe(), around()), REQUESTS as usize);
    let strategy = (settings(), prop::collection::vec(annotated(), 1..6), recipes);
    Settings::of(12_000).run(REQUESTS, &strategy, |(settings, contents, recipes)| {
        let mut compiler = compiler(&settings);
        for (number, content) in contents.iter().enumerate() {
            compiler.upsert(content.ingress(&format!("i{number}")));
        }
        let table = compiler.compile();
        let words = Words::of(&table);
        for (recipe, around) in &recipes {
            ask(&table, &words, recipe, around, &mut seen.borrow_mut())?;
        }
        Ok(())
    });
    let seen = seen.into_inner();
    println!("{seen:?}");
    seen.share("forwarded", seen.forwarded, 15);
    seen.share("redirected", seen.redirected, 5);
    seen.share("answered", seen.answered, 15);
    seen.share("under a condition", seen.conditional, 3);
    seen.share("rewritten", seen.rewritten, 1);
    seen.share("refused", seen.refused, 5);
}

fn ask(
    table: &RouteTable,
    words: &Words,
    recipe: &Recipe,
    around: &Around,
    seen: &mut Seen,
) -> Result<(), TestCaseError> {
    let probe = recipe.prepare(words);
    let mut circumstances = Circumstances::default().services(around);
    if let Some(client) = around.client {
        circumstances = circumstances.client(IpAddr::from(client));
    }
    let scheme = if around.https { Scheme::Https } else { Scheme::Http };
    let head: RequestHead<'_> = probe.head().scheme(scheme).circumstances(&circumstances);
    let fast = table.lookup(&head);
    let why = table.explain(&head);
    prop_assert_eq!(fast, why.outcome(), "{}\n{:?} {:?}\n{}", why, probe, around, table);
    let won = why.hosts().iter().flat_map(HostStep::candidates);
    let won = won.filter(|candidate| *candidate.verdict() == Verdict::Won).count();
    prop_assert_eq!(won, usize::from(fast.matched().is_some()), "{}", why);
    seen.count(&fast);
    let hit = match fast {
        Outcome::Matched(hit) => hit,
        Outcome::Refused(refusal) => {
            prop_assert!(refusal.status().is_client_error());
            return Ok(());
        }
        // There is always a catch-all, and it always has a root.
        other => return Err(TestCaseError::fail(format!("{other}\n{why}"))),
    };
    if let Some(location) = hit.location(&head) {
        // Nothing that a client or an object wrote may end the line.
        prop_assert!(!location.bytes().any(|byte| byte < b' ' || byte == 0x7f), "{:?}", location);
    }
    if hit.rule().action().as_forward().is_some() {
        let target = hit.sent_target(&head);
        prop_assert!(target.is_ok(), "{:?} {}", target, why);
        let target = target.expect("it is one");
        prop_assert!(!target.bytes().any(|byte| byte < b' ' || byte == 0x7f), "{:?}", target);
    }
    Ok(())
}

/// What happens to a cluster.
#[derive(Clone, Debug)]
enum Operation {
    Compile,
    Remove(usize),
    Upsert(usize, Box<Annotated>),
}

#[test]
fn a_table_that_followed_changes_is_that_of_what_they_came_to() {
    let operation = prop_oneof![
        4 => (0..5usize, annotated()).prop_map(|(name, content)| Operation::Upsert(name, Box::new(content))),
        1 => (0..5usize).prop_map(Operation::Remove),
        2 => Just(Operation::Compile),
    ];
    let strategy = (settings(), prop::collection::vec(operation, 1..16));
    Settings::of(600).run(1, &strategy, |(settings, operations)| {
        let mut followed = compiler(&settings);
        let mut last: [Option<Annotated>; 5] = Default::default();
        let name = |number: usize| format!("i{number}");
        for operation in operations {
            match operation {
                Operation::Compile => {
                    let table = followed.compile();
                    prop_assert!(std::sync::Arc::ptr_eq(&table, &followed.compile()));
                }
                Operation::Remove(number) => {
                    last[number] = None;
                    followed.remove(&IngressId::new("ns", &name(number)));
                }
                Operation::Upsert(number, content) => {
                    followed.upsert(content.ingress(&name(number)));
                    last[number] = Some(*content);
                }
            }
        }
        let mut scratch = compiler(&settings);
        for (number, content) in last.iter().enumerate() {
            if let Some(content) = content {
                scratch.upsert(content.ingress(&name(number)));
            }
        }
        prop_assert_eq!(followed.compile().to_string(), scratch.compile().to_string());
        let found = |compiler: &Compiler| {
            let mut found: Vec<_> = compiler.diagnostics().map(ToString::to_string).collect();
            found.sort();
            found
        };
        prop_assert_eq!(found(&followed), found(&scratch));
        Ok(())
    });
}

/// What the requests came to, so that nobody has to trust that they were interesting.
#[derive(Debug, Default)]
struct Seen {
    requests: u32,
    forwarded: u32,
    redirected: u32,
    answered: u32,
    conditional: u32,
    rewritten: u32,
    refused: u32,
}

impl Seen {
    fn count(&mut self, outcome: &Outcome<'_>) {
        self.requests += 1;
        let Some(hit) = outcome.matched() else {
            self.refused += 1;
            return;
        };
        match hit.rule().action() {
            Action::Redirect(_) => self.redirected += 1,
            Action::Respond(_) => self.answered += 1,
            _ => self.forwarded += 1,
        }
        self.conditional += u32::from(!hit.rule().predicates().is_empty());
        self.rewritten += u32::from(hit.rule().path_rewrite().is_some());
    }

    fn share(&self, what: &str, part: u32, percent: u32) {
        assert!(part * 100 > self.requests * percent, "{what}: not {percent} in a hundred of {self:?}");
    }
}
