//! Rewriting the path that is sent on.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use http::uri::PathAndQuery;

use super::{Rule, Template};
use crate::path::regex::Captures;
use crate::path::{NormalPath, PathKind, PathPattern};
use crate::request::RequestHead;

/// How a rule rewrites the path of the requests it takes.
///
/// ```
/// use ingress_core::path::PathPattern;
/// use ingress_core::rule::Rewrite;
///
/// let template = Rewrite::template("/users/$2")?;
/// assert_eq!(template.to_string(), "/users/$2");
/// let swap = Rewrite::replace_match("/new")?;
/// assert_eq!(swap.to_string(), "/new...");
/// assert!(Rewrite::template("users").is_err());
/// # Ok::<(), ingress_core::rule::RewriteError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rewrite {
    kind: Kind,
    /// Present when the rule's pattern is an expression and the template asks for its groups.
    captures: Option<Captures>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Kind {
    /// A whole new target but for the query, every byte of which is escaped where it has to be.
    Built(Template),
    /// What the pattern matched gives way to this text; what follows stays.
    ReplaceMatch(Box<str>),
    Template(Box<[Part]>),
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Group(u8),
    Text(Box<str>),
}

impl PartialEq for Rewrite {
    fn eq(&self, other: &Self) -> bool {
        // The engine follows from the rule's pattern, which is compared with the rule.
        self.kind == other.kind
    }
}

impl Rewrite {
    /// A whole new path, in which `$0` to `$9` stand for the groups of the rule's expression. A group
    /// that took no part is empty; of a pattern that is no expression `$0` is what it matched.
    pub fn template(text: &str) -> Result<Self, RewriteError> {
        check(text)?;
        let mut parts = Vec::new();
        let mut pieces = text.split('$');
        let mut plain = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            match piece.as_bytes().first() {
                Some(&digit @ b'0'..=b'9') => {
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain).into()));
                    }
                    parts.push(Part::Group(digit - b'0'));
                    plain.push_str(piece.get(1..).unwrap_or_default());
                }
                _ => {
                    plain.push('$');
                    plain.push_str(piece);
                }
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain.into()));
        }
        Ok(Self { kind: Kind::Template(parts.into()), captures: None })
    }

    /// A whole new path, put together for the request. Its groups are those of the expression that the
    /// rule [captures](super::Rule::capture); all of it is escaped where a target wants it. It need not
    /// start with a slash; where it does not, the result is no path that `http` can hold, and only
    /// [`Match::sent_target`](crate::table::Match::sent_target) says what it is.
    pub fn built(template: Template) -> Self {
        Self { kind: Kind::Built(template), captures: None }
    }

    /// What the pattern matched is replaced, what follows it is kept, with one slash between.
    pub fn replace_match(text: &str) -> Result<Self, RewriteError> {
        check(text)?;
        Ok(Self { kind: Kind::ReplaceMatch(text.into()), captures: None })
    }

    /// Makes ready for the pattern of a rule.
    pub(super) fn bound_to(mut self, path: &PathPattern) -> Self {
        self.captures = match path.kind() {
            PathKind::Regex => Captures::new(path.as_str(), path.ignores_case(), path.start()),
            _ => None,
        };
        self
    }

    /// Whether the result is the same whatever the pattern of the rule matched.
    pub(crate) fn reads_no_match(&self) -> bool {
        match &self.kind {
            Kind::Built(_) => true,
            Kind::ReplaceMatch(_) => false,
            Kind::Template(parts) => parts.iter().all(|part| matches!(part, Part::Text(_))),
        }
    }

    /// Whether the result is the same for every request but for its query.
    pub(crate) fn is_fixed(&self) -> bool {
        match &self.kind {
            Kind::Built(template) => template.fixed().is_some(),
            Kind::ReplaceMatch(_) | Kind::Template(_) => self.reads_no_match(),
        }
    }

    /// The path to send on, with the query put back behind it.
    pub(crate) fn apply(
        &self,
        rule: &Rule,
        request: &RequestHead<'_>,
        normal: &NormalPath<'_>,
    ) -> Result<String, RewriteError> {
        if let Kind::Built(template) = &self.kind {
            return Ok(built(template, rule, request, normal));
        }
        let pattern = rule.path();
        let (path, decoded) = (normal.path(), normal.is_decoded());
        let groups = match &self.captures {
            Some(captures) => captures.groups(path),
            None => pattern.matched_length(path).map(|end| vec![Some((0, end))]),
        };
        let groups = groups.unwrap_or_default();
        let group = |index: u8| {
            let (start, end) = groups.get(usize::from(index)).copied().flatten()?;
            path.get(start..end)
        };
        let mut target = BytesMut::with_capacity(path.len() + 32);
        match &self.kind {
            Kind::Built(_) => {}
            Kind::Template(parts) => {
                for part in parts {
                    match part {
                        Part::Group(index) => {
                            put_path(&mut target, group(*index).unwrap_or_default(), decoded);
                        }
                        Part::Text(text) => target.put_slice(text.as_bytes()),
                    }
                }
            }
            Kind::ReplaceMatch(text) => {
                let rest = path.get(group(0).map_or(0, <[u8]>::len)..).unwrap_or_default();
                let rest = rest.strip_prefix(b"/").unwrap_or(rest);
                target.put_slice(text.strip_suffix('/').unwrap_or(text).as_bytes());
                if !rest.is_empty() || text.ends_with('/') || target.is_empty() {
                    target.put_u8(b'/');
                }
                put_path(&mut target, rest, decoded);
            }
        }
        // A template that carries a query of its own goes before the query of the request.
        finish(target, normal.query())
    }
}

