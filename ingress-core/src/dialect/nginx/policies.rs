//! Annotations that choose no backend: what a data plane is to do besides.

use std::time::Duration;

use http::{HeaderName, StatusCode};
use md5::{Digest, Md5};

use super::findings;
use super::model::{Location, Model, Object, Upstream, upstream_key};
use super::notes::Notes;
use super::pcre;
use super::settings::Globals;
use super::text;
use super::variables::{Unknown, judge, template, template_with};
use crate::dialect::{Assembly, Known};
use crate::ingress::Ingress;
use crate::origin::ObjectId;
use crate::printable::Excerpt;
use crate::rule::{
    Affinity, Balance, Cors, Mirror, Piece, Policy, Protocol, Retry, SourceRanges, Template, UpstreamTls,
};

/// The policies of an object's locations, and whether something among them makes them answer 503.
pub(super) fn of_object(notes: &Notes<'_>, globals: &Globals, out: &mut Assembly<'_>) -> (Vec<Policy>, bool) {
    let mut writer = Writer { notes, policies: Vec::new(), denied: false, out };
    writer.upstream(globals);
    writer.timeouts();
    writer.limits();
    writer.bodies();
    writer.headers(globals);
    refused_numbers(notes, writer.out);
    (writer.policies, writer.denied)
}

struct Writer<'w, 'i, 'a> {
    notes: &'w Notes<'i>,
    policies: Vec<Policy>,
    denied: bool,
    out: &'w mut Assembly<'a>,
}

