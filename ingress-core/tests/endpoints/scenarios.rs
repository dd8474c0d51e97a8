//! Objects in, addresses out: each clause with the case that fails without it.

use ingress_core::endpoint::{Address, AddressFamily, Cluster, Endpoints, Resolution, ResolveOptions};
use ingress_core::origin::ObjectId;
use ingress_core::port::Port;
use k8s_openapi::api::{core::v1 as core, discovery::v1 as discovery};
use k8s_openapi::serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;

fn web() -> ObjectId {
    ObjectId::new("ns", "web")
}

/// One object a line: `Service` is the spec of `ns/web`; `Slice` and `Endpoints` are whole objects
/// but for what every one of them has.
fn view(objects: &str) -> Arc<Endpoints> {
    let mut cluster = Cluster::default();
    for (index, line) in objects.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        let (kind, yaml) = line.split_once(' ').expect("a kind and an object");
        let mut object: Value =
            serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"));
        let set = |object: &mut Value, key: &str, value: Value| {
            let fields = object.as_object_mut().expect("an object");
            fields.entry(key).or_insert(value);
        };
        match kind {
            "Service" => {
                let service = json!({"metadata": {"namespace": "ns", "name": "web"}, "spec": object});
                cluster.upsert_service(&read::<core::Service>(service));
            }
            "Slice" => {
                let labels = json!({"kubernetes.io/service-name": "web"});
                set(
                    &mut object,
                    "metadata",
                    json!({"namespace": "ns", "name": format!("web-{index}"), "labels": labels}),
                );
                set(&mut object, "addressType", json!("IPv4"));
                cluster.upsert_slice(&read::<discovery::EndpointSlice>(object));
            }
            "Endpoints" => {
                set(&mut object, "metadata", json!({"namespace": "ns", "name": "web"}));
                cluster.upsert_slice(&read::<core::Endpoints>(object));
            }
            _ => panic!("unknown kind: {kind}"),
        }
    }
    cluster.endpoints()
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("an object of the API")
}

/// A port, then perhaps `zone=a` and `family=4` or `family=6`.
fn resolve(view: &Endpoints, query: &str) -> Resolution {
    let mut words = query.split(' ');
    let port = words.next().unwrap_or("");
    let port = port.parse::<u16>().map_or_else(|_| Port::from(port), Port::from);
    let options = words.fold(ResolveOptions::default(), |options, word| match word.split_once('=') {
        Some(("zone", zone)) => options.in_zone(zone),
        Some(("family", "4")) => options.prefer(AddressFamily::Ipv4),
        Some(("family", "6")) => options.prefer(AddressFamily::Ipv6),
        _ => panic!("unknown option: {word}"),
    });
    view.resolve(&web(), &port, &options)
}

#[track_caller]
fn check(objects: &str, queries: &[(&str, &str)]) {
    let view = view(objects);
    for (query, expected) in queries {
        assert_eq!(resolve(&view, query).to_string(), *expected, "{query}");
    }
}

#[test]
fn nothing_is_known() {
    check("", &[("80", "service-absent"), ("http", "service-absent")]);
    // Endpoints alone make no Service.
    check("Slice {ports: [{port: 80}], endpoints: [{addresses: [10.0.0.1]}]}", &[("80", "service-absent")]);
}

#[test]
fn a_port_by_number_or_by_name() {
    check(
        "Service {ports: [{name: http, port: 80, targetPort: 8080}, {name: admin, port: 81, targetPort: 8081}]}
         Slice {ports: [{name: admin, port: 8081}, {name: http, port: 8080}], endpoints: [{addresses: [10.0.0.1]}]}",
        &[
            ("80", "10.0.0.1:8080"),
            ("http", "10.0.0.1:8080"),
            ("81", "10.0.0.1:8081"),
            ("admin", "10.0.0.1:8081"),
            ("82", "port-absent"),
            ("https", "port-absent"),
            // The target is not the port, and a number in quotes is a name.
            ("8080", "port-absent"),
            ("0", "port-absent"),
        ],
    );
}

