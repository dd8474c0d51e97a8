//! From Ingresses to servers and locations, in the order of the controller's own steps.
//!
//! Written from the description of the controller's behaviour, not from the dialect: a mistake in one of
//! the two shows as a difference.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress, IngressBackend};

use crate::annotations::{Options, Policy};
use crate::objects::ObjectSet;

/// The server that takes what no other does.
pub(crate) const CATCH_ALL: &str = "_";
/// The upstream of requests that nobody declared anything for.
pub(crate) const DEFAULT: &str = "default";
/// What serves them where the controller was given a default backend of its own.
pub(crate) const DEFAULT_SERVICE: &str = "infra/default:80";

/// What is served for a set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Controller {
    /// By host.
    pub(crate) servers: BTreeMap<String, Server>,
    /// By namespace, service and port, joined as the controller does.
    pub(crate) upstreams: BTreeMap<String, Upstream>,
    /// What serves [`DEFAULT`]: a Service, or what is built in.
    pub(crate) default_backend: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Upstream {
    /// `namespace/service:port`.
    pub(crate) name: String,
    canary: bool,
    pub(crate) policy: Policy,
    alternatives: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Server {
    pub(crate) aliases: Vec<String>,
    pub(crate) locations: Vec<Location>,
    pub(crate) from_to_www: bool,
    pub(crate) has_certificate: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Exact,
    Prefix,
}

#[derive(Clone, Debug)]
pub(crate) struct Location {
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) upstream: String,
    pub(crate) options: Options,
    /// Nobody declared it.
    implicit: bool,
}

impl Location {
    /// Judged on the path that is emitted, not on the one that was declared.
    pub(crate) fn needs_rewrite(&self) -> bool {
        !self.options.rewrite_target.is_empty() && self.options.rewrite_target != self.path
    }
}

impl Server {
    fn with_root(upstream: &str, options: Options) -> Self {
        let root = Location {
            path: "/".to_owned(),
            kind: Kind::Prefix,
            upstream: upstream.to_owned(),
            options,
            implicit: true,
        };
        Self { locations: vec![root], ..Self::default() }
    }

    /// Whether all its locations are expressions.
    pub(crate) fn is_regex(&self) -> bool {
        self.locations.iter().any(|location| location.options.use_regex || location.needs_rewrite())
    }
}

type Served<'i> = (&'i Ingress, Options);

impl Controller {
    pub(crate) fn new(set: &ObjectSet) -> Self {
        let mut served: Vec<Served<'_>> =
            set.ingresses.iter().filter_map(|ingress| Some((ingress, Options::read(ingress)?))).collect();
        let age = |ingress: &Ingress| ingress.metadata.creation_timestamp.as_ref().map(|time| time.0);
        served.sort_by(|(a, _), (b, _)| age(a).cmp(&age(b)).then_with(|| name(b).cmp(&name(a))));

        let default_backend = if set.default_service { DEFAULT_SERVICE } else { DEFAULT };
        let mut controller = Self { default_backend: default_backend.to_owned(), ..Self::default() };
        controller.create_upstreams(&served);
        controller.create_servers(&served);
        controller.place_locations(&served);
        if served.iter().any(|(_, options)| options.canary.is_none()) {
            controller.attach_canaries(&served);
        }
        for server in controller.servers.values_mut() {
            server.locations.sort_by(|a, b| b.path.cmp(&a.path));
            server.locations.sort_by_key(|location| std::cmp::Reverse(location.path.len()));
            server.locations = split(std::mem::take(&mut server.locations));
        }
        controller
    }

