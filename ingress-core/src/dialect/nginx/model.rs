//! What the controller makes of all objects before it writes its configuration: upstreams, servers and
//! locations.

use std::collections::BTreeMap;

use super::canary;
use super::findings;
use super::notes::Notes;
use super::options::{Canary, Options};
use super::settings::Globals;
use crate::diagnostic::DiagnosticKind;
use crate::dialect::Assembly;
use crate::host::HostPattern;
use crate::ingress::{IngressPath, PathType};
use crate::origin::{FieldPath, Origin};
use crate::port::Port;
use crate::printable::Excerpt;
use crate::rule::{Backend, ServiceRef};

/// An object with all that it says.
#[derive(Debug)]
pub(super) struct Object<'i> {
    pub(super) notes: Notes<'i>,
    pub(super) options: Options,
}

/// The name that the controller gives a port of a Service; different ones may have the same.
pub(super) type UpstreamKey = String;

/// A port of a Service, with what is settled for it as a whole.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    pub(super) service: ServiceRef,
    /// The object that settles how its endpoints are chosen.
    pub(super) owner: usize,
    /// Only canaries use it.
    pub(super) no_server: bool,
    pub(super) canary: Option<Canary>,
    pub(super) alternatives: Vec<UpstreamKey>,
    pub(super) affinity: Option<AffinityOf>,
}

/// Which objects settle the affinity of an upstream.
#[derive(Clone, Debug)]
pub(super) struct AffinityOf {
    /// The first one, for the mode.
    pub(super) first: usize,
    /// The last one, for the cookie.
    pub(super) last: usize,
    /// Where the cookie is set.
    pub(super) places: Vec<(HostPattern, String)>,
}

/// Where the requests of a location go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Target {
    /// To what answers when nothing else does.
    Global,
    Upstream(UpstreamKey),
}

/// A path of a server.
#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) path: String,
    pub(super) exact: bool,
    /// Nobody asked for it.
    pub(super) implicit: bool,
    pub(super) target: Target,
    /// The object whose annotations hold for it.
    pub(super) owner: Option<usize>,
    /// Redirects and rewrites of the object do not hold for it.
    pub(super) plain: bool,
    pub(super) origin: Origin,
}

/// A host.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) pattern: HostPattern,
    pub(super) locations: Vec<Location>,
    pub(super) aliases: Vec<String>,
    pub(super) alias_owner: Option<usize>,
    pub(super) from_to_www: Option<usize>,
    /// The object that asks for certificates of clients.
    pub(super) client_certificates: Option<usize>,
    /// TLS connections for the host go on unopened.
    pub(super) passthrough: bool,
    /// What such an object refers to is not there: nobody is let in.
    pub(super) closed: bool,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Model<'i> {
    pub(super) objects: Vec<Object<'i>>,
    pub(super) upstreams: BTreeMap<UpstreamKey, Upstream>,
    /// In the order of their names, as they stand in the file; the one for any host is among them.
    pub(super) servers: BTreeMap<String, Server>,
}

/// The name of the server for any host.
pub(super) const ANY: &str = "_";

pub(super) fn server_name(host: &HostPattern) -> &str {
    if host.is_any() { ANY } else { host.as_str() }
}

/// How the controller names a port of a Service. Nothing keeps the parts apart.
pub(super) fn upstream_key(service: &ServiceRef) -> UpstreamKey {
    let port = match service.port() {
        Port::Number(number) => number.to_string(),
        Port::Name(name) => name.to_string(),
    };
    format!("{}-{}-{port}", service.namespace(), service.name())
}

fn service(backend: &Backend) -> Option<&ServiceRef> {
    match backend {
        Backend::Service(service) => Some(service),
        Backend::Resource(_) => None,
    }
}

/// The path as the controller reads it: absent is the root, and of the three types there are two.
pub(super) fn path_of(path: &IngressPath) -> (&str, bool) {
    (path.path().map_or("/", |path| path), path.path_type() == Some(PathType::Exact))
}

impl<'i> Model<'i> {
    pub(super) fn build(objects: Vec<Object<'i>>, globals: &Globals, out: &mut Assembly<'_>) -> Self {
        let mut model = Self { objects, upstreams: BTreeMap::new(), servers: BTreeMap::new() };
        model.create_upstreams(out);
        model.create_servers(globals);
        model.settle_aliases();
        model.place_paths(globals, out);
        canary::attach(&mut model, out);
        model
    }

    fn create_upstreams(&mut self, out: &mut Assembly<'_>) {
        for (owner, object) in self.objects.iter().enumerate() {
            let ingress = object.notes.ingress();
            let upstream = |service: &ServiceRef| Upstream {
                service: service.clone(),
                owner,
                no_server: object.options.canary.is_some(),
                canary: object.options.canary.clone(),
                alternatives: Vec::new(),
                affinity: None,
            };
            // A default backend makes its upstream anew, whoever made it before.
            if let Some(service) = ingress.default_backend().and_then(service) {
                self.upstreams.insert(upstream_key(service), upstream(service));
            }
            for rule in ingress.rules() {
                for path in rule.paths().unwrap_or_default() {
                    let Some(service) = service(path.backend()) else { continue };
                    let key = upstream_key(service);
                    match self.upstreams.get(&key) {
                        None => {
                            self.upstreams.insert(key, upstream(service));
                        }
                        Some(known) if known.service == *service => {}
                        Some(known) => out.diagnose(
                            DiagnosticKind::Dialect(&findings::UPSTREAM),
                            ingress.id(),
                            FieldPath::path(rule.index(), path.index()),
                            format!(
                                "{} and {} are one upstream, {}: requests go to the former",
                                Excerpt(&known.service.to_string()),
                                Excerpt(&service.to_string()),
                                Excerpt(&key)
                            ),
                        ),
                    }
                }
            }
        }
    }

