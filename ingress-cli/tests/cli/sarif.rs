//! The SARIF log of `ingress check`.

use insta::assert_snapshot;
use serde_json::Value;

use super::program::{ingress, output};

fn log(arguments: &[&str], stdin: &str) -> (Value, Option<i32>) {
    let output =
        output(ingress(&[&["check", "-o", "sarif", "-f"][..], arguments].concat()), stdin.as_bytes());
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code())
}

/// What the schema asks of every log, as far as readers depend on it.
fn hold_to_the_schema(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(log["runs"].as_array().map(Vec::len), Some(1));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(run["tool"]["driver"]["name"], "ingress");
    for rule in rules {
        for text in ["shortDescription", "help"] {
            assert!(rule[text]["text"].as_str().is_some_and(|text| text.len() > 10), "{rule}");
        }
    }
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(rules[index]["defaultConfiguration"]["level"], result["level"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(result["message"]["text"].is_string());
        let physical = &result["locations"][0]["physicalLocation"];
        assert!(physical["artifactLocation"]["uri"].as_str().is_some_and(|uri| !uri.contains(' ')));
        assert!(physical["region"]["startLine"].as_u64() >= Some(1));
        assert!(physical["region"]["startColumn"].as_u64() >= Some(1));
    }
}

#[test]
fn findings_stand_in_a_log() {
    let (log, status) = log(&["ingress-cli/examples/broken"], "");
    hold_to_the_schema(&log);
    assert_eq!(status, Some(1));
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() > 15);
    assert_snapshot!("result", serde_json::to_string_pretty(&results[0]).unwrap());
}

#[test]
fn nothing_to_report_is_a_log_as_well() {
    let (log, status) = log(&["ingress-cli/examples/shop/sellers.yaml"], "");
    hold_to_the_schema(&log);
    assert_eq!((log["runs"][0]["results"].as_array().map(Vec::len), status), (Some(0), Some(0)));
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], true);
}

#[test]
fn what_could_not_be_read_is_in_the_log() {
    let (log, status) = log(&["-"], "a: [");
    hold_to_the_schema(&log);
    assert_eq!(status, Some(3));
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notification = &invocation["toolExecutionNotifications"][0];
    assert!(notification["message"]["text"].as_str().is_some_and(|text| text.contains("unclosed")), "{log}");
}
