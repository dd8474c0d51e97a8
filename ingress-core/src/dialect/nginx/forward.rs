//! Which backend gets the requests of a location: its own, a canary, or one that stands in.

use http::{HeaderName, HeaderValue, StatusCode};

use super::location::Place;
use super::model::{Target, Upstream, UpstreamKey};
use super::options::Canary;
use super::pcre;
use super::policies::backend_key;
use crate::dialect::{Known, Surroundings};
use crate::origin::ObjectId;
use crate::port::Port;
use crate::rule::{
    Action, Backend, Piece, Policy, Predicate, Reason, Rewrite, ServiceRef, Template, ValueTest,
};

/// The first port of a Service; none if there is no such Service or it has no port. Of a Service that
/// nothing is known of it is that of HTTP.
pub(super) fn first_port(id: &ObjectId, around: &Surroundings) -> Option<ServiceRef> {
    let port = match around.service(id) {
        Known::Absent => return None,
        Known::Nothing => Port::Number(80),
        Known::Present(service) => Port::Number(service.ports().first()?.number()),
    };
    Some(ServiceRef::new(id.namespace(), id.name(), port))
}

fn to(service: &ServiceRef) -> Action {
    Action::forward(Backend::Service(service.clone()))
}

impl Place<'_, '_, '_> {
    /// The default backend of the object.
    pub(super) fn own_default(&self) -> Option<ServiceRef> {
        first_port(self.options?.default_backend.as_ref()?, self.maker.around)
    }

    /// The default backend of the controller.
    pub(super) fn global_service(&self) -> Option<ServiceRef> {
        if let Some(id) = &self.maker.globals.default_backend {
            return first_port(id, self.maker.around);
        }
        match self.maker.default_backend {
            Some(Backend::Service(service)) => Some(service.clone()),
            _ => None,
        }
    }

    fn pages(&self, code: u16) -> bool {
        let globals = &self.maker.globals.error_pages;
        self.options.map_or(globals, |options| &options.error_pages).contains(&code)
    }

    pub(super) fn forward(&mut self) {
        match &self.written.location.target {
            Target::Global => self.send_to_default(),
            Target::Upstream(key) => {
                let key: &UpstreamKey = key;
                match self.maker.model.upstreams.get(key) {
                    Some(upstream) => self.send_to_upstream(upstream),
                    // A canary took it along.
                    None => self.unavailable(Vec::new()),
                }
            }
        }
    }

    fn send_to_default(&mut self) {
        self.guard();
        if let Some(service) = self.global_service() {
            let available = Predicate::available(service.clone());
            let before = self.rules.len();
            self.send(vec![available], to(&service));
            self.mark_default(before);
        }
        if self.global_service().is_none() && self.maker.globals.error_pages.contains(&404) {
            // The page for the 404 of the built-in backend would come from where that comes from.
            self.push(Action::respond(StatusCode::INTERNAL_SERVER_ERROR), |rule| {
                rule.because(Reason::DefaultBackend)
            });
            return;
        }
        // The built-in backend reads a request line, and a target without a slash is none.
        let relative = self.maker.rewrite(self.written).is_some_and(|target| !target.starts_with(['/', '$']));
        let status = if relative { StatusCode::BAD_REQUEST } else { StatusCode::NOT_FOUND };
        self.push(Action::respond(status), |rule| rule.because(Reason::DefaultBackend));
    }

    fn mark_default(&mut self, from: usize) {
        for rule in self.rules.iter_mut().skip(from) {
            *rule = rule.clone().because(Reason::DefaultBackend);
        }
    }

    fn send_to_upstream(&mut self, upstream: &Upstream) {
        let service = &upstream.service;
        let own_default = self.own_default();
        let alternative = upstream.alternatives.first().and_then(|key| self.maker.model.upstreams.get(key));
        let guarded =
            self.options.is_none_or(|options| !options.allow.is_empty() || !options.deny.is_empty())
                || !self.maker.globals.block.is_empty();
        let plain =
            own_default.is_none() && alternative.is_none() && !guarded && !self.authorize && !self.pages(503);
        if plain {
            // Whoever finds no endpoints answers 503; nothing that comes later could change that.
            return self.send(Vec::new(), to(service));
        }
        let mut gone = vec![Predicate::unavailable(service.clone())];
        gone.extend(own_default.clone().map(Predicate::unavailable));
        self.unavailable(gone);
        if self.authorize
            && let Some(options) = self.options.filter(|options| options.any_suffices)
        {
            // Whoever comes from the right place is not asked anything.
            let let_in = self.maker.ranges(&options.allow, &options.deny, true);
            if !let_in.is_empty() {
                self.authorize = false;
                self.send_to_endpoints(&let_in, upstream, alternative, own_default.as_ref());
                self.authorize = true;
            }
            return self.send_to_endpoints(&[], upstream, alternative, own_default.as_ref());
        }
        self.guard();
        self.send_to_endpoints(&[], upstream, alternative, own_default.as_ref());
    }

    fn send_to_endpoints(
        &mut self,
        conditions: &[Predicate],
        upstream: &Upstream,
        alternative: Option<&Upstream>,
        own_default: Option<&ServiceRef>,
    ) {
        if let Some(instead) = own_default {
            let mut conditions = conditions.to_vec();
            conditions.push(Predicate::unavailable(upstream.service.clone()));
            let before = self.policies.clone();
            self.policies = before.iter().cloned().chain(self.page_headers(503)).collect();
            self.choose(&conditions, upstream, instead, alternative);
            self.policies = before;
        }
        self.choose(conditions, upstream, &upstream.service, alternative);
    }

    /// Main Service or canary.
    fn choose(
        &mut self,
        conditions: &[Predicate],
        upstream: &Upstream,
        main: &ServiceRef,
        alternative: Option<&Upstream>,
    ) {
        let with = |more: Vec<Predicate>| conditions.iter().cloned().chain(more).collect::<Vec<_>>();
        let Some(alternative) = alternative else { return self.send(with(Vec::new()), to(main)) };
        let canary = alternative.canary.clone().unwrap_or_default();
        let there = || Predicate::available(alternative.service.clone());
        if let Some(cookie) = self.cookie_of(upstream) {
            self.send(with(vec![Predicate::first_cookie(&cookie, key_test(upstream))]), to(main));
        }
        if let Some(cookie) = self.cookie_of(alternative) {
            let held = Predicate::first_cookie(&cookie, key_test(alternative));
            self.send(with(vec![there(), held]), to(&alternative.service));
        }
        self.by_header(&canary, &with, main, &alternative.service);
        if let Some(cookie) = &canary.cookie {
            let says = |word: &str| Predicate::first_cookie(cookie, ValueTest::equals(word));
            self.send(with(vec![there(), says("always")]), to(&alternative.service));
            self.send(with(vec![there(), says("never")]), to(main));
        }
        let total = if canary.total > 100 { canary.total } else { 100 };
        if canary.weight >= total {
            self.send(with(vec![there()]), to(&alternative.service));
        } else if canary.weight > 0 {
            let number = |weight: i64| u32::try_from(weight).unwrap_or(u32::MAX);
            let main = (Backend::Service(main.clone()), number(total - canary.weight));
            let other = (Backend::Service(alternative.service.clone()), number(canary.weight));
            self.send(with(vec![there()]), Action::split([main, other]));
        }
        self.send(with(Vec::new()), to(main));
    }

    fn by_header(
        &mut self,
        canary: &Canary,
        with: &dyn Fn(Vec<Predicate>) -> Vec<Predicate>,
        main: &ServiceRef,
        alternative: &ServiceRef,
    ) {
        let Some(header) = &canary.header else { return };
        let Ok(name) = HeaderName::from_bytes(header.replace('_', "-").as_bytes()) else { return };
        let there = || Predicate::available(alternative.clone());
        let says = |test| Predicate::joined_header(name.clone(), test);
        if let Some(value) = &canary.value {
            let equal = says(ValueTest::equals(value));
            return self.send(with(vec![there(), equal]), to(alternative));
        }
        if let Some(pattern) = &canary.pattern {
            let translated = pcre::translate(pattern).ok();
            let test = translated.as_ref().and_then(|one| ValueTest::regex(&one.text).ok());
            match (translated, test) {
                (Some(one), Some(test)) if one.beyond.is_none() => {
                    self.send(with(vec![there(), says(test)]), to(alternative));
                }
                // What matches more than it should decides nothing.
                (Some(_), _) => {
                    let conditions = with(vec![there(), says(ValueTest::present())]);
                    self.push(Action::respond(StatusCode::SERVICE_UNAVAILABLE), |rule| {
                        conditions
                            .into_iter()
                            .fold(rule.because(Reason::Unsupported), crate::rule::Rule::when)
                    });
                }
                // An expression that is none keeps the request with the main Service.
                (None, _) => self.send(with(vec![there(), says(ValueTest::present())]), to(main)),
            }
            return;
        }
        self.send(with(vec![there(), says(ValueTest::equals("always"))]), to(alternative));
        self.send(with(vec![there(), says(ValueTest::equals("never"))]), to(main));
    }

    /// The name of the cookie that keeps clients with an upstream.
    fn cookie_of(&self, upstream: &Upstream) -> Option<String> {
        let last = upstream.affinity.as_ref()?.last;
        let notes = &self.maker.model.objects.get(last)?.notes;
        Some(notes.get("session-cookie-name").unwrap_or("INGRESSCOOKIE").to_owned())
    }

    /// There are no endpoints: 503, or the page for it.
    fn unavailable(&mut self, conditions: Vec<Predicate>) {
        if self.pages(503) {
            let global = self.global_service();
            if let Some(service) = &global {
                let mut conditions = conditions.clone();
                conditions.push(Predicate::available(service.clone()));
                self.page(conditions, 503, Some(service));
            }
            return self.page(conditions, 503, None);
        }
        self.push(Action::respond(StatusCode::SERVICE_UNAVAILABLE), |rule| {
            conditions.into_iter().fold(rule.because(Reason::NoEndpoints), crate::rule::Rule::when)
        });
    }

    /// The page for an error, from a Service or from the built-in default backend, which says 404.
    fn page(&mut self, conditions: Vec<Predicate>, code: u16, service: Option<&ServiceRef>) {
        let action = service.map_or(Action::respond(StatusCode::NOT_FOUND), to);
        let headers: Vec<Policy> = self.page_headers(code).collect();
        self.push(action, |rule| {
            let rule = rule
                .because(Reason::DefaultBackend)
                .rewrite(Rewrite::built(Template::text("/")))
                .with_policies(headers);
            conditions.into_iter().fold(rule, crate::rule::Rule::when)
        });
    }

    /// What the maker of a page is told.
    fn page_headers(&self, code: u16) -> impl Iterator<Item = Policy> + use<> {
        let location = self.written.location;
        let ingress = location.origin.ingress();
        let fixed = |name, value: &str| {
            let value = HeaderValue::from_str(value).ok()?;
            let text = Template::text(value.to_str().ok()?);
            Some(Policy::RequestHeader(HeaderName::from_static(name), text))
        };
        let accept = HeaderName::from_static("accept");
        let mut headers = vec![
            Policy::RequestHeader(
                HeaderName::from_static("x-format"),
                Template::new([Piece::Header(accept)]),
            ),
            Policy::RequestHeader(HeaderName::from_static("x-original-uri"), Template::new([Piece::Target])),
        ];
        headers.extend(fixed("x-code", &code.to_string()));
        headers.extend(fixed("x-namespace", ingress.namespace()));
        headers.extend(fixed("x-ingress-name", ingress.name()));
        if let Target::Upstream(key) = &location.target
            && let Some(upstream) = self.maker.model.upstreams.get(key)
        {
            headers.extend(fixed("x-service-name", upstream.service.name()));
            headers.extend(fixed("x-service-port", &upstream.service.port().to_string()));
        }
        headers.into_iter()
    }
}

fn key_test(upstream: &Upstream) -> ValueTest {
    ValueTest::ends_with(format!("|{}", backend_key(upstream)))
}
