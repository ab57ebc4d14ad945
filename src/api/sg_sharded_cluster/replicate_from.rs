//! The source of a sharded standby cluster.

use crate::api::schema::{Schema, array, integer, object, text};
use crate::api::sg_cluster::replicate_from::{one_of, source, users};
use crate::api::shared::download_performance;

/// Schema of `spec.replicateFrom`.
pub(super) fn schema() -> Schema {
    let section = object(
        "Makes this a standby cluster that follows another sharded one: read-only, with the data and the users of its source. Taking the section out promotes it.",
    );
    source(section, "instance.sgShardedCluster")
        .field(
            "instance",
            one_of(object("Streams from running servers."), &["sgShardedCluster", "external"])
                .field("sgShardedCluster", text("Name of an SGShardedCluster in the same namespace, with as many shards."))
                .field(
                    "external",
                    object("Servers outside: the coordinator first, then the shards in their order.")
                        .required("hosts", array("Their host names or addresses.", text("One host name or address.")))
                        .required("ports", array("Their ports, of PostgreSQL itself and not of a pooler.", integer("One port."))),
                ),
        )
        .field(
            "storage",
            object("Follows the WAL in an object storage.")
                .field("performance", download_performance("Limits while downloading."))
                .required("sgObjectStorage", text("Name of the SGObjectStorage."))
                .required(
                    "paths",
                    array("Paths inside the storage: the coordinator's first, then the shards' in their order.", text("One path.")),
                ),
        )
        .field("users", users())
}
