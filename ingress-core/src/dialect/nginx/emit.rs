//! The rules of one server, in order: what holds for the whole host, then its locations.

use http::{HeaderName, StatusCode};

use super::certificates::Coverage;
use super::locations::{Layout, Written, rewrite_of};
use super::model::{Model, Object, Server};
use super::pcre;
use super::settings::Globals;
use crate::dialect::Surroundings;
use crate::origin::Origin;
use crate::path::PathPattern;
use crate::rule::{
    Action, ClientHeader, Piece, Policy, Predicate, Reason, Rule, SourceRanges, Template, ValueTest,
};

/// What every location of an object has in common, settled once.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) policies: Vec<Policy>,
    pub(super) auth: Vec<Policy>,
    pub(super) denied: bool,
}

/// All that rules are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maker<'m, 'i> {
    pub(super) model: &'m Model<'i>,
    pub(super) settled: &'m [Settled],
    pub(super) globals: &'m Globals,
    pub(super) around: &'m Surroundings,
    /// The compiler's own default backend.
    pub(super) default_backend: Option<&'m crate::rule::Backend>,
    pub(super) server: &'m Server,
    pub(super) layout: &'m Layout<'m>,
    /// Whether a certificate is found for the name that the rules are made for.
    pub(super) coverage: &'m Coverage,
}

/// The header that tells the scheme, where such headers are believed.
pub(super) fn announced_scheme(globals: &Globals) -> Option<HeaderName> {
    globals.forwarded_headers.then(|| HeaderName::from_static("x-forwarded-proto"))
}

/// The header that tells the client's address, where it is read. With the PROXY protocol the connection itself
/// tells it, and no header does.
pub(super) fn announced_client(globals: &Globals) -> Option<ClientHeader> {
    if globals.proxy_protocol || !(globals.forwarded_headers || globals.real_ip) {
        return None;
    }
    let header = ClientHeader::new(globals.client_header.clone());
    Some(match &globals.believed {
        Some(ranges) => header.believed_from(ranges.clone()),
        None => header,
    })
}

impl<'m, 'i> Maker<'m, 'i> {
    pub(super) fn object(&self, owner: Option<usize>) -> Option<&'m Object<'i>> {
        self.model.objects.get(owner?)
    }

