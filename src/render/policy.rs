//! How each object is treated when it is applied and when it is no longer rendered.

use crate::model::ObjectKey;

/// Treatment of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// It carries an owner reference to the cluster, so that Kubernetes removes it with the cluster.
    pub owned: bool,
    /// It holds data, credentials or Patroni's state: never deleted by this program.
    pub data: bool,
    /// Its kind may not be installed; then it is left out.
    pub optional: bool,
}

/// The treatment of an object of a cluster.
///
/// Endpoints belong to Patroni: the leader lock is in them. A Service of the same name would take them along when deleted,
/// so Services are kept as well while the cluster lives.
pub fn policy(key: &ObjectKey) -> Policy {
    match key.kind.as_str() {
        "PersistentVolumeClaim" | "Secret" | "Endpoints" => Policy { owned: false, data: true, optional: false },
        "PodMonitor" => Policy { owned: true, data: false, optional: true },
        _ => Policy { owned: true, data: false, optional: false },
    }
}
