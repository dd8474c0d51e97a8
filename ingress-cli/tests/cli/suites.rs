//! The conformance data of the project, as everybody else would run it.

use std::path::Path;

use serde_json::Value;

use super::program::{ingress, output, workspace};

const DATA: &str = "ingress-core/testdata/kubernetes";

/// Runs `ingress test`, and gives its exit status with what it says of each test and of all.
fn run(arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = output(ingress(&[&["test", "-o", "json"], arguments].concat()), b"");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let events = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code(), events)
}

#[test]
fn the_projects_own_data_passes() {
    let (status, events) = run(&[DATA]);
    let failed: Vec<_> = events.iter().filter(|event| event["passed"] == false).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let summary = events.last().unwrap();
    assert_eq!((status, &summary["unreadable"]), (Some(0), &Value::from(0)));
    // What core's own driver has as the sum of its floors.
    assert!(summary["tests"].as_u64().unwrap() >= 342, "{summary}");
}

/// Every file, and every test of it, is one that can fail: with all Services renamed nothing passes that
/// names a backend.
#[test]
fn the_projects_own_data_can_fail() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("renamed");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    let mut expected = 0;
    for entry in std::fs::read_dir(workspace().join(DATA)).unwrap() {
        let entry = entry.unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let (objects, tests) = text.rsplit_once("\n---\n").unwrap();
        let objects = objects
            .replace("service: {name: ", "service: {name: x")
            .replace("serviceName: ", "serviceName: x")
            .replace("kind: Service\nmetadata: {name: ", "kind: Service\nmetadata: {name: x")
            .replace("service-name: ", "service-name: x")
            .replace("resource: {", "resource: {x: y, ")
            .replace("kind: StorageBucket", "kind: Bucket");
        let tests = tests.replace("infra/not-found", "infra/nowhere");
        std::fs::write(directory.join(entry.file_name()), format!("{objects}\n---\n{tests}")).unwrap();
        expected += tests.matches("backend: ").count() - tests.matches("default_backend: ").count();
    }
    let (status, events) = run(&[directory.to_str().unwrap()]);
    let failed = events.iter().filter(|event| event["passed"] == false).count();
    assert_eq!(status, Some(1));
    assert!(failed > 200 && failed <= expected, "{failed} of {expected}");
}
