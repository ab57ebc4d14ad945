//! The kind `SGRollout`: what became of one commit in a fleet.

use crate::api::kind::{Column, Kind, NAME_PATTERN, NotYet};
use crate::api::schema::{Schema, array, integer, moment, object, text};
use crate::api::shared::conditions;
use std::sync::LazyLock;

/// The kind `SGRollout`.
pub(super) static SG_ROLLOUT: Kind = Kind {
    kind: "SGRollout",
    version: "v1alpha1",
    plural: "sgrollouts",
    singular: "sgrollout",
    short_names: &["sgro"],
    categories: &["stackgres"],
    name_max_length: Some(63),
    name_pattern: Some(NAME_PATTERN),
    scale: None,
    columns: &[
        Column { name: "Fleet", r#type: "string", json_path: ".spec.fleet", description: "Fleet that it belongs to.", priority: 0 },
        Column { name: "Commit", r#type: "string", json_path: ".spec.commit", description: "Commit that is rolled out.", priority: 0 },
        Column {
            name: "State",
            r#type: "string",
            json_path: ".status.state",
            description: "`Waiting`, `Progressing`, `Paused`, `Completed`, `Failed`, `Superseded` or `Aborted`.",
            priority: 0,
        },
        Column { name: "Wave", r#type: "string", json_path: ".status.wave", description: "Wave that is under way.", priority: 0 },
        Column { name: "Done", r#type: "integer", json_path: ".status.clusters.done", description: "Clusters that run it.", priority: 0 },
        Column {
            name: "Changed",
            r#type: "integer",
            json_path: ".status.clusters.changed",
            description: "Clusters that it changes.",
            priority: 0,
        },
        Column {
            name: "Says",
            r#type: "string",
            json_path: ".status.message",
            description: "What it waits for, or how it ended.",
            priority: 0,
        },
    ],
    description: "What became of one commit in a fleet: the program writes one object for each, and keeps the last ones.",
    not_yet: Some(NotYet::error("the program writes these objects itself; take the document out")),
    schema: LazyLock::new(|| object("What became of one commit in a fleet.").required("spec", spec()).field("status", status())),
};

/// Schema of `spec`.
fn spec() -> Schema {
    object("What is rolled out. It cannot change.")
        .fixed("", "a rollout is about one commit and one plan", "another commit is another object")
        .required("fleet", text("SGFleet of the same namespace that it belongs to."))
        .required("commit", text("Commit that is rolled out; of a directory, the digest of its content."))
        .field("base", text("Commit that the plan begins from; absent for the first."))
        .required("plan", text("Identity of the plan: an approval is for this plan and no other."))
        .field("author", text("Author of the commit."))
        .field("summary", text("Consequences in one line."))
        .field("waves", array("Waves in their order, as they were when it began.", wave()))
}

fn wave() -> Schema {
    object("A wave.").required("name", text("Name of the wave.")).field("clusters", integer("Clusters of the wave that it changes."))
}

/// Schema of `status`.
fn status() -> Schema {
    object("How far it is.")
        .field("conditions", conditions("State by topic: `Progressing`, `Paused`, `Completed`, `Failed`."))
        .field("state", text("`Waiting`, `Progressing`, `Paused`, `Completed`, `Failed`, `Superseded` or `Aborted`."))
        .field("message", text("What it waits for, since when and who can end it; or how it ended."))
        .field("startedAt", moment("When the first cluster was released."))
        .field("endedAt", moment("When it ended."))
        .field("wave", text("Wave that is under way."))
        .field("clusters", counts("Clusters by state."))
        .field(
            "waves",
            array(
                "Each wave.",
                object("A wave.")
                    .field("name", text("Name of the wave."))
                    .field("state", text("`Waiting`, `Progressing`, `Soaking`, `Paused`, `Completed` or `Failed`."))
                    .field("startedAt", moment("When its first cluster was released."))
                    .field("endedAt", moment("When it ended."))
                    .field("clusters", counts("Its clusters by state.")),
            ),
        )
        .field(
            "failures",
            array(
                "Clusters that failed; the first ones, where there are many.",
                object("A cluster.")
                    .field("namespace", text("Namespace of the cluster."))
                    .field("name", text("Name of the cluster."))
                    .field("message", text("What went wrong."))
                    .field("at", moment("When it was seen.")),
            ),
        )
        .field(
            "decisions",
            array(
                "What people decided: approvals, pauses, retries, an end; the last ones.",
                object("A decision.")
                    .field("action", text("`approve`, `pause`, `resume`, `retry`, `rollback` or `abort`."))
                    .field("by", text("Who decided, as the API server knows them."))
                    .field("reason", text("Why, in their words."))
                    .field("at", moment("When.")),
            ),
        )
        .output()
}

fn counts(description: &str) -> Schema {
    object(description)
        .field("changed", integer("Clusters that it changes."))
        .field("waiting", integer("Not released yet."))
        .field("progressing", integer("Being changed."))
        .field("done", integer("Healthy on what was released."))
        .field("failed", integer("Not healthy on what was released."))
}
