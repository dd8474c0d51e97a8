//! A reverse proxy. Two arguments: where to listen, and the endpoint of the only Service.
//!
//! ```text
//! cargo run -p ingress-tower --features proxy --example hyper_proxy -- 127.0.0.1:8080 127.0.0.1:9000
//! curl -H 'Host: shop.example.com' http://127.0.0.1:8080/
//! ```

use std::env::args;
use std::error::Error;
use std::net::SocketAddr;

use ingress_core::endpoint::{Cluster, EndpointSlice, Service, ServicePort, SliceEndpoint};
use ingress_core::{RouteTable, SharedTable, dialect::Kubernetes, origin::ObjectId};
use ingress_tower::RouteLayer;
use ingress_tower::proxy::{Peer, Proxy, RoundRobin, Server};
use k8s_openapi::api::networking::v1::Ingress;
use tokio::net::TcpListener;
use tower::Layer;

const INGRESS: &str = "
metadata: {namespace: shop, name: web}
spec: {rules: [{host: shop.example.com, http: {paths: [
    {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}";

/// Serves what comes to the listener, for ever.
pub(crate) async fn serve(
    listener: TcpListener,
    endpoint: SocketAddr,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let web = ObjectId::new("shop", "web");
    let slice =
        EndpointSlice::new(ObjectId::new("shop", "web-1"), web.clone()).with_port("", endpoint.port());
    let mut cluster = Cluster::default();
    cluster.upsert_service(Service::new(web).with_port(ServicePort::new(80)));
    cluster.upsert_slice(slice.with_endpoint(SliceEndpoint::new(endpoint.ip())));
    let table = SharedTable::default();
    let object: Ingress = serde_saphyr::from_str(INGRESS)?;
    let (routes, _findings) = RouteTable::compile(Kubernetes, [&object]);
    table.publish_all(routes, cluster.endpoints());

    let service = RouteLayer::new(table.clone()).layer(Proxy::new(RoundRobin::new(table)));
    let port = listener.local_addr()?.port();
    loop {
        let (stream, client) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let peer = Peer::new(client, port, false);
        let service = service.clone();
        tokio::spawn(async move { Server::default().serve_connection(stream, peer, service).await });
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let listen = args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let endpoint = args().nth(2).unwrap_or_else(|| "127.0.0.1:9000".into()).parse()?;
    serve(TcpListener::bind(listen).await?, endpoint).await
}
