//! The doors' common shape: an object as its API version spells it, before anything is judged.

use std::sync::Arc;

use super::{Ingress, IngressPath, IngressRule, PathType, TlsEntry};
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::host::HostPattern;
use crate::origin::{FieldPath, IngressId, Leaf, ObjectId, SecretRef};
use crate::port::Port;
use crate::printable::{Excerpt, Printable};
use crate::rule::{Backend, ResourceRef, ServiceRef};

#[derive(Debug, Default)]
pub(crate) struct RawIngress<'a> {
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) uid: Option<&'a str>,
    pub(crate) created: Option<i64>,
    pub(crate) class: Option<&'a str>,
    pub(crate) annotations: Vec<(&'a str, &'a str)>,
    pub(crate) default_backend: Option<RawBackend<'a>>,
    pub(crate) rules: Vec<RawRule<'a>>,
    pub(crate) tls: Vec<RawTls<'a>>,
}

#[derive(Debug, Default)]
pub(crate) struct RawRule<'a> {
    pub(crate) host: Option<&'a str>,
    pub(crate) paths: Option<Vec<RawPath<'a>>>,
}

#[derive(Debug)]
pub(crate) struct RawPath<'a> {
    pub(crate) path: Option<&'a str>,
    pub(crate) path_type: Option<&'a str>,
    pub(crate) backend: RawBackend<'a>,
}

#[derive(Debug, Default)]
pub(crate) struct RawBackend<'a> {
    pub(crate) service: Option<RawService<'a>>,
    pub(crate) resource: Option<RawResource<'a>>,
}

#[derive(Debug)]
pub(crate) struct RawService<'a> {
    pub(crate) name: &'a str,
    pub(crate) number: Option<i64>,
    pub(crate) port_name: Option<&'a str>,
}

#[derive(Debug)]
pub(crate) struct RawResource<'a> {
    pub(crate) group: Option<&'a str>,
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
}

#[derive(Debug, Default)]
pub(crate) struct RawTls<'a> {
    pub(crate) hosts: &'a [String],
    pub(crate) secret: Option<&'a str>,
}

/// Reads one object, noting what it leaves out.
struct Reader {
    id: IngressId,
    diagnostics: Vec<Diagnostic>,
}

impl RawIngress<'_> {
    pub(crate) fn parse(&self) -> Ingress {
        let namespace = self.namespace.filter(|namespace| !namespace.is_empty()).unwrap_or("default");
        let name = self.name.unwrap_or("");
        let mut reader = Reader { id: IngressId::new(namespace, name), diagnostics: Vec::new() };
        // With a slash in either half, the object could pass for one of another namespace.
        let told_apart = |text: &str| !text.contains('/') && Printable(text).is_plain();
        if name.is_empty() || !told_apart(name) || !told_apart(namespace) {
            reader.note(DiagnosticKind::UnnamedIngress, FieldPath::object(), || {
                let lacking = if name.is_empty() {
                    "has no name"
                } else {
                    "has a slash or control characters in its name or namespace"
                };
                format!("the object {lacking}, so it cannot be told from others and is not served")
            });
            return reader.finish(self, None, Vec::new(), Vec::new());
        }
        let default_backend =
            self.default_backend.as_ref().and_then(|raw| reader.backend(raw, &FieldPath::default_backend()));
        let rules = (0..).zip(&self.rules).filter_map(|(index, raw)| reader.rule(index, raw)).collect();
        let tls = (0..).zip(&self.tls).map(|(index, raw)| reader.tls(index, raw)).collect();
        if self.rules.is_empty() && self.default_backend.is_none() && self.tls.is_empty() {
            reader.note(DiagnosticKind::EmptyIngress, FieldPath::object(), || {
                "the object has neither rules nor a default backend".to_owned()
            });
        }
        reader.finish(self, default_backend, rules, tls)
    }
}

impl Reader {
    fn name(&mut self, text: &str, field: FieldPath) -> Option<()> {
        if Printable(text).is_plain() {
            return Some(());
        }
        self.note(DiagnosticKind::InvalidName, field, || {
            format!("{} is no name: it holds control characters", Excerpt(text))
        });
        None
    }

    fn note(&mut self, kind: DiagnosticKind, field: FieldPath, message: impl FnOnce() -> String) {
        self.diagnostics.push(Diagnostic::new(kind, self.id.clone(), field, message()));
    }

    fn finish(
        self,
        raw: &RawIngress<'_>,
        default_backend: Option<Backend>,
        rules: Vec<IngressRule>,
        tls: Vec<TlsEntry>,
    ) -> Ingress {
        let mut annotations: Vec<(Arc<str>, Arc<str>)> =
            raw.annotations.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        annotations.sort_unstable();
        annotations.dedup_by(|later, earlier| later.0 == earlier.0);
        Ingress {
            id: self.id,
            uid: raw.uid.map(Into::into),
            created: raw.created,
            class: raw.class.filter(|class| !class.is_empty()).map(Into::into),
            annotations,
            default_backend,
            rules,
            tls,
            diagnostics: self.diagnostics,
        }
    }

    fn rule(&mut self, index: u32, raw: &RawRule<'_>) -> Option<IngressRule> {
        let host = self.host(raw.host.unwrap_or(""), &FieldPath::rule(index).leaf(Leaf::Host))?;
        let paths = raw.paths.as_ref().map(|paths| {
            (0..)
                .zip(paths)
                .filter_map(|(path, raw)| self.path(FieldPath::path(index, path), path, raw))
                .collect()
        });
        Some(IngressRule { index, host, paths })
    }

