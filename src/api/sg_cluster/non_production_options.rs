//! Relaxations for clusters without worth.

use crate::api::schema::{Schema, array, boolean, object, text};

/// Schema of `spec.nonProductionOptions`.
pub(in crate::api) fn schema() -> Schema {
    object("Relaxations for clusters that hold nothing of worth.")
        .field("disableClusterPodAntiAffinity", boolean("Lets two instances share a node: one node failure may then take both."))
        .field("disablePatroniResourceRequirements", boolean("Runs the database without requests and limits."))
        .field("disableClusterResourceRequirements", boolean("Runs the side containers without requests."))
        .field(
            "enableSetPatroniCpuRequests",
            boolean("Keeps CPU requests of the database although requirements are disabled.").default("false").not_yet_warning(),
        )
        .field(
            "enableSetClusterCpuRequests",
            boolean("Keeps CPU requests of the side containers although requirements are disabled.").default("false").not_yet_warning(),
        )
        .field(
            "enableSetPatroniMemoryRequests",
            boolean("Keeps memory requests of the database although requirements are disabled.").default("false").not_yet_warning(),
        )
        .field(
            "enableSetClusterMemoryRequests",
            boolean("Keeps memory requests of the side containers although requirements are disabled.").default("false").not_yet_warning(),
        )
        .field("enabledFeatureGates", array("Experimental features to switch on.", text("One entry.")).not_yet_warning())
}
