//! `ingress diff`.

use insta::assert_snapshot;

use super::program::shown;

const SHOP: &str = "ingress-cli/examples/shop";
const CLUSTER: &str = "ingress-cli/examples/cluster.yaml";
const BEFORE: &str = "ingress-cli/examples/moving/before";
const AFTER: &str = "ingress-cli/examples/moving/after";

/// A move from one controller to another.
const MOVE: [&str; 9] =
    ["diff", "-f", BEFORE, "--dialect", "ingress-nginx", "--to", AFTER, "--to-dialect", "kubernetes"];

fn moved(more: &[&str]) -> String {
    shown(&[&MOVE[..], more].concat(), "")
}

#[test]
fn nothing_changed() {
    assert_snapshot!(shown(&["diff", "-f", SHOP, "--to", SHOP], ""));
    assert_snapshot!("nothing_changed_as_data", shown(&["diff", "-f", SHOP, "--to", SHOP, "-o", "json"], ""));
}

#[test]
fn other_manifests() {
    assert_snapshot!(shown(&["diff", "-f", SHOP, "--to", CLUSTER, "--only", "shop.example.com"], ""));
}

#[test]
fn another_controller() {
    assert_snapshot!(moved(&[]));
}

#[test]
fn as_data() {
    assert_snapshot!(moved(&["--only", "api.example.com", "-o", "json"]));
}

#[test]
fn what_is_expected_is_left_out() {
    let kinds =
        ["reading-escapes", "reading-malformed", "reading-repeated-slashes", "policies", "answer", "target"];
    let ignore: Vec<&str> = kinds.iter().flat_map(|kind| ["--ignore", kind]).collect();
    assert_snapshot!(moved(&ignore));
    assert_snapshot!(
        "a_place_and_nothing",
        moved(&["--ignore", "api.example.com/orders", "--ignore", "weights", "--only", "api.example.com"])
    );
}

#[test]
fn arguments() {
    assert_snapshot!("nothing_to_compare_with", shown(&["diff", "-f", SHOP], ""));
    assert_snapshot!(
        "no_such_host",
        shown(&["diff", "-f", SHOP, "--to", SHOP, "--only", "none.example.com"], "")
    );
    assert_snapshot!("input_twice", shown(&["diff", "-f", "-", "--to", "-"], ""));
}

#[test]
fn what_cannot_be_read_is_said() {
    let args = ["diff", "-f", SHOP, "--to", "ingress-cli/examples/none.yaml"];
    assert_snapshot!(shown(&args, ""));
}

/// What stands behind `curl` is a command that a shell takes apart into the words that were meant.
#[test]
fn every_line_of_data_is_json() {
    let text = moved(&["-o", "json"]);
    let lines: Vec<serde_json::Value> = text
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (summary, entries) = lines.split_last().unwrap();
    assert_eq!(summary["kind"], "summary");
    assert_eq!(summary["proved_equal"], false);
    let (unknowns, differences): (Vec<_>, Vec<_>) =
        entries.iter().partition(|entry| entry["kind"] == "unknown");
    assert!(unknowns.iter().all(|entry| entry["doubt"].is_string() && entry["message"].is_string()));
    assert!(differences.len() > 5);
    for entry in differences {
        assert_eq!(entry["kind"], "difference");
        assert_ne!(entry["before"], entry["after"], "{entry}");
        assert!(entry["curl"].as_str().unwrap().starts_with("curl -i --path-as-is --resolve "));
        assert!(entry["witness"]["path"].is_string());
    }
}
