//! What ingress-nginx answered, asked of the layer.

use std::convert::Infallible;
use std::future::ready;

use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version};
use ingress_core::SharedTable;
use ingress_core::rule::{Backend, Policy, Reason};
use ingress_tower::{Denial, Grant, Peer, Reply, RouteLayer, Routed};
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};

use crate::case::{self, Answer, Tally, Wire};
use crate::world::World;

/// The request in the types of `http`, which cannot say all that can be written on a wire.
fn http(wire: &Wire) -> Option<Request<()>> {
    let mut request = Request::new(());
    *request.method_mut() = wire.method.parse().ok()?;
    *request.uri_mut() = wire.target.parse::<Uri>().ok()?;
    if wire.http10 {
        *request.version_mut() = Version::HTTP_10;
    }
    for (name, value) in &wire.headers {
        // nginx drops headers with such names.
        if !name.contains('_') {
            let name: HeaderName = name.parse().expect("a name");
            request.headers_mut().append(name, HeaderValue::from_str(value).ok()?);
        }
    }
    let (uri, target) = (request.uri(), &wire.target);
    let same = uri.path_and_query().is_some_and(|path| path.as_str() == target) || uri.scheme().is_some();
    same.then(|| {
        request.extensions_mut().insert(Peer::new(([127, 0, 0, 1], 4711).into(), 80, wire.tls));
        request
    })
}

#[derive(Clone)]
struct Seen(Backend, String);

/// What the answer comes to; `Err` says why it is nobody's here.
fn answer(world: &World, wire: &Wire, response: &Response<()>) -> Result<Answer, &'static str> {
    let routed = response.extensions().get::<Routed>();
    let Some(Seen(backend, target)) = response.extensions().get() else {
        return Ok(match response.extensions().get::<Reply>().expect("the layer answered") {
            Reply::NotFound(_) => Answer::Default,
            Reply::Redirect(..) => {
                let location = response.headers().get("location").expect("a location");
                Answer::Redirect(
                    response.status().as_u16(),
                    String::from_utf8_lossy(location.as_bytes()).into_owned(),
                )
            }
            Reply::Respond(StatusCode::NOT_FOUND)
                if routed.and_then(|routed| routed.reason()) == Some(Reason::DefaultBackend) =>
            {
                Answer::Default
            }
            Reply::Rewrite(_) => return Err("the target that nginx sends has no slash at its start: 500"),
            _ => Answer::Status(response.status().as_u16()),
        });
    };
    let Backend::Service(service) = backend else { panic!("only Services are served") };
    if world.endpoints(service.id(), service.port()) == 0 {
        return Ok(Answer::Status(503));
    }
    let header = |wanted: &str| {
        let found = wire.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.and_then(|(_, value)| value.parse::<u64>().ok())
    };
    for policy in routed.expect("it was routed").policies() {
        match policy {
            Policy::BodyLimit(Some(most)) if header("content-length") > Some(*most) => {
                return Err("whoever forwards refuses long bodies");
            }
            Policy::ErrorPages(_) if header("x-echo-status").is_some() => {
                return Err("whoever forwards replaces pages for errors");
            }
            _ => {}
        }
    }
    let port = world.number(service.id(), service.port());
    Ok(Answer::Backend(format!("{}:{port}", service.id()), target.clone()))
}

async fn ask(set: &Value, tally: &mut Tally) {
    let world = World::new(set);
    let table = SharedTable::default();
    let targets = case::targets(&world.table, &world);
    table.publish_all(world.table.clone(), case::endpoints(&targets, |_| 80));
    let inner = service_fn(|request: Request<()>| {
        let routed = request.extensions().get::<Routed>().expect("the layer has been here").clone();
        let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let mut response = Response::new(());
        let backend = routed.backend(0).expect("it forwards").clone();
        response.extensions_mut().insert(Seen(backend, target));
        response.extensions_mut().insert(routed);
        ready(Ok::<_, Infallible>(response))
    });
    // Whoever is asked agrees; cases in which it does not are not about routing.
    let agreed = |_: &Routed, _: &http::request::Parts| ready(Ok::<_, Denial>(Grant::default()));
    let service = RouteLayer::new(table).with_authorizer(agreed).layer(inner);
    for case in set["cases"].as_array().expect("a list") {
        if let Some(why) = case::beyond(case) {
            tally.beyond(why);
            continue;
        }
        let wire = Wire::read(&case["request"]);
        let Some(request) = http(&wire) else {
            tally.beyond("the types of `http` cannot say the request");
            continue;
        };
        let response = service.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        match answer(&world, &wire, &response) {
            Ok(answer) => tally.compare(case, &answer, case::excuse(&answer, &world)),
            Err(why) => tally.beyond(why),
        }
    }
}

#[tokio::test]
async fn ingress_nginx_by_topic() {
    let mut tally = Tally::default();
    for set in case::sets("topics.jsonl") {
        ask(&set, &mut tally).await;
    }
    tally.settle(504, 61);
}

#[tokio::test]
async fn ingress_nginx_random_sets() {
    let mut tally = Tally::default();
    for set in case::sets("random.jsonl.gz") {
        ask(&set, &mut tally).await;
    }
    tally.settle(9975, 282);
}