    fn host(&mut self, text: &str, field: &FieldPath) -> Option<HostPattern> {
        match text.parse::<HostPattern>() {
            Ok(host) => {
                if !host.is_any() && host.as_str() != text {
                    self.note(DiagnosticKind::RespelledHost, field.clone(), || {
                        format!("host {} is served as {host}", Excerpt(text))
                    });
                }
                Some(host)
            }
            Err(error) => {
                let kind = if error.is_address() {
                    DiagnosticKind::AddressHost
                } else if error.is_wildcard() {
                    DiagnosticKind::WildcardHost
                } else {
                    DiagnosticKind::InvalidHost
                };
                self.note(kind, field.clone(), || format!("host {} is not served: {error}", Excerpt(text)));
                None
            }
        }
    }

    fn path(&mut self, field: FieldPath, index: u32, raw: &RawPath<'_>) -> Option<IngressPath> {
        let path_type = match raw.path_type {
            None | Some("") => None,
            Some("Exact") => Some(PathType::Exact),
            Some("Prefix") => Some(PathType::Prefix),
            Some("ImplementationSpecific") => Some(PathType::ImplementationSpecific),
            Some(unknown) => {
                self.note(DiagnosticKind::UnknownPathType, field.leaf(Leaf::PathType), || {
                    format!("path type {} is not known; the path is not served", Excerpt(unknown))
                });
                return None;
            }
        };
        let backend = self.backend(&raw.backend, &field)?;
        let path = raw.path.filter(|path| !path.is_empty()).map(Into::into);
        Some(IngressPath { index, path, path_type, backend })
    }

    fn backend(&mut self, raw: &RawBackend<'_>, field: &FieldPath) -> Option<Backend> {
        let at = |leaf| field.clone().leaf(leaf);
        match (&raw.service, &raw.resource) {
            (Some(service), None) => {
                if service.name.is_empty() {
                    self.note(DiagnosticKind::MissingServiceName, at(Leaf::ServiceName), || {
                        "the backend Service has no name".to_owned()
                    });
                    return None;
                }
                self.name(service.name, at(Leaf::ServiceName))?;
                let port = self.port(service, at(Leaf::ServicePort))?;
                Some(Backend::Service(ServiceRef::new(self.id.namespace(), service.name, port)))
            }
            (None, Some(resource)) => {
                if resource.kind.is_empty() || resource.name.is_empty() {
                    self.note(DiagnosticKind::IncompleteResource, at(Leaf::Backend), || {
                        let lacking = if resource.kind.is_empty() { "kind" } else { "name" };
                        format!("the backend resource has no {lacking}; it is not served")
                    });
                    return None;
                }
                let group = resource.group.unwrap_or("");
                for text in
                    [resource.name, resource.kind].into_iter().chain((!group.is_empty()).then_some(group))
                {
                    self.name(text, at(Leaf::Backend))?;
                }
                let id = ObjectId::new(self.id.namespace(), resource.name);
                Some(Backend::Resource(Box::new(ResourceRef::new(group, resource.kind, id))))
            }
            (service, _) => {
                let which = if service.is_some() {
                    "both a service and a resource"
                } else {
                    "no service and no resource"
                };
                self.note(DiagnosticKind::AmbiguousBackend, at(Leaf::Backend), || {
                    format!("the backend names {which}; it is not served")
                });
                None
            }
        }
    }

    fn port(&mut self, service: &RawService<'_>, field: FieldPath) -> Option<Port> {
        let name = service.port_name.filter(|name| !name.is_empty());
        let problem = match (service.number, name) {
            (Some(number), None) => match u16::try_from(number) {
                Ok(number) if number > 0 => return Some(Port::Number(number)),
                _ => format!("port {number} is not between 1 and 65535"),
            },
            (None, Some(name)) if Printable(name).is_plain() => return Some(Port::Name(name.into())),
            (None, Some(name)) => format!("{} is no name of a port", Excerpt(name)),
            (Some(number), Some(name)) => {
                format!("both a port number ({number}) and a port name ({}) are given", Excerpt(name))
            }
            (None, None) => "no port is given".to_owned(),
        };
        self.note(DiagnosticKind::InvalidPort, field, || format!("{problem}; the path is not served"));
        None
    }

    fn tls(&mut self, index: u32, raw: &RawTls<'_>) -> TlsEntry {
        let mut hosts = Vec::with_capacity(raw.hosts.len());
        for (place, text) in (0..).zip(raw.hosts) {
            let field = FieldPath::tls_host(index, place);
            // No host means every host in a rule; in a list of names it is a mistake.
            if text.is_empty() {
                self.note(DiagnosticKind::InvalidHost, field, || {
                    "host \"\" is not served: it is empty".to_owned()
                });
                continue;
            }
            if let Some(host) = self.host(text, &field) {
                hosts.push((place, host));
            }
        }
        let secret = raw.secret.filter(|secret| !secret.is_empty());
        let at = || FieldPath::tls(index).leaf(Leaf::SecretName);
        let secret = secret.filter(|name| self.name(name, at()).is_some());
        TlsEntry {
            index,
            hosts,
            names_hosts: !raw.hosts.is_empty(),
            secret: secret.map(|name| SecretRef::new(self.id.namespace(), name)),
        }
    }
}
