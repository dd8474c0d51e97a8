//! The Kubernetes suites through the layer.

use std::convert::Infallible;
use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use ingress_core::dialect::Kubernetes;
use ingress_core::endpoint::{Resolution, ResolveOptions};
use ingress_core::{Backend, Compiler, SharedTable};
use ingress_tower::{Peer, Reply, RouteLayer, Routed};
use tower::{Layer, ServiceExt, service_fn};

use crate::answer::Answer;
use crate::file::{self, Suite};
use crate::manifest;

/// What the inner service finds out, as far as suites ask.
#[derive(Clone, Debug)]
struct Seen(Arc<Answer>);

fn http(request: &file::Request) -> Option<Request<()>> {
    let mut made = Request::new(());
    *made.method_mut() = request.method.clone();
    *made.uri_mut() = request.target.parse::<Uri>().ok()?;
    *made.headers_mut() = request.headers.clone();
    if let Some(host) = &request.host {
        made.headers_mut().insert("host", HeaderValue::from_str(host).ok()?);
    }
    // The parser may have taken a target for something else than the path it stands for.
    let target = made.uri().path_and_query().map(PathAndQuery::as_str);
    (target == Some(&request.target)).then_some(made)
}

/// The answers, and `None` for requests that cannot be said in the types of `http`.
async fn answers(suite: &Suite) -> Vec<Option<Answer>> {
    let mut compiler = Compiler::with_config(Kubernetes, suite.config.clone());
    for object in &suite.objects {
        let _ = compiler.upsert(manifest::ingress(object));
    }
    let table = SharedTable::new(compiler.compile());
    let endpoints = suite.cluster().endpoints();
    let has_services = endpoints.services().len() > 0;
    if has_services {
        table.publish_all(table.load().routes().clone(), endpoints);
    }
    let inner = service_fn(|request: Request<()>| {
        let routed = request.extensions().get::<Routed>().expect("the layer has been here");
        let backend = routed.backend(0).expect("it forwards");
        let mut answer = Answer {
            backend: Some(backend.to_string()),
            default_backend: routed.is_default(),
            rule: Some(routed.origin().to_string()),
            upstream_path: request.uri().path_and_query().map(ToString::to_string),
            ..Answer::default()
        };
        if has_services && let Backend::Service(service) = backend {
            let options = ResolveOptions::default();
            match table.load().endpoints().resolve(service.id(), service.port(), &options) {
                Resolution::Endpoints(set) => answer.endpoints = Some(set.len() as u64),
                Resolution::ExternalName { .. } => answer.endpoints = Some(1),
                none => {
                    answer.status = Some(503);
                    answer.reason = none.reason().map(str::to_owned);
                }
            }
        }
        let mut response = Response::new(());
        response.extensions_mut().insert(Seen(Arc::new(answer)));
        ready(Ok::<_, Infallible>(response))
    });
    let service = RouteLayer::new(table.clone()).layer(inner);
    let mut answers = Vec::new();
    for case in &suite.cases {
        let Some(mut request) = http(&case.request) else {
            answers.push(None);
            continue;
        };
        request.extensions_mut().insert(Peer::new(
            ([127, 0, 0, 1], 4711).into(),
            80,
            case.request.scheme == "https",
        ));
        let mut response = service.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let seen =
            response.extensions_mut().remove::<Seen>().and_then(|Seen(answer)| Arc::into_inner(answer));
        let mut answer = match (seen, response.extensions().get::<Reply>()) {
            (Some(answer), _) => answer,
            (None, Some(reply)) => Answer {
                status: Some(response.status().as_u16()),
                reason: match reply {
                    Reply::NotFound(_) => Some("no-route".to_owned()),
                    Reply::Refused(refusal) => Some(refusal.code().to_owned()),
                    _ => None,
                },
                rule: response.extensions().get::<Routed>().map(|routed| routed.origin().to_string()),
                ..Answer::default()
            },
            (None, None) => panic!("somebody answered"),
        };
        let certificate = table.load().certificate(case.request.server_name()).map(ToString::to_string);
        answer.certificate = certificate;
        answers.push(Some(answer));
    }
    answers
}

#[tokio::test]
async fn kubernetes_suites() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ingress-core/testdata/kubernetes");
    let mut failures = Vec::new();
    let (mut files, mut asked, mut left) = (0, 0, 0);
    for entry in std::fs::read_dir(&directory).expect("the suites are there") {
        let path = entry.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("it can be read");
        // Objects of API versions that Kubernetes dropped become the same tables.
        let Some(suite) = Suite::read(&name, &text) else { continue };
        files += 1;
        for (case, answer) in suite.cases.iter().zip(answers(&suite).await) {
            let Some(answer) = answer else {
                left += 1;
                continue;
            };
            asked += 1;
            let differences = case.expect.differences(&case.request, &answer);
            if !differences.is_empty() {
                failures.push(format!("{name}: {}\n    {}", case.request.head(), differences.join("\n    ")));
            }
        }
    }
    println!("{files} files, {asked} requests; {left} that the types of `http` cannot say");
    assert!(failures.is_empty(), "{} differences\n{}", failures.len(), failures.join("\n"));
    assert!(files >= 32 && asked >= 312 && left <= 11, "{files} files, {asked} requests, {left} left out");
}
