//! An axum application that is its own ingress: `cargo run -p ingress-tower --example axum`.
//!
//! The Ingress decides which Service a request is for and what path it is sent; the application serves the
//! Services that it knows itself. No socket is opened: requests are handed to the service, and the answers
//! printed. With a listener, `axum::serve` takes the same service.

use std::error::Error;
use std::fmt::Write;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Extension;
use axum::routing::get;
use http::request::Parts;
use http::{Request, Uri};
use ingress_core::{Compiler, SharedTable, dialect::Kubernetes};
use ingress_tower::{Reply, RouteLayer, Routed};
use k8s_openapi::api::networking::v1::Ingress;
use tower::{Layer, ServiceExt};

const SHOP: &str = "
metadata: {namespace: shop, name: web}
spec:
  rules:
  - host: shop.example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
      - {path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}
";

async fn cart(Extension(routed): Extension<Routed>, uri: Uri) -> String {
    format!("the cart, at {uri}, by {}", routed.origin())
}

async fn anything(Extension(routed): Extension<Routed>) -> String {
    match routed.backend(0) {
        Some(backend) => format!("to be sent to {backend}"),
        None => String::new(),
    }
}

/// What the application answers to some requests.
pub(crate) async fn answers() -> Result<String, Box<dyn Error>> {
    let mut compiler = Compiler::new(Kubernetes);
    let object: Ingress = serde_saphyr::from_str(SHOP)?;
    compiler.upsert(&object);
    let table = SharedTable::new(compiler.compile());

    // Around the router: it may change the URI that the router chooses by.
    let router = Router::new().route("/cart/{*item}", get(cart)).fallback(anything);
    let service = RouteLayer::new(table)
        .with_replies(|reply: &Reply, _: &Parts| reply.response(Body::from(reply.to_string())))
        .layer(router);

    let mut answers = String::new();
    for uri in [
        "http://shop.example.com/cart/7",
        "http://shop.example.com/x/../cart/7?paid",
        "http://shop.example.com/about",
        "http://else.example.com/",
        "http://shop.example.com/%00",
    ] {
        let request = Request::get(uri).body(Body::empty())?;
        let response = service.clone().oneshot(request).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 16).await?;
        writeln!(answers, "{uri}\n  {status}: {}", String::from_utf8_lossy(&body))?;
    }
    Ok(answers)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", answers().await?);
    Ok(())
}
