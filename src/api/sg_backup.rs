//! The kind `SGBackup`.

use crate::api::kind::{Column, Kind, NAME_PATTERN, NotYet};
use crate::api::schema::{Schema, boolean, object, text};
use crate::api::sg_object_storage::storage;
use crate::api::shared::{backup_process, backup_settings, backup_size};
use std::sync::LazyLock;

/// The kind `SGBackup`.
pub(super) static SG_BACKUP: Kind = Kind {
    kind: "SGBackup",
    version: "v1",
    plural: "sgbackups",
    singular: "sgbackup",
    short_names: &["sgbkp"],
    categories: &["stackgres"],
    name_max_length: Some(56),
    name_pattern: Some(NAME_PATTERN),
    scale: None,
    columns: &[
        Column {
            name: "Cluster",
            r#type: "string",
            json_path: ".spec.sgCluster",
            description: "SGCluster whose data it holds.",
            priority: 0,
        },
        Column {
            name: "Managed",
            r#type: "boolean",
            json_path: ".spec.managedLifecycle",
            description: "Whether the retention may remove it.",
            priority: 0,
        },
        Column {
            name: "State",
            r#type: "string",
            json_path: ".status.process.status",
            description: "`Pending`, `Running`, `Completed` or `Failed`.",
            priority: 0,
        },
        Column {
            name: "Version",
            r#type: "string",
            json_path: ".status.backupInformation.postgresVersion",
            description: "PostgreSQL version of the data, as a number: 170012 is 17.12.",
            priority: 1,
        },
        Column {
            name: "Bytes",
            r#type: "integer",
            json_path: ".status.backupInformation.size.compressed",
            description: "Bytes it takes in the storage.",
            priority: 1,
        },
        Column {
            name: "Ended",
            r#type: "string",
            json_path: ".status.process.timing.stored",
            description: "When it was in the storage.",
            priority: 1,
        },
    ],
    description: "A base backup of one cluster. Together with the WAL behind it the cluster can be restored to any moment since.",
    not_yet: Some(NotYet::error("make the backup by other means and take the document out; nothing here would make it")),
    schema: LazyLock::new(|| object("A base backup of one cluster.").required("spec", spec()).field("status", status())),
};

/// Schema of `spec`.
fn spec() -> Schema {
    backup_settings(
        object("What is wanted.")
            .fixed("sgCluster", "a backup cannot become one of another cluster", "put the old SGCluster back, or make another object")
            .field(
                "sgCluster",
                text("SGCluster that is backed up, in the same namespace; `NAMESPACE.NAME` makes a backup of another namespace known here, to restore from. It cannot change."),
            ),
    )
}

/// Schema of `status`.
fn status() -> Schema {
    object("What is, as it was last seen.")
        .written_once("internalName", "the name of a backup inside its storage cannot change")
        .written_once("sgBackupConfig", "the settings that a backup can be read by cannot change")
        .written_once("backupInformation", "what was backed up cannot change")
        .field("internalName", text("Name of the base backup inside the storage. It never changes once it is there."))
        .field("backupPath", text("Path in the storage under which the base backup and its WAL stand."))
        .field(
            "process",
            backup_process()
                .field("managedLifecycle", boolean("Whether the retention may remove it, as it is written down in the storage itself.")),
        )
        .field("backupInformation", information())
        .field(
            "sgBackupConfig",
            object("Settings of the storage when the backup was made: it can be read by these, whatever the SGObjectStorage says later.")
                .field(
                    "baseBackups",
                    object("How it was made.")
                        .field("compression", text("Compression of its files.").allowed(&["lz4", "lzma", "zstd", "brotli"])),
                )
                .required("storage", storage("Copy of the storage's settings, without secrets: only where these stand.").require("type")),
        )
        .field(
            "volumeSnapshot",
            object("The snapshot that holds the data, where they are not in the object storage.")
                .field("name", text("Name of the VolumeSnapshot."))
                .field("backupLabel", text("Content of `backup_label`, which PostgreSQL needs to begin the recovery."))
                .field("tablespaceMap", text("Content of `tablespace_map`, where there are tablespaces.")),
        )
        .output()
}

fn information() -> Schema {
    object("What PostgreSQL said of it.")
        .field("hostname", text("Name of the pod it was made in, as the pod calls itself."))
        .field("sourcePod", text("Pod it was made from."))
        .field("systemIdentifier", text("PostgreSQL's own identity of the database."))
        .field("postgresVersion", text("PostgreSQL version as a number, for example `170012`. A restore needs the same major version."))
        .field("pgData", text("Data directory it was made of."))
        .field("size", backup_size())
        .field(
            "lsn",
            object("WAL positions.")
                .field("start", text("Where the backup begins, such as `0/2A000028`."))
                .field("end", text("Where it ends: from there on the data are consistent.")),
        )
        .field("startWalFile", text("First WAL segment that a restore needs."))
        .field("timeline", text("Timeline it was made on."))
        .field("controlData", object("What `pg_controldata` said, by its own names.").preserve_unknown())
}
