//! A suite file: API objects, then one document with the requests and what is expected of them. It is a
//! test file of `ingress test`, whose short forms are read here and no others.
//!
//! ```yaml
//! options: {class: edge}          # optional, see `options`
//! requests:
//! - request: {host: shop.example.com, path: /cart}
//!   expect: {backend: shop/cart:80}
//!   because: a word to whoever finds it failing
//! ```
//!
//! Nothing here asks a table; that is what drivers do. The frontends have drivers of their own.

#![allow(clippy::panic, reason = "a file that cannot be read is a failed test")]

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ingress_core::endpoint::{Cluster, EndpointSlice, Service};
use ingress_core::ingress::{ClassSelector, IngressClass};
use ingress_core::origin::SecretRef;
use ingress_core::port::Port;
use ingress_core::rule::{Backend, ServiceRef};
use ingress_core::{Config, RequestHead};
use k8s_openapi::api::{core::v1 as core, discovery::v1 as discovery, networking::v1 as networking};
use serde_json::{Map, Value};

use super::answer::Expectation;
use super::manifest;

/// One file.
pub(crate) struct Suite {
    /// The name of the file, which says what holds.
    pub(crate) name: String,
    /// The Ingress objects as written, so that drivers can also make others of them.
    pub(crate) objects: Vec<Value>,
    /// What the compiler is told besides objects.
    pub(crate) config: Config,
    /// The Services of the file and their endpoints.
    pub(crate) services: Vec<Service>,
    pub(crate) slices: Vec<EndpointSlice>,
    pub(crate) cases: Vec<Case>,
}

/// One request, and what becomes of it.
pub(crate) struct Case {
    pub(crate) request: Request,
    pub(crate) expect: Expectation,
    pub(crate) because: Option<String>,
}

/// A request as it is sent.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) scheme: String,
    pub(crate) host: Option<String>,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    server_name: Option<String>,
}

impl Suite {
    /// Reads one file; `None` if it needs a feature of the crate that is off.
    pub(crate) fn read(name: &str, yaml: &str) -> Option<Self> {
        let mut documents = manifest::documents(yaml);
        let last = documents.pop().unwrap_or_else(|| panic!("the file is empty"));
        if cfg!(not(feature = "serde")) && documents.iter().any(manifest::is_legacy) {
            return None;
        }
        let mut classes = Vec::new();
        let mut suite = Self {
            name: name.to_owned(),
            objects: Vec::new(),
            config: Config::default(),
            services: Vec::new(),
            slices: Vec::new(),
            cases: Vec::new(),
        };
        for document in documents {
            match document.get("kind").and_then(Value::as_str) {
                Some("EndpointSlice") => {
                    let slice = manifest::read::<discovery::EndpointSlice>(&document);
                    suite.slices.push(EndpointSlice::from(&slice));
                }
                Some("Ingress") => suite.objects.push(document),
                Some("IngressClass") => {
                    classes.push(IngressClass::from(&manifest::read::<networking::IngressClass>(&document)));
                }
                Some("Service") => {
                    suite.services.push(Service::from(&manifest::read::<core::Service>(&document)));
                }
                _ => panic!("not a kind that suites hold: {document}"),
            }
        }
        let mut fields = Fields::of(&last);
        suite.config = options(fields.take("options"), classes);
        let requests = fields.take("requests");
        fields.done();
        let Some(Value::Array(requests)) = requests else {
            panic!("the last document has no list `requests`")
        };
        suite.cases = requests.iter().map(Case::read).collect();
        Some(suite)
    }

    /// The Services and slices, put together.
    pub(crate) fn cluster(&self) -> Cluster {
        let mut cluster = Cluster::default();
        for service in &self.services {
            cluster.upsert_service(service.clone());
        }
        for slice in &self.slices {
            cluster.upsert_slice(slice.clone());
        }
        cluster
    }
}

