//! Rules and requests: the table against its reference.

use crate::agree::{agree_on_certificate, ask};
use crate::dialect::dialect;
use crate::lines::{Line, read};
use crate::objects::compile;
use crate::text;

/// Lines in which all rules come first, and are then asked for.
pub fn lookup(data: &[u8]) {
    let (lines, _) = read(&text(data));
    let reading = lines.iter().find_map(|line| match line {
        Line::Read(words) => Some(words),
        _ => None,
    });
    let table = compile(dialect(reading.map(Vec::as_slice)), &lines);
    for line in &lines {
        if let Line::Ask(request) = line {
            ask(&table, request);
            if reading.is_none() {
                agree_on_certificate(&table, request.host.as_deref().unwrap_or_default());
            }
        }
    }
}
