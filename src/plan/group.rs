//! Identical changes over many clusters.

use super::build::{ClusterPlan, Plan};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Clusters whose change is the same in every field but the cluster's own name and place, and the values of labels and
/// annotations: those decide nothing about a database.
#[derive(Debug)]
pub struct Group<'a> {
    /// The first of them, shown in full.
    pub first: &'a ClusterPlan,
    /// All of them, the first included.
    pub all: Vec<&'a ClusterPlan>,
    /// Whether their labels or annotations get different values.
    pub labels_differ: bool,
}

/// Groups in the order of the plan.
pub fn groups(plan: &Plan) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for cluster in &plan.clusters {
        let fingerprint = fingerprint(cluster);
        if let Some(index) = seen.get(&fingerprint) {
            let group = &mut groups[*index];
            group.labels_differ |= values(cluster, true) != values(group.first, true);
            group.all.push(cluster);
        } else {
            seen.insert(fingerprint, groups.len());
            groups.push(Group { first: cluster, all: vec![cluster], labels_differ: false });
        }
    }
    groups
}

/// What a person changed and what it does, without names and places.
fn fingerprint(cluster: &ClusterPlan) -> String {
    let impact = &cluster.impact;
    let effects: Vec<Value> = cluster.values.iter().map(|change| json!([change.name, change.before, change.after])).collect();
    let mut findings: Vec<Value> =
        impact.findings.iter().map(|finding| json!([finding.disturbance, finding.risks, finding.reason])).collect();
    findings.dedup();
    let problems: Vec<Value> =
        cluster.diagnostics.iter().map(|diagnostic| json!([diagnostic.code, diagnostic.path, diagnostic.message])).collect();
    json!([
        cluster.action,
        impact.disturbances,
        impact.risks,
        impact.switchovers,
        impact.summary,
        values(cluster, false),
        effects,
        findings,
        problems
    ])
    .to_string()
}

/// What a person changed; values of labels and annotations only if asked for.
fn values(cluster: &ClusterPlan, labels: bool) -> Vec<Value> {
    cluster
        .causes
        .iter()
        .map(|cause| {
            let change = &cause.change;
            let label = change.pointer.contains("/metadata/labels/") || change.pointer.contains("/metadata/annotations/");
            if label && !labels {
                json!([cause.kind, change.path, change.before.is_some(), change.after.is_some()])
            } else {
                json!([cause.kind, change.path, change.before, change.after])
            }
        })
        .collect()
}
