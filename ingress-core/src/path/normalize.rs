//! The path that is judged: what is left of a request target after the steps of a dialect.

use std::borrow::Cow;
use std::fmt;

use super::Scan;

/// How a dialect reads the path of a request before any rule sees it.
///
/// The order of the steps is observable: `/x//../foo` is `/x/foo` when dot segments go first and
/// `/foo` when slashes are merged first.
///
/// ```
/// use ingress_core::path::{PathReading, Step};
///
/// let reading = PathReading::new(&[Step::DecodeUnreserved, Step::DotSegments]);
/// let path = reading.normalize("/a/%2e%2e/b%2Fc?q=/..")?;
/// assert_eq!(path.path(), b"/b%2Fc");
/// assert_eq!(path.query(), Some("q=/.."));
/// assert!(reading.normalize("/a%zz").is_err());
/// # Ok::<(), ingress_core::path::Refusal>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PathReading {
    steps: &'static [Step],
    fragment: Fragment,
    strict: bool,
    strict_root: bool,
}

/// One pass over the path.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// `\` becomes `/`.
    Backslash,
    /// Every escape is decoded, `%2F` too.
    DecodeAll,
    /// Escapes are decoded but for those of reserved characters.
    DecodeNotReserved,
    /// Escapes of letters, digits, `-`, `.`, `_` and `~` are decoded.
    DecodeUnreserved,
    /// `.` and `..` are resolved; nothing climbs above the root.
    DotSegments,
    /// Repeated slashes become one.
    MergeSlashes,
}

/// What a raw `#` in a request target does. It has no place there, and servers disagree about it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fragment {
    /// It and all that follows is dropped.
    Cut,
    /// It is a character like others.
    Keep,
    /// The request is refused.
    Refuse,
}

/// Why a request is refused.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Refusal {
    /// Dot segments that lead above the root.
    AboveRoot,
    /// A byte below space, or DEL.
    ControlByte,
    /// `%` without two hexadecimal digits behind it.
    Escape,
    /// A raw `#`.
    Fragment,
    /// A host that is none.
    Host,
    /// More than one line for the host, or none where one is needed.
    HostCount,
    /// A target that is longer than a server reads.
    Length,
    /// A method that is none.
    Method,
    /// A method that is never answered: `CONNECT` or `TRACE`.
    MethodForbidden,
    /// `%00`.
    Null,
    /// Neither `*` nor a path that starts with `/`.
    Relative,
}

impl Refusal {
    /// A stable name for scripts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AboveRoot => "path-above-root",
            Self::ControlByte => "path-control-byte",
            Self::Escape => "path-bad-escape",
            Self::Fragment => "path-fragment",
            Self::Host => "host-malformed",
            Self::HostCount => "host-count",
            Self::Length => "target-too-long",
            Self::Method => "method-malformed",
            Self::MethodForbidden => "method-forbidden",
            Self::Null => "path-null",
            Self::Relative => "path-relative",
        }
    }
}

impl Refusal {
    /// The status to answer with.
    pub const fn status(self) -> http::StatusCode {
        match self {
            Self::Length => http::StatusCode::URI_TOO_LONG,
            Self::MethodForbidden => http::StatusCode::METHOD_NOT_ALLOWED,
            _ => http::StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AboveRoot => "the path leads above the root",
            Self::ControlByte => "the path holds a control byte",
            Self::Escape => "the path holds a `%` that two hexadecimal digits do not follow",
            Self::Fragment => "the path holds a raw `#`",
            Self::Host => "the host is none",
            Self::HostCount => "the host is absent, or comes more than once",
            Self::Length => "the target is too long",
            Self::Method => "the method is none",
            Self::MethodForbidden => "the method is never answered",
            Self::Null => "the path holds `%00`",
            Self::Relative => "the path does not start with `/`",
        })
    }
}

impl std::error::Error for Refusal {}

/// A request target after normalisation: the path that rules judge, and the query, untouched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NormalPath<'p> {
    path: Cow<'p, [u8]>,
    query: Option<&'p str>,
    decoded: bool,
}

impl<'p> NormalPath<'p> {
    /// The path as rules judge it. Bytes, because decoding may leave something else than UTF-8.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// The query, without its `?`.
    pub fn query(&self) -> Option<&'p str> {
        self.query
    }

    /// Whether all escapes are decoded: then `%` stands for itself, and has to be escaped again before
    /// the path is sent on, lest somebody else decodes it once more.
    pub(crate) fn is_decoded(&self) -> bool {
        self.decoded
    }
}

impl PathReading {
    /// Reads strictly (control bytes, `%00` and malformed escapes are refused, and so is `#`), in
    /// the given steps.
    pub const fn new(steps: &'static [Step]) -> Self {
        Self { steps, fragment: Fragment::Refuse, strict: true, strict_root: false }
    }

