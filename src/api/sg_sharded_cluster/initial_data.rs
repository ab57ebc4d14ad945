//! First data of an SGShardedCluster.

use crate::api::schema::{Schema, boolean, integer, object, text};
use crate::api::sg_cluster::initial_data::point_in_time_recovery;

/// Schema of `spec.initialData`.
pub(super) fn schema() -> Schema {
    object("Where the first data come from. Fixed after creation.").field(
        "restore",
        object("Restores a backup into the new cluster.")
            .field(
                "fromBackup",
                object("The backup. Every part stops at the restore point that the backup made, unless a moment is given.")
                    .field("name", text("Name of the SGShardedBackup. It has as many parts as this cluster."))
                    .field("targetInclusive", boolean("Whether the stop is just after the target instead of just before.").default("true"))
                    .field("pointInTimeRecovery", point_in_time_recovery()),
            )
            .field(
                "downloadDiskConcurrency",
                integer("Streams used to write to the disk at once while restoring.").minimum(1).default("1"),
            ),
    )
}
