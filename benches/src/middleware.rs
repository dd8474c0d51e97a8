//! What the tower layer adds to a service, and what it costs to pick an endpoint.

use std::collections::{BTreeSet, HashSet};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::{HeaderValue, Request, Response};
use ingress_core::endpoint::{Cluster, EndpointSlice, Resolution, ResolveOptions, Service as Endpoints};
use ingress_core::endpoint::{ServicePort, SliceEndpoint};
use ingress_core::origin::ObjectId;
use ingress_core::rule::ServiceRef;
use ingress_core::{Action, Backend, RequestHead, RouteTable, SharedTable};
use ingress_tower::balance::{Balancer, Caller, KeyPart, Policy, Settings};
use ingress_tower::{AsRouted, Route, RouteLayer};
use tower_layer::Layer;
use tower_service::Service;

use crate::clock::Stopwatch;
use crate::requests::Requests;
use crate::statistics::Sorted;
use crate::workload::Workload;

/// Calls that are timed together. Their requests fit the second cache, as those of a server do that has
/// just parsed them.
const BATCH: usize = 500;

/// What the services inside put into the response: the rule that they were told of.
type Answer = Response<Option<String>>;

/// The inner service: drops the request and answers at once. With `tell` it says what it was told; that is
/// for the check of the answers, and never timed.
#[derive(Clone, Copy, Debug)]
struct Inner {
    tell: bool,
}

impl<Q: AsRouted> Service<Q> for Inner {
    type Response = Answer;
    type Error = Infallible;
    type Future = Ready<Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let told = if self.tell { request.routed().map(|routed| routed.origin().to_string()) } else { None };
        ready(Ok(Response::new(told)))
    }
}

/// Looks the request up and forgets the answer: what no layer can do without.
#[derive(Clone, Debug)]
struct Looking {
    table: SharedTable,
    inner: Inner,
}

impl Service<Request<()>> for Looking {
    type Response = Answer;
    type Error = Infallible;
    type Future = Ready<Result<Answer, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<()>>::poll_ready(&mut self.inner, context)
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        black_box(self.table.load().lookup(&RequestHead::from(&request)).matched().is_some());
        self.inner.call(request)
    }
}

/// What a server has put into the extensions.
#[derive(Clone, Copy, Debug)]
struct Connection(#[expect(dead_code, reason = "it only takes its place")] u64);

/// How a request comes from the server.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// HTTP/1.1: a path and a `Host` header; the server has put something into the extensions.
    Http1,
    /// HTTP/2: the URI has an authority; the server has put something into the extensions.
    Http2,
    /// As the one before, with empty extensions.
    Bare,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Http1, Self::Http2, Self::Bare];

    /// For a line of results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
            Self::Bare => "HTTP/2, empty extensions",
        }
    }

    fn request(self, host: &str, path: &str) -> Option<Request<()>> {
        let mut request = Request::new(());
        if matches!(self, Self::Http1) {
            *request.uri_mut() = path.parse().ok()?;
            request.headers_mut().insert(http::header::HOST, HeaderValue::from_str(host).ok()?);
        } else {
            *request.uri_mut() = format!("http://{host}{path}").parse().ok()?;
        }
        if !matches!(self, Self::Bare) {
            request.extensions_mut().insert(Connection(7));
        }
        Some(request)
    }
}

/// What a call goes through on its way to the inner service.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// Nothing.
    Bare,
    /// A lookup whose answer nobody gets.
    Lookup,
    /// The layer, with the rule in the extensions.
    Layer,
    /// The layer, with the rule beside the request.
    Beside,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bare, Self::Lookup, Self::Layer, Self::Beside];

    /// For a line of results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Lookup => "lookup",
            Self::Layer => "layer",
            Self::Beside => "beside",
        }
    }
}

/// A table behind the layer, and the requests of a workload that some rule takes.
#[derive(Debug)]
pub struct Middleware {
    layer: RouteLayer,
    requests: Vec<(String, String, String)>,
}

/// Nanoseconds per call, each the median of batches and their tenth percentile. On a machine that others
/// use the second is nearer to what it would be alone.
#[derive(Clone, Copy, Debug)]
pub struct Added {
    /// The inner service alone.
    pub bare: [f64; 2],
    /// What the lookup alone adds.
    pub lookup: [f64; 2],
    /// What the layer adds, in the extensions.
    pub layer: [f64; 2],
    /// What the layer adds, beside the request.
    pub beside: [f64; 2],
}

impl Middleware {
    /// Compiles the workload.
    pub fn new(workload: &Workload, requests: &Requests) -> Self {
        let (table, _) = RouteTable::compile(ingress_core::dialect::Kubernetes, workload.objects());
        let hits = requests.answers().filter_map(|(head, expected)| {
            Some((head.host.to_owned(), head.path.to_owned(), workload.origin(expected?)?))
        });
        Self { requests: hits.collect(), layer: RouteLayer::new(SharedTable::new(table)) }
    }

