//! What the project ingress-controller-conformance asks of a controller, and that `ingress route` agrees.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::client::{ask, get};
use super::manifests::{ingress, service};
use super::pods::Pod;
use super::running::{directory, serve};

#[test]
fn host_rules() {
    let web =
        ingress("hosts", &["foo.bar.com Prefix / exact", "*.foo.com Prefix / wildcard", "- Prefix /any any"]);
    let running = serve(&directory("host-rules", &[("web.yaml", &web)]), &["--echo"]);
    for (host, path, wanted) in [
        ("foo.bar.com", "/", Some("exact")),
        ("FOO.bar.com:8080", "/", Some("exact")),
        ("bar.foo.com", "/", Some("wildcard")),
        ("baz.bar.foo.com", "/", None),
        ("foo.com", "/", None),
        (".foo.com", "/", None),
        ("foo.bar.com.other", "/", None),
        ("foo.com", "/any", Some("any")),
    ] {
        let answer = get(running.http(), host, path);
        match wanted {
            Some(wanted) => {
                assert_eq!(answer.status, 200, "{host}: {answer:?}");
                assert_eq!(answer.backend(), format!("web/{wanted}"), "{host}");
                assert_eq!(answer.json()["host"], host);
            }
            None => assert!(matches!(answer.status, 400 | 404), "{host}: {answer:?}"),
        }
    }
}

#[test]
fn path_rules() {
    let web = ingress(
        "paths",
        &[
            "a.com Exact /foo exact-foo",
            "a.com Prefix /foo prefix-foo",
            "a.com Prefix /foo/bar prefix-bar",
            "a.com Prefix /aaa/bbb/ slash",
            "b.com Exact /foo/ exact-slash",
        ],
    );
    let running = serve(&directory("path-rules", &[("web.yaml", &web)]), &["--echo"]);
    for (host, path, wanted) in [
        ("a.com", "/foo", Some("exact-foo")),
        ("a.com", "/foo?x=/foo/bar", Some("exact-foo")),
        ("a.com", "/foo/", Some("prefix-foo")),
        ("a.com", "/foo/bars", Some("prefix-foo")),
        ("a.com", "/foo/bar", Some("prefix-bar")),
        ("a.com", "/foo/bar/baz?q", Some("prefix-bar")),
        ("a.com", "/foobar", None),
        ("a.com", "/FOO", None),
        ("a.com", "/aaa/bbb", Some("slash")),
        ("a.com", "/aaa/bbb/ccc", Some("slash")),
        ("a.com", "/aaa/bbbxyz", None),
        ("a.com", "/", None),
        ("b.com", "/foo/", Some("exact-slash")),
        ("b.com", "/foo", None),
    ] {
        let answer = get(running.http(), host, path);
        assert_eq!(answer.status, if wanted.is_some() { 200 } else { 404 }, "{host}{path}: {answer:?}");
        if let Some(wanted) = wanted {
            assert_eq!(answer.backend(), format!("web/{wanted}"), "{host}{path}");
            assert_eq!(answer.json()["path"], path);
        }
    }
}