    /// Takes the path as it came, but for the query.
    pub const fn raw() -> Self {
        Self { steps: &[], fragment: Fragment::Keep, strict: false, strict_root: false }
    }

    /// Sets what a raw `#` does.
    #[must_use]
    pub const fn fragment(mut self, fragment: Fragment) -> Self {
        self.fragment = fragment;
        self
    }

    /// Refuses paths that climb above the root, and the target `*`.
    #[must_use]
    pub const fn strict_root(mut self, strict: bool) -> Self {
        self.strict_root = strict;
        self
    }

    /// The steps in their order.
    pub fn steps(&self) -> &'static [Step] {
        self.steps
    }

    /// Whether control bytes, `%00` and malformed escapes are refused.
    pub const fn is_strict(&self) -> bool {
        self.strict
    }

    /// Whether paths that climb above the root are refused, and the target `*`.
    pub const fn has_strict_root(&self) -> bool {
        self.strict_root
    }

    /// The part of a target that is looked at.
    pub(crate) fn judged<'p>(&self, target: &'p str) -> &'p str {
        match (self.fragment, target.split_once('#')) {
            (Fragment::Cut, Some((judged, _))) => judged,
            _ => target,
        }
    }

    /// Splits the query off and applies the steps. Borrows when nothing has to change.
    pub fn normalize<'p>(&self, target: &'p str) -> Result<NormalPath<'p>, Refusal> {
        if self.fragment == Fragment::Refuse && target.contains('#') {
            return Err(Refusal::Fragment);
        }
        let target = self.judged(target);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        if Scan::of(path.as_bytes()).is_plain() {
            return Ok(NormalPath { path: Cow::Borrowed(path.as_bytes()), query, decoded: false });
        }
        if !path.starts_with('/') && (path != "*" || self.strict_root) {
            return Err(Refusal::Relative);
        }
        if self.strict {
            refuse(path.as_bytes())?;
        }
        let mut path = Cow::Borrowed(path.as_bytes());
        for step in self.steps {
            if step.concerns(&path) {
                if self.strict_root && *step == Step::DotSegments && climbs(&path) {
                    return Err(Refusal::AboveRoot);
                }
                path = Cow::Owned(step.apply(&path));
            }
        }
        Ok(NormalPath { path, query, decoded: self.steps.contains(&Step::DecodeAll) })
    }
}

fn refuse(path: &[u8]) -> Result<(), Refusal> {
    for (at, byte) in path.iter().enumerate() {
        match byte {
            b'%' => match escape(path, at) {
                Some(0) => return Err(Refusal::Null),
                Some(_) => {}
                None => return Err(Refusal::Escape),
            },
            0..0x20 | 0x7f => return Err(Refusal::ControlByte),
            _ => {}
        }
    }
    Ok(())
}

/// The byte that the escape at `at` stands for.
fn escape(path: &[u8], at: usize) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let high = digit(path.get(at + 1)?)?;
    let low = digit(path.get(at + 2)?)?;
    u8::try_from(high * 16 + low).ok()
}

pub(super) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

pub(super) const fn is_reserved(byte: u8) -> bool {
    matches!(
        byte,
        b':' | b'/'
            | b'?'
            | b'#'
            | b'['
            | b']'
            | b'@'
            | b'!'
            | b'$'
            | b'&'
            | b'\''
            | b'('
            | b')'
            | b'*'
            | b'+'
            | b','
            | b';'
            | b'='
            | b'%'
    )
}

impl Step {
    /// Whether the step could change `path` at all; what keeps clean paths borrowed.
    fn concerns(self, path: &[u8]) -> bool {
        match self {
            Self::Backslash => path.contains(&b'\\'),
            Self::DecodeAll | Self::DecodeNotReserved | Self::DecodeUnreserved => path.contains(&b'%'),
            Self::DotSegments => path.windows(2).any(|pair| pair == b"/."),
            Self::MergeSlashes => path.windows(2).any(|pair| pair == b"//"),
        }
    }

    fn apply(self, path: &[u8]) -> Vec<u8> {
        match self {
            Self::Backslash => path.iter().map(|&b| if b == b'\\' { b'/' } else { b }).collect(),
            Self::DecodeAll => decode(path, |_| true),
            Self::DecodeNotReserved => decode(path, |byte| !is_reserved(byte)),
            Self::DecodeUnreserved => decode(path, is_unreserved),
            Self::DotSegments => remove_dot_segments(path),
            Self::MergeSlashes => {
                let mut merged = path.to_vec();
                merged.dedup_by(|next, last| *next == b'/' && *last == b'/');
                merged
            }
        }
    }
}

