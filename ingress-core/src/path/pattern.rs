//! What a rule says about paths, and its literal reading.

use std::fmt;
use std::sync::Arc;

use super::regex;
use crate::printable::Printable;

/// The paths that a rule applies to.
///
/// [`matches`](Self::matches) is the literal reading, one comparison at a time; the indexes of the
/// table are held against it.
///
/// ```
/// use ingress_core::path::PathPattern;
///
/// let prefix = PathPattern::prefix("/aaa/bbb/")?;
/// assert!(prefix.matches(b"/aaa/bbb") && prefix.matches(b"/aaa/bbb/ccc"));
/// assert!(!prefix.matches(b"/aaa/bbbccc"));
///
/// let regex = PathPattern::regex("/v[0-9]+/")?.ignore_case();
/// assert!(regex.matches(b"/V2/users"));
/// # Ok::<(), ingress_core::path::PathError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PathPattern {
    kind: PathKind,
    fold: bool,
    /// Of an expression: it may match anywhere in the path.
    search: bool,
    text: Arc<str>,
}

/// The ways of comparing a path.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum PathKind {
    /// Every path.
    Any,
    /// Equal, byte by byte.
    Exact,
    /// Starts with these bytes, wherever that ends.
    Literal,
    /// Element by element on `/`; one trailing slash of the pattern is ignored.
    Prefix,
    /// A regular expression, anchored where the path starts and open at its end.
    Regex,
}

impl PathPattern {
    /// Every path.
    pub fn any() -> Self {
        Self { kind: PathKind::Any, fold: false, search: false, text: "".into() }
    }

    /// Exactly this path.
    pub fn exact(path: impl Into<Arc<str>>) -> Result<Self, PathError> {
        Self::starting_with_slash(PathKind::Exact, path.into())
    }

    /// This path and what lies below it, element by element.
    pub fn prefix(path: impl Into<Arc<str>>) -> Result<Self, PathError> {
        Self::starting_with_slash(PathKind::Prefix, path.into())
    }

    /// Whatever starts with these bytes.
    pub fn literal(path: impl Into<Arc<str>>) -> Result<Self, PathError> {
        Self::starting_with_slash(PathKind::Literal, path.into())
    }

    /// Whatever this expression matches from its first byte on. The syntax is that of the `regex`
    /// crate, on bytes; look-around and back-references are errors, for no engine with a bound on
    /// its running time has them.
    pub fn regex(expression: impl Into<Arc<str>>) -> Result<Self, PathError> {
        let text = expression.into();
        regex::check(&text)?;
        Ok(Self { kind: PathKind::Regex, fold: false, search: false, text })
    }

    /// Whatever this expression is found in. It starts with the path only as far as it says so itself.
    pub fn search(expression: impl Into<Arc<str>>) -> Result<Self, PathError> {
        Ok(Self { search: true, ..Self::regex(expression)? })
    }

