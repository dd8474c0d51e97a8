//! A front, endpoints and clients on loopback. Endpoints and clients are bytes on sockets: nothing that
//! the proxy is made of judges what the proxy does.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ingress_core::endpoint::Address;
use ingress_core::{RouteTable, SharedTable, dialect::Kubernetes};
use ingress_tower::RouteLayer;
use ingress_tower::proxy::{Choice, Config, Peer, Pick, Picked, Protocol, Proxy, Server, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::Layer;

/// No test may hang.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("the test hangs")
}

/// A table in which every path of every host forwards.
pub(crate) fn table() -> SharedTable {
    let all: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str(
        "metadata: {namespace: shop, name: web}
spec: {rules: [{http: {paths: [
    {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}",
    )
    .expect("a sound manifest");
    SharedTable::new(RouteTable::compile(Kubernetes, [&all]).0)
}

/// The first target for the first attempt, the second for the second, and the last for all others.
pub(crate) struct InOrder(pub(crate) Vec<Target>);

impl Pick for InOrder {
    fn pick(&self, choice: &Choice<'_>) -> Result<Picked, &'static str> {
        let target = self.0.get(choice.tried().len()).or_else(|| self.0.last()).ok_or("no-endpoints")?;
        Ok(Picked::new(target.clone()))
    }
}

pub(crate) fn http1(address: SocketAddr) -> Target {
    Target::new(Address::Socket(address), Protocol::Http1)
}

pub(crate) fn h2c(address: SocketAddr) -> Target {
    Target::new(Address::Socket(address), Protocol::H2c)
}

/// A proxy that listens, with the default server.
pub(crate) async fn front(config: Config, pick: impl Pick) -> SocketAddr {
    front_with(Server::default(), config, pick).await
}

pub(crate) async fn front_with(server: Server, config: Config, pick: impl Pick) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let service = RouteLayer::new(table()).layer(Proxy::with_config(Arc::new(pick), config));
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            stream.set_nodelay(true).expect("a socket");
            let (server, service) = (server.clone(), service.clone());
            tokio::spawn(async move {
                let peer = Peer::new(peer, address.port(), false);
                // Whether it ends well is for the client to see.
                let _ = server.serve_connection(stream, peer, service).await;
            });
        }
    });
    address
}

/// An endpoint: what it does with each connection.
pub(crate) async fn endpoint<F, Fut>(serve: F) -> SocketAddr
where
    F: Fn(Wire) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(Wire::new(stream)));
        }
    });
    address
}

/// An address where nothing listens. The port stays taken, so that no other test gets it.
pub(crate) fn nowhere() -> SocketAddr {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let address = socket.local_addr().expect("bound");
    std::mem::forget(socket);
    address
}

pub(crate) async fn connect(address: SocketAddr) -> Wire {
    let stream = TcpStream::connect(address).await.expect("the front listens");
    stream.set_nodelay(true).expect("a socket");
    Wire::new(stream)
}

/// A socket, read piece by piece.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the other side reads");
    }

    pub(crate) async fn finish(&mut self) {
        // The other side may have closed already.
        let _ = self.stream.shutdown().await;
    }

    /// Reads more; false at the end.
    async fn more(&mut self) -> bool {
        self.stream.read_buf(&mut self.buffer).await.unwrap_or(0) > 0
    }

    /// All up to and with `end`, or nothing if the connection ends before.
    pub(crate) async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some(at) = find(&self.buffer, end.as_bytes()) {
                let text: Vec<u8> = self.buffer.drain(..at + end.len()).collect();
                return Some(text.iter().map(|byte| char::from(*byte)).collect());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// The head of a message, with the empty line.
    pub(crate) async fn head(&mut self) -> Option<String> {
        self.until("\r\n\r\n").await
    }

    pub(crate) async fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < count {
            if !self.more().await {
                return None;
            }
        }
        Some(self.buffer.drain(..count).collect())
    }

    /// What comes until the other side closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.buffer)
    }

    /// The body that a head announces; chunks are put together, and trailers come second.
    pub(crate) async fn body(&mut self, head: &str) -> Option<(Vec<u8>, String)> {
        if let Some(length) = header(head, "content-length") {
            return Some((self.exactly(length.parse().ok()?).await?, String::new()));
        }
        if header(head, "transfer-encoding").is_none() {
            return Some(Default::default());
        }
        let mut body = Vec::new();
        loop {
            let size = self.until("\r\n").await?;
            let size = usize::from_str_radix(size.trim_end(), 16).ok()?;
            if size == 0 {
                break;
            }
            body.extend(self.exactly(size).await?);
            assert_eq!(self.exactly(2).await?, b"\r\n");
        }
        let mut trailers = String::new();
        loop {
            let line = self.until("\r\n").await?;
            if line == "\r\n" {
                return Some((body, trailers));
            }
            trailers.push_str(&line);
        }
    }

    /// A response: its head and its body.
    pub(crate) async fn response(&mut self) -> Option<(String, String)> {
        let head = self.head().await?;
        let (body, trailers) = self.body(&head).await?;
        Some((head, String::from_utf8_lossy(&body).into_owned() + &trailers))
    }
}

pub(crate) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// The value of a header.
pub(crate) fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

pub(crate) fn status(head: &str) -> u16 {
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// Answers every request with the request: its head in the body, and how long its own body was.
pub(crate) async fn echo(mut wire: Wire) {
    while let Some(head) = wire.head().await {
        let Some((body, trailers)) = wire.body(&head).await else { return };
        let text = format!("{head}{}{trailers}", String::from_utf8_lossy(&body));
        wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())).await;
    }
}
