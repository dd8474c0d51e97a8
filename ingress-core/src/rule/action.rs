//! What happens to a request: it is forwarded, redirected, or answered.

use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use super::{ARC_HEADER, Authorize, Template};
use crate::origin::ObjectId;
use crate::port::Port;

/// What a rule does with the requests it takes.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Action {
    /// Forwarded, if somebody else agrees.
    Authorize(Box<Authorize>),
    /// To a backend, or to one of several by weight.
    Forward(Forward),
    /// Sent elsewhere by a 3xx answer.
    Redirect(Box<Redirect>),
    /// Answered with this status by the table itself.
    Respond(StatusCode),
}

impl Action {
    /// To one backend.
    pub fn forward(backend: Backend) -> Self {
        Self::Forward(Forward { choice: Choice::One(backend) })
    }

    /// To one of several backends, by weight. Weights of zero are kept but never drawn; without any
    /// weight at all the answer is 503.
    pub fn split(backends: impl IntoIterator<Item = (Backend, u32)>) -> Self {
        let mut backends = backends.into_iter();
        let Some(first) = backends.next() else { return Self::Respond(StatusCode::SERVICE_UNAVAILABLE) };
        let rest: Box<[(Backend, u32)]> = backends.collect();
        let total = rest.iter().map(|(_, weight)| u64::from(*weight)).sum::<u64>() + u64::from(first.1);
        if total == 0 {
            return Self::Respond(StatusCode::SERVICE_UNAVAILABLE);
        }
        Self::Forward(Forward { choice: Choice::Weighted(Box::new(Split { first, rest, total })) })
    }

    /// A redirect.
    pub fn redirect(status: StatusCode, location: &str) -> Self {
        Self::redirect_to(status, Template::text(location))
    }

    /// A redirect whose location is put together for the request.
    pub fn redirect_to(status: StatusCode, location: Template) -> Self {
        Self::Redirect(Box::new(Redirect { status, location }))
    }

    /// The same, if somebody else agrees. Only forwarding can depend on that; anything else stays as it is.
    #[must_use]
    pub fn authorized(self) -> Self {
        match self {
            Self::Forward(forward) => Self::Authorize(Box::new(Authorize::new(forward))),
            other => other,
        }
    }

    /// Where a request is forwarded to, at once or once somebody agreed.
    pub const fn as_forward(&self) -> Option<&Forward> {
        match self {
            Self::Authorize(authorize) => Some(authorize.then()),
            Self::Forward(forward) => Some(forward),
            _ => None,
        }
    }

    /// A fixed answer.
    pub const fn respond(status: StatusCode) -> Self {
        Self::Respond(status)
    }

    pub(super) fn heap_usage(&self) -> usize {
        match self {
            Self::Authorize(authorize) => size_of::<Authorize>() + authorize.then().heap_usage(),
            Self::Forward(forward) => forward.heap_usage(),
            Self::Redirect(redirect) => size_of::<Redirect>() + redirect.location.heap_usage(),
            Self::Respond(_) => 0,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorize(authorize) => authorize.fmt(f),
            Self::Forward(forward) => forward.fmt(f),
            Self::Redirect(redirect) => write!(f, "{} {}", redirect.status.as_u16(), redirect.location),
            Self::Respond(status) => write!(f, "{}", status.as_u16()),
        }
    }
}

/// One backend, or several with weights.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Forward {
    choice: Choice,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Choice {
    One(Backend),
    Weighted(Box<Split>),
}

/// Backends with weights, of which at least one is not zero.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Split {
    first: (Backend, u32),
    rest: Box<[(Backend, u32)]>,
    total: u64,
}

impl Split {
    fn backends(&self) -> impl Iterator<Item = &(Backend, u32)> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    fn draw(&self, draw: u32) -> &Backend {
        let mut left = u64::from(draw) % self.total;
        for (backend, weight) in self.backends() {
            match left.checked_sub(u64::from(*weight)) {
                Some(less) => left = less,
                None => return backend,
            }
        }
        // Not reached: what is left is smaller than the sum of the weights.
        &self.first.0
    }
}

impl Forward {
    fn heap_usage(&self) -> usize {
        match &self.choice {
            Choice::One(backend) => backend.heap_usage(),
            Choice::Weighted(split) => {
                size_of::<Split>()
                    + size_of_val(&*split.rest)
                    + split.backends().map(|(backend, _)| backend.heap_usage()).sum::<usize>()
            }
        }
    }

    /// The backend for a random draw, which is the caller's: the table draws nothing.
    ///
    /// With weights that sum to `W` the draw modulo `W` counts through them in order.
    ///
    /// ```
    /// use ingress_core::rule::{Action, Backend, Forward, ServiceRef};
    ///
    /// let main = Backend::Service(ServiceRef::new("shop", "main", 80));
    /// let canary = Backend::Service(ServiceRef::new("shop", "canary", 80));
    /// let Action::Forward(split) = Action::split([(main.clone(), 90), (canary.clone(), 10)]) else { panic!() };
    /// assert_eq!(split.backend(89), &main);
    /// assert_eq!(split.backend(90), &canary);
    /// assert_eq!(split.backend(100), &main);
    /// ```
    pub fn backend(&self, draw: u32) -> &Backend {
        match &self.choice {
            Choice::One(backend) => backend,
            Choice::Weighted(split) => split.draw(draw),
        }
    }