/// Makes the target out of a path that was not rewritten.
pub(crate) fn unchanged(normal: &NormalPath<'_>) -> Result<String, RewriteError> {
    let (path, query) = (normal.path(), normal.query());
    let mut target = BytesMut::with_capacity(path.len() + query.map_or(0, |query| query.len() + 1));
    put_path(&mut target, path, normal.is_decoded());
    finish(target, query)
}

/// The target as the type for it, where it is one that the type can hold.
pub(crate) fn as_path_and_query(target: String) -> Result<PathAndQuery, RewriteError> {
    let target = Bytes::from(target);
    if target.first() != Some(&b'/') && &*target != b"*" {
        return Err(RewriteError { kind: ErrorKind::Relative });
    }
    PathAndQuery::from_maybe_shared(target).map_err(|_| RewriteError { kind: ErrorKind::Characters })
}

fn finish(mut target: BytesMut, query: Option<&str>) -> Result<String, RewriteError> {
    if let Some(query) = query {
        target.put_u8(if target.contains(&b'?') { b'&' } else { b'?' });
        target.put_slice(query.as_bytes());
    }
    if target.first() != Some(&b'/') && &*target != b"*" {
        return Err(RewriteError { kind: ErrorKind::Relative });
    }
    String::from_utf8(target.into()).map_err(|_| RewriteError { kind: ErrorKind::Characters })
}

fn built(template: &Template, rule: &Rule, request: &RequestHead<'_>, normal: &NormalPath<'_>) -> String {
    let groups = rule.groups(normal.path());
    let mut target = Vec::new();
    template.put(request, normal, &groups, |_, text| put_whole(&mut target, text));
    if let Some(query) = normal.query().filter(|query| !query.is_empty()) {
        target.push(b'?');
        target.extend_from_slice(query.as_bytes());
    }
    String::from_utf8_lossy(&target).into_owned()
}

/// Writes bytes that are escaped nowhere yet.
pub(crate) fn put_whole(target: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        match byte {
            b'~' => target.push(byte),
            0..=b' ' | b'"' | b'#' | b'%' | b'<' | b'>' | b'?' | b'\\' | b'^' | b'`' | b'{'.. => {
                put_escape(target, byte);
            }
            _ => target.push(byte),
        }
    }
}

pub(super) fn put_escape(target: &mut impl BufMut, byte: u8) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'A' - 10 + nibble };
    target.put_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
}

/// Writes bytes of a path, escaping what would end it or cannot stand in it: decoding may have
/// brought such bytes to light. In a decoded path `%` is one of them.
pub(super) fn put_path(target: &mut impl BufMut, path: &[u8], decoded: bool) {
    for &byte in path {
        if matches!(byte, 0..=b' ' | b'"' | b'#' | b'?' | b'<' | b'>' | b'`' | 0x7f..)
            || decoded && byte == b'%'
        {
            put_escape(target, byte);
        } else {
            target.put_u8(byte);
        }
    }
}

fn check(text: &str) -> Result<(), RewriteError> {
    if !text.starts_with(['/', '$']) {
        return Err(RewriteError { kind: ErrorKind::Relative });
    }
    if text.bytes().any(|byte| byte <= b' ' || byte >= 0x7f || byte == b'#') {
        return Err(RewriteError { kind: ErrorKind::Characters });
    }
    Ok(())
}

impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Built(template) => template.fmt(f),
            Kind::ReplaceMatch(text) => write!(f, "{text}..."),
            Kind::Template(parts) => parts.iter().try_for_each(|part| match part {
                Part::Group(index) => write!(f, "${index}"),
                Part::Text(text) => f.write_str(text),
            }),
        }
    }
}

/// Why a text is no [`Rewrite`], or why its result is no path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RewriteError {
    kind: ErrorKind,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum ErrorKind {
    Characters,
    Refused,
    Relative,
}

impl RewriteError {
    pub(crate) const fn refused() -> Self {
        Self { kind: ErrorKind::Refused }
    }
}

