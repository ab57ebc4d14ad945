//! The kind `SGDistributedLogs`: a server for the logs of many clusters, which is itself a cluster.
//!
//! In: nothing. Out: [`SG_DISTRIBUTED_LOGS`]. Invariant: field for field compatible, and no stage reads it.
//! Why: a manifest of it is to be accepted and explained here, with the words of an SGCluster where it means the same.

mod services;
mod status;

use crate::api::kind::{Column, Kind, NAME_PATTERN, NotYet};
use crate::api::schema::{Schema, boolean, object, text};
use crate::api::sg_cluster::non_production_options;
use crate::api::shared::{job_scheduling, metadata_by_scope};
use std::sync::LazyLock;

/// The kind `SGDistributedLogs`.
pub(super) static SG_DISTRIBUTED_LOGS: Kind = Kind {
    kind: "SGDistributedLogs",
    version: "v1",
    plural: "sgdistributedlogs",
    singular: "sgdistributedlogs",
    short_names: &["sgdil"],
    categories: &["stackgres"],
    name_max_length: Some(44),
    name_pattern: Some(NAME_PATTERN),
    scale: None,
    columns: &[
        Column {
            name: "Version",
            r#type: "string",
            json_path: ".status.postgresVersion",
            description: "PostgreSQL version of the log server.",
            priority: 0,
        },
        Column {
            name: "Disk",
            r#type: "string",
            json_path: ".spec.persistentVolume.size",
            description: "Size of the volume that holds the logs.",
            priority: 0,
        },
        Column {
            name: "Clusters",
            r#type: "string",
            json_path: ".status.connectedClusters[*].name",
            description: "Clusters that send their logs to it.",
            priority: 1,
        },
        Column {
            name: "Profile",
            r#type: "string",
            json_path: ".spec.sgInstanceProfile",
            description: "SGInstanceProfile in force.",
            priority: 1,
        },
    ],
    description: "A log server: a PostgreSQL cluster with TimescaleDB to which other clusters send the logs of PostgreSQL and Patroni, to be searched with SQL. It has no effect in this version: no logs are collected by it.",
    not_yet: Some(NotYet::warning("no logs are collected by it; the document has no effect")),
    schema: LazyLock::new(|| object("A server for the logs of clusters.").required("spec", spec()).field("status", status::schema())),
};

/// Schema of `spec`.
fn spec() -> Schema {
    object("What is wanted. An SGCluster of the same name, with one instance, is made of it.")
        .field(
            "profile",
            text("Preset for everything that is not set: `production`, `testing` or `development`. The last two let instances share a node; `development` drops resource requirements as well.")
                .default("production"),
        )
        .required("persistentVolume", persistent_volume())
        .field("postgresServices", services::schema())
        .field("resources", resources())
        .field("scheduling", job_scheduling("Where the pods of the log server may run. Absent: on any node."))
        .field(
            "sgInstanceProfile",
            text("Name of the SGInstanceProfile in the same namespace that sets CPU and memory. Absent: one is made.")
                .default("the name of this object with `-default` after it"),
        )
        .field("configurations", configurations())
        .field("metadata", metadata())
        .field(
            "nonProductionOptions",
            non_production_options::schema()
                .without(&["enabledFeatureGates"])
                .described("Relaxations for log servers whose logs are of no worth."),
        )
}

fn persistent_volume() -> Schema {
    object("The volume that holds the logs.")
        .field(
            "size",
            text("Size of the volume, for example `50Gi`. It must be given. It may only grow, and only where the storage class can expand volumes.")
                .pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi|Ti)$"),
        )
        .field("storageClass", text("Storage class of the volume. Absent: the default of the Kubernetes cluster."))
}

fn resources() -> Schema {
    object("Requests and limits beyond what the instance profile says.")
        .field("enableClusterLimitsRequirements", boolean("Gives the side containers limits as well as requests. Absent: requests alone."))
        .field(
            "disableResourcesRequestsSplitFromTotal",
            boolean("Adds the requests of the side containers on top of the profile's. Absent: they are taken out of the profile's."),
        )
}

fn configurations() -> Schema {
    object("Configuration of the log server.").field(
        "sgPostgresConfig",
        text("Name of the SGPostgresConfig in the same namespace whose parameters apply. It must be for the major version of the log server. Absent: one is made.")
            .default("the name of this object, the major version and `default`, with `-` between them"),
    )
}

fn metadata() -> Schema {
    object("Labels and annotations of the objects that are made for the log server.")
        .field("annotations", metadata_by_scope("Annotations by the kind of object that they go to.").without(&["serviceAccount"]))
        .field(
            "labels",
            metadata_by_scope("Labels by the kind of object that they go to.").without(&[
                "allResources",
                "primaryService",
                "replicasService",
                "serviceAccount",
            ]),
        )
}
