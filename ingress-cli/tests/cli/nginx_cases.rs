//! What ingress-nginx answered, as suites of `ingress test`.
//!
//! The observations of core's own tests, each set written as one file: manifests, and what is expected of the
//! requests. One run of the program reads all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::program::{directory, ingress, output, workspace};

const DATA: &str = "ingress-core/tests/testdata/ingress-nginx";

/// Where nothing else is ready, endpoints that are about to end are used; the controller did not do that.
const TERMINATING: &str = "backend/serving-terminating-not-used/503";

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'v>(value: &'v Value, default: &'v str) -> &'v str {
    value.as_str().unwrap_or(default)
}

/// Certificates by the names in them, all with one key.
struct Certificates {
    key: rcgen::KeyPair,
    made: BTreeMap<String, String>,
}

impl Certificates {
    /// A certificate that says what the Secret's says, with its key.
    fn of(&mut self, secret: &Value) -> (&str, String) {
        let (key, names) = (&self.key, format!("{} {}", secret["dnsNames"], secret["cn"]));
        let certificate = self.made.entry(names).or_insert_with(|| {
            let names = list(&secret["dnsNames"]).map(|name| text(name, "").to_owned());
            let mut params = rcgen::CertificateParams::new(names.collect::<Vec<_>>()).unwrap();
            params.distinguished_name = rcgen::DistinguishedName::new();
            if let Some(name) = secret["cn"].as_str() {
                params.distinguished_name.push(rcgen::DnType::CommonName, name);
            }
            params.self_signed(key).unwrap().pem()
        });
        (certificate, key.serialize_pem())
    }
}

/// A set as a suite, and why cases of it are none of a request's answer.
struct Written {
    documents: Vec<Value>,
    tests: Vec<Value>,
    left_out: BTreeMap<&'static str, usize>,
}

fn write(set: &Value, certificates: &mut Certificates) -> Written {
    let cluster = &set["cluster"];
    let mut written = Written { documents: Vec::new(), tests: Vec::new(), left_out: BTreeMap::new() };
    for case in list(&set["cases"]) {
        match expectation(case) {
            Ok(expect) => {
                let mut request = case["request"].clone();
                let fields = request.as_object_mut().unwrap();
                fields.remove("repeat");
                fields.insert("client_ip".to_owned(), json!("127.0.0.1"));
                fields.insert("id".to_owned(), case["id"].clone());
                written.tests.push(json!({"request": request, "expect": expect}));
            }
            Err(why) => *written.left_out.entry(why).or_default() += 1,
        }
    }
    for object in list(&set["objects"]) {
        let mut object = object.clone();
        object["apiVersion"] = json!("networking.k8s.io/v1");
        object["kind"] = json!("Ingress");
        written.documents.push(object);
    }
    for class in list(&cluster["ingressclasses"]) {
        let mut class = class.clone();
        class["apiVersion"] = json!("networking.k8s.io/v1");
        class["kind"] = json!("IngressClass");
        written.documents.push(class);
    }
    services(set, &mut written.documents);
    for secret in list(&cluster["secrets"]) {
        let metadata = json!({"namespace": text(&secret["namespace"], "default"), "name": secret["name"]});
        let mut document = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata});
        if secret["dnsNames"].is_null() && secret["cn"].is_null() {
            document["data"] = secret["data"].clone();
        } else {
            let (certificate, key) = certificates.of(secret);
            document["type"] = json!("kubernetes.io/tls");
            document["stringData"] = json!({"tls.crt": certificate, "tls.key": key});
        }
        written.documents.push(document);
    }
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let strings = |value: &Value| -> Map<String, Value> {
        let entries = value.as_object().into_iter().flatten();
        entries.map(|(key, value)| (key.clone(), json!(shown(value)))).collect()
    };
    written.documents.push(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": "infra", "name": "controller"},
        "data": strings(&cluster["config"]),
    }));
    let mut options = json!({"dialect": "ingress-nginx"});
    if !cluster["flags"].is_null() {
        options["settings"] = Value::Object(strings(&cluster["flags"]));
    }
    written.documents.push(json!({"options": options, "requests": written.tests}));
    written
}

