//! Identical changes over many clusters.

use super::build::{ClusterPlan, Plan};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Clusters whose change is the same in every field but the cluster's own name and place.
#[derive(Debug)]
pub struct Group<'a> {
    /// The first of them, shown in full.
    pub first: &'a ClusterPlan,
    /// All of them, the first included.
    pub all: Vec<&'a ClusterPlan>,
}

/// Groups in the order of the plan.
pub fn groups(plan: &Plan) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for cluster in &plan.clusters {
        let fingerprint = fingerprint(cluster);
        if let Some(index) = seen.get(&fingerprint) {
            groups[*index].all.push(cluster);
        } else {
            seen.insert(fingerprint, groups.len());
            groups.push(Group { first: cluster, all: vec![cluster] });
        }
    }
    groups
}

/// What a person changed and what it does, without names and places.
fn fingerprint(cluster: &ClusterPlan) -> String {
    let causes: Vec<Value> =
        cluster.causes.iter().map(|cause| json!([cause.kind, cause.change.path, cause.change.before, cause.change.after])).collect();
    let values: Vec<Value> = cluster.values.iter().map(|change| json!([change.name, change.before, change.after])).collect();
    let problems: Vec<Value> = cluster.diagnostics.iter().map(|diagnostic| json!([diagnostic.code, diagnostic.path])).collect();
    json!([cluster.action, cluster.impact.disturbance, cluster.impact.risks, cluster.impact.switchovers, causes, values, problems])
        .to_string()
}
