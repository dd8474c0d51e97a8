//! Random sets of Ingresses that get into each other's way: few hosts, few paths, many meanings.
//!
//! What no set holds, because nginx alone cannot show it, is listed in `main.rs`.

use k8s_openapi::api::networking::v1::Ingress;
use serde_json::{Map, Value, json};

use crate::random::Random;

/// The annotations of the controller.
pub(crate) const PREFIX: &str = "nginx.ingress.kubernetes.io/";

const HOSTS: &[&str] = &[
    "a.test",
    "a.test",
    "b.test",
    "x.a.test",
    "y.x.a.test",
    "www.a.test",
    "c.test",
    "www.c.test",
    "*.a.test",
    "*.x.a.test",
    "*.b.test",
    "",
];

const PLAIN: &[&str] = &[
    "/",
    "/",
    "/foo",
    "/foo",
    "/foo",
    "/foo/",
    "/Foo",
    "/foobar",
    "/foo/bar",
    "/foo/bar/",
    "/api",
    "/api/v1",
    "/api/v1/",
    "/API/V1",
    "/a.b",
    "/a-b",
    "/foo.html",
    "/foo/bar/baz",
    "/x/y/z/",
    "/a+b",
    "/a b",
    "/$x",
    "/caf\u{e9}",
    "/%41",
    "/healthz",
    "/.well-known/acme-challenge",
    "/a\"b",
    "/a\\b",
    "/{id}",
    "/a;b",
    "",
];

const EXPRESSIONS: &[&str] = &[
    "/foo(/|$)(.*)",
    "/api(/|$)(.*)",
    "/api/(.*)",
    "/(.*)",
    "/.*",
    "/foo.*",
    "/foo$",
    "/foo/?$",
    "/a.b",
    "/foo/bar$",
    "/v[0-9]+/(.*)",
    "/v\\d+",
    "/[a-z]+/x",
    "/(foo|bar)/(.*)",
    "/foo|/bar",
    "/foo/(\\d+)/edit",
    "/.*\\.php$",
    "/x(?:y|z)?",
    "/(a|ab)(c|bcd)(d*)",
    "/foo/[^/]+$",
    "/\\w+\\.html",
    "/f{1,3}oo?",
    "/(?:FOO)+",
    "/foo/.+/bar",
    "/a\\.b",
    "/(x)?(.*)",
    "/foo\\s",
    "/api/[^v].*",
    "/.",
    "/(foo/)*bar",
    "/foo/(?<rest>.*)",
    "/[A-C]/\\S+",
    "/foo(/?$|/x)(.*)",
    "/([^/]+)$",
    "/(foo$|bar)",
];

const TARGETS: &[&str] = &[
    "/",
    "/$1",
    "/$2",
    "/new",
    "/new/$2",
    "/foo",
    "/api/$1/$2",
    "/$1/",
    "/x$3",
    "/foo/",
    "https://other.test/$1",
    "http://other.test/fixed",
    "$scheme://other.test/$2",
    "/bad?x=1",
    "/ba{d",
    "",
];

const ALIASES: &[&str] = &[
    "alias.test",
    "alias.test,second.test",
    "*.wild.test",
    ".apex.test",
    "mail.*",
    "*.a.test",
    "b.test",
    "www.b.test",
    "~^re[0-9]+\\.test$",
    "~^[a-z.]+$",
    "*.x.a.test",
    "*.test",
    "a_b.test,10.0.0.1",
    "www.*",
    "a..b.test",
    ".a.test",
    "x.a.test",
    " spaced.test , alias.test",
    "",
];

/// Objects that are served together.
#[derive(Clone, Debug)]
pub(crate) struct ObjectSet {
    pub(crate) seed: u64,
    pub(crate) ingresses: Vec<Ingress>,
    /// Whether the controller was given a default backend of its own.
    pub(crate) default_service: bool,
}

impl ObjectSet {
    /// The set of a seed.
    pub(crate) fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut writer = Writer {
            hosts: (0..random.between(1, 4)).map(|_| random.pick(HOSTS)).collect(),
            slashes: match random.below(10) {
                0 => None,
                number => Some(number < 3),
            },
            expressions: random.chance(55),
            canaries: random.chance(35),
            redirects: random.chance(35),
            declared: Vec::new(),
            random,
        };
        let count = writer.random.between(1, 6);
        let ingresses = (0..count)
            .map(|number| serde_json::from_value(writer.ingress(number)).expect("it is an Ingress"))
            .collect();
        Self { seed, ingresses, default_service: writer.random.chance(40) }
    }
}