impl fmt::Display for RewriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ErrorKind::Characters => "the path would hold characters that a request target cannot carry",
            ErrorKind::Refused => "the request's own path is refused",
            ErrorKind::Relative => "the path would not start with `/`",
        })
    }
}

impl std::error::Error for RewriteError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Origin;
    use crate::path::{PathReading, Step};
    use crate::rule::{Action, Piece};
    use http::StatusCode;

    fn sent(
        rewrite: Rewrite,
        pattern: &PathPattern,
        normal: &NormalPath<'_>,
    ) -> Result<String, RewriteError> {
        let rule = Rule::new(pattern.clone(), Action::respond(StatusCode::OK), Origin::configuration());
        let rule = rule.rewrite(rewrite);
        let sent = rule.path_rewrite().unwrap().apply(&rule, &RequestHead::new("h", "/"), normal)?;
        as_path_and_query(sent).map(|target| target.to_string())
    }

    fn apply(rewrite: &str, pattern: &PathPattern, target: &str) -> Result<String, RewriteError> {
        let rewrite = match rewrite.strip_suffix("...") {
            Some(text) => Rewrite::replace_match(text),
            None => Rewrite::template(rewrite),
        };
        sent(rewrite?, pattern, &PathReading::raw().normalize(target).unwrap())
    }

    fn regex(text: &str) -> PathPattern {
        PathPattern::regex(text).unwrap()
    }

    fn prefix(text: &str) -> PathPattern {
        PathPattern::prefix(text).unwrap()
    }

    #[test]
    fn groups() {
        let api = "/api(/|$)(.*)";
        assert_eq!(apply("/$2", &regex(api), "/api/v1/x?q=1").as_deref(), Ok("/v1/x?q=1"));
        assert_eq!(apply("/$2", &regex(api), "/api").as_deref(), Ok("/"));
        assert_eq!(apply("/$9$x$", &regex(api), "/api/a").as_deref(), Ok("/$x$"));
        assert_eq!(apply("/x?a=b", &regex(api), "/api/a?c").as_deref(), Ok("/x?a=b&c"));
        assert_eq!(apply("/$0", &prefix("/p"), "/p/x").as_deref(), Ok("//p"));
    }

    #[test]
    fn replacing_what_matched() {
        assert_eq!(apply("/new...", &prefix("/old"), "/old/x").as_deref(), Ok("/new/x"));
        assert_eq!(apply("/new...", &prefix("/old"), "/old").as_deref(), Ok("/new"));
        assert_eq!(apply("/...", &prefix("/old"), "/old/x").as_deref(), Ok("/x"));
        assert_eq!(apply("/...", &prefix("/old"), "/old").as_deref(), Ok("/"));
        assert_eq!(apply("/new...", &prefix("/"), "/x").as_deref(), Ok("/new/x"));
    }

    #[test]
    fn a_result_that_is_no_path_is_an_error() {
        assert!(apply("$1", &regex("/(.*)"), "/evil").is_err());
        assert!(apply("x", &regex("/"), "/").is_err());
        assert!(Rewrite::template("/a b").is_err() && Rewrite::template("/\r\nX: y").is_err());
    }

    #[test]
    fn what_decoding_uncovered_is_covered_again() {
        const READING: PathReading = PathReading::new(&[Step::DecodeAll]);
        for target in ["/a%20b%3F%23%FF%0A?q", "/%252e%252e/%25", "/a%2541"] {
            let normal = READING.normalize(target).unwrap();
            assert_eq!(unchanged(&normal).unwrap(), target);
            let rewrite = Rewrite::replace_match("/").unwrap();
            assert_eq!(sent(rewrite, &prefix("/"), &normal).unwrap(), target);
        }
    }

    #[test]
    fn what_is_built_is_escaped_as_a_whole() {
        let reading = PathReading::new(&[Step::DecodeAll]);
        let rule = Rule::new(prefix("/"), Action::respond(StatusCode::OK), Origin::configuration())
            .capture("(?i)^/A/(.*)$")
            .unwrap();
        let built = |template: Template, target: &str| {
            let rule = rule.clone().rewrite(Rewrite::built(template));
            let normal = reading.normalize(target).unwrap();
            rule.path_rewrite().unwrap().apply(&rule, &RequestHead::new("h", target), &normal).unwrap()
        };
        let group = || Template::new([Piece::text("/n/"), Piece::Group(1)]);
        assert_eq!(built(group(), "/a/b%20c%2Fd%c3?q={1}"), "/n/b%20c/d%C3?q={1}");
        assert_eq!(built(group(), "/a/%7B~%5c%3F?"), "/n/%7B~%5C%3F");
        assert_eq!(built(group(), "/b/x"), "/n/");
        assert_eq!(built(Template::text("new"), "/a/"), "new");
    }
}
