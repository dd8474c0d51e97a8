//! One difference, as data and as text.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ingress_core::Outcome;
use ingress_core::compare::{Difference, Unknown, Witness};
use ingress_core::origin::SecretRef;
use ingress_core::rule::ServiceRef;
use serde::Serialize;

use crate::answer::Answer;
use crate::output::{DIM, STRONG, WARNING, printable};
use crate::request::Request;
use crate::session::{Line, Session, count};

/// A difference.
#[derive(Serialize)]
#[serde(tag = "kind", rename = "difference")]
pub(super) struct DifferenceView<'s> {
    requests: &'s str,
    host: &'s str,
    #[serde(skip_serializing_if = "is_zero")]
    more_hosts: usize,
    cause: &'static str,
    aspects: Vec<&'static str>,
    witness: WitnessView,
    before: SideView<'s>,
    after: SideView<'s>,
    curl: String,
    regions: usize,
}

/// What one side says.
#[derive(Serialize)]
#[serde(untagged)]
enum SideView<'s> {
    Answer {
        #[serde(flatten)]
        answer: serde_json::Value,
        #[serde(flatten)]
        line: Option<Line<'s>>,
        #[serde(skip)]
        text: String,
    },
    Certificate {
        certificate: Option<&'s str>,
    },
}

/// The request that shows a difference, with the keys of a line of `route --requests`.
#[derive(Serialize)]
struct WitnessView {
    method: String,
    scheme: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    path: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ip: Option<std::net::IpAddr>,
    /// Services that have no endpoints at that moment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    without_endpoints: Vec<String>,
    #[serde(skip)]
    text: String,
}

impl<'s> DifferenceView<'s> {
    pub(super) fn new(difference: &'s Difference<'s>, before: &'s Session, after: &'s Session) -> Self {
        let witness = difference.witness();
        let (before, after) = match difference.certificates() {
            Some((own, other)) => (SideView::certificate(own), SideView::certificate(other)),
            None => (
                SideView::answer(before, witness, difference.before()),
                SideView::answer(after, witness, difference.after()),
            ),
        };
        Self {
            requests: difference.requests(),
            host: difference.host(),
            more_hosts: difference.more_hosts(),
            cause: difference.cause().code(),
            aspects: difference.aspects().iter().map(|aspect| aspect.code()).collect(),
            curl: curl(witness),
            witness: WitnessView::new(witness),
            before,
            after,
            regions: difference.regions(),
        }
    }

    /// The text, in a style that was begun.
    pub(super) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{}{STRONG:#}", printable(self.requests))?;
        if self.more_hosts > 0 {
            write!(out, ", and {}", count(self.more_hosts, "more host", "more hosts"))?;
        }
        writeln!(out)?;
        writeln!(out, "   {}", printable(&self.witness.text))?;
        self.before.write_text("before", out)?;
        self.after.write_text("after ", out)?;
        write!(out, "   {DIM}differs in {}", self.aspects.join(", "))?;
        if self.cause != "rules" {
            write!(out, "; {}", self.cause)?;
        }
        if self.regions > 1 {
            write!(out, "; {} regions", self.regions)?;
        }
        writeln!(out, "{DIM:#}")?;
        writeln!(out, "   {DIM}{}{DIM:#}", printable(&self.curl))
    }
}

impl<'s> SideView<'s> {
    fn certificate(secret: Option<&'s SecretRef>) -> Self {
        Self::Certificate { certificate: secret.map(SecretRef::as_str) }
    }

    fn answer(session: &'s Session, witness: &Witness, outcome: Option<Outcome<'s>>) -> Self {
        let outcome = outcome.unwrap_or(Outcome::NoHost);
        let request = request(witness);
        let answer = Answer::new(session, &request, outcome);
        let mut text = answer.to_string();
        if let Some(path) = answer.changed_path(&request) {
            text += &format!(", sent as {path}");
        }
        let value = serde_json::to_value(&answer).unwrap_or_default();
        let line = outcome
            .matched()
            .and_then(|hit| session.lines([hit.rule().origin()]).into_iter().flatten().next());
        Self::Answer { answer: value, line, text }
    }

