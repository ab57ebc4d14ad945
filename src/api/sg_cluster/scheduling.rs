//! Where the pods of an SGCluster run.

use crate::api::kubernetes_types::affinity::{node_affinity, pod_affinity, tolerations, topology_spread_constraints};
use crate::api::schema::{Schema, object, text, text_map};
use crate::api::shared::job_scheduling;

/// Schema of `spec.pods.scheduling`.
pub(in crate::api) fn schema() -> Schema {
    object("Where the pods may run. A change needs new pods.")
        .field("nodeSelector", text_map("Labels a node must have."))
        .field("tolerations", tolerations("Taints of nodes that the pods put up with."))
        .field("nodeAffinity", node_affinity("Rules about the labels of nodes."))
        .field("priorityClassName", text("Priority class of the pods."))
        .field("podAffinity", pod_affinity("Rules that draw pods together."))
        .field(
            "podAntiAffinity",
            pod_affinity("Rules that keep pods apart, beside the built-in one that keeps instances on different nodes."),
        )
        .field("topologySpreadConstraints", topology_spread_constraints("Rules that spread the pods evenly over places."))
        .field("backup", job_scheduling("Where backup jobs may run.").not_yet_warning())
}
