//! Arguments and `--config`: what they change, and what is said of those that make no sense.

use super::client::{ask, get};
use super::manifests::ingress;
use super::running::{Running, command, directory, refused, serve};

fn one() -> String {
    ingress("a", &["a.com Prefix / one"])
}

#[test]
fn a_file_sets_what_arguments_do_not() {
    let config = "\
listen: {http: ['127.0.0.1:0', '127.0.0.1:0'], https: ['off'], connections: 100}
admin: {listen: ['127.0.0.1:0'], hosts: [Status.example.com]}
client: {headers: 10, head_timeout: 5s}
forwarding: {trusted: [127.0.0.0/8], forwarded: true}
workers: {threads: 2, per_core: true}
log: {levels: 'debug'}
drain: 1s
";
    let files = directory("config", &[("a.yaml", &one()), ("config.yml.txt", config)]);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ingress"));
    command.args(["serve", "--echo", "--log", "json", "-f"]).arg(files.join("a.yaml"));
    command.arg("--config").arg(files.join("config.yml.txt"));
    command.stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let running = Running::start(command);
    assert_eq!(running.said()["http"].as_array().unwrap().len(), 2);
    assert_eq!(running.said()["https"].as_array().unwrap().len(), 0);
    assert_eq!(get(running.address("http", 1), "a.com", "/").backend(), "web/one");
    assert_eq!(get(running.admin(), "status.example.com", "/hosts").status, 200);
    let request = "GET / HTTP/1.1\r\nHost: a.com\r\nX-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n\r\n";
    let echo = ask(running.http(), request).json();
    assert_eq!(echo["headers"]["x-forwarded-for"], "192.0.2.7, 127.0.0.1");
    assert_eq!(echo["headers"]["x-real-ip"], "192.0.2.7");
    assert!(echo["headers"]["forwarded"].as_str().unwrap().contains("for=127.0.0.1"));
    let many: String = (0..20).map(|number| format!("X-{number}: 1\r\n")).collect();
    assert_eq!(ask(running.http(), &format!("GET / HTTP/1.1\r\nHost: a.com\r\n{many}\r\n")).status, 431);
}

#[test]
fn arguments_go_before_the_file() {
    let config =
        "{\"listen\": {\"http\": [\"off\"], \"https\": [\"off\"]}, \"admin\": {\"listen\": [\"off\"]}}";
    let files = directory("before", &[("a.yaml", &one()), ("config", config)]);
    // All three are given on the command line.
    let running =
        serve(&files.join("a.yaml"), &["--echo", "--config", &files.join("config").display().to_string()]);
    assert_eq!(get(running.http(), "a.com", "/").backend(), "web/one");
    assert_eq!(get(running.admin(), "localhost", "/readyz").status, 200);
}

#[test]
fn mistakes_in_the_file() {
    for (name, config, said) in [
        ("key", "listen:\n  htpp: ['1']\n", &["did you mean \\\"http\\\"?", "\"line\":2", "listen"][..]),
        ("section", "\nlisen: {}\n", &["did you mean \\\"listen\\\"?", "\"line\":2"]),
        ("other", "colour: red\n", &["key \\\"colour\\\" has no meaning here", "there are listen, admin"]),
        ("type", "listen:\n  connections: many\n", &["listen.connections", "\"line\":2"]),
        ("place", "listen: {http: [nowhere]}\n", &["listen.http[0]", "127.0.0.1:8080"]),
        ("time", "drain: 5\n", &["drain", "500ms"]),
        ("range", "forwarding: {trusted: [300.0.0.0/8]}\n", &["forwarding.trusted[0]"]),
        ("secret", "tls: {default_certificate: name}\n", &["NAMESPACE/NAME"]),
        ("yaml", "listen: [\n", &["\"line\":"]),
        ("two", "drain: 5s\n---\ndrain: 5s\n", &["no second"]),
        ("objects", &one(), &["objects of Kubernetes"]),
        ("levels", "log: {levels: 'x=y=z'}\n", &["log levels"]),
    ] {
        let files = directory(&format!("mistake-{name}"), &[("a.yaml", &one()), ("config", config)]);
        let (manifests, file) = (files.join("a.yaml"), files.join("config"));
        let (status, log) =
            refused(&["-f", &manifests.display().to_string(), "--config", &file.display().to_string()]);
        assert_eq!(status, Some(2), "{name}: {log}");
        // Before the log has begun, what is said is text.
        let plain = log.replace('"', "\\\"");
        for words in said {
            let words = words.trim_start_matches("\"line\":");
            assert!(log.contains(words) || plain.contains(words), "{name}: no {words} in {log}");
        }
    }
}

