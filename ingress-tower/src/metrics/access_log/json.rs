//! One JSON object a line.

use std::io;
use std::net::IpAddr;

use http::HeaderValue;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::Asked;
use crate::metrics::observer::Seen;
use crate::metrics::words;

#[derive(Serialize)]
struct Line<'l> {
    time: String,
    #[serde(rename = "client.address", skip_serializing_if = "Option::is_none")]
    client: Option<IpAddr>,
    #[serde(rename = "server.address", skip_serializing_if = "Option::is_none")]
    host: Option<&'l str>,
    #[serde(rename = "http.request.method")]
    method: &'l str,
    #[serde(rename = "url.scheme")]
    scheme: &'l str,
    #[serde(rename = "url.path")]
    path: &'l str,
    #[serde(rename = "url.query", skip_serializing_if = "Option::is_none")]
    query: Option<&'l str>,
    #[serde(rename = "network.protocol.version")]
    version: &'l str,
    #[serde(rename = "user_agent.original", skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(rename = "http.request.header.referer", skip_serializing_if = "Option::is_none")]
    referer: Option<String>,
    #[serde(rename = "http.response.status_code", skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(rename = "http.response.body.size")]
    body: u64,
    #[serde(rename = "error.type", skip_serializing_if = "Option::is_none")]
    error: Option<&'l str>,
    #[serde(rename = "http.route", skip_serializing_if = "Option::is_none")]
    route: Option<&'l str>,
    #[serde(rename = "ingress.object", skip_serializing_if = "Option::is_none")]
    object: Option<&'l str>,
    #[serde(rename = "ingress.field", skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(rename = "ingress.backend", skip_serializing_if = "Option::is_none")]
    backend: Option<String>,
    #[serde(rename = "ingress.attempts")]
    attempts: u32,
    #[serde(rename = "ingress.ending")]
    ending: &'l str,
    #[serde(rename = "head_seconds", skip_serializing_if = "Option::is_none")]
    head: Option<f64>,
    #[serde(rename = "duration_seconds")]
    took: f64,
}

pub(super) fn line(asked: &Asked, seen: &Seen<'_>, query: bool) -> String {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let routed = seen.routed();
    let line = Line {
        time: format!("{:.3}", asked.timestamp()),
        client: asked.client,
        host: asked.host.as_deref(),
        method: asked.method.as_str(),
        scheme: asked.scheme.as_str(),
        path: asked.uri.path(),
        query: asked.uri.query().filter(|_| query),
        version: words::version(asked.version),
        agent: asked.agent.as_ref().map(text),
        referer: asked.referer.as_ref().map(text),
        status: seen.status().map(|status| status.as_u16()),
        body: seen.body_bytes(),
        error: seen.error(),
        route: routed.map(|routed| words::route(routed)),
        object: routed.map(|routed| routed.origin().ingress().as_str()),
        field: routed.map(|routed| routed.origin().field().to_string()),
        backend: seen.backend().map(ToString::to_string),
        attempts: seen.attempts(),
        ending: seen.ending().as_str(),
        head: seen.head_took().map(|took| took.as_secs_f64()),
        took: seen.took().as_secs_f64(),
    };
    write(&line)
}

fn write(line: &impl Serialize) -> String {
    let mut bytes = Vec::with_capacity(512);
    let written = line.serialize(&mut Serializer::with_formatter(&mut bytes, Escaping));
    // Neither a vector nor a struct of strings and numbers fails.
    debug_assert!(written.is_ok(), "{written:?}");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// JSON asks for the escape of the first 32 control characters only. Those behind ASCII speak to terminals as
/// well.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(char::is_control) {
            let (before, from) = rest.split_at(at);
            let mut letters = from.chars();
            let control = letters.next().map_or(0, u32::from);
            write!(writer, "{before}\\u{control:04x}")?;
            rest = letters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_control_character_gets_through_and_what_is_written_is_read_again(text in any::<String>()) {
            let written = write(&text);
            prop_assert!(!written.contains(char::is_control), "{written:?}");
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }

    #[test]
    fn what_is_escaped() {
        assert_eq!(write(&"\u{1b}[2J \u{9b}2J \u{7f} é\n"), "\"\\u001b[2J \\u009b2J \\u007f é\\n\"");
    }
}
