//! What the input says about backends and certificates: Services, their endpoints, Secrets.
//!
//! Each kind is judged only by what is there. With no Service at all every backend is taken to exist;
//! with some, one that is not among them does not. The same goes for endpoints and for Secrets.

use std::collections::BTreeSet;
use std::sync::Arc;

use ingress_core::Backend;
use ingress_core::endpoint::{Cluster, EndpointSlice, Endpoints, Resolution, ResolveOptions, Service};
use ingress_core::origin::{ObjectId, SecretRef};
use ingress_core::port::Port;
use ingress_core::request::Availability;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1 as discovery;
use serde::Deserialize;

use crate::manifest::{Located, Resource, ResourceKind};

/// The Services, endpoints and Secrets of the input.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    endpoints: Arc<Endpoints>,
    knows_services: bool,
    knows_endpoints: bool,
    secrets: Option<BTreeSet<ObjectId>>,
}

/// What the input says about a backend.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Nothing: it is taken to exist.
    Unsaid,
    /// These endpoints, or a name outside of the cluster.
    Resolved(Resolution),
    /// Why nothing can be sent there.
    Missing(&'static str),
}

impl Inventory {
    /// Takes in what was read. An object that is not what its kind says is given back with the reason.
    pub(crate) fn new(resources: &[Located<Resource>]) -> (Self, Vec<(&Located<Resource>, String)>) {
        let mut cluster = Cluster::default();
        let mut inventory = Self::default();
        let mut broken = Vec::new();
        for located in resources {
            let resource = located.object();
            let taken = match resource.kind() {
                ResourceKind::Service => {
                    inventory.knows_services = true;
                    typed::<core::Service>(resource)
                        .map(|object| cluster.upsert_service(Service::from(&object)))
                }
                ResourceKind::EndpointSlice => {
                    inventory.knows_endpoints = true;
                    typed::<discovery::EndpointSlice>(resource)
                        .map(|object| cluster.upsert_slice(EndpointSlice::from(&object)))
                }
                ResourceKind::Endpoints => {
                    inventory.knows_endpoints = true;
                    typed::<core::Endpoints>(resource)
                        .map(|object| cluster.upsert_slice(EndpointSlice::from(&object)))
                }
                ResourceKind::Secret => {
                    let secrets = inventory.secrets.get_or_insert_default();
                    Ok(secrets.insert(resource.id().clone()))
                }
                _ => continue,
            };
            if let Err(message) = taken {
                // Whatever it says, there is an object of this name.
                if resource.kind() == ResourceKind::Service {
                    cluster.upsert_service(Service::new(resource.id().clone()).headless());
                }
                broken.push((located, message));
            }
        }
        inventory.endpoints = cluster.endpoints();
        (inventory, broken)
    }

    /// Whether the input says which Services there are.
    pub(crate) fn knows_services(&self) -> bool {
        self.knows_services
    }

    /// The endpoints of the Services of the input.
    pub(crate) fn endpoints(&self) -> &Arc<Endpoints> {
        &self.endpoints
    }

    /// The Services of the input.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Service> {
        self.endpoints.services()
    }

    /// What is known about a backend.
    pub(crate) fn standing(&self, backend: &Backend) -> Standing {
        match backend {
            Backend::Service(service) => self.standing_of(service.id(), service.port()),
            _ => Standing::Unsaid,
        }
    }

    fn standing_of(&self, service: &ObjectId, port: &Port) -> Standing {
        if !self.knows_services {
            return Standing::Unsaid;
        }
        match self.endpoints.resolve(service, port, &ResolveOptions::default()) {
            Resolution::NoEndpoints if !self.knows_endpoints => Standing::Unsaid,
            resolution => match resolution.reason() {
                Some(reason) => Standing::Missing(reason),
                None => Standing::Resolved(resolution),
            },
        }
    }

    /// Whether a Secret is known not to be there.
    pub(crate) fn lacks(&self, secret: &SecretRef) -> bool {
        let id = ObjectId::new(secret.namespace(), secret.name());
        self.secrets.as_ref().is_some_and(|secrets| !secrets.contains(&id))
    }
}

impl Availability for Inventory {
    fn has_endpoints(&self, service: &ObjectId, port: &Port) -> bool {
        !matches!(self.standing_of(service, port), Standing::Missing(_))
    }
}

fn typed<T: for<'de> Deserialize<'de>>(resource: &Resource) -> Result<T, String> {
    T::deserialize(resource.value()).map_err(|error| error.to_string())
}
