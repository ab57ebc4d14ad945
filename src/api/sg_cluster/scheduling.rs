//! Where the pods of an SGCluster run.

use crate::api::kubernetes_types::affinity::{node_affinity, pod_affinity, tolerations};
use crate::api::kubernetes_types::selector::label_selector;
use crate::api::schema::{Schema, array, integer, object, text, text_map};
use crate::api::shared::job_scheduling;

/// Schema of `spec.pods.scheduling`.
pub(in crate::api) fn schema() -> Schema {
    object("Where the pods may run. A change needs new pods.")
        .field("nodeSelector", text_map("Labels a node must have."))
        .field("tolerations", tolerations("Taints of nodes that the pods put up with."))
        .field("nodeAffinity", node_affinity("Rules about the labels of nodes."))
        .field("priorityClassName", text("Priority class of the pods."))
        .field("podAffinity", pod_affinity("Rules that draw pods together."))
        .field("podAntiAffinity", pod_affinity("Rules that keep pods apart, beside the built-in one that keeps instances on different nodes."))
        .field("topologySpreadConstraints", array("Rules that spread the pods evenly over places.", object("One entry.")
            .field("labelSelector", label_selector("Pods that are meant, by their labels."))
            .field("matchLabelKeys", array("Label keys whose values are taken from the new pod and must match.", text("One entry.")))
            .required("maxSkew", integer("Largest allowed difference in pods between two places.").format("int32"))
            .field("minDomains", integer("Fewest places that must exist.").format("int32"))
            .field("nodeAffinityPolicy", text("Whether nodes ruled out by affinity count as places: `Honor` or `Ignore`."))
            .field("nodeTaintsPolicy", text("Whether tainted nodes count as places: `Honor` or `Ignore`."))
            .required("topologyKey", text("Node label whose value tells one place from another, for example `kubernetes.io/hostname` or `topology.kubernetes.io/zone`."))
            .required("whenUnsatisfiable", text("`DoNotSchedule` holds the pod back; `ScheduleAnyway` places it all the same."))))
        .field("backup", job_scheduling("Where backup jobs may run.").not_yet_warning())
}
