//! The kind `SGDbOps`: one operation on one cluster, done once.
//!
//! In: nothing. Out: [`SG_DB_OPS`]. Invariant: what is asked for never changes; a new wish is a new object.
//! Why: an operation that was done must not be done again because somebody edited or re-created what asked for it.

mod benchmark;
mod maintenance;
mod status;
mod upgrades;

use crate::api::kind::{Column, Kind, NAME_PATTERN};
use crate::api::schema::{Schema, boolean, integer, object, text};
use crate::api::sections::{Section, sections};
use crate::api::shared::job_scheduling;
use std::sync::LazyLock;

/// The kind `SGDbOps`.
pub(super) static SG_DB_OPS: Kind = Kind {
    kind: "SGDbOps",
    version: "v1",
    plural: "sgdbops",
    singular: "sgdbops",
    short_names: &["sgdo"],
    categories: &["stackgres"],
    name_max_length: Some(57),
    name_pattern: Some(NAME_PATTERN),
    scale: None,
    columns: &[
        Column {
            name: "Cluster",
            r#type: "string",
            json_path: ".spec.sgCluster",
            description: "SGCluster that it is done to.",
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
        Column {
            name: "Says",
            r#type: "string",
            json_path: ".status.conditions[?(@.type==\"Running\")].message",
            description: "What is being done or waited for, or how it ended.",
            priority: 0,
        },
        Column {
            name: "Retries",
            r#type: "integer",
            json_path: ".status.opRetries",
            description: "How often it was tried again.",
            priority: 1,
        },
    ],
    description: "One operation on one cluster. It runs once: to do the same again, make another object.",
    not_yet: None,
    schema: LazyLock::new(|| object("One operation on one cluster.").required("spec", spec()).field("status", status::schema())),
};

/// The operations of the API, and their sections.
const OPERATIONS: &[Section] = &[
    Section::Needed("benchmark", "benchmark"),
    Section::Allowed("vacuum", "vacuum"),
    Section::Allowed("repack", "repack"),
    Section::Allowed("restart", "restart"),
    Section::Needed("majorVersionUpgrade", "majorVersionUpgrade"),
    Section::Needed("minorVersionUpgrade", "minorVersionUpgrade"),
    Section::Allowed("securityUpgrade", "securityUpgrade"),
];

/// The two ways to restart instances.
pub(in crate::api) const METHODS: &[&str] = &["InPlace", "ReducedImpact"];

/// Schema of `spec`.
fn spec() -> Schema {
    let operation = object("What is to be done. It cannot change: an operation is done once, and a new wish is a new object.");
    sections(operation, "op", "unknown-operation", "operation-section", OPERATIONS)
        .fixed("", "an operation cannot change once it is made", "give it another name: it is another operation then")
        .required("sgCluster", text("SGCluster of the same namespace that it is done to."))
        .field("scheduling", job_scheduling("Where the pod of an operation may run that needs one of its own.").not_yet_warning())
        .required(
            "op",
            text("What is done: `restart` or `securityUpgrade`; `benchmark`, `vacuum`, `repack`, `minorVersionUpgrade` and `majorVersionUpgrade` are not carried out yet, and refused. Only the section of that name may be there."),
        )
        .field("runAt", text("Moment before which it does not begin, in ISO 8601, for example `2026-11-28T03:00:00Z`. Absent: at once."))
        .field(
            "timeout",
            text("Longest time from its beginning to its end, as an ISO 8601 duration such as `PT2H`. After that it has failed; instances that were restarted stay so. Absent: without end."),
        )
        .field("maxRetries", integer("How often it is tried again after it failed.").default("0"))
        .field("benchmark", benchmark::schema().not_yet_error())
        .field("vacuum", maintenance::vacuum().not_yet_error())
        .field("repack", maintenance::repack().not_yet_error())
        .field("majorVersionUpgrade", upgrades::major().not_yet_error())
        .field(
            "restart",
            object("How the instances are restarted.")
                .choice("unknown-choice", "method", METHODS)
                .field("method", method())
                .field(
                    "onlyPendingRestart",
                    boolean("Whether only instances are restarted that wait for it: a released change, or a parameter of which PostgreSQL says so. Otherwise the pod of every instance is made anew, once.")
                        .default("false"),
                ),
        )
        .field("minorVersionUpgrade", upgrades::minor().not_yet_error())
        .field(
            "securityUpgrade",
            object("How every instance gets the newest images of the PostgreSQL version that it runs.")
                .choice("unknown-choice", "method", METHODS)
                .field("method", method()),
        )
}

/// Schema of `method`.
pub(in crate::api) fn method() -> Schema {
    text(
        "`InPlace`: one instance less meanwhile; `ReducedImpact`: one more first, so that never one is missing. Absent: the method of the cluster's update strategy.",
    )
}
