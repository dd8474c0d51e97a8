//! Every kind of finding: which manifest brings it about, for which object and field, and how much it
//! matters. A kind without a case is a failure.

#![cfg(feature = "k8s-openapi")]

use std::collections::BTreeSet;

use ingress_core::dialect::{Contributions, Dialect, Kubernetes};
use ingress_core::origin::FieldPath;
use ingress_core::path::PathPattern;
use ingress_core::rule::{Action, Rule};
use ingress_core::{Compiler, Diagnostic, DiagnosticKind, Ingress};

#[path = "suite/manifest.rs"]
mod manifest;

/// A manifest and everything that is found in it, in order: `severity code object field`.
struct Case {
    manifest: &'static str,
    found: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        manifest: r#"
metadata: {name: web, namespace: shop}
spec:
  defaultBackend: {service: {name: "a\nb", port: {number: 1}}}
  tls: [{hosts: [], secretName: "\e[31m"}]"#,
        found: &[
            "error invalid-name shop/web spec.defaultBackend.service.name",
            "error invalid-name shop/web spec.tls[0].secretName",
            "note tls-without-secret shop/web spec.tls[0].secretName",
        ],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec: {rules: [{host: 10.0.0.1, http: {paths: []}}, {host: '2001:db8::1'}], tls: [{hosts: [127.0.0.1], secretName: tls}]}",
        found: &[
            "error address-host shop/web spec.rules[0].host",
            "error address-host shop/web spec.rules[1].host",
            "error address-host shop/web spec.tls[0].hosts[0]",
        ],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec:
  defaultBackend: {}
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {number: 1}}, resource: {kind: B, name: c}}}]}}]",
        found: &[
            "error ambiguous-backend shop/web spec.defaultBackend",
            "error ambiguous-backend shop/web spec.rules[0].http.paths[0].backend",
        ],
    },
    Case {
        manifest: "
metadata: {name: old, namespace: shop, creationTimestamp: '2020-01-01T00:00:00Z'}
spec: {tls: [{hosts: [a.example], secretName: old}, {secretName: any}], defaultBackend: {service: {name: a, port: {number: 1}}}}
---
metadata: {name: new, namespace: shop}
spec: {tls: [{hosts: [b.example, a.example], secretName: new}, {secretName: any}], defaultBackend: {service: {name: a, port: {number: 1}}}}",
        found: &[
            "note tls-host-without-rule shop/new spec.tls[0].hosts[0]",
            "note tls-host-without-rule shop/new spec.tls[0].hosts[1]",
            "note tls-host-without-rule shop/old spec.tls[0].hosts[0]",
            "warning certificate-conflict shop/new spec.tls[0].hosts[1]",
        ],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop, annotations: {kubernetes.io/ingress.class: other}}
spec: {ingressClassName: edge, defaultBackend: {service: {name: a, port: {name: b}}}}",
        found: &["warning class-conflict shop/web metadata.annotations[kubernetes.io/ingress.class]"],
    },
    Case {
        manifest: "
metadata: {name: a}
---
metadata: {name: b}
spec: {}
---
metadata: {name: c}
spec: {ingressClassName: edge, rules: [], tls: []}",
        found: &[
            "warning empty-ingress default/a metadata",
            "warning empty-ingress default/b metadata",
            "warning empty-ingress default/c metadata",
        ],
    },
    Case {
        manifest: "
metadata:
  name: web
  namespace: shop
  annotations: {zz.example/owner: shop, nginx.ingress.kubernetes.io/use-regex: 'true', konghq.com/strip-path: 'true'}
spec: {defaultBackend: {service: {name: a, port: {number: 1}}}}",
        found: &[
            "warning ignored-annotations shop/web metadata.annotations[konghq.com/strip-path]",
            "warning ignored-annotations shop/web metadata.annotations[nginx.ingress.kubernetes.io/use-regex]",
        ],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec: {defaultBackend: {resource: {kind: Bucket}}, rules: [{http: {paths: [{path: /, pathType: Exact, backend: {resource: {name: a}}}]}}]}",
        found: &[
            "error incomplete-resource shop/web spec.defaultBackend",
            "error incomplete-resource shop/web spec.rules[0].http.paths[0].backend",
        ],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec: {rules: [{host: under_score.example}, {host: a..b}], tls: [{hosts: ['', ok.example, -x.example], secretName: tls}]}",
        found: &[
            "error invalid-host shop/web spec.rules[0].host",
            "error invalid-host shop/web spec.rules[1].host",
            "error invalid-host shop/web spec.tls[0].hosts[0]",
            "error invalid-host shop/web spec.tls[0].hosts[2]",
            "note tls-host-without-rule shop/web spec.tls[0].hosts[1]",
        ],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec: {rules: [{http: {paths: [{path: \"/\\x01\", pathType: Prefix, backend: {service: {name: a, port: {number: 1}}}}]}}]}",
        found: &["error invalid-path shop/web spec.rules[0].http.paths[0].path"],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec:
  defaultBackend: {service: {name: a}}
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {number: 65536}}}}]}}]",
        found: &[
            "error invalid-port shop/web spec.defaultBackend.service.port",
            "error invalid-port shop/web spec.rules[0].http.paths[0].backend.service.port",
        ],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec: {rules: [{http: {paths: [{path: '', pathType: Exact, backend: {service: {name: a, port: {number: 1}}}}]}}]}",
        found: &["error missing-path shop/web spec.rules[0].http.paths[0].path"],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec:
  defaultBackend: {service: {name: '', port: {number: 1}}}
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {port: {number: 1}}}}]}}]",
        found: &[
            "error missing-service-name shop/web spec.defaultBackend.service.name",
            "error missing-service-name shop/web spec.rules[0].http.paths[0].backend.service.name",
        ],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop, creationTimestamp: '2024-01-01T00:00:00Z'}
