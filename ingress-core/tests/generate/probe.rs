//! Requests that nearly are what a table was made for.

use http::{HeaderMap, HeaderValue, Method};
use ingress_core::path::PathKind;
use ingress_core::table::HostTable;
use ingress_core::{RequestHead, RouteTable};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A request that owns its parts.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    host: Option<String>,
    target: String,
    method: Method,
    headers: HeaderMap,
}

impl Probe {
    pub(crate) fn head(&self) -> RequestHead<'_> {
        let head = match &self.host {
            Some(host) => RequestHead::new(host, &self.target),
            None => RequestHead::without_host(&self.target),
        };
        head.method(&self.method).headers(&self.headers)
    }
}

/// The hosts and paths of a table, which requests come close to.
#[derive(Debug)]
pub(crate) struct Words {
    hosts: Vec<String>,
    paths: Vec<String>,
}

impl Words {
    pub(crate) fn of(table: &RouteTable) -> Self {
        let mut paths = Vec::new();
        for rule in table.hosts().flat_map(HostTable::rules) {
            match rule.path().kind() {
                PathKind::Any => {}
                PathKind::Regex => paths.extend(MATCHING.iter().map(|path| (*path).to_owned())),
                _ => paths.push(rule.path().as_str().to_owned()),
            }
        }
        Self { hosts: table.hosts().map(|host| host.pattern().to_string()).collect(), paths }
    }
}

/// How to make a [`Probe`] out of [`Words`].
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    host: Index,
    host_edits: Vec<HostEdit>,
    path: Index,
    path_edits: Vec<(PathEdit, Index)>,
    query: &'static str,
    method: Method,
    headers: Headers,
}

#[derive(Clone, Copy, Debug)]
enum HostEdit {
    Absent,
    AddLabel,
    DropLabel,
    DoubleDot,
    Empty,
    EmptyPort,
    GarbagePort,
    HugeName,
    LeadingDot,
    LongLabel,
    NonAscii,
    Port,
    Slash,
    Star,
    TrailingDot,
    Underscore,
    UpperCase,
    V4,
    V6,
}

#[derive(Clone, Copy, Debug)]
enum PathEdit {
    Append(&'static str),
    Cut,
    Empty,
    EncodeByte,
    EncodeSlash(&'static str),
    Insert(&'static str),
    Relative,
    Star,
    SwapCase,
    UpperCase,
}

/// Paths on which the expressions of the vocabulary have something to say.
const MATCHING: &[&str] = &["/a", "/ab", "/ab/b", "/a/b", "/A/B", "/api/v1"];
const EXTRA_PATHS: &[&str] = &["/", "/a", "/b/abab", "/aaaa"];
const EXTRA_HOSTS: &[&str] = &["a.com", "other.org", "x.y.a.com", "1.2.3.4"];

type Headers = &'static [(&'static str, &'static str)];

const HEADERS: &[Headers] = &[
    &[],
    &[],
    &[("x-canary", "always")],
    &[("x-canary", "never"), ("x-canary", "always-2")],
    &[("cookie", "z=1; canary=always;b=2")],
    &[("cookie", "canary="), ("x-canary", "always")],
];

pub(crate) fn recipe() -> impl Strategy<Value = Recipe> {
    use HostEdit as H;
    use PathEdit as P;
    let host_edit = prop_oneof![
        4 => select(&[H::AddLabel, H::DropLabel, H::Port, H::TrailingDot, H::UpperCase][..]),
        1 => select(
            &[
                H::Absent,
                H::DoubleDot,
                H::Empty,
                H::EmptyPort,
                H::GarbagePort,
                H::HugeName,
                H::LeadingDot,
                H::LongLabel,
                H::NonAscii,
                H::Slash,
                H::Star,
                H::Underscore,
                H::V4,
                H::V6,
            ][..]
        ),
    ];
    let path_edit = prop_oneof![
        8 => select(&[P::Append("/"), P::Append("x"), P::Append("/x"), P::Cut, P::Insert("/"), P::SwapCase][..]),
        6 => select(
            &[
                P::Append("/x/.."),
                P::Append("/.."),
                P::Append("/."),
                P::Append("%FF"),
                P::Append(" "),
                P::Append("é"),
                P::EncodeByte,
                P::EncodeSlash("%2F"),
                P::EncodeSlash("%2f"),
                P::EncodeSlash("\\"),
                P::EncodeSlash("%5C"),
                P::EncodeSlash("//"),
                P::EncodeSlash("/./"),
                P::EncodeSlash("/x/../"),
                P::EncodeSlash("/x/%2e%2E/"),
                P::Insert("x"),
                P::Insert("%2525"),
                P::Insert("%3F"),
                P::UpperCase,
            ][..]
        ),
        1 => select(
            &[
                P::Append("#f"),
                P::Append("%"),
                P::Append("%00"),
                P::Append("\u{7f}"),
                P::Append("\0"),
                P::Empty,
                P::Relative,
                P::Star,
            ][..]
        ),
    ];
    let method = prop_oneof![3 => Just(Method::GET), 1 => Just(Method::POST)];
    let query = prop_oneof![
        30 => select(&["", "?v=2"][..]),
        9 => select(&["?", "?v=1&v=2", "?v", "?x=/../a", "?a b", "?é", "?%"][..]),
        1 => select(&["?q=1#f", "#?v=2"][..]),
    ];
    let headers = select(HEADERS);
    (
        (any::<Index>(), prop::collection::vec(host_edit, 0..2)),
        (any::<Index>(), prop::collection::vec((path_edit, any::<Index>()), 0..3)),
        (query, method, headers),
    )
        .prop_map(|((host, host_edits), (path, path_edits), (query, method, headers))| Recipe {
            host_edits,
            host,
            path,
            path_edits,
            query,
            method,
            headers,
        })
}

impl Recipe {
    /// The request for a table of these words.
    pub(crate) fn prepare(&self, words: &Words) -> Probe {
        let host = match pick(&self.host, &words.hosts, EXTRA_HOSTS) {
            // Rules without a host are met by any name.
            "*" => "a.com".to_owned(),
            // What stands for the `*` is the shortest of labels.
            host => host.replacen('*', "w", 1),
        };
        let mut host = Some(host);
        for edit in &self.host_edits {
            host = host.and_then(|host| edit.apply(&host));
        }
        let mut target = pick(&self.path, &words.paths, EXTRA_PATHS).to_owned();
        for (edit, place) in &self.path_edits {
            target = edit.apply(target, place);
        }
        target.push_str(self.query);
        let mut headers = HeaderMap::new();
        for &(name, value) in self.headers {
            headers.append(name, HeaderValue::from_static(value));
        }
        Probe { host, target, method: self.method.clone(), headers }
    }
}

/// One of a table's own texts, seldom one that it does not have.
fn pick<'t>(index: &Index, own: &'t [String], extra: &'t [&'t str]) -> &'t str {
    let at = index.index(own.len() * 8 + extra.len());
    if at < own.len() * 8 { &own[at / 8] } else { extra[at - own.len() * 8] }
}

