//! What happens to a request, from its head to the head of its response.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::ext::on_informational;
use hyper::upgrade::OnUpgrade;
use ingress_core::rule::Policy;
use tokio::time::{Instant, sleep_until};

use super::body::{Held, ProxyBody, Relay};
use super::config::Config;
use super::exchange::{Carrier, Failure, Line, address};
use super::headers::{self, Hop};
use super::pick::{Choice, Guard, Pick, Picked, Protocol, Target};
use super::pool::{Counted, Permit, Pool};
use super::reason::Reason;
use super::tunnel;
use super::upload::{BoxError, Limits, Source, Upload};
use crate::peer::Peer;
use crate::routed::Routed;

/// What all clones of a proxy share.
pub(super) struct Inner<P> {
    pub(super) pick: P,
    pub(super) config: Config,
    pub(super) pool: Arc<Pool>,
    pub(super) in_flight: Arc<AtomicUsize>,
    pub(super) draws: AtomicU32,
}

/// A request on its way.
pub(super) struct Journey {
    head: Parts,
    routed: Routed,
    host: HeaderValue,
    hop: Hop,
    source: Source,
    upgrade: Option<OnUpgrade>,
    expects: bool,
    idempotent: bool,
    deadline: Option<Instant>,
    total: Permit<Arc<AtomicUsize>>,
    client: Option<IpAddr>,
    draw: u32,
}

/// The answer of an endpoint, and all that hangs on it.
struct Answer {
    response: Response<Incoming>,
    carrier: Carrier,
    guard: Box<dyn Guard>,
    place: Permit<Counted>,
}

/// A request that may be sent, or why not.
pub(super) type Prepared = Result<Box<Journey>, Reason>;

impl<P: Pick> Inner<P> {
    /// All that can be done before anything has to be waited for. What is large stays out of the future.
    pub(super) fn prepare<B>(&self, mut head: Parts, body: B) -> Prepared
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let config = &self.config;
        let routed = head.extensions.remove::<Routed>().ok_or(Reason::NotRouted)?;
        if head.method == Method::CONNECT || head.method == Method::TRACE {
            return Err(Reason::Method);
        }
        let total = Permit::new(self.in_flight.clone(), config.in_flight).ok_or(Reason::Overloaded)?;
        let body_limit = body_limit(&routed).map_or(config.body_limit, |most| most.min(config.body_limit));
        if body.size_hint().lower() > body_limit {
            return Err(Reason::RequestBodyTooLarge);
        }
        let expects = expects_continue(&head.headers) && !body.is_end_stream();
        let idempotent = is_idempotent(&head.method);
        let limits = Limits {
            bytes: body_limit,
            replay: if idempotent && config.attempts > 1 { config.replay_bytes } else { 0 },
            idle: config.idle_timeout,
            hold: expects.then_some(config.continue_wait),
        };
        let source = Source::new(body, limits);

        let mut hop = headers::strip(&mut head.headers, config.underscores);
        let upgrade = head.extensions.remove::<OnUpgrade>();
        if upgrade.is_none() || !source.is_empty() {
            hop.upgrade = None;
        }
        let host = host_of(&head)?;
        let peer = head.extensions.get::<Peer>();
        let client = config.forwarding.apply(&mut head.headers, peer, &host, &*config.request_ids);
        hop.renew(&mut head.headers);

