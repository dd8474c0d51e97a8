//! Real handshakes, in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ingress_tower::tls::{CertificateResolver, CertificateStore, Choice, ServerSettings, SettingsError};
use rustls::client::Resumption;
use rustls::crypto::ring::Ticketer;
use rustls::{ClientConfig, HandshakeKind, ServerConfig, version};

use crate::authority::Authority;
use crate::door::{client, provider, read, secret, server, shake, store, table};

const ALL: &[(&str, &[&str])] = &[
    ("exact", &["shop.example"]),
    ("wildcard", &["*.shop.example", "shop.example"]),
    (
        "default",
        &["shop.example", "a.shop.example", "a.b.shop.example", "else.example", "plain.example", "127.0.0.1"],
    ),
];

/// The Secret whose certificate a client is given.
async fn served(
    server: &Arc<ServerConfig>,
    store: &CertificateStore,
    client: &Arc<ClientConfig>,
    name: &str,
) -> String {
    let shaken = shake(server, client, name).await.unwrap();
    let validities = store.validities();
    let mut secrets = validities.iter().map(|(secret, _)| secret);
    let own = |secret: &&_| *store.get(secret).unwrap().chain()[0] == shaken.certificate[..];
    secrets.find(own).map_or_else(|| "none of the store".to_owned(), ToString::to_string)
}