spec: {rules: [{host: a.example, http: {paths: [{path: /a, pathType: Prefix, backend: {service: {name: a, port: {number: 1}}}}]}}]}
---
metadata: {name: web, namespace: team, creationTimestamp: '2020-01-01T00:00:00Z'}
spec: {rules: [{host: a.example, http: {paths: [{path: /a/, pathType: Prefix, backend: {service: {name: a, port: {number: 1}}}}]}}]}",
        found: &["warning namespace-conflict shop/web spec.rules[0].http.paths[0]"],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec: {rules: [{http: {paths: [{path: cart, pathType: Prefix, backend: {service: {name: a, port: {number: 1}}}}]}}]}",
        found: &["error relative-path shop/web spec.rules[0].http.paths[0].path"],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec: {rules: [{host: A.example}, {host: ünï.example}], tls: [{hosts: [a.example.], secretName: tls}]}",
        found: &[
            "warning respelled-host shop/web spec.rules[0].host",
            "warning respelled-host shop/web spec.rules[1].host",
            "warning respelled-host shop/web spec.tls[0].hosts[0]",
        ],
    },
    Case {
        manifest: "
metadata: {name: old, namespace: shop, creationTimestamp: '2020-01-01T00:00:00Z'}
spec: {rules: [{host: a.example, http: {paths: [{path: /a/, pathType: Prefix, backend: {service: {name: a, port: {number: 1}}}}]}}]}
---
metadata: {name: new, namespace: shop}
spec:
  rules:
  - host: a.example
    http:
      paths:
      - {path: /b, pathType: Prefix, backend: {service: {name: a, port: {number: 1}}}}
      - {path: /a, pathType: ImplementationSpecific, backend: {service: {name: a, port: {number: 1}}}}",
        found: &["warning shadowed-rule shop/new spec.rules[0].http.paths[1]"],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec: {rules: [{host: a.example}], tls: [{hosts: [a.example, b.example], secretName: tls}]}",
        found: &["note tls-host-without-rule shop/web spec.tls[0].hosts[1]"],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec: {rules: [{host: a.example}], tls: [{hosts: [a.example]}, {secretName: ''}]}",
        found: &[
            "note tls-without-secret shop/web spec.tls[0].secretName",
            "note tls-without-secret shop/web spec.tls[1].secretName",
        ],
    },
    Case {
        manifest: "
metadata: {namespace: shop}
spec: {defaultBackend: {service: {name: a, port: {number: 1}}}, rules: [{host: 10.0.0.1}]}
---
metadata: {namespace: shop, name: a/b}
spec: {defaultBackend: {service: {name: a, port: {number: 1}}}}
---
metadata: {namespace: zoo/a, name: b}
spec: {defaultBackend: {service: {name: a, port: {number: 1}}}}",
        found: &[
            "error unnamed-ingress shop/ metadata",
            "error unnamed-ingress shop/a/b metadata",
            "error unnamed-ingress zoo/a/b metadata",
        ],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec: {rules: [{http: {paths: [{path: /, pathType: Glob, backend: {service: {name: a, port: {number: 1}}}}]}}]}",
        found: &["error unknown-path-type shop/web spec.rules[0].http.paths[0].pathType"],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec:
  rules:
  - http:
      paths:
      - {path: /a/../b, pathType: Prefix, backend: {service: {name: a, port: {number: 1}}}}
      - {path: '/a?b=c', pathType: Exact, backend: {service: {name: a, port: {number: 1}}}}
      - {path: '/a#b', pathType: Exact, backend: {service: {name: a, port: {number: 1}}}}
      - {path: /%61, pathType: Exact, backend: {service: {name: a, port: {number: 1}}}}
      - {path: /%zz, pathType: Exact, backend: {service: {name: a, port: {number: 1}}}}
      - {path: /%2F%C3, pathType: Exact, backend: {service: {name: a, port: {number: 1}}}}",
        found: &[
            "warning unreachable-path shop/web spec.rules[0].http.paths[0].path",
            "warning unreachable-path shop/web spec.rules[0].http.paths[1].path",
            "warning unreachable-path shop/web spec.rules[0].http.paths[2].path",
            "warning unreachable-path shop/web spec.rules[0].http.paths[3].path",
            "warning unreachable-path shop/web spec.rules[0].http.paths[4].path",
        ],
    },
    Case {
        manifest: "
metadata: {name: web, namespace: shop}
spec: {rules: [{host: '*'}, {host: 'a.*'}, {host: '**.a.example'}], tls: [{hosts: ['*.*.example'], secretName: tls}]}",
        found: &[
            "error wildcard-host shop/web spec.rules[0].host",
            "error wildcard-host shop/web spec.rules[1].host",
            "error wildcard-host shop/web spec.rules[2].host",
            "error wildcard-host shop/web spec.tls[0].hosts[0]",
        ],
    },
];

