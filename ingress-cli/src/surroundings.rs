//! What dialects look at besides Ingresses: Services, Secrets and ConfigMaps of the input.
//!
//! Each kind counts only where the input holds some; otherwise nothing is known about it.

use ingress_core::dialect::{SecretFacts, Surroundings};
use ingress_core::origin::ObjectId;
use serde_json::Value;

use crate::certificate::Certificate;
use crate::inventory::Inventory;
use crate::manifest::{Manifests, Resource, ResourceKind};
use crate::settings;

/// What stands around the Ingresses.
pub(crate) fn of(manifests: &Manifests, inventory: &Inventory) -> Surroundings {
    let mut around = Surroundings::default();
    if inventory.knows_services() {
        around = around.with_services(inventory.services().cloned());
    }
    let secrets = all(manifests, ResourceKind::Secret, facts);
    if !secrets.is_empty() {
        around = around.with_secrets(secrets);
    }
    let maps = all(manifests, ResourceKind::ConfigMap, |map| settings::data(map.value()));
    if !maps.is_empty() {
        around = around.with_config_maps(maps);
    }
    around
}

fn all<T>(manifests: &Manifests, kind: ResourceKind, read: impl Fn(&Resource) -> T) -> Vec<(ObjectId, T)> {
    let objects = manifests.resources().iter().map(crate::manifest::Located::object);
    let meant = objects.filter(|resource| resource.kind() == kind);
    meant.map(|resource| (resource.id().clone(), read(resource))).collect()
}

/// The keys of a Secret and the names of its certificate; nothing of what is secret.
fn facts(secret: &Resource) -> SecretFacts {
    match Certificate::of_secret(secret.value()) {
        Ok(certificate) => SecretFacts::certificate(certificate.names, certificate.common_name.as_deref()),
        Err(_) => {
            let keys = ["data", "stringData"].into_iter().filter_map(|list| secret.value().get(list));
            let keys = keys.filter_map(Value::as_object).flatten().map(|(key, _)| key.clone());
            SecretFacts::with_keys(keys)
        }
    }
}
