//! Configuration of an SGShardedCluster: of all its parts, and of one.

use crate::api::schema::{Schema, array, text};
use crate::api::sg_cluster::{backups, configurations};

/// Sections of an SGCluster's configuration that a sharded cluster has once for all its parts.
const OF_ALL: &[&str] = &["backups", "binding", "credentials", "observability"];

/// Schema of `spec.configurations`.
pub(super) fn schema() -> Schema {
    configurations::schema()
        .described("Configuration of what all parts share.")
        .without(&["sgPostgresConfig", "sgPoolingConfig", "postgres", "pooling", "patroni", "backups"])
        .field("backups", backups())
}

/// Schema of `configurations` of the coordinator, of the shards, or of one shard.
pub(super) fn of_a_part(description: &str) -> Schema {
    configurations::schema().described(description).without(OF_ALL)
}

fn backups() -> Schema {
    array(
        "Automatic backups; one entry is allowed.",
        backups::entry().without(&["path", "maxRetries"]).field(
            "paths",
            array(
                "Paths inside the storage: the coordinator's first, then the shards' in their order; absent ones are chosen once and kept.",
                text("Path of one part; empty or null is chosen.").nullable(),
            ),
        ),
    )
    .not_yet_error()
}
