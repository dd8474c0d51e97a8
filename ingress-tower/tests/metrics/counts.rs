//! Counts and times.

use std::sync::Arc;

use ingress_tower::metrics::Metrics;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tower::ServiceExt;

use crate::support::*;

fn counters(recorded: &[(String, DebugValue)]) -> Vec<String> {
    let counter = |(name, value): &(String, DebugValue)| match value {
        DebugValue::Counter(count) => Some(format!("{name} {count}")),
        _ => None,
    };
    recorded.iter().filter_map(counter).collect()
}

fn times(recorded: &[(String, DebugValue)]) -> Vec<String> {
    let times = |(name, value): &(String, DebugValue)| match value {
        DebugValue::Histogram(all) => {
            Some(format!("{name} {:?}", all.iter().map(|time| time.0).collect::<Vec<_>>()))
        }
        _ => None,
    };
    recorded.iter().filter_map(times).collect()
}

fn in_flight(recorded: &[(String, DebugValue)]) -> f64 {
    let gauge = recorded.iter().find(|(name, _)| name == "ingress_requests_in_flight{}");
    match gauge {
        Some((_, DebugValue::Gauge(value))) => value.0,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_way_to_end_is_counted_once_with_its_route() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let hands = Hands::default();
    let service = service(Metrics::with_recorder(Arc::new(recorder)), &hands);
    let call = |method: &str, target: &str| {
        service.clone().oneshot(request(method, &format!("http://shop.example.com{target}")))
    };

    assert!(read(call("GET", "/cart/7").await.unwrap().into_body()).await);
    assert!(read(call("GET", "/cart/503").await.unwrap().into_body()).await);
    assert!(read(call("BREW", "/cart/799").await.unwrap().into_body()).await);
    assert!(read(call("GET", "/slow/pieces").await.unwrap().into_body()).await);
    assert!(!read(call("GET", "/slow/breaks").await.unwrap().into_body()).await);
    drop(call("GET", "/slow/pieces").await.unwrap());
    give_up(call("GET", "/cart/never"));
    assert!(call("GET", "/cart/fails").await.is_err());
    // No rule.
    assert!(read(call("GET", "/else").await.unwrap().into_body()).await);
    // Bodies that servers do not ask to the end.
    drop(call("HEAD", "/slow/pieces").await.unwrap());
    drop(call("GET", "/slow/empty").await.unwrap());
    let mut announced = call("GET", "/slow/announced").await.unwrap().into_body();
    for _ in 0..3 {
        use http_body::Body;
        let frame = std::future::poll_fn(|cx| std::pin::Pin::new(&mut announced).poll_frame(cx)).await;
        assert!(frame.is_some_and(|frame| frame.is_ok()));
    }
    drop(announced);

    let recorded = recorded(&snapshotter);
    let cart = "ingress=shop/web,field=spec.rules[0].http.paths[0],backend=shop/cart:80";
    let slow = "ingress=shop/web,field=spec.rules[0].http.paths[1],backend=shop/slow:http";
    let none = "ingress=,field=,backend=";
    let total = "ingress_requests_total";
    assert_eq!(
        counters(&recorded),
        [
            format!("{total}{{{none},status=404,method=GET,ending=whole}} 1"),
            format!("{total}{{{cart},status=,method=GET,ending=abandoned}} 1"),
            format!("{total}{{{cart},status=,method=GET,ending=failed}} 1"),
            format!("{total}{{{cart},status=200,method=GET,ending=whole}} 1"),
            format!("{total}{{{cart},status=503,method=GET,ending=whole}} 1"),
            format!("{total}{{{cart},status=7xx,method=_OTHER,ending=whole}} 1"),
            format!("{total}{{{slow},status=200,method=GET,ending=abandoned}} 1"),
            format!("{total}{{{slow},status=200,method=GET,ending=broken}} 1"),
            format!("{total}{{{slow},status=200,method=GET,ending=whole}} 2"),
            format!("{total}{{{slow},status=200,method=HEAD,ending=whole}} 1"),
            format!("{total}{{{slow},status=204,method=GET,ending=whole}} 1"),
        ]
    );
    // 20 milliseconds to the head, 100 for each piece and for the end.
    let seconds = "ingress_request_duration_seconds";
    assert_eq!(
        times(&recorded),
        [
            format!("{seconds}{{{none},status=404}} [0.0]"),
            format!("{seconds}{{{cart},status=200}} [0.02]"),
            format!("{seconds}{{{cart},status=503}} [0.02]"),
            format!("{seconds}{{{cart},status=7xx}} [0.02]"),
            format!("{seconds}{{{cart},status=}} []"),
            format!("{seconds}{{{slow},status=200}} [0.42, 0.02, 0.32]"),
            format!("{seconds}{{{slow},status=204}} [0.02]"),
        ]
    );
    assert_eq!(in_flight(&recorded), 0.0);
}

#[tokio::test]
async fn what_has_not_ended_is_in_flight() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let service = service(Metrics::with_recorder(Arc::new(recorder)), &Hands::default());
    let call =
        |target: &str| service.clone().oneshot(request("GET", &format!("http://shop.example.com{target}")));
    let first = call("/slow/pieces").await.unwrap();
    let second = call("/slow/pieces").await.unwrap();
    assert_eq!(in_flight(&recorded(&snapshotter)), 2.0);
    drop(first);
    assert!(read(second.into_body()).await);
    // This recorder counts from zero again after each look.
    assert_eq!(in_flight(&recorded(&snapshotter)), -2.0);
}

/// Whatever clients ask for, and whatever they get, the number of series is that of rules times words.
#[tokio::test]
async fn clients_and_endpoints_make_no_series() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let metrics = Metrics::with_recorder(Arc::new(recorder)).by_status_class();
    let service = service(metrics, &Hands::default());
    for number in 0..900 {
        let method = format!("M{number}");
        for target in [
            format!("http://shop.example.com/cart/{}", 100 + number),
            format!("http://shop.example.com/none/{number}"),
            format!("http://h{number}.example.com/"),
        ] {
            let response = service.clone().oneshot(request(&method, &target)).await.unwrap();
            assert!(read(response.into_body()).await);
        }
    }
    let recorded = recorded(&snapshotter);
    // One for requests without a rule, and nine classes for the rule.
    assert_eq!(counters(&recorded).len(), 10, "{:#?}", counters(&recorded));
    let of_class = "status=4xx,method=_OTHER,ending=whole} 1800";
    assert!(counters(&recorded).iter().any(|line| line.ends_with(of_class)));
}
