//! The one door of `k8s-openapi`: objects of the API become objects of this crate.
//!
//! Everything that is read from the API's types is named here, so that another version of them is a matter of
//! this module.

mod endpoints;
mod ingress;

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1 as discovery;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
