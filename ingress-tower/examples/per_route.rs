//! A limit for one Ingress, and a list of all routes: `cargo run -p ingress-tower --example per_route`.
//!
//! No socket is opened: requests are handed to the service, and the answers printed.

use std::convert::Infallible;
use std::error::Error;
use std::fmt::Write;

use http::{HeaderValue, Request, Response};
use ingress_core::{Compiler, IngressId, SharedTable, dialect::Kubernetes};
use ingress_tower::{RouteLayer, RouteLayers, Routed};
use k8s_openapi::api::networking::v1::Ingress;
use tower::limit::ConcurrencyLimitLayer;
use tower::util::MapResponseLayer;
use tower::{ServiceBuilder, ServiceExt};

const OBJECTS: [&str; 2] = [
    "
metadata: {namespace: shop, name: web}
spec:
  rules:
  - host: shop.example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
",
    "
metadata: {namespace: shop, name: reports}
spec:
  rules:
  - host: shop.example.com
    http:
      paths:
      - {path: /reports, pathType: Prefix, backend: {service: {name: reports, port: {number: 80}}}}
",
];

/// The routes, and what is answered to some requests.
pub(crate) async fn answers() -> Result<String, Box<dyn Error>> {
    let mut compiler = Compiler::new(Kubernetes);
    for object in OBJECTS {
        compiler.upsert(&serde_saphyr::from_str::<Ingress>(object)?);
    }
    let routing = RouteLayer::new(SharedTable::new(compiler.compile()));
    let mut answers = routing.routes().to_string();

    // Reports are dear: two at a time, and nobody keeps them.
    let no_store = MapResponseLayer::new(|mut response: Response<String>| {
        response.headers_mut().insert("cache-control", HeaderValue::from_static("no-store"));
        response
    });
    let reports = ServiceBuilder::new().layer(no_store).layer(ConcurrencyLimitLayer::new(2));
    let service = ServiceBuilder::new()
        .layer(routing)
        .layer(RouteLayers::new().for_ingress(IngressId::new("shop", "reports"), reports))
        .service_fn(async |request: Request<String>| {
            let backend = request.extensions().get::<Routed>().and_then(|routed| routed.backend(0));
            let answer = backend.map_or_else(String::new, |backend| format!("to be sent to {backend}"));
            Ok::<_, Infallible>(Response::new(answer))
        });

    for uri in ["http://shop.example.com/cart", "http://shop.example.com/reports/7"] {
        let request = Request::get(uri).body(String::new())?;
        let response = service.clone().oneshot(request).await?;
        writeln!(answers, "{uri}\n  {} {:?}", response.body(), response.headers())?;
    }
    Ok(answers)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", answers().await?);
    Ok(())
}
