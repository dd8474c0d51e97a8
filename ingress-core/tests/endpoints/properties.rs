//! Incremental as from scratch, and resolved as a literal reading of the clauses resolves.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ingress_core::endpoint::{
    Address, AddressFamily, Cluster, EndpointSlice, Endpoints, Resolution, ResolveOptions, Service,
    ServicePort, SliceEndpoint,
};
use ingress_core::origin::ObjectId;
use ingress_core::port::Port;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

const NAMES: [&str; 3] = ["", "a", "b"];
const ZONES: [&str; 2] = ["x", "y"];

#[derive(Clone, Debug)]
struct RawService {
    kind: Kind,
    ports: Vec<RawPort>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Cluster,
    Headless,
    External(bool),
}

#[derive(Clone, Debug)]
struct RawPort {
    number: u16,
    name: &'static str,
    target: Option<Port>,
    tcp: bool,
}

#[derive(Clone, Debug)]
struct RawSlice {
    service: u8,
    ports: Vec<(&'static str, Option<u16>)>,
    endpoints: Vec<RawEndpoint>,
}

#[derive(Clone, Debug)]
struct RawEndpoint {
    host: Host,
    conditions: [bool; 3],
    zone: Option<&'static str>,
    hints: BTreeSet<&'static str>,
}

#[derive(Clone, Copy, Debug)]
enum Host {
    V4(u8),
    V6(u8),
    Name(u8),
}

#[derive(Clone, Debug)]
enum Operation {
    Service(u8, Option<RawService>),
    Slice(u8, Option<RawSlice>),
    View,
}

type State = (BTreeMap<u8, RawService>, BTreeMap<u8, RawSlice>);

fn numbers() -> impl Strategy<Value = u16> {
    prop_oneof![Just(0), 80..83u16]
}

fn names() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NAMES[..])
}

fn services() -> impl Strategy<Value = RawService> {
    let kind = prop_oneof![
        4 => Just(Kind::Cluster),
        2 => Just(Kind::Headless),
        1 => any::<bool>().prop_map(Kind::External)
    ];
    let target = prop_oneof![numbers().prop_map(Port::from), names().prop_map(Port::from)];
    let port = (numbers(), names(), option::of(target), prop::bool::weighted(0.8));
    let port = port.prop_map(|(number, name, target, tcp)| RawPort { number, name, target, tcp });
    (kind, vec(port, 0..4)).prop_map(|(kind, ports)| RawService { kind, ports })
}

fn slices() -> impl Strategy<Value = RawSlice> {
    let host = prop_oneof![
        3 => (0..2u8).prop_map(Host::V4),
        2 => (0..2u8).prop_map(Host::V6),
        1 => (0..2u8).prop_map(Host::Name)
    ];
    let zones = || prop::sample::select(&ZONES[..]);
    // Weighted towards ready and hinted endpoints: both only matter when all of them are.
    let ready = prop::bool::weighted(0.7);
    let conditions = (ready, any::<bool>(), any::<bool>()).prop_map(|(r, s, t)| [r, s, t]);
    let hints = prop_oneof![3 => btree_set(zones(), 1..3), 1 => Just(BTreeSet::new())];
    let endpoint = (host, conditions, option::of(zones()), hints);
    let endpoint =
        endpoint.prop_map(|(host, conditions, zone, hints)| RawEndpoint { host, conditions, zone, hints });
    let ports = vec((names(), option::weighted(0.8, numbers())), 0..3);
    (0..3u8, ports, vec(endpoint, 0..4)).prop_map(|(service, ports, endpoints)| RawSlice {
        service,
        ports,
        endpoints,
    })
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        3 => (0..3u8, option::weighted(0.8, services())).prop_map(|(id, raw)| Operation::Service(id, raw)),
        4 => (0..5u8, option::weighted(0.8, slices())).prop_map(|(id, raw)| Operation::Slice(id, raw)),
        1 => Just(Operation::View),
    ];
    vec(operation, 0..24)
}

fn id(service: u8) -> ObjectId {
    ObjectId::new("ns", &format!("service-{service}"))
}

fn slice_id(slice: u8) -> ObjectId {
    ObjectId::new("ns", &format!("slice-{slice}"))
}

