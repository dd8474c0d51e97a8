//! The suites: manifests and requests as data, in `testdata`, through every driver.
//!
//! What the files look like is told in `suite/file.rs`. A driver is a function from a suite to its
//! answers; those of the frontends live with the frontends and read the same files.

#![cfg(feature = "k8s-openapi")]
#![allow(clippy::panic, reason = "outside of test functions, too, a failed expectation is a panic")]

#[path = "suite/answer.rs"]
mod answer;
#[path = "suite/drivers.rs"]
mod drivers;
#[path = "suite/file.rs"]
mod file;
#[path = "suite/manifest.rs"]
mod manifest;
#[path = "suite/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::path::PathBuf;

use answer::Answer;
use file::Suite;

/// Every file, and how many requests it has at least. A file that is not named here, and a name
/// without its file, are failures: suites are lost more easily than they fail.
const FLOORS: &[(&str, usize)] = &[
    ("a-backend-comes-down-to-the-endpoints-of-its-service", 7),
    ("a-backend-is-a-service-port-or-a-resource-of-the-same-namespace", 6),
    ("a-certificate-is-found-by-the-server-name", 13),
    ("a-class-belongs-to-the-controller-that-it-names", 5),
    ("a-default-backend-answers-what-no-rule-takes", 13),
    ("a-default-class-of-others-takes-nothing-from-us", 2),
    ("a-default-class-of-ours-takes-objects-that-name-none", 3),
    ("a-host-whose-paths-do-not-match-gives-way-to-the-next", 12),
    ("a-readable-host-is-compared-without-case-port-or-final-dot", 20),
    ("a-wanted-class-leaves-all-others-out", 3),
    ("among-equals-the-older-object-then-the-earlier-line-wins", 6),
    ("an-object-without-rules-sends-everything-to-its-default-backend", 5),
    ("annotations-of-other-controllers-change-nothing", 4),
    ("conformance-default-backend", 7),
    ("conformance-host-rules", 9),
    ("conformance-ingress-class", 2),
    ("conformance-load-balancing", 1),
    ("conformance-path-rules", 17),
    ("implementation-specific-is-read-as-prefix", 8),
    ("names-are-compared-in-their-ascii-form", 6),
    ("old-api-versions-have-no-route-either-where-nothing-matches", 7),
    ("old-api-versions-say-the-same-in-other-words", 12),
    ("one-host-fans-out-to-several-services", 10),
    ("paths-are-normalised-before-they-are-judged", 48),
    ("requests-are-told-apart-by-the-name-of-the-host", 7),
    ("the-configured-certificate-serves-names-that-no-object-covers", 4),
    ("the-configured-default-backend-answers-where-no-object-has-one", 5),
    ("the-configured-default-backend-comes-last-of-all", 3),
    ("the-host-table-of-the-documentation-holds", 16),
    ("the-longest-path-wins-and-among-equals-exact", 20),
    ("the-path-table-of-the-documentation-holds", 32),
    ("what-cannot-be-served-is-left-out-alone", 20),
    ("without-a-certificate-there-is-none", 6),
    ("without-class-objects-every-object-is-ours", 3),
];

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/kubernetes")
}

/// The files as they are found, by name.
fn texts() -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(directory()).unwrap_or_else(|error| panic!("{error}"));
    let paths = entries.map(|entry| entry.unwrap_or_else(|error| panic!("{error}")).path());
    let texts = paths.map(|path| {
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (name, text)
    });
    texts.collect()
}

fn suites() -> Vec<Suite> {
    texts().iter().filter_map(|(name, text)| Suite::read(name, text)).collect()
}

/// Holds the answers of a driver against the files, and shows every difference.
fn check(driver: &str, suites: &[Suite], answers: impl Fn(&Suite) -> Vec<Answer>) {
    let mut failures = Vec::new();
    for suite in suites {
        let answers = answers(suite);
        assert_eq!(answers.len(), suite.cases.len(), "{driver} of {}: an answer to each request", suite.name);
        for (case, answer) in suite.cases.iter().zip(&answers) {
            let differences = case.expect.differences(&case.request, answer);
            if !differences.is_empty() {
                let scheme = &case.request.scheme;
                let because = case.because.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
                failures.push(format!(
                    "{}.yaml: {scheme} {}{because}\n    {}",
                    suite.name,
                    case.request.head(),
                    differences.join("\n    ")
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{driver}: {} differences\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_file_is_found_and_none_has_shrunk() {
    let texts = texts();
    let listed: Vec<_> = FLOORS.iter().map(|(name, _)| *name).collect();
    assert_eq!(texts.keys().map(String::as_str).collect::<Vec<_>>(), listed, "files found, files listed");
    for (name, text) in &texts {
        let Some(suite) = Suite::read(name, text) else {
            println!("{name}.yaml needs the feature `serde`");
            continue;
        };
        let floor = FLOORS.iter().find(|(listed, _)| listed == name).map_or(0, |(_, floor)| *floor);
        let count = suite.cases.len();
        assert!(count >= floor && floor > 0, "{name}.yaml has {count} requests, {floor} are expected");
    }
}

#[test]
fn lookup() {
    check("lookup", &suites(), drivers::lookup);
}

#[test]
fn explain() {
    check("explain", &suites(), drivers::explain);
}

#[test]
fn incremental_in_random_order_with_churn() {
    let suites = suites();
    for seed in 0..24 {
        println!("seed {seed}");
        check("incremental", &suites, |suite| drivers::incremental(suite, seed));
    }
}
