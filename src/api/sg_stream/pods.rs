//! Pods of an SGStream, and the metadata of what is made for it.

use crate::api::kubernetes_types::affinity::topology_spread_constraints;
use crate::api::kubernetes_types::container::container_resources;
use crate::api::schema::{Schema, object, text, text_map};
use crate::api::shared::job_scheduling;

/// Schema of `spec.pods`.
pub(super) fn schema() -> Schema {
    object("The pod that runs the stream, and its volume.")
        .required("persistentVolume", persistent_volume())
        .field("resources", container_resources("Requests and limits of the container that runs the stream. Absent: none."))
        .field(
            "scheduling",
            job_scheduling("Where the pod may run.")
                .field("topologySpreadConstraints", topology_spread_constraints("Rules that spread the pods evenly over places.")),
        )
}

fn persistent_volume() -> Schema {
    object("The volume with the positions the stream has reached, by which a restarted pod goes on where the last one stopped.")
        .required(
            "size",
            text("Size of the volume. Positions take little room; `1Gi` is plenty.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi|Ti)$"),
        )
        .field("storageClass", text("Storage class of the volume. Absent: the default class of the Kubernetes cluster."))
}

/// Schema of `spec.metadata`.
pub(super) fn metadata() -> Schema {
    object("Labels and annotations of the objects made for this stream.")
        .field("annotations", by_scope("Annotations by the kind of object they go to."))
        .field("labels", by_scope("Labels by the kind of object they go to."))
}

fn by_scope(description: &str) -> Schema {
    object(description)
        .field("allResources", text_map("For every object of the stream."))
        .field("pods", text_map("For the pod that runs the stream. A change needs a new pod."))
        .field("serviceAccount", text_map("For the pod's ServiceAccount."))
}
