//! Two tables: what a comparison says of them against what they answer.

use ingress_core::compare::compare as compare_tables;
use ingress_core::{Outcome, RequestHead, RouteTable};

use crate::agree::with_head;
use crate::dialect::dialect;
use crate::lines::{Line, read};
use crate::objects::compile;
use crate::text;

/// Lines of which the second table is made as they stand, and the first as if nothing were removed. With two
/// lines that choose how requests are read, each table has one.
pub fn compare(data: &[u8]) {
    let (lines, _) = read(&text(data));
    let readings: Vec<_> = lines
        .iter()
        .filter_map(|line| if let Line::Read(words) = line { Some(words.as_slice()) } else { None })
        .collect();
    let kept: Vec<Line> = lines.iter().filter(|line| !matches!(line, Line::Remove(_))).cloned().collect();
    let before = compile(dialect(readings.first().copied()), &kept);
    let after = compile(dialect(readings.last().copied()), &lines);

    let comparison = compare_tables(&before, &after);
    for difference in comparison.differences() {
        let witness = difference.witness();
        if let Some((own, other)) = difference.certificates() {
            let name = witness.host().unwrap_or_default();
            assert_eq!((before.certificate(name), after.certificate(name)), (own, other), "{witness}");
            assert_ne!(own, other, "{witness}");
            continue;
        }
        let answers = witness.ask(|head| (answer(&before, head), answer(&after, head)));
        assert_ne!(answers.0, answers.1, "{witness}\n{before}\n{after}");
    }
    if !comparison.is_equal() {
        return;
    }
    for line in &lines {
        if let Line::Ask(request) = line
            && !request.target.contains('#')
        {
            with_head(request, |head| {
                let answers = (answer(&before, head), answer(&after, head));
                assert_eq!(answers.0, answers.1, "{head}\n{before}\n{after}");
            });
        }
    }
}

/// What is to be the same.
fn answer(table: &RouteTable, head: &RequestHead<'_>) -> String {
    match table.lookup(head) {
        Outcome::Matched(hit) => {
            let location = hit.location(head);
            format!("{} {location:?} {:?}", hit.rule().action(), hit.sent_target(head))
        }
        Outcome::Refused(refusal) => refusal.status().to_string(),
        _ => "404".to_owned(),
    }
}
