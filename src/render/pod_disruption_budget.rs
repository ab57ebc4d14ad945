//! What a drain may take: one replica at a time, and the primary after it has handed over and its clients have gone.
//!
//! A pod may be matched by one budget only: the eviction API refuses it otherwise (Kubernetes documentation, "API-initiated eviction").
//! So one matches the primary, one the instance that hands over and the third all others; `maxUnavailable` counts against the size of
//! the StatefulSet, of which each matches a part only, so all say what has to stay.

use super::metadata::{generic, metadata, pods};
use crate::model::Object;
use crate::resolve::Effective;
use serde_json::{Value, json};

/// Values of the label `role` of an instance that others follow.
const LEADS: [&str; 2] = ["primary", "standby_leader"];

/// End of the name of the primary's budget.
const PRIMARY: &str = "-primary-eviction";

/// End of the name of the budget of an instance that hands over.
const HAND_OVER: &str = "-hand-over-eviction";

/// Label of an instance that hands over, from before it does until its pooler has let the clients of the old primary go. The controller
/// sets and removes it; its value is `true`.
pub const HANDS_OVER: &str = "stackgres.io/hands-over";

/// At most one replica away at a time. A single instance may go, so that a drain is not blocked for ever.
pub(super) fn pod_disruption_budget(effective: &Effective) -> Object {
    let instances = effective.instances.value;
    if instances < 2 {
        return budget(effective, &effective.cluster.name, json!({"maxUnavailable": 1, "selector": {"matchLabels": pods(effective)}}));
    }
    let others = json!([
        {"key": "role", "operator": "NotIn", "values": LEADS},
        {"key": HANDS_OVER, "operator": "NotIn", "values": ["true"]},
    ]);
    let stay = instances.saturating_sub(2);
    let spec = json!({"minAvailable": stay, "selector": {"matchLabels": pods(effective), "matchExpressions": others}});
    budget(effective, &effective.cluster.name, spec)
}

/// Whether an object is the budget that keeps the primary from being evicted. It holds every drain up where nobody sees that a node is
/// emptied, so it has no place there.
pub fn guards_primary(object: &Object) -> bool {
    object.kind() == "PodDisruptionBudget" && object.name().ends_with(PRIMARY)
}

/// The primary is not evicted: the controller sees that its node takes no pods any more and hands over, and then it is no primary.
/// `None` where nobody could take over.
pub(super) fn primary_pod_disruption_budget(effective: &Effective) -> Option<Object> {
    let leads = json!([{"key": "role", "operator": "In", "values": LEADS}]);
    let spec = json!({"minAvailable": 1, "selector": {"matchLabels": pods(effective), "matchExpressions": leads}});
    (effective.instances.value > 1).then(|| budget(effective, &format!("{}{PRIMARY}", effective.cluster.name), spec))
}

/// The instance that was the primary until a moment ago is not evicted either, until the controller takes the label away: a pooler that is
/// told to end sends every client away that is just beginning a transaction.
pub(super) fn hand_over_pod_disruption_budget(effective: &Effective) -> Option<Object> {
    let hands_over = json!([
        {"key": "role", "operator": "NotIn", "values": LEADS},
        {"key": HANDS_OVER, "operator": "In", "values": ["true"]},
    ]);
    let spec = json!({"minAvailable": 1, "selector": {"matchLabels": pods(effective), "matchExpressions": hands_over}});
    (effective.instances.value > 1).then(|| budget(effective, &format!("{}{HAND_OVER}", effective.cluster.name), spec))
}

fn budget(effective: &Effective, name: &str, spec: Value) -> Object {
    Object::new(json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(effective, name, generic(effective), &[]),
        "spec": spec,
    }))
}