#[test]
fn arguments_that_cannot_be_had() {
    let files = directory("cannot", &[("a.yaml", &one())]);
    let manifests = files.join("a.yaml").display().to_string();
    let running = serve(&files, &["--echo"]);
    let taken = running.http().to_string();
    let (status, log) = refused(&["-f", &manifests, "--http", &taken]);
    assert_eq!(status, Some(2));
    assert!(log.contains(&format!("cannot listen at {taken}")) && log.contains("--http off"), "{log}");

    let (status, log) = refused(&["-f", &manifests, "--http", "off", "--https", "off"]);
    assert_eq!(status, Some(2));
    assert!(log.contains("nowhere to listen"), "{log}");

    let (status, log) = refused(&["-f", &manifests, "--option", "no-such=1"]);
    assert_eq!(status, Some(2), "{log}");

    let (status, log) = refused(&["-f", &files.join("none.yaml").display().to_string()]);
    assert_eq!(status, Some(3), "{log}");
    assert!(log.contains("none.yaml"), "{log}");
}

#[test]
fn what_is_unreadable_from_the_start_leaves_the_rest() {
    let files = directory("partly", &[("a.yaml", &one()), ("b.yaml", "kind: [\n")]);
    let running = serve(&files, &["--echo"]);
    assert_eq!(get(running.http(), "a.com", "/").backend(), "web/one");
    assert_eq!(running.said()["loaded"]["unreadable"], 1);
    assert!(running.log().contains("b.yaml"));
}

#[test]
fn it_says_what_it_found() {
    let shop = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let running = serve(&shop, &["--echo"]);
    let loaded = &running.said()["loaded"];
    assert_eq!((loaded["ingresses"].as_u64(), loaded["files"].as_u64()), (Some(3), Some(4)), "{loaded}");
    assert_eq!(loaded["warnings"], 2);
    let line = running.logs("namespace-conflict");
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&event["level"], &event["line"]), (&"WARN".into(), &32.into()), "{event}");
    assert!(event["file"].as_str().unwrap().ends_with("api.yaml"), "{event}");
}

#[test]
fn it_ends_by_itself_when_told_so() {
    let files = directory("for", &[("a.yaml", &one())]);
    let running = Running::start(command(&["--echo", "--for", "50ms", "-f", &files.display().to_string()]));
    assert!(running.ended().0.success());
}

/// Every key that the page about settings names is one, and there is no other.
#[test]
fn the_page_names_every_key() {
    let config = serde_json::json!({
        "listen": {
            "http": ["127.0.0.1:0"], "https": ["off"], "reuse_port": true, "connections": 100,
            "proxy_protocol": {"trusted": ["192.0.2.0/24"], "optional": true, "time_limit": "1s"},
        },
        "admin": {"listen": ["127.0.0.1:0"], "hosts": ["a.example.com"]},
        "workers": {"threads": 1, "per_core": true},
        "tls": {"default_certificate": "web/tls", "handshake_timeout": "1s"},
        "client": {"head_timeout": "9s", "write_timeout": "9s", "headers": 50, "head_bytes": 9000, "streams": 9},
        "upstream": {
            "connect_timeout": "1s", "response_timeout": "1s", "idle_timeout": "1s", "tunnel_timeout": "1s",
            "request_timeout": "1s", "attempts": 2, "body_limit": 10, "allow_inward": true,
        },
        "forwarding": {"trusted": ["127.0.0.0/8"], "forwarded": true},
        "drain": "1s",
        "log": {"format": "json", "levels": "info"},
    });
    let mut set = std::collections::BTreeSet::new();
    for (section, value) in config.as_object().unwrap() {
        match value.as_object() {
            Some(keys) => set.extend(keys.keys().map(|key| format!("{section}.{key}"))),
            None => drop(set.insert(section.clone())),
        }
    }
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/serve.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.matches('|').count() == 5);
    let column = rows.skip(1).map(|row| row.split('|').nth(4).unwrap().split(':').next().unwrap());
    let named: std::collections::BTreeSet<_> = column
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|key| !key.starts_with("--"))
        .map(str::to_owned)
        .collect();
    assert_eq!(named, set);

    let files = directory("every-key", &[("a.yaml", &one()), ("config", &config.to_string())]);
    let running =
        serve(&files.join("a.yaml"), &["--echo", "--config", &files.join("config").display().to_string()]);
    assert_eq!(get(running.http(), "a.com", "/").backend(), "web/one");
    let long = "POST / HTTP/1.1\r\nHost: a.com\r\nContent-Length: 11\r\n\r\nhello hello";
    assert_eq!(ask(running.http(), long).status, 413);
}
