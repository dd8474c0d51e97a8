//! Rules that want another service to agree, asked by a URL.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ingress_core::dialect::IngressNginx;
use ingress_core::dialect::catalog::Settings;
use ingress_core::{RouteTable, SharedTable};
use ingress_tower::RouteLayer;
use ingress_tower::proxy::{ExternalAuthorizer, Peer, Proxy, Server};
use tokio::net::TcpListener;
use tower::Layer;

use crate::support::{InOrder, Wire, connect, echo, endpoint, header, http1, nowhere, status, within};

/// A service that answers by the cookie that it is sent, and what it was asked.
async fn judge() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let record = asked.clone();
    let address = endpoint(move |mut wire| {
        let record = record.clone();
        async move {
            while let Some(head) = wire.head().await {
                let answer = match header(&head, "cookie").unwrap_or_default() {
                    "ann" => "200 OK\r\nX-User: ann\r\nX-Secret: s\r\nSet-Cookie: seen=1\r\n",
                    "anonymous" => "204 No Content\r\n",
                    "banned" => "403 Forbidden\r\n",
                    "strange" => "302 Found\r\nLocation: /\r\n",
                    "silent" => return tokio::time::sleep(Duration::from_secs(20)).await,
                    _ => "401 Unauthorized\r\nWWW-Authenticate: Basic\r\nSet-Cookie: try=1\r\n",
                };
                record.lock().unwrap().push(head);
                let length = if answer.starts_with("204") { "" } else { "Content-Length: 0\r\n" };
                wire.send(format!("HTTP/1.1 {answer}{length}\r\n")).await;
            }
        }
    });
    (address.await, asked)
}

async fn front(annotations: &str, authorizer: ExternalAuthorizer) -> SocketAddr {
    let object: k8s_openapi::api::networking::v1::Ingress = serde_saphyr::from_str(&format!(
        "
metadata: {{namespace: shop, name: web, annotations: {{
  {}}}}}
spec:
  ingressClassName: nginx
  rules: [{{host: a.example, http: {{paths: [
    {{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]
",
        annotations.replace("auth-", "nginx.ingress.kubernetes.io/auth-")
    ))
    .unwrap();
    let (dialect, _) = IngressNginx::new(&Settings::default());
    let table = SharedTable::new(RouteTable::compile(dialect, [&object]).0);
    let proxy = Proxy::new(Arc::new(InOrder(vec![http1(endpoint(echo).await)])));
    let service = RouteLayer::new(table).with_authorizer(authorizer).layer(proxy);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let (peer, service) = (Peer::new(peer, 80, false), service.clone());
            tokio::spawn(async move { Server::default().serve_connection(stream, peer, service).await });
        }
    });
    address
}

async fn ask(client: &mut Wire, cookie: &str) -> (String, String) {
    let request = format!(
        "POST /x?y=1 HTTP/1.1\r\nHost: a.example\r\nX-User: eve\r\nX-Original-URL: /forged\r\n\
         Cookie: {cookie}\r\nContent-Length: 2\r\n\r\nhi"
    );
    client.send(request).await;
    client.response().await.expect("an answer")
}

#[tokio::test]
async fn the_answer_decides() {
    within(async {
        let (judge, asked) = judge().await;
        let authorizer = ExternalAuthorizer::default().allow_inward();
        let annotations =
            format!("auth-url: 'http://{judge}/check?host=$host', auth-response-headers: X-User");
        let front = front(&annotations, authorizer).await;
        let mut client = connect(front).await;

        let (head, seen) = ask(&mut client, "ann").await;
        assert_eq!((status(&head), header(&head, "set-cookie")), (200, Some("seen=1")));
        assert!(seen.starts_with("POST /x?y=1 HTTP/1.1\r\n") && seen.ends_with("hi"), "{seen}");
        assert_eq!(header(&seen, "x-user"), Some("ann"));
        assert_eq!(header(&seen, "x-secret"), None);

        let question = asked.lock().unwrap().remove(0);
        assert!(question.starts_with("GET /check?host=a.example HTTP/1.1\r\n"), "{question}");
        assert_eq!(header(&question, "host"), Some(&*judge.to_string()));
        assert_eq!(header(&question, "x-original-url"), Some("http://a.example/x?y=1"));
        assert_eq!(header(&question, "x-original-method"), Some("POST"));
        assert_eq!(header(&question, "x-auth-request-redirect"), Some("/x?y=1"));
        assert_eq!(header(&question, "x-real-ip"), Some("127.0.0.1"));
        assert_eq!(header(&question, "content-length"), None);

        // Let through, and nobody says who it is: then the client does not say it either.
        let (head, seen) = ask(&mut client, "anonymous").await;
        assert_eq!((status(&head), header(&seen, "x-user")), (200, None));

        for (cookie, code, challenge) in
            [("none", 401, Some("Basic")), ("banned", 403, None), ("strange", 500, None)]
        {
            // A body that nobody read takes the connection along.
            let mut client = connect(front).await;
            let (head, body) = ask(&mut client, cookie).await;
            assert_eq!((status(&head), header(&head, "www-authenticate")), (code, challenge), "{head}");
            assert!(body.is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_unknown_is_sent_to_sign_in() {
    within(async {
        let (judge, _) = judge().await;
        let annotations = format!("auth-url: 'http://{judge}/', auth-signin: 'https://in.example/start?a=b'");
        let front = front(&annotations, ExternalAuthorizer::default().allow_inward()).await;
        let (head, _) = ask(&mut connect(front).await, "none").await;
        let place = "https://in.example/start?a=b&rd=http://a.example%2Fx%3Fy%3D1";
        assert_eq!((status(&head), header(&head, "location")), (302, Some(place)));
        assert_eq!(header(&head, "set-cookie"), Some("try=1"));
    })
    .await;
}

#[tokio::test]
async fn without_an_answer_nobody_gets_in() {
    within(async {
        let (judge, asked) = judge().await;
        let inward = || ExternalAuthorizer::default().allow_inward().limit(Duration::from_millis(200));
        let gone = nowhere();
        for (annotations, authorizer, code) in [
            (format!("auth-url: 'http://{gone}/'"), inward(), 500),
            (format!("auth-url: 'http://{judge}/'"), inward(), 500),
            // Addresses of the machine itself are nobody's to name.
            (format!("auth-url: 'http://{judge}/'"), ExternalAuthorizer::default(), 500),
            (format!("auth-url: 'https://{judge}/'"), inward(), 500),
            // A password is something else.
            (format!("auth-url: 'http://{judge}/', auth-type: basic, auth-secret: users"), inward(), 501),
        ] {
            let front = front(&annotations, authorizer).await;
            let (head, _) = ask(&mut connect(front).await, "silent").await;
            assert_eq!(status(&head), code, "{annotations}: {head}");
        }
        assert!(asked.lock().unwrap().is_empty());
    })
    .await;
}
