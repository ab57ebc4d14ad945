//! The custom resources: one schema per kind, from which CRDs, validation, REST, forms, help and docs are made.
//!
//! In: nothing. Out: [`Kind`] values with a [`schema::Schema`] each. Invariant: every field has a description and says
//! whether this program carries it out (DESIGN: "what is accepted is carried out").
//! Why: a manifest stays one raw value; there is no second model of a kind that could drop a field.
//!
//! To add a kind, copy `sg_script.rs` and add one line to [`KINDS`].

pub mod condition;
mod crd;
mod differences;
mod kind;
mod kubernetes_types;
mod moved;
pub mod schema;
mod sections;
mod sg_backup;
mod sg_cluster;
mod sg_config;
mod sg_db_ops;
mod sg_distributed_logs;
mod sg_fleet;
mod sg_instance_profile;
mod sg_object_storage;
mod sg_pooling_config;
mod sg_postgres_config;
mod sg_rollout;
mod sg_script;
mod sg_sharded_backup;
mod sg_sharded_cluster;
mod sg_sharded_db_ops;
mod sg_stream;
mod shared;

pub use crd::{crd, crd_name, rule_message};
pub use differences::{BOUNDED, DIFFERENCES, Difference};
pub use kind::{Column, Kind, NotYet, Scale, carried_out, find_kind};
pub use moved::{Moved, deprecated, moved};

/// API group of every kind here.
pub const GROUP: &str = "stackgres.io";

/// Every kind, in the order of their names.
pub static KINDS: &[&Kind] = &[
    &sg_backup::SG_BACKUP,
    &sg_cluster::SG_CLUSTER,
    &sg_config::SG_CONFIG,
    &sg_db_ops::SG_DB_OPS,
    &sg_distributed_logs::SG_DISTRIBUTED_LOGS,
    &sg_fleet::SG_FLEET,
    &sg_instance_profile::SG_INSTANCE_PROFILE,
    &sg_object_storage::SG_OBJECT_STORAGE,
    &sg_pooling_config::SG_POOLING_CONFIG,
    &sg_postgres_config::SG_POSTGRES_CONFIG,
    &sg_rollout::SG_ROLLOUT,
    &sg_script::SG_SCRIPT,
    &sg_sharded_backup::SG_SHARDED_BACKUP,
    &sg_sharded_cluster::SG_SHARDED_CLUSTER,
    &sg_sharded_db_ops::SG_SHARDED_DB_OPS,
    &sg_stream::SG_STREAM,
];
