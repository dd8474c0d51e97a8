//! Running the tests of a file, and what there is to say about each.

use std::path::Path;

use ingress_core::explain::Explanation;
use ingress_core::{Action, Outcome};
use serde::Serialize;
use serde_json::Value;

use super::coverage::Reached;
use crate::answer::{Answer, BackendView};
use crate::manifest::STDIN;
use crate::session::Session;
use crate::suite::{Difference, Expectation, Test, says};

/// How many rules are named that should have won.
const MOST_RIVALS: usize = 3;

/// How many failures are explained. An explanation reads the whole table, and nobody reads as many: where
/// more tests fail they mostly fail for one reason.
const MOST_EXPLAINED: usize = 100;

/// A test that was run.
#[derive(Debug, Serialize)]
pub(super) struct Ran {
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) request: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) because: Option<String>,
    passed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) differences: Vec<Difference>,
    pub(super) answer: Value,
    /// The line that the rule comes from, where the test failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule_at: Option<String>,
    /// Why it was that rule and not the one expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) why: Vec<String>,
    /// The answer, for a person.
    #[serde(skip)]
    pub(super) said: String,
}

impl Ran {
    pub(super) fn passed(&self) -> bool {
        self.passed
    }
}

/// Runs the tests of a file by a table, where `failed` of earlier ones have failed.
pub(super) fn run(
    session: &Session,
    file: &Path,
    tests: Vec<Test>,
    mut failed: usize,
    reached: &mut Reached,
) -> Vec<Ran> {
    let file = if file.as_os_str() == "-" { STDIN.to_owned() } else { file.display().to_string() };
    let mut failed_by = Vec::new();
    let mut all = Vec::with_capacity(tests.len());
    for test in tests {
        let circumstances = session.circumstances(&test.request);
        let outcome = session.table.lookup(&test.request.head(&circumstances));
        let origin = outcome.matched().map(|hit| hit.rule().origin());
        if let Some(origin) = origin {
            reached.insert(origin.clone());
        }
        let answer = Answer::new(session, &test.request, outcome);
        let said = answer.to_string();
        let answer = serde_json::to_value(&answer).unwrap_or_default();
        let differences = test.expect.differences(&answer);
        let passed = differences.is_empty();
        failed += usize::from(!passed);
        let why = if passed || failed > MOST_EXPLAINED { Vec::new() } else { why(session, &test) };
        if let Some(origin) = origin.filter(|_| !passed) {
            failed_by.push((all.len(), origin));
        }
        all.push(Ran {
            file: file.clone(),
            line: test.place.line(),
            request: test.request.to_string(),
            because: test.because,
            passed,
            differences,
            answer,
            rule_at: None,
            why,
            said,
        });
    }
    let lines = session.lines(failed_by.iter().map(|(_, origin)| *origin));
    for ((at, _), line) in failed_by.iter().zip(lines) {
        if let Some(ran) = all.get_mut(*at) {
            ran.rule_at = line.map(|line| line.to_string());
        }
    }
    all
}

/// The rule that won, and what became of those that were expected to.
fn why(session: &Session, test: &Test) -> Vec<String> {
    let circumstances = session.circumstances(&test.request);
    let explanation = session.table.explain(&test.request.head(&circumstances));
    let mut lines = Vec::new();
    match explanation.outcome() {
        Outcome::Matched(_) => lines.extend(verdicts(&explanation, |_, won| won)),
        outcome => lines.push(outcome.to_string()),
    }
    lines.extend(
        verdicts(&explanation, |action, won| !won && is_expected(&test.expect, action)).take(MOST_RIVALS),
    );
    lines
}

/// What became of the rules that `wanted` picks by their action and by whether they won.
fn verdicts(
    explanation: &Explanation<'_>,
    wanted: impl Fn(&Action, bool) -> bool,
) -> impl Iterator<Item = String> {
    use ingress_core::explain::Verdict;

    explanation.hosts().iter().flat_map(move |step| {
        let lines = step.candidates().iter().filter_map(|candidate| {
            let (rule, verdict) = (candidate.rule(), candidate.verdict());
            wanted(rule.action(), *verdict == Verdict::Won)
                .then(|| format!("host {} {} {rule}: {verdict}", step.pattern(), candidate.rule_id()))
        });
        lines.collect::<Vec<_>>()
    })
}

fn is_expected(expect: &Expectation, action: &Action) -> bool {
    let (Some(wanted), Action::Forward(forward)) = (expect.backend(), action) else { return false };
    forward.backends().any(|(backend, _)| {
        serde_json::to_value(BackendView::new(backend)).is_ok_and(|found| says(wanted, &found))
    })
}
