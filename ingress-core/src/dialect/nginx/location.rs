//! The rules of one location, in the order in which nginx and the controller come to a decision.

use std::sync::Arc;

use http::{HeaderName, Method, StatusCode};

use super::certificates::Coverage;
use super::emit::{Maker, absolute, announced_client, announced_scheme};
use super::locations::Written;
use super::model::Target;
use super::options::Options;
use super::pcre;
use super::policies;
use super::variables::template;
use crate::path::PathPattern;
use crate::request::Scheme;
use crate::rule::{
    Action, ErrorPages, Piece, Policy, Predicate, Reason, Rewrite, Rule, ServiceRef, Template, ValueTest,
};

/// A location, and what its rules have in common.
pub(super) struct Place<'l, 'm, 'i> {
    pub(super) maker: &'l Maker<'m, 'i>,
    pub(super) written: &'l Written<'l>,
    pub(super) pattern: &'l PathPattern,
    pub(super) options: Option<&'m Options>,
    pub(super) rules: &'l mut Vec<Rule>,
    pub(super) policies: Arc<[Policy]>,
    pub(super) authorize: bool,
}

impl Maker<'_, '_> {
    /// Adds the rules of a location. The last of them has no condition.
    pub(super) fn location(&self, pattern: &PathPattern, written: &Written<'_>, rules: &mut Vec<Rule>) {
        let location = written.location;
        let options = self.object(location.owner).map(|object| &object.options);
        let mut place = Place {
            maker: self,
            written,
            pattern,
            options,
            rules,
            policies: Arc::default(),
            authorize: false,
        };
        if self.is_denied(written) {
            place.push(Action::respond(StatusCode::SERVICE_UNAVAILABLE), |rule| {
                rule.because(Reason::InvalidConfiguration)
            });
            return;
        }
        place.preflight();
        if place.redirected() || place.rewritten_to_url() {
            return;
        }
        place.redirect_to_https();
        place.gather_policies();
        place.forward();
    }
}

