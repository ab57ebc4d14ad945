//! Status of a fleet: counts and first problems, never one entry a cluster.

use crate::api::schema::{Schema, array, integer, moment, object, text};

/// Schema of `status`.
pub(super) fn schema() -> Schema {
    object("What is, as the controller last saw it.")
        .field("observedGeneration", integer("Generation of the spec that this status speaks of.").format("int64"))
        .field("seen", revision("Commit last read from the source."))
        .field("planned", revision("Commit last planned."))
        .field("applied", revision("Commit whose objects are applied, without those its checks block."))
        .field("lastGood", revision("Last commit with which every cluster was healthy."))
        .field(
            "plan",
            object("The plan of the last commit.")
                .field("id", text("Identity of the plan."))
                .field("summary", text("Consequences in one line."))
                .field("changed", integer("Clusters that change.")),
        )
        .field(
            "clusters",
            object("Clusters by state.")
                .field("total", integer("All of them."))
                .field("ready", integer("Healthy on the released revision."))
                .field("progressing", integer("Being changed."))
                .field("blocked", integer("Not released because of an error."))
                .field("drifted", integer("Edited live."))
                .field("orphaned", integer("No longer in the source.")),
        )
        .field("leftAlone", integer("Files and documents of the source that are not managed."))
        .field(
            "problems",
            array(
                "The first problems of the source.",
                object("A problem.")
                    .field("code", text("Stable code; `stackgres explain CODE` tells more."))
                    .field("severity", text("`error` or `warning`."))
                    .field("message", text("What is wrong."))
                    .field("at", text("File, line and column.")),
            ),
        )
        .field("problemCount", integer("How many problems there are."))
        .field(
            "conditions",
            array(
                "State of the fleet by topic.",
                object("A topic.")
                    .required("type", text("Topic."))
                    .required("status", text("`True`, `False` or `Unknown`."))
                    .field("reason", text("What it is, one word for programs."))
                    .field("message", text("What it is, for people."))
                    .field("observedGeneration", integer("Generation of the spec the condition speaks of.").format("int64"))
                    .field("lastTransitionTime", moment("When the status last changed.")),
            )
            .list_map(&["type"]),
        )
        .output()
}

fn revision(description: &str) -> Schema {
    object(description)
        .field("revision", text("Commit id."))
        .field("reference", text("Branch or tag it was read from."))
        .field("subject", text("First line of the commit message."))
        .field("author", text("Author of the commit, by the commit's own account."))
        .field("signature", text("Whether it is signed, and by whom, where the fleet has a `signaturePolicy`."))
        .field("at", moment("When."))
}
