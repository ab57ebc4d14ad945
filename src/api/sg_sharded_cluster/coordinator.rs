//! The coordinator of an SGShardedCluster.

use super::{configurations, sharding_sphere};
use crate::api::condition::Condition;
use crate::api::schema::{Rule, Schema, integer, object, text};
use crate::api::sg_cluster;

/// Schema of `spec.coordinator`.
pub(super) fn schema() -> Schema {
    object("The cluster that clients connect to: it holds what is not sharded, and knows where the rest is.")
        .rule(sg_cluster::replication::enough("instances"))
        .rule(Rule {
            code: "sharding-sphere",
            condition: Condition::OneOf("configurations.shardingSphere.mode.type", vec!["Standalone"])
                .implies(Condition::AtMost("instances", 1)),
            message: "proxies of the mode `Standalone` do not know of each other".into(),
            help: "write instances: 1, or the mode Cluster with a store".into(),
            field: "instances",
        })
        .required("instances", integer("Number of its instances, the primary included. 0 stops it and keeps its data.").minimum(0))
        .field("autoscaling", autoscaling())
        .field("sgInstanceProfile", text("Name of the SGInstanceProfile in the same namespace that sets its CPU and memory."))
        .field("managedSql", sg_cluster::managed_sql::schema())
        .required("pods", sg_cluster::pods::schema())
        .field(
            "configurations",
            configurations::of_a_part("Configuration of the coordinator.").field("shardingSphere", sharding_sphere::schema()),
        )
        .field("replication", replication("How writes reach the coordinator's replicas.", "sync-all"))
        .field("metadata", sg_cluster::metadata::schema())
}

/// Schema of `autoscaling` of a part: the number of instances does not change by itself.
pub(super) fn autoscaling() -> Schema {
    let fields = sg_cluster::autoscaling::fields()
        .described("Automatic change of the size of instances.")
        .without(&["mode", "minInstances", "maxInstances"])
        .field(
            "mode",
            text("What may change by itself: `vertical` the size, `none` nothing.").allowed(&["vertical", "none"]).default("vertical"),
        );
    sg_cluster::autoscaling::of_size(fields, vec!["none"]).not_yet_error()
}

/// Schema of `replication` of a part; absent fields are those of `spec.replication`, and of that the mode is `mode`.
pub(super) fn replication(description: &str, mode: &str) -> Schema {
    let whole = sg_cluster::replication::schema().described(description).without(&["groups", "role", "mode"]);
    whole.field(
        "mode",
        text("`async` never waits. `sync` waits for `syncInstances` standbys and falls back when none is there; `strict-sync` stops writes instead. `sync-all` and `strict-sync-all` wait for every replica.")
            .default(mode),
    )
}