    fn starting_with_slash(kind: PathKind, text: Arc<str>) -> Result<Self, PathError> {
        if !text.starts_with('/') {
            return Err(PathError { kind: PathErrorKind::Relative });
        }
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err(PathError { kind: PathErrorKind::ControlByte });
        }
        Ok(Self { kind, fold: false, search: false, text })
    }

    /// The same, without regard to the case of ASCII letters.
    #[must_use]
    pub fn ignore_case(mut self) -> Self {
        self.fold = true;
        self
    }

    /// How the path is compared.
    pub fn kind(&self) -> PathKind {
        self.kind
    }

    /// Whether case is ignored.
    pub fn ignores_case(&self) -> bool {
        self.fold
    }

    /// Whether an expression may match anywhere in the path.
    pub fn is_searched(&self) -> bool {
        self.search
    }

    pub(crate) fn start(&self) -> regex::Start {
        if self.search { regex::Start::Anywhere } else { regex::Start::Path }
    }

    /// The pattern as written; empty for [`any`](Self::any).
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text that is compared: without the one trailing slash that a prefix ignores.
    pub(crate) fn compared(&self) -> &str {
        match self.kind {
            PathKind::Prefix => self.text.strip_suffix('/').unwrap_or(&self.text),
            _ => &self.text,
        }
    }

    /// How specific the pattern is by length alone.
    pub fn specificity(&self) -> usize {
        self.compared().len()
    }

    /// Whether both are the same condition, however they are written.
    pub fn same_as(&self, other: &Self) -> bool {
        let texts = (self.compared(), other.compared());
        self.kind == other.kind
            && (self.fold, self.search) == (other.fold, other.search)
            && if self.fold && self.kind != PathKind::Regex {
                texts.0.eq_ignore_ascii_case(texts.1)
            } else {
                texts.0 == texts.1
            }
    }

    /// Whether `path`, already normalised, is meant.
    pub fn matches(&self, path: &[u8]) -> bool {
        self.matched_length(path).is_some()
    }

    /// How many bytes of `path` the pattern took, where it matches at all.
    pub(crate) fn matched_length(&self, path: &[u8]) -> Option<usize> {
        let text = self.compared().as_bytes();
        let same = |head: &[u8]| if self.fold { head.eq_ignore_ascii_case(text) } else { head == text };
        let head = path.get(..text.len());
        let rest = path.get(text.len()..).unwrap_or_default();
        let matches = match self.kind {
            PathKind::Any => true,
            PathKind::Exact => same(path),
            PathKind::Literal => head.is_some_and(same),
            PathKind::Prefix => {
                text.is_empty() || head.is_some_and(same) && (rest.is_empty() || rest.starts_with(b"/"))
            }
            PathKind::Regex => return regex::matched_length(&self.text, self.fold, self.start(), path),
        };
        matches.then_some(text.len())
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.kind, self.fold) {
            (PathKind::Any, _) => return f.write_str("Any"),
            (PathKind::Exact, false) => "Exact",
            (PathKind::Exact, true) => "Exact~*",
            (PathKind::Literal, false) => "Literal",
            (PathKind::Literal, true) => "Literal~*",
            (PathKind::Prefix, false) => "Prefix",
            (PathKind::Prefix, true) => "Prefix~*",
            (PathKind::Regex, false) if self.search => "Search",
            (PathKind::Regex, true) if self.search => "Search~*",
            (PathKind::Regex, false) => "Regex",
            (PathKind::Regex, true) => "Regex~*",
        })?;
        write!(f, " {}", Printable(&self.text))
    }
}

/// Why a text is no [`PathPattern`].
#[derive(Clone, Debug)]
pub struct PathError {
    kind: PathErrorKind,
}

#[derive(Clone, Debug)]
enum PathErrorKind {
    ControlByte,
    Oversized,
    Relative,
    Syntax(Box<regex_syntax::Error>),
}

impl PathError {
    pub(super) fn syntax(error: Box<regex_syntax::Error>) -> Self {
        Self { kind: PathErrorKind::Syntax(error) }
    }

    pub(super) const fn oversized() -> Self {
        Self { kind: PathErrorKind::Oversized }
    }

    /// The path does not start with `/`.
    pub fn is_relative(&self) -> bool {
        matches!(self.kind, PathErrorKind::Relative)
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            PathErrorKind::ControlByte => f.write_str("it holds a control byte, which no request can carry"),
            PathErrorKind::Oversized => f.write_str("the expression needs too much memory"),
            PathErrorKind::Relative => f.write_str("it does not start with `/`"),
            PathErrorKind::Syntax(_) => f.write_str("it is no regular expression that can be run"),
        }
    }
}

impl std::error::Error for PathError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            PathErrorKind::Syntax(error) => Some(&**error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_prefix_matches_everything() {
        let root = PathPattern::prefix("/").unwrap();
        for path in [&b"/"[..], b"/a", b"*", b"//"] {
            assert!(root.matches(path));
        }
    }

    #[test]
    fn one_trailing_slash_is_ignored_and_no_more() {
        let pattern = PathPattern::prefix("/a//").unwrap();
        assert!(pattern.matches(b"/a/") && pattern.matches(b"/a//b"));
        assert!(!pattern.matches(b"/a") && !pattern.matches(b"/a/b"));
    }

    #[test]
    fn same_as_sees_through_spelling() {
        let prefix = |text: &str| PathPattern::prefix(text).unwrap();
        assert!(prefix("/a").same_as(&prefix("/a/")));
        assert!(prefix("/A").ignore_case().same_as(&prefix("/a/").ignore_case()));
        assert!(!prefix("/A").same_as(&prefix("/a")));
        assert!(!prefix("/a").same_as(&PathPattern::exact("/a").unwrap()));
    }

    #[test]
    fn refused_texts() {
        assert!(PathPattern::exact("a").unwrap_err().is_relative());
        assert!(PathPattern::prefix("").unwrap_err().is_relative());
        assert!(PathPattern::literal("/a\0").is_err());
        assert!(PathPattern::regex("/(?!a)").is_err());
        assert!(PathPattern::regex(r"/(a)\1").is_err());
    }
}
