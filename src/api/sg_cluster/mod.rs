//! The kind `SGCluster`: one file per section of its spec.
//!
//! In: nothing. Out: [`SG_CLUSTER`]. Invariant: field for field compatible; `differences.rs` beside this folder lists what is not.
//! Why: sections change for different reasons.

pub(in crate::api) mod autoscaling;
pub(in crate::api) mod backups;
pub(in crate::api) mod configurations;
pub(in crate::api) mod credentials;
mod custom_volumes;
pub(in crate::api) mod initial_data;
pub(in crate::api) mod managed_sql;
pub(in crate::api) mod metadata;
pub(in crate::api) mod non_production_options;
pub(in crate::api) mod pods;
pub(in crate::api) mod postgres;
mod release;
pub(in crate::api) mod replicate_from;
pub(in crate::api) mod replication;
mod scheduling;
mod services;
pub(in crate::api) mod status;

use crate::api::condition::Condition;
use crate::api::kind::{Column, Kind, NAME_PATTERN, Scale};
use crate::api::schema::{Rule, Schema, integer, object, text};
use crate::api::shared::{distributed_logs, extension_packages};
use std::sync::LazyLock;

/// The kind `SGCluster`.
pub(super) static SG_CLUSTER: Kind = Kind {
    kind: "SGCluster",
    version: "v1",
    plural: "sgclusters",
    singular: "sgcluster",
    short_names: &["sgclu"],
    categories: &["stackgres"],
    name_max_length: Some(44),
    name_pattern: Some(NAME_PATTERN),
    scale: Some(Scale { spec: ".spec.instances", status: ".status.instances", selector: Some(".status.labelSelector") }),
    columns: &[
        Column {
            name: "Version",
            r#type: "string",
            json_path: ".status.postgresVersion",
            description: "PostgreSQL minor version that runs.",
            priority: 0,
        },
        Column { name: "Instances", r#type: "integer", json_path: ".spec.instances", description: "Instances wanted.", priority: 0 },
        Column {
            name: "Ready",
            r#type: "string",
            json_path: ".status.conditions[?(@.type==\"Ready\")].status",
            description: "Whether every instance is healthy on the released revision.",
            priority: 0,
        },
        Column {
            name: "State",
            r#type: "string",
            json_path: ".status.conditions[?(@.type==\"Ready\")].reason",
            description: "Why.",
            priority: 0,
        },
        Column { name: "Primary", r#type: "string", json_path: ".status.primary", description: "Pod that takes writes.", priority: 0 },
        Column {
            name: "Waits",
            r#type: "string",
            json_path: ".status.waiting.for",
            description: "What it waits for; `kubectl describe` tells since when, and who or what ends it.",
            priority: 0,
        },
        Column {
            name: "Held",
            r#type: "string",
            json_path: ".status.conditions[?(@.type==\"Held\")].status",
            description: "Whether somebody stopped every disturbance.",
            priority: 1,
        },
        Column {
            name: "Lag",
            r#type: "integer",
            json_path: ".status.lagMebibytes",
            description: "WAL in MiB that the replica furthest behind has not replayed; 0 is caught up.",
            priority: 1,
        },
        Column {
            name: "Profile",
            r#type: "string",
            json_path: ".spec.sgInstanceProfile",
            description: "SGInstanceProfile in force.",
            priority: 1,
        },
        Column {
            name: "Disk",
            r#type: "string",
            json_path: ".spec.pods.persistentVolume.size",
            description: "Size of each data volume.",
            priority: 1,
        },
        Column {
            name: "Release",
            r#type: "string",
            json_path: ".status.release.revision",
            description: "Revision the cluster shall run.",
            priority: 1,
        },
        Column {
            name: "Running",
            r#type: "string",
            json_path: ".status.running.revision",
            description: "Revision the cluster runs.",
            priority: 1,
        },
        Column {
            name: "Fleet",
            r#type: "string",
            json_path: ".status.claim.fleet",
            description: "Fleet that manages the cluster.",
            priority: 1,
        },
    ],
    description: "A PostgreSQL cluster: one primary and its replicas, pooled and monitored. The name and `spec` alone are enough for a working one.",
    not_yet: None,
    schema: LazyLock::new(|| object("A PostgreSQL cluster.").required("spec", spec()).field("status", status::schema())),
};

/// Schema of `spec`.
fn spec() -> Schema {
    object("What is wanted.")
        .fixed("initialData.restore", "the source of the first data cannot change", "put it back as it was")
        .rule(replication::enough("instances"))
        .rule(Rule {
            code: "too-few-instances",
            condition: Condition::AtMost("instances", 0).or(Condition::MoreThanSum("instances", "replication.groups", "instances")),
            message: "the groups take every instance".into(),
            help: "raise instances: at least one stays in the first group, which the primary comes from".into(),
            field: "instances",
        })
        .field("profile", text("Preset for everything that is not set: `production`, `testing` or `development`. The last two let instances share a node; `development` drops resource requirements as well.").default("production"))
        .required("postgres", postgres::schema())
        .required("instances", integer("Number of PostgreSQL instances, the primary included. Two or more give automatic failover; adding one copies the data from a running instance, removing one never takes the primary and keeps its volume. 0 stops the cluster and keeps its data.").minimum(0))
        .field("autoscaling", autoscaling::schema())
        .field("replication", replication::schema())
        .field("sgInstanceProfile", text("Name of the SGInstanceProfile in the same namespace that sets CPU and memory. Another size needs new pods."))
        .field("metadata", metadata::schema())
        .field("postgresServices", services::schema())
        .required("pods", pods::schema())
        .field("configurations", configurations::schema())
        .field("managedSql", managed_sql::schema())
        .field("initialData", initial_data::schema())
        .field("replicateFrom", replicate_from::schema())
        .field("nonProductionOptions", non_production_options::schema())
        .field("distributedLogs", distributed_logs().not_yet_warning())
        .field(
            "toInstallPostgresExtensions",
            extension_packages("Written by upstream's operator: the extension packages it resolved. Has no effect here.").not_yet_warning(),
        )
}
