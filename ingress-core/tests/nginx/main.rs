//! The `ingress-nginx` dialect against a real nginx.
//!
//! Random Ingresses become the servers and locations that the controller would have written, by a
//! generator that follows the description of the controller and knows nothing of the dialect. nginx serves
//! them, and gets the same requests as the table; its upstream says which target it received.
//!
//! `INGRESS_CASES=1000000 cargo test --release -p ingress-core --test nginx` is the long run. Without nginx
//! (Debian's package `nginx`) there is nothing to compare with, and the test says so.
//!
//! Not compared, since nginx alone cannot show it or the table does not decide it:
//! - what needs to know more than Ingresses: Services and their endpoints, certificates, ConfigMaps, classes;
//! - what the controller does in Lua beyond redirects and the choice of a canary: session affinity, load
//!   balancing, authentication. Weights are not drawn, the split itself is compared;
//! - what comes after the choice of a location: lists of addresses, limits, CORS, bodies, error pages;
//! - services of two namespaces whose names run into each other, and variables of nginx in annotations;
//! - expressions that go on behind `$` with something that takes the line feed which `$` may stand before;
//! - what an HTTP server refuses before anybody routes: methods, more than one `Host`, framing.

#![cfg(all(feature = "k8s-openapi", unix))]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by a panic")]

mod annotations;
mod answer;
mod client;
mod compare;
mod config;
mod controller;
#[path = "../suite/random.rs"]
mod numbers;
mod objects;
mod random;
mod requests;
mod server;
mod shrink;

use std::collections::BTreeMap;
use std::io::{self, Write};

use answer::Answer;
use client::Client;
use compare::{Difference, Ours};
use objects::ObjectSet;
use random::Random;
use requests::Words;
use server::Nginx;

/// Requests that each set is asked.
const REQUESTS: usize = 125;
/// Sets that one nginx serves.
const SETS: usize = 250;
/// Differences that are shown, each by its smallest set.
const SHOWN: usize = 3;

#[test]
fn the_dialect_answers_as_nginx_does() {
    let Some((_, version)) = server::installed() else {
        // Not `eprintln`, which nobody sees of a test that passes.
        let words = "\n!!! SKIPPED: nginx is not installed, so the dialect is compared with nothing\n";
        let _ = io::stderr().write_all(words.as_bytes());
        return;
    };
    let cases: usize = variable("INGRESS_CASES").unwrap_or(25_000);
    let seed: u64 = variable("INGRESS_SEED").unwrap_or(1);
    println!("{version}; {cases} requests from seed {seed}; INGRESS_CASES and INGRESS_SEED change that");
    let mut seen = Seen::default();
    let mut seeds = seed..;
    while seen.requests < cases {
        let wanted = (cases - seen.requests).div_ceil(REQUESTS).min(SETS);
        let sets: Vec<_> = seeds.by_ref().take(wanted).map(ObjectSet::random).collect();
        compare_all(&sets, &mut seen);
    }
    println!("{seen:#?}");
    assert_eq!(seen.differences, 0, "of {} requests", seen.requests);
    seen.is_a_good_mix();
}

fn compare_all(sets: &[ObjectSet], seen: &mut Seen) {
    let nginx = Nginx::serve(sets);
    for (number, set) in sets.iter().enumerate() {
        let ours = Ours::new(set);
        if let Some(refusal) = nginx.refusal(number) {
            seen.refused_sets += 1;
            // nginx would go on with what it had before; we serve the rest, and say what is wrong.
            assert!(ours.has_errors(), "seed {}: nginx refuses the set, and we do not: {refusal}", set.seed);
            continue;
        }
        seen.sets += 1;
        let words = Words::of(set);
        let mut random = Random::new(!set.seed);
        let socket = nginx.socket(number);
        let mut client = Client::new(&socket);
        for _ in 0..REQUESTS {
            let ask = words.ask(&mut random);
            let answer = client
                .ask(&ask)
                .unwrap_or_else(|error| panic!("seed {}: nginx, asked {ask:?}: {error}", set.seed));
            if ask.host.is_none() && matches!(answer, Answer::Redirect { .. }) {
                // Where a request without a host is sent to has never been observed on the controller.
                continue;
            }
            seen.count(&answer, &ask.target);
            let ours = ours.answer(&ask);
            if ours != answer {
                seen.differences += 1;
                if seen.differences <= SHOWN {
                    let difference = Difference { set: set.clone(), ask, nginx: answer, ours };
                    println!("{}\n", difference.shrunk().report());
                }
            }
        }
    }
}

/// What the requests came to, so that nobody has to trust that they were interesting.
#[derive(Debug, Default)]
struct Seen {
    sets: usize,
    refused_sets: usize,
    requests: usize,
    differences: usize,
    answers: BTreeMap<String, usize>,
}

impl Seen {
    fn count(&mut self, answer: &Answer, target: &str) {
        self.requests += 1;
        let what = match answer {
            Answer::Backend { backend, .. } if backend.contains(" else ") => "split".to_owned(),
            Answer::Backend { backend, .. } if backend.contains("canary") => "canary".to_owned(),
            Answer::Backend { target: sent, .. } if sent != target => "rewritten".to_owned(),
            Answer::Backend { .. } => "backend".to_owned(),
            Answer::Redirect { status, .. } => format!("redirect {status}"),
            Answer::Status(status) => status.to_string(),
            Answer::Unsendable { .. } => "unsendable".to_owned(),
        };
        *self.answers.entry(what).or_default() += 1;
    }

    fn is_a_good_mix(&self) {
        assert!(self.refused_sets * 100 < self.sets * 30, "nginx refuses too many sets");
        for (what, per_mille) in [
            ("200", 1),
            ("400", 20),
            ("404", 100),
            ("503", 2),
            ("backend", 250),
            ("canary", 5),
            ("redirect 301", 4),
            ("redirect 302", 10),
            ("redirect 308", 40),
            ("rewritten", 40),
            ("split", 2),
        ] {
            let count = self.answers.get(what).copied().unwrap_or(0);
            let enough = count > 0 && count * 1000 >= self.requests * per_mille;
            assert!(enough, "{what}: {count}, not {per_mille} in a thousand");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the length of a test run is not configuration of the core")]
fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number that fits")))
}
