//! Which fleet manages an object: the first one keeps it, and gives it up when it is gone or no longer describes it.
//!
//! A cluster's claim stands in its status, where only the controller writes. Kinds without a status carry an annotation, written
//! by a field manager of its own so that comparing Git with the live object finds nothing.

use super::facts::Facts;
use crate::engine::SOURCE_MANAGER;
use crate::kubernetes::{Account, Cluster, KubernetesError};
use crate::model::{NamespacedName, Object};
use serde_json::{Value, json};

/// Annotation that names the fleet of an object without status; on a cluster, `none` takes it out of its fleet.
pub(super) const FLEET: &str = "stackgres.io/fleet";

/// Field manager of the annotation.
const CLAIM_MANAGER: &str = "stackgres-claim";

/// Whose a cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Claim {
    /// Nobody's, or of a fleet that gave it up.
    Free,
    /// The fleet's that asks.
    Ours,
    /// Another fleet's.
    Other(String),
}

/// The fleet that a cluster's status names.
pub(super) fn named(cluster: &Object) -> Option<&str> {
    cluster.text("/status/claim/fleet")
}

/// Whether a fleet names this cluster as its own.
pub(super) fn is_ours(cluster: &Object, fleet: &Object) -> bool {
    named(cluster) == Some(&fleet.namespaced_name().to_string())
}

/// The fleet of a name, where it is seen.
fn find<'a>(facts: &'a Facts, fleet: &str) -> Option<&'a Object> {
    facts.of_kind("SGFleet").find(|known| known.namespaced_name().to_string() == fleet)
}

/// The fleet that a cluster's status names, where it is seen.
pub(super) fn fleet_of<'a>(facts: &'a Facts, cluster: &Object) -> Option<&'a Object> {
    find(facts, named(cluster)?)
}

/// Whether the fleet of a name does not exist any more. One in a namespace that is not looked at is unknown, not absent.
pub(super) fn is_gone(api: &Cluster, facts: &Facts, fleet: &str) -> bool {
    let namespace = fleet.split_once('/').map_or("", |(namespace, _)| namespace);
    api.sees(namespace) && find(facts, fleet).is_none()
}

/// Whether the cluster's fleet found that its source no longer describes it.
pub(super) fn is_orphaned(cluster: &Object) -> bool {
    cluster.is_true("Orphaned")
}

/// Whose a cluster is, seen from a fleet.
pub(super) fn claim_of(api: &Cluster, facts: &Facts, cluster: &Object, fleet: &Object) -> Claim {
    match named(cluster) {
        None => Claim::Free,
        Some(_) if is_ours(cluster, fleet) => Claim::Ours,
        Some(other) if is_orphaned(cluster) || is_gone(api, facts, other) => Claim::Free,
        Some(other) => Claim::Other(other.to_owned()),
    }
}

/// The other fleet that an object without status belongs to.
pub(super) fn other_owner(api: &Cluster, facts: &Facts, object: &Object, fleet: &Object) -> Option<String> {
    let owner = object.annotation(FLEET)?;
    (owner != fleet.namespaced_name().to_string() && !is_gone(api, facts, owner)).then(|| owner.to_owned())
}

/// Whether a fleet once made or changed the cluster, whatever its status says: a lost status must not set it free.
pub(super) fn came_from_a_fleet(cluster: &Object) -> bool {
    let entries = cluster.get("/metadata/managedFields").and_then(Value::as_array);
    entries.into_iter().flatten().any(|entry| entry["manager"] == SOURCE_MANAGER && entry["operation"] == "Apply")
}

/// Whether a person took the cluster out of its fleet.
pub(super) fn is_set_free(cluster: &Object) -> bool {
    cluster.annotation(FLEET) == Some("none")
}

/// Claims a cluster for a fleet, unless it is claimed so already. Its resourceVersion is the precondition: of two fleets one wins.
pub(super) async fn claim(api: &Cluster, cluster: &Object, fleet: &Object) -> Result<(), KubernetesError> {
    let claim = json!({"fleet": fleet.namespaced_name().to_string(), "uid": fleet.uid()});
    if cluster.get("/status/claim") == Some(&claim) {
        return Ok(());
    }
    let patch = json!({"metadata": {"resourceVersion": cluster.resource_version()}, "status": {"claim": claim}});
    api.patch_status(&cluster.key(), &patch, "stackgres-release").await.map(drop)
}

/// Marks an object without status as the fleet's, in the name of the account that applies its content.
pub(super) async fn mark(api: &Cluster, object: &Object, fleet: &NamespacedName, account: &Account) -> Result<(), KubernetesError> {
    if object.annotation(FLEET) == Some(&fleet.to_string()) {
        return Ok(());
    }
    let patch = json!({"metadata": {"annotations": {FLEET: fleet.to_string()}}});
    api.merge(&object.key(), &patch, CLAIM_MANAGER, Some(account)).await.map(drop)
}
