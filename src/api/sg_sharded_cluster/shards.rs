//! The shards of an SGShardedCluster.

use super::configurations;
use super::coordinator::{autoscaling, replication};
use crate::api::schema::{Schema, array, integer, object, text};
use crate::api::sg_cluster;

/// Schema of `spec.shards`.
pub(super) fn schema() -> Schema {
    object("The clusters that hold the data, all alike but for `overrides`.")
        .required(
            "clusters",
            integer("Number of shards. Before it is lowered, the data of the last ones must be moved away: the SGClusters that are too many go.")
                .minimum(0),
        )
        .rule(sg_cluster::replication::enough("instancesPerCluster"))
        .required("instancesPerCluster", instances())
        .field("autoscaling", autoscaling())
        .field("sgInstanceProfile", profile())
        .field("managedSql", sg_cluster::managed_sql::schema())
        .required("pods", sg_cluster::pods::schema())
        .field("configurations", configurations::of_a_part("Configuration of the shards."))
        .field("replication", replication("How writes reach the shards' replicas.", "async"))
        .field("metadata", sg_cluster::metadata::schema())
        .field("overrides", array("What single shards have otherwise.", one()).max_items(500))
}

fn one() -> Schema {
    object("One shard; what is absent is as for all of them.")
        .rule(sg_cluster::replication::enough("instancesPerCluster"))
        .required("index", integer("Which shard, counted from 0. Each may be named once.").minimum(0))
        .field("instancesPerCluster", instances())
        .field("autoscaling", autoscaling())
        .field("sgInstanceProfile", profile())
        .field("managedSql", sg_cluster::managed_sql::schema())
        .field("pods", sg_cluster::pods::schema().optional("persistentVolume"))
        .field("configurations", configurations::of_a_part("Configuration of this shard."))
        .field("replication", replication("How writes reach this shard's replicas.", "async"))
        .field("metadata", sg_cluster::metadata::schema())
}

fn instances() -> Schema {
    integer("Number of instances of a shard, the primary included. 0 stops it and keeps its data.").minimum(0)
}

fn profile() -> Schema {
    text("Name of the SGInstanceProfile in the same namespace that sets CPU and memory.")
}
