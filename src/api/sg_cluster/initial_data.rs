//! First data of an SGCluster.

use crate::api::condition::Condition;
use crate::api::schema::{Schema, array, boolean, integer, object, text};
use crate::api::shared::script_from;

/// Schema of `spec.initialData`.
pub(in crate::api) fn schema() -> Schema {
    object("Where the first data come from. Fixed after creation.")
        .field(
            "restore",
            object("Restores a backup into the new cluster.")
                .demand(
                    "incomplete-restore",
                    Condition::Present("fromBackup"),
                    "the backup is not named",
                    "write fromBackup with the name of the SGBackup",
                )
                .field(
                    "fromBackup",
                    object("The backup.")
                        .demand(
                            "several-recovery-targets",
                            Condition::AtMostOne(&["targetName", "targetXid", "targetLsn", "pointInTimeRecovery"]),
                            "more than one point to stop at is given",
                            "keep one of targetName, targetXid, targetLsn and pointInTimeRecovery",
                        )
                        .demand(
                            "incomplete-restore",
                            Condition::Present("name"),
                            "the backup is not named",
                            "write the name of the SGBackup",
                        )
                        .field("uid", text("Identity of the SGBackup."))
                        .field("name", text("Name of the SGBackup."))
                        .field("target", text("`immediate` stops as soon as the data are consistent."))
                        .field("targetTimeline", text("Timeline to follow."))
                        .field("targetInclusive", boolean("Whether the stop is just after the target instead of just before."))
                        .field("targetName", text("Restore point made with `pg_create_restore_point` to stop at."))
                        .field("targetXid", text("Transaction id to stop at."))
                        .field("targetLsn", text("WAL position to stop at."))
                        .field("pointInTimeRecovery", point_in_time_recovery()),
                )
                .field("downloadDiskConcurrency", integer("Streams used to write to the disk at once while restoring.").minimum(1)),
        )
        .field(
            "scripts",
            array(
                "Withdrawn; use `spec.managedSql`.",
                object("One entry.")
                    .field("name", text("Name of the script."))
                    .field("database", text("Database it runs in."))
                    .field("script", text("The SQL."))
                    .field("scriptFrom", script_from("Where the SQL comes from.")),
            ),
        )
        .not_yet_error()
}

/// Schema of `pointInTimeRecovery`.
pub(in crate::api) fn point_in_time_recovery() -> Schema {
    object("Stops at a moment.")
        .demand(
            "incomplete-restore",
            Condition::Present("restoreToTimestamp"),
            "the moment to stop at is not given",
            "write restoreToTimestamp, for example 2026-11-28T03:00:00Z",
        )
        .field("restoreToTimestamp", text("The moment, ISO 8601 in UTC."))
}
