//! Which endpoint of a Service a request goes to.
//!
//! A [`Balancer`] reads the endpoints that are published with the routes and picks one for each request:
//!
//! ```
//! use ingress_core::SharedTable;
//! # use ingress_core::endpoint::{Cluster, EndpointSlice, Service, ServicePort, SliceEndpoint};
//! use ingress_core::rule::ServiceRef;
//! use ingress_tower::balance::{Balancer, Caller};
//!
//! let table = SharedTable::default();
//! # let id = ServiceRef::new("shop", "web", 80).id().clone();
//! # let mut cluster = Cluster::default();
//! # cluster.upsert_service(Service::new(id.clone()).with_port(ServicePort::new(80)));
//! # let slice = EndpointSlice::new(id.clone(), id).with_port("", 8080);
//! # let slice = slice.with_endpoint(SliceEndpoint::new([10, 0, 0, 1])).with_endpoint(SliceEndpoint::new([10, 0, 0, 2]));
//! # cluster.upsert_slice(slice);
//! # table.publish_all(Default::default(), cluster.endpoints());
//! let balancer = Balancer::new(table);
//! let web = ServiceRef::new("shop", "web", 80);
//!
//! let first = balancer.pick(&web, &Caller::unknown())?;
//! let second = balancer.pick(&web, &Caller::unknown())?;
//! assert_ne!(first.address(), second.address(), "the other one has less to do");
//! first.succeeded();
//! # Ok::<(), ingress_tower::balance::Unavailable>(())
//! ```
//!
//! # Configured
//!
//! ```
//! use ingress_core::SharedTable;
//! use ingress_tower::balance::{Affinity, Balancer, Ejection, KeyPart, Policy, Settings, Zone};
//! use std::time::Duration;
//!
//! let sessions = Affinity::new("sid")?.max_age(Duration::from_secs(86_400));
//! let settings = Settings::default()
//!     .policy_by(move |service| match service.name() {
//!         "cart" => Policy::Cookie(sessions.clone()),
//!         "cache" => Policy::hash([KeyPart::Target]),
//!         _ => Policy::LeastOfTwo,
//!     })
//!     .ejection(Ejection::default().after(3).at_most(30))
//!     .slow_start(Duration::from_secs(30))
//!     .zone(Zone::new("eu-1a").at_least(2));
//! let balancer = Balancer::with(SharedTable::default(), settings);
//! # assert_eq!(balancer.remembered(), 0);
//! # Ok::<(), ingress_tower::balance::BadCookie>(())
//! ```
//!
//! # How an endpoint is picked
//!
//! 1. The endpoints are those that [resolution](ingress_core::endpoint#how-a-backend-is-resolved) gives for
//!    the port. Those that are about to go are passed over while there are others.
//! 2. If the [zone](Zone) is known, those that are hinted for it; where there are no hints, those in it.
//!    Others are picked only if none of these can be.
//! 3. Of these, those that are not [ejected](Ejection), and that the request has
//!    [not been tried with](Caller::tried).
//! 4. Of these the [`Policy`] picks one. One that has just come gets less than its share
//!    [for a while](Settings::slow_start).
//! 5. If all are ejected, they are picked from as if none were; a request that has been tried with all goes
//!    to one of them again.
//!
//! # What is remembered
//!
//! Of each port that was asked for: whose turn it is. Of each of its endpoints, for as long as it stays:
//! requests in flight, failures, ejections. Both outlast changes of routes and of other endpoints. An
//! endpoint that goes takes its counts along, and comes back as a new one. Backends that name one port in
//! two ways, by number and by name, are two ports here.
//!
//! Ports that are gone are forgotten, and there is a [bound](Settings::capacity) on all.
//!
//! # Time and chance
//!
//! come from [`Settings::clock`] and [`Settings::draw`]: with those of one's own, everything happens again
//! exactly as it did. Consistent hashing has no part in chance: all replicas with one
//! [seed](Settings::seed) agree.
//!
//! # Cost
//!
//! A pick searches one hash table and looks at two endpoints; it takes no lock, reads no clock and
//! allocates nothing. The first pick of a port after endpoints were published asks the table whether its
//! endpoints are the same; if not, they are made ready again: `n log n` in the endpoints. Hashing keeps 160
//! points for each endpoint. Only around endpoints that are ejected or new the clock is read.

mod balancer;
mod choose;
mod cookie;
mod group;
mod key;
mod ledger;
mod member;
mod picked;
mod registry;
mod ring;
mod schedule;
mod settings;
mod unavailable;

pub use balancer::{Balancer, EndpointState};
pub use cookie::{Affinity, AffinityMode, BadCookie, SameSite};
pub use key::{Caller, KeyPart};
pub use ledger::Ejection;
pub use picked::Picked;
pub use settings::{Policy, Settings, Zone};
pub use unavailable::Unavailable;

/// The weight of an ordinary endpoint.
pub const EVEN: u32 = 100;
