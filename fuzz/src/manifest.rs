//! Manifests as bytes, right or wrong: compiled, asked for what they say, and taken back.

use ingress_core::dialect::Kubernetes;
use ingress_core::ingress::LegacyIngress;
use ingress_core::table::HostTable;
use ingress_core::{Compiler, Ingress, RequestHead};
use k8s_openapi::api::networking::v1 as api;

use crate::agree::{agree, agree_on_certificate};

/// Hosts and paths of one manifest that are asked for.
const ASKED: usize = 12;

/// One object as JSON or as YAML, read as each of the API versions.
pub fn manifest(data: &[u8]) {
    let mut objects: Vec<Ingress> = Vec::new();
    objects.extend(serde_json::from_slice::<api::Ingress>(data).ok().map(Ingress::from));
    objects.extend(serde_json::from_slice::<LegacyIngress>(data).ok().map(Ingress::from));
    if objects.is_empty()
        && let Ok(text) = std::str::from_utf8(data)
    {
        objects.extend(serde_saphyr::from_str::<api::Ingress>(text).ok().map(Ingress::from));
        objects.extend(serde_saphyr::from_str::<LegacyIngress>(text).ok().map(Ingress::from));
    }
    for object in objects {
        route(&object);
    }
}

/// Whether a terminal can show it. Objects are written by strangers.
fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn route(object: &Ingress) {
    let mut compiler = Compiler::new(Kubernetes);
    compiler.upsert(object.clone());
    let table = compiler.compile();
    for diagnostic in compiler.diagnostics() {
        assert_eq!(diagnostic.ingress(), object.id());
        assert!(is_printable(&diagnostic.to_string()), "{diagnostic}");
    }
    assert!(table.to_string().lines().all(is_printable), "{table}");
    let mut paths: Vec<String> = vec!["/".to_owned(), "*".to_owned()];
    let rules = table.hosts().flat_map(HostTable::rules);
    paths.extend(rules.take(ASKED).map(|rule| rule.path().as_str().to_owned()));
    for host in table.hosts().take(ASKED) {
        let name = host.pattern().as_str();
        let name = name.replacen('*', "w", 1);
        for path in &paths {
            agree(&table, &RequestHead::new(&name, path));
            agree(&table, &RequestHead::new(&name, &format!("{path}/x?q")));
            agree(&table, &RequestHead::new(&format!("{name}:80"), &format!("{path}x")));
        }
        agree_on_certificate(&table, &name);
    }
    compiler.remove(object.id());
    assert_eq!(compiler.compile().host_count(), 0);
    assert_eq!(compiler.diagnostics().count(), 0);
}
