//! Random requests, most of them near what the objects declare.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use ingress_core::RequestHead;
use k8s_openapi::api::networking::v1::Ingress;

use crate::objects::ObjectSet;
use crate::random::Random;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    /// Scheme and host of a target in absolute form, else empty.
    pub(crate) origin: String,
    /// The target from its path on.
    pub(crate) target: String,
    /// The `Host` header; without one the request is of HTTP/1.0.
    pub(crate) host: Option<String>,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

impl Ask {
    pub(crate) fn on_the_wire(&self) -> Vec<u8> {
        let version = if self.host.is_some() { "1.1" } else { "1.0" };
        let mut text = format!("{} {}{} HTTP/{version}\r\n", self.method, self.origin, self.target);
        for (name, value) in self.host.iter().map(|host| ("Host", host.as_str())).chain(self.headers.clone())
        {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    /// The same request for the table, with the values that it borrows.
    pub(crate) fn with_head<T>(&self, use_it: impl FnOnce(&RequestHead<'_>) -> T) -> T {
        let mut headers = HeaderMap::new();
        for (name, value) in
            self.headers.iter().copied().chain(self.host.iter().map(|host| ("host", host.as_str())))
        {
            let name: HeaderName = name.parse().expect("it is the name of a header");
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("it is a value"));
        }
        let method = Method::from_bytes(self.method.as_bytes()).expect("it is a method");
        let target = format!("{}{}", self.origin, self.target);
        let (head, version) = match &self.host {
            Some(host) => (RequestHead::new(host, &target), Version::HTTP_11),
            None => (RequestHead::without_host(&target), Version::HTTP_10),
        };
        use_it(&head.method(&method).headers(&headers).version(version))
    }
}

const ODD_HOSTS: &[&str] = &[
    "nobody.test",
    "_",
    "_",
    "www._",
    "127.0.0.1",
    "[::1]",
    "[::1]x",
    "[::1",
    "a@b",
    "test",
    "a..b",
    "a/b",
    "h\u{e9}",
    ".",
    "",
];

/// What stands before a name, for a wildcard to take or not.
const LABELS: &[&str] = &[
    "x",
    "y",
    "A-1",
    "a_b",
    "-",
    "_",
    "x.y",
    "deep.er.x",
    "\u{e9}",
    "a@b",
    "x$",
    "x.\u{e9}",
    "www",
    "a-label-that-is-longer-than-any-in-the-domain-name-system-could-ever-be",
    ".",
    "",
];

/// What requests of a set are made from.
pub(crate) struct Words {
    hosts: Vec<String>,
    paths: Vec<String>,
}

impl Words {
    pub(crate) fn of(set: &ObjectSet) -> Self {
        let mut words = Self { hosts: Vec::new(), paths: vec!["/".to_owned()] };
        set.ingresses.iter().for_each(|ingress| words.add(ingress));
        words.paths.dedup();
        words
    }

    fn add(&mut self, ingress: &Ingress) {
        let rules = ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten());
        for rule in rules {
            self.hosts.push(rule.host.clone().unwrap_or_else(|| "nobody.test".to_owned()));
            let paths = rule.http.iter().flat_map(|http| &http.paths);
            self.paths.extend(paths.filter_map(|path| path.path.clone()));
        }
        for (name, value) in ingress.metadata.annotations.iter().flatten() {
            if name.ends_with("/server-alias") {
                self.hosts.extend(value.split(',').map(|alias| alias.trim().to_owned()));
            }
        }
    }

    /// One of the requests that these words make.
    pub(crate) fn ask(&self, random: &mut Random) -> Ask {
        let host = self.host(random);
        let mut target = self.path(random);
        if random.chance(25) {
            target.push_str(random.pick(&["?a=b", "?", "?a=/", "?x=1&y=%2f", "?a?b", "?/", "?a=b/c/"]));
        }
        let mut ask = Ask {
            method: random
                .pick(&["GET", "GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]),
            origin: String::new(),
            target,
            host: Some(host),
            headers: Vec::new(),
        };
        if random.chance(4) {
            let scheme = random.pick(&["http", "http", "https", "HTTP"]);
            ask.origin = format!("{scheme}://{}", self.host(random));
            if random.chance(10) {
                ask.target = random.pick(&["", "?a=b"]).to_owned();
            }
        } else if random.chance(1) {
            ask.host = None;
        }
        if random.chance(25) {
            let name = random.pick(&["X-Canary", "x-canary", "X-Other"]);
            ask.headers
                .push((name, random.pick(&["always", "never", "beta", "Beta", "Always", "v2", "", "x"])));
        }
        if random.chance(20) {
            let cookies = &[
                "canary=always",
                "canary=never",
                "a=b; canary=always",
                "CANARY=always",
                "Beta=always;x=y",
                "canary=x",
            ];
            ask.headers.push(("Cookie", random.pick(cookies)));
        }
        ask
    }

    fn host(&self, random: &mut Random) -> String {
        let mut host = match self.hosts.is_empty() || random.chance(6) {
            true => random.pick(ODD_HOSTS).to_owned(),
            false => self.hosts[random.below(self.hosts.len())].clone(),
        };
        if let Some(parent) = host.strip_prefix("*.").or_else(|| host.strip_prefix('.')).map(str::to_owned) {
            let label = random.pick(LABELS);
            host = match label {
                "" => parent,
                label => format!("{label}.{parent}"),
            };
        }
        host = match host.as_str() {
            "mail.*" => random.pick(&["mail.x", "mail.a.test", "mail", "xmail.y"]).to_owned(),
            alias if alias.starts_with('~') => {
                random.pick(&["re1.test", "RE22.test", "re.test", "xre1.test", "y.x.a.test"]).to_owned()
            }
            _ => host,
        };
        match random.below(26) {
            24 => format!("{host}{}", random.pick(&[":/", ":..", ":x.y", ".:x.y", "..", "]", ":[::1]"])),
            25 => format!("{}{host}", random.pick(&[".", "[", "\u{e9}", "_.", "\u{e9}.", "x.."])),
            0 => host.to_ascii_uppercase(),
            1 => format!("{host}:8080"),
            2 => format!("{host}."),
            3 => format!("{host}.:x"),
            4 => match host.strip_prefix("www.") {
                Some(bare) => bare.to_owned(),
                None => format!("www.{host}"),
            },
            5 => format!("x.{host}"),
            6 => host.split_once('.').map_or_else(|| host.clone(), |(_, parent)| parent.to_owned()),
            _ => host,
        }
    }

    fn path(&self, random: &mut Random) -> String {
        let declared = &self.paths[random.below(self.paths.len())];
        let mut path = on_the_wire(&instance(declared, random));
        if path.is_empty() {
            path.push('/');
        }
        for _ in 0..random.below(3) {
            path = near(&path, random);
        }
        path
    }
}

/// A text that an expression may match; a plain path is one already.
fn instance(declared: &str, random: &mut Random) -> String {
    let mut text = declared.to_owned();
    for (part, instances) in [
        ("(/|$)", &["/", "", "x"][..]),
        ("(.*)", &["", "x", "x/y", "a b", "%", "?", "\u{e9}", "x//y"]),
        (".*", &["", "x/y", "/"]),
        (".+", &["x", "/"]),
        ("[0-9]+", &["1", "42", "x"]),
        ("\\d+", &["7", "07", "x"]),
        ("(\\d+)", &["7", "07", "x"]),
        ("[a-z]+", &["abc", "ABC", "1"]),
        ("(/?$|/x)", &["", "/", "/x", "\n"]),
        ("(foo$|bar)", &["foo", "bar", "bar\n", "foo\n"]),
        ("(foo|bar)", &["foo", "bar", "BAR"]),
        ("/foo|/bar", &["/foo", "/bar", "/x/bar"]),
        ("(?:y|z)?", &["", "y", "z"]),
        ("(a|ab)(c|bcd)(d*)", &["abcd", "acd", "abcdd"]),
        ("[^/]+", &["x", "x/y", "\n"]),
        ("[^v]", &["x", "v", "V"]),
        ("\\w+", &["index", "a-b"]),
        ("f{1,3}oo?", &["fo", "ffoo", "FFFO"]),
        ("(?:FOO)+", &["foo", "FooFoo"]),
        ("(x)?", &["", "x"]),
        ("(foo/)*", &["", "foo/", "foo/foo/"]),
        ("(?<rest>.*)", &["", "x"]),
        ("[A-C]", &["a", "B", "d"]),
        ("\\S+", &["x", " "]),
        ("\\s", &[" ", "\t", "\u{b}", "x"]),
        ("/?$", &["", "/"]),
        ("\\.", &[".", "x"]),
        ("$", &["", "\n", "/", "x"]),
        (".", &[".", "x", "/", "\n", "\u{e9}"]),
    ] {
        if text.contains(part) && (part.len() > 1 || random.chance(60)) {
            text = text.replacen(part, random.pick(instances), 1);
        }
    }
    text
}

/// Escapes what cannot stand in a request line, and `%`, `?` and `#`.
fn on_the_wire(path: &str) -> String {
    let plain = |byte: u8| byte > b' ' && byte < 0x7f && !b"%?#".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") })
        .collect()
}

/// The same path with one change.
fn near(path: &str, random: &mut Random) -> String {
    let cut = |at: usize| path.split_at(at.min(path.len()));
    let slashes: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
    let slash = slashes.get(random.below(slashes.len())).copied().unwrap_or(0);
    // What is sent is ASCII so far, but an earlier change may have added something else.
    let inside = path.char_indices().map(|(at, _)| at).nth(random.below(path.len())).unwrap_or(0);
    let insert = |at: usize, what: &str| {
        let (head, tail) = cut(at);
        format!("{head}{what}{tail}")
    };
    match random.below(26) {
        0..4 => format!("{path}{}", random.pick(&["/", "/", "/x", "/x/y/", "x", "//", "/."])),
        4 => path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path).to_owned(),
        5 => path.chars().take(1 + random.below(path.len())).collect(),
        6 => insert(slash, "/"),
        7 => insert(slash, "/."),
        8 => insert(slash, "/other/.."),
        9 => insert(slash, random.pick(&["/..", "/%2e%2E", "/.%2e"])),
        10 => insert(slash, random.pick(&["%2f", "%2F.", "/%2e"])),
        11 => path.to_ascii_uppercase(),
        12 => path.to_ascii_lowercase(),
        13..16 => {
            let (head, tail) = cut(inside);
            let mut rest = tail.chars();
            match rest.next().filter(|next| next.is_ascii() && *next != '%') {
                Some(next) => format!("{head}%{:02X}{}", next as u32, rest.as_str()),
                None => path.to_owned(),
            }
        }
        16 => format!("{path}{}", random.pick(&["%0a", "%0A%0a", "/%0a"])),
        17 => insert(inside, random.pick(&["%25", "%2541", "%20", "%09"])),
        18 => insert(inside, random.pick(&["%00", "%", "%z1", "%f"])),
        19 => format!("{path}{}", random.pick(&[";v=1", "..;/x", "/...", "/..", "/.x", "/.."])),
        20 => format!("{path}{}", random.pick(&["#x", "#", "%23x", "/#?a"])),
        21 => insert(inside, random.pick(&["%c3%a9", "\u{e9}", "%E9", "%ff"])),
        22 => insert(inside, random.pick(&["+", "\\", "\"", "<", "{", "|", "^", "`", "$", "*"])),
        23 => insert(inside, random.pick(&["%3f", "%3Fa=b", "%26"])),
        24 => format!("{path}/{}", "long/".repeat(random.below(60))),
        _ => path.to_owned(),
    }
}
