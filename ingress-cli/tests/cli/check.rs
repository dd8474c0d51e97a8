//! `ingress check`.

use insta::assert_snapshot;

use super::program::{directory, shown};

const SHOP: &str = "ingress-cli/examples/shop";
const BROKEN: &str = "ingress-cli/examples/broken";

#[test]
fn what_is_broken() {
    assert_snapshot!(shown(&["check", "-f", BROKEN], ""));
}

#[test]
fn what_is_broken_as_data() {
    assert_snapshot!(shown(&["check", "-f", BROKEN, "-o", "json"], ""));
}

#[test]
fn what_is_merely_odd() {
    assert_snapshot!(shown(&["check", "-f", SHOP], ""));
}

#[test]
fn nothing() {
    assert_snapshot!(shown(&["check", "-f", "ingress-cli/examples/shop/sellers.yaml"], ""));
    let quiet = shown(&["check", "-q", "-f", "ingress-cli/examples/shop/sellers.yaml"], "");
    assert_eq!(quiet, "--- status 0\n");
}

/// Of what cannot be read nobody can say that there is nothing wrong with it.
#[test]
fn what_was_not_read_is_not_praised() {
    let shown = shown(&["check", "-f", "-"], "kind: Ingress\n---\na: [\n");
    assert!(
        shown.contains(
            "nothing to find fault with in 0 Ingresses and 0 rules in 1 file; 2 parts could not be read\n"
        ),
        "{shown}"
    );
}

#[test]
fn the_severity_that_fails() {
    let status = |severity: &str, input: &str| {
        let shown = shown(&["check", "-q", "-f", input, "-o", "json", "--fail-on", severity], "");
        shown.trim_end().chars().last().unwrap()
    };
    assert_eq!(
        ["error", "warning", "note", "never"].map(|severity| status(severity, BROKEN)),
        ['1', '1', '1', '0']
    );
    assert_eq!(
        ["error", "warning", "note", "never"].map(|severity| status(severity, SHOP)),
        ['0', '1', '1', '0']
    );
}

#[test]
fn objects_of_one_name_and_of_none() {
    let object = |name: &str, service: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{{name}}}\nspec:\n  \
             defaultBackend: {{service: {{name: {service}, port: {{number: 80}}}}}}\n"
        )
    };
    let documents =
        [object("name: a", "first"), object("", "x"), object("name: a", "second"), object("", "y")];
    assert_snapshot!(shown(&["check", "-f", "-"], &documents.join("---\n")));
    assert_snapshot!(shown(&["route", "-f", "-", "/"], &documents.join("---\n")));
}

/// Fields inside of lists, of JSON in one line, and of long lines, are found like others.
#[test]
fn every_way_of_writing_is_pointed_into() {
    let path = |path: &str| {
        format!(
            r#"{{"path":"{path}","pathType":"Exact","backend":{{"service":{{"name":"a","port":{{"number":80}}}}}}}}"#
        )
    };
    let item = |name: &str| {
        format!(
            r#"{{"metadata":{{"name":"{name}"}},"spec":{{"rules":[{{"http":{{"paths":[{},{}]}}}}]}}}}"#,
            path("/"),
            path(&format!("no-slash-{}", "x".repeat(300)))
        )
    };
    let list = format!(
        r#"{{"apiVersion":"networking.k8s.io/v1","kind":"IngressList","items":[{},{}]}}"#,
        item("first"),
        item("second")
    );
    let directory = directory("every_way_of_writing", &[("list.json", list.as_bytes())]);
    let shown = shown(&["check", "-f", directory.to_str().unwrap()], "");
    assert_snapshot!(shown.replace(directory.to_str().unwrap(), "DIRECTORY"));
}
