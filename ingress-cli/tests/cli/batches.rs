//! Many requests at once.

use std::fmt::Write as _;

use super::program::{ingress, output};

#[test]
fn answers_come_in_the_order_asked() {
    const COUNT: usize = 20_000;
    let paths = ["/", "/cart/7", "/cart%00", "/static/a.svg?b=c", "/api/v2/orders"];
    let mut requests = String::new();
    for (number, path) in (0..COUNT).zip(paths.iter().cycle()) {
        writeln!(requests, r#"{{"id":"r{number}","host":"shop.example.com","path":"{path}"}}"#).unwrap();
    }
    let arguments = ["route", "-q", "-f", "ingress-cli/examples/shop", "--requests", "-", "-o", "json"];
    let output = output(ingress(&arguments), requests.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let answers = String::from_utf8(output.stdout).unwrap();
    let mut count = 0;
    for (number, line) in answers.lines().enumerate() {
        let answer: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(answer["id"], format!("r{number}"));
        count += 1;
    }
    assert_eq!(count, COUNT);
}
