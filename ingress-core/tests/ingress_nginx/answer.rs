//! One request of a set: what the dialect says, and whether that is what was seen.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use ingress_core::request::{Circumstances, RequestHead, Scheme};
use ingress_core::rule::{Affinity, Backend, Balance, Forward, Policy, Reason};
use ingress_core::table::Match;
use ingress_core::{Action, Outcome};
use serde_json::Value;

use super::world::World;

/// What came of a case.
pub(crate) enum Verdict {
    Right,
    /// What was seen is nothing that routing decides, and why.
    Beyond(&'static str),
    Wrong(String),
}

/// Headers that whoever forwards a request sets, whatever the objects say.
const DATA_PLANE: &[&str] = &[
    "x-forwarded-host",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-real-ip",
    "x-scheme",
    "x-request-id",
    "x-forwarded-scheme",
    "x-original-forwarded-for",
    "x-original-forwarded-host",
];

/// A request that owns its parts.
struct Request {
    host: Option<String>,
    target: String,
    method: Method,
    headers: HeaderMap,
    scheme: Scheme,
    version: Version,
    server_name: Option<String>,
}

impl Request {
    fn read(request: &Value) -> Self {
        let mut headers = HeaderMap::new();
        let mut hosts: Vec<String> = request["host"].as_str().map(str::to_owned).into_iter().collect();
        for (name, values) in request["headers"].as_object().into_iter().flatten() {
            let values = match values.as_array() {
                Some(values) => values,
                None => std::slice::from_ref(values),
            };
            for value in values.iter().filter_map(Value::as_str) {
                if name.eq_ignore_ascii_case("host") {
                    hosts.push(value.to_owned());
                }
                // nginx drops headers with such names.
                if !name.contains('_') {
                    let name: HeaderName = name.parse().expect("a name");
                    headers.append(name, HeaderValue::from_str(value).expect("a value"));
                }
            }
        }
        let host = if hosts.len() == 1 { hosts.pop() } else { None };
        let scheme = if request["scheme"] == "https" { Scheme::Https } else { Scheme::Http };
        let bare = |host: &String| host.split(':').next().unwrap_or("").to_owned();
        let server_name = match request.get("sni") {
            None => host.as_ref().map(bare),
            Some(name) => name.as_str().map(str::to_owned),
        };
        let method = request["method"].as_str().unwrap_or("GET");
        Self {
            host,
            target: request["path"].as_str().expect("a target").to_owned(),
            method: Method::from_bytes(method.as_bytes()).expect("a method"),
            headers,
            scheme,
            version: if request["http_version"] == "1.0" { Version::HTTP_10 } else { Version::HTTP_11 },
            server_name,
        }
    }

    fn head<'r>(&'r self, circumstances: &'r Circumstances<'r>) -> RequestHead<'r> {
        let head = match &self.host {
            Some(host) => RequestHead::new(host, &self.target),
            None => RequestHead::without_host(&self.target),
        };
        head.method(&self.method)
            .headers(&self.headers)
            .scheme(self.scheme)
            .version(self.version)
            .circumstances(circumstances)
    }
}

pub(crate) fn check(world: &World, case: &Value) -> Verdict {
    let (expect, request) = (&case["expect"], Request::read(&case["request"]));
    match about_objects(world, expect) {
        Some(Ok(())) => return Verdict::Right,
        Some(Err(what)) => return Verdict::Wrong(what),
        None => {}
    }
    let circumstances = Circumstances::default().client([127, 0, 0, 1].into()).services(world);
    let head = request.head(&circumstances);
    let fast = world.table.lookup(&head);
    let slow = world.table.explain(&head);
    if fast != slow.outcome() {
        return Verdict::Wrong(format!("lookup says {fast}, and explain\n{slow}"));
    }
    let told = |result: Result<(), String>| match result {
        Ok(()) => Verdict::Right,
        Err(what) => Verdict::Wrong(format!("{what}, wanted {expect}\n{slow}")),
    };
    if expect["kind"] == "response" && expect["status"] == 418 {
        return Verdict::Beyond("text for the configuration of nginx is never read");
    }
    if let Some(why) = beyond(world, fast, expect) {
        return Verdict::Beyond(why);
    }
    if expect["kind"] == "config_rejected" {
        return Verdict::Beyond("names are never resolved while a table is made");
    }
    told(accepted(world, expect).and_then(|()| compare(world, &request, &head, fast, expect)))
}

