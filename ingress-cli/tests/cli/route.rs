//! `ingress route`.

use insta::assert_snapshot;

use super::program::{directory, ingress, shown};

const SHOP: &str = "ingress-cli/examples/shop";

#[test]
fn one_request() {
    assert_snapshot!(shown(&["route", "-f", SHOP, "https://shop.example.com/cart/7?id=1"], ""));
}

#[test]
fn several_requests() {
    assert_snapshot!(shown(
        &[
            "route",
            "-f",
            SHOP,
            "shop.example.com",
            "http://www.shop.example.com?x=/y",
            "/",
            "https://u@shop.example.com/cart#top"
        ],
        ""
    ));
}

#[test]
fn no_route_and_no_sense() {
    let class = "ingress-cli/examples/shop/web.yaml";
    assert_snapshot!(shown(
        &[
            "route",
            "-f",
            class,
            "http://elsewhere.example.com/",
            "http://shop.example.com/%00",
            "http://shop.example.com/%"
        ],
        ""
    ));
}

#[test]
fn a_batch_as_text() {
    assert_snapshot!(shown(&["route", "-f", SHOP, "--requests", "ingress-cli/examples/requests.jsonl"], ""));
}

#[test]
fn a_batch_as_json() {
    assert_snapshot!(shown(
        &["route", "-f", SHOP, "--requests", "ingress-cli/examples/requests.jsonl", "-o", "json"],
        ""
    ));
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_request() {
    let line = r#"{"host":"shop.example.com","path":"/cart"}"#;
    let asked = |text: &str| shown(&["route", "-f", SHOP, "--requests", "-"], text);
    let plain = asked(&format!("{line}\n"));
    assert!(plain.contains("-> shop/cart:80") && plain.ends_with("--- status 0\n"), "{plain}");
    assert_eq!(asked(&format!("\u{feff}{line}\r\n")), plain);
}

#[test]
fn a_batch_with_mistakes() {
    let requests = concat!(
        "{\"id\":\"good\",\"host\":\"shop.example.com\",\"path\":\"/cart\"}\n",
        "\n",
        "{\"id\":\"no path\"}\n",
        "not json\n",
        "[]\n",
        "{\"path\":\"/\",\"method\":\"G T\"}\n",
        "{\"path\":\"/\",\"scheme\":\"ftp\"}\n",
        "{\"path\":\"/\",\"draw\":-1}\n",
        "{\"path\":\"/\",\"client_ip\":\"nobody\"}\n",
        "{\"path\":\"/\",\"headers\":{\"a b\":\"c\"}}\n",
        "{\"path\":\"/\",\"headers\":{\"a\":\"c\\nd\"}}\n",
        "{\"path\":\"/\",\"headers\":{\"a\":7}}\n",
        "{\"id\":[],\"path\":\"/\"}\n",
        "{\"id\":7,\"path\":\"/cart\",\"headers\":{\"host\":\"shop.example.com\"},\"hots\":\"x\"}\n",
        "{\"id\":8,\"path\":\"/cart\",\"headers\":{\"Host\":[\"shop.example.com\",\"b\"]},\"hots\":\"x\"}\n",
        "{\"id\":\"last\",\"host\":\"shop.example.com\",\"path\":\"/\\u001b[31m\"}",
    );
    assert_snapshot!(shown(&["route", "-f", SHOP, "--requests", "-"], requests));
}

#[test]
fn requests_that_are_not_there() {
    assert_snapshot!(shown(&["route", "-f", SHOP, "--requests", "ingress-cli/examples/none.jsonl"], ""));
}

#[test]
fn method_headers_and_address() {
    assert_snapshot!(shown(
        &[
            "route",
            "-f",
            SHOP,
            "-o",
            "json",
            "-X",
            "DELETE",
            "-H",
            "X-A: b",
            "-H",
            "Host: shop.example.com",
            "--client-ip",
            "2001:db8::7",
            "--draw",
            "3",
            "https://192.0.2.7/cart",
        ],
        ""
    ));
}

/// What the object says, and how it is read where that is something else.
#[test]
fn the_path_type_is_the_objects() {
    let directory = directory(
        "path-types",
        &[(
            "all.yaml",
            b"\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a, namespace: shop}
spec:
  rules:
  - host: 192.0.2.7
  - http:
      paths:
      - {path: relative, pathType: Exact, backend: {service: {name: none, port: {number: 80}}}}
      - {path: /exact, pathType: Exact, backend: {service: {name: a, port: {number: 80}}}}
      - {path: /own, pathType: ImplementationSpecific, backend: {service: {name: b, port: {number: 80}}}}
---
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: b, namespace: shop}
spec: {rules: [{http: {paths: [{path: /old, backend: {serviceName: c, servicePort: 80}}]}}]}
",
        )],
    );
    let directory = directory.to_str().unwrap();
    assert_snapshot!(shown(&["route", "-f", directory, "-o", "json", "/exact", "/own/x", "/old"], ""));
}

#[test]
fn classes() {
    let classes = "ingress-cli/examples/classes.yaml";
    let url = "http://metrics.example.com/";
    assert_snapshot!("every_class", shown(&["route", "-f", classes, url], ""));
    assert_snapshot!("one_class", shown(&["route", "-f", classes, "--class", "internal", url], ""));
    assert_snapshot!("default_class", shown(&["route", "-f", classes, "--class", "public", url], ""));
    assert_snapshot!("no_such_class", shown(&["route", "-f", classes, "--class", "private", url], ""));
    let web = "ingress-cli/examples/shop/web.yaml";
    assert_snapshot!("class_without_objects", shown(&["route", "-f", web, "--class", "private", url], ""));
}

#[test]
fn standard_input_is_read_once() {
    assert_snapshot!(shown(&["route", "-f", "-", "--requests", "-"], ""));
}

#[test]
fn manifests_from_standard_input() {
    let web = std::fs::read_to_string(super::program::workspace().join(SHOP).join("web.yaml")).unwrap();
    assert_snapshot!(shown(&["route", "-f", "-", "https://shop.example.com/cart"], &web));
}

#[test]
fn quiet_and_verbose() {
    let quiet = shown(&["route", "-q", "-f", SHOP, "https://shop.example.com/"], "");
    assert!(!quiet.contains("stderr"), "{quiet}");
    assert_snapshot!(shown(&["route", "-v", "-f", SHOP, "https://shop.example.com/"], ""));
}

#[test]
fn colour_only_when_asked() {
    let coloured = shown(&["route", "--color", "always", "-f", SHOP, "https://shop.example.com/"], "");
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    for arguments in [&["--color", "auto"][..], &["--color", "never"], &[]] {
        let plain = shown(&[&["route", "-f", SHOP, "https://shop.example.com/"], arguments].concat(), "");
        assert!(!plain.contains('\u{1b}'), "{plain}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut command = ingress(&["route", "-f", SHOP, "--requests", "-"]);
    let requests = "{\"path\":\"/\"}\n".repeat(20_000);
    command.stdout(std::process::Stdio::piped()).stdin(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || drop(std::io::Write::write_all(&mut stdin, requests.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(!String::from_utf8(output.stderr).unwrap().contains("error"));
}