        let deadline = config.request_timeout.and_then(|limit| Instant::now().checked_add(limit));
        // As even as can be over the backends of a rule, whatever their weights. Endpoints may go by a counter,
        // so this must not: a multiple of both would leave some endpoints of a rare backend without requests.
        let draw = self.draws.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9) >> 8;
        Ok(Box::new(Journey {
            head,
            routed,
            host,
            hop,
            source,
            upgrade,
            expects,
            idempotent,
            deadline,
            total,
            client,
            draw,
        }))
    }

    /// `is_http1` is what the client speaks, and `has_body` whether it sends one.
    pub(super) async fn forward(
        &self,
        prepared: Prepared,
        is_http1: bool,
        has_body: bool,
    ) -> Response<ProxyBody> {
        let (reason, unread) = match prepared {
            Err(reason) => (reason, has_body),
            Ok(mut journey) => {
                let passed = match self.attempts(&mut journey).await {
                    Ok(answer) => {
                        let source = journey.source.clone();
                        self.pass_on(*journey, answer).map_err(|reason| (reason, !source.is_finished()))
                    }
                    Err(reason) => Err((reason, !journey.source.is_finished())),
                };
                match passed {
                    Ok(response) => return response,
                    Err(failed) => failed,
                }
            }
        };
        let mut response = self.config.respond.respond(reason).map(ProxyBody::full);
        // What is left of a body that nobody reads would be taken for the next request.
        if is_http1 && (unread || reason.status().is_client_error()) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(reason);
        response
    }

    /// Sends the request until somebody answers, or nothing is left to be tried.
    async fn attempts(&self, journey: &mut Journey) -> Result<Answer, Reason> {
        let idempotent = journey.idempotent;
        let mut tried: Vec<Target> = Vec::new();
        loop {
            let Journey { routed, head, client, draw, .. } = &*journey;
            let choice = Choice { routed, head, tried: &tried, client: *client, draw: *draw };
            let Picked { target, mut guard } = self.pick.pick(&choice).map_err(Reason::NoEndpoints)?;
            let last = tried.len() + 1 >= self.config.attempts;
            let failure = match self.attempt(journey, &target, idempotent && !last, !tried.is_empty()).await {
                Ok((response, carrier, place)) => return Ok(Answer { response, carrier, guard, place }),
                Err(failure) => failure,
            };
            // A kept connection that closes says nothing of the endpoint.
            let stale = matches!(failure, Failure::Unsent(Reason::ConnectionClosed, _));
            let (reason, again) = match failure {
                // Nobody has seen the request. If the body was touched, it must still be whole.
                Failure::Unsent(reason, headers) => {
                    if let Some(headers) = headers {
                        journey.head.headers = headers;
                    }
                    (reason, true)
                }
                Failure::Sent(reason) => (reason, idempotent && reason == Reason::ConnectionClosed),
            };
            // A client that breaks off its body makes any endpoint look bad.
            if let Some(reason) = journey.source.failure() {
                return Err(reason);
            }
            if !stale {
                guard.failed(reason);
            }
            let late = reason == Reason::RequestTimeout;
            if last || late || !again || !journey.source.is_replayable() {
                return Err(reason);
            }
            tried.push(target);
        }
    }

    /// Sends the request once. Its headers stay with the journey if `keep` says so; `again` is
    /// for attempts behind the first.
    async fn attempt(
        &self,
        journey: &mut Journey,
        target: &Target,
        keep: bool,
        again: bool,
    ) -> Result<(Response<Incoming>, Carrier, Permit<Counted>), Failure> {
        let place = self.pool.place(target);
        let permit = Permit::new(Counted(place.clone()), self.config.in_flight_per_endpoint)
            .ok_or(Failure::Unsent(Reason::Overloaded, None))?;
        let opening = Line::open(&self.config, &self.pool, (target, &place), again);
        let line = match journey.deadline {
            None => opening.await,
            Some(deadline) => {
                tokio::time::timeout_at(deadline, opening).await.unwrap_or(Err(Reason::RequestTimeout))
            }
        };
        let line = line.map_err(|reason| Failure::Unsent(reason, None))?;

        let headers =
            if keep { journey.head.headers.clone() } else { std::mem::take(&mut journey.head.headers) };
        let request = journey.request(headers, line.is_http2(), target).map_err(Failure::Sent)?;
        let upgrades = journey.hop.upgrade.is_some();
        let sending = line.send(request, &journey.source, upgrades, &place, &self.pool);
        let (response, carrier) = self.limited(sending, journey).await?;
        Ok((response, carrier, permit))
    }

    /// Waits for the head of the response, but not for longer than allowed since the last byte was sent.
    async fn limited<T>(
        &self,
        sending: impl Future<Output = Result<T, Failure>>,
        journey: &Journey,
    ) -> Result<T, Failure> {
        let limit = self.config.response_timeout;
        let until = |from: Instant| {
            let until = from.checked_add(limit).unwrap_or_else(|| from + Duration::from_secs(1 << 30));
            journey.deadline.map_or(until, |deadline| deadline.min(until))
        };
        let mut sending = pin!(sending);
        let mut timer = pin!(sleep_until(until(Instant::now())));
        let mut seen = (journey.source.received(), journey.source.is_finished());
        poll_fn(|cx| {
            if let Poll::Ready(result) = sending.as_mut().poll(cx) {
                return Poll::Ready(result);
            }
            while timer.as_mut().poll(cx).is_ready() {
                let now = Instant::now();
                if journey.deadline.is_some_and(|deadline| now >= deadline) {
                    return Poll::Ready(Err(Failure::Sent(Reason::RequestTimeout)));
                }
                // A client that is slow to send has a limit of its own.
                let moved = (journey.source.received(), journey.source.is_finished());
                if moved == seen && !journey.source.is_waiting_for_client() {
                    return Poll::Ready(Err(Failure::Sent(Reason::ResponseTimeout)));
                }
                seen = moved;
                timer.as_mut().reset(until(now));
            }
            Poll::Pending
        })
        .await
    }

    /// Makes the endpoint's response the proxy's.
    fn pass_on(&self, journey: Journey, answer: Answer) -> Result<Response<ProxyBody>, Reason> {
        let Answer { mut response, carrier, mut guard, place } = answer;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let fits = |asked| headers::is_among(asked, response.headers().get(http::header::UPGRADE));
            let asked = journey.hop.upgrade.as_ref().is_some_and(fits);
            let Some(client) = journey.upgrade.filter(|_| asked) else {
                guard.failed(Reason::Upgrade);
                return Err(Reason::Upgrade);
            };
            let endpoint = hyper::upgrade::on(&mut response);
            let mut hop = headers::strip(response.headers_mut(), true);
            // What it changed to was checked above.
            hop.upgrade = journey.hop.upgrade.filter(|_| hop.upgrade.is_none()).or(hop.upgrade);
            hop.renew(response.headers_mut());
            let (mut head, _) = response.into_parts();
            guard.answered(&mut head);
            tunnel::spawn(
                client,
                endpoint,
                self.config.tunnel_timeout,
                (guard, place, journey.total, carrier),
            );
            return Ok(Response::from_parts(head, ProxyBody::default()));
        }

        let (mut head, body) = response.into_parts();
        let both = head.headers.contains_key(TRANSFER_ENCODING) && head.headers.contains_key(CONTENT_LENGTH);
        if both {
            guard.failed(Reason::BadResponse);
            return Err(Reason::BadResponse);
        }
        headers::strip(&mut head.headers, true);
        head.version = Version::HTTP_11;
        head.extensions = http::Extensions::new();
        guard.answered(&mut head);
        head.extensions.insert(journey.routed);
        let body = ProxyBody::relayed(Relay {
            body,
            carrier: Some(carrier),
            held: Held { guard, _place: place, _total: journey.total },
            idle: self.config.idle_timeout,
            deadline: journey.deadline,
            sleep: None,
            waiting: false,
        });
        Ok(Response::from_parts(head, body))
    }
}

