//! Input that is broken, or out to break something: a clear error, bounded work, and nothing else lost.

use std::fmt::Write as _;

use ingress_cli::manifest::{Manifests, ReadError};

use super::program::{directory, shown};

fn good(name: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}}}\nspec:\n  \
         defaultBackend: {{service: {{name: {name}, port: {{number: 80}}}}}}\n"
    )
}

/// A document between two good ones: what is said about it, and whether the others are there.
fn between(name: &str, broken: &[u8]) -> String {
    let text = [good("before").as_bytes(), b"---\n", broken, b"\n---\n", good("after").as_bytes()].concat();
    // One for each: tests run at the same time.
    let directory = directory(&format!("bad_input-{name}"), &[(name, &text)]);
    let manifests = Manifests::read(std::slice::from_ref(&directory));
    let ids: Vec<_> =
        manifests.ingresses().iter().map(|ingress| ingress.object().id().name().to_owned()).collect();
    assert_eq!(ids, ["before", "after"], "{name}");
    let errors: Vec<_> = manifests.errors().iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 1, "{name}: {errors:?}");
    let error = errors.first().unwrap();
    error.strip_prefix(&format!("{}/", directory.display())).unwrap().to_owned()
}

#[test]
fn one_broken_document_is_named_and_the_rest_is_there() {
    let cases: [(&str, &[u8], &str); 20] = [
        ("utf8.yaml", b"a: 1\nb: \xff\n", "8: byte 0xff is not valid UTF-8"),
        ("cut.yaml", b"a: \xe2\x82", "7: byte 0xe2 is not valid UTF-8"),
        (
            "nul.yaml",
            b"a: 1\0\n",
            "7: control byte 0x00 is not allowed; write it as an escape in double quotes",
        ),
        (
            "escape.yaml",
            b"a: \x1b[31m",
            "7: control byte 0x1b is not allowed; write it as an escape in double quotes",
        ),
        ("twice.yaml", b"a: 1\nb: 2\na: 3", "9: key \"a\" is given twice; the first one stands in line 7"),
        (
            "twice-deep.yaml",
            b"a: {b: 1, 'b': 2}",
            "7: key \"b\" is given twice; the first one stands in line 7",
        ),
        (
            "twice.json",
            b"{\"a\": 1,\n \"a\": 2}",
            "8: key \"a\" is given twice; the first one stands in line 7",
        ),
        ("open.yaml", b"a: [1, 2", "7: unclosed bracket '['"),
        ("quote.yaml", b"a: \"b\nc: d", "8: invalid indentation in multiline quoted scalar"),
        ("indent.yaml", b"a: 1\n  b: 2", "8: mapping values are not allowed in this context"),
        ("tab.yaml", b"a:\n\tb: 1", "8: tabs disallowed within this context (block indentation)"),
        ("alias.yaml", b"a: *b", "7: while parsing node, found unknown anchor"),
        ("itself.yaml", b"a: &a [*a]", "7: the alias stands inside of the value that it names"),
        ("key.yaml", b"[a]: b", "7: a key must be text, not a list or a mapping"),
        ("merge.yaml", b"<<: 1", "7: `<<` takes a mapping, or a list of mappings"),
        ("merge-list.yaml", b"<<: [1]", "7: `<<` takes a mapping, or a list of mappings"),
        ("at.yaml", b"a: @b", "7: unexpected character: `@'"),
        ("template.yaml", b"a: 1\n{{- if .Values.x }}\nb: 2", "8: this is a Helm template, not YAML"),
        ("value.yaml", b"a: {{ .Values.a }}", "7: this is a Helm template, not YAML"),
        (
            "number.yaml",
            b"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: 1",
            "9: metadata: invalid type: integer `1`, expected ObjectMeta",
        ),
    ];
    for (name, broken, wanted) in cases {
        assert_eq!(between(name, broken), format!("{name}:{wanted} (document 2)"));
    }
}