/// What a test is to expect; or why the case is not about what routing answers.
fn expectation(case: &Value) -> Result<Value, &'static str> {
    let (expect, request) = (&case["expect"], &case["request"]);
    let header = |name: &str| request["headers"].get(name).is_some();
    if header("X-Echo-Status") || header("Content-Length") {
        return Err("the upstream or whoever forwards decides");
    }
    if request.get("http_version").is_some() || request["host"].is_null() || header("Host") {
        return Err("a request that the suite cannot say");
    }
    Ok(match text(&expect["kind"], "") {
        "backend" => {
            let backend = json!({"namespace": expect["namespace"], "service": expect["service"]});
            match &expect["rewritten_path"] {
                Value::Null => json!({ "backend": backend }),
                path => json!({"backend": backend, "upstream_path": path}),
            }
        }
        "default_backend" => json!({"status": 404}),
        "redirect" => json!({"status": expect["status"], "location": expect["location"]}),
        "service_unavailable" if case["id"] == TERMINATING => {
            return Err("endpoints that end may still serve");
        }
        "service_unavailable" => json!({"status": 503}),
        "forbidden" => json!({"status": 403}),
        "bad_request" => json!({"status": expect["status"].as_u64().unwrap_or(400)}),
        "response" => json!({"status": expect["status"]}),
        "config_rejected" | "admission_denied" | "admission_allowed" => return Err("about objects"),
        "endpoints" | "split" => return Err("about many requests"),
        _ => return Err("of a kind that is not known"),
    })
}

/// All Services with their endpoints: those that are listed, and those that a rule names.
fn services(set: &Value, documents: &mut Vec<Value>) {
    let mut ports: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for object in list(&set["objects"]) {
        let namespace = text(&object["metadata"]["namespace"], "default");
        let paths = list(&object["spec"]["rules"]).flat_map(|rule| list(&rule["http"]["paths"]));
        let backends = paths.map(|path| &path["backend"]).chain([&object["spec"]["defaultBackend"]]);
        for service in
            backends.map(|backend| &backend["service"]).filter(|service| service["name"].is_string())
        {
            let key = (namespace.to_owned(), text(&service["name"], "").to_owned());
            let port = match &service["port"]["number"] {
                Value::Number(number) => number.to_string(),
                _ => text(&service["port"]["name"], "").to_owned(),
            };
            ports.entry(key).or_default().insert(port);
        }
    }
    // Without any, nothing would be known of Services.
    documents.push(json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "infra", "name": "controller"}, "spec": {"ports": [{"port": 80}]},
    }));
    let listed: BTreeMap<(String, String), &Value> = list(&set["cluster"]["services"])
        .map(|service| {
            let key =
                (text(&service["namespace"], "default").to_owned(), text(&service["name"], "").to_owned());
            (key, service)
        })
        .collect();
    for key in ports.keys().chain(listed.keys()).collect::<BTreeSet<_>>() {
        let listed = listed.get(key).copied().unwrap_or(&Value::Null);
        if listed["missing"] == true {
            continue;
        }
        let own: Vec<Value> = match listed["ports"].as_array() {
            Some(ports) => ports.clone(),
            None => (1..).zip(ports.get(key).into_iter().flatten()).map(port).collect(),
        };
        let (namespace, name) = key;
        let metadata = json!({"namespace": namespace, "name": name});
        let spec = json!({"ports": own});
        let mut endpoints = match &listed["endpoints"] {
            Value::Null => vec![json!({"addresses": ["10.0.0.1"]})],
            Value::Number(count) => (1..=count.as_u64().unwrap())
                .map(|last| json!({"addresses": [format!("10.0.0.{last}")]}))
                .collect(),
            Value::Array(all) => all.clone(),
            _ => Vec::new(),
        };
        // Names are refused that lead back to the controller.
        let refused = |name: &str| name == "localhost" || name.parse::<std::net::IpAddr>().is_ok();
        if listed["externalName"].as_str().is_some_and(refused) {
            endpoints.clear();
        }
        documents.push(json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}));
        let slice_ports: Vec<Value> = own
            .iter()
            .map(|port| {
                let target = port["targetPort"].as_u64().or_else(|| port["port"].as_u64());
                json!({"name": text(&port["name"], ""), "port": target})
            })
            .collect();
        documents.push(json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "namespace": namespace, "name": format!("{name}-1"),
                "labels": {"kubernetes.io/service-name": name},
            },
            "addressType": "IPv4",
            "ports": slice_ports,
            "endpoints": endpoints,
        }));
    }
}

fn port((number, port): (u16, &String)) -> Value {
    match port.parse::<u16>() {
        Ok(own) => json!({"name": format!("p{own}"), "port": own}),
        Err(_) => json!({"name": port, "port": 10_000 + number}),
    }
}

