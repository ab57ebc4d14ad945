//! The custom resources: one schema per kind, from which CRDs, validation, REST, forms, help and docs are made.
//!
//! In: nothing. Out: [`Kind`] values with a [`schema::Schema`] each. Invariant: every field has a description and says
//! whether this program carries it out (DESIGN: "what is accepted is carried out").
//! Why: a manifest stays one raw value; there is no second model of a kind that could drop a field.
//!
//! To add a kind, copy `sg_script.rs` and add one line to [`KINDS`].

mod crd;
mod differences;
mod kind;
mod kubernetes_types;
pub mod schema;
mod sg_cluster;
mod sg_db_ops;
mod sg_fleet;
mod sg_instance_profile;
mod sg_object_storage;
mod sg_pooling_config;
mod sg_postgres_config;
mod sg_script;
mod shared;

pub use crd::{crd, crd_name};
pub use differences::{DIFFERENCES, Difference};
pub use kind::{Column, Kind, Scale, find_kind};

/// API group of every kind here.
pub const GROUP: &str = "stackgres.io";

/// Every kind, in the order of their names.
pub static KINDS: &[&Kind] = &[
    &sg_cluster::SG_CLUSTER,
    &sg_db_ops::SG_DB_OPS,
    &sg_fleet::SG_FLEET,
    &sg_instance_profile::SG_INSTANCE_PROFILE,
    &sg_object_storage::SG_OBJECT_STORAGE,
    &sg_pooling_config::SG_POOLING_CONFIG,
    &sg_postgres_config::SG_POSTGRES_CONFIG,
    &sg_script::SG_SCRIPT,
];
