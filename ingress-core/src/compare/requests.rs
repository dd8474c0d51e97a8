//! Requests of a region: one for each combination of what its conditions look at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::values::{Alphabet, kinds};
use crate::origin::ObjectId;
use crate::path::Language;
use crate::path::sets::TooLarge;
use crate::port::Port;
use crate::request::{Availability, Circumstances, RequestHead, Scheme};
use crate::rule::{ClientHeader, Demand, Predicate, ServiceRef, SourceRanges};

/// How many combinations are gone through.
const MOST: usize = 1 << 12;

/// A request that shows something.
#[derive(Clone, Debug)]
pub struct Witness {
    pub(super) scheme: Scheme,
    pub(super) method: Method,
    pub(super) host: Option<String>,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) client: Option<IpAddr>,
    pub(super) unavailable: Vec<ServiceRef>,
}

impl Witness {
    pub(super) fn plain(host: Option<&str>, path: &str) -> Self {
        Self {
            scheme: Scheme::Http,
            method: Method::GET,
            host: host.map(str::to_owned),
            path: path.to_owned(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            client: None,
            unavailable: Vec::new(),
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn at(&self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self.clone() }
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The host, if it names one.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The target: path and query.
    pub fn target(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, query.join("&")) }
    }

    /// The headers, but for the host.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The address that it has to come from, if that matters.
    pub fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// The Services that must have no endpoints at that moment.
    pub fn unavailable(&self) -> &[ServiceRef] {
        &self.unavailable
    }

    /// Asks something about the request as a table sees it.
    pub fn ask<T>(&self, question: impl FnOnce(&RequestHead<'_>) -> T) -> T {
        let target = self.target();
        let down = Down(&self.unavailable);
        let mut circumstances = Circumstances::default();
        if let Some(client) = self.client {
            circumstances = circumstances.client(client);
        }
        if let Some(host) = &self.host {
            circumstances = circumstances.server_name(host);
        }
        if !self.unavailable.is_empty() {
            circumstances = circumstances.services(&down);
        }
        let head = match &self.host {
            Some(host) => RequestHead::new(host, &target),
            // Only in the old version a request may do so.
            None => RequestHead::without_host(&target).version(http::Version::HTTP_10),
        };
        let head = head.method(&self.method).headers(&self.headers).scheme(self.scheme);
        question(&head.circumstances(&circumstances))
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or("(no host)");
        if self.path.starts_with('/') {
            write!(f, "{} {}://{host}{}", self.method, self.scheme, self.target())?;
        } else {
            write!(f, "{} {:?} of {}://{host}", self.method, self.target(), self.scheme)?;
        }
        for (name, value) in &self.headers {
            write!(f, ", {name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        if let Some(client) = self.client {
            write!(f, ", from {client}")?;
        }
        for service in &self.unavailable {
            write!(f, ", {service} without endpoints")?;
        }
        Ok(())
    }
}

struct Down<'s>(&'s [ServiceRef]);

impl Availability for Down<'_> {
    fn has_endpoints(&self, service: &ObjectId, port: &Port) -> bool {
        !self.0.iter().any(|down| down.id() == service && down.port() == port)
    }
}

/// What conditions look at.
#[derive(Default)]
struct Demands<'p> {
    cookies: BTreeMap<String, Vec<Language<'p>>>,
    headers: BTreeMap<String, Vec<Language<'p>>>,
    methods: Vec<&'p Method>,
    parameters: BTreeMap<&'p str, Vec<Language<'p>>>,
    scheme: bool,
    services: Vec<&'p ServiceRef>,
    sources: Vec<&'p SourceRanges>,
    /// Headers that may say another address.
    announcing: BTreeSet<String>,
}

/// One request for each combination that the conditions tell apart, the plainest first.
pub(super) fn requests<'p>(
    conditions: impl Iterator<Item = &'p Predicate>,
    host: Option<&str>,
    path: &str,
) -> Result<Vec<Witness>, TooLarge> {
    let mut demands = Demands::default();
    for condition in conditions {
        demands.add(condition);
    }
    let mut requests = vec![(0, Witness::plain(host, path))];
    for choice in demands.choices()? {
        if requests.len() * choice.len() > MOST {
            return Err(TooLarge);
        }
        requests = requests
            .iter()
            .flat_map(|(weight, request)| {
                choice.iter().enumerate().map(move |(place, change)| {
                    let mut request = request.clone();
                    change.apply(&mut request);
                    (weight + place, request)
                })
            })
            .collect();
    }
    requests.sort_by_key(|(weight, _)| *weight);
    Ok(requests.into_iter().map(|(_, request)| request).collect())
}

/// What one of the things that conditions look at may be.
enum Change {
    Client(Option<IpAddr>),
    Cookies(String, Vec<String>),
    Headers(HeaderName, Vec<String>),
    Method(Method),
    Parameters(String, Vec<String>),
    Scheme(Scheme),
    Unavailable(Option<ServiceRef>),
}

