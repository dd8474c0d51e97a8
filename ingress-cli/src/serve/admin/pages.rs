//! What is answered under which path.

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use ingress_core::HostPattern;
use ingress_core::table::HostTable;
use serde::Serialize;

use super::metrics;
use super::query::Query;
use crate::answer::Answer;
use crate::reasons::Reasons;
use crate::serve::published::Published;
use crate::session::Session;
use crate::suggest::did_you_mean;
use crate::view::{TableView, shown};

/// The page for people: everything that it needs is in it.
const PAGE: &str = include_str!("page.html");

/// How many hosts a search shows.
const HOSTS: usize = 100;

const PATHS: &[&str] =
    &["/", "/healthz", "/readyz", "/metrics", "/table", "/hosts", "/counts", "/explain", "/diagnostics"];

/// An answer.
#[derive(Debug)]
pub(super) struct Page {
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
    more: Option<(HeaderName, HeaderValue)>,
}

/// A host that a search found.
#[derive(Serialize)]
struct Found<'t> {
    host: &'t str,
    rules: usize,
    requests: u64,
}

#[derive(Serialize)]
struct Search<'t> {
    hosts: Vec<Found<'t>>,
    /// How many there are that are not shown.
    more: usize,
}

#[derive(Serialize)]
struct Counted<'t> {
    host: &'t str,
    /// In the order of the rules.
    requests: Vec<u64>,
}

impl Page {
    pub(super) fn text(status: StatusCode, text: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text.to_owned().into())
    }

    pub(super) fn refusal(status: StatusCode, why: &str) -> Self {
        Self::text(status, &format!("{} {why}\n", status.as_u16()))
    }

    fn json(value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::new(StatusCode::OK, "application/json", body.into()),
            Err(_) => Self::refusal(StatusCode::INTERNAL_SERVER_ERROR, "a bug"),
        }
    }

    fn new(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        Self { status, content_type, body, more: None }
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.more = Some((name, value));
        self
    }

    pub(super) fn response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers.extend(self.more);
        response
    }
}

/// The answer to a path and a query. May take a while, where the table is large.
pub(super) fn page(published: &Published, path: &str, query: &str) -> Page {
    match path {
        "/" => return people(),
        "/metrics" => {
            return Page::new(
                StatusCode::OK,
                "text/plain; version=0.0.4; charset=utf-8",
                metrics::text(published).into(),
            );
        }
        "/diagnostics" => {
            let diagnostics = Bytes::clone(&published.diagnostics.load());
            return Page::new(StatusCode::OK, "application/json", diagnostics);
        }
        _ => {}
    }
    let session = published.session.load();
    let Some(session) = &*session else {
        return Page::refusal(StatusCode::SERVICE_UNAVAILABLE, "there is no table yet");
    };
    let query = Query::new(query);
    let answered = match path {
        "/table" => table(session, query),
        "/hosts" => hosts(published, session, query),
        "/counts" => counts(published, session, query),
        "/explain" => explain(session, query),
        _ => {
            let meant = did_you_mean(path, PATHS.iter().copied());
            return Page::refusal(StatusCode::NOT_FOUND, &format!("there are {}{meant}", PATHS.join(" ")));
        }
    };
    answered.unwrap_or_else(|error| Page::refusal(error.0, &error.1))
}

struct Mistake(StatusCode, String);

impl From<String> for Mistake {
    fn from(message: String) -> Self {
        Self(StatusCode::BAD_REQUEST, message)
    }
}

fn table(session: &Session, mut query: Query<'_>) -> Result<Page, Mistake> {
    let wanted = query.take("host");
    query.done(&["host"])?;
    let hosts: Vec<_> = match wanted {
        Some(host) => vec![known(session, &host)?],
        None => session.table.hosts().collect(),
    };
    Ok(Page::json(&TableView::new(session, &hosts)))
}

fn hosts(published: &Published, session: &Session, mut query: Query<'_>) -> Result<Page, Mistake> {
    let search = query.take("search").unwrap_or_default().to_lowercase();
    query.done(&["search"])?;
    let mut search_result = Search { hosts: Vec::new(), more: 0 };
    for host in session.table.hosts().filter(|host| shown(host.pattern()).contains(search.trim())) {
        if search_result.hosts.len() == HOSTS {
            search_result.more += 1;
            continue;
        }
        let requests = published.counts.of(host.pattern()).iter().sum();
        let host = Found { host: shown(host.pattern()), rules: host.rules().len(), requests };
        search_result.hosts.push(host);
    }
    Ok(Page::json(&search_result))
}

fn counts(published: &Published, session: &Session, mut query: Query<'_>) -> Result<Page, Mistake> {
    let wanted =
        query.take("host").ok_or_else(|| "of which host? /counts?host=shop.example.com".to_owned())?;
    query.done(&["host"])?;
    let host = known(session, &wanted)?;
    let requests = published.counts.of(host.pattern());
    Ok(Page::json(&Counted { host: shown(host.pattern()), requests }))
}

fn explain(session: &Session, query: Query<'_>) -> Result<Page, Mistake> {
    let request = query.request()?;
    let circumstances = session.circumstances(&request);
    let explanation = session.table.explain(&request.head(&circumstances));
    let answer = Answer::new(session, &request, explanation.outcome());
    Ok(Page::json(&Reasons::new(session, &request, &explanation, answer)))
}

/// A host of the table, written as in the manifests.
fn known<'s>(session: &'s Session, text: &str) -> Result<&'s HostTable, Mistake> {
    let pattern = if text == "*" { Ok(HostPattern::any()) } else { text.parse() };
    let pattern = pattern.map_err(|error| format!("host {text:?}: {error}"))?;
    let absent = || {
        let meant = did_you_mean(text, session.table.hosts().map(|host| shown(host.pattern())));
        Mistake(StatusCode::NOT_FOUND, format!("no host {text} in the table{meant}"))
    };
    session.table.host(&pattern).ok_or_else(absent)
}

/// The page, with a policy that lets nothing run but its own script.
fn people() -> Page {
    // Two hashes of nothing with keys that nobody knows: a number that cannot be foreseen.
    let mut nonce = String::new();
    for state in [RandomState::new(), RandomState::new()] {
        let _ = write!(nonce, "{:016x}", state.hash_one(&nonce));
    }
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let body = PAGE.replace("{{nonce}}", &nonce);
    let page = Page::new(StatusCode::OK, "text/html; charset=utf-8", body.into());
    match HeaderValue::try_from(policy) {
        Ok(policy) => page.with_header(http::header::CONTENT_SECURITY_POLICY, policy),
        Err(_) => Page::refusal(StatusCode::INTERNAL_SERVER_ERROR, "a bug"),
    }
}
