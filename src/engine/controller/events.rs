//! Events: what happened, for `kubectl describe`.

use crate::diagnostics::visible;
use crate::kubernetes::Cluster;
use crate::model::{Digest, Object};
use jiff::Timestamp;
use serde_json::json;

/// Tells an event about an object. Its name is a digest of what it says and of the ten minutes it is said in, so the same is not
/// told again and again. An event that cannot be told is no failure.
pub(super) async fn tell(cluster: &Cluster, about: &Object, warning: bool, reason: &str, note: &str, now: Timestamp) {
    told(cluster, about, warning, reason, note, now, 600).await;
}

/// Tells an event that is one of its own each time, also when the same happened a moment ago.
pub(super) async fn tell_each(cluster: &Cluster, about: &Object, reason: &str, note: &str, now: Timestamp) {
    told(cluster, about, false, reason, note, now, 1).await;
}

async fn told(cluster: &Cluster, about: &Object, warning: bool, reason: &str, note: &str, now: Timestamp, once_in: i64) {
    let moment = now.as_second() / once_in;
    let digest = Digest::of(&json!([about.uid(), reason, note, moment]));
    // Notes hold at most 1 KiB (Kubernetes API reference, `Event v1`).
    let note: String = visible(note).chars().take(1_000).collect();
    let event = Object::new(json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": format!("{}.{}", about.name(), digest.short()), "namespace": about.namespace()},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        "reportingController": "stackgres.io/controller",
        "reportingInstance": "stackgres",
        "action": reason,
        "reason": reason,
        "note": note,
        "type": if warning { "Warning" } else { "Normal" },
        "regarding": {"apiVersion": about.api_version(), "kind": about.kind(), "name": about.name(), "namespace": about.namespace(), "uid": about.uid()},
    }));
    if let Err(error) = cluster.tell(&event, now.as_second(), (moment + 1) * once_in).await {
        tracing::debug!(%error, "event not told");
    }
}