    pub(super) fn settled(&self, owner: Option<usize>) -> Option<&'m Settled> {
        self.settled.get(owner?)
    }

    /// All rules of the server.
    pub(super) fn rules(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        self.blocks(&mut rules);
        if self.server.closed {
            let origin = self.root_origin();
            let closed = Rule::new(PathPattern::any(), Action::respond(StatusCode::FORBIDDEN), origin);
            rules.push(closed.because(Reason::InvalidConfiguration));
            return rules;
        }
        self.app_root(&mut rules);
        if self.layout.regex {
            for written in &self.layout.written {
                self.by_expression(written, &mut rules);
            }
        } else {
            self.by_path(&mut rules);
        }
        rules
    }

    fn root_origin(&self) -> Origin {
        self.server.locations.first().map_or_else(Origin::configuration, |location| location.origin.clone())
    }

    /// Programs and referrers that the cluster wants nothing to do with.
    fn blocks(&self, rules: &mut Vec<Rule>) {
        let lists = [("user-agent", &self.globals.block_agents), ("referer", &self.globals.block_referers)];
        for (header, list) in lists {
            for text in list {
                let expression = match (text.strip_prefix("~*"), text.strip_prefix('~')) {
                    (Some(expression), _) => format!("(?i){expression}"),
                    (None, Some(expression)) => expression.to_owned(),
                    (None, None) => format!("(?i)^{}$", quoted(text)),
                };
                let translated = pcre::translate(&expression).map(|translated| translated.text);
                let Some(test) = translated.ok().and_then(|text| ValueTest::regex(&text).ok()) else {
                    continue;
                };
                let rule = Rule::new(
                    PathPattern::any(),
                    Action::respond(StatusCode::FORBIDDEN),
                    Origin::configuration(),
                );
                let predicate = Predicate::joined_header(HeaderName::from_static(header), test);
                rules.push(rule.when(predicate).because(Reason::Unwelcome));
            }
        }
    }

    /// The first location in order that has one decides for the host.
    fn app_root(&self, rules: &mut Vec<Rule>) {
        let found = self.layout.written.iter().find_map(|written| {
            let location = written.location;
            let object = self.object(location.owner).filter(|_| !location.plain)?;
            Some((object.options.app_root.as_ref()?, location))
        });
        let Some((target, location)) = found else { return };
        let pieces = [Piece::Scheme, Piece::text("://"), Piece::HostHeader];
        let target = Template::new(pieces.into_iter().chain(target.pieces().iter().cloned()));
        let Ok(path) = PathPattern::exact("/") else { return };
        rules.push(Rule::new(path, Action::redirect_to(StatusCode::FOUND, target), location.origin.clone()));
    }

    fn by_expression(&self, written: &Written<'_>, rules: &mut Vec<Rule>) {
        // What PCRE would not compile was reported, and is not served.
        let Ok(translated) = pcre::translate(&format!("^{}", written.path)) else { return };
        let Ok(pattern) = PathPattern::search(translated.text) else { return };
        let pattern = pattern.ignore_case();
        if translated.beyond.is_some() {
            let action = Action::respond(StatusCode::SERVICE_UNAVAILABLE);
            let rule = Rule::new(pattern, action, written.location.origin.clone());
            rules.push(rule.because(Reason::Unsupported).keep_place());
            return;
        }
        let start = rules.len();
        self.location(&pattern, written, rules);
        for rule in rules.iter_mut().skip(start) {
            *rule = rule.clone().keep_place();
        }
    }

    /// Exact paths, then redirects to the path with a slash, then prefixes, the longest first.
    fn by_path(&self, rules: &mut Vec<Rule>) {
        let mut prefixes: Vec<(usize, Vec<Rule>)> = Vec::new();
        let mut slashes: Vec<&Written<'_>> = Vec::new();
        for written in &self.layout.written {
            if !written.path.starts_with('/') {
                continue;
            }
            let slashed = written.path.len() > 1 && written.path.ends_with('/');
            if slashed && !self.is_denied(written) {
                match slashes.iter_mut().find(|other| other.path == written.path) {
                    // Of two with one name the exact one speaks.
                    Some(other) if written.exact => *other = written,
                    Some(_) => {}
                    None => slashes.push(written),
                }
            }
            let twin = |other: &&Written<'_>| {
                other.exact != written.exact && other.location.origin == written.location.origin
            };
            let twin = self.layout.written.iter().find(twin);
            if written.exact {
                // Said together with the prefix, where both say the same.
                if twin.is_some_and(|prefix| self.are_one(prefix, written)) {
                    continue;
                }
                if let Ok(path) = PathPattern::exact(written.path.as_str()) {
                    self.location(&path, written, rules);
                }
                continue;
            }
            let whole = twin.filter(|exact| exact.path != written.path && self.are_one(written, exact));
            let pattern = match whole {
                Some(exact) => PathPattern::prefix(exact.path.as_str()),
                None if written.path == "/" => PathPattern::prefix("/"),
                None => PathPattern::literal(written.path.as_str()),
            };
            if let Ok(pattern) = pattern {
                let mut own = Vec::new();
                self.location(&pattern, written, &mut own);
                prefixes.push((written.path.len(), own));
            }
        }
        let any = self.server.pattern.is_any();
        let is_located = |path: &str| {
            any && super::built_in::PATHS.contains(&path)
                || self.layout.written.iter().any(|other| other.exact && other.path == path)
        };
        for written in slashes {
            let Some(bare) = written.path.strip_suffix('/') else { continue };
            if !is_located(bare) {
                self.slash_redirect(bare, written, rules);
            }
        }
        if any {
            super::built_in::add(&mut prefixes);
        }
        prefixes.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
        rules.extend(prefixes.into_iter().flat_map(|(_, rules)| rules));
    }

    /// Whether the two halves of a prefix come to the same rules.
    fn are_one(&self, prefix: &Written<'_>, exact: &Written<'_>) -> bool {
        self.is_exempt_from_tls(&prefix.path) == self.is_exempt_from_tls(&exact.path)
            && self.is_exempt_from_auth(&prefix.path) == self.is_exempt_from_auth(&exact.path)
    }

    pub(super) fn is_exempt_from_tls(&self, path: &str) -> bool {
        self.globals.no_tls_redirect.iter().any(|prefix| path.starts_with(prefix.as_str()))
    }

    pub(super) fn is_exempt_from_auth(&self, path: &str) -> bool {
        self.globals.no_auth.iter().any(|prefix| path.starts_with(prefix.as_str()))
    }

    pub(super) fn is_denied(&self, written: &Written<'_>) -> bool {
        let owner = written.location.owner;
        self.object(owner).is_some_and(|object| object.options.denied)
            || self.settled(owner).is_some_and(|settled| settled.denied)
    }

    /// The rewrite target that changes something at a location.
    pub(super) fn rewrite(&self, written: &Written<'_>) -> Option<&'m str> {
        rewrite_of(written.location, self.model).filter(|target| *target != written.path)
    }

    /// A path that ends in a slash answers for the path without it, by sending the client there.
    fn slash_redirect(&self, bare: &str, written: &Written<'_>, rules: &mut Vec<Rule>) {
        let Ok(path) = PathPattern::exact(bare) else { return };
        let mut escaped = Vec::new();
        crate::rule::put_whole(&mut escaped, written.path.as_bytes());
        let relative = match self.object(written.location.owner) {
            Some(object) if !written.location.plain => object.options.relative_redirects,
            _ => self.globals.relative_redirects,
        };
        let mut pieces = if relative { Vec::new() } else { absolute() };
        pieces.extend([Piece::text(&String::from_utf8_lossy(&escaped)), Piece::QueryMark]);
        let action = Action::redirect_to(StatusCode::MOVED_PERMANENTLY, Template::new(pieces));
        rules.push(Rule::new(path, action, written.location.origin.clone()));
    }

    /// Conditions under which an address is let in, or turned away: one for each list.
    pub(super) fn ranges(&self, allow: &SourceRanges, deny: &SourceRanges, let_in: bool) -> Vec<Predicate> {
        let test = |ranges: &SourceRanges, inside| {
            (!ranges.is_empty())
                .then(|| Predicate::source(ranges.clone(), inside, announced_client(self.globals)))
        };
        test(deny, !let_in).into_iter().chain(test(allow, let_in)).collect()
    }
}

/// Scheme and host as nginx itself puts them before a path.
pub(super) fn absolute() -> Vec<Piece> {
    vec![Piece::Scheme, Piece::text("://"), Piece::Host]
}

fn quoted(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let sign = c.is_ascii_punctuation().then_some('\\');
            sign.into_iter().chain([c])
        })
        .collect()
}
