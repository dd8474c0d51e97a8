//! What holds of every table and every request.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ingress_core::host::HostName;
use ingress_core::table::HostTable;
use ingress_core::{Outcome, RequestHead, RouteTable};

use crate::lines::RequestLine;

/// Asks the table, and its reference, what a line asks.
pub(crate) fn ask(table: &RouteTable, line: &RequestLine) {
    with_head(line, |head| agree(table, head));
}

/// The request of a line.
pub(crate) fn with_head(line: &RequestLine, question: impl FnOnce(&RequestHead<'_>)) {
    let mut method = Method::GET;
    let mut headers = HeaderMap::new();
    for word in &line.words {
        let value = word.value.as_deref().unwrap_or_default();
        if word.key == "method" {
            method = value.parse().unwrap_or(method);
        } else if let (Ok(name), Ok(value)) = (word.key.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    let head = match &line.host {
        Some(host) => RequestHead::new(host, &line.target),
        None => RequestHead::without_host(&line.target),
    };
    question(&head.method(&method).headers(&headers));
}

/// Lookup and explanation agree, and what they say can be done.
pub(crate) fn agree(table: &RouteTable, head: &RequestHead<'_>) {
    let fast = table.lookup(head);
    let why = table.explain(head);
    assert_eq!(fast, why.outcome(), "{why}\n{table}");
    let Outcome::Matched(hit) = fast else { return };
    assert!(why.to_string().contains("WON"), "{why}");

    let upstream = hit.upstream(head);
    assert_eq!(upstream, hit.detach().borrow().upstream(head), "{why}");
    let rewritten = hit.rule().path_rewrite().is_some();
    match hit.changed_upstream(head) {
        Ok(None) => assert!(!rewritten, "{why}"),
        Ok(changed) => assert_eq!(changed, upstream.clone().ok(), "{why}"),
        Err(_) => assert!(upstream.is_err(), "{why}"),
    }
    let Ok(target) = upstream else { return };
    assert!(target.path().starts_with('/') || target.path() == "*", "{target}");
    if !rewritten && !table.semantics().forward_received() {
        // Whoever receives it decodes once, and must come to what was judged. Where the reading left
        // escapes alone they are still to be decoded on this side, too.
        let reading = table.semantics().paths();
        let judged = reading.normalize(head.target()).map(|normal| normal.path().to_vec());
        let decodes_all = reading.normalize("/%2541").is_ok_and(|normal| normal.path() == b"/%41");
        let meant = judged.map(|path| if decodes_all { path } else { decode(&path) });
        assert_eq!(meant.as_ref(), Ok(&decode(target.path().as_bytes())), "{target}\n{why}");
    }
}

fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.split_at_checked(2).filter(|_| byte == b'%');
        let escape = digits.and_then(|(digits, _)| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        decoded.push(escape.unwrap_or(byte));
        rest = escape.and(digits).map_or(after, |(_, behind)| behind);
    }
    decoded
}

/// The certificate of a table that takes names without case, port and final dot, by reading all hosts.
pub(crate) fn agree_on_certificate(table: &RouteTable, raw: &str) {
    let name = HostName::parse(raw);
    let meant = |host: &&HostTable| match &name {
        Some(name) => host.pattern().matches(name),
        None => host.pattern().is_any(),
    };
    let found = table.hosts().filter(meant).find_map(HostTable::certificate);
    assert_eq!(table.certificate(raw), found.or_else(|| table.default_certificate()), "{raw}\n{table}");
}
