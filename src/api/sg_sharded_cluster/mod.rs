//! The kind `SGShardedCluster`: what is its own; everything else is a section of the SGCluster.
//!
//! In: nothing. Out: [`SG_SHARDED_CLUSTER`]. Invariant: a section that the coordinator and the shards share is one function, and one that
//! an SGCluster has is that SGCluster's. Why: coordinator and shards become SGClusters, and must take what these take.

mod configurations;
mod coordinator;
mod initial_data;
mod replicate_from;
mod services;
mod sharding_sphere;
mod shards;
mod status;

use crate::api::condition::Condition;
use crate::api::kind::{Column, Kind, NAME_PATTERN, NotYet};
use crate::api::schema::{Rule, Schema, object, text, text_map};
use crate::api::sg_cluster;
use crate::api::shared::{distributed_logs, metadata_by_scope};
use std::sync::LazyLock;

/// The kind `SGShardedCluster`.
pub(super) static SG_SHARDED_CLUSTER: Kind = Kind {
    kind: "SGShardedCluster",
    version: "v1alpha1",
    plural: "sgshardedclusters",
    singular: "sgshardedcluster",
    short_names: &["sgscl"],
    categories: &["stackgres"],
    name_max_length: Some(37),
    name_pattern: Some(NAME_PATTERN),
    scale: None,
    columns: &[
        Column { name: "Type", r#type: "string", json_path: ".spec.type", description: "What shards the data.", priority: 0 },
        Column {
            name: "Version",
            r#type: "string",
            json_path: ".status.postgresVersion",
            description: "PostgreSQL minor version that runs.",
            priority: 0,
        },
        Column { name: "Shards", r#type: "integer", json_path: ".spec.shards.clusters", description: "Shards wanted.", priority: 0 },
        Column {
            name: "Instances",
            r#type: "integer",
            json_path: ".spec.shards.instancesPerCluster",
            description: "Instances wanted of each shard.",
            priority: 0,
        },
        Column {
            name: "Coordinators",
            r#type: "integer",
            json_path: ".spec.coordinator.instances",
            description: "Instances wanted of the coordinator.",
            priority: 1,
        },
        Column { name: "Database", r#type: "string", json_path: ".spec.database", description: "Database that is sharded.", priority: 1 },
    ],
    description: "A database whose tables are spread over several PostgreSQL clusters: a coordinator that clients connect to, and shards that hold the data.",
    not_yet: Some(NotYet::error("nothing would run; write one SGCluster for each shard, or take the document out")),
    schema: LazyLock::new(|| object("A sharded PostgreSQL cluster.").required("spec", spec()).field("status", status::schema())),
};

/// Schema of `spec`.
fn spec() -> Schema {
    object("What is wanted.")
        .fixed("initialData.restore", "the source of the first data cannot change", "put it back as it was")
        .fixed("type", "what shards the data cannot change", "put the old one back; another type is a cluster of its own")
        .fixed("database", "the database that is sharded cannot change", "put the old one back; another database is a cluster of its own")
        .rule(Rule {
            code: "sharding-type",
            condition: Condition::OneOf("type", vec!["citus", "ddp", "shardingsphere"]),
            message: "it is not said what shards the data".into(),
            help: "write `type:` with citus, ddp or shardingsphere".into(),
            field: "type",
        })
        .rule(Rule {
            code: "sharding-sphere",
            condition: Condition::OneOf("type", vec!["shardingsphere"])
                .implies(Condition::Present("coordinator.configurations.shardingSphere")),
            message: "the section of the proxy is missing".into(),
            help: "the type shardingsphere needs it".into(),
            field: "coordinator.configurations.shardingSphere",
        })
        .field(
            "profile",
            text("Preset for everything that is not set: `production`, `testing` or `development`. The last two let instances share a node; `development` drops resource requirements as well.")
                .default("production"),
        )
        .field("type", text("What shards the data: `citus`, `ddp` (foreign tables and partitions) or `shardingsphere` (a proxy)."))
        .required("database", text("Database that is sharded. It is made on the coordinator and on every shard."))
        .required("postgres", sg_cluster::postgres::schema())
        .field("replication", sg_cluster::replication::schema().without(&["groups", "role"]))
        .field("postgresServices", services::schema())
        .field("configurations", configurations::schema())
        .field("metadata", metadata())
        .field("replicateFrom", replicate_from::schema())
        .required("coordinator", coordinator::schema())
        .required("shards", shards::schema())
        .field("distributedLogs", distributed_logs())
        .field("nonProductionOptions", sg_cluster::non_production_options::schema())
        .field("initialData", initial_data::schema())
}

/// Schema of `spec.metadata`.
fn metadata() -> Schema {
    let scopes = |description: &str| {
        metadata_by_scope(description)
            .field("coordinatorAnyService", text_map("For the Service over every instance of the coordinator."))
            .field("coordinatorPrimaryService", text_map("For the Service of the coordinator's primary."))
            .field("shardsPrimariesService", text_map("For the Service over the primaries of the shards."))
    };
    object("Labels and annotations of the objects made for this cluster.")
        .field("annotations", scopes("Annotations by the kind of object they go to."))
        .field("labels", scopes("Labels by the kind of object they go to."))
}