#[test]
fn a_few_bytes_do_not_stand_for_a_billion_values() {
    let mut laughs = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for (before, name) in ('a'..'k').zip('b'..'l') {
        let aliases = vec![format!("*{before}"); 9].join(", ");
        writeln!(laughs, "{name}: &{name} [{aliases}]").unwrap();
    }
    let text = format!("a: &a {}\nb: [{}]", "x".repeat(100_000), vec!["*a"; 1000].join(", "));
    let merges = format!(
        "a: &a {{{}}}\nb:\n{}",
        (0..1000).map(|n| format!("k{n}: 1,")).collect::<String>(),
        "- <<: *a\n".repeat(1000)
    );
    for (name, bomb) in [("laughs.yaml", laughs), ("text.yaml", text), ("merges.yaml", merges)] {
        let message = between(name, bomb.as_bytes());
        assert!(message.contains("stand for too many values"), "{message}");
    }
}

#[test]
fn depth_and_length_have_bounds() {
    let deep = [
        ("flow.yaml", "[".repeat(100_000)),
        ("flow.json", "{\"a\":".repeat(100_000)),
        ("block.yaml", (0..1000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect()),
        ("dashes.yaml", "- ".repeat(100_000)),
    ];
    for (name, text) in deep {
        let message = between(name, text.as_bytes());
        assert!(message.contains("values are nested more than 200 deep"), "{message}");
    }
    let message = between("key.yaml", format!("{}: 1", "x".repeat(1_000_000)).as_bytes());
    assert!(message.contains("mapping values are not allowed"), "{message}");
}

#[test]
fn long_values_are_read() {
    let path = format!("/{}", "a".repeat(64 << 10));
    let host = vec!["a"; 32 << 10].join(".");
    let text = format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: long}}\nspec:\n  rules:\n  \
         - {{host: {host}, http: {{paths: []}}}}\n  - http: {{paths: [{{path: \"{path}\", pathType: Exact, \
         backend: {{service: {{name: a, port: {{number: 80}}}}}}}}]}}\n"
    );
    let shown = shown(&["check", "-f", "-"], &text);
    assert!(
        shown.contains("error[invalid-host]") && shown.contains("1 error in 1 Ingress and 1 rule"),
        "{shown}"
    );
    assert!(shown.len() < 2000, "{}", shown.len());
}

#[test]
fn one_of_many_is_broken() {
    for broken in ["\tx: [", "metadata: {name: 1}", "spec: nothing", "kind: Ingress\nkind: Ingress"] {
        let mut text = String::new();
        for number in 0..1000 {
            let object = if number == 500 {
                format!("apiVersion: networking.k8s.io/v1\nkind: Ingress\n{broken}\n")
            } else {
                good(&format!("web-{number}"))
            };
            write!(text, "---\n{object}").unwrap();
        }
        let directory = directory("one_of_many", &[("a.yaml", text.as_bytes())]);
        let manifests = Manifests::read(&[directory]);
        assert_eq!(manifests.ingresses().len(), 999);
        let documents: Vec<_> = manifests.errors().iter().map(ReadError::document_number).collect();
        assert_eq!(documents, [Some(501)], "{broken}");
    }
}

#[test]
fn a_template_is_reported_once() {
    let template =
        "{{- if .Values.a }}\na: b\n---\n{{ include \"x\" . }}\n---\nc: {{ .Values.c }}\n{{- end }}\n";
    let ingress = good("beside");
    let files = [("chart/templates/ingress.yaml", template.as_bytes()), ("web.yaml", ingress.as_bytes())];
    let directory = directory("template", &files);
    let shown = shown(&["route", "-f", directory.to_str().unwrap(), "/"], "");
    insta::assert_snapshot!(shown.replace(directory.to_str().unwrap(), "DIRECTORY"));
}

#[test]
fn what_could_not_be_read_is_shown_like_a_finding() {
    let text = format!("{}---\na: 'b\n---\n{}", good("a"), good("b"));
    insta::assert_snapshot!(shown(&["check", "-f", "-", "-f", "none.yaml"], &text));
}

#[test]
fn another_encoding_is_named() {
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("a: 1".bytes().flat_map(|byte| [byte, 0])).collect();
    let directory = directory("utf16", &[("a.yaml", &utf16)]);
    let manifests = Manifests::read(&[directory]);
    let messages: Vec<_> = manifests.errors().iter().map(ReadError::message).collect();
    assert_eq!(messages, ["the file is UTF-16; save it as UTF-8"]);
}
