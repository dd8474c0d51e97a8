//! Access logs.

use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use http::{HeaderValue, Request};
use ingress_tower::Peer;
use ingress_tower::metrics::AccessLog;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::*;

fn time() -> std::time::SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_791_640_536_250)
}

fn asked(target: &str) -> Request<Body> {
    let mut request = request("GET", target);
    let headers = request.headers_mut();
    // What headers may hold of control characters: tabs, and those behind ASCII.
    headers.insert("user-agent", HeaderValue::from_bytes(b"a \"b\" \\ \t \xc2\x9b").expect("a value"));
    request.extensions_mut().insert(Peer::new("192.0.2.7:4711".parse().expect("an address"), 443, true));
    request
}

#[tokio::test]
async fn common_and_combined() {
    let lines = Lines::default();
    let hands = Hands::default();
    let common = AccessLog::common(lines.writer()).with_time(time);
    let combined = AccessLog::combined(lines.writer()).with_time(time).without_query();
    let service = service((common, combined), &hands);
    let response = service.clone().oneshot(asked("http://shop.example.com/slow/pieces?a=1")).await.unwrap();
    assert!(lines.take().is_empty(), "it has not ended");
    assert!(read(response.into_body()).await);
    let start = "192.0.2.7 - - [10/Oct/2026:13:55:36 +0000]";
    assert_eq!(
        lines.take(),
        [
            format!(r#"{start} "GET /slow/pieces HTTP/1.1" 200 15 "-" "a \x22b\x22 \x5C \x09 \xC2\x9B""#),
            format!(r#"{start} "GET /slow/pieces?a=1 HTTP/1.1" 200 15"#),
        ]
    );
    give_up(service.oneshot(asked("http://shop.example.com/cart/never")));
    let [_, abandoned] = lines.take().try_into().expect("two lines");
    assert_eq!(abandoned, format!(r#"{start} "GET /cart/never HTTP/1.1" - -"#));
}

#[tokio::test]
async fn json_lines() {
    let lines = Lines::default();
    let hands = Hands::default();
    let service = service(AccessLog::json(lines.writer()).with_time(time), &hands);
    let response = service.clone().oneshot(asked("http://shop.example.com/slow/pieces?a=1")).await.unwrap();
    assert!(read(response.into_body()).await);
    let [line] = lines.take().try_into().expect("a line");
    assert!(!line.contains(char::is_control), "{line:?}");
    assert_eq!(
        serde_json::from_str::<Value>(&line).expect("JSON"),
        json!({
            "time": "2026-10-10T13:55:36.250Z",
            "client.address": "192.0.2.7",
            "server.address": "shop.example.com",
            "http.request.method": "GET",
            "url.scheme": "https",
            "url.path": "/slow/pieces",
            "url.query": "a=1",
            "network.protocol.version": "1.1",
            "user_agent.original": "a \"b\" \\ \t \u{9b}",
            "http.response.status_code": 200,
            "http.response.body.size": 15,
            "http.route": "/slow",
            "ingress.object": "shop/web",
            "ingress.field": "spec.rules[0].http.paths[1]",
            "ingress.backend": "shop/slow:http",
            "ingress.attempts": 0,
            "ingress.ending": "whole",
            "head_seconds": 0.02,
            "duration_seconds": 0.42,
        })
    );

    let response = service.oneshot(request("GET", "http://else.example.com/")).await.unwrap();
    assert!(read(response.into_body()).await);
    let [line] = lines.take().try_into().expect("a line");
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&line["http.response.status_code"], &line["http.route"]), (&json!(404), &Value::Null));
    assert_eq!(line["client.address"], Value::Null);
}
