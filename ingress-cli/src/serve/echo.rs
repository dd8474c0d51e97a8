//! `--echo`: a pod for every backend, that answers with what it sees.
//!
//! The pods stand behind the proxy like any other, only that the connection to them leads nowhere but
//! into this process. So what they see is what a pod would have seen: the same headers, the same path.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ingress_core::Backend;
use ingress_core::endpoint::{Address, Cluster, Endpoints, Resolution, Service, ServicePort};
use ingress_core::origin::ObjectId;
use ingress_core::port::Port;
use ingress_core::rule::Forward;
use ingress_core::table::HostTable;
use ingress_tower::proxy::{Choice, Connect, Connected, Connecting, Pick, Picked, Protocol, Reason, Target};
use serde::Serialize;
use serde_json::Value;

use super::published::Published;
use crate::answer::{BackendView, RuleView};
use crate::inventory::Standing;
use crate::session::Session;

/// How many bytes are on the way to a pod, or from it, at most.
const BUFFER: usize = 64 << 10;

/// Which pod a request goes to. Backends that the input says cannot be reached have none.
#[derive(Debug)]
pub(super) struct EchoPick {
    published: Arc<Published>,
}

/// Connects to pods. What they are is written into the name that the pick gave them.
#[derive(Debug)]
pub(super) struct EchoConnect;

/// What a pod knows of itself and of the rule that it is asked by, as `ingress route` writes it.
#[derive(Serialize)]
struct Pod<'t> {
    #[serde(flatten)]
    backend: BackendView<'t>,
    rule: RuleView<'t>,
}

/// The answer. The order of the keys is that of their interest.
#[derive(Serialize)]
struct Echo<'r> {
    namespace: &'r Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    service: &'r Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    port: &'r Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    resource: &'r Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    ingress: &'r Value,
    rule: &'r Value,
    method: &'r str,
    path: &'r str,
    host: Option<String>,
    protocol: String,
    headers: BTreeMap<&'r str, Values>,
    /// The length of the body, where there was one.
    #[serde(skip_serializing_if = "is_zero")]
    body_bytes: u64,
}

/// A header may be there more than once.
#[derive(Serialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl EchoPick {
    pub(super) fn new(published: Arc<Published>) -> Self {
        Self { published }
    }
}

impl Pick for EchoPick {
    fn pick(&self, choice: &Choice<'_>) -> Result<Picked, &'static str> {
        let routed = choice.routed();
        let Some(backend) = choice.backend() else { return Err("backend-unknown") };
        let session = self.published.session.load();
        let Some(session) = &*session else { return Err("no-table") };
        let app_protocol = match session.inventory.standing(backend) {
            Standing::Missing(reason) => return Err(reason),
            Standing::Resolved(Resolution::Endpoints(set)) => set.app_protocol().map(Arc::from),
            Standing::Resolved(Resolution::ExternalName { app_protocol, .. }) => app_protocol,
            _ => None,
        };
        let protocol = match Protocol::from_app_protocol(app_protocol.as_deref()) {
            Protocol::H2c => Protocol::H2c,
            // What TLS carries is the same without it.
            _ => Protocol::Http1,
        };
        let pod = Pod {
            backend: BackendView::new(backend),
            rule: RuleView::new(session, routed.rule(), routed.host()),
        };
        let name = match backend {
            Backend::Service(service) => format!("{}.{}.echo.invalid", service.name(), service.namespace()),
            _ => "echo.invalid".to_owned(),
        };
        let pod = serde_json::to_string(&pod).map_err(|_| "backend-unknown")?;
        // Never looked up. That the proxy sees different targets for different rules keeps their
        // connections apart, so that a pod knows for good which rule it is asked by.
        let target = Target::new(Address::Name(name.into(), 80), protocol).with_server_name(pod);
        Ok(Picked::new(target))
    }
}

impl Connect for EchoConnect {
    fn connect<'c>(&'c self, target: &'c Target) -> Connecting<'c> {
        Box::pin(async move {
            let pod: Value = target
                .server_name()
                .and_then(|pod| serde_json::from_str(pod).ok())
                .ok_or(Reason::ConnectFailed)?;
            let pod = Arc::new(pod);
            let http2 = target.protocol() == Protocol::H2c;
            let (near, far) = tokio::io::duplex(BUFFER);
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let pod = pod.clone();
                    async move { Ok::<_, Infallible>(answer(&pod, request).await) }
                });
                let far = TokioIo::new(far);
                // A proxy that hangs up has its reasons; there is nobody to tell.
                let _ = if http2 {
                    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    connection.serve_connection(far, service).await
                } else {
                    hyper::server::conn::http1::Builder::new().serve_connection(far, service).await
                };
            });
            Ok(Connected::new(near, http2))
        })
    }
}

/// The endpoints that rules are told of: every backend has one, unless the input says that it has none.
pub(super) fn endpoints(session: &Session) -> Arc<Endpoints> {
    let rules = session.table.hosts().flat_map(HostTable::rules);
    let forwards = rules.filter_map(|rule| rule.action().as_forward());
    let backends = forwards.flat_map(Forward::backends).map(|(backend, _)| backend);
    let mut ports: BTreeMap<&ObjectId, BTreeSet<&Port>> = BTreeMap::new();
    for backend in
        backends.filter(|backend| !matches!(session.inventory.standing(backend), Standing::Missing(_)))
    {
        if let Backend::Service(service) = backend {
            ports.entry(service.id()).or_default().insert(service.port());
        }
    }
    let mut cluster = Cluster::default();
    for (id, ports) in ports {
        // A name outside of the cluster is the one kind of endpoint that takes no further objects.
        let service = Service::new(id.clone()).external_name("echo.invalid");
        let declared = |port: &Port| match port {
            Port::Number(number) => ServicePort::new(*number),
            Port::Name(name) => ServicePort::new(80).with_name(name),
        };
        cluster.upsert_service(ports.into_iter().map(declared).fold(service, Service::with_port));
    }
    cluster.endpoints()
}

/// What a pod answers.
async fn answer(pod: &Value, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, mut body) = request.into_parts();
    let mut body_bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        body_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    let host = head.headers.get(HOST).map(text);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let key = |key: &str| pod.get(key).unwrap_or(&Value::Null);
    let echo = Echo {
        namespace: key("namespace"),
        service: key("service"),
        port: key("port"),
        resource: key("resource"),
        ingress: key("rule").get("ingress").unwrap_or(&Value::Null),
        rule: key("rule"),
        method: head.method.as_str(),
        path,
        host: host.or_else(|| head.uri.authority().map(ToString::to_string)),
        protocol: format!("{:?}", head.version),
        headers: headers(&head.headers),
        body_bytes,
    };
    // Text and numbers can always be written.
    let mut text = serde_json::to_vec_pretty(&echo).unwrap_or_default();
    text.push(b'\n');
    let mut response = Response::new(Full::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn headers(headers: &HeaderMap) -> BTreeMap<&str, Values> {
    let values = |name| headers.get_all(name).iter().map(text);
    headers
        .keys()
        .map(|name| {
            let all: Vec<_> = values(name).collect();
            let all = match <[String; 1]>::try_from(all) {
                Ok([one]) => Values::One(one),
                Err(many) => Values::Many(many),
            };
            (name.as_str(), all)
        })
        .collect()
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
