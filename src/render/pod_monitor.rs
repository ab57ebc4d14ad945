//! Scraping of the metrics, where the Prometheus operator is installed.

use super::metadata::{generic, metadata, pods};
use crate::model::Object;
use crate::resolve::Effective;
use serde_json::json;

/// The PodMonitor; none without the exporter.
pub(super) fn pod_monitor(effective: &Effective) -> Option<Object> {
    let exporter = effective.exporter.as_ref()?;
    let interval = format!("{}s", exporter.scrape_interval_seconds);
    // Patroni tells of its own port what no query does: whether a replica streams, and whether it waits for a restart.
    let mut endpoints = vec![json!({"port": "pgexporter", "interval": interval}), json!({"port": "patroniport", "interval": interval})];
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