#[test]
fn a_target_may_be_absent_a_number_or_a_name_that_differs_between_pods() {
    check(
        "Service {ports: [{port: 80}]}
         Slice {ports: [{name: '', port: 80}], endpoints: [{addresses: [10.0.0.1]}]}",
        &[("80", "10.0.0.1:80")],
    );
    check(
        "Service {ports: [{name: http, port: 80, targetPort: web}]}
         Slice {ports: [{name: http, port: 8080}], endpoints: [{addresses: [10.0.0.1]}]}
         Slice {ports: [{name: http, port: 9090}], endpoints: [{addresses: [10.0.0.2]}]}",
        &[
            ("80", "10.0.0.1:8080, 10.0.0.2:9090"),
            ("http", "10.0.0.1:8080, 10.0.0.2:9090"),
            ("web", "port-absent"),
        ],
    );
    // The name of the target says nothing in a slice, where it may be another port of the Service.
    check(
        "Service {ports: [{name: web, port: 80, targetPort: http}, {name: http, port: 81, targetPort: admin}]}
         Slice {ports: [{name: http, port: 9090}], endpoints: [{addresses: [10.0.0.1]}]}",
        &[("web", "no-endpoints"), ("http", "10.0.0.1:9090")],
    );
}

#[test]
fn the_slices_number_wins_over_the_services() {
    check(
        "Service {ports: [{name: http, port: 80, targetPort: 8080}]}
         Slice {ports: [{name: http, port: 8081}], endpoints: [{addresses: [10.0.0.1]}]}",
        &[("80", "10.0.0.1:8081")],
    );
}

#[test]
fn what_slices_leave_open_is_a_numeric_target() {
    for ports in ["ports: []", "ports: null", "ports: [{name: http}]"] {
        for (target, expected) in [
            ("targetPort: 8080", "10.0.0.1:8080"),
            ("targetPort: null", "10.0.0.1:80"),
            ("targetPort: web", "no-endpoints"),
            ("targetPort: 0", "no-endpoints"),
            ("targetPort: 70000", "no-endpoints"),
        ] {
            let objects = format!(
                "Service {{ports: [{{name: http, port: 80, {target}}}]}}
                 Slice {{{ports}, endpoints: [{{addresses: [10.0.0.1]}}]}}"
            );
            check(&objects, &[("80", expected)]);
        }
    }
}

#[test]
fn a_port_listed_under_another_name_is_known_by_its_number_only() {
    check(
        "Service {ports: [{name: web, port: 80, targetPort: 8080}]}
         Slice {ports: [{name: http, port: 8080}], endpoints: [{addresses: [10.0.0.1]}]}
         Slice {ports: [{name: http, port: 8081}], endpoints: [{addresses: [10.0.0.2]}]}
         Slice {ports: [{name: dns, port: 8080, protocol: UDP}], endpoints: [{addresses: [10.0.0.3]}]}",
        &[("80", "10.0.0.1:8080")],
    );
}

#[test]
fn only_tcp() {
    check(
        "Service {ports: [{name: dns, port: 53, protocol: UDP}, {name: x, port: 54, protocol: SCTP}, {name: t, port: 55, protocol: TCP}]}
         Slice {ports: [{name: dns, port: 53, protocol: UDP}, {name: t, port: 55, protocol: TCP}], endpoints: [{addresses: [10.0.0.1]}]}",
        &[
            ("53", "port-absent"),
            ("dns", "port-absent"),
            ("54", "port-absent"),
            ("x", "port-absent"),
            ("t", "10.0.0.1:55"),
        ],
    );
    // The same number twice, and the same name in a slice.
    check(
        "Service {ports: [{name: u, port: 53, protocol: UDP}, {name: t, port: 53}]}
         Slice {ports: [{name: t, port: 1053, protocol: UDP}, {name: t, port: 53}], endpoints: [{addresses: [10.0.0.1]}]}",
        &[("53", "10.0.0.1:53")],
    );
}

#[test]
fn headless_services_translate_no_ports() {
    for ip in ["clusterIP: None", "clusterIPs: [None]"] {
        let objects = format!(
            "Service {{{ip}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
             Slice {{ports: [{{name: http, port: 8080}}], endpoints: [{{addresses: [10.0.0.1]}}]}}"
        );
        check(
            &objects,
            &[
                ("80", "10.0.0.1:8080"),
                ("http", "10.0.0.1:8080"),
                ("8080", "10.0.0.1:8080"),
                ("81", "port-absent"),
            ],
        );
    }
}