    fn create_upstreams(&mut self, served: &[Served<'_>]) {
        for (ingress, options) in served {
            let upstream = |name: String| Upstream {
                name,
                canary: options.canary.is_some(),
                policy: options.canary.clone().unwrap_or_default(),
                alternatives: Vec::new(),
            };
            if let Some((key, name)) = default_backend(ingress).and_then(|backend| key(ingress, backend)) {
                // Anew, even if an older object has brought it about.
                self.upstreams.insert(key, upstream(name));
            }
            for (_, _, path) in paths(ingress) {
                if let Some((key, name)) = key(ingress, &path.backend) {
                    self.upstreams.entry(key).or_insert_with(|| upstream(name));
                }
            }
        }
    }

    fn create_servers(&mut self, served: &[Served<'_>]) {
        self.servers.insert(CATCH_ALL.to_owned(), Server::with_root(DEFAULT, Options::default()));
        let ordinary = || served.iter().filter(|(_, options)| options.canary.is_none());
        for (ingress, options) in ordinary() {
            let own = default_backend(ingress).and_then(|backend| key(ingress, backend));
            let own = own.map(|(key, _)| key);
            if let Some(upstream) = own.as_ref().filter(|_| rules(ingress).next().is_none()) {
                let root = self.servers.get_mut(CATCH_ALL).and_then(|server| server.locations.first_mut());
                if let Some(root) = root.filter(|root| root.implicit) {
                    root.upstream.clone_from(upstream);
                    root.implicit = false;
                    // Neither its redirects nor its rewrites.
                    root.options = Options { denied: options.denied, ..Options::default() };
                }
            }
            for (_, rule) in rules(ingress) {
                let root = || Server::with_root(own.as_deref().unwrap_or(DEFAULT), options.clone());
                self.servers.entry(host(rule.host.as_deref())).or_insert_with(root);
            }
        }
        let hosts: BTreeSet<String> = self.servers.keys().cloned().collect();
        for (ingress, options) in ordinary() {
            for (_, rule) in rules(ingress) {
                let host = host(rule.host.as_deref());
                let Some(server) = self.servers.get_mut(&host) else { continue };
                if server.aliases.is_empty() {
                    server.aliases.clone_from(&options.aliases);
                }
                let tls = ingress.spec.as_ref().and_then(|spec| spec.tls.as_ref());
                server.has_certificate |= host == CATCH_ALL || tls.is_some_and(|tls| !tls.is_empty());
            }
        }
        for server in self.servers.values_mut() {
            server.aliases.retain(|alias| !hosts.contains(alias));
        }
    }

    /// Canaries too: one whose Service an ordinary object uses is no canary here.
    fn place_locations(&mut self, served: &[Served<'_>]) {
        for (ingress, options) in served {
            for (_, rule_host, path) in paths(ingress) {
                let Some((key, _)) = key(ingress, &path.backend) else { continue };
                if self.upstreams.get(&key).is_none_or(|upstream| upstream.canary) {
                    continue;
                }
                let host = host(rule_host);
                let host = if self.servers.contains_key(&host) { host.as_str() } else { CATCH_ALL };
                let Some(server) = self.servers.get_mut(host) else { continue };
                if server.place(declared(path), kind(path), &key, options) {
                    server.from_to_www |= options.from_to_www;
                }
            }
        }
    }

    fn attach_canaries(&mut self, served: &[Served<'_>]) {
        for (ingress, _) in served.iter().filter(|(_, options)| options.canary.is_some()) {
            if let Some((canary, _)) = default_backend(ingress).and_then(|backend| key(ingress, backend)) {
                self.attach(&canary, CATCH_ALL, None);
            }
            for (_, rule_host, path) in paths(ingress) {
                if let Some((canary, _)) = key(ingress, &path.backend) {
                    self.attach(&canary, &host(rule_host), Some((declared(path), kind(path))));
                }
            }
        }
    }

    /// Attaches a canary to what serves this path of the host, or every path. One that finds nothing there
    /// is gone altogether.
    fn attach(&mut self, canary: &str, host: &str, wanted: Option<(&str, Kind)>) {
        let Some(server) = self.servers.get(host).filter(|_| self.upstreams.contains_key(canary)) else {
            return;
        };
        let (mut attached, mut same) = (false, false);
        for location in &server.locations {
            same = wanted.is_some() && location.upstream == canary;
            if same {
                break;
            }
            if location.upstream == canary
                || wanted.is_some_and(|wanted| wanted != (location.path.as_str(), location.kind))
            {
                continue;
            }
            let primary = self.upstreams.get_mut(&location.upstream);
            if let Some(primary) = primary.filter(|primary| !primary.canary) {
                primary.alternatives.push(canary.to_owned());
                attached = true;
            }
        }
        if !attached && !same {
            self.upstreams.remove(canary);
        }
    }

    /// The canary that shares an upstream's requests. Only the first one does.
    pub(crate) fn canary(&self, upstream: &Upstream) -> Option<&Upstream> {
        self.upstreams.get(upstream.alternatives.first()?)
    }
}

impl Server {
    /// Whether the object gets the location.
    fn place(&mut self, path: &str, kind: Kind, upstream: &str, options: &Options) -> bool {
        let mine = Location {
            path: path.to_owned(),
            kind,
            upstream: upstream.to_owned(),
            options: options.clone(),
            implicit: false,
        };
        // The first of that path decides, even if a later one has the same type.
        match self.locations.iter_mut().find(|location| location.path == path) {
            Some(first) if first.kind == kind => {
                if !first.implicit {
                    return false;
                }
                *first = mine;
            }
            _ => self.locations.push(mine),
        }
        true
    }
}

/// A prefix without expressions becomes two locations.
fn split(locations: Vec<Location>) -> Vec<Location> {
    let exact: BTreeSet<String> = locations
        .iter()
        .filter(|location| location.kind == Kind::Exact)
        .map(|location| location.path.clone())
        .collect();
    let mut emitted = Vec::new();
    for location in locations {
        if location.path == "/"
            || location.kind == Kind::Exact
            || location.options.use_regex
            || location.needs_rewrite()
        {
            emitted.push(location);
            continue;
        }
        let slash = if location.path.ends_with('/') { "" } else { "/" };
        emitted.push(Location { path: format!("{}{slash}", location.path), ..location.clone() });
        if !exact.contains(&location.path) {
            emitted.push(Location { kind: Kind::Exact, ..location });
        }
    }
    emitted
}

fn name(ingress: &Ingress) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}", text(&ingress.metadata.namespace), text(&ingress.metadata.name))
}

fn host(host: Option<&str>) -> String {
    host.filter(|host| !host.is_empty()).unwrap_or(CATCH_ALL).to_owned()
}

fn declared(path: &HTTPIngressPath) -> &str {
    path.path.as_deref().filter(|path| !path.is_empty()).unwrap_or("/")
}

/// What leaves it open is a prefix.
fn kind(path: &HTTPIngressPath) -> Kind {
    if path.path_type == "Exact" { Kind::Exact } else { Kind::Prefix }
}

fn default_backend(ingress: &Ingress) -> Option<&IngressBackend> {
    ingress.spec.as_ref()?.default_backend.as_ref()
}

type Rule = k8s_openapi::api::networking::v1::IngressRule;

fn rules(ingress: &Ingress) -> impl Iterator<Item = (usize, &Rule)> {
    ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten()).enumerate()
}

fn paths(ingress: &Ingress) -> impl Iterator<Item = (usize, Option<&str>, &HTTPIngressPath)> {
    rules(ingress).flat_map(|(number, rule)| {
        rule.http.iter().flat_map(|http| &http.paths).map(move |path| (number, rule.host.as_deref(), path))
    })
}

/// The key of an upstream, and `namespace/service:port`. Other kinds of backends have none.
fn key(ingress: &Ingress, backend: &IngressBackend) -> Option<(String, String)> {
    let service = backend.service.as_ref()?;
    let namespace = ingress.metadata.namespace.as_deref().unwrap_or_default();
    let port = service.port.as_ref()?;
    let port = match port.number {
        Some(number) if number > 0 => number.to_string(),
        _ => port.name.clone().unwrap_or_default(),
    };
    let name = &service.name;
    Some((format!("{namespace}-{name}-{port}"), format!("{namespace}/{name}:{port}")))
}