#[test]
fn default_backend_and_what_a_pod_sees() {
    let web = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {namespace: web, name: all}\n\
               spec: {defaultBackend: {service: {name: all, port: {name: http}}}}\n";
    let running = serve(&directory("default-backend", &[("web.yaml", web)]), &["--echo"]);
    let request = "POST /x?a=%20b HTTP/1.1\r\nHost: any.host\r\nX-Mine: 1\r\nX-Mine: 2\r\nConnection: close, X-Hop\r\n\
                   X-Hop: gone\r\nX-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nContent-Length: 5\r\n\r\nhello";
    let answer = ask(running.http(), request);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let echo = answer.json();
    for (key, wanted) in [
        ("namespace", "web"),
        ("service", "all"),
        ("port", "http"),
        ("ingress", "web/all"),
        ("method", "POST"),
        ("path", "/x?a=%20b"),
        ("host", "any.host"),
        ("protocol", "HTTP/1.1"),
    ] {
        assert_eq!(echo[key], wanted, "{key} of {echo:#}");
    }
    assert_eq!(echo["rule"]["field"], "spec.defaultBackend");
    assert_eq!(echo["body_bytes"], 5);
    let headers = &echo["headers"];
    assert_eq!(headers["x-mine"], serde_json::json!(["1", "2"]));
    for (name, wanted) in [
        ("host", "any.host"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("x-forwarded-host", "any.host"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", &running.http().port().to_string()),
    ] {
        assert_eq!(headers[name], wanted, "{name} of {headers:#}");
    }
    assert!(headers["x-request-id"].is_string());
    assert!(headers.get("x-hop").is_none() && headers.get("connection").is_none(), "{headers:#}");
}

#[test]
fn ten_replicas_are_all_used_by_a_hundred_requests() {
    let pods: Vec<_> = (0..10).map(|number| Pod::start(&format!("pod-{number}"))).collect();
    let ports: Vec<_> = pods.iter().map(|pod| pod.address.port()).collect();
    let web = ingress("web", &["a.com Prefix / web"]) + &service("web", &ports);
    for threads in [&["--workers", "1"][..], &["--workers", "2"], &["--workers", "2", "--per-core"]] {
        let running = serve(&directory("replicas", &[("web.yaml", &web)]), threads);
        let mut answers = BTreeMap::<String, usize>::new();
        for _ in 0..100 {
            let answer = get(running.http(), "a.com", "/x");
            assert_eq!(answer.status, 200, "{answer:?}");
            *answers.entry(answer.body).or_default() += 1;
        }
        assert_eq!(answers.len(), 10, "{answers:?}");
        assert!(answers.contains_key("pod-7 GET /x HTTP/1.1\n"), "{answers:?}");
    }
}

#[test]
fn only_the_class_that_is_ours() {
    let class = |name: &str, class: &str| {
        ingress(name, &[&format!("{name}.com Prefix / {name}")])
            .replace("spec:\n", &format!("spec:\n  ingressClassName: {class}\n"))
    };
    let web = format!("{}---\n{}", class("ours", "public"), class("others", "private"));
    let manifests = directory("class", &[("web.yaml", &web)]);
    let running = serve(&manifests, &["--echo", "--class", "public"]);
    assert_eq!(get(running.http(), "ours.com", "/").backend(), "web/ours");
    assert_eq!(get(running.http(), "others.com", "/").status, 404);
}

#[test]
fn what_has_no_endpoints_is_not_answered_for() {
    let pod = Pod::start("pod");
    let web = ingress("web", &["a.com Prefix / web", "a.com Prefix /gone gone", "a.com Prefix /empty empty"])
        + &service("web", &[pod.address.port()])
        + &service("empty", &[]);
    let manifests = directory("no-endpoints", &[("web.yaml", &web)]);
    for arguments in [&["--echo"][..], &[]] {
        let running = serve(&manifests, arguments);
        for (path, status) in [("/", 200), ("/gone", 503), ("/empty", 503)] {
            assert_eq!(get(running.http(), "a.com", path).status, status, "{arguments:?} {path}");
        }
    }
}

/// The examples, as the command answers and as the server does.
#[test]
fn the_server_does_what_route_says() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let shop = examples.join("shop");
    let running = serve(&shop, &["--echo"]);
    let said = Command::new(env!("CARGO_BIN_EXE_ingress"))
        .args(["route", "-o", "json", "-q", "-f"])
        .arg(&shop)
        .arg("--requests")
        .arg(examples.join("requests.jsonl"))
        .output()
        .unwrap();
    let answers: Vec<Value> = json_lines(&said.stdout);
    let requests = json_lines(&std::fs::read(examples.join("requests.jsonl")).unwrap());
    assert_eq!(answers.len(), requests.len());
    let mut compared = 0;
    for (request, wanted) in requests.iter().zip(&answers) {
        let path = request["path"].as_str().unwrap();
        // Without a host there is no HTTP/1.1 request.
        let Some(host) = request["host"].as_str() else { continue };
        let method = request["method"].as_str().unwrap_or("GET");
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            for value in values {
                head.push_str(&format!("{name}: {}\r\n", value.as_str().unwrap()));
            }
        }
        let answer = ask(running.http(), &format!("{head}\r\n"));
        if wanted["outcome"] == "backend" {
            assert_eq!(answer.status, 200, "{request} {answer:?}");
            let echo = answer.json();
            for key in ["namespace", "service", "port", "resource"] {
                assert_eq!(echo[key], wanted["backend"][key], "{key} of {request}");
            }
            assert_eq!(echo["rule"], wanted["rule"], "{request}");
            assert_eq!(echo["path"], wanted["upstream_path"], "{request}");
        } else {
            assert_eq!(answer.status, wanted["status"].as_u64().unwrap() as u16, "{request} {answer:?}");
        }
        compared += 1;
    }
    assert!(compared >= 5, "{compared} requests");
}

fn json_lines(bytes: &[u8]) -> Vec<Value> {
    let lines = std::str::from_utf8(bytes).unwrap().lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}