impl Change {
    fn apply(&self, request: &mut Witness) {
        match self {
            Self::Client(client) => request.client = *client,
            Self::Cookies(name, values) => {
                for value in values {
                    if let Ok(value) = HeaderValue::try_from(format!("{name}={value}")) {
                        request.headers.append(http::header::COOKIE, value);
                    }
                }
            }
            Self::Headers(name, values) => {
                for value in values {
                    if let Ok(value) = HeaderValue::try_from(value.as_str()) {
                        request.headers.append(name.clone(), value);
                    }
                }
            }
            Self::Method(method) => request.method = method.clone(),
            Self::Parameters(name, values) => {
                request.query.extend(values.iter().map(|value| (name.clone(), value.clone())));
            }
            Self::Scheme(scheme) => request.scheme = *scheme,
            Self::Unavailable(service) => request.unavailable.extend(service.clone()),
        }
    }
}

impl<'p> Demands<'p> {
    fn add(&mut self, condition: &'p Predicate) {
        match condition.demand() {
            // Hosts of one class are alike to it.
            Demand::Below(_) => {}
            Demand::Cookie(name, language) => {
                // Some conditions compare the name without case.
                let name = self
                    .cookies
                    .keys()
                    .find(|known| known.eq_ignore_ascii_case(name))
                    .cloned()
                    .unwrap_or_else(|| name.to_owned());
                self.cookies.entry(name).or_default().extend(language);
            }
            Demand::Header(name, language) => {
                self.headers.entry(name.to_string()).or_default().extend(language);
            }
            Demand::Method(method) => {
                if !self.methods.contains(&method) {
                    self.methods.push(method);
                }
            }
            Demand::Parameter(name, language) => {
                self.parameters.entry(name).or_default().extend(language);
            }
            Demand::Scheme(announced) => {
                self.scheme = true;
                if let Some(name) = announced {
                    let tests = [Language::Equals(b"http"), Language::Equals(b"https")];
                    self.headers.entry(name.to_string()).or_default().extend(tests);
                }
            }
            Demand::Service(service) => {
                if !self.services.contains(&service) {
                    self.services.push(service);
                }
            }
            Demand::Source(ranges, announced) => {
                self.sources.push(ranges);
                self.announcing.extend(announced.map(|header| header.name().to_string()));
                self.sources.extend(announced.and_then(ClientHeader::believed));
            }
        }
    }

    fn choices(&self) -> Result<Vec<Vec<Change>>, TooLarge> {
        let mut choices = Vec::new();
        if !self.methods.is_empty() {
            choices.push(self.methods());
        }
        if self.scheme {
            choices.push(vec![Change::Scheme(Scheme::Http), Change::Scheme(Scheme::Https)]);
        }
        for (name, languages) in &self.headers {
            // Both would write the same line.
            if name == http::header::COOKIE.as_str() && !self.cookies.is_empty() {
                return Err(TooLarge);
            }
            let header = HeaderName::try_from(name.as_str()).map_err(|_| TooLarge)?;
            let kinds = kinds(languages, Alphabet::Header, true)?;
            choices.push(kinds.into_iter().map(|values| Change::Headers(header.clone(), values)).collect());
        }
        for (name, languages) in &self.cookies {
            let kinds = kinds(languages, Alphabet::Cookie, true)?;
            choices.push(kinds.into_iter().map(|values| Change::Cookies(name.clone(), values)).collect());
        }
        for (name, languages) in &self.parameters {
            let kinds = kinds(languages, Alphabet::Parameter, true)?;
            let change = |values| Change::Parameters((*name).to_owned(), values);
            choices.push(kinds.into_iter().map(change).collect());
        }
        if !self.sources.is_empty() {
            let clients = self.clients();
            for name in &self.announcing {
                if self.headers.contains_key(name) {
                    return Err(TooLarge);
                }
                let header = HeaderName::try_from(name.as_str()).map_err(|_| TooLarge)?;
                let texts = clients
                    .iter()
                    .map(|client| client.map_or_else(Vec::new, |address| vec![address.to_string()]));
                choices.push(texts.map(|values| Change::Headers(header.clone(), values)).collect());
            }
            choices.push(clients.into_iter().map(Change::Client).collect());
        }
        for service in &self.services {
            choices.push(vec![Change::Unavailable(None), Change::Unavailable(Some((*service).clone()))]);
        }
        Ok(choices)
    }

    /// Those that are named, and one that is not.
    fn methods(&self) -> Vec<Change> {
        let common = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS];
        let other = common.into_iter().find(|method| !self.methods.contains(&method));
        let own = Method::from_bytes(b"OTHER").ok().filter(|method| !self.methods.contains(&method));
        let named = self.methods.iter().map(|method| (*method).clone());
        other.or(own).into_iter().chain(named).map(Change::Method).collect()
    }

    /// An address for each combination of ranges that one can be in.
    fn clients(&self) -> Vec<Option<IpAddr>> {
        let far = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])];
        let borders = self.sources.iter().flat_map(|ranges| ranges.borders());
        let mut seen = BTreeSet::new();
        // An address that is not known is in no range.
        let nowhere = std::iter::once(None);
        nowhere
            .chain(far.into_iter().chain(borders).map(Some))
            .filter(|address| {
                let inside = |ranges: &&SourceRanges| address.is_some_and(|address| ranges.contains(address));
                seen.insert(self.sources.iter().map(inside).collect::<Vec<bool>>())
            })
            .collect()
    }
}