    /// Sends every request through both layers.
    ///
    /// # Panics
    ///
    /// At the first request for which the inner service is not told the rule that the oracle found.
    pub fn assert_agrees(&self, form: Form) {
        let mut layer = self.layer.layer(Inner { tell: true });
        let mut beside = self.layer.clone().beside().layer(Inner { tell: true });
        for (host, path, expected) in &self.requests {
            let request = || form.request(host, path).unwrap_or_default();
            for told in [call(&mut layer, request()), call(&mut beside, request())] {
                assert_eq!(told.as_ref(), Some(expected), "{host}{path}");
            }
        }
    }

    /// What a call costs through the layer and without it, taking turns; medians over batches.
    pub fn added(&self, form: Form, rounds: usize) -> Added {
        let mut bare = Inner { tell: false };
        let mut layer = self.layer.layer(bare);
        let mut beside = self.layer.clone().beside().layer(bare);
        let mut looking = Looking { table: self.layer.table().clone(), inner: bare };
        let batches: Vec<_> = self.requests.chunks(BATCH).collect();
        // Each is somewhere else in the list: a table that another has just warmed up would be no match.
        let batch = |round: usize, turn: usize| {
            let index = round + turn * batches.len() / 4;
            batches.get(index % batches.len().max(1)).copied().unwrap_or_default()
        };
        let mut times = [const { Vec::new() }; 4];
        for round in 0..rounds * batches.len() {
            let [a, b, c, d] = &mut times;
            a.push(time(&mut bare, form, batch(round, 0)));
            b.push(time(&mut looking, form, batch(round, 1)));
            c.push(time(&mut layer, form, batch(round, 2)));
            d.push(time(&mut beside, form, batch(round, 3)));
        }
        let [bare, lookup, layer, beside] = times.map(median_and_tenth);
        let over = |[median, tenth]: [f64; 2]| [median - bare[0], tenth - bare[1]];
        Added { bare, lookup: over(lookup), layer: over(layer), beside: over(beside) }
    }

    /// The service for criterion, and one batch of requests after the other.
    pub fn time_layer(&self, form: Form, calls: u64) -> std::time::Duration {
        let mut service: Route<Inner> = self.layer.layer(Inner { tell: false });
        let batches = self.requests.chunks(BATCH).cycle();
        let mut total = std::time::Duration::ZERO;
        let mut left = calls;
        for batch in batches {
            let batch = batch.get(..left.min(BATCH as u64) as usize).unwrap_or(batch);
            total += time_batch(&mut service, form, batch);
            left -= batch.len() as u64;
            if left == 0 {
                break;
            }
        }
        total
    }

    /// Sends every request once, this way. The requests are made on the way, which costs the same in all ways.
    /// No clock is read: valgrind has none to read.
    pub fn pass(&self, way: Way, form: Form) {
        let inner = Inner { tell: false };
        for batch in self.requests.chunks(BATCH) {
            let requests = made(form, batch);
            match way {
                Way::Bare => send(&mut { inner }, requests),
                Way::Lookup => send(&mut Looking { table: self.layer.table().clone(), inner }, requests),
                Way::Layer => send(&mut self.layer.layer(inner), requests),
                Way::Beside => send(&mut self.layer.clone().beside().layer(inner), requests),
            }
        }
    }

    /// The Services that the requests go to, as the rules of the table name them.
    pub fn services(&self) -> Vec<ServiceRef> {
        let table = self.layer.table().load();
        let service = |(host, path, _): &(String, String, String)| {
            let hit = table.lookup(&RequestHead::new(host, path)).matched()?;
            match hit.rule().action() {
                Action::Forward(forward) => match forward.backend(0) {
                    Backend::Service(service) => Some(service.clone()),
                    _ => None,
                },
                _ => None,
            }
        };
        self.requests.iter().filter_map(service).collect()
    }
}

fn median_and_tenth(times: impl IntoIterator<Item = f64>) -> [f64; 2] {
    let sorted = Sorted::new(times);
    [0.5, 0.1].map(|quantile| sorted.quantile(quantile))
}

fn call<S>(service: &mut S, request: Request<()>) -> Option<String>
where
    S: Service<Request<()>, Response = Answer, Error = Infallible>,
{
    let mut context = Context::from_waker(Waker::noop());
    if service.poll_ready(&mut context).is_pending() {
        return None;
    }
    match pin!(service.call(request)).poll(&mut context) {
        Poll::Ready(Ok(response)) => response.into_body(),
        Poll::Pending => None,
    }
}

