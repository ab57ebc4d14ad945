//! Automatic backups of an SGCluster.

use crate::api::schema::{Schema, array, boolean, integer, object, text};

/// Schema of `spec.configurations.backups`.
pub(in crate::api) fn schema() -> Schema {
    array("Automatic backups; one entry is allowed.", entry()).not_yet_error()
}

/// Schema of an entry.
pub(in crate::api) fn entry() -> Schema {
    object("Where backups go, when they are made, and how long they are kept.")
        .field(
            "compression",
            text("Compression of base backups and WAL: `lz4` is fast, `zstd` and `brotli` are small, `lzma` is smallest and slow.")
                .allowed(&["lz4", "lzma", "zstd", "brotli"]),
        )
        .field("cronSchedule", text("When a base backup starts, five-field cron in UTC."))
        .field(
            "performance",
            object("Limits while a backup runs.")
                .field("maxNetworkBandwidth", integer("Most network throughput, in bytes a second."))
                .field("maxDiskBandwidth", integer("Most disk throughput, in bytes a second."))
                .field("uploadDiskConcurrency", integer("Streams used to read from the disk at once.").minimum(1))
                .field("uploadConcurrency", integer("Streams used to upload at once.").minimum(1))
                .field("downloadConcurrency", integer("Streams used to download at once.").minimum(1)),
        )
        .field("retention", integer("How many base backups are kept, with the WAL that belongs to them.").minimum(1).default("5"))
        .required("sgObjectStorage", text("Name of the SGObjectStorage that receives base backups and WAL."))
        .field("path", text("Path inside the storage; absent is chosen once and kept."))
        .field("useVolumeSnapshot", boolean("Whether base backups are volume snapshots."))
        .field("volumeSnapshotClass", text("Class of the volume snapshots."))
        .field("fastVolumeSnapshot", boolean("Whether the checkpoint before a snapshot is immediate: quicker, with a burst of writes."))
        .field("timeout", integer("Seconds after which a backup counts as failed."))
        .field("reconciliationTimeout", integer("Seconds after which the deletion of old backups counts as failed.").default("300"))
        .field("maxRetries", integer("How often a failed backup is tried again."))
        .field("retainWalsForUnmanagedLifecycle", boolean("Whether WAL needed by backups outside the retention is kept."))
}
