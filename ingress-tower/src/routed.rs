//! What the layer tells the services inside about a request.

use std::ops::Deref;

use http::Uri;
use ingress_core::rule::{Forward, RuleId, Template};
use ingress_core::table::{Match, OwnedMatch};
use ingress_core::{Backend, HostPattern, RequestHead, Rule};

/// The rule that took a request, in the request's extensions.
///
/// Dereferences to its [`Rule`]. It is owned and cheap to clone: it keeps the rules of one host alive, not
/// the table, and one host's rules may be kept as long as one likes.
///
/// Replies that a rule brought about, redirects and fixed responses, carry it in the *response's*
/// extensions, for whoever counts or logs.
#[derive(Clone, Debug)]
pub struct Routed {
    hit: OwnedMatch,
    generation: u64,
    received: Option<Box<Uri>>,
}

impl Routed {
    pub(crate) fn new(hit: &Match<'_>, generation: u64) -> Self {
        Self { hit: hit.detach(), generation, received: None }
    }

    pub(crate) fn set_received(&mut self, uri: Uri) {
        self.received = Some(Box::new(uri));
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.hit
    }

    /// Its number within its host.
    pub fn rule_id(&self) -> RuleId {
        self.hit.borrow().rule_id()
    }

    /// The host pattern that it stands under.
    pub fn host(&self) -> &HostPattern {
        self.hit.borrow().host()
    }

    /// Whether it is a default backend.
    pub fn is_default(&self) -> bool {
        self.hit.borrow().is_default()
    }

    /// The backend, or backends with weights; `None` only for a rule that does not forward.
    pub fn forward(&self) -> Option<&Forward> {
        self.rule().action().as_forward()
    }

    /// The backend for a random draw, which only matters where there are weights.
    pub fn backend(&self, draw: u32) -> Option<&Backend> {
        self.forward().map(|forward| forward.backend(draw))
    }

    /// What a template among the rule's [policies](Rule::policies) comes to for the request.
    pub fn render(&self, template: &Template, request: &RequestHead<'_>) -> String {
        self.hit.borrow().render(template, request)
    }

    /// The generation of the table that the request was looked up in.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The URI as it was received, where the layer changed it.
    pub fn received(&self) -> Option<&Uri> {
        self.received.as_deref()
    }
}

impl Deref for Routed {
    type Target = Rule;

    fn deref(&self) -> &Rule {
        &self.hit
    }
}