/// What was seen, but is not decided where requests are routed.
fn beyond(world: &World, outcome: Outcome<'_>, expect: &Value) -> Option<&'static str> {
    let rule = outcome.matched()?.rule();
    let unsupported = world.diagnostics.iter().any(|one| one.code() == "nginx-expression");
    if unsupported && rule.reason() == Some(Reason::Unsupported) {
        return Some("look-around: requests that such a rule may mean are answered with 503");
    }
    if matches!(rule.action(), Action::Authorize(_)) && matches!(expect["status"].as_u64(), Some(401 | 500)) {
        return Some("whoever is asked decides");
    }
    None
}

/// What is said of objects, not of a request.
fn about_objects(world: &World, expect: &Value) -> Option<Result<(), String>> {
    let about = |id: &str| -> Vec<String> {
        let own = world.diagnostics.iter().filter(|finding| finding.ingress().as_str() == id);
        let refused = ["nginx-not-admitted", "nginx-not-loaded"];
        own.filter(|finding| refused.contains(&finding.code())).map(ToString::to_string).collect()
    };
    let ingress = expect["ingress"].as_str().unwrap_or("");
    match expect["kind"].as_str()? {
        "admission_allowed" => {
            let errors = about(ingress);
            let left = !world.taken.contains(ingress);
            Some(if errors.is_empty() || left { Ok(()) } else { Err(format!("{errors:?}")) })
        }
        "admission_denied" => {
            let errors = about(ingress);
            Some(if errors.is_empty() { Err(format!("nothing is wrong, wanted {expect}")) } else { Ok(()) })
        }
        // Names are never resolved while a table is made.
        "config_rejected"
            if expect["reason_contains"] == "host not found in upstream \"not-resolvable.invalid\"" =>
        {
            None
        }
        "config_rejected" => {
            let found =
                world.diagnostics.iter().any(|finding| finding.code() == "nginx-refuses-configuration");
            let all: Vec<_> = world.diagnostics.iter().map(ToString::to_string).collect();
            Some(if found { Ok(()) } else { Err(format!("wanted {expect}, found {all:?}")) })
        }
        _ => None,
    }
}

/// The objects that are loaded.
fn accepted(world: &World, expect: &Value) -> Result<(), String> {
    let Some(wanted) = expect["accepted"].as_array() else { return Ok(()) };
    let dropped = |id: &&String| {
        world.diagnostics.iter().any(|one| one.code() == "nginx-not-loaded" && one.ingress().as_str() == **id)
    };
    let loaded: Vec<&str> = world.taken.iter().filter(|id| !dropped(id)).map(String::as_str).collect();
    let mut wanted: Vec<&str> = wanted.iter().filter_map(Value::as_str).collect();
    wanted.sort_unstable();
    if loaded == wanted { Ok(()) } else { Err(format!("loaded are {loaded:?}")) }
}

/// An answer in few words.
#[derive(Debug)]
enum Answer {
    Backend { backend: String, target: String },
    Default,
    Redirect(u16, String),
    Status(u16),
}

fn compare(
    world: &World,
    request: &Request,
    head: &RequestHead<'_>,
    outcome: Outcome<'_>,
    expect: &Value,
) -> Result<(), String> {
    if let Some(certificate) = expect["tls_cert"].as_str() {
        let secret = world.table.certificate(request.server_name.as_deref().unwrap_or(""));
        let shown = secret.and_then(|secret| world.certificates.get(secret.as_str()));
        let shown = shown.map_or("Kubernetes Ingress Controller Fake Certificate", |names| names);
        if !shown.contains(certificate) {
            return Err(format!("the certificate is {shown}"));
        }
    }
    let kind = expect["kind"].as_str().expect("a kind");
    if let Some(hit) = outcome.matched()
        && let Some(forward) = hit.rule().action().as_forward()
        && matches!(kind, "endpoints" | "split")
    {
        return spread(world, &hit, forward, expect);
    }
    let answer = answer(world, request, head, outcome);
    let status = expect["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let right = match (&answer, kind) {
        (Answer::Backend { backend, target }, "backend") => {
            let wanted = format!(
                "{}/{}:{}",
                expect["namespace"].as_str().unwrap_or(""),
                expect["service"].as_str().unwrap_or(""),
                expect["port"].as_str().map_or_else(|| expect["port"].to_string(), str::to_owned)
            );
            *backend == wanted && expect["rewritten_path"].as_str().is_none_or(|wanted| wanted == target)
        }
        (Answer::Default, "default_backend") => true,
        (Answer::Redirect(code, location), "redirect") => {
            Some(*code) == status && expect["location"].as_str() == Some(location)
        }
        (Answer::Status(code), _) => match kind {
            "bad_request" => *code == 400 || status == Some(*code),
            "forbidden" => *code == 403,
            "response" => status == Some(*code),
            "service_unavailable" => *code == 503,
            _ => false,
        },
        _ => false,
    };
    if !right {
        return Err(format!("{answer:?}"));
    }
    match outcome.matched() {
        Some(hit) => headers(head, &hit, expect).and_then(|()| cookie(&hit, head, expect)),
        None => Ok(()),
    }
}

fn answer(world: &World, request: &Request, head: &RequestHead<'_>, outcome: Outcome<'_>) -> Answer {
    let hit = match outcome {
        Outcome::Matched(hit) => hit,
        Outcome::Refused(refusal) => return Answer::Status(refusal.status().as_u16()),
        _ => return Answer::Default,
    };
    let rule = hit.rule();
    if let Some(location) = hit.location(head) {
        let Action::Redirect(redirect) = rule.action() else { panic!("only redirects have one") };
        return Answer::Redirect(redirect.status().as_u16(), location);
    }
    if let Action::Respond(status) = rule.action() {
        let default = rule.reason() == Some(Reason::DefaultBackend) && *status == StatusCode::NOT_FOUND;
        return if default { Answer::Default } else { Answer::Status(status.as_u16()) };
    }
    let forward = rule.action().as_forward().expect("there is nothing else");
    let Backend::Service(service) = forward.backend(0) else { panic!("only Services are served") };
    if world.endpoints(service.id(), service.port()) == 0 {
        return Answer::Status(503);
    }
    // Whoever forwards refuses what is announced to be too long.
    let length: Option<u64> =
        request.headers.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    let too_long = |policy: &Policy| matches!(policy, Policy::BodyLimit(Some(most)) if length > Some(*most));
    if rule.policies().iter().any(too_long) {
        return Answer::Status(413);
    }
    // The upstream answers with the status that the request asks for.
    let echoed = request.headers.get("x-echo-status").and_then(|status| status.to_str().ok()?.parse().ok());
    for policy in rule.policies() {
        if let Policy::ErrorPages(pages) = policy
            && let Some(status) = echoed
            && pages.statuses.contains(&status)
            && !pages.own_only
        {
            let query = head.query().map_or(String::new(), |query| format!("?{query}"));
            return match &pages.backend {
                Some(backend) => {
                    Answer::Backend { backend: backend.to_string(), target: format!("/{query}") }
                }
                None => Answer::Default,
            };
        }
    }
    let target = hit.sent_target(head).expect("the request was not refused");
    let port = world.number(service.id(), service.port());
    Answer::Backend { backend: format!("{}:{port}", service.id()), target }
}

/// Over how many endpoints, or Services, equal requests spread.
fn spread(world: &World, hit: &Match<'_>, forward: &Forward, expect: &Value) -> Result<(), String> {
    if expect["kind"] == "split" {
        let names: Vec<String> = forward
            .backends()
            .filter(|(_, weight)| *weight > 0)
            .map(|(backend, _)| match backend {
                Backend::Service(service) => service.name().to_owned(),
                other => other.to_string(),
            })
            .collect();
        let mut wanted: Vec<&str> =
            expect["services"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.sort_unstable();
        wanted.sort_unstable();
        return if names == wanted { Ok(()) } else { Err(format!("{names:?}")) };
    }
    let Backend::Service(service) = forward.backend(0) else { panic!("only Services are served") };
    let bound = hit
        .rule()
        .policies()
        .iter()
        .any(|policy| matches!(policy, Policy::Balance(Balance::Hash(_)) | Policy::Affinity(_)));
    let distinct = if bound { 1 } else { world.endpoints(service.id(), service.port()) };
    if expect["distinct"] == distinct { Ok(()) } else { Err(format!("{distinct} endpoints")) }
}

/// Headers that the objects ask for.
fn headers(head: &RequestHead<'_>, hit: &Match<'_>, expect: &Value) -> Result<(), String> {
    for (name, wanted) in expect["upstream_headers"].as_object().into_iter().flatten() {
        let lower = name.to_ascii_lowercase();
        let policies = || hit.rule().policies().iter();
        let asked = policies().find_map(|policy| match policy {
            Policy::RequestHeader(own, template) if own.as_str() == lower => Some(hit.render(template, head)),
            Policy::UpstreamHost(template) if lower == "host" => Some(hit.render(template, head)),
            Policy::ErrorPages(_) => None,
            _ => None,
        });
        let pages = policies().any(|policy| matches!(policy, Policy::ErrorPages(_)));
        let sent = match &*lower {
            "host" => asked.or_else(|| head.host_header().map(str::to_owned)),
            // What comes with a page for an answer of an upstream is set when there is one.
            _ if asked.is_none() && pages => continue,
            _ if asked.is_none() && DATA_PLANE.contains(&&*lower) => continue,
            _ => asked.or_else(|| Some(head.header_map()?.get(&*lower)?.to_str().ok()?.to_owned())),
        };
        if sent.as_deref() != wanted.as_str() {
            return Err(format!("upstream header {name} is {sent:?}"));
        }
    }
    Ok(())
}

fn cookie(hit: &Match<'_>, head: &RequestHead<'_>, expect: &Value) -> Result<(), String> {
    let Some(wanted) = expect["set_cookie_contains"].as_array() else { return Ok(()) };
    let affinity = hit.rule().policies().iter().find_map(|policy| match policy {
        Policy::Affinity(affinity) => Some(&**affinity),
        _ => None,
    });
    let Some(affinity) = affinity else { return Err("there is no affinity".to_owned()) };
    let shown = shown(affinity, head.http_scheme());
    match wanted.iter().filter_map(Value::as_str).find(|wanted| !shown.contains(*wanted)) {
        None => Ok(()),
        Some(_) => Err(format!("the cookie is {shown}")),
    }
}

fn shown(affinity: &Affinity, scheme: Scheme) -> String {
    let mut shown = format!("{}=key|{}; HttpOnly", affinity.cookie, affinity.backend_key);
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            shown.push_str(&format!("; {name}={value}"));
        }
    };
    add("Path", affinity.path.as_deref());
    add("Domain", affinity.domain.as_deref());
    add("SameSite", affinity.same_site.as_deref());
    add("Max-Age", affinity.max_age.map(|age| age.to_string()).as_deref());
    if affinity.secure.unwrap_or(scheme == Scheme::Https) {
        shown.push_str("; Secure");
    }
    shown
}
