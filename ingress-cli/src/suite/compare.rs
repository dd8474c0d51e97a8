//! Where an answer is another than the one that is expected.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::expect::{Expectation, shown};

/// A key of the answer that is not as expected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Difference {
    /// As a path: `backend.service`.
    pub(crate) key: String,
    pub(crate) expected: Value,
    /// `null` where the answer has nothing there.
    pub(crate) got: Value,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.key, shown(&self.expected), shown(&self.got))
    }
}

impl Expectation {
    /// What is not as expected; nothing when the answer says everything that is. It may say more.
    pub(crate) fn differences(&self, answer: &Value) -> Vec<Difference> {
        let mut found = Vec::new();
        for (key, wanted) in &self.0 {
            compare(key, wanted, answer.get(key).unwrap_or(&Value::Null), &mut found);
        }
        found
    }
}

/// Whether `found` says everything that `wanted` does.
pub(crate) fn says(wanted: &Value, found: &Value) -> bool {
    let mut differences = Vec::new();
    compare("", wanted, found, &mut differences);
    differences.is_empty()
}

fn compare(key: &str, wanted: &Value, found: &Value, differences: &mut Vec<Difference>) {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            for (step, wanted) in wanted {
                compare(
                    &format!("{key}.{step}"),
                    wanted,
                    found.get(step).unwrap_or(&Value::Null),
                    differences,
                );
            }
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                compare(&format!("{key}[{index}]"), wanted, found, differences);
            }
        }
        _ if wanted == found => {}
        _ => {
            let (expected, got) = (wanted.clone(), found.clone());
            differences.push(Difference { key: key.to_owned(), expected, got });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differences(wanted: &Value, answer: &Value) -> Vec<String> {
        let expectation = Expectation(wanted.as_object().unwrap().clone());
        expectation.differences(answer).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_answer_may_say_more_but_nothing_else() {
        let answer = json!({
            "outcome": "backend", "backend": {"namespace": "a", "service": "b", "port": 80},
            "weights": [{"weight": 1}, {"weight": 2}],
        });
        assert_eq!(differences(&json!({"backend": {"service": "b"}, "certificate": null}), &answer), [""; 0]);
        assert_eq!(differences(&json!({"weights": [{"weight": 1}, {"weight": 2}]}), &answer), [""; 0]);
        assert_eq!(
            differences(
                &json!({"backend": {"service": "c", "port": null}, "status": 404, "weights": []}),
                &answer
            ),
            [
                r#"backend.port: expected nothing, got 80"#,
                r#"backend.service: expected "c", got "b""#,
                r#"status: expected 404, got nothing"#,
                r#"weights: expected [], got [{"weight":1},{"weight":2}]"#,
            ]
        );
    }
}