    fn create_servers(&mut self, globals: &Globals) {
        let root = |target, owner, plain, origin| Location {
            path: "/".to_owned(),
            exact: false,
            implicit: true,
            target,
            owner,
            plain,
            origin,
        };
        let server = |pattern: HostPattern, location, passthrough| Server {
            pattern,
            locations: vec![location],
            aliases: Vec::new(),
            alias_owner: None,
            from_to_www: None,
            client_certificates: None,
            passthrough,
            closed: false,
        };
        let location = root(Target::Global, None, true, Origin::configuration());
        self.servers.insert(ANY.to_owned(), server(HostPattern::any(), location, false));
        for (owner, object) in self.objects.iter().enumerate() {
            if object.options.canary.is_some() {
                continue;
            }
            let ingress = object.notes.ingress();
            let default = ingress.default_backend().and_then(service).map(upstream_key);
            let origin = |field| Origin::new(ingress.id().clone(), field);
            let passthrough = globals.passthrough && object.notes.flag("ssl-passthrough", false);
            if ingress.rules().is_empty()
                && let Some(key) = &default
                && let Some(location) =
                    self.servers.get_mut(ANY).and_then(|server| server.locations.first_mut())
                && location.implicit
            {
                let target = Target::Upstream(key.clone());
                *location = root(target, Some(owner), true, origin(FieldPath::default_backend()));
                location.implicit = false;
            }
            for rule in ingress.rules() {
                let name = server_name(rule.host());
                if self.servers.contains_key(name) {
                    continue;
                }
                let (target, field) = match &default {
                    Some(key) => (Target::Upstream(key.clone()), FieldPath::default_backend()),
                    None => (Target::Global, FieldPath::rule(rule.index())),
                };
                let location = root(target, Some(owner), false, origin(field));
                self.servers.insert(name.to_owned(), server(rule.host().clone(), location, passthrough));
            }
        }
    }

    /// The first object of a host that has aliases decides; names that are hosts themselves are dropped.
    fn settle_aliases(&mut self) {
        for (owner, object) in self.objects.iter().enumerate() {
            if object.options.canary.is_some() {
                continue;
            }
            for rule in object.notes.ingress().rules() {
                if let Some(server) = self.servers.get_mut(server_name(rule.host()))
                    && server.alias_owner.is_none()
                    && !object.options.aliases.is_empty()
                {
                    server.alias_owner = Some(owner);
                    server.aliases.clone_from(&object.options.aliases);
                }
            }
        }
        let names: Vec<String> = self.servers.keys().cloned().collect();
        for server in self.servers.values_mut() {
            server.aliases.retain(|alias| names.binary_search(alias).is_err());
        }
    }

    fn place_paths(&mut self, globals: &Globals, out: &mut Assembly<'_>) {
        for (owner, object) in self.objects.iter().enumerate() {
            let ingress = object.notes.ingress();
            for rule in ingress.rules() {
                let host = server_name(rule.host());
                let name = if self.servers.contains_key(host) { host } else { ANY };
                let Some(server) = self.servers.get_mut(name) else { continue };
                if rule.paths().is_none() && host != ANY {
                    continue;
                }
                super::certificates::ask_clients(server, owner, object, globals, out);
                for path in rule.paths().unwrap_or_default() {
                    let Some(service) = service(path.backend()) else { continue };
                    let key = upstream_key(service);
                    let Some(upstream) = self.upstreams.get_mut(&key) else { continue };
                    let field = FieldPath::path(rule.index(), path.index());
                    if upstream.no_server {
                        if object.options.canary.is_none() {
                            let what = "an older canary has the Service, so that the path is not served";
                            let kind = DiagnosticKind::Dialect(&findings::CANARY);
                            out.diagnose(kind, ingress.id(), field, what.to_owned());
                        }
                        continue;
                    }
                    let (text, exact) = path_of(path);
                    let origin = Origin::new(ingress.id().clone(), field.clone());
                    let other = server.place(Location {
                        path: text.to_owned(),
                        exact,
                        implicit: false,
                        target: Target::Upstream(key.clone()),
                        owner: Some(owner),
                        plain: false,
                        origin,
                    });
                    match other {
                        None => {
                            if object.options.from_to_www && server.from_to_www.is_none() {
                                server.from_to_www = Some(owner);
                            }
                        }
                        Some(other) => {
                            let what = format!(
                                "path {} of host {host} is not served: {other} has it",
                                Excerpt(text)
                            );
                            out.diagnose(
                                DiagnosticKind::Dialect(&findings::CONFLICT),
                                ingress.id(),
                                field,
                                what,
                            );
                        }
                    }
                    if object.notes.get("affinity") == Some("cookie") {
                        let affinity = upstream.affinity.get_or_insert_with(|| AffinityOf {
                            first: owner,
                            last: owner,
                            places: Vec::new(),
                        });
                        affinity.last = owner;
                        let declared = path.path().map_or("", |path| path);
                        affinity.places.push((rule.host().clone(), declared.to_owned()));
                    }
                }
            }
        }
    }
}

impl Server {
    /// Puts a location in its place; says whose place it is if that is somebody else's.
    fn place(&mut self, new: Location) -> Option<Origin> {
        for known in &mut self.locations {
            if known.path != new.path {
                continue;
            }
            // Only the first location of a path is looked at: another type ends the search.
            if known.exact != new.exact {
                break;
            }
            if !known.implicit {
                return Some(known.origin.clone());
            }
            *known = new;
            return None;
        }
        self.locations.push(new);
        None
    }
}
