//! From the watch events of a Kubernetes cluster to published Ingress route tables.
//!
//! [`Reducer`] takes the events of [kube's watcher](mod@kube::runtime::watcher) for Ingress and IngressClass
//! objects, keeps an [`ingress_core::Compiler`] up to date with them, and publishes tables into a
//! [`SharedTable`](ingress_core::SharedTable). It is pure: no IO, no clock, no task. The loop that opens the
//! watches, decides when to publish, and survives the loss of the API server is the caller's; it is not in
//! this crate yet.
//!
//! # How events are read
//!
//! 1. `Apply` and `InitApply` put an object in at once, during a list as at any other time: each is the
//!    newest truth about its object.
//! 2. `Delete` takes an object out at once.
//! 3. `Init` begins a list, and forgets what an earlier one that did not end had seen. `InitDone` ends it:
//!    objects that it did not name are taken out then, and only then, for a list that broke off says
//!    nothing about what it did not get to.
//! 4. Nothing is published before the first list of *every* required kind was complete: half a world
//!    would answer 404 for the other half. After that, whatever a kind is doing, the changes of the others
//!    are published: one kind whose list never ends does not freeze the rest.
//! 5. Which objects are ours follows IngressClass objects as they come and go. That the last of them is
//!    deleted does not make everything ours.
//!
//! An object whose routed content is what it was (a new status, new managed fields) changes nothing, and then
//! [`publish`](Reducer::publish) publishes nothing.
//!
//! # Example
//!
//! ```
//! use ingress_core::{RequestHead, dialect::Kubernetes};
//! use ingress_kube::Reducer;
//! use k8s_openapi::api::networking::v1::{Ingress, IngressClass, IngressSpec};
//! use kube::runtime::watcher::Event;
//!
//! let mut reducer = Reducer::new(Kubernetes, "example.com/ingress");
//! let readers = reducer.table().clone();
//!
//! # let edge: IngressClass = IngressClass {
//! #     metadata: kube::core::ObjectMeta { name: Some("edge".into()), ..Default::default() },
//! #     spec: Some(k8s_openapi::api::networking::v1::IngressClassSpec {
//! #         controller: Some("example.com/ingress".into()), parameters: None }),
//! # };
//! # let web = Ingress {
//! #     metadata: kube::core::ObjectMeta { name: Some("web".into()), ..Default::default() },
//! #     spec: Some(IngressSpec {
//! #         ingress_class_name: Some("edge".into()),
//! #         default_backend: Some(k8s_openapi::api::networking::v1::IngressBackend {
//! #             service: Some(k8s_openapi::api::networking::v1::IngressServiceBackend {
//! #                 name: "web".into(),
//! #                 port: Some(k8s_openapi::api::networking::v1::ServiceBackendPort {
//! #                     number: Some(80), name: None }),
//! #             }),
//! #             resource: None,
//! #         }),
//! #         ..Default::default()
//! #     }),
//! #     status: None,
//! # };
//! for event in [Event::Init, Event::InitApply(web), Event::InitDone] {
//!     reducer.ingress(event);
//! }
//! assert!(reducer.publish().is_none(), "the classes are not known yet");
//!
//! for event in [Event::Init, Event::InitApply(edge), Event::InitDone] {
//!     reducer.class(event);
//! }
//! reducer.publish().expect("now everything is known");
//! let hit = readers.load().lookup(&RequestHead::new("a.example", "/")).matched().map(|hit| hit.detach());
//! assert_eq!(hit.unwrap().action().to_string(), "default/web:80");
//! ```

mod feed;
mod reducer;

pub use reducer::Reducer;