impl Writer<'_, '_, '_> {
    fn push(&mut self, policy: Option<Policy>) {
        self.policies.extend(policy);
    }

    fn template(&mut self, name: &str) -> Option<Template> {
        match template(self.notes.get(name)?, false) {
            Ok(template) => Some(template),
            Err(Unknown::Refused(why)) => {
                self.notes.find(&findings::REFUSED, name, &format!("nginx does not know {why}"), self.out);
                self.denied = true;
                None
            }
            // Nobody waits for what is done with a copy.
            Err(Unknown::Unsupported(variable)) => {
                let what = format!("variable {variable} has no value here; there is no copy");
                self.notes.find(&findings::NOT_ACTED_ON, name, &what, self.out);
                None
            }
        }
    }

    /// Judges a text whose value is only made [at a location](of_location).
    fn judge(&mut self, name: &str, names: &[String]) {
        let Some(text) = self.notes.get(name) else { return };
        let (finding, what) = match judge(text, names) {
            Ok(()) => return,
            Err(Unknown::Refused(why)) => (&findings::REFUSED, format!("nginx does not know {why}")),
            Err(Unknown::Unsupported(variable)) => {
                (&findings::UNSUPPORTED, format!("variable {variable} has no value here"))
            }
        };
        self.notes.find(finding, name, &what, self.out);
        self.denied = true;
    }

    fn upstream(&mut self, globals: &Globals) {
        let protocol =
            match self.notes.get("backend-protocol").unwrap_or("").trim().to_ascii_uppercase().as_str() {
                "AUTO_HTTP" => Some(Protocol::Auto),
                "FCGI" => Some(Protocol::FastCgi),
                "GRPC" => Some(Protocol::Grpc),
                "GRPCS" => Some(Protocol::Grpcs),
                "HTTPS" => Some(Protocol::Https),
                _ => None,
            };
        self.push(protocol.map(Policy::Protocol));
        self.judge("upstream-vhost", &[]);
        if self.notes.get("proxy-http-version") == Some("1.0") {
            self.push(Some(Policy::Http10));
        }
        let target = self.template("mirror-target");
        let host = self.template("mirror-host");
        if let Some(target) = target
            && (host.is_some() || self.notes.get("mirror-host").is_none())
        {
            let body = self.notes.get("mirror-request-body") != Some("off");
            self.push(Some(Policy::Mirror(Box::new(Mirror { target, host, body }))));
        }
        if let Some(secret) = self.notes.get("proxy-ssl-secret") {
            let own = self.notes.ingress().id().namespace();
            match secret.split_once('/') {
                Some((namespace, name)) if namespace == own || globals.cross_namespace => {
                    if self.out.surroundings().secret(&ObjectId::new(namespace, name)) == Known::Absent {
                        self.deny("proxy-ssl-secret", "there is no such Secret");
                    }
                    let notes = self.notes;
                    let depth =
                        notes.number("proxy-ssl-verify-depth").and_then(|depth| depth.try_into().ok());
                    self.push(Some(Policy::UpstreamTls(Box::new(UpstreamTls {
                        secret: secret.into(),
                        verify: notes.get("proxy-ssl-verify") == Some("on"),
                        depth: depth.unwrap_or(1),
                        name: notes.get("proxy-ssl-name").map(Into::into),
                        server_name: notes.get("proxy-ssl-server-name") == Some("on"),
                    }))));
                }
                _ => self.deny("proxy-ssl-secret", "it is no namespace/name of the object's own namespace"),
            }
        }
        if let Some(Err(Unknown::Refused(why) | Unknown::Unsupported(why))) =
            self.notes.get("upstream-hash-by").map(|text| template(text, false))
        {
            let what = format!("{why} has no value here; endpoints take turns");
            self.notes.find(&findings::NOT_ACTED_ON, "upstream-hash-by", &what, self.out);
        }
        if let Some(conditions) = self.notes.get("proxy-next-upstream") {
            let number = |name, default| {
                self.notes.number(name).and_then(|number| u32::try_from(number).ok()).unwrap_or(default)
            };
            self.policies.push(Policy::Retry(Box::new(Retry {
                conditions: conditions.split_whitespace().map(Into::into).collect(),
                tries: number("proxy-next-upstream-tries", 3),
                timeout: Duration::from_secs(number("proxy-next-upstream-timeout", 0).into()),
            })));
        }
    }

    fn deny(&mut self, name: &str, why: &str) {
        self.notes.find(&findings::DENIED, name, why, self.out);
        self.denied = true;
    }

    /// A ConfigMap that an annotation names has to be there, and its headers have to be allowed.
    fn config_map(&mut self, name: &str, globals: &Globals) {
        let Some(named) = self.notes.get(name) else { return };
        let own = self.notes.ingress().id().namespace();
        let (namespace, rest) = named.split_once('/').unwrap_or((own, named));
        if namespace != own && !globals.cross_namespace {
            return self.deny(name, "the ConfigMap is in another namespace");
        }
        match self.out.surroundings().config_map(&ObjectId::new(namespace, rest)) {
            Known::Absent => self.deny(name, "there is no such ConfigMap"),
            Known::Present(data) if name == "custom-headers" => {
                let allowed =
                    |header: &String| globals.headers.iter().any(|own| own.eq_ignore_ascii_case(header));
                if let Some(header) = data.keys().find(|header| !allowed(header)) {
                    let what = format!("global-allowed-response-headers has no {}", Excerpt(header));
                    self.deny(name, &what);
                }
            }
            Known::Nothing | Known::Present(_) => {}
        }
    }

    fn timeouts(&mut self) {
        type Make = fn(Duration) -> Policy;
        let all: [(&str, Make); 3] = [
            ("proxy-connect-timeout", Policy::ConnectTimeout),
            ("proxy-send-timeout", Policy::SendTimeout),
            ("proxy-read-timeout", Policy::ReadTimeout),
        ];
        for (name, make) in all {
            let seconds = self.notes.number(name).and_then(|seconds| u64::try_from(seconds).ok());
            self.push(seconds.map(|seconds| make(Duration::from_secs(seconds))));
        }
    }

    fn limits(&mut self) {
        let notes = self.notes;
        let number =
            |name| notes.number(name).and_then(|number| u32::try_from(number).ok()).filter(|n| *n > 0);
        let burst = number("limit-burst-multiplier").unwrap_or(5);
        let exempt = ["limit-allowlist", "limit-whitelist"].into_iter().find_map(|name| notes.get(name));
        let exempt = SourceRanges::parse(exempt.iter().flat_map(|list| list.split(',').map(str::trim)));
        let exempt = exempt.unwrap_or_default();
        for (name, seconds) in [("limit-rps", 1), ("limit-rpm", 60)] {
            self.push(number(name).map(|requests| Policy::RateLimit {
                requests,
                period: Duration::from_secs(seconds),
                burst: requests.saturating_mul(burst),
                exempt: exempt.clone(),
                status: StatusCode::SERVICE_UNAVAILABLE,
            }));
        }
        self.push(number("limit-connections").map(Policy::ConnectionLimit));
        self.push(number("limit-rate").map(|rate| Policy::Bandwidth {
            rate: u64::from(rate) << 10,
            after: u64::from(number("limit-rate-after").unwrap_or(0)) << 10,
        }));
    }

    fn bodies(&mut self) {
        let notes = self.notes;
        let bytes = notes.get("proxy-body-size").and_then(text::size);
        self.push(Some(Policy::BodyLimit(Some(bytes.unwrap_or(1 << 20)).filter(|bytes| *bytes > 0))));
        self.push(notes.get("proxy-buffering").map(|value| Policy::BufferAnswers(value == "on")));
        self.push(notes.get("proxy-request-buffering").map(|value| Policy::BufferBodies(value == "on")));
        self.push(notes.get("enable-access-log").and_then(text::boolean).map(Policy::Log));
    }

    fn headers(&mut self, globals: &Globals) {
        if self.notes.flag("enable-cors", false) {
            let cors = cors(self.notes);
            self.push(Some(Policy::Cors(Box::new(cors))));
        }
        for name in ["custom-headers", "fastcgi-params-configmap"] {
            self.config_map(name, globals);
        }
        // Only sent where a rewrite is active.
        if self.notes.get("rewrite-target").is_some() {
            let names = group_names(self.notes.ingress());
            self.judge("x-forwarded-prefix", &names);
        }
    }
}

