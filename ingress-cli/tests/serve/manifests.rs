//! Manifests, in few words.

/// An Ingress of the namespace `web`: lines of `HOST TYPE PATH SERVICE`; `-` is no host.
pub(crate) fn ingress(name: &str, rules: &[&str]) -> String {
    let mut text = format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{namespace: web, name: {name}}}\nspec:\n  rules:\n"
    );
    for rule in rules {
        let [host, kind, path, service] = rule.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let host = if host == "-" { String::new() } else { format!("host: \"{host}\", ") };
        text.push_str(&format!(
            "  - {{{host}http: {{paths: [{{path: {path}, pathType: {kind}, backend: {{service: {{name: {service}, \
             port: {{number: 80}}}}}}}}]}}}}\n"
        ));
    }
    text
}

/// A Service of the namespace `web`, with an endpoint at each of these ports of this machine.
pub(crate) fn service(name: &str, ports: &[u16]) -> String {
    let mut text = format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{namespace: web, name: {name}}}\nspec: {{ports: [{{port: 80}}]}}\n"
    );
    for port in ports {
        text.push_str(&format!(
            "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{namespace: web, name: {name}-{port}, \
             labels: {{kubernetes.io/service-name: {name}}}}}\naddressType: IPv4\nports: [{{port: {port}}}]\n\
             endpoints: [{{addresses: [127.0.0.1]}}]\n"
        ));
    }
    text
}

/// A Secret of the namespace `web` with a certificate.
pub(crate) fn secret(name: &str, chain: &str, key: &str) -> String {
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{namespace: web, name: {name}}}\ntype: kubernetes.io/tls\n\
         stringData:\n  tls.crt: |\n{}  tls.key: |\n{}",
        indented(chain),
        indented(key)
    )
}
