//! Scraping of the metrics, where the Prometheus operator is installed.

use super::certificate::certificate;
use super::metadata::{generic, metadata, pods};
use crate::model::Object;
use crate::resolve::Effective;
use serde_json::{Value, json};

/// The PodMonitor; none without the exporter.
pub(super) fn pod_monitor(effective: &Effective) -> Option<Object> {
    let exporter = effective.exporter.as_ref()?;
    let interval = format!("{}s", exporter.scrape_interval_seconds);
    // Patroni tells of its own port what no query does: whether a replica streams, and whether it waits for a restart.
    let mut endpoints = vec![json!({"port": "pgexporter", "interval": interval}), patroni(effective, &interval)];
    if effective.has_pooler_exporter() {
        endpoints.push(json!({"port": "poolexporter", "interval": interval}));
    }
    Some(Object::new(json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": metadata(effective, &effective.cluster.name, generic(effective), &[]),
        "spec": {
            "selector": {"matchLabels": pods(effective)},
            "podMetricsEndpoints": endpoints,
        },
    })))
}

/// Patroni's port, which speaks TLS where clients do. Its certificate is for names and Prometheus connects to addresses, so the name is
/// given; the authority of a certificate of the user's is not known here.
fn patroni(effective: &Effective, interval: &str) -> Value {
    let mut endpoint = json!({"port": "patroniport", "interval": interval});
    if let Some(plan) = certificate(effective) {
        endpoint["scheme"] = json!("https");
        endpoint["tlsConfig"] = if plan.given.is_none() {
            json!({"ca": {"secret": {"name": plan.secret, "key": "ca.crt"}}, "serverName": plan.names.first()})
        } else {
            json!({"insecureSkipVerify": true})
        };
    }
    endpoint
}