/// The named groups of all paths of an object.
fn group_names(ingress: &Ingress) -> Vec<String> {
    let paths = ingress.rules().iter().flat_map(|rule| rule.paths().unwrap_or_default());
    let translated = paths.filter_map(|path| pcre::translate_groups(path.path()?).ok());
    translated.flat_map(|translated| translated.names).map(|(name, _)| name).collect()
}

/// Policies whose values depend on the location; what of them is broken was found when the object was read.
pub(super) fn of_location(
    notes: &Notes<'_>,
    rewritten: bool,
    known: impl Fn(&str) -> Option<Piece>,
) -> Vec<Policy> {
    let value = |name, groups| template_with(notes.get(name)?, groups, &known).ok();
    let host = value("upstream-vhost", false).map(Policy::UpstreamHost);
    let prefix = value("x-forwarded-prefix", true).filter(|_| rewritten);
    let name = HeaderName::from_static("x-forwarded-prefix");
    host.into_iter().chain(prefix.map(|prefix| Policy::RequestHeader(name, prefix))).collect()
}

pub(super) fn cors(notes: &Notes<'_>) -> Cors {
    let origins: Box<[Box<str>]> = notes
        .get("cors-allow-origin")
        .filter(|list| is_origin_list(list))
        .unwrap_or("*")
        .split(',')
        .map(str::trim)
        .filter(|origin| is_origin(origin))
        .map(Into::into)
        .collect();
    let seconds = notes.number("cors-max-age").and_then(|age| u64::try_from(age).ok()).unwrap_or(1_728_000);
    let text = |name, default: &str| -> Box<str> { notes.get(name).unwrap_or(default).into() };
    Cors {
        origins: if origins.iter().any(|origin| &**origin == "*") { Box::default() } else { origins },
        methods: text("cors-allow-methods", "GET, PUT, POST, DELETE, PATCH, OPTIONS"),
        headers: text(
            "cors-allow-headers",
            "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization",
        ),
        expose: notes.get("cors-expose-headers").map(Into::into),
        credentials: notes.flag("cors-allow-credentials", true),
        max_age: Duration::from_secs(seconds),
    }
}

/// What the controller takes for an origin: a scheme and a host, with a wildcard at most in front.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return text == "*" || text == "null" };
    !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_lowercase()) && is_origin_host(host)
}

