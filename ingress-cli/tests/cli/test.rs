//! `ingress test`.

use std::path::PathBuf;
use std::process::Stdio;

use insta::assert_snapshot;

use super::program::{directory, ingress, output, shown};

const SHOP: &str = "ingress-cli/examples/shop";
const ROUTES: &str = "ingress-cli/examples/routes.yaml";

/// Runs tests against the shop, with what depends on the machine taken out.
fn tested(name: &str, tests: &str, arguments: &[&str]) -> String {
    let path = written(name, tests);
    let all = [&["test", path.to_str().unwrap(), "-f", SHOP], arguments].concat();
    shown(&all, "").replace(path.parent().unwrap().to_str().unwrap(), "TESTS")
}

fn written(name: &str, tests: &str) -> PathBuf {
    directory(name, &[("routes.yaml", tests.as_bytes())]).join("routes.yaml")
}

const FAILING: &str = "\
- request: https://shop.example.com/cart/7
  expect: {backend: api/cart-v2}
  because: \"it <moved> & \\a\"
- {request: https://shop.example.com/, expect: shop/frontend}
- request: POST http://elsewhere.example.com/none
  expect: {outcome: respond, reason: no-path, certificate: null}
- request: {host: shop.example.com, path: /%00}
  expect: {status: 400, backend: null, rule: null}
- {request: {path: /cart, id: 7, headers: {host: shop.example.com}}, expect: 404}
";

#[test]
fn what_passes() {
    assert_snapshot!(shown(&["test", ROUTES, "-f", SHOP], ""));
    assert_snapshot!("what_passes_quietly", shown(&["test", ROUTES, "-f", SHOP, "-q"], ""));
    assert_snapshot!("what_passes_in_full", shown(&["test", ROUTES, "-f", SHOP, "-v"], ""));
    assert_snapshot!("what_passes_as_xml", shown(&["test", ROUTES, "-f", SHOP, "-o", "junit"], ""));
}

#[test]
fn what_fails() {
    assert_snapshot!(tested("fails", FAILING, &[]));
    assert_snapshot!("what_fails_quietly", tested("fails-q", FAILING, &["-q"]));
    assert_snapshot!("what_fails_as_data", tested("fails-json", FAILING, &["-o", "json"]));
    assert_snapshot!("what_fails_as_xml", tested("fails-junit", FAILING, &["-o", "junit"]));
}

#[test]
fn what_is_reached() {
    assert_snapshot!(shown(&["test", ROUTES, "-f", SHOP, "--coverage"], ""));
    assert_snapshot!("what_is_reached_as_data", tested("reach", FAILING, &["--coverage", "-o", "json"]));
    assert_snapshot!("too_little_is_reached", shown(&["test", ROUTES, "-f", SHOP, "--fail-under", "91"], ""));
    let enough = shown(&["test", ROUTES, "-f", SHOP, "--fail-under", "90.9"], "");
    assert!(enough.ends_with("--- status 0\n"), "{enough}");
    let xml = tested("reach-xml", FAILING, &["--fail-under", "99.5", "-o", "junit"]);
    assert!(xml.contains("<failure message=\"3 of 11 rules reached\">"), "{xml}");
}

#[test]
fn tests_with_mistakes() {
    let tests = "\
- request: https://shop.example.com/
  expct: {backend: shop/frontend}
- {request: {host: a, path: /, hedaers: {}}, expect: 404}
- {request: {host: a}, expect: 404}
- {request: \"G T http://a/\", expect: 404}
- {request: {path: /, scheme: htps}, expect: 404}
- {request: /, expect: {reasn: no-route, backend: shop, rule: {filed: x}}}
- {request: /, expect: {outcome: respnd, endpoints: many, default_backend: 1, backend: {prot: 80}}}
- {request: /, expect: 99}
- {request: /, expect: {}}
- {request: /, expect: [404]}
- {request: [/], expect: 404}
- {request: /, expect: 404, because: [x]}
- just text
- {}
- {request: /, expect: {backend: sellers/not-found, weights: [{backend: a/b, wieght: 1}]}}
- {request: /, expect: sellers/not-found}
";
    assert_snapshot!(tested("mistakes", tests, &[]));
    assert_snapshot!(
        "mistakes_as_xml",
        tested("mistakes-xml", "- {request: /, expect: 404, bcause: x}\n", &["-o", "junit"])
    );
}

#[test]
fn files_with_mistakes() {
    assert_snapshot!(tested(
        "options",
        "options: {clas: x, dialect: [], settings: {a: 1}}\nreqests: []\n",
        &[]
    ));
    assert_snapshot!("keys_of_a_file", tested("keys", "reqests: []\n", &[]));
    assert_snapshot!("no_list", tested("no-list", "replicas: 2\n", &[]));
    assert_snapshot!("an_empty_list", tested("empty", "[]\n", &[]));
    assert_snapshot!("no_yaml", tested("no-yaml", "- {\n", &[]));
    assert_snapshot!(
        "no_such_dialect",
        tested("dialect", "options: {dialect: kubernets}\nrequests: [{request: /, expect: 404}]\n", &[])
    );
    assert_snapshot!(
        "no_such_setting",
        tested(
            "setting",
            "options: {settings: {strict: \"true\"}}\nrequests: [{request: /, expect: 404}]\n",
            &[]
        )
    );
}

#[test]
fn arguments_that_make_no_sense() {
    assert_snapshot!("test_without_files", shown(&["test"], ""));
    assert_snapshot!("test_without_manifests", shown(&["test", ROUTES], ""));
    assert_snapshot!("test_with_a_bad_percentage", shown(&["test", ROUTES, "--fail-under", "101"], ""));
    assert_snapshot!(
        "test_that_is_not_there",
        shown(&["test", "ingress-cli/examples/none.yaml", "-f", SHOP], "")
    );
    assert_snapshot!("test_reads_standard_input_once", shown(&["test", "-", "-f", "-"], ""));
}

/// Several files and directories, JSON, one test a line, and tests from standard input.
#[test]
fn tests_in_every_spelling() {
    let all = directory(
        "spellings",
        &[
            ("a.json", br#"[{"request": {"path": "/"}, "expect": {"status": 404}}]"#),
            ("b.yaml", b"request: http://shop.example.com/\nexpect: shop/frontend:http\n---\n{request: /, expect: {default_backend: true}}\n"),
            ("c.yml", b"requests:\n- {request: {host: shop.example.com, path: /}, expect: {rule: \"shop/web spec.rules[0].http.paths[0]\"}}\n"),
            ("values.yaml", b"replicas: 2\n"),
        ],
    );
    let arguments = ["test", all.to_str().unwrap(), "-", "-f", SHOP, "-o", "json"];
    let stdin = b"- {request: http://ada.shops.example.com/about, expect: {backend: {port: 80}}}\n";
    let output = output(ingress(&arguments), stdin);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.matches("\"passed\":true").count(), 4, "{stdout}");
    assert_eq!(stdout.matches("\"passed\":false").count(), 1, "{stdout}");
    assert_eq!(output.status.code(), Some(1));
}

/// A file that brings manifests of its own is tested by itself, and may ask for more with `-f`.
#[test]
fn a_file_with_manifests_of_its_own() {
    let own = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: own, namespace: shop}
spec:
  rules:
  - host: own.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: own, port: {number: 80}}}}]}