fn build_service(name: u8, raw: &RawService) -> Service {
    let service = match raw.kind {
        Kind::Cluster => Service::new(id(name)),
        Kind::Headless => Service::new(id(name)).headless(),
        Kind::External(sound) => Service::new(id(name)).external_name(if sound { "a.test" } else { "127.1" }),
    };
    raw.ports.iter().fold(service, |service, raw| {
        let port = ServicePort::new(raw.number).with_name(raw.name);
        let port = raw.target.iter().fold(port, |port, target| port.with_target(target.clone()));
        service.with_port(if raw.tcp { port } else { port.not_tcp() })
    })
}

fn build_slice(name: u8, raw: &RawSlice) -> EndpointSlice {
    let slice = EndpointSlice::new(slice_id(name), id(raw.service));
    let slice = raw.ports.iter().fold(slice, |slice, (name, number)| slice.with_port(name, *number));
    raw.endpoints.iter().fold(slice, |slice, raw| {
        let endpoint = match raw.host {
            Host::V4(last) => SliceEndpoint::new([10, 0, 0, last]),
            Host::V6(last) => SliceEndpoint::new([0xfd00, 0, 0, 0, 0, 0, 0, u16::from(last)]),
            Host::Name(last) => SliceEndpoint::named(&format!("h{last}.test")),
        };
        let [ready, serving, terminating] = raw.conditions;
        let endpoint = endpoint.ready(ready).serving(serving).terminating(terminating);
        let endpoint = endpoint.in_zone(raw.zone.unwrap_or(""));
        slice.with_endpoint(raw.hints.iter().fold(endpoint, |endpoint, zone| endpoint.hinted_for(zone)))
    })
}

fn address(host: Host, port: u16) -> Address {
    let ip = match host {
        Host::V4(last) => IpAddr::from(Ipv4Addr::new(10, 0, 0, last)),
        Host::V6(last) => IpAddr::from(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last.into())),
        Host::Name(last) => return Address::Name(format!("h{last}.test").into(), port),
    };
    Address::Socket(SocketAddr::new(ip, port))
}

/// Everything that the caller can see of an answer.
type Seen = Result<Vec<(Address, Option<String>, bool)>, &'static str>;

fn seen(resolution: &Resolution) -> Seen {
    match resolution {
        Resolution::Endpoints(set) => {
            assert!(!set.is_empty(), "a set without endpoints");
            let endpoint = |endpoint: &ingress_core::endpoint::Endpoint| {
                (endpoint.address().clone(), endpoint.zone().map(str::to_owned), endpoint.is_terminating())
            };
            Ok(set.iter().map(endpoint).collect())
        }
        Resolution::ExternalName { address, .. } => Ok(vec![(address.clone(), None, false)]),
        other => Err(other.reason().expect("a failure has a reason")),
    }
}

