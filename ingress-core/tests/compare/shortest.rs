//! The shortest request that shows a difference, against trying all short paths.

use ingress_core::compare::{Cause, compare};
use ingress_core::dialect::Kubernetes;
use ingress_core::{Compiler, Ingress, RequestHead};
use proptest::prelude::*;

use super::answer::answer;
use crate::generate::settings::Settings;

/// The letters of the paths, with one that no rule has.
const LETTERS: &[u8] = b"/abx";
const LONGEST: usize = 5;

fn object(paths: &[(String, bool)]) -> Ingress {
    let backend =
        |at: usize| serde_json::json!({"service": {"name": format!("s{at}"), "port": {"number": 80}}});
    let paths: Vec<_> = paths
        .iter()
        .enumerate()
        .map(|(at, (path, exact))| {
            let kind = if *exact { "Exact" } else { "Prefix" };
            serde_json::json!({"path": path, "pathType": kind, "backend": backend(at)})
        })
        .collect();
    let object = serde_json::json!({
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"rules": [{"host": "shop.example.com", "http": {"paths": paths}}]},
    });
    let object: k8s_openapi::api::networking::v1::Ingress =
        serde_json::from_value(object).expect("it is an Ingress");
    Ingress::from(&object)
}

/// All paths over the letters, the shortest first.
fn paths() -> Vec<String> {
    let mut all = vec!["/".to_owned()];
    let mut from = 0;
    for _ in 1..LONGEST {
        let to = all.len();
        for at in from..to {
            for letter in LETTERS {
                all.push(format!("{}{}", all[at], char::from(*letter)));
            }
        }
        from = to;
    }
    all
}

#[test]
fn witnesses_are_as_short_as_they_can_be() {
    let all = paths();
    let path = "/[ab]{0,2}(/[ab]{0,2})?/?";
    let rules = || prop::collection::vec((path, any::<bool>()), 0..4);
    Settings::of(400).run(1, &(rules(), rules()), |(own, other)| {
        let [before, after] = [own, other].map(|paths| {
            let mut compiler = Compiler::new(Kubernetes);
            compiler.upsert(object(&paths));
            compiler.compile()
        });
        let parted = |path: &&String| {
            let head = RequestHead::new("shop.example.com", path);
            answer(before.lookup(&head), &head) != answer(after.lookup(&head), &head)
        };
        let shortest = all.iter().find(parted).map(String::len);
        let comparison = compare(&before, &after);
        prop_assert!(comparison.unknowns().is_empty());
        let found = comparison.differences().iter().map(|difference| {
            assert_eq!(difference.cause(), Cause::Rules);
            difference.witness().target().len()
        });
        let found = found.min().filter(|length| *length <= LONGEST);
        prop_assert_eq!(found, shortest, "{}\n{}\n{:?}", before, after, comparison);
        Ok(())
    });
}