impl HostEdit {
    fn apply(self, host: &str) -> Option<String> {
        Some(match self {
            Self::Absent => return None,
            Self::AddLabel => format!("w.{host}"),
            Self::DropLabel => host.split_once('.').map_or(String::new(), |(_, rest)| rest.to_owned()),
            Self::DoubleDot => host.replacen('.', "..", 1),
            Self::Empty => String::new(),
            Self::EmptyPort => format!("{host}:"),
            Self::GarbagePort => format!("{host}:8o"),
            Self::HugeName => format!("{}{host}", "h.".repeat(130)),
            Self::LeadingDot => format!(".{host}"),
            Self::LongLabel => format!("{}.{host}", "k".repeat(64)),
            Self::NonAscii => format!("é.{host}"),
            Self::Port => format!("{host}:8443"),
            Self::Slash => format!("a/b.{host}"),
            Self::Star => format!("*.{host}"),
            Self::TrailingDot => format!("{host}."),
            Self::Underscore => format!("_w_.{host}"),
            Self::UpperCase => host.to_ascii_uppercase(),
            Self::V4 => "10.2.3.4".to_owned(),
            Self::V6 => "[2001:DB8::1.2.3.4]:80".to_owned(),
        })
    }
}

impl PathEdit {
    fn apply(self, mut path: String, place: &Index) -> String {
        let boundary = |path: &str, at: &Index| {
            let at = at.index(path.len() + 1);
            (0..=at).rev().find(|&at| path.is_char_boundary(at)).unwrap_or(0)
        };
        match self {
            Self::Append(text) => path.push_str(text),
            Self::Cut => path.truncate(boundary(&path, place)),
            Self::Empty => path.clear(),
            Self::EncodeByte => {
                let bytes = path.as_bytes();
                if !bytes.is_empty() {
                    let at = place.index(bytes.len());
                    if path.is_char_boundary(at) && path.is_char_boundary(at + 1) {
                        let escaped = format!("%{:02x}", bytes[at]);
                        path.replace_range(at..=at, &escaped);
                    }
                }
            }
            Self::EncodeSlash(text) => {
                let slashes: Vec<_> = path.match_indices('/').map(|(at, _)| at).collect();
                if !slashes.is_empty() {
                    let at = slashes[place.index(slashes.len())];
                    path.replace_range(at..=at, text);
                }
            }
            Self::Insert(text) => path.insert_str(boundary(&path, place), text),
            Self::Relative => path = path.chars().skip(1).collect(),
            Self::Star => path = "*".to_owned(),
            Self::SwapCase => {
                path =
                    path.chars()
                        .map(|c| {
                            if c.is_ascii_lowercase() {
                                c.to_ascii_uppercase()
                            } else {
                                c.to_ascii_lowercase()
                            }
                        })
                        .collect();
            }
            Self::UpperCase => path = path.to_ascii_uppercase(),
        }
        path
    }
}
