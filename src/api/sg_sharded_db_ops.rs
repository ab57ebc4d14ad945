//! The kind `SGShardedDbOps`.

use crate::api::kind::{Column, Kind, NAME_PATTERN, NotYet};
use crate::api::schema::{Schema, array, boolean, integer, number, object, text};
use crate::api::sections::{Section, sections};
use crate::api::sg_db_ops::{METHODS, method};
use crate::api::shared::{conditions, job_scheduling};
use std::sync::LazyLock;

/// The kind `SGShardedDbOps`.
pub(super) static SG_SHARDED_DB_OPS: Kind = Kind {
    kind: "SGShardedDbOps",
    version: "v1",
    plural: "sgshardeddbops",
    singular: "sgshardeddbops",
    short_names: &["sgsdo"],
    categories: &["stackgres"],
    name_max_length: Some(57),
    name_pattern: Some(NAME_PATTERN),
    scale: None,
    columns: &[
        Column {
            name: "Cluster",
            r#type: "string",
            json_path: ".spec.sgShardedCluster",
            description: "SGShardedCluster that it is done to.",
            priority: 0,
        },
        Column { name: "Operation", r#type: "string", json_path: ".spec.op", description: "What is done.", priority: 0 },
        Column {
            name: "State",
            r#type: "string",
            json_path: ".status.conditions[?(@.status==\"True\")].type",
            description: "`Running`, `Completed` or `Failed`; nothing before it begins.",
            priority: 0,
        },
        Column { name: "Started", r#type: "date", json_path: ".status.opStarted", description: "Time since it began.", priority: 0 },
    ],
    description: "One operation on a sharded cluster. It runs once: to do the same again, make another object.",
    not_yet: Some(NotYet::error("the operation would not run; take the document out")),
    schema: LazyLock::new(|| object("One operation on a sharded cluster.").required("spec", spec()).field("status", status())),
};

/// Schema of `spec`.
fn spec() -> Schema {
    let operation = object("What is to be done. It cannot change: an operation is done once, and a new wish is a new object.");
    let operations = [
        Section::Needed("resharding", "resharding"),
        Section::Allowed("restart", "restart"),
        Section::Allowed("securityUpgrade", "securityUpgrade"),
    ];
    sections(operation, "op", "unknown-operation", "operation-section", &operations)
        .fixed("", "an operation cannot change once it is made", "give it another name: it is another operation then")
        .required("sgShardedCluster", text("SGShardedCluster of the same namespace that it is done to."))
        .field("scheduling", job_scheduling("Where the pod of an operation may run that needs one of its own."))
        .required("op", text("What is done: `resharding`, `restart` or `securityUpgrade`. Only the section of that name may be there."))
        .field("runAt", text("Moment before which it does not begin, in ISO 8601, for example `2026-11-28T03:00:00Z`. Absent: at once."))
        .field("timeout", text("Longest time from its beginning to its end, as an ISO 8601 duration such as `PT2H`. Absent: without end."))
        .field("maxRetries", integer("How often it is tried again after it failed.").default("0"))
        .field(
            "resharding",
            object("How data move between shards, so that all of them are used alike.").field(
                "citus",
                object("Settings of the rebalancer of Citus.")
                    .field(
                        "threshold",
                        number("How far the use of a shard may be off the average before data move, from 0 to 1. Absent: what the strategy says."),
                    )
                    .field("drainOnly", boolean("Whether data only leave shards that shall hold none, before these are taken away.").default("false"))
                    .field("rebalanceStrategy", text("Name of the strategy in `pg_dist_rebalance_strategy`; absent is the default one there.")),
            ),
        )
        .field(
            "restart",
            object("How the instances are restarted.").choice("unknown-choice", "method", METHODS).field("method", method()).field(
                "onlyPendingRestart",
                boolean("Whether only instances are restarted that wait for it.").default("false"),
            ),
        )
        .field(
            "securityUpgrade",
            object("How every instance gets the newest images of the PostgreSQL version that it runs.")
                .choice("unknown-choice", "method", METHODS)
                .field("method", method()),
        )
}

/// Schema of `status`.
fn status() -> Schema {
    object("What is, as the controller last saw it.")
        .field("conditions", conditions("State of the operation by topic: `Running`, `Completed`, `Failed`."))
        .field("opRetries", integer("How often it was tried again."))
        .field("opStarted", text("When it began, with the first try."))
        .field("restart", progress("How the restart goes."))
        .field("securityUpgrade", progress("How the upgrade goes."))
        .output()
}

fn progress(description: &str) -> Schema {
    object(description)
        .field("pendingToRestartSgClusters", array("SGClusters that still wait.", text("Name of an SGCluster.")))
        .field("restartedSgClusters", array("SGClusters that are done.", text("Name of an SGCluster.")))
        .field("failure", text("Why it failed."))
}