fn time<S>(service: &mut S, form: Form, batch: &[(String, String, String)]) -> f64
where
    S: Service<Request<()>, Response = Answer, Error = Infallible>,
{
    time_batch(service, form, batch).as_nanos() as f64 / batch.len().max(1) as f64
}

/// Makes the requests first; only the calls are timed, and dropping the answers.
fn time_batch<S>(service: &mut S, form: Form, batch: &[(String, String, String)]) -> std::time::Duration
where
    S: Service<Request<()>, Response = Answer, Error = Infallible>,
{
    let requests = made(form, batch);
    let stopwatch = Stopwatch::start();
    send(service, requests);
    stopwatch.elapsed()
}

fn made(form: Form, batch: &[(String, String, String)]) -> Vec<Request<()>> {
    batch.iter().filter_map(|(host, path, _)| form.request(host, path)).collect()
}

#[inline(never)]
fn send<S>(service: &mut S, requests: Vec<Request<()>>)
where
    S: Service<Request<()>, Response = Answer, Error = Infallible>,
{
    for request in requests {
        drop(black_box(call(service, request)));
    }
}

/// Endpoints for the Services of a workload, and picks from them.
#[derive(Debug)]
pub struct Picks {
    table: SharedTable,
    services: Vec<ServiceRef>,
}

impl Picks {
    /// Ten endpoints for each Service.
    pub fn new(services: Vec<ServiceRef>) -> Self {
        let ids: BTreeSet<ObjectId> = services.iter().map(|service| service.id().clone()).collect();
        let mut cluster = Cluster::default();
        for (number, id) in ids.into_iter().enumerate() {
            let service = Endpoints::new(id.clone()).with_port(ServicePort::new(8080));
            cluster.upsert_service(service);
            let [high, low] = (number as u16).to_be_bytes();
            let slice = EndpointSlice::new(id.clone(), id).with_port("", 8080);
            let endpoints = (1..=10).map(|last| SliceEndpoint::new([10, high, low, last]));
            cluster.upsert_slice(endpoints.fold(slice, EndpointSlice::with_endpoint));
        }
        let table = SharedTable::default();
        table.publish_all(Arc::default(), cluster.endpoints());
        Self { table, services }
    }

    /// The same with one name for each Service, which all its rules share: what is left is the pick, without
    /// fetching the name of a rule that nobody has looked at.
    #[must_use]
    pub fn sharing_names(mut self) -> Self {
        let names: HashSet<ServiceRef> = self.services.iter().cloned().collect();
        self.services = self.services.iter().filter_map(|service| names.get(service).cloned()).collect();
        self
    }

    /// A balancer for this policy.
    pub fn balancer(&self, policy: Policy) -> Balancer {
        Balancer::with(self.table.clone(), Settings::default().policy(policy))
    }

    /// The policies that are timed, with their names.
    pub fn policies() -> [(&'static str, Policy); 3] {
        [
            ("least of two", Policy::LeastOfTwo),
            ("round robin", Policy::RoundRobin),
            ("hash of the path", Policy::hash([KeyPart::Path])),
        ]
    }

    /// Picks for every request and compares with what resolution says; afterwards every Service is known.
    ///
    /// # Panics
    ///
    /// When an endpoint is picked that is none of its Service's.
    pub fn assert_agrees(&self, balancer: &Balancer) {
        let request = Request::new(());
        let options = ResolveOptions::default();
        let snapshot = self.table.load();
        for service in &self.services {
            let picked = balancer.pick(service, &Caller::of(&request));
            let resolved = snapshot.endpoints().resolve(service.id(), service.port(), &options);
            let agrees = |address| match &resolved {
                Resolution::Endpoints(set) => set.iter().any(|endpoint| endpoint.address() == address),
                _ => false,
            };
            assert!(picked.as_ref().is_ok_and(|picked| agrees(picked.address())), "{service}: {picked:?}");
        }
    }

    /// Nanoseconds per pick, with its end: the endpoint is given back. Median of passes, and tenth percentile.
    pub fn time(&self, balancer: &Balancer, passes: usize) -> [f64; 2] {
        let pass = |_| {
            let stopwatch = Stopwatch::start();
            self.pass(balancer);
            stopwatch.elapsed().as_nanos() as f64 / self.services.len().max(1) as f64
        };
        median_and_tenth((0..passes).map(pass))
    }

    /// Picks for every request once, and gives the endpoint back.
    #[inline(never)]
    pub fn pass(&self, balancer: &Balancer) {
        let request = Request::new(());
        let caller = Caller::of(&request);
        for service in &self.services {
            drop(black_box(balancer.pick(black_box(service), &caller)));
        }
    }
}