impl Place<'_, '_, '_> {
    pub(super) fn push(&mut self, action: Action, finish: impl FnOnce(Rule) -> Rule) {
        let rule = Rule::new(self.pattern.clone(), action, self.written.location.origin.clone());
        self.rules.push(finish(rule));
    }

    /// The options that redirects and rewrites follow.
    fn redirecting(&self) -> Option<&Options> {
        self.options.filter(|_| !self.written.location.plain)
    }

    /// Browsers that ask whether they may ask are answered before anything else.
    fn preflight(&mut self) {
        let Some(object) = self.maker.object(self.written.location.owner) else { return };
        if !object.notes.flag("enable-cors", false) {
            return;
        }
        let cors = policies::cors(&object.notes);
        let mut conditions = vec![Predicate::method(Method::OPTIONS)];
        if !cors.origins.is_empty() {
            let one = |origin: &str| origin.replace('.', r"\.").replace('*', "[A-Za-z0-9-]+");
            let all: Vec<String> = cors.origins.iter().map(|origin| format!("({})", one(origin))).collect();
            let Ok(test) = ValueTest::regex(&format!("(?i)(?:{})$", all.join("|"))) else { return };
            conditions.push(Predicate::header(HeaderName::from_static("origin"), test));
        }
        let policies = [Policy::Cors(Box::new(cors))];
        self.push(Action::respond(StatusCode::NO_CONTENT), |rule| {
            let rule = rule.because(Reason::CorsPreflight).with_policies(policies);
            conditions.into_iter().fold(rule, Rule::when)
        });
    }

    /// A redirect takes all requests of its location.
    fn redirected(&mut self) -> bool {
        let Some(options) = self.redirecting() else { return false };
        let Some((code, url)) = &options.redirect else { return false };
        let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::FOUND);
        let action = match code {
            301 | 302 | 303 | 307 | 308 => {
                let relative = options.relative_redirects || !url.starts_with('/');
                let mut pieces = if relative { Vec::new() } else { absolute() };
                pieces.push(Piece::text(url));
                Action::redirect_to(status, Template::new(pieces))
            }
            // nginx sends the text as a page.
            _ => Action::respond(status),
        };
        self.push(action, |rule| rule);
        true
    }

    /// A rewrite to a URL is a redirect, too.
    fn rewritten_to_url(&mut self) -> bool {
        let Some(target) = self.maker.rewrite(self.written) else { return false };
        if !["http://", "https://", "$scheme"].iter().any(|start| target.starts_with(start)) {
            return false;
        }
        let Some((captured, template)) = self.rewrite_template(target) else { return true };
        let pieces = template.pieces().iter().cloned().chain([Piece::QueryMark]);
        let action = Action::redirect_to(StatusCode::FOUND, Template::new(pieces));
        self.push(action, |rule| {
            rule.capture(&captured).unwrap_or_else(|_| unsupported_rule(self.pattern, self.written))
        });
        true
    }

    /// The expression that a rewrite captures with, and its target. What cannot be had answers 503.
    fn rewrite_template(&mut self, target: &str) -> Option<(String, Template)> {
        let captured = pcre::translate_groups(&format!("(?i){}", self.written.path));
        match (captured, template(target, true)) {
            (Ok(captured), Ok(template)) if captured.beyond.is_none() => Some((captured.text, template)),
            _ => {
                self.push(Action::respond(StatusCode::SERVICE_UNAVAILABLE), |rule| {
                    rule.because(Reason::InvalidConfiguration)
                });
                None
            }
        }
    }

    fn redirect_to_https(&mut self) {
        let Some(options) = self.redirecting() else { return };
        let covered = match self.maker.coverage {
            _ if self.maker.is_exempt_from_tls(&self.written.path) => return,
            _ if options.force_ssl_redirect => None,
            Coverage::All if options.ssl_redirect => None,
            Coverage::Below(names) if options.ssl_redirect => Some(Predicate::below(Arc::clone(names))),
            _ => return,
        };
        let globals = self.maker.globals;
        let host = if globals.forwarded_headers {
            let header = HeaderName::from_static("x-forwarded-host");
            Piece::ListedFirst(header, Box::new(Piece::HostHeaderName))
        } else {
            Piece::HostHeaderName
        };
        let target = if options.preserve_slash { Piece::Target } else { Piece::TargetUnslashed };
        let port = options.port_in_redirects.then(|| Piece::text(":443"));
        let pieces = [Piece::text("https://"), host].into_iter().chain(port).chain([target]);
        let status = StatusCode::from_u16(globals.redirect_code).unwrap_or(StatusCode::PERMANENT_REDIRECT);
        let condition = Predicate::scheme(Scheme::Http, announced_scheme(globals));
        self.push(Action::redirect_to(status, Template::new(pieces)), |rule| {
            covered.into_iter().fold(rule.when(condition), Rule::when)
        });
    }

    fn gather_policies(&mut self) {
        let (maker, location) = (self.maker, self.written.location);
        let Some(object) = maker.object(location.owner) else { return };
        let mut policies = Vec::new();
        if let Some(settled) = maker.settled(location.owner) {
            policies.extend(settled.policies.iter().cloned());
            if !maker.is_exempt_from_auth(&self.written.path) && !settled.auth.is_empty() {
                self.authorize = true;
                policies.extend(settled.auth.iter().cloned());
                if object.options.any_suffices {
                    policies.push(Policy::AuthorizeAny);
                }
            }
        }
        if let Some(object) = maker.object(maker.server.client_certificates)
            && let Some(policy) = super::auth::certificates(&object.notes)
        {
            self.authorize = true;
            policies.push(policy);
        }
        if !object.options.error_pages.is_empty() {
            let statuses = &object.options.error_pages;
            policies.push(Policy::ErrorPages(Box::new(ErrorPages {
                statuses: statuses.iter().filter_map(|code| StatusCode::from_u16(*code).ok()).collect(),
                backend: self.page_service().map(crate::rule::Backend::Service),
                own_only: !object.options.intercept_errors,
            })));
        }
        let server = maker.server;
        if server.passthrough && location.path == "/" && !location.exact && !server.pattern.is_wildcard() {
            policies.push(Policy::TlsPassthrough);
        }
        if let Target::Upstream(key) = &location.target
            && let Some(upstream) = maker.model.upstreams.get(key)
        {
            policies.extend(policies::of_upstream(upstream, maker.model, maker.globals));
            let affinity = policies::affinity(upstream, location, &maker.server.pattern, maker.model);
            policies.extend(affinity.map(|affinity| Policy::Affinity(Box::new(affinity))));
        }
        self.policies = policies.into();
    }

    /// The annotation's default backend, else the global one.
    fn page_service(&self) -> Option<ServiceRef> {
        self.own_default().or_else(|| self.global_service())
    }

    /// A rule that forwards: under conditions, rewritten and with what the data plane is to do.
    pub(super) fn send(&mut self, conditions: Vec<Predicate>, action: Action) {
        let rewrite = self.maker.rewrite(self.written).map(str::to_owned);
        let policies = self.policies.clone();
        let action = if self.authorize { action.authorized() } else { action };
        let made = match rewrite {
            None => None,
            Some(target) => match self.rewrite_template(&target) {
                Some(made) => Some(made),
                None => return,
            },
        };
        let (pattern, written) = (self.pattern, self.written);
        self.push(action, |rule| {
            let rule = match made {
                None => rule,
                Some((captured, template)) => match rule.capture(&captured) {
                    Ok(rule) => rule.rewrite(Rewrite::built(template)),
                    Err(_) => unsupported_rule(pattern, written),
                },
            };
            conditions.into_iter().fold(rule.with_policies(policies), Rule::when)
        });
    }

    /// Turns addresses away.
    pub(super) fn guard(&mut self) {
        let Some(options) = self.options else { return self.guard_globally() };
        let conditions = self.maker.ranges(&options.allow, &options.deny, false);
        // Each of the lists turns away by itself.
        for condition in conditions {
            self.push(Action::respond(StatusCode::FORBIDDEN), |rule| {
                rule.when(condition).because(Reason::AddressDenied)
            });
        }
        if !options.own_ranges {
            self.guard_globally();
        }
    }

    fn guard_globally(&mut self) {
        let globals = self.maker.globals;
        if !globals.block.is_empty() {
            let condition = Predicate::source(globals.block.clone(), true, announced_client(globals));
            self.push(Action::respond(StatusCode::FORBIDDEN), |rule| {
                rule.when(condition).because(Reason::AddressDenied)
            });
        }
    }
}

fn unsupported_rule(pattern: &PathPattern, written: &Written<'_>) -> Rule {
    let action = Action::respond(StatusCode::SERVICE_UNAVAILABLE);
    Rule::new(pattern.clone(), action, written.location.origin.clone()).because(Reason::Unsupported)
}