    fn write_text(&self, name: &str, out: &mut impl Write) -> io::Result<()> {
        write!(out, "   {STRONG}{name}{STRONG:#}  ")?;
        match self {
            Self::Answer { text, line, .. } => {
                write!(out, "{}", printable(text))?;
                if let Some(line) = line {
                    write!(out, "  {DIM}{line}{DIM:#}")?;
                }
                writeln!(out)
            }
            Self::Certificate { certificate: Some(secret) } => {
                writeln!(out, "certificate {}", printable(secret))
            }
            Self::Certificate { certificate: None } => writeln!(out, "no certificate of its own"),
        }
    }
}

impl WitnessView {
    fn new(witness: &Witness) -> Self {
        let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in witness.headers() {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.entry(name.to_string()).or_default().push(value);
        }
        Self {
            method: witness.method().to_string(),
            scheme: witness.scheme().as_str(),
            host: witness.host().map(str::to_owned),
            path: witness.target(),
            headers,
            client_ip: witness.client(),
            without_endpoints: witness.unavailable().iter().map(ServiceRef::to_string).collect(),
            text: witness.to_string(),
        }
    }
}

/// The request, as one could ask `route` for it.
fn request(witness: &Witness) -> Request {
    Request {
        id: None,
        method: witness.method().clone(),
        scheme: match witness.scheme() {
            ingress_core::request::Scheme::Https => crate::target::Scheme::Https,
            _ => crate::target::Scheme::Http,
        },
        host: witness.host().map(str::to_owned),
        path: witness.target(),
        headers: witness.headers().clone(),
        client_ip: witness.client(),
        sni: None,
        draw: 0,
    }
}

/// The command that sends the request to an address of one's choice.
fn curl(witness: &Witness) -> String {
    let (scheme, port) = (witness.scheme().as_str(), witness.scheme().port());
    let host = witness.host().unwrap_or("localhost");
    let mut command = format!("curl -i --path-as-is --resolve {}:{port}:\"$ADDRESS\"", quoted(host));
    if witness.host().is_none() {
        command += " --http1.0 -H 'Host:'";
    }
    if witness.method() != http::Method::GET {
        command += &format!(" -X {}", quoted(witness.method().as_str()));
    }
    for (name, value) in witness.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        // With nothing behind the colon curl would leave the header out.
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        command += &format!(" -H {}", quoted(&header));
    }
    let target = witness.target();
    if !target.starts_with('/') {
        // What is no path stands in no URL.
        command += &format!(" --request-target {}", quoted(&target));
        return format!("{command} {}", quoted(&format!("{scheme}://{host}/")));
    }
    format!("{command} {}", quoted(&format!("{scheme}://{host}{target}")))
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:/@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Regions of which nothing is known.
#[derive(Serialize)]
#[serde(tag = "kind", rename = "unknown")]
pub(super) struct UnknownView<'s> {
    host: &'s str,
    #[serde(skip_serializing_if = "is_zero")]
    more_hosts: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'s str>,
    doubt: &'static str,
    message: String,
    regions: usize,
}

impl<'s> UnknownView<'s> {
    pub(super) fn new(unknown: &'s Unknown) -> Self {
        Self {
            host: unknown.host(),
            more_hosts: unknown.more_hosts(),
            path: unknown.path(),
            doubt: unknown.doubt().code(),
            message: unknown.doubt().to_string(),
            regions: unknown.regions(),
        }
    }

    pub(super) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{WARNING}unknown{WARNING:#}: host {}", printable(self.host))?;
        if let Some(path) = self.path {
            write!(out, ", paths like {}", printable(path))?;
        }
        if self.more_hosts > 0 {
            write!(out, ", and {}", count(self.more_hosts, "more host", "more hosts"))?;
        }
        writeln!(out, ": {} ({})", self.message, self.doubt)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_of_a_shell() {
        assert_eq!(quoted("http://a.com/b"), "http://a.com/b");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