/// The clauses one after the other, as they are written in the documentation of the module.
fn literal(
    state: &State,
    service: u8,
    port: &Port,
    family: Option<AddressFamily>,
    zone: Option<&str>,
) -> Seen {
    let Some(raw) = state.0.get(&service) else { return Err("service-absent") };
    let tcp: Vec<_> = raw.ports.iter().filter(|port| port.tcp).collect();
    let mut found = tcp.iter().find(|candidate| match port {
        Port::Number(number) => *number != 0 && candidate.number == *number,
        Port::Name(name) => !name.is_empty() && candidate.name == &**name,
    });
    if let Kind::External(sound) = raw.kind {
        let declared = raw.ports.iter().any(|candidate| Port::Number(candidate.number) == *port);
        let number = match (found, port) {
            (Some(found), _) => found.number,
            (None, Port::Number(number)) if !declared => *number,
            _ => 0,
        };
        return match (number, sound) {
            (0, _) => Err("port-absent"),
            (_, false) => Err("no-endpoints"),
            (number, true) => Ok(vec![(Address::Name("a.test".into(), number), None, false)]),
        };
    }
    if raw.kind == Kind::Headless
        && found.is_none()
        && *port != Port::Number(0)
        && matches!(port, Port::Number(_))
    {
        found = tcp.iter().find(|candidate| candidate.target.as_ref() == Some(port));
    }
    let slices: Vec<_> = state.1.values().filter(|slice| slice.service == service).collect();
    let number_in = |slice: &RawSlice| -> Option<u16> {
        let open = slice.ports.is_empty();
        let (name, numeric) = match (found, port) {
            (Some(found), _) => (
                Some(found.name),
                match found.target {
                    None => Some(found.number),
                    Some(Port::Number(number)) => Some(number),
                    Some(Port::Name(_)) => None,
                },
            ),
            (None, Port::Number(number)) => (None, Some(*number)),
            (None, Port::Name(name)) => {
                let listed = slice.ports.iter().find(|(listed, _)| *listed == &**name)?;
                return listed.1.filter(|number| *number != 0);
            }
        };
        let numeric = numeric.filter(|number| *number != 0);
        if open {
            return numeric;
        }
        if let Some(listed) = slice.ports.iter().find(|(listed, _)| Some(*listed) == name) {
            return listed.1.or(numeric).filter(|number| *number != 0);
        }
        numeric.filter(|_| slice.ports.iter().any(|(_, number)| number.is_none() || *number == numeric))
    };
    if found.is_none() {
        let bare = raw.kind == Kind::Headless && raw.ports.is_empty();
        let offered = slices.iter().any(|slice| number_in(slice).is_some());
        let open = slices.is_empty() && matches!(port, Port::Number(1..));
        if !bare || !(offered || open) {
            return Err("port-absent");
        }
    }
    let mut all: Vec<(Address, &RawEndpoint)> = Vec::new();
    for slice in slices {
        let Some(number) = number_in(slice) else { continue };
        all.extend(slice.endpoints.iter().map(|endpoint| (address(endpoint.host, number), endpoint)));
    }
    let ready = all.iter().any(|(_, endpoint)| endpoint.conditions[0]);
    all.retain(
        |(_, RawEndpoint { conditions: [is_ready, serving, terminating], .. })| {
            if ready { *is_ready } else { *serving && *terminating }
        },
    );
    let families = [family, Some(AddressFamily::Ipv4), Some(AddressFamily::Ipv6), None];
    // No preference comes to the same as a preference for the first family.
    let order = families.iter().skip(usize::from(family.is_none()));
    let Some(family) =
        order.clone().find(|family| all.iter().any(|(address, _)| address.family() == **family))
    else {
        return Err("no-endpoints");
    };
    all.retain(|(address, _)| address.family() == *family);
    let mut merged: BTreeMap<Address, (Option<&str>, BTreeSet<&str>, bool)> = BTreeMap::new();
    for (address, endpoint) in all {
        let entry = merged.entry(address).or_insert((None, BTreeSet::new(), true));
        entry.0 = entry.0.into_iter().chain(endpoint.zone).min();
        entry.1.extend(&endpoint.hints);
        entry.2 &= endpoint.conditions[2];
    }
    let hinted = ready && merged.values().all(|(_, hints, _)| !hints.is_empty());
    if let Some(zone) =
        zone.filter(|zone| hinted && merged.values().any(|(_, hints, _)| hints.contains(zone)))
    {
        merged.retain(|_, (_, hints, _)| hints.contains(zone));
    }
    let endpoint = |(address, (zone, _, terminating)): (Address, (Option<&str>, _, bool))| {
        (address, zone.map(str::to_owned), terminating)
    };
    Ok(merged.into_iter().map(endpoint).collect())
}

fn ports() -> impl Iterator<Item = Port> {
    [0, 80, 81, 82].into_iter().map(Port::from).chain(NAMES.into_iter().map(Port::from))
}

fn options() -> impl Iterator<Item = (Option<AddressFamily>, Option<&'static str>)> {
    let families = [None, Some(AddressFamily::Ipv4), Some(AddressFamily::Ipv6)];
    families.into_iter().flat_map(|family| [None, Some("x"), Some("z")].map(|zone| (family, zone)))
}

fn resolve_options(family: Option<AddressFamily>, zone: Option<&str>) -> ResolveOptions {
    let options = family.into_iter().fold(ResolveOptions::default(), ResolveOptions::prefer);
    zone.into_iter().fold(options, ResolveOptions::in_zone)
}

