//! The ways to get an answer. Each is a function from a suite to one answer a request, so that a
//! further one, such as a middleware around the table, is a function more.

use std::sync::Arc;

use ingress_core::dialect::Kubernetes;
use ingress_core::{Compiler, Ingress, IngressId, RouteTable};
use serde_json::{Value, json};

use super::answer::Answer;
use super::file::Suite;
use super::manifest;
use super::random::Random;

/// The table of a suite, compiled in one go.
fn from_scratch(suite: &Suite) -> Compiler {
    let mut compiler = Compiler::with_config(Kubernetes, suite.config.clone());
    for object in &suite.objects {
        let _ = compiler.upsert(manifest::ingress(object));
    }
    compiler
}

/// Asks the table.
pub(crate) fn lookup(suite: &Suite) -> Vec<Answer> {
    ask(suite, &from_scratch(suite).compile())
}

fn ask(suite: &Suite, table: &RouteTable) -> Vec<Answer> {
    let services = suite.cluster().endpoints();
    let answers = suite.cases.iter().map(|case| {
        let outcome = table.lookup(&case.request.head());
        Answer::new(table, &services, &case.request, &outcome)
    });
    answers.collect()
}

/// Asks the literal reading of the rules, which knows no index.
pub(crate) fn explain(suite: &Suite) -> Vec<Answer> {
    let table = from_scratch(suite).compile();
    let services = suite.cluster().endpoints();
    let answers = suite.cases.iter().map(|case| {
        let explanation = table.explain(&case.request.head());
        Answer::new(&table, &services, &case.request, &explanation.outcome())
    });
    answers.collect()
}

/// Asks a table that was never built in one go: objects came in a random order, in earlier versions
/// first, went and came back, beside others that did not stay, with tables compiled in between.
pub(crate) fn incremental(suite: &Suite, seed: u64) -> Vec<Answer> {
    let mut random = Random::new(seed);
    let mut compiler = Compiler::with_config(Kubernetes, suite.config.clone());
    for _ in 0..suite.objects.len() * 6 {
        let Some(object) = suite.objects.get(random.below(suite.objects.len())) else { break };
        let _ = match random.below(6) {
            0 => compiler.upsert(manifest::ingress(object)),
            1 => compiler.remove(manifest::ingress(object).id()),
            2 | 3 => compiler.upsert(earlier_version(object, &mut random)),
            4 => compiler.upsert(passer_by(object, &mut random)),
            _ => {
                let table = compiler.compile();
                assert!(Arc::ptr_eq(&table, &compiler.compile()), "nothing changed in between");
                continue;
            }
        };
    }
    let mut objects: Vec<Ingress> = suite.objects.iter().map(manifest::ingress).collect();
    let keep: Vec<IngressId> = objects.iter().map(|object| object.id().clone()).collect();
    let _ = compiler.retain(|id| keep.contains(id));
    for end in (1..objects.len()).rev() {
        objects.swap(end, random.below(end + 1));
    }
    for object in objects {
        let _ = compiler.upsert(object);
        if random.below(2) == 0 {
            let _ = compiler.compile();
        }
    }

    let table = compiler.compile();
    let mut scratch = from_scratch(suite);
    assert_eq!(
        table.to_string(),
        scratch.compile().to_string(),
        "{}, seed {seed}: another table",
        suite.name
    );
    let found = |compiler: &Compiler| {
        let mut found: Vec<_> = compiler.diagnostics().map(ToString::to_string).collect();
        found.sort();
        found
    };
    assert_eq!(found(&compiler), found(&scratch), "{}, seed {seed}: other findings", suite.name);
    ask(suite, &table)
}

/// The object as somebody may have written it before.
fn earlier_version(object: &Value, random: &mut Random) -> Ingress {
    let mut object = object.clone();
    let spec = &mut object["spec"];
    match random.below(5) {
        0 => spec["rules"] = json!([{"host": "earlier.example", "http": {"paths": []}}]),
        1 => {
            spec["tls"] = json!([{"hosts": ["*.foo.com", "shop.example.com"], "secretName": "earlier-tls"}, {"secretName": "all"}]);
        }
        2 => {
            object["metadata"]["creationTimestamp"] =
                json!(format!("20{:02}-03-04T05:06:07Z", random.below(99)));
        }
        3 => {
            let backend = json!({"service": {"name": "earlier", "port": {"number": 1}}});
            spec["defaultBackend"] = backend.clone();
            spec["rules"] =
                json!([{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]);
        }
        _ => {
            if let Some(rules) = spec["rules"].as_array_mut().filter(|rules| !rules.is_empty()) {
                let gone = random.below(rules.len());
                rules.remove(gone);
            }
        }
    }
    manifest::ingress(&object)
}

/// Another object on the same hosts and paths, older than any, which will not stay.
fn passer_by(object: &Value, random: &mut Random) -> Ingress {
    let mut object = object.clone();
    object["metadata"]["name"] = json!(format!("passer-by-{}", random.below(3)));
    object["metadata"]["creationTimestamp"] = json!("1999-01-01T00:00:00Z");
    manifest::ingress(&object)
}
