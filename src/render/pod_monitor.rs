//! Scraping of the metrics, where the Prometheus operator is installed.

use super::metadata::{generic, metadata, pods};
use crate::model::Object;
use crate::resolve::Effective;
use serde_json::json;

/// The PodMonitor; none without the exporter.
pub(super) fn pod_monitor(effective: &Effective) -> Option<Object> {
    let exporter = effective.exporter.as_ref()?;
    Some(Object::new(json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": metadata(effective, &effective.cluster.name, generic(effective), &[]),
        "spec": {
            "selector": {"matchLabels": pods(effective)},
            "podMetricsEndpoints": [{"port": "pgexporter", "interval": format!("{}s", exporter.scrape_interval_seconds)}],
        },
    })))
}