/// `Kubernetes` makes no expressions; a dialect that reads every path as one.
#[derive(Debug)]
struct Expressions;

impl Dialect for Expressions {
    fn name(&self) -> &'static str {
        "expressions"
    }

    fn expand(&self, ingress: &Ingress, out: &mut Contributions<'_>) {
        for rule in ingress.rules() {
            for path in rule.paths().unwrap_or_default() {
                let field = FieldPath::path(rule.index(), path.index());
                let Some(pattern) = path.path().and_then(|path| PathPattern::regex(path.clone()).ok()) else {
                    continue;
                };
                let action = Action::forward(path.backend().clone());
                let origin = out.origin(field);
                out.rule(rule.host(), Rule::new(pattern, action, origin));
            }
        }
    }
}

const OVERSIZED: Case = Case {
    manifest: r"
metadata: {name: web, namespace: shop}
spec:
  rules:
  - http:
      paths:
      - {path: '/a', pathType: Prefix, backend: {service: {name: a, port: {number: 1}}}}
      - {path: '/a{1000}{1000}', pathType: Prefix, backend: {service: {name: a, port: {number: 1}}}}",
    found: &["error oversized-pattern shop/web spec.rules[0].http.paths[1]"],
};

fn find(dialect: impl Dialect, manifest: &str) -> Vec<Diagnostic> {
    let mut compiler = Compiler::new(dialect);
    for document in manifest::documents(manifest) {
        let _ = compiler.upsert(manifest::ingress(&document));
    }
    let _ = compiler.compile();
    compiler.diagnostics().cloned().collect()
}

fn cases() -> Vec<(&'static Case, Vec<Diagnostic>)> {
    let mut cases: Vec<_> = CASES.iter().map(|case| (case, find(Kubernetes, case.manifest))).collect();
    cases.push((&OVERSIZED, find(Expressions, OVERSIZED.manifest)));
    cases
}

#[test]
fn every_manifest_has_its_findings_and_no_others() {
    for (case, found) in cases() {
        let lines: Vec<_> = found
            .iter()
            .map(|found| {
                format!("{} {} {} {}", found.severity(), found.code(), found.ingress(), found.field())
            })
            .collect();
        assert_eq!(lines, case.found, "{}", case.manifest);
    }
}

