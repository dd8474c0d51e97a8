//! How often each rule was used, and how answers ended.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use arc_swap::ArcSwap;
use http::{Request, Response};
use ingress_core::origin::Origin;
use ingress_core::table::HostTable;
use ingress_core::{HostPattern, RouteTable};
use ingress_tower::{Reply, Routed};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::published::Published;

/// Counters that outlive tables: a rule that stays keeps its count.
#[derive(Debug, Default)]
pub(super) struct Counts {
    rules: ArcSwap<HashMap<HostPattern, Box<[RuleCount]>>>,
    /// Answers by the first digit of their status.
    classes: [AtomicU64; 6],
    pub(super) connections: Gauge,
    pub(super) handshakes_failed: AtomicU64,
    pub(super) refused: AtomicU64,
}

#[derive(Clone, Debug)]
struct RuleCount {
    origin: Origin,
    path: Box<str>,
    requests: Arc<AtomicU64>,
}

/// How many there are, and have been.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    pub(super) open: AtomicU64,
    pub(super) all: AtomicU64,
}

impl Counts {
    /// Makes counters for the rules of a table; those that were there keep counting.
    pub(super) fn adopt(&self, table: &RouteTable) {
        let before = self.rules.load();
        let rules = |host: &HostTable| {
            // Several rules may come from one field with one path; they are told apart by their order.
            let mut known: HashMap<_, VecDeque<_>> = HashMap::new();
            for rule in before.get(host.pattern()).into_iter().flatten() {
                known.entry((&rule.origin, &*rule.path)).or_default().push_back(rule);
            }
            let mut counts = Vec::with_capacity(host.rules().len());
            for rule in host.rules() {
                let same = known.get_mut(&(rule.origin(), rule.path().as_str()));
                let count = same.and_then(VecDeque::pop_front).cloned();
                counts.push(count.unwrap_or_else(|| RuleCount {
                    origin: rule.origin().clone(),
                    path: rule.path().as_str().into(),
                    requests: Arc::default(),
                }));
            }
            (host.pattern().clone(), counts.into())
        };
        let rules = table.hosts().map(rules).collect();
        self.rules.store(Arc::new(rules));
    }

    /// The counts of a host's rules, in their order.
    pub(super) fn of(&self, host: &HostPattern) -> Vec<u64> {
        let rules = self.rules.load();
        let rules = rules.get(host).map_or(&[][..], |rules| rules);
        rules.iter().map(|rule| rule.requests.load(Ordering::Relaxed)).collect()
    }

    /// Answers whose status begins with a digit.
    pub(super) fn class(&self, digit: usize) -> u64 {
        self.classes.get(digit).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn routed(&self, routed: &Routed) {
        let rules = self.rules.load();
        let Some(rules) = rules.get(routed.host()) else { return };
        let same = |rule: &&RuleCount| rule.origin == *routed.origin();
        // Around a change the request may have been routed by a table that numbers rules otherwise.
        let numbered = rules.get(routed.rule_id().index()).filter(same);
        if let Some(rule) = numbered.or_else(|| rules.iter().find(same)) {
            rule.requests.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn answered<B>(&self, response: &Response<B>) {
        let class = usize::from(response.status().as_u16() / 100);
        if let Some(count) = self.classes.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        // What was forwarded has been counted; this is for what rules answer themselves.
        if response.extensions().get::<Reply>().is_some()
            && let Some(routed) = response.extensions().get()
        {
            self.routed(routed);
        }
    }
}

/// Counts requests that rules forward: it stands within the router.
#[derive(Clone)]
pub(super) struct CountRouted<S> {
    pub(super) inner: S,
    pub(super) published: Arc<Published>,
}

impl<S, B> Service<Request<B>> for CountRouted<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        if let Some(routed) = request.extensions().get() {
            self.published.counts.routed(routed);
        }
        self.inner.call(request)
    }
}

/// Counts answers: it stands around everything.
#[derive(Clone)]
pub(super) struct CountAnswers<S> {
    pub(super) inner: S,
    pub(super) published: Arc<Published>,
}

impl<S, B, C> Service<Request<B>> for CountAnswers<S>
where
    S: Service<Request<B>, Response = Response<C>>,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = Counted<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Counted<S::Future> {
        Counted { future: self.inner.call(request), published: self.published.clone() }
    }
}

pin_project! {
    /// An answer to come.
    pub(super) struct Counted<F> {
        #[pin]
        future: F,
        published: Arc<Published>,
    }
}

impl<F, C, E> Future for Counted<F>
where
    F: Future<Output = Result<Response<C>, E>>,
{
    type Output = Result<Response<C>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.future.poll(cx));
        if let Ok(response) = &result {
            this.published.counts.answered(response);
        }
        Poll::Ready(result)
    }
}

impl<F> fmt::Debug for Counted<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counted")
    }
}
