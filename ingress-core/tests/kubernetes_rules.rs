//! The rules K1 to K19 by which the `kubernetes` dialect reads the Ingress specification, one after
//! the other. Each test says which mistake it catches. Wider coverage is data: see `suite.rs`.

#![cfg(feature = "k8s-openapi")]

#[path = "kubernetes_rules/backends.rs"]
mod backends;
#[path = "kubernetes_rules/certificates.rs"]
mod certificates;
#[path = "kubernetes_rules/classes.rs"]
mod classes;
#[path = "kubernetes_rules/defaults.rs"]
mod defaults;
#[path = "kubernetes_rules/hosts.rs"]
mod hosts;
#[path = "kubernetes_rules/input.rs"]
mod input;
#[path = "suite/manifest.rs"]
mod manifest;
#[path = "kubernetes_rules/objects.rs"]
mod objects;
#[path = "kubernetes_rules/paths.rs"]
mod paths;
