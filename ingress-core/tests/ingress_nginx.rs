//! What ingress-nginx answered, asked of its dialect.
//!
//! The sets in `testdata/ingress-nginx` are observations of the controller with its nginx: by topic, and for
//! random sets of objects. Each set is one line: the objects, what else was in the cluster, and requests with
//! what came of them. Every request goes through `lookup` and through `explain`.

#![cfg(feature = "k8s-openapi")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by a panic")]

mod ingress_nginx {
    pub(crate) mod answer;
    pub(crate) mod world;
}

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use ingress_nginx::answer::{self, Verdict};
use ingress_nginx::world::World;
use serde_json::Value;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/ingress-nginx").join(name)
}

/// Asks all cases of a file; at least `least` of them, so that none gets lost on the way.
fn run(text: &str, least: usize) {
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut beyond: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut count = 0;
    for line in text.lines() {
        let set: Value = serde_json::from_str(line).expect("it is JSON");
        let world = World::new(&set);
        for case in set["cases"].as_array().expect("a list") {
            count += 1;
            match answer::check(&world, case) {
                Verdict::Right => {}
                Verdict::Beyond(why) => *beyond.entry(why).or_default() += 1,
                Verdict::Wrong(what) => {
                    let id = case["id"].as_str().expect("a name").to_owned();
                    wrong
                        .entry(case["expect"]["kind"].to_string())
                        .or_default()
                        .push(format!("{id}: {what}"));
                }
            }
        }
    }
    println!("{count} cases; beyond routing: {beyond:?}");
    let total: usize = wrong.values().map(Vec::len).sum();
    let shown: Vec<_> = wrong.values().flat_map(|list| list.iter().take(40)).cloned().collect();
    assert!(wrong.is_empty(), "{total} of {count} are wrong:\n{}", shown.join("\n"));
    assert!(count >= least, "only {count} cases");
}

#[test]
fn by_topic() {
    run(&std::fs::read_to_string(file("topics.jsonl")).expect("it can be read"), 565);
}

#[test]
fn random_sets() {
    let packed = std::fs::File::open(file("random.jsonl.gz")).expect("it is there");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("it can be unpacked");
    run(&text, 10_257);
}