#[tokio::test]
async fn the_certificate_of_a_name() {
    let authority = Authority::new();
    let store = store(&authority, ALL);
    let (server, client) = (server(&table(true), &store), Arc::new(client(&authority)));
    for (name, expected) in [
        ("shop.example", "ns/exact"),
        ("SHOP.example", "ns/exact"),
        ("a.shop.example", "ns/wildcard"),
        // A wildcard is one label, in certificates and here.
        ("a.b.shop.example", "ns/default"),
        ("else.example", "ns/default"),
        // A host of the table that asks for no certificate.
        ("plain.example", "ns/default"),
        // No server name is sent for an address.
        ("127.0.0.1", "ns/default"),
    ] {
        assert_eq!(served(&server, &store, &client, name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_table_may_come_before_its_certificates() {
    let authority = Authority::new();
    let store = store(&authority, &ALL[2..]);
    let server = server(&table(true), &store);
    let mut client = client(&authority);
    client.resumption = Resumption::disabled();
    let client = Arc::new(client);
    assert_eq!(served(&server, &store, &client, "shop.example").await, "ns/default");
    let exact = authority.issue(&["shop.example"]);
    store.insert(&secret("exact"), read(&secret("exact"), &exact));
    assert_eq!(served(&server, &store, &client, "shop.example").await, "ns/exact");
    store.remove(&secret("exact"));
    assert_eq!(served(&server, &store, &client, "shop.example").await, "ns/default");
}

#[tokio::test]
async fn without_any_certificate_the_handshake_is_refused() {
    let authority = Authority::new();
    let store = CertificateStore::new();
    let (table, client) = (table(false), Arc::new(client(&authority)));
    let error = shake(&server(&table, &store), &client, "shop.example").await.unwrap_err();
    assert!(error.to_string().contains("no server certificate chain resolved"), "{error}");

    let own = authority.issue(&["shop.example"]);
    let resolver = CertificateResolver::new(table.clone(), store.clone());
    assert!(matches!(resolver.choose(Some("shop.example")), Choice::Nothing));
    let resolver = resolver.with_fallback(read(&secret("own"), &own));
    assert!(matches!(resolver.choose(Some("shop.example")), Choice::Fallback(_)));
    assert!(matches!(resolver.choose(None), Choice::Fallback(_)));
    let settings = ServerSettings::new().with_provider(provider());
    let server = Arc::new(settings.build(resolver.clone()).unwrap());
    assert_eq!(served(&server, &store, &client, "shop.example").await, "none of the store");

    store.insert(&secret("exact"), read(&secret("exact"), &own));
    assert!(matches!(resolver.choose(Some("shop.example")), Choice::Named(_)));
    // The stand-in is the table's default, and this table has none.
    assert!(matches!(resolver.choose(Some("a.shop.example")), Choice::Fallback(_)));
}

#[tokio::test]
async fn protocols() {
    let authority = Authority::new();
    let server = server(&table(true), &store(&authority, ALL));
    for (offered, chosen) in [
        (&["h2", "http/1.1"][..], Some(Some("h2"))),
        (&["http/1.1", "h2"], Some(Some("h2"))),
        (&["http/1.1"], Some(Some("http/1.1"))),
        (&[], Some(None)),
        (&["spdy/3"], None),
    ] {
        let mut client = client(&authority);
        client.alpn_protocols = offered.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let shaken = shake(&server, &Arc::new(client), "shop.example").await.ok();
        let protocol = shaken.map(|shaken| shaken.protocol.map(|name| String::from_utf8(name).unwrap()));
        assert_eq!(protocol.as_ref().map(Option::as_deref), chosen, "{offered:?}");
    }
}

#[tokio::test]
async fn sessions_are_resumed() {
    let authority = Authority::new();
    let resolver = CertificateResolver::new(table(true), store(&authority, ALL));
    let settings = ServerSettings::new().with_provider(provider());
    for (settings, resumed) in [
        (settings.clone(), true),
        (settings.clone().with_sessions(0), false),
        (settings.clone().with_sessions(0).with_ticketer(Ticketer::new().unwrap()), true),
    ] {
        for version in [&version::TLS12, &version::TLS13] {
            let server = Arc::new(settings.clone().build(resolver.clone()).unwrap());
            let client = ClientConfig::builder_with_provider(provider())
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(authority.roots())
                .with_no_client_auth();
            let client = Arc::new(client);
            let kinds = async |name: &'static str| {
                let first = shake(&server, &client, name).await.unwrap().kind;
                (first, shake(&server, &client, name).await.unwrap().kind)
            };
            let second = if resumed { HandshakeKind::Resumed } else { HandshakeKind::Full };
            assert_eq!(kinds("shop.example").await, (HandshakeKind::Full, second));
            // Another name has a session of its own.
            assert_eq!(kinds("else.example").await, (HandshakeKind::Full, second));
        }
    }
}

#[tokio::test]
async fn versions() {
    let authority = Authority::new();
    let resolver = CertificateResolver::new(table(true), store(&authority, ALL));
    let settings = ServerSettings::new().with_provider(provider()).with_versions([&version::TLS13]);
    let server = Arc::new(settings.build(resolver.clone()).unwrap());
    let older = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS12])
        .unwrap()
        .with_root_certificates(authority.roots())
        .with_no_client_auth();
    assert!(shake(&server, &Arc::new(older), "shop.example").await.is_err());
    assert!(shake(&server, &Arc::new(client(&authority)), "shop.example").await.is_ok());
    // Nothing in this process has set a default provider.
    assert!(matches!(ServerSettings::new().build(resolver), Err(SettingsError::NoProvider)));
}

/// Table and store change all the time: every handshake succeeds, with a certificate for its name.
#[tokio::test]
async fn certificates_change_while_handshakes_go_on() {
    let authority = Authority::new();
    let (shared, store) = (table(true), store(&authority, ALL));
    let (first, second) = (table(true).load().routes().clone(), table(true).load().routes().clone());
    let issued: Vec<_> = (0..8).map(|_| authority.issue(&["shop.example"])).collect();
    let (stop, served) = (Arc::new(AtomicBool::new(false)), server(&shared, &store));
    let mut client = client(&authority);
    client.resumption = Resumption::disabled();
    let client = Arc::new(client);
    let swaps = std::thread::spawn({
        let stop = stop.clone();
        move || {
            let mut swaps = 0;
            while !stop.load(Ordering::Relaxed) {
                let certificate = read(&secret("exact"), &issued[swaps % issued.len()]);
                match swaps % 3 {
                    0 => drop(store.insert(&secret("exact"), certificate)),
                    1 => drop(store.remove(&secret("exact"))),
                    _ => drop(shared.publish(if swaps % 2 == 0 { first.clone() } else { second.clone() })),
                }
                swaps += 1;
            }
            swaps
        }
    });
    let mut certificates = std::collections::BTreeSet::new();
    for _ in 0..200 {
        // The client checks name and authority.
        certificates.insert(shake(&served, &client, "shop.example").await.unwrap().certificate);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(swaps.join().unwrap() > 10);
    assert!(certificates.len() > 1);
}
