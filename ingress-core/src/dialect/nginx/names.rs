//! Which names lead to which server: hosts, aliases in nginx's own syntax, and the other half of a `www`
//! pair. Who comes first in the file has a name; whoever comes later does without it.

use std::collections::BTreeSet;

use super::findings;
use super::model::{ANY, Model, Object, Server};
use super::pcre;
use crate::dialect::Assembly;
use crate::host::HostPattern;
use crate::printable::Excerpt;

/// A name, and what stands behind it.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) pattern: HostPattern,
    /// The name as certificates know it; empty where they cannot.
    pub(super) text: String,
    pub(super) serves: Serves,
}

/// What stands behind a name.
#[derive(Debug)]
pub(super) enum Serves {
    /// The server of this name.
    Server(String),
    /// A redirect to the server of this name.
    WwwRedirect(String),
}

/// The other half of the `www` pair of a server that wants it redirected.
pub(super) fn www_source(server: &Server) -> Option<String> {
    server.from_to_www?;
    let name = super::model::server_name(&server.pattern);
    Some(name.strip_prefix("www.").map_or_else(|| format!("www.{name}"), str::to_owned))
}

/// Names that are given away.
#[derive(Default)]
struct Taken {
    given: BTreeSet<HostPattern>,
    /// An expression among the aliases came by: wildcard hosts, which are expressions to nginx, come behind it.
    expression: bool,
    place: u32,
}

/// All names, in the order of the file.
pub(super) fn resolve(model: &Model<'_>, out: &mut Assembly<'_>) -> Vec<Name> {
    let mut taken = Taken::default();
    let mut names = Vec::new();
    for (name, server) in &model.servers {
        let Some(source) = www_source(server) else { continue };
        if model.servers.contains_key(&source) {
            continue;
        }
        if server.pattern.is_wildcard() {
            if let Some(object) = server.from_to_www.and_then(|owner| model.objects.get(owner)) {
                let what = format!("{} is no name that nginx takes", Excerpt(&source));
                object.notes.find(&findings::REFUSED, "from-to-www-redirect", &what, out);
            }
            continue;
        }
        let pattern = HostPattern::literal(&source);
        if taken.given.insert(pattern.clone()) {
            names.push(Name { pattern, text: source, serves: Serves::WwwRedirect(name.clone()) });
        }
    }
    for (name, server) in &model.servers {
        let mut give = |pattern, text: &str| {
            names.push(Name { pattern, text: text.to_owned(), serves: Serves::Server(name.clone()) });
        };
        if let Some(pattern) = taken.host(server) {
            give(pattern, name);
        }
        if name == ANY {
            // Its name in the file is one that requests may have.
            let own = HostPattern::literal(ANY);
            if taken.given.insert(own.clone()) {
                give(own, name);
            }
        }
        let owner = server.alias_owner.and_then(|owner| model.objects.get(owner));
        for alias in &server.aliases {
            match taken.alias(alias) {
                Ok(patterns) => patterns.into_iter().for_each(|pattern| give(pattern, alias)),
                Err(problem) => {
                    if let Some(object) = owner {
                        problem.report(object, alias, out);
                    }
                }
            }
        }
    }
    names
}

enum Problem {
    Refused(&'static str),
    Taken,
    Unsupported(&'static str),
}

impl Problem {
    fn report(self, object: &Object<'_>, alias: &str, out: &mut Assembly<'_>) {
        let (finding, why) = match self {
            Self::Refused(why) => (&findings::REFUSED, why),
            Self::Taken => (&findings::ALIAS, "another host has the name already"),
            Self::Unsupported(why) => (&findings::NOT_ACTED_ON, why),
        };
        object.notes.find(finding, "server-alias", &format!("{}: {why}", Excerpt(alias)), out);
    }
}

impl Taken {
    fn place(&mut self) -> u32 {
        self.place += 1;
        self.place
    }

    /// The host's own name; `None` when an alias before it took it.
    fn host(&mut self, server: &Server) -> Option<HostPattern> {
        let pattern = &server.pattern;
        if pattern.is_any() {
            return Some(pattern.clone());
        }
        if pattern.is_wildcard() {
            if !self.expression {
                return Some(pattern.clone());
            }
            let expression = format!(r"^[0-9A-Za-z_-]+\.{}$", pattern.suffix().replace('.', r"\."));
            return HostPattern::regex(&expression, self.place()).ok();
        }
        self.given.insert(pattern.clone()).then(|| pattern.clone())
    }

    fn alias(&mut self, alias: &str) -> Result<Vec<HostPattern>, Problem> {
        if let Some(expression) = alias.strip_prefix('~') {
            let translated = pcre::translate(&format!("(?i){expression}")).map_err(Problem::Refused)?;
            if let Some(why) = translated.beyond {
                return Err(Problem::Unsupported(why));
            }
            self.expression = true;
            let pattern = HostPattern::regex(&translated.text, self.place());
            return pattern
                .map(|pattern| vec![pattern])
                .map_err(|_| Problem::Unsupported("it cannot be run"));
        }
        let lower = alias.to_ascii_lowercase();
        let (name, ends): (&str, fn(&str) -> Vec<HostPattern>) = if let Some(name) = lower.strip_prefix("*.")
        {
            (name, |name| vec![HostPattern::below(name)])
        } else if let Some(name) = lower.strip_prefix('.') {
            (name, |name| vec![HostPattern::literal(name), HostPattern::below(name)])
        } else if let Some(name) = lower.strip_suffix(".*") {
            (name, |name| vec![HostPattern::above(name)])
        } else {
            (&lower, |name| vec![HostPattern::literal(name)])
        };
        if name.is_empty() || name.contains('*') || lower.contains("..") {
            return Err(Problem::Refused("it is no name, and no wildcard at one end of a name"));
        }
        let patterns = ends(name);
        // A name that is taken takes the whole alias with it.
        if patterns.iter().any(|pattern| !self.given.insert(pattern.clone())) {
            return Err(Problem::Taken);
        }
        Ok(patterns)
    }
}
