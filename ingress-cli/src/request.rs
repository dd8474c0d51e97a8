//! Requests as they are asked about: from the command line, or one JSON object a line.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use http::Method;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use ingress_core::RequestHead;
use ingress_core::request::Circumstances;
use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};

use crate::args::Asked;
use crate::manifest::{Mistake, Node};
use crate::target::{Scheme, Target};

/// The keys of a request. Only the path has to be there.
pub(crate) const KEYS: &[&str] =
    &["id", "method", "scheme", "host", "path", "headers", "client_ip", "sni", "draw"];

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) id: Option<String>,
    pub(crate) method: Method,
    pub(crate) scheme: Scheme,
    pub(crate) host: Option<String>,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) sni: Option<String>,
    pub(crate) draw: u32,
}

impl Request {
    /// The request for a URL of the command line.
    pub(crate) fn of(target: &Target, asked: &Asked) -> Self {
        let headers: HeaderMap = asked.header.iter().cloned().collect();
        let named = host_header(&headers);
        // Who sends another `Host` than the URL has still connects to the one in the URL.
        let elsewhere = || target.host.clone().filter(|_| named.is_some() && target.scheme == Scheme::Https);
        let sni = asked.sni.clone().or_else(elsewhere);
        Self {
            id: None,
            method: asked.request.clone(),
            scheme: target.scheme,
            host: named.or_else(|| target.host.clone()),
            path: target.path.clone(),
            headers,
            client_ip: asked.client_ip,
            sni,
            draw: asked.draw,
        }
    }

    /// The request of a line of JSON, and the keys in it that mean nothing.
    pub(crate) fn parse(line: &[u8]) -> Result<(Self, Vec<String>), String> {
        let line: Line = serde_json::from_slice(line).map_err(|error| {
            // The position is one within the line, and the line is named anyway.
            let text = error.to_string();
            let text = match text.rfind(" at line 1 column ") {
                Some(at) if error.column() == 0 => text.get(..at).unwrap_or_default().to_owned(),
                Some(at) => format!("{} (column {})", text.get(..at).unwrap_or_default(), error.column()),
                None => text,
            };
            if error.is_data() { text } else { format!("this is not JSON: {text}") }
        })?;
        Self::from_line(line)
    }

    /// The request of a document, and the keys in it that mean nothing.
    pub(crate) fn read(node: &Node<'_>) -> Result<(Self, Vec<String>), Mistake> {
        let mistake = |place, message| Mistake { place, message, help: None };
        let line = Line::deserialize(node)
            .map_err(|error| mistake(error.place().unwrap_or(node.place), error.to_string()))?;
        Self::from_line(line).map_err(|message| mistake(node.place, message))
    }

    /// The request of a URL, with a method before it or without: `POST https://shop.example.com/cart`.
    pub(crate) fn from_url(text: &str) -> Result<Self, String> {
        let (method, url) = text.split_once(' ').unwrap_or(("GET", text));
        let target: Target = url.trim_start().parse()?;
        Ok(Self {
            id: None,
            method: method.parse().map_err(|_| format!("{method:?} is no method"))?,
            scheme: target.scheme,
            host: target.host,
            path: target.path,
            headers: HeaderMap::new(),
            client_ip: None,
            sni: None,
            draw: 0,
        })
    }

    fn from_line(line: Line) -> Result<(Self, Vec<String>), String> {
        let method = match line.method {
            None => Method::GET,
            Some(method) => method.parse().map_err(|_| format!("{method:?} is no method"))?,
        };
        let headers = line.headers.unwrap_or_default().0;
        let request = Self {
            id: line.id.map(|id| id.0),
            method,
            scheme: line.scheme.unwrap_or_default(),
            host: line.host.or_else(|| host_header(&headers)),
            path: line.path,
            headers,
            client_ip: line.client_ip,
            sni: line.sni,
            draw: line.draw.unwrap_or(0),
        };
        Ok((request, line.unknown.into_keys().collect()))
    }

    /// The name that the client asks a certificate for; nothing where it speaks no TLS.
    pub(crate) fn server_name(&self) -> Option<&str> {
        match (&self.sni, self.scheme) {
            (Some(name), _) => Some(name),
            (None, Scheme::Https) => Some(self.host.as_deref().unwrap_or("")),
            (None, Scheme::Http) => None,
        }
    }

    /// What is known of the connection.
    pub(crate) fn connection(&self) -> Circumstances<'_> {
        let mut known = Circumstances::default();
        if let Some(address) = self.client_ip {
            known = known.client(address);
        }
        if let Some(name) = self.server_name() {
            known = known.server_name(name);
        }
        known
    }

    /// What routing looks at.
    pub(crate) fn head<'r>(&'r self, circumstances: &'r Circumstances<'r>) -> RequestHead<'r> {
        let head = match &self.host {
            Some(host) => RequestHead::new(host, &self.path),
            None => RequestHead::without_host(&self.path),
        };
        head.method(&self.method)
            .headers(&self.headers)
            .scheme(self.scheme.into())
            .circumstances(circumstances)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) => write!(f, "{} {}://{host}{}", self.method, self.scheme.name(), self.path),
            None => write!(f, "{} {}", self.method, self.path),
        }
    }
}

/// The host that the headers name. Of two `Host` headers neither can be trusted.
fn host_header(headers: &HeaderMap) -> Option<String> {
    let mut hosts = headers.get_all(HOST).iter();
    hosts.next().filter(|_| hosts.next().is_none()).and_then(|host| host.to_str().ok()).map(str::to_owned)
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping with the keys of a request")]
struct Line {
    id: Option<Id>,
    method: Option<String>,
    scheme: Option<Scheme>,
    host: Option<String>,
    path: String,
    headers: Option<Headers>,
    client_ip: Option<IpAddr>,
    sni: Option<String>,
    draw: Option<u32>,
    #[serde(flatten)]
    unknown: BTreeMap<String, de::IgnoredAny>,
}

/// An identifier: text, or a number taken as text.
struct Id(String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "an id is text or a number")]
        enum Spelling {
            Text(String),
            Number(serde_json::Number),
        }
        Ok(match Spelling::deserialize(deserializer)? {
            Spelling::Text(text) => Self(text),
            Spelling::Number(number) => Self(number.to_string()),
        })
    }
}

/// Headers by name; each with a text or a list of texts.
#[derive(Default)]
struct Headers(HeaderMap);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByName;

        impl<'de> Visitor<'de> for ByName {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Headers, A::Error> {
                let mut headers = HeaderMap::new();
                while let Some((name, values)) = access.next_entry::<String, Values>()? {
                    let invalid =
                        |what: &str| de::Error::custom(format!("{what} of header {name:?} is not valid"));
                    let name: HeaderName = name.parse().map_err(|_| invalid("the name"))?;
                    for value in values.texts() {
                        let value: HeaderValue = value.parse().map_err(|_| invalid("the value"))?;
                        headers.try_append(&name, value).map_err(|_| invalid("the number"))?;
                    }
                }
                Ok(Headers(headers))
            }
        }

        deserializer.deserialize_map(ByName)
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "the value of a header is text or a list of texts")]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Values {
    fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}
