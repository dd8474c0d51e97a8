//! Manifests that come with the Services, endpoints and Secrets around them.

use insta::assert_snapshot;

use super::program::{directory, shown};

const CLUSTER: &str = "ingress-cli/examples/cluster.yaml";
const URLS: &[&str] = &[
    "https://shop.example.com/checkout",
    "https://shop.example.com/cart/",
    "https://shop.example.com/pay",
    "http://shop.example.com/x",
];

#[test]
fn backends_are_judged_by_what_the_input_holds() {
    assert_snapshot!(shown(&[&["route", "-f", CLUSTER], URLS].concat(), ""));
    assert_snapshot!(
        "backends_are_judged_as_data",
        shown(&[&["route", "-o", "json", "-f", CLUSTER], URLS].concat(), "")
    );
    assert_snapshot!("explain_of_a_missing_backend", shown(&["explain", "-f", CLUSTER, URLS[0]], ""));
    assert_snapshot!("table_with_endpoints", shown(&["table", "-f", CLUSTER], ""));
    assert_snapshot!("table_with_endpoints_as_data", shown(&["table", "-f", CLUSTER, "-o", "json"], ""));
}

/// The answer for a backend, beside the manifests given.
fn answer(test: &str, manifests: &str) -> String {
    let ingress = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  tls: [{secretName: shop-tls}]
  defaultBackend: {service: {name: web, port: {number: 80}}}
---
";
    let path = directory(test, &[("all.yaml", format!("{ingress}{manifests}").as_bytes())]);
    let shown = shown(&["route", "-o", "json", "-f", path.to_str().unwrap(), "https://a.b/"], "");
    let (_, line) = shown.split_once("{\"outcome\":").unwrap();
    let (line, _) = line.split_once('\n').unwrap();
    let parts =
        ["\"backend\"", "\"respond\"", "service-absent", "port-absent", "no-endpoints", "certificate_absent"];
    parts.iter().filter(|part| line.contains(*part)).copied().collect::<Vec<_>>().join(" ")
}

/// With nothing of a kind everything of it is taken to exist; with something, only that does.
#[test]
fn each_kind_is_judged_by_itself() {
    let service = "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {ports: [{port: 80}]}}\n---\n";
    let other = service.replace("web", "other");
    let slice = "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, namespace: shop, \
        labels: {kubernetes.io/service-name: web}}, addressType: IPv4, ports: [{port: 8080}], \
        endpoints: [{addresses: [10.0.0.1]}]}\n---\n";
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: shop-tls, namespace: shop}}\n---\n";
    let cases = [
        ("nothing", String::new(), "\"backend\""),
        ("service", service.to_owned(), "\"backend\""),
        ("other", other.clone(), "\"backend\" \"respond\" service-absent"),
        ("port", service.replace("80", "81"), "\"backend\" \"respond\" port-absent"),
        ("slice-alone", slice.to_owned(), "\"backend\""),
        ("slice", format!("{service}{slice}"), "\"backend\""),
        (
            "slice-of-another",
            format!("{service}{}", slice.replace("web", "x")),
            "\"backend\" \"respond\" no-endpoints",
        ),
        ("secret", secret.to_owned(), "\"backend\""),
        ("secret-of-another", secret.replace("shop-tls", "x"), "\"backend\" certificate_absent"),
    ];
    for (name, manifests, wanted) in cases {
        assert_eq!(answer(&format!("judged-{name}"), &manifests), wanted, "{name}");
    }
}

#[test]
fn a_service_that_is_none_is_named_and_exists() {
    let directory = directory(
        "broken-service",
        &[("all.yaml", b"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {ports: http}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\nspec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n")],
    );
    let shown = shown(&["route", "-f", directory.to_str().unwrap(), "/"], "");
    assert_snapshot!(shown.replace(directory.to_str().unwrap(), "DIRECTORY"));
}
