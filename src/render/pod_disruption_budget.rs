//! Evictions never take two instances at once.

use super::metadata::{generic, metadata, pods};
use crate::model::Object;
use crate::resolve::Effective;
use serde_json::json;

/// At most one instance away at a time; of a single one too, so that a drain is not blocked for ever.
pub(super) fn pod_disruption_budget(effective: &Effective) -> Object {
    Object::new(json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(effective, &effective.cluster.name, generic(effective), &[]),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": pods(effective)}},
    }))
}
