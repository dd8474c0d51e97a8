//! Settings of ingress-nginx that decide whose address a list of addresses is held against.

#![cfg(feature = "k8s-openapi")]
#![allow(clippy::expect_used, reason = "a test says no by a panic")]

use http::HeaderMap;
use ingress_core::dialect::{IngressNginx, catalog::Settings};
use ingress_core::request::Circumstances;
use ingress_core::{RequestHead, RouteTable};
use k8s_openapi::api::networking::v1::Ingress;

/// Whether a request is let in by a list that holds 192.0.2.0/24.
fn is_let_in(settings: &[(&str, &str)], connection: [u8; 4], announced: &str) -> bool {
    let object: Ingress = serde_json::from_value(serde_json::json!({
        "metadata": {"namespace": "shop", "name": "web", "annotations": {
            "nginx.ingress.kubernetes.io/allowlist-source-range": "192.0.2.0/24",
        }},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": "a.example", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
        ]}}]},
    }))
    .expect("it is an Ingress");
    let (dialect, warnings) = IngressNginx::new(&Settings::default().config_map(settings.iter().copied()));
    assert_eq!(warnings, []);
    let (table, _) = RouteTable::compile(dialect, [&object]);
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", announced.parse().expect("it is a value"));
    headers.insert("x-client", "192.0.2.9".parse().expect("it is a value"));
    let circumstances = Circumstances::default().client(connection.into());
    let request = RequestHead::new("a.example", "/").headers(&headers).circumstances(&circumstances);
    let hit = table.lookup(&request).matched().expect("each host has a root");
    hit.rule().action().as_forward().is_some()
}

#[test]
fn whose_address_it_is() {
    let (inside, proxy) = ([192, 0, 2, 1], [10, 0, 0, 1]);
    assert!(is_let_in(&[], inside, "10.0.0.2"));
    assert!(!is_let_in(&[], proxy, "192.0.2.1"));
    for name in ["use-forwarded-headers", "enable-real-ip"] {
        let on = (name, "true");
        assert!(is_let_in(&[on], proxy, "192.0.2.1"));
        assert!(!is_let_in(&[on], inside, "10.0.0.2"));
        // The first of all, as long as everybody is believed; the last that no proxy has otherwise.
        let ours = ("proxy-real-ip-cidr", "10.0.0.0/8, 203.0.113.0/24");
        assert!(!is_let_in(&[on], proxy, "198.51.100.1, 192.0.2.1"));
        assert!(is_let_in(&[on, ours], proxy, "198.51.100.1, 192.0.2.1"));
        assert!(is_let_in(&[on, ours], inside, "198.51.100.1"));
        assert!(is_let_in(&[on, ("forwarded-for-header", "X-Client")], proxy, "10.0.0.2"));
        // With the PROXY protocol the connection tells, and no header.
        assert!(!is_let_in(&[on, ("use-proxy-protocol", "true")], proxy, "192.0.2.1"));
        assert!(is_let_in(&[on, ("use-proxy-protocol", "true")], inside, "10.0.0.2"));
    }
    assert!(!is_let_in(&[("proxy-real-ip-cidr", "10.0.0.0/8")], proxy, "192.0.2.1"));
}
