//! Replication of an SGCluster.

use crate::api::condition::Condition;
use crate::api::schema::{Rule, Schema, array, integer, object, text};
use crate::api::shared::download_performance;

/// Schema of `spec.replication`.
pub(in crate::api) fn schema() -> Schema {
    object("How writes reach the replicas.")
        .field("mode", text("`async` never waits. `sync` waits for `syncInstances` standbys and falls back when none is there; `strict-sync` stops writes instead. `sync-all` and `strict-sync-all` wait for every replica. A change is a reload.").default("async"))
        .field("role", text("Duty of the instances of the first group: `ha-read` may become primary and serves reads; `ha` may become primary and serves no reads. A change is a reload.").default("ha-read"))
        .field("syncInstances", integer("How many standbys must confirm a commit in the synchronous modes. Must be smaller than the number of instances.").minimum(1))
        .field("groups", array("Further groups of instances with duties of their own. The rest of `instances` forms the first group, which has the lowest ordinals; the groups follow in their order. A change is a reload; a primary whose duty ends hands over.", object("One entry.")
            .rule(Rule {
                code: "too-few-instances",
                condition: Condition::NotMoreThan("minInstances", "instances"),
                message: "the group has fewer instances than its minimum".into(),
                help: "lower minInstances, or raise instances".into(),
                field: "minInstances",
            })
            .field("name", text("Name of the group, for people."))
            .required("role", text("Duty of the group's instances: `ha-read` may become primary and serves reads; `ha` may become primary; `readonly` only serves reads; `none` does neither and follows, for a report or a copy."))
            .required("instances", integer("Number of instances of the group, taken out of `spec.instances`.").minimum(1))
            .field("minInstances", integer("Instances of the group when autoscaling is at its own minimum; without autoscaling nothing changes them.").minimum(1))))
        .field("initialization", object("How a new replica gets its first copy of the data.")
            .field("mode", text("`FromPrimary` copies from the primary, `FromReplica` from a replica, `FromExistingBackup` restores the newest backup, `FromNewlyCreatedBackup` makes one first.").default("FromExistingBackup"))
            .field("backupNewerThan", text("Oldest age of a backup that may seed a replica, an ISO 8601 duration."))
            .field("backupRestorePerformance", download_performance("Limits while a replica is seeded from a backup.")).not_yet_warning())
}

/// The rule of a mapping with `replication` beside a number of instances: as many standbys as a commit waits for can be there. None at all
/// is a cluster that is stopped.
pub(in crate::api) fn enough(instances: &'static str) -> Rule {
    let waits = Condition::OneOf("replication.mode", vec!["sync", "strict-sync"]);
    let stopped = Condition::AtMost(instances, 0);
    Rule {
        code: "too-few-instances",
        condition: waits.implies(stopped.or(Condition::MoreThan(instances, "replication.syncInstances", 1))),
        message: "commits wait for more standbys than there are".into(),
        help: format!("raise {instances} above replication.syncInstances, which is 1 where it is absent").into(),
        field: instances,
    }
}
