//! Gauges that are set when somebody asks.

use std::sync::Arc;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::support::recorded;

fn recording() -> (Arc<DebuggingRecorder>, Snapshotter) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    (Arc::new(recorder), snapshotter)
}

fn gauges(snapshotter: &Snapshotter) -> Vec<String> {
    let gauge = |(name, value)| match value {
        DebugValue::Gauge(value) => Some(format!("{name} {}", value.0)),
        _ => None,
    };
    recorded(snapshotter).into_iter().filter_map(gauge).collect()
}

#[cfg(feature = "tls")]
#[test]
fn certificates_expire_when_they_say_and_are_in_no_alarm_once_they_are_gone() {
    use ingress_core::origin::SecretRef;
    use ingress_tower::metrics::CertificateGauges;
    use ingress_tower::tls::{Certificate, CertificateStore};

    let (recorder, snapshotter) = recording();
    let store = CertificateStore::new();
    let gauges_of = CertificateGauges::with_recorder(store.clone(), recorder);
    let provider = rustls::crypto::ring::default_provider();
    let mut parameters = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(2030, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let (chain, key) = (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem());
    for name in ["a", "b"] {
        let secret = SecretRef::new("shop", name);
        let certificate = Certificate::from_pem(&secret, chain.as_bytes(), key.as_bytes(), &provider);
        store.insert(&secret, certificate.unwrap());
    }
    gauges_of.record();
    let name = "ingress_certificate_expiry_timestamp_seconds";
    let at = |secret, value| format!("{name}{{secret=shop/{secret}}} {value}");
    assert_eq!(gauges(&snapshotter), [at("a", "1893456000"), at("b", "1893456000")]);
    store.remove(&SecretRef::new("shop", "a"));
    gauges_of.record();
    assert_eq!(gauges(&snapshotter), [at("a", "NaN"), at("b", "1893456000")]);
}

#[cfg(feature = "balance")]
#[test]
fn endpoints_that_are_ejected_and_that_are_not() {
    use ingress_core::endpoint::{Cluster, EndpointSlice, Service, ServicePort, SliceEndpoint};
    use ingress_core::rule::ServiceRef;
    use ingress_tower::balance::{Balancer, Caller, Ejection, Policy, Settings};
    use ingress_tower::metrics::EndpointGauges;

    let (recorder, snapshotter) = recording();
    let cart = ServiceRef::new("shop", "cart", 80);
    let mut cluster = Cluster::default();
    cluster.upsert_service(Service::new(cart.id().clone()).with_port(ServicePort::new(80)));
    let slice = EndpointSlice::new(cart.id().clone(), cart.id().clone()).with_port("", 8080);
    let slice = slice.with_endpoint(SliceEndpoint::new([10, 0, 0, 1]));
    cluster.upsert_slice(slice.with_endpoint(SliceEndpoint::new([10, 0, 0, 2])));
    let table = crate::support::table();
    let routes = table.load().routes().clone();
    table.publish_all(routes, cluster.endpoints());
    let settings = Settings::default().policy(Policy::RoundRobin).ejection(Ejection::default().after(1));
    let balancer = Balancer::with(table.clone(), settings);
    let gauges_of = EndpointGauges::with_recorder(table.clone(), balancer.clone(), recorder);

    gauges_of.record();
    assert_eq!(gauges(&snapshotter), [""; 0], "nobody has asked for it");
    balancer.pick(&cart, &Caller::unknown()).unwrap().failed();
    let picked = balancer.pick(&cart, &Caller::unknown()).unwrap();
    gauges_of.record();
    let now = |ejected, picked_from, in_flight| {
        [
            format!("ingress_endpoint_requests_in_flight{{backend=shop/cart:80}} {in_flight}"),
            format!("ingress_endpoints{{backend=shop/cart:80,state=ejected}} {ejected}"),
            format!("ingress_endpoints{{backend=shop/cart:80,state=picked_from}} {picked_from}"),
        ]
    };
    assert_eq!(gauges(&snapshotter), now(1, 1, 1));
    drop(picked);
    table.publish_all(Arc::default(), cluster.endpoints());
    gauges_of.record();
    assert_eq!(gauges(&snapshotter), now(0, 0, 0));
}