#[test]
fn a_headless_service_without_ports_has_those_of_its_slices_or_any() {
    check(
        "Service {clusterIP: None}
         Slice {endpoints: [{addresses: [10.0.0.1]}]}",
        &[("80", "10.0.0.1:80"), ("8080", "10.0.0.1:8080"), ("http", "port-absent"), ("0", "port-absent")],
    );
    check(
        "Service {clusterIP: None, ports: []}
         Slice {ports: [{name: http, port: 8080}], endpoints: [{addresses: [10.0.0.1]}]}",
        &[("http", "10.0.0.1:8080"), ("8080", "10.0.0.1:8080"), ("80", "port-absent")],
    );
    check(
        "Service {clusterIP: None}",
        &[("80", "no-endpoints"), ("http", "port-absent"), ("0", "port-absent")],
    );
    // As a Service scaled to nothing looks.
    check("Service {clusterIP: None}\nSlice {ports: [], endpoints: []}", &[("80", "no-endpoints")]);
    // A port that cannot be used is still declared, and a Service with a cluster IP has to declare.
    check(
        "Service {clusterIP: None, ports: [{port: 70000}]}
         Slice {endpoints: [{addresses: [10.0.0.1]}]}",
        &[("80", "port-absent")],
    );
    check("Service {}\nSlice {endpoints: [{addresses: [10.0.0.1]}]}", &[("80", "port-absent")]);
}

#[test]
fn external_names_are_a_name_and_the_port_asked_for() {
    check(
        "Service {type: ExternalName, externalName: DB.example.com., ports: [{name: pg, port: 5432, targetPort: 6432}, {name: u, port: 53, protocol: UDP}]}
         Slice {ports: [{name: pg, port: 5432}], endpoints: [{addresses: [10.0.0.1]}]}",
        &[
            ("5432", "db.example.com:5432"),
            ("pg", "db.example.com:5432"),
            ("80", "db.example.com:80"),
            ("http", "port-absent"),
            ("53", "port-absent"),
            ("u", "port-absent"),
            ("0", "port-absent"),
        ],
    );
    // The type decides, whatever else is set.
    check("Service {type: ExternalName, externalName: a.test, clusterIP: None}", &[("80", "a.test:80")]);
    check("Service {type: ClusterIP, externalName: a.test, ports: [{port: 80}]}", &[("80", "no-endpoints")]);
    for name in ["''", "localhost", "127.0.0.1", "10.0.0.1", "'::1'", "0x7f.1", "'a b'", "'a:80'", "null"] {
        let objects =
            format!("Service {{type: ExternalName, externalName: {name}, ports: [{{name: h, port: 80}}]}}");
        check(&objects, &[("80", "no-endpoints"), ("h", "no-endpoints"), ("x", "port-absent")]);
    }
}

#[test]
fn slices_belong_by_label_whoever_wrote_them() {
    check(
        "Service {ports: [{port: 80}]}
         Slice {ports: [{name: '', port: 80}], metadata: {namespace: ns, name: by-hand, labels: {kubernetes.io/service-name: web}}, endpoints: [{addresses: [192.0.2.7]}]}
         Slice {ports: [{name: '', port: 80}], metadata: {namespace: ns, name: web-other, labels: {kubernetes.io/service-name: other}}, endpoints: [{addresses: [192.0.2.8]}]}
         Slice {ports: [{name: '', port: 80}], metadata: {namespace: other, name: web-x, labels: {kubernetes.io/service-name: web}}, endpoints: [{addresses: [192.0.2.9]}]}
         Slice {ports: [{name: '', port: 80}], metadata: {namespace: ns, name: web}, endpoints: [{addresses: [192.0.2.10]}]}",
        &[("80", "192.0.2.7:80")],
    );
}

