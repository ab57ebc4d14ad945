//! Whether standby clusters of the namespace have as much of the hot-standby parameters as their source is to get (DESIGN §8, rule 7).

use super::super::cluster_pass::ClusterPass;
use crate::render::revision::Revision;
use crate::rollout::change::{Facts, Permission};
use crate::rollout::{ACCEPT_REPLICATION_STOP, Other, outgrown, raised};
use std::collections::BTreeMap;

/// Why the source may not go on. Asked before each step until its leader has the values: a standby cluster may come in the middle.
pub(super) fn refusal(pass: &ClusterPass<'_>, released: &Revision, facts: &Facts) -> Option<Permission> {
    if raised(facts).is_empty() || pass.cluster.annotation(ACCEPT_REPLICATION_STOP) == Some(&released.name()) {
        return None;
    }
    let found = outgrown(facts, &others(pass))?;
    let accept = format!("annotate the SGCluster with {ACCEPT_REPLICATION_STOP}={}", released.name());
    Some(Permission::NotNow { why: found.why, ends: format!("{}; or, accepting that it stops, {accept}", found.ends) })
}

/// What the instances of the namespace's other clusters may run. One that was never released has none.
fn others(pass: &ClusterPass<'_>) -> BTreeMap<String, Other> {
    let namespace = pass.cluster.namespace().unwrap_or_default();
    let clusters = pass.facts.of_kind_in("SGCluster", namespace).filter(|cluster| cluster.name() != pass.cluster.name());
    clusters
        .map(|cluster| {
            let names = ["/status/running/revision", "/status/release/revision"].into_iter().filter_map(|field| cluster.text(field));
            let revisions: Vec<Revision> = names.filter_map(|name| pass.facts.revision(&cluster.namespaced_name(), name)).collect();
            (cluster.name().to_owned(), Other::of(&revisions))
        })
        .collect()
}