fn is_origin_host(text: &str) -> bool {
    let text = text.strip_prefix("*.").unwrap_or(text);
    let (name, port) = text.rsplit_once(':').unwrap_or((text, "0"));
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a list of origins counts at all; of one that does, what is no origin is passed over.
fn is_origin_list(text: &str) -> bool {
    text == "*"
        || text.split(',').map(str::trim).all(|part| is_origin(part) && part != "*" || is_origin_host(part))
}

/// Numbers that pass the controller's tests, and nginx does not take.
fn refused_numbers(notes: &Notes<'_>, out: &mut Assembly<'_>) {
    let mut refuse = |name: &str, why: &str| notes.find(&findings::REFUSED, name, why, out);
    let negative = [
        "proxy-connect-timeout",
        "proxy-next-upstream-timeout",
        "proxy-next-upstream-tries",
        "proxy-read-timeout",
        "proxy-send-timeout",
    ];
    for name in negative {
        if notes.number(name).is_some_and(|number| number < 0) {
            refuse(name, "it is negative");
        }
    }
    let limited = notes.get("limit-rps").is_some() || notes.get("limit-rpm").is_some();
    if limited && notes.number("limit-burst-multiplier") == Some(0) {
        refuse("limit-burst-multiplier", "a burst of 0 is none");
    }
    if notes.number("limit-connections").is_some_and(|number| number > 65535) {
        refuse("limit-connections", "it is more than 65535");
    }
    if notes.number("proxy-buffers-number").is_some_and(|number| number < 2) {
        refuse("proxy-buffers-number", "there must be at least 2");
    }
    let buffer = notes.get("proxy-buffer-size").unwrap_or("4k");
    for name in ["proxy-buffer-size", "proxy-busy-buffers-size", "proxy-max-temp-file-size"] {
        if notes.get(name).is_some_and(|size| size.ends_with(['b', 'B'])) {
            refuse(name, "nginx has no unit b");
        }
    }
    match (text::size(buffer), notes.get("proxy-busy-buffers-size").and_then(text::size)) {
        (Some(0), _) => refuse("proxy-buffer-size", "it is 0"),
        (Some(size), Some(busy)) if busy < size => {
            refuse("proxy-busy-buffers-size", "it is smaller than a buffer");
        }
        _ => {}
    }
    if notes
        .get("proxy-cookie-path")
        .is_some_and(|path| path != "off" && path.split_whitespace().count() != 2)
    {
        refuse("proxy-cookie-path", "it needs two words");
    }
}

/// How endpoints of an upstream are chosen.
pub(super) fn of_upstream(upstream: &Upstream, model: &Model<'_>, globals: &Globals) -> Vec<Policy> {
    let Some(Object { notes, .. }) = model.objects.get(upstream.owner) else { return Vec::new() };
    let mut policies = Vec::new();
    if notes.flag("service-upstream", globals.service_upstream) {
        policies.push(Policy::ServiceAddress);
    }
    let hash = notes.get("upstream-hash-by").and_then(|text| template(text, false).ok());
    let balance = match (hash, notes.get("load-balance").or(globals.load_balance.as_deref())) {
        (Some(hash), _) if notes.flag("upstream-hash-by-subset", false) => {
            let size = notes.number("upstream-hash-by-subset-size").and_then(|size| size.try_into().ok());
            Some(Balance::HashSubset(hash, size.unwrap_or(3)))
        }
        (Some(hash), _) => Some(Balance::Hash(hash)),
        (None, Some("ewma")) => Some(Balance::LeastLoaded),
        (None, Some("round_robin") | None) => None,
        (None, Some(other)) => Some(Balance::Named(other.into())),
    };
    policies.extend(balance.map(Policy::Balance));
    policies
}

/// The cookie of an upstream at a location.
pub(super) fn affinity(
    upstream: &Upstream,
    location: &Location,
    host: &crate::host::HostPattern,
    model: &Model<'_>,
) -> Option<Affinity> {
    let affinity = upstream.affinity.as_ref()?;
    let first = &model.objects.get(affinity.first)?.notes;
    let last = &model.objects.get(affinity.last)?.notes;
    let here = affinity.places.iter().any(|(place, path)| place == host && *path == location.path);
    let text = |name| last.get(name).map(Into::into);
    Some(Affinity {
        cookie: last.get("session-cookie-name").unwrap_or("INGRESSCOOKIE").into(),
        persistent: first.get("affinity-mode") == Some("persistent"),
        backend_key: backend_key(upstream).into(),
        path: here.then(|| last.get("session-cookie-path").unwrap_or(&location.path).into()),
        domain: text("session-cookie-domain"),
        expires: last.number("session-cookie-expires"),
        max_age: last.number("session-cookie-max-age"),
        same_site: text("session-cookie-samesite"),
        conditional_same_site: last.flag("session-cookie-conditional-samesite-none", false),
        secure: last.get("session-cookie-secure").and_then(text::boolean),
        change_on_failure: last.flag("session-cookie-change-on-failure", false),
    })
}

/// What the cookie of an upstream ends in: a fingerprint of its name.
pub(super) fn backend_key(upstream: &Upstream) -> String {
    let hex = |text: &str| -> String {
        Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let name = upstream_key(&upstream.service);
    hex(&format!("{}{name}", hex(&name)))
}