fn decode(path: &[u8], wanted: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut at = 0;
    while let Some(&byte) = path.get(at) {
        match if byte == b'%' { escape(path, at) } else { None } {
            Some(meant) if wanted(meant) => {
                decoded.push(meant);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// Whether dot segments lead above the root on the way.
fn climbs(path: &[u8]) -> bool {
    let mut depth = 0usize;
    path.split(|&byte| byte == b'/').skip(1).any(|segment| match segment {
        b".." if depth == 0 => true,
        b".." => {
            depth -= 1;
            false
        }
        b"." => false,
        _ => {
            depth += 1;
            false
        }
    })
}

fn remove_dot_segments(path: &[u8]) -> Vec<u8> {
    let Some(inner) = path.strip_prefix(b"/") else { return path.to_vec() };
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut open = false;
    for segment in inner.split(|&byte| byte == b'/') {
        // A dot segment at the very end leaves its slash behind.
        open = matches!(segment, b"." | b"..");
        match segment {
            b"." => {}
            b".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    if open {
        kept.push(b"");
    }
    let mut resolved = Vec::with_capacity(path.len());
    for segment in kept {
        resolved.push(b'/');
        resolved.extend_from_slice(segment);
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPEC: PathReading = PathReading::new(&[Step::DecodeUnreserved, Step::DotSegments]);
    const ALL: PathReading =
        PathReading::new(&[Step::DecodeAll, Step::MergeSlashes, Step::DotSegments]).fragment(Fragment::Cut);

    fn spec(target: &str) -> Result<String, Refusal> {
        SPEC.normalize(target).map(|p| String::from_utf8_lossy(p.path()).into_owned())
    }

    #[test]
    fn the_steps_of_the_specification() {
        for (target, path) in [
            ("", "/"),
            ("?a", "/"),
            ("*", "*"),
            ("/", "/"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/..", "/"),
            ("/../../a", "/a"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/a//b", "/a//b"),
            ("//a", "//a"),
            ("/a//../b", "/a/b"),
            ("/%61", "/a"),
            ("/%2e%2E/x", "/x"),
            ("/a%2Fb", "/a%2Fb"),
            ("/a%5cb", "/a%5cb"),
            ("/a%2f..%2fb", "/a%2f..%2fb"),
            ("/...", "/..."),
            ("/.a", "/.a"),
            ("/%7Euser/%25", "/~user/%25"),
        ] {
            assert_eq!(spec(target).as_deref(), Ok(path), "{target}");
        }
    }

    #[test]
    fn refusals() {
        for (target, refusal) in [
            ("/%00", Refusal::Null),
            ("/%", Refusal::Escape),
            ("/%2", Refusal::Escape),
            ("/%g0", Refusal::Escape),
            ("/%+1", Refusal::Escape),
            ("/\u{1}", Refusal::ControlByte),
            ("/\u{7f}", Refusal::ControlByte),
            ("/a#b", Refusal::Fragment),
            ("a", Refusal::Relative),
        ] {
            assert_eq!(spec(target), Err(refusal), "{target:?}");
        }
    }

    #[test]
    fn order_of_steps_is_observable() {
        const DOTS_FIRST: PathReading = PathReading::new(&[Step::DotSegments, Step::MergeSlashes]);
        const SLASHES_FIRST: PathReading = PathReading::new(&[Step::MergeSlashes, Step::DotSegments]);
        assert_eq!(DOTS_FIRST.normalize("/x//../foo").unwrap().path(), b"/x/foo");
        assert_eq!(SLASHES_FIRST.normalize("/x//../foo").unwrap().path(), b"/foo");
        assert_eq!(ALL.normalize("/a%2f%2fb#c?d").unwrap().path(), b"/a/b");
        assert_eq!(PathReading::raw().normalize("/%zz/../#").unwrap().path(), b"/%zz/../#");
    }

    fn awkward() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "/",
            "//",
            ".",
            "..",
            "/.",
            "/..",
            "a",
            "b",
            "%2e",
            "%2F",
            "%41",
            "%00",
            "%",
            "?",
            "#",
            "\\",
            "\u{1}",
            "\u{7f}",
            "é",
            "longer-segment",
            "!",
            "~",
            "%25",
            "%5c",
        ]);
        prop::collection::vec(piece, 0..14).prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn idempotent_and_below_the_root(target in awkward()) {
            if let Ok(once) = SPEC.normalize(&target) {
                let text = std::str::from_utf8(once.path()).unwrap();
                let twice = SPEC.normalize(text).unwrap();
                prop_assert_eq!(twice.path(), once.path());
                prop_assert!(text.starts_with('/'));
                prop_assert!(!text.split('/').any(|segment| segment == "." || segment == ".."), "{}", text);
            }
        }
    }
}
