//! The common log format, and the combined one.

use std::fmt::Write;

use http::{HeaderValue, Version};

use super::Asked;
use crate::metrics::observer::Seen;

pub(super) fn line(asked: &Asked, seen: &Seen<'_>, query: bool, combined: bool) -> String {
    let mut line = String::with_capacity(160);
    match asked.client {
        // Writing to a string does not fail; here and below.
        Some(client) => drop(write!(line, "{client}")),
        None => line.push('-'),
    }
    let time = asked.timestamp().strftime("%d/%b/%Y:%H:%M:%S +0000");
    let _ = write!(line, " - - [{time}] \"");
    escape(&mut line, asked.method.as_str().as_bytes());
    line.push(' ');
    let target = match asked.uri.path_and_query() {
        Some(target) if query => target.as_str(),
        Some(target) => target.path(),
        // As `CONNECT` has it.
        None => asked.uri.authority().map_or("-", |authority| authority.as_str()),
    };
    escape(&mut line, target.as_bytes());
    line.push(' ');
    line.push_str(protocol(asked.version));
    line.push_str("\" ");
    match seen.status() {
        Some(status) => line.push_str(status.as_str()),
        None => line.push('-'),
    }
    match seen.body_bytes() {
        0 => line.push_str(" -"),
        bytes => drop(write!(line, " {bytes}")),
    }
    if combined {
        for value in [&asked.referer, &asked.agent] {
            line.push_str(" \"");
            escape(&mut line, value.as_ref().map_or(b"-", HeaderValue::as_bytes));
            line.push('"');
        }
    }
    line
}

const fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
}

/// As nginx and Apache do: what could end the field or the line, and every byte that is not ASCII to be seen.
fn escape(line: &mut String, bytes: &[u8]) {
    for byte in bytes {
        match byte {
            b'"' | b'\\' | ..0x20 | 0x7f.. => drop(write!(line, "\\x{byte:02X}")),
            _ => line.push(char::from(*byte)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped() {
        let mut line = String::new();
        escape(&mut line, b"a \"b\" \\ \r\n\x1b[2J \x7f \xc2\x9b");
        assert_eq!(line, r"a \x22b\x22 \x5C \x0D\x0A\x1B[2J \x7F \xC2\x9B");
    }
}
