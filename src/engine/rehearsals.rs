//! The steps of the changes of a plan.

use crate::diff::Version;
use crate::model::{NamespacedName, Object};
use crate::plan::{Before, PlanInput, Rehearsed};
use crate::rollout::{Roles, planned};
use serde_json::Value;
use std::collections::BTreeMap;

/// Which instance does what, as the status of an SGCluster says it.
pub(super) fn roles(cluster: &Object) -> Option<Roles> {
    let ordinal = |pod: &str| pod.strip_prefix(cluster.name())?.strip_prefix('-')?.parse().ok();
    let leader = ordinal(cluster.text("/status/primary")?)?;
    let mut pods = cluster.get("/status/podStatuses").and_then(Value::as_array).into_iter().flatten();
    let synchronous = pods.find(|pod| pod["synchronous"] == true).and_then(|pod| ordinal(pod["name"].as_str()?));
    Some(Roles { leader, synchronous })
}

/// Rehearses every change of a plan that is to be made. `roles` are those of the instances; the first one is taken for the
/// leader where they are not known.
pub(super) fn rehearse_changes(input: &mut PlanInput, roles: &BTreeMap<NamespacedName, Roles>) {
    for (name, after) in &input.after {
        let Some(Before::Known(before)) = input.before.get(name) else { continue };
        if let Some(rehearsed) = rehearsed(before, after, roles.get(name).copied().unwrap_or_default()) {
            input.rehearsals.insert(name.clone(), rehearsed);
        }
    }
}

/// The steps of one change; `None` where no instance is touched.
fn rehearsed(before: &Version, after: &Version, roles: Roles) -> Option<Rehearsed> {
    if before.objects == after.objects {
        return None;
    }
    let steps = planned(before, after, roles);
    let leader = roles.leader.min(before.effective.instances.value.saturating_sub(1));
    (!steps.is_empty()).then(|| Rehearsed { leader: format!("{}-{leader}", after.effective.cluster.name), steps })
}