impl Journey {
    fn request(&self, headers: HeaderMap, http2: bool, target: &Target) -> Result<Request<Upload>, Reason> {
        let mut request = Request::new(self.source.upload());
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = self.head.uri.clone();
        *request.headers_mut() = headers;
        let scheme = if target.protocol() == Protocol::Tls { "https" } else { "http" };
        address(&mut request, http2, scheme, self.host.to_str().unwrap_or(""))?;
        let headers = request.headers_mut();
        if http2 {
            for name in [HOST, CONNECTION, http::header::UPGRADE, EXPECT] {
                headers.remove(name);
            }
            self.source.release();
            return Ok(request);
        }
        headers.entry(HOST).or_insert_with(|| self.host.clone());
        if !self.source.has_exact_size() && !headers.contains_key(CONTENT_LENGTH) {
            // Without this, bodies of methods that rarely have one would be left out.
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        if self.expects {
            let source = self.source.clone();
            on_informational(&mut request, move |response| {
                if response.status() == StatusCode::CONTINUE {
                    source.release();
                }
            });
        }
        Ok(request)
    }
}

/// The longest body that the rule allows.
fn body_limit(routed: &Routed) -> Option<u64> {
    routed.policies().iter().find_map(|policy| match policy {
        Policy::BodyLimit(most) => *most,
        _ => None,
    })
}

/// The host that was asked for: that of the target, where it has one. That both agree was for
/// [`Server`](super::Server) to check.
fn host_of(head: &Parts) -> Result<HeaderValue, Reason> {
    let malformed = Reason::Malformed(super::strict::Flaw::Host);
    let from_target = head.uri.authority().map(|authority| HeaderValue::from_str(authority.as_str()));
    match (from_target, head.headers.get(HOST)) {
        (Some(host), _) => host.map_err(|_| malformed),
        (None, Some(host)) => Ok(host.clone()),
        // HTTP/1.0 may have none.
        (None, None) if head.version < Version::HTTP_11 => Ok(HeaderValue::from_static("")),
        (None, None) => Err(malformed),
    }
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// RFC 9110, section 9.2.2.
fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

/// The future of a request at the proxy.
pub(super) type Forwarded = Pin<Box<dyn Future<Output = Response<ProxyBody>> + Send>>;
