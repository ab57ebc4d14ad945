//! A plan made a part at a time.
//!
//! In: names, and what a plan of some of them is made from. Out: what happens to each. Invariant: the same as of all at once. Why: a version
//! of a cluster holds two dozen objects; those of thousands of clusters would fill the memory to tell of each what fits in a line.

use super::side_by_side;
use crate::model::NamespacedName;
use crate::plan::{ClusterPlan, PlanInput, cluster_plans};
use std::collections::BTreeSet;

/// Clusters in memory at once, on each processor.
const TOGETHER: usize = 32;

/// What happens to clusters, and how many there are.
pub fn in_parts(names: BTreeSet<NamespacedName>, of: impl Fn(&[NamespacedName]) -> PlanInput + Sync) -> (usize, Vec<ClusterPlan>) {
    let names: Vec<NamespacedName> = names.into_iter().collect();
    let parts: Vec<&[NamespacedName]> = names.chunks(TOGETHER).collect();
    let plans = side_by_side::map(parts, |part| cluster_plans(of(part)));
    let total = plans.iter().map(|(total, _)| total).sum();
    (total, plans.into_iter().flat_map(|(_, clusters)| clusters).collect())
}