/// What the objects of a set have in common.
struct Writer {
    hosts: Vec<&'static str>,
    /// Whether paths end in a slash. `/foo` and `/foo/` as prefixes of one host are too much for nginx.
    slashes: Option<bool>,
    expressions: bool,
    canaries: bool,
    redirects: bool,
    /// Host, path and type of what ordinary objects declare, for canaries to stand beside.
    declared: Vec<(&'static str, String, &'static str)>,
    random: Random,
}

impl Writer {
    fn ingress(&mut self, number: usize) -> Value {
        let random = &mut self.random;
        let namespace = random.pick(&["default", "default", "blue", "red"]);
        let created = format!("2024-01-01T00:0{}:00Z", random.below(4));
        let canary = self.canaries && number > 0 && random.chance(45);
        let expressions = !canary && self.expressions && random.chance(50);
        let mut annotations = Map::new();
        if canary {
            self.canary(&mut annotations);
        } else {
            self.ordinary(expressions, &mut annotations);
        }
        let mut spec = Map::new();
        spec.insert("ingressClassName".to_owned(), json!("nginx"));
        let alone = !canary && self.random.chance(4);
        if alone || !canary && self.random.chance(20) {
            spec.insert("defaultBackend".to_owned(), self.backend(false));
        }
        if !alone {
            let count = self.random.between(1, 3);
            let rules: Vec<_> = (0..count).map(|_| self.rule(expressions, canary)).collect();
            spec.insert("rules".to_owned(), json!(rules));
        }
        if self.redirects && self.random.chance(35) {
            spec.insert("tls".to_owned(), self.tls());
        }
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {
                "namespace": namespace,
                "name": format!("i{number}"),
                "creationTimestamp": created,
                "annotations": annotations,
            },
            "spec": spec,
        })
    }

    fn rule(&mut self, expressions: bool, canary: bool) -> Value {
        if canary && !self.declared.is_empty() && self.random.chance(70) {
            return self.beside();
        }
        let host = self.hosts[self.random.below(self.hosts.len())];
        let mut rule = Map::new();
        if !host.is_empty() {
            rule.insert("host".to_owned(), json!(host));
        }
        // A canary without paths crashes the controller.
        if canary || !self.random.chance(4) {
            let count = self.random.between(1, 4);
            let paths: Vec<_> = (0..count).map(|_| self.path(host, expressions, canary)).collect();
            rule.insert("http".to_owned(), json!({ "paths": paths }));
        }
        Value::Object(rule)
    }

    /// A canary of something that is there.
    fn beside(&mut self) -> Value {
        let (host, path, kind) = self.declared[self.random.below(self.declared.len())].clone();
        let path = json!({"path": path, "pathType": kind, "backend": self.backend(true)});
        let http = json!({ "paths": [path] });
        if host.is_empty() { json!({ "http": http }) } else { json!({"host": host, "http": http}) }
    }

    fn path(&mut self, host: &'static str, expressions: bool, canary: bool) -> Value {
        let share = match (expressions, self.expressions) {
            (true, _) => 70,
            (false, true) => 15,
            _ => 2,
        };
        let mut path = match self.random.chance(share) {
            true => self.random.pick(EXPRESSIONS).to_owned(),
            false => self.random.pick(PLAIN).to_owned(),
        };
        if let (Some(slashes), Some(bare)) =
            (self.slashes, path.strip_suffix('/').filter(|bare| !bare.is_empty()))
            && !(slashes && self.random.chance(90))
        {
            path = bare.to_owned();
        } else if self.slashes == Some(true) && !path.ends_with('/') && self.random.chance(40) {
            path.push('/');
        }
        let kind = self.random.pick(&["Prefix", "Prefix", "Prefix", "Exact", "ImplementationSpecific"]);
        if !canary && self.random.chance(2) {
            let bucket = json!({"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "files"}});
            return json!({"path": path, "pathType": kind, "backend": bucket});
        }
        if !canary {
            self.declared.push((host, path.clone(), kind));
        }
        json!({"path": path, "pathType": kind, "backend": self.backend(canary)})
    }

    /// Canaries have Services of their own but for a few, and so have ordinary objects.
    fn backend(&mut self, canary: bool) -> Value {
        let crossed = self.random.chance(3);
        let name = match canary ^ crossed {
            true => format!("canary{}", self.random.below(3)),
            false => format!("s{}", self.random.below(6)),
        };
        let port = if self.random.chance(90) { json!({"number": 80}) } else { json!({"name": "http"}) };
        json!({"service": {"name": name, "port": port}})
    }

    fn tls(&mut self) -> Value {
        match self.random.below(4) {
            0 => json!([{"secretName": "tls"}]),
            1 => json!([{"hosts": ["elsewhere.test"], "secretName": "tls"}]),
            _ => {
                let host = self.hosts[self.random.below(self.hosts.len())];
                json!([{"hosts": [if host.is_empty() { "a.test" } else { host }]}])
            }
        }
    }

    fn canary(&mut self, annotations: &mut Map<String, Value>) {
        let random = &mut self.random;
        let mut set = |name: &str, value: &str| {
            annotations.insert(format!("{PREFIX}{name}"), json!(value));
        };
        set("canary", random.pick(&["true", "true", "true", "1", "yes"]));
        if random.chance(50) {
            set("canary-by-header", random.pick(&["X-Canary", "x-canary", "X-Other"]));
            match random.below(6) {
                0 => set("canary-by-header-value", random.pick(&["beta", "Always", ""])),
                1 => set("canary-by-header-pattern", random.pick(&["^b", "eta$", "v[0-9]", ""])),
                2 => {
                    set("canary-by-header-value", "beta");
                    set("canary-by-header-pattern", "v[0-9]");
                }
                _ => {}
            }
        }
        if random.chance(40) {
            set("canary-by-cookie", random.pick(&["canary", "Beta"]));
        }
        if random.chance(70) {
            set("canary-weight", random.pick(&["0", "10", "30", "50", "70", "100", "150", "-5", "x"]));
        }
        if random.chance(20) {
            set("canary-weight-total", random.pick(&["10", "100", "200"]));
        }
        if random.chance(10) {
            // Of a canary, such annotations have no effect.
            set("rewrite-target", "/ignored");
        }
    }

    fn ordinary(&mut self, expressions: bool, annotations: &mut Map<String, Value>) {
        let random = &mut self.random;
        let mut set = |name: &str, value: &str| {
            annotations.insert(format!("{PREFIX}{name}"), json!(value));
        };
        if expressions {
            match random.below(3) {
                0 => set("use-regex", random.pick(&["true", "true", "1", "yes", "false"])),
                1 => set("rewrite-target", random.pick(TARGETS)),
                _ => {
                    set("use-regex", random.pick(&["true", "true", "false"]));
                    set("rewrite-target", random.pick(TARGETS));
                }
            }
        }
        if random.chance(10) {
            set("server-alias", random.pick(ALIASES));
        }
        if !self.redirects {
            return;
        }
        for (percent, name, values) in [
            (12, "app-root", &["/home", "/foo", "/", "home", "http://a.test/x"][..]),
            (25, "ssl-redirect", &["false", "true", "f", "no"]),
            (15, "force-ssl-redirect", &["true", "TRUE", "false", "on"]),
            (15, "preserve-trailing-slash", &["true", "false", "x"]),
            (10, "from-to-www-redirect", &["true", "true", "false", ""]),
            (10, "relative-redirects", &["true", "true", "false", ""]),
            (4, "allowlist-source-range", &["", "no-address"]),
        ] {
            if random.chance(percent) {
                set(name, random.pick(values));
            }
        }
        if random.chance(8) {
            set(
                "permanent-redirect",
                random.pick(&["https://p.test/x", "/rel", "rel", "http://p.test/?a=b", ""]),
            );
            if random.chance(40) {
                set("permanent-redirect-code", random.pick(&["308", "302", "300", "305", "999", "0"]));
            }
        }
        if random.chance(6) {
            set(
                "temporal-redirect",
                random.pick(&["http://t.test/y", "httpx://t.test", "ftp://t.test/", ""]),
            );
            if random.chance(40) {
                set("temporal-redirect-code", random.pick(&["301", "307", "308", "304", "1"]));
            }
        }
    }
}
