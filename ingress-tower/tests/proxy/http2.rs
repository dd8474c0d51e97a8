//! HTTP/2 on either side, as gRPC uses it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ingress_tower::proxy::Config;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::*;

type Pieces = StreamBody<tokio_receiver::Receiver>;

/// A channel as a stream of frames.
mod tokio_receiver {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http_body::Frame;
    use tokio::sync::mpsc;

    pub(crate) struct Receiver(pub(crate) mpsc::Receiver<Frame<Bytes>>);

    impl futures_core::Stream for Receiver {
        type Item = Result<Frame<Bytes>, Infallible>;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.0.poll_recv(cx).map(|frame| frame.map(Ok))
        }
    }
}

fn pieces() -> (mpsc::Sender<Frame<Bytes>>, Pieces) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, StreamBody::new(tokio_receiver::Receiver(receiver)))
}

/// A gRPC-like endpoint: says each message back as it comes, and the count of them in the trailers.
async fn grpc(connections: Arc<AtomicUsize>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let service = hyper::service::service_fn(async |request: Request<Incoming>| {
                assert_eq!(request.version(), http::Version::HTTP_2);
                assert_eq!(request.headers().get("te"), Some(&HeaderValue::from_static("trailers")));
                assert_eq!(request.uri().authority().unwrap().as_str(), "shop.example.com");
                assert!(!request.headers().contains_key("host"));
                let (sender, body) = pieces();
                let mut incoming = request.into_body();
                tokio::spawn(async move {
                    let mut count = 0;
                    while let Some(Ok(frame)) = incoming.frame().await {
                        // The end of a stream may come as a frame without data.
                        count += u16::from(frame.data_ref().is_some_and(|data| !data.is_empty()));
                        sender.send(frame).await.unwrap();
                    }
                    let mut trailers = HeaderMap::new();
                    trailers.insert("grpc-status", HeaderValue::from_static("0"));
                    trailers.insert("grpc-message", HeaderValue::from(count));
                    sender.send(Frame::trailers(trailers)).await.unwrap();
                });
                Ok::<_, std::convert::Infallible>(Response::new(body))
            });
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn client<B>(front: std::net::SocketAddr) -> SendRequest<B>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect(front).await.unwrap();
    let io = TokioIo::new(stream);
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

fn call<B>(body: B) -> Request<B> {
    Request::post("http://shop.example.com/pkg.Service/Method")
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .body(body)
        .unwrap()
}

#[tokio::test]
async fn messages_go_back_and_forth_on_one_stream_and_trailers_end_it() {
    within(async {
        let connections = Arc::new(AtomicUsize::new(0));
        let front = front(Config::default(), InOrder(vec![h2c(grpc(connections.clone()).await)])).await;
        let mut sender = client(front).await;
        let (messages, body) = pieces();
        let response = sender.send_request(call(body)).await.expect("an answer before the body ends");
        assert_eq!(response.status(), 200);
        let mut incoming = response.into_body();
        for text in ["one", "two", "three"] {
            messages.send(Frame::data(Bytes::from(text))).await.unwrap();
            let frame = incoming.frame().await.expect("an echo").expect("sound");
            assert_eq!(frame.into_data().expect("data"), text);
        }
        drop(messages);
        let trailers =
            incoming.frame().await.expect("an end").expect("sound").into_trailers().expect("trailers");
        assert_eq!(trailers.get("grpc-status").unwrap(), "0");
        assert_eq!(trailers.get("grpc-message").unwrap(), "3");
        assert!(incoming.frame().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_burst_of_calls_shares_one_connection() {
    within(async {
        let connections = Arc::new(AtomicUsize::new(0));
        let front = front(Config::default(), InOrder(vec![h2c(grpc(connections.clone()).await)])).await;
        let sender = client::<Full<Bytes>>(front).await;
        let calls: Vec<_> = (0..50)
            .map(|number| {
                let mut sender = sender.clone();
                tokio::spawn(async move {
                    let text = format!("message {number}");
                    let response = sender.send_request(call(Full::from(text.clone()))).await.unwrap();
                    let body = response.into_body().collect().await.unwrap();
                    assert_eq!(body.trailers().unwrap().get("grpc-message").unwrap(), "1");
                    assert_eq!(body.to_bytes(), text);
                })
            })
            .collect();
        for call in calls {
            call.await.expect("no call fails");
        }
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test]
async fn a_client_of_http2_reaches_an_endpoint_of_http1() {
    within(async {
        let front = front(Config::default(), InOrder(vec![http1(endpoint(echo).await)])).await;
        let mut sender = client::<Full<Bytes>>(front).await;
        let request = Request::put("http://shop.example.com/a?b")
            .header("cookie", "a=1")
            .header("x-forwarded-for", "6.6.6.6")
            .body(Full::from("hi"))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let seen = response.into_body().collect().await.unwrap().to_bytes();
        let seen = String::from_utf8(seen.to_vec()).unwrap();
        assert!(seen.starts_with("PUT /a?b HTTP/1.1\r\n") && seen.ends_with("\r\n\r\nhi"), "{seen}");
        assert_eq!(header(&seen, "host"), Some("shop.example.com"));
        assert_eq!(header(&seen, "x-forwarded-for"), Some("127.0.0.1"));
    })
    .await;
}

#[tokio::test]
async fn a_call_to_nobody_fails_with_a_status() {
    within(async {
        let front = front(Config::default(), InOrder(vec![h2c(nowhere())])).await;
        let mut sender = client::<Full<Bytes>>(front).await;
        let response = sender.send_request(call(Full::from("hi"))).await.unwrap();
        assert_eq!(response.status(), 502);
        assert!(!response.headers().contains_key("connection"));
    })
    .await;
}