#[test]
fn endpoints_objects_count_where_there_is_no_slice() {
    const ENDPOINTS: &str = "Service {ports: [{name: h, port: 80, targetPort: web}]}
         Endpoints {subsets: [{ports: [{name: h, port: 81}], addresses: [{ip: 10.0.0.1}], notReadyAddresses: [{ip: 10.0.0.2}]}, {ports: [{name: h, port: 82}], addresses: [{ip: 'fd00::1'}, {ip: 10.0.0.3}, {ip: x}]}]}";
    check(ENDPOINTS, &[("80", "10.0.0.1:81, 10.0.0.3:82"), ("80 family=6", "[fd00::1]:82")]);
    let both = format!(
        "{ENDPOINTS}\nSlice {{ports: [{{name: h, port: 80}}], endpoints: [{{addresses: [10.0.0.9]}}]}}"
    );
    check(&both, &[("80", "10.0.0.9:80")]);
    let empty = format!("{ENDPOINTS}\nSlice {{endpoints: []}}");
    check(&empty, &[("80", "no-endpoints")]);
    check(
        "Service {ports: [{name: h, port: 80}]}
         Endpoints {subsets: [{ports: [{name: h, port: 80, protocol: UDP}], addresses: [{ip: 10.0.0.1}]}]}",
        &[("80", "no-endpoints")],
    );
    // One of the same name as a slice is another object.
    let namesake = format!(
        "{ENDPOINTS}\nSlice {{metadata: {{namespace: ns, name: web, labels: {{kubernetes.io/service-name: web}}}}, ports: [{{name: h, port: 80}}], endpoints: [{{addresses: [10.0.0.9]}}]}}"
    );
    check(&namesake, &[("80", "10.0.0.9:80")]);
    check(
        "Service {clusterIP: None}\nEndpoints {subsets: [{ports: [{port: 81}]}]}",
        &[("80", "port-absent")],
    );
}

/// `ready`, `serving` and `terminating` of one endpoint; `-` is absent.
#[test]
fn conditions_of_one_endpoint() {
    for (conditions, used) in [
        ("---", true),
        ("t--", true),
        ("ttf", true),
        ("tft", true), // publishNotReadyAddresses
        ("f--", false),
        ("ft-", false),
        ("ftf", false),
        ("ftt", true),
        ("f-t", true), // absent is serving
        ("fft", false),
    ] {
        let mut object = json!({});
        for (name, letter) in ["ready", "serving", "terminating"].iter().zip(conditions.chars()) {
            if letter != '-' {
                object[name] = json!(letter == 't');
            }
        }
        let objects = format!(
            "Service {{ports: [{{port: 80}}]}}
             Slice {{ports: [{{port: 80}}], endpoints: [{{addresses: [10.0.0.1], conditions: {object}}}]}}"
        );
        check(&objects, &[("80", if used { "10.0.0.1:80" } else { "no-endpoints" })]);
    }
}

#[test]
fn terminating_endpoints_only_where_none_is_ready() {
    const DRAINING: &str =
        "{addresses: [10.0.0.2], conditions: {ready: false, serving: true, terminating: true}}";
    let service = "Service {ports: [{port: 80}]}\n";
    check(
        &format!(
            "{service}Slice {{ports: [{{port: 80}}], endpoints: [{DRAINING}, {{addresses: [10.0.0.1]}}]}}"
        ),
        &[("80", "10.0.0.1:80")],
    );
    let alone = view(&format!("{service}Slice {{ports: [{{port: 80}}], endpoints: [{DRAINING}]}}"));
    let Resolution::Endpoints(set) = resolve(&alone, "80") else { panic!("no endpoints") };
    assert!(set.iter().all(|endpoint| endpoint.is_terminating() && endpoint.zone().is_none()));
    // Ready in the other family beats terminating in the preferred one.
    check(
        &format!(
            "{service}Slice {{ports: [{{port: 80}}], endpoints: [{DRAINING}]}}
             Slice {{addressType: IPv6, ports: [{{port: 80}}], endpoints: [{{addresses: ['fd00::1']}}]}}"
        ),
        &[("80 family=4", "[fd00::1]:80")],
    );
}

#[test]
fn one_family_at_a_time() {
    const BOTH: &str = "Service {ports: [{port: 80}]}
         Slice {addressType: IPv6, ports: [{port: 80}], endpoints: [{addresses: ['fd00::2']}, {addresses: ['fd00::1']}]}
         Slice {addressType: IPv4, ports: [{port: 80}], endpoints: [{addresses: [10.0.0.1]}]}";
    let (v4, v6) = ("10.0.0.1:80", "[fd00::1]:80, [fd00::2]:80");
    check(BOTH, &[("80", v4), ("80 family=4", v4), ("80 family=6", v6)]);
    let named = "Slice {addressType: FQDN, ports: [{port: 80}], endpoints: [{addresses: [B.test]}, {addresses: [a.test]}, {addresses: [localhost]}]}";
    check(&format!("{BOTH}\n{named}"), &[("80", v4), ("80 family=6", v6)]);
    let service = "Service {ports: [{port: 80}]}";
    check(
        &format!("{service}\n{named}"),
        &[("80", "a.test:80, b.test:80"), ("80 family=4", "a.test:80, b.test:80")],
    );
    check(
        "Service {ports: [{port: 80}]}
         Slice {addressType: IPv6, ports: [{port: 80}], endpoints: [{addresses: ['fd00::1']}]}",
        &[("80", "[fd00::1]:80"), ("80 family=4", "[fd00::1]:80")],
    );
}

