//! Endpoints chosen by the balancer, which hears what comes of it.

use http::header::SET_COOKIE;
use http::{StatusCode, response};
use ingress_core::Backend;
use ingress_core::endpoint::Address;

use super::pick::{Choice, Guard, Pick, Picked, Target};
use super::reason::Reason;
use crate::balance::{self, Balancer, Caller, Unavailable};

/// With the feature `balance`. Each attempt of a request goes to an endpoint that it has not been tried with,
/// if there is one. What the proxy sees of endpoints ejects them, affinity sets its cookie on the answer, and
/// a key of `KeyPart::Client` is the address that [`Forwarding`](super::Forwarding) believes in.
impl Pick for Balancer {
    fn pick(&self, choice: &Choice<'_>) -> Result<Picked, &'static str> {
        let Some(Backend::Service(service)) = choice.backend() else { return Err("backend-unknown") };
        let tried: Vec<Address> = choice.tried().iter().map(|target| target.address().clone()).collect();
        let head = choice.head();
        // Keys are those of what was asked for, not of what a rule made of it.
        let uri = choice.routed().received().unwrap_or(&head.uri);
        let mut caller = Caller::new(&head.headers, uri).tried(&tried);
        if let Some(client) = choice.client() {
            caller = caller.client(client);
        }
        let picked = Self::pick(self, service, &caller).map_err(Unavailable::reason)?;
        let target = Target::for_choice(picked.address().clone(), picked.app_protocol(), choice)?;
        Ok(Picked::new(target).with_guard(Watch { picked, answered: false }))
    }
}

/// Tells the balancer how it went. A success is one when the answer has been passed on, so that an endpoint
/// whose answers all break off is not taken for a good one.
struct Watch {
    picked: balance::Picked,
    answered: bool,
}

impl Guard for Watch {
    fn answered(&mut self, response: &mut response::Parts) {
        if let Some(cookie) = self.picked.set_cookie() {
            response.headers.append(SET_COOKIE, cookie.clone());
        }
        if response.status == StatusCode::SERVICE_UNAVAILABLE {
            self.picked.failed();
        } else {
            self.answered = true;
        }
    }

    fn failed(&mut self, reason: Reason) {
        self.answered = false;
        if reason.blames_endpoint() {
            self.picked.failed();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.answered {
            self.picked.succeeded();
        }
    }
}
