//! Relaxations for clusters without worth.

use crate::api::schema::{Schema, array, boolean, object, text};

/// Schema of `spec.nonProductionOptions`.
pub(in crate::api) fn schema() -> Schema {
    object("Relaxations for clusters that hold nothing of worth.")
        .field("disableClusterPodAntiAffinity", boolean("Lets two instances share a node: one node failure may then take both.").default("as spec.profile says: true for testing and development"))
        .field("disablePatroniResourceRequirements", boolean("Runs the database without requests and limits.").default("as spec.profile says: true for development"))
        .field("disableClusterResourceRequirements", boolean("Runs the side containers without requests.").default("as spec.profile says: true for development"))
        .field("enableSetPatroniCpuRequests", boolean("Deprecated, and always as if true: the CPU that the profile reserves for the database is reserved.").default("false"))
        .field("enableSetClusterCpuRequests", boolean("Deprecated, and always as if true: the CPU that the profile reserves for the side containers is reserved.").default("false"))
        .field("enableSetPatroniMemoryRequests", boolean("Deprecated, and always as if true: the memory that the profile reserves for the database is reserved.").default("false"))
        .field("enableSetClusterMemoryRequests", boolean("Deprecated, and always as if true: the memory that the profile reserves for the side containers is reserved.").default("false"))
        .field("enabledFeatureGates", array("Experimental features to switch on: `babelfish-flavor`, which allows the flavor of that name where there is an image of it.", text("One entry.")))
}