#[test]
fn addresses_that_cannot_be_read_are_passed_over() {
    check(
        "Service {ports: [{port: 80}]}
         Slice {ports: [{port: 80}], endpoints: [{addresses: [x]}, {addresses: []}, {addresses: ['']}, {addresses: ['fd00::1']}, {addresses: [10.0.0.01]}, {addresses: [0.0.0.0]}, {addresses: [10.0.0.1, 10.0.0.2]}]}
         Slice {addressType: IPv6, ports: [{port: 80}], endpoints: [{addresses: [10.0.0.3]}]}
         Slice {addressType: IPv5, ports: [{port: 80}], endpoints: [{addresses: [10.0.0.4]}]}",
        &[("80", "10.0.0.1:80"), ("80 family=6", "10.0.0.1:80")],
    );
}

#[test]
fn an_address_in_two_slices_counts_once_and_at_its_best() {
    const MOVED: &str = "Service {ports: [{port: 80}]}
         Slice {ports: [{port: 80}], endpoints: [{addresses: [10.0.0.2]}, {addresses: [10.0.0.1], conditions: {ready: false}}]}
         Slice {ports: [{port: 80}], endpoints: [{addresses: [10.0.0.1], zone: a}, {addresses: [10.0.0.2], zone: b, conditions: {ready: false, serving: true, terminating: true}}]}";
    check(MOVED, &[("80", "10.0.0.1:80, 10.0.0.2:80")]);
    let Resolution::Endpoints(set) = resolve(&view(MOVED), "80") else { panic!("no endpoints") };
    let seen: Vec<_> = set.iter().map(|endpoint| (endpoint.zone(), endpoint.is_terminating())).collect();
    assert_eq!(seen, [(Some("a"), false), (None, false)]);
    // Where both are ready: it goes if both say so, is in either's zone, and meant for the zones of both.
    const TWICE: &str = "Service {ports: [{port: 80}]}
         Slice {ports: [{port: 80}], endpoints: [{addresses: [10.0.0.1], zone: b, conditions: {terminating: true}, hints: {forZones: [{name: a}, {name: b}]}}]}
         Slice {ports: [{port: 80}], endpoints: [{addresses: [10.0.0.1], zone: a, hints: {forZones: [{name: a}, {name: c}]}}]}
         Slice {ports: [{port: 80}], endpoints: [{addresses: [10.0.0.2], hints: {forZones: [{name: d}]}}]}";
    let one = "10.0.0.1:80";
    check(TWICE, &[("80 zone=a", one), ("80 zone=b", one), ("80 zone=c", one), ("80 zone=d", "10.0.0.2:80")]);
    let Resolution::Endpoints(set) = resolve(&view(TWICE), "80 zone=c") else { panic!("no endpoints") };
    let seen: Vec<_> = set.iter().map(|endpoint| (endpoint.zone(), endpoint.is_terminating())).collect();
    assert_eq!(seen, [(Some("a"), false)]);
}

