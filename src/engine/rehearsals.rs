//! The steps of the changes of a plan.

use crate::diff::Version;
use crate::model::{NamespacedName, Object};
use crate::plan::{Before, PlanInput, Rehearsed};
use crate::rollout::planned;
use std::collections::BTreeMap;

/// The number of the instance that leads, as the status of an SGCluster says it.
pub(super) fn leader(cluster: &Object) -> Option<u32> {
    cluster.text("/status/primary")?.strip_prefix(cluster.name())?.strip_prefix('-')?.parse().ok()
}

/// Rehearses every change of a plan that is to be made. `leaders` are the numbers of the instances that lead; the first one is taken
/// for it where that is not known.
pub(super) fn rehearse_changes(input: &mut PlanInput, leaders: &BTreeMap<NamespacedName, u32>) {
    for (name, after) in &input.after {
        let Some(Before::Known(before)) = input.before.get(name) else { continue };
        if let Some(rehearsed) = rehearsed(before, after, leaders.get(name).copied().unwrap_or_default()) {
            input.rehearsals.insert(name.clone(), rehearsed);
        }
    }
}

/// The steps of one change; `None` where no instance is touched.
fn rehearsed(before: &Version, after: &Version, leader: u32) -> Option<Rehearsed> {
    if before.objects == after.objects {
        return None;
    }
    let steps = planned(before, after, leader);
    let leader = leader.min(before.effective.instances.value.saturating_sub(1));
    (!steps.is_empty()).then(|| Rehearsed { leader: format!("{}-{leader}", after.effective.cluster.name), steps })
}
