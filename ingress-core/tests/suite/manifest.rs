//! Reads manifests as they stand in files and in tests: multi-document YAML, the API objects of this
//! crate's input, each in every spelling that is read.

#![allow(clippy::panic, reason = "a manifest that a test cannot read is a failed test")]

use ingress_core::Ingress;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::serde::de::DeserializeOwned;
use serde_json::Value;

/// The documents of a YAML text, in order; empty ones are passed over.
pub(crate) fn documents(yaml: &str) -> Vec<Value> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("no YAML: {error}\n{yaml}"));
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

/// One Ingress object, in any of its three spellings. Without `apiVersion` it is the present one.
pub(crate) fn ingress(document: &Value) -> Ingress {
    if is_legacy(document) { legacy(document) } else { Ingress::from(&read::<networking::Ingress>(document)) }
}

/// Whether the object is spelled as one of the API versions that Kubernetes dropped.
pub(crate) fn is_legacy(document: &Value) -> bool {
    let version = document.get("apiVersion").and_then(Value::as_str);
    matches!(version, Some("extensions/v1beta1" | "networking.k8s.io/v1beta1"))
}

#[cfg(feature = "serde")]
fn legacy(document: &Value) -> Ingress {
    Ingress::from(&read::<ingress_core::ingress::LegacyIngress>(document))
}

#[cfg(not(feature = "serde"))]
fn legacy(document: &Value) -> Ingress {
    panic!("the API versions that Kubernetes dropped need the feature `serde`: {document}")
}

/// Any object whose type is known.
pub(crate) fn read<T: DeserializeOwned>(document: &Value) -> T {
    serde_json::from_value(document.clone()).unwrap_or_else(|error| panic!("{error}: {document}"))
}