#[test]
fn hints_are_heeded_when_all_have_them_and_one_names_the_zone() {
    fn endpoint(last: u8, conditions: &str, hints: &str) -> String {
        format!(
            "{{addresses: [10.0.0.{last}], conditions: {{{conditions}}}, hints: {{forZones: [{hints}]}}}}"
        )
    }
    let slice = |endpoints: &[String]| {
        format!(
            "Service {{ports: [{{port: 80}}]}}\nSlice {{ports: [{{port: 80}}], endpoints: [{}]}}",
            endpoints.join(", ")
        )
    };
    let (a, b) = (endpoint(1, "", "{name: a}"), endpoint(2, "", "{name: b}, {name: c}"));
    let all = "10.0.0.1:80, 10.0.0.2:80";
    let hinted = [a.clone(), b.clone()];
    check(
        &slice(&hinted),
        &[
            ("80", all),
            ("80 zone=a", "10.0.0.1:80"),
            ("80 zone=b", "10.0.0.2:80"),
            ("80 zone=c", "10.0.0.2:80"),
            ("80 zone=d", all),
            ("80 zone=", all),
        ],
    );
    // One that is ready has none; one that is not ready does not matter.
    let all_three = "10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80";
    check(&slice(&[a.clone(), b.clone(), endpoint(3, "", "")]), &[("80 zone=a", all_three)]);
    check(&slice(&[a.clone(), b, endpoint(3, "ready: false", "")]), &[("80 zone=a", "10.0.0.1:80")]);
    check(&slice(&[a.clone(), endpoint(2, "", "{name: ''}")]), &[("80 zone=a", all)]);
    // Those to fall back to are used from everywhere.
    let draining = |last, hints| endpoint(last, "ready: false, terminating: true", hints);
    check(&slice(&[draining(1, "{name: a}"), draining(2, "{name: b}")]), &[("80 zone=a", all)]);
    // Each family for itself.
    let other = "Slice {addressType: IPv6, ports: [{port: 80}], endpoints: [{addresses: ['fd00::1']}]}";
    check(
        &format!("{}\n{other}", slice(&hinted)),
        &[("80 zone=a", "10.0.0.1:80"), ("80 zone=a family=6", "[fd00::1]:80")],
    );
    // The zone that an endpoint is in is no hint.
    let zone = "{addresses: [10.0.0.1], zone: a}, {addresses: [10.0.0.2], zone: b}";
    check(&slice(&[zone.to_owned()]), &[("80 zone=a", all)]);
    // A zone that all are hinted for is not held twice.
    let view = view(&slice(&[a]));
    match (resolve(&view, "80"), resolve(&view, "80 zone=a")) {
        (Resolution::Endpoints(all), Resolution::Endpoints(hinted)) => assert!(all.ptr_eq(&hinted)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn sorted_by_address_not_by_text() {
    check(
        "Service {ports: [{port: 80}]}
         Slice {ports: [{port: 80}], endpoints: [{addresses: [10.0.0.10]}, {addresses: [10.0.0.9]}, {addresses: [9.0.0.1]}]}",
        &[("80", "9.0.0.1:80, 10.0.0.9:80, 10.0.0.10:80")],
    );
}

#[test]
fn what_is_spoken_is_handed_on() {
    let inside = view(
        "Service {ports: [{port: 80, appProtocol: kubernetes.io/h2c}, {name: x, port: 81}]}
         Slice {ports: [{port: 80}, {name: x, port: 81}], endpoints: [{addresses: [10.0.0.1]}]}",
    );
    let spoken = |query| match resolve(&inside, query) {
        Resolution::Endpoints(set) => set.app_protocol().map(str::to_owned),
        other => panic!("{other:?}"),
    };
    assert_eq!((spoken("80").as_deref(), spoken("81")), (Some("kubernetes.io/h2c"), None));
    let outside =
        view("Service {type: ExternalName, externalName: a.test, ports: [{port: 443, appProtocol: https}]}");
    let expected = Resolution::ExternalName {
        address: Address::Name("a.test".into(), 443),
        app_protocol: Some("https".into()),
    };
    assert_eq!(resolve(&outside, "443"), expected);
}

#[test]
fn objects_without_a_namespace_are_in_default() {
    let mut cluster = Cluster::default();
    cluster.upsert_service(&read::<core::Service>(
        json!({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}),
    ));
    cluster.upsert_slice(&read::<discovery::EndpointSlice>(json!({
        "metadata": {"namespace": "", "name": "web-1", "labels": {"kubernetes.io/service-name": "web"}}, "addressType": "IPv4",
        "ports": [{"port": 80}], "endpoints": [{"addresses": ["10.0.0.1"]}],
    })));
    // Objects with nothing in them are read, too.
    cluster.upsert_service(&core::Service::default());
    cluster.upsert_slice(&discovery::EndpointSlice::default());
    cluster.upsert_slice(&core::Endpoints::default());
    let view = cluster.endpoints();
    let found = view.resolve(&ObjectId::new("default", "web"), &80.into(), &ResolveOptions::default());
    assert_eq!(found.to_string(), "10.0.0.1:80");
    assert_eq!(
        view.services().map(|service| service.id().as_str()).collect::<Vec<_>>(),
        ["default/", "default/web"]
    );
}