    /// All backends with their weights; a single one has weight 1.
    pub fn backends(&self) -> impl Iterator<Item = (&Backend, u32)> {
        let (one, split) = match &self.choice {
            Choice::One(backend) => (Some((backend, 1)), None),
            Choice::Weighted(split) => (None, Some(split)),
        };
        let split = split.into_iter().flat_map(|split| split.backends());
        one.into_iter().chain(split.map(|(backend, weight)| (backend, *weight)))
    }

    /// Whether the backend depends on the draw.
    pub fn is_weighted(&self) -> bool {
        matches!(self.choice, Choice::Weighted(_))
    }
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.choice {
            Choice::One(backend) => backend.fmt(f),
            Choice::Weighted(split) => {
                for (index, (backend, weight)) in split.backends().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{weight} x {backend}")?;
                }
                Ok(())
            }
        }
    }
}

/// Where a request is forwarded to.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Backend {
    /// Another kind of object; what it means is up to the embedding program.
    Resource(Box<ResourceRef>),
    /// A port of a Service.
    Service(ServiceRef),
}

impl Backend {
    fn heap_usage(&self) -> usize {
        match self {
            Self::Resource(resource) => {
                size_of::<ResourceRef>() + resource.group.len() + resource.kind.len() + 3 * ARC_HEADER
            }
            Self::Service(service) => ARC_HEADER + service.id.as_str().len(),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(resource) => resource.fmt(f),
            Self::Service(service) => service.fmt(f),
        }
    }
}

/// A Service and one of its ports.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ServiceRef {
    id: ObjectId,
    port: Port,
}

impl ServiceRef {
    /// `namespace/name` and a port.
    pub fn new(namespace: &str, name: &str, port: impl Into<Port>) -> Self {
        Self { id: ObjectId::new(namespace, name), port: port.into() }
    }

    /// The Service as `namespace/name`.
    pub fn id(&self) -> &ObjectId {
        &self.id
    }

    /// The namespace of the Service.
    pub fn namespace(&self) -> &str {
        self.id.namespace()
    }

    /// The name of the Service.
    pub fn name(&self) -> &str {
        self.id.name()
    }

    /// The port of the Service, by number or by name.
    pub fn port(&self) -> &Port {
        &self.port
    }
}

impl fmt::Display for ServiceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.id, self.port)
    }
}

/// A backend that is no Service.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ResourceRef {
    group: Arc<str>,
    kind: Arc<str>,
    id: ObjectId,
}

impl ResourceRef {
    /// An object by API group (empty for the core group), kind, and `namespace/name`.
    pub fn new(group: impl Into<Arc<str>>, kind: impl Into<Arc<str>>, id: ObjectId) -> Self {
        Self { group: group.into(), kind: kind.into(), id }
    }

    /// The API group, empty for the core group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The object, in the namespace of the Ingress.
    pub fn id(&self) -> &ObjectId {
        &self.id
    }
}

impl fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.group.is_empty() { "" } else { "." };
        write!(f, "{}{dot}{} {}", self.kind, self.group, self.id)
    }
}

/// A redirect.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Redirect {
    status: StatusCode,
    location: Template,
}

impl Redirect {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Where to. What it is for a request is told by
    /// [`Match::location`](crate::table::Match::location).
    pub fn location(&self) -> &Template {
        &self.location
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str) -> Backend {
        Backend::Service(ServiceRef::new("ns", name, 80))
    }

    #[test]
    fn every_draw_gives_a_backend_in_proportion() {
        let Action::Forward(split) = Action::split([(service("a"), 1), (service("b"), 0), (service("c"), 3)])
        else {
            panic!("a split with weights forwards");
        };
        let drawn: Vec<_> = (0..8).map(|draw| split.backend(draw).to_string()).collect();
        assert_eq!(drawn, ["a", "c", "c", "c", "a", "c", "c", "c"].map(|name| format!("ns/{name}:80")));
        assert!(split.is_weighted() && split.backends().count() == 3);
        let _ = split.backend(u32::MAX);
    }

    #[test]
    fn weights_beyond_u32_in_sum() {
        let Action::Forward(split) = Action::split([(service("a"), u32::MAX), (service("b"), u32::MAX)])
        else {
            panic!("a split with weights forwards");
        };
        assert_eq!(split.backend(u32::MAX), &service("b"));
    }

    #[test]
    fn nothing_to_draw_from_is_an_answer() {
        for split in [Action::split([]), Action::split([(service("a"), 0)])] {
            assert_eq!(split, Action::Respond(StatusCode::SERVICE_UNAVAILABLE));
        }
    }

    /// A million rules hold one of these each.
    #[test]
    fn size_is_a_speed_bump() {
        assert!(size_of::<Action>() <= 40, "{}", size_of::<Action>());
    }
}
