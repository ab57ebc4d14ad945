//! The kind `SGShardedBackup`.

use crate::api::kind::{Column, Kind, NAME_PATTERN, NotYet};
use crate::api::schema::{Schema, array, object, text};
use crate::api::shared::{backup_process, backup_settings, backup_size};
use std::sync::LazyLock;

/// The kind `SGShardedBackup`.
pub(super) static SG_SHARDED_BACKUP: Kind = Kind {
    kind: "SGShardedBackup",
    version: "v1",
    plural: "sgshardedbackups",
    singular: "sgshardedbackup",
    short_names: &["sgsbk"],
    categories: &["stackgres"],
    name_max_length: Some(56),
    name_pattern: Some(NAME_PATTERN),
    scale: None,
    columns: &[
        Column {
            name: "Cluster",
            r#type: "string",
            json_path: ".spec.sgShardedCluster",
            description: "SGShardedCluster whose data it holds.",
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
            name: "Bytes",
            r#type: "integer",
            json_path: ".status.backupInformation.size.compressed",
            description: "Bytes that its parts take in the storage together.",
            priority: 1,
        },
    ],
    description: "A backup of a sharded cluster: one SGBackup of the coordinator and of each shard, and one restore point that all of them share.",
    not_yet: Some(NotYet::error("make the backup by other means and take the document out; nothing here would make it")),
    schema: LazyLock::new(|| object("A backup of a sharded cluster.").required("spec", spec()).field("status", status())),
};

/// Schema of `spec`.
fn spec() -> Schema {
    backup_settings(
        object("What is wanted.")
            .fixed("sgShardedCluster", "a backup cannot become one of another cluster", "put the old SGShardedCluster back, or make another object")
            .field(
                "sgShardedCluster",
                text("SGShardedCluster that is backed up, in the same namespace; `NAMESPACE.NAME` makes a backup of another namespace known here. It cannot change."),
            ),
    )
}

/// Schema of `status`.
fn status() -> Schema {
    object("What is, as it was last seen.")
        .written_once("sgBackups", "the parts of a backup cannot change")
        .written_once("backupInformation", "what was backed up cannot change")
        .field(
            "sgBackups",
            array("SGBackups it consists of, the coordinator's first, then the shards' in their order.", text("Name of an SGBackup.")),
        )
        .field("process", backup_process())
        .field(
            "backupInformation",
            object("What PostgreSQL said of it.")
                .field("postgresVersion", text("PostgreSQL version as a number, for example `170012`."))
                .field("size", backup_size()),
        )
        .output()
}