/// The sets of both files.
fn sets() -> Vec<Value> {
    let folder = workspace().join(DATA);
    let mut lines = fs::read_to_string(folder.join("topics.jsonl")).unwrap();
    let packed = fs::File::open(folder.join("random.jsonl.gz")).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut lines).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn suites_of_what_ingress_nginx_answered() {
    let folder = directory("nginx-cases", &[]);
    fs::create_dir_all(&folder).unwrap();
    let mut certificates = Certificates { key: rcgen::KeyPair::generate().unwrap(), made: BTreeMap::new() };
    let (mut tests, mut left_out) = (0, BTreeMap::<_, usize>::new());
    for (number, set) in sets().iter().enumerate() {
        let written = write(set, &mut certificates);
        for (why, count) in written.left_out {
            *left_out.entry(why).or_default() += count;
        }
        tests += written.tests.len();
        let documents: Vec<_> = written.documents.iter().map(ToString::to_string).collect();
        fs::write(folder.join(format!("{number}.yaml")), documents.join("\n---\n")).unwrap();
    }
    let (failed, summary) = run(&folder);
    let (beyond, failed): (Vec<_>, Vec<_>) = failed.into_iter().partition(is_beyond);
    assert!(!left_out.contains_key("of a kind that is not known"), "{left_out:?}");
    println!("{tests} tests, {} beyond; left out: {left_out:?}; {summary}", beyond.len());
    assert!(beyond.len() * 50 < tests, "{} are too many to be set aside", beyond.len());
    assert!(
        failed.is_empty(),
        "{} of {tests} fail, such as {:#?}",
        failed.len(),
        failed.get(..9.min(failed.len()))
    );
    assert_eq!(summary["tests"], json!(tests));
    assert_eq!(tests + left_out.values().sum::<usize>(), 10_822);
}

/// What the controller said of objects, as findings of `ingress check`.
#[test]
fn findings_where_ingress_nginx_refused() {
    let mut certificates = Certificates { key: rcgen::KeyPair::generate().unwrap(), made: BTreeMap::new() };
    let mut asked = 0;
    for set in sets() {
        let about = ["config_rejected", "admission_denied", "admission_allowed"];
        let cases: Vec<_> =
            list(&set["cases"]).filter(|case| about.contains(&text(&case["expect"]["kind"], ""))).collect();
        if cases.is_empty() {
            continue;
        }
        let mut documents = write(&set, &mut certificates).documents;
        documents.pop();
        let documents: Vec<_> = documents.iter().map(ToString::to_string).collect();
        let mut arguments: Vec<String> = [
            "check",
            "-o",
            "json",
            "--dialect",
            "ingress-nginx",
            "--configmap",
            "infra/controller",
            "-f",
            "-",
        ]
        .map(str::to_owned)
        .into();
        for (name, value) in set["cluster"]["flags"].as_object().into_iter().flatten() {
            arguments.push(format!("--option={name}={}", value.to_string().trim_matches('"')));
        }
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let output = output(ingress(&arguments), documents.join("\n---\n").as_bytes());
        let stdout = String::from_utf8(output.stdout).unwrap();
        let found: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for case in cases {
            asked += 1;
            let expect = &case["expect"];
            let has = |codes: &[&str]| {
                found.iter().any(|finding| {
                    codes.contains(&text(&finding["code"], ""))
                        && (expect["ingress"].is_null() || finding["object"] == expect["ingress"])
                })
            };
            let refused = has(&["nginx-not-admitted", "nginx-not-loaded"]);
            let right = match text(&expect["kind"], "") {
                "admission_denied" => refused,
                "admission_allowed" => !refused,
                // Names are never resolved while manifests are read.
                _ if text(&expect["reason_contains"], "").contains("host not found") => true,
                _ => has(&["nginx-refuses-configuration"]),
            };
            assert!(right, "{}: {expect}, found {found:#?}", case["id"]);
        }
    }
    assert!(asked >= 67, "{asked}");
}

/// Whether a failed test is about something that is not to be had: look-around in an expression, which answers
/// 503 and says so; whoever is asked to authorize; a backend without endpoints, which the data plane answers for;
/// and text for the configuration of nginx.
fn is_beyond(event: &Value) -> bool {
    let (answer, forwards) = (&event["answer"], event["answer"]["outcome"] == "backend");
    let statuses: Option<Vec<_>> = list(&event["differences"])
        .map(|one| one["expected"].as_u64().filter(|_| one["key"] == "status"))
        .collect();
    let statuses = statuses.filter(|_| forwards).unwrap_or_default();
    answer["reason"] == "unsupported"
        || statuses.iter().any(|status| match status {
            404 | 503 => answer["endpoints"].is_null(),
            status => [401, 418, 500].contains(status),
        })
}

fn run(folder: &Path) -> (Vec<Value>, Value) {
    let arguments = ["test", "-o", "json", "--configmap", "infra/controller", folder.to_str().unwrap()];
    let output = output(ingress(&arguments), b"");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let mut events: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = events.pop();
    assert!(summary.is_some(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary = summary.unwrap_or_default();
    (events.into_iter().filter(|event| event["passed"] == false).collect(), summary)
}
