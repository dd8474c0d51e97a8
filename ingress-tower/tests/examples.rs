//! The examples, run.

#![allow(clippy::unwrap_used, reason = "a test says no by a panic")]

#[path = "../examples/axum.rs"]
#[allow(dead_code, reason = "it has a main of its own")]
mod axum_ingress;
#[cfg(feature = "proxy")]
#[path = "../examples/hyper_proxy.rs"]
#[allow(dead_code, reason = "it has a main of its own")]
mod hyper_proxy;
#[path = "../examples/per_route.rs"]
#[allow(dead_code, reason = "it has a main of its own")]
mod per_route;

#[tokio::test]
async fn an_axum_application_is_its_own_ingress() {
    assert_eq!(
        axum_ingress::answers().await.unwrap(),
        "\
http://shop.example.com/cart/7
  200 OK: the cart, at http://shop.example.com/cart/7, by shop/web spec.rules[0].http.paths[1]
http://shop.example.com/x/../cart/7?paid
  200 OK: the cart, at http://shop.example.com/cart/7?paid, by shop/web spec.rules[0].http.paths[1]
http://shop.example.com/about
  200 OK: to be sent to shop/web:80
http://else.example.com/
  404 Not Found: 404, no such host
http://shop.example.com/%00
  400 Bad Request: 400, the path holds `%00`
"
    );
}

#[tokio::test]
async fn one_ingress_has_layers_of_its_own() {
    assert_eq!(
        per_route::answers().await.unwrap(),
        r#"shop.example.com #0 Prefix /reports -> shop/reports:80 (shop/reports spec.rules[0].http.paths[0])
shop.example.com #1 Prefix / -> shop/web:80 (shop/web spec.rules[0].http.paths[0])
http://shop.example.com/cart
  to be sent to shop/web:80 {}
http://shop.example.com/reports/7
  to be sent to shop/reports:80 {"cache-control": "no-store"}
"#
    );
}

#[cfg(feature = "proxy")]
#[tokio::test]
async fn a_reverse_proxy() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    let (front, behind) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let (address, endpoint) = (front.local_addr().unwrap(), behind.local_addr().unwrap());
    tokio::spawn(hyper_proxy::serve(front, endpoint));
    let served = tokio::spawn(async move {
        let (mut stream, _) = behind.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        request.truncate(length);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
        String::from_utf8(request).unwrap()
    });
    let mut client = TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"GET /cart HTTP/1.1\r\nHost: shop.example.com\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhi"), "{answer}");
    let request = served.await.unwrap();
    assert!(request.starts_with("GET /cart HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("x-forwarded-for: 127.0.0.1\r\n"), "{request}");
}
