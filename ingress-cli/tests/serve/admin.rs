//! The listener for those who watch.

use std::io::{Read, Write};
use std::path::Path;

use super::client::{ask, connect, get};
use super::running::{Running, serve};

fn shop() -> Running {
    serve(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop"), &["--echo"])
}

#[test]
fn questions_are_answered_as_the_commands_do() {
    let running = shop();
    let told = |path: &str| get(running.admin(), "localhost", path);
    assert_eq!((told("/healthz").status, told("/readyz").status), (200, 200));
    let asked = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ingress"))
            .args(arguments)
            .args(["-q", "-f"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop"))
            .output()
            .unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    assert_eq!(told("/table").json(), asked(&["table", "-o", "json"]));
    assert_eq!(
        told("/table?host=shop.example.com").json(),
        asked(&["table", "-o", "json", "--host", "shop.example.com"])
    );
    let why =
        asked(&["explain", "-o", "json", "-X", "POST", "-H", "x-a: 1", "https://shop.example.com/cart/7"]);
    let path = "/explain?url=https%3A%2F%2Fshop.example.com%2Fcart%2F7&method=POST&header=x-a%3A+1";
    assert_eq!(told(path).json(), why);
    let diagnostics = told("/diagnostics").json();
    assert_eq!(diagnostics["findings"][0]["code"], "certificate-conflict", "{diagnostics:#}");
    assert_eq!(diagnostics["unreadable"], serde_json::json!([]));
}

#[test]
fn requests_are_counted_by_rule() {
    let running = shop();
    for path in ["/cart/7", "/cart/8", "/none", "/cart/export.csv"] {
        get(running.http(), "shop.example.com", path);
    }
    get(running.http(), "nobody.example.com", "/");
    let counts = get(running.admin(), "localhost", "/counts?host=shop.example.com").json();
    // In the order of the rules; the last is the prefix of everything.
    assert_eq!(counts["requests"], serde_json::json!([1, 0, 0, 2, 0, 0, 1]));
    let hosts = get(running.admin(), "localhost", "/hosts?search=SHOP.example").json();
    assert_eq!(hosts["hosts"][0]["requests"], 4, "{hosts:#}");
    let metrics = get(running.admin(), "localhost", "/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    assert!(metrics.body.contains("\ningress_responses_total{status=\"2xx\"} 5\n"), "{}", metrics.body);
    // Every sample has a type, and every line is one of three kinds.
    for line in metrics.body.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(metrics.body.contains(&format!("# TYPE {name} ")), "{line}");
        assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn mistakes_are_explained() {
    let running = shop();
    for (path, status, said) in [
        ("/tabel", 404, "did you mean \"/table\"?"),
        ("/table?hots=a", 400, "did you mean \"host\"?"),
        ("/table?host=shpo.example.com", 404, "did you mean \"shop.example.com\"?"),
        ("/table?host=a..b", 400, "host"),
        ("/counts", 400, "of which host?"),
        ("/explain", 400, "which request?"),
        ("/explain?url=http://a/&method=%00", 400, "no method"),
    ] {
        let answer = get(running.admin(), "localhost", path);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.body.contains(said), "{path}: {}", answer.body);
    }
}

#[test]
fn pages_of_others_get_nothing_and_nobody_changes_anything() {
    let running = shop();
    let admin = running.admin();
    for path in ["/", "/table", "/explain?url=http://a/", "/diagnostics", "/metrics", "/counts?host=*"] {
        let foreign = get(admin, "evil.example:80", path);
        assert_eq!(foreign.status, 403, "{path}");
        let sent = |header: &str| {
            ask(
                admin,
                &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n\r\n"),
            )
        };
        for site in ["cross-site", "same-site", "nonsense"] {
            assert_eq!(sent(&format!("Sec-Fetch-Site: {site}")).status, 403, "{path} {site}");
        }
        let own = sent("Sec-Fetch-Site: same-origin");
        assert_eq!(own.status, 200, "{path}");
        assert!(own.header("access-control-allow-origin").is_none());
        assert_eq!(own.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(own.header("x-frame-options"), Some("DENY"));
        assert_eq!(own.header("cache-control"), Some("no-store"));
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
            assert_eq!(ask(admin, &request).status, 405, "{method} {path}");
        }
    }
    // Probes come by any name.
    assert_eq!(get(admin, "pod.example:80", "/readyz").status, 200);
}

#[test]
fn a_head_is_the_head() {
    let running = shop();
    let mut stream = connect(running.admin());
    stream.write_all(b"HEAD /table HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 ") && text.ends_with("\r\n\r\n"), "{text}");
    assert!(text.contains("content-length: ") && !text.contains("content-length: 0\r\n"), "{text}");
}

#[test]
fn what_is_too_long_is_refused() {
    let running = shop();
    let long = "a".repeat(20 << 10);
    let request =
        format!("GET /hosts?search={long} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let status = ask(running.admin(), &request).status;
    assert!(matches!(status, 400 | 414 | 431), "{status}");
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let running = shop();
    let page = get(running.admin(), "127.0.0.1", "/");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'nonce-"), "{policy}");
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert_eq!(nonce.len(), 32, "{nonce}");
    assert_eq!(page.body.matches(&format!("nonce=\"{nonce}\"")).count(), 2);
    assert!(
        !page.body.contains("{{")
            && !page.body.contains("<link rel=\"stylesheet\"")
            && !page.body.contains(" src=")
    );
    let other = get(running.admin(), "127.0.0.1", "/");
    assert_ne!(other.header("content-security-policy").unwrap(), policy);
}