---
options: {default_backend: \"shop/lost:80\"}
requests:
- {request: http://own.example.com/, expect: shop/own:80}
- {request: http://none.example.com/, expect: {backend: shop/lost:80, rule: configuration}}
- {request: http://shop.example.com/, expect: {backend: shop/lost:80}}
";
    let path = written("own", own);
    let alone = shown(&["test", path.to_str().unwrap(), "--coverage"], "");
    assert_eq!(alone, "--- stdout\n3 tests passed\n2 of 2 rules reached (100.0 %)\n--- status 0\n");
    let together = shown(&["test", path.to_str().unwrap(), "-f", "ingress-cli/examples/shop/web.yaml"], "");
    assert!(together.contains("got \"frontend\"") && together.ends_with("--- status 1\n"), "{together}");
}

/// Who closes the pipe hears no error, and no other answer either.
#[test]
fn a_closed_pipe_changes_no_answer() {
    let failing = written("closed", FAILING);
    let many = written("closed-many", &FAILING.repeat(2000));
    let passing = super::program::workspace().join(ROUTES);
    for (tests, status) in [(failing, 1), (many, 1), (passing, 0)] {
        let mut command = ingress(&["test", tests.to_str().unwrap(), "-f", SHOP]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{}", tests.display());
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }
}

/// The XML is well-formed, and says what the text says.
#[test]
fn xml_is_xml() {
    let xml = tested("xml", FAILING, &["-o", "junit", "--fail-under", "99"]);
    let xml = xml.strip_prefix("--- stdout\n").unwrap().split("\n--- ").next().unwrap();
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let (mut depth, mut cases) = (0_i32, 0);
    loop {
        use quick_xml::events::Event;
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                assert!(tag.attributes().all(|attribute| {
                    attribute.unwrap().normalized_value(quick_xml::XmlVersion::Implicit1_0).is_ok()
                }));
                depth += 1;
                cases += i32::from(tag.name().as_ref() == b"testcase");
            }
            Event::Empty(tag) => cases += i32::from(tag.name().as_ref() == b"testcase"),
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((depth, cases), (0, 6));
    assert!(!xml.contains('\u{7}') && xml.contains("it &lt;moved&gt; &amp; \u{fffd}"), "{xml}");
}