/// The state from scratch, last object first and slices before Services.
fn scratch(state: &State) -> Arc<Endpoints> {
    let mut cluster = Cluster::default();
    for (name, raw) in state.1.iter().rev() {
        cluster.upsert_slice(build_slice(*name, raw));
    }
    for (name, raw) in state.0.iter().rev() {
        cluster.upsert_service(build_service(*name, raw));
    }
    cluster.endpoints()
}

fn apply(operation: &Operation, state: &mut State, cluster: &mut Cluster, touched: &mut BTreeSet<u8>) {
    match operation {
        Operation::Service(name, raw) => {
            touched.insert(*name);
            match raw {
                Some(raw) => drop(state.0.insert(*name, raw.clone())),
                None => drop(state.0.remove(name)),
            }
            match raw {
                Some(raw) => cluster.upsert_service(build_service(*name, raw)),
                None => cluster.remove_service(&id(*name)),
            };
        }
        Operation::Slice(name, raw) => {
            let old = match raw {
                Some(raw) => state.1.insert(*name, raw.clone()),
                None => state.1.remove(name),
            };
            touched.extend(old.iter().chain(raw).map(|slice| slice.service));
            match raw {
                Some(raw) => cluster.upsert_slice(build_slice(*name, raw)),
                None => cluster.remove_slice(&slice_id(*name)),
            };
        }
        Operation::View => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_changes_comes_to_the_same_as_none(operations in operations()) {
        let (mut state, mut cluster) = (State::default(), Cluster::default());
        let (mut view, mut touched) = (cluster.endpoints(), BTreeSet::new());
        for operation in operations.iter().chain([&Operation::View]) {
            apply(operation, &mut state, &mut cluster, &mut touched);
            if !matches!(operation, Operation::View) {
                continue;
            }
            let before = std::mem::replace(&mut view, cluster.endpoints());
            prop_assert_eq!(view == scratch(&state), true, "not as from scratch");
            prop_assert!(Arc::ptr_eq(&view, &cluster.endpoints()));
            // A Service that was not touched keeps its memory.
            for service in (0..3).filter(|service| !touched.contains(service)) {
                for port in [80, 81, 82].map(Port::from) {
                    let resolve = |view: &Endpoints| view.resolve(&id(service), &port, &ResolveOptions::default());
                    let declared = view.service(&id(service)).is_some_and(|service| service.find_port(&port).is_some());
                    if let (true, Resolution::Endpoints(old), Resolution::Endpoints(new)) =
                        (declared, resolve(&before), resolve(&view))
                    {
                        prop_assert!(old.ptr_eq(&new));
                    }
                }
            }
            touched.clear();
        }
    }

    #[test]
    fn resolved_as_the_clauses_say(
        services in prop::collection::btree_map(0..2u8, services(), 1..3),
        slices in prop::collection::btree_map(0..5u8, slices(), 0..5),
    ) {
        let state = (services, slices);
        let view = scratch(&state);
        for service in 0..3 {
            for port in ports() {
                for (family, zone) in options() {
                    let found = view.resolve(&id(service), &port, &resolve_options(family, zone));
                    prop_assert_eq!(
                        seen(&found),
                        literal(&state, service, &port, family, zone),
                        "service-{} port {} {:?} {:?}", service, port, family, zone
                    );
                }
            }
        }
    }

    #[test]
    fn the_order_within_a_slice_plays_no_part(service in services(), mut slice in slices()) {
        slice.service = 0;
        // Of ports that answer to one name the first counts, so these keep their places.
        let view = |slice: &RawSlice| scratch(&(BTreeMap::from([(0, service.clone())]), BTreeMap::from([(0, slice.clone())])));
        let before = view(&slice);
        slice.endpoints.reverse();
        let after = view(&slice);
        for (port, (family, zone)) in ports().flat_map(|port| options().map(move |options| (port.clone(), options))) {
            let resolve = |view: &Endpoints| view.resolve(&id(0), &port, &resolve_options(family, zone));
            prop_assert_eq!(resolve(&before), resolve(&after));
        }
    }
}
