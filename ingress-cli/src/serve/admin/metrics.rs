//! Counters in the text format of Prometheus.

use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use ingress_tower::tls::Validity;

use crate::serve::published::Published;

/// The text.
pub(super) fn text(published: &Published) -> String {
    let mut text = Text::default();
    let counts = &published.counts;
    text.family("ingress_build_info", "gauge", "The version of the program.");
    text.sample("ingress_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.family("ingress_responses_total", "counter", "Answers, by the first digit of their status.");
    for class in 1..=5 {
        let label = format!("{class}xx");
        text.sample("ingress_responses_total", &[("status", &label)], counts.class(class));
    }
    text.one(
        "ingress_connections_total",
        "counter",
        "Connections of clients that were accepted.",
        read(&counts.connections.all),
    );
    text.one(
        "ingress_connections",
        "gauge",
        "Connections of clients that are open.",
        read(&counts.connections.open),
    );
    text.one(
        "ingress_connections_refused_total",
        "counter",
        "Connections that did not begin with the PROXY protocol as they should.",
        read(&counts.refused),
    );
    text.one(
        "ingress_tls_handshakes_failed_total",
        "counter",
        "TLS handshakes that failed.",
        read(&counts.handshakes_failed),
    );
    let reloads = &published.reloads;
    text.family("ingress_reloads_total", "counter", "How often the files were read.");
    text.sample("ingress_reloads_total", &[("result", "whole")], read(&reloads.good));
    text.sample("ingress_reloads_total", &[("result", "partly-unreadable")], read(&reloads.broken));
    text.one(
        "ingress_last_reload_timestamp_seconds",
        "gauge",
        "When the files were read last.",
        read(&reloads.last),
    );
    #[expect(clippy::cast_precision_loss, reason = "nobody waits for so long that it counted")]
    let took = read(&reloads.took) as f64 / 1e6;
    text.one(
        "ingress_last_reload_duration_seconds",
        "gauge",
        "From reading files to serving what they say.",
        took,
    );
    text.one(
        "ingress_files_kept",
        "gauge",
        "Files that are served as they were, because they cannot be read.",
        read(&reloads.kept),
    );
    text.one("ingress_ready", "gauge", "Whether requests may be sent here.", u8::from(published.is_ready()));
    if let Some(session) = &*published.session.load() {
        let table = &session.table;
        text.one("ingress_table_hosts", "gauge", "Hosts of the table.", table.host_count());
        text.one("ingress_table_rules", "gauge", "Rules of the table.", table.rule_count());
        text.one("ingress_table_bytes", "gauge", "Memory of the table.", table.memory_usage().total());
        text.one(
            "ingress_certificates_missing",
            "gauge",
            "Certificates that the table names and that are not there.",
            published.certificates.missing(table).len(),
        );
    }
    let validities = published.certificates.validities();
    if !validities.is_empty() {
        text.family(
            "ingress_certificate_not_after_timestamp_seconds",
            "gauge",
            "When the certificate of a Secret ceases to be valid.",
        );
        for (secret, validity) in &validities {
            text.sample(
                "ingress_certificate_not_after_timestamp_seconds",
                &[("namespace", secret.namespace()), ("secret", secret.name())],
                seconds(validity),
            );
        }
    }
    text.0
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn seconds(validity: &Validity) -> u64 {
    validity.not_after().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The format: a family's help and type once, before its samples.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            let _ = write!(self.0, "{}{label}=\"{text}\"", if index == 0 { "{" } else { "," });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_quoted() {
        let mut text = Text::default();
        text.family("a", "gauge", "A thing.");
        text.sample("a", &[("b", "x\"y\\z\n"), ("c", "")], 1);
        text.sample("a", &[], 2);
        assert_eq!(text.0, "# HELP a A thing.\n# TYPE a gauge\na{b=\"x\\\"y\\\\z\\n\",c=\"\"} 1\na 2\n");
    }

    #[test]
    fn there_are_numbers_before_there_is_a_table() {
        let text = text(&Published::default());
        assert!(
            text.contains("ingress_ready 0\n")
                && text.contains("ingress_responses_total{status=\"5xx\"} 0\n")
        );
        assert!(!text.contains("ingress_table_rules"));
    }
}