/// What would be settings of a program: `class`, `controller`, `take_unclassed`, `default_backend` as
/// `namespace/name:port`, `default_certificate` as `namespace/name`.
fn options(options: Option<Value>, classes: Vec<IngressClass>) -> Config {
    let options = options.unwrap_or_else(|| Value::Object(Map::new()));
    let mut fields = Fields::of(&options);
    let mut selector = ClassSelector::default().classes(classes);
    let mut config = Config::default();
    if let Some(class) = fields.text("class") {
        selector = selector.class(&class);
    }
    if let Some(controller) = fields.text("controller") {
        selector = selector.controller(&controller);
    }
    if let Some(take) = fields.flag("take_unclassed") {
        selector = selector.take_unclassed(take);
    }
    if let Some(text) = fields.text("default_backend") {
        let parts = text.split_once('/').and_then(|(space, rest)| Some((space, rest.split_once(':')?)));
        let Some((namespace, (name, port))) = parts else { panic!("not namespace/name:port: {text}") };
        let port = port.parse::<u16>().map_or_else(|_| Port::from(port), Port::from);
        config = config.default_backend(Backend::Service(ServiceRef::new(namespace, name, port)));
    }
    if let Some(text) = fields.text("default_certificate") {
        let Some((namespace, name)) = text.split_once('/') else { panic!("not namespace/name: {text}") };
        config = config.default_certificate(SecretRef::new(namespace, name));
    }
    fields.done();
    config.classes(selector)
}

impl Case {
    fn read(value: &Value) -> Self {
        let mut fields = Fields::of(value);
        let Some(request) = fields.take("request") else { panic!("no `request`: {value}") };
        let Some(expect) = fields.take("expect") else { panic!("no `expect`: {value}") };
        let because = fields.text("because");
        fields.done();
        Self { request: Request::read(&request), expect: Expectation::read(&expect), because }
    }
}

impl Request {
    fn read(value: &Value) -> Self {
        let mut fields = Fields::of(value);
        let method = fields.text("method").unwrap_or_else(|| "GET".to_owned());
        let mut headers = HeaderMap::new();
        for (name, value) in fields.take("headers").as_ref().and_then(Value::as_object).into_iter().flatten()
        {
            let name = name.parse::<HeaderName>().unwrap_or_else(|error| panic!("{error}: {name}"));
            let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
            headers.append(name, value.unwrap_or_else(|| panic!("header values are texts")));
        }
        let request = Self {
            method: method.parse().unwrap_or_else(|error| panic!("{error}: {method}")),
            scheme: fields.text("scheme").unwrap_or_else(|| "http".to_owned()),
            host: fields.text("host"),
            target: fields.text("path").unwrap_or_else(|| panic!("no `path`: {value}")),
            headers,
            server_name: fields.text("sni"),
        };
        fields.done();
        request
    }

    /// The request as a table is asked.
    pub(crate) fn head(&self) -> RequestHead<'_> {
        let head = match &self.host {
            Some(host) => RequestHead::new(host, &self.target),
            None => RequestHead::without_host(&self.target),
        };
        head.method(&self.method).headers(&self.headers)
    }

    /// The server name of the connection: `sni` where it is given, else the host.
    pub(crate) fn server_name(&self) -> &str {
        self.server_name.as_deref().or(self.host.as_deref()).unwrap_or_default()
    }
}

/// The fields of a mapping. What nobody takes is a mistake: a misspelt expectation would never fail.
pub(crate) struct Fields(BTreeMap<String, Value>);

impl Fields {
    pub(crate) fn of(value: &Value) -> Self {
        let Value::Object(fields) = value else { panic!("not a mapping: {value}") };
        Self(fields.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key)
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            other => panic!("{key} is no text: {other}"),
        }
    }

    pub(crate) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.take(key)? {
            Value::Bool(flag) => Some(flag),
            other => panic!("{key} is neither true nor false: {other}"),
        }
    }

    pub(crate) fn done(self) {
        assert!(self.0.is_empty(), "not fields of a suite file: {:?}", self.0.keys());
    }
}
