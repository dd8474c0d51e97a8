//! Ingress objects with the annotations of ingress-nginx: mostly such as people write, some broken.

use ingress_core::Ingress;
use ingress_core::dialect::catalog::Settings;
use k8s_openapi::api::networking::v1 as api;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::vocabulary::{any_host, any_path};

const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// What an object says, apart from its name.
#[derive(Clone, Debug)]
pub(crate) struct Annotated {
    created: Option<u8>,
    annotations: Vec<(&'static str, &'static str)>,
    default_backend: Option<u8>,
    rules: Vec<(String, Option<Vec<Path>>)>,
    tls: Vec<(Vec<String>, Option<&'static str>)>,
}

/// A path, its type, and the number of its Service.
type Path = (String, &'static str, u8);

/// Annotations with values that do something, several of which may contradict each other.
const ANNOTATIONS: &[(&str, &str)] = &[
    ("affinity", "cookie"),
    ("allowlist-source-range", "10.0.0.0/8, 192.0.2.1"),
    ("allowlist-source-range", "bad"),
    ("app-root", "/app"),
    ("app-root", "/$host"),
    ("auth-type", "basic"),
    ("auth-url", "http://auth.example/$request_uri"),
    ("canary", "true"),
    ("canary", "true"),
    ("canary-by-cookie", "canary"),
    ("canary-by-header", "x-canary"),
    ("canary-by-header-pattern", "^al|(?=x)"),
    ("canary-by-header-value", "always-2"),
    ("canary-weight", "30"),
    ("canary-weight", "100"),
    ("configuration-snippet", "return 418;"),
    ("custom-http-errors", "404,503"),
    ("default-backend", "s0"),
    ("denylist-source-range", "192.0.2.0/24"),
    ("enable-cors", "true"),
    ("force-ssl-redirect", "true"),
    ("from-to-www-redirect", "true"),
    ("permanent-redirect", "/moved"),
    ("permanent-redirect", "https://other.example/x?y"),
    ("preserve-trailing-slash", "true"),
    ("rewrite-target", "/"),
    ("rewrite-target", "/$1/$2"),
    ("rewrite-target", "/new$request_id"),
    ("rewrite-target", "https://other.example/$1"),
    ("rewrite-target", "new"),
    ("rewrite-target", "/$"),
    ("satisfy", "any"),
    ("server-alias", "alias.com,*.alias.com, .b.com,mail.*"),
    ("server-alias", r"~^w\d+\.al\.com$,a.com"),
    ("server-alias", "~(,*a*"),
    ("server-alias", "b.com:8443,c.com.,a/b.b.com,.b.com.,[b.com"),
    ("temporal-redirect", "https://t.example/\u{d}\nx"),
    ("upstream-vhost", "$host.inner"),
    ("use-regex", "true"),
    ("use-regex", "true"),
    ("x-forwarded-prefix", "/$1"),
];

/// An object.
pub(crate) fn annotated() -> impl Strategy<Value = Annotated> {
    let regex = select(
        &["/a(/|$)(.*)", "/(a|b)/.*", "/a|/b", "/a/(?!b).*", r"/x\.y$", "/(", "/[a-z]+$", "/a{1,3}"][..],
    );
    let path = prop_oneof![5 => any_path(), 2 => regex.prop_map(str::to_owned)];
    let kind = select(&["Prefix", "Prefix", "Exact", "ImplementationSpecific"][..]);
    let paths = prop::option::weighted(0.95, prop::collection::vec((path, kind, 0u8..4), 0..5));
    let host = || {
        prop_oneof![
            3 => any_host(),
            3 => select(&["a.com", "www.a.com", "*.a.com", ""][..]).prop_map(str::to_owned),
        ]
    };
    let secret = || prop::option::weighted(0.8, select(&["tls-a", "tls-b"][..]));
    (
        prop::option::weighted(0.9, 0u8..3),
        prop::collection::vec(select(ANNOTATIONS), 0..4),
        prop::option::weighted(0.15, 0u8..4),
        prop::collection::vec((host(), paths), 0..3),
        prop::collection::vec((prop::collection::vec(host(), 0..2), secret()), 0..2),
    )
        .prop_map(|(created, annotations, default_backend, rules, tls)| Annotated {
            created,
            annotations,
            default_backend,
            rules,
            tls,
        })
}

type Pairs = &'static [(&'static str, &'static str)];

/// Settings of the controller.
pub(crate) fn settings() -> impl Strategy<Value = Settings> {
    const OPTIONS: &[Pairs] = &[
        &[],
        &[],
        &[("watchIngressWithoutClass", "true")],
        &[("defaultBackendService", "ns/s1")],
        &[("disableCatchAll", "true")],
    ];
    const KEYS: &[Pairs] = &[
        &[],
        &[],
        &[("use-forwarded-headers", "true"), ("force-ssl-redirect", "true")],
        &[("custom-http-errors", "404"), ("block-cidrs", "192.0.2.9")],
        &[("whitelist-source-range", "192.0.2.0/24"), ("relative-redirects", "true")],
        &[("block-user-agents", "~*curl,wget"), ("annotations-risk-level", "Medium")],
    ];
    (select(OPTIONS), select(KEYS)).prop_map(|(options, keys)| {
        let start = Settings::default().config_map(keys.iter().copied());
        options.iter().fold(start, |settings, (name, value)| settings.option(name, value))
    })
}

fn backend(number: u8) -> Value {
    json!({"service": {"name": format!("s{number}"), "port": {"number": 80}}})
}

impl Annotated {
    /// The object under a name.
    pub(crate) fn ingress(&self, name: &str) -> Ingress {
        let rules = self.rules.iter().map(|(host, paths)| {
            let paths = paths.as_ref().map(|paths| {
                let path = |(path, kind, to): &Path| {
                    json!({"path": path, "pathType": kind, "backend": backend(*to)})
                };
                json!({"paths": paths.iter().map(path).collect::<Vec<_>>()})
            });
            json!({"host": host, "http": paths})
        });
        let tls = self.tls.iter().map(|(hosts, secret)| json!({"hosts": hosts, "secretName": secret}));
        let annotations: serde_json::Map<_, _> =
            self.annotations.iter().map(|(name, value)| (format!("{PREFIX}{name}"), json!(value))).collect();
        let object: api::Ingress = serde_json::from_value(json!({
            "metadata": {
                "namespace": "ns",
                "name": name,
                "creationTimestamp": self.created.map(|second| format!("2024-01-01T00:00:0{second}Z")),
                "annotations": annotations,
            },
            "spec": {
                "ingressClassName": "nginx",
                "defaultBackend": self.default_backend.map(backend),
                "rules": rules.collect::<Vec<_>>(),
                "tls": tls.collect::<Vec<_>>(),
            },
        }))
        .expect("it has the shape of an Ingress");
        Ingress::from(object)
    }
}