#[test]
fn every_kind_has_a_case() {
    let found: BTreeSet<_> = cases().iter().flat_map(|(_, found)| found).map(Diagnostic::kind).collect();
    let missing: Vec<_> = DiagnosticKind::ALL.iter().filter(|kind| !found.contains(kind)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    assert_eq!(found.len(), DiagnosticKind::ALL.len(), "`ALL` does not list every kind");
}

#[test]
fn every_finding_is_one_readable_line() {
    for finding in cases().iter().flat_map(|(_, found)| found) {
        let line = finding.to_string();
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(finding.message().len() > 15 && !finding.message().ends_with('.'), "{line}");
        assert!(finding.help().len() > 10, "{line}");
        assert!(
            line.starts_with(&format!("{}[{}] {} ", finding.severity(), finding.code(), finding.ingress())),
            "{line}"
        );
    }
}

/// Who wins between namespaces, and by what.
#[test]
fn the_reason_of_a_winner_is_given() {
    let object = |namespace: &str, created: &str| {
        format!(
            "metadata: {{name: web, namespace: {namespace}{created}}}
spec: {{rules: [{{http: {{paths: [{{path: /, pathType: Exact, backend: {{service: {{name: a, port: {{number: 1}}}}}}}}]}}}}]}}"
        )
    };
    let age = |year: u32| format!(", creationTimestamp: '{year}-01-01T00:00:00Z'");
    for (a, b, reason) in [
        (age(2024), age(2020), "b/web spec.rules[0].http.paths[0] has it, for it is older"),
        (
            age(2024),
            String::new(),
            "a/web spec.rules[0].http.paths[0] has it, for only it has a creation time",
        ),
        (
            age(2024),
            age(2024),
            "a/web spec.rules[0].http.paths[0] has it, for its name sorts first among objects of one age",
        ),
        (String::new(), String::new(), "for its name sorts first among objects of one age"),
    ] {
        let found = find(Kubernetes, &format!("{}\n---\n{}", object("a", &a), object("b", &b)));
        let [conflict] = &found[..] else { panic!("{found:?}") };
        assert!(
            conflict.message().contains("both claim \"Exact /\" of host *")
                && conflict.message().ends_with(reason),
            "{conflict}"
        );
    }
}

/// What an ignored annotation would have done is said, and nothing is where the dialect acts on it.
#[test]
fn the_effect_of_an_ignored_annotation_is_said() {
    #[derive(Debug)]
    struct Rewriting;

    impl Dialect for Rewriting {
        fn name(&self) -> &'static str {
            "rewriting"
        }

        fn acts_on(&self, annotation: &str) -> bool {
            annotation.ends_with("/rewrite-target")
        }

        fn expand(&self, ingress: &Ingress, out: &mut Contributions<'_>) {
            Kubernetes.expand(ingress, out);
        }
    }

    let manifest = "
metadata: {name: web, annotations: {nginx.ingress.kubernetes.io/rewrite-target: /, nginx.ingress.kubernetes.io/app-root: /x}}
spec: {defaultBackend: {service: {name: a, port: {number: 1}}}}";
    let messages =
        |found: Vec<Diagnostic>| -> Vec<_> { found.iter().map(|found| found.message().to_owned()).collect() };
    let root = "ignores the annotation \"nginx.ingress.kubernetes.io/app-root\"; \
                in ingress-nginx it redirects `/` of the host to this path";
    let found = messages(find(Kubernetes, manifest));
    assert!(found.len() == 2 && found.contains(&format!("dialect kubernetes {root}")), "{found:?}");
    assert_eq!(messages(find(Rewriting, manifest)), [format!("dialect rewriting {root}")]);
}

/// Findings of an object go with the object, and come back with it.
#[test]
fn findings_follow_their_objects() {
    let mut compiler = Compiler::new(Kubernetes);
    for case in CASES {
        let objects: Vec<Ingress> =
            manifest::documents(case.manifest).iter().map(manifest::ingress).collect();
        for _ in 0..2 {
            for object in &objects {
                let _ = compiler.upsert(object.clone());
            }
            let _ = compiler.compile();
            assert_eq!(compiler.diagnostics().count(), case.found.len(), "{}", case.manifest);
            for object in &objects {
                let _ = compiler.remove(object.id());
            }
            let _ = compiler.compile();
            assert_eq!(compiler.diagnostics().count(), 0, "{}", case.manifest);
        }
    }
}
