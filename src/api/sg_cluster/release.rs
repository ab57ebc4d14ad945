//! What an SGCluster shall run and what it runs: the parts of its status that this program adds.

use crate::api::schema::{Schema, array, boolean, integer, moment, object, text};

/// Schema of `status.release`.
pub(in crate::api) fn release() -> Schema {
    object(
        "The revision the cluster shall run. Only the controller may write it: the right to edit a cluster is not the right to release it.",
    )
    .field("revision", text("Name of the revision's Secret."))
    .field("digest", text("Digest of the inputs that were released."))
    .field("releasedAt", moment("When it was released."))
    .field("by", text("Fleet or rule that released it."))
    .field("commit", text("Commit the inputs came from."))
    .field(
        "operation",
        object("The security upgrade that was answered last.")
            .field("uid", text("Identity of the SGDbOps."))
            .field("problem", text("Why there are no newer images; absent where there are, or the released ones are the newest.")),
    )
    .field("rendering", text("What became of a newer rendering of the program: taken along, left for a promotion, or promoted."))
}

/// Schema of `status.promotion`.
pub(in crate::api) fn promotion() -> Schema {
    object("What the program that runs now would render of the released inputs, where that is something else. It is not taken by itself.")
        .field("revision", text("Name of the revision; the annotation stackgres.io/promote with this name takes it."))
        .field("summary", text("What taking it does, and what differs."))
}

/// Schema of `status.running`.
pub(in crate::api) fn running() -> Schema {
    object("The revision whose objects are in place.")
        .field("revision", text("Name of the revision's Secret."))
        .field("digest", text("Digest of its inputs."))
        .field("since", moment("Since when."))
}

/// Schema of `status.claim`.
pub(in crate::api) fn claim() -> Schema {
    object("The fleet that manages this cluster. The first one keeps it.")
        .field("fleet", text("Namespace and name of the SGFleet."))
        .field("uid", text("Identity of the SGFleet."))
}

/// Schema of `status.waiting`.
pub(in crate::api) fn waiting() -> Schema {
    object("What the cluster waits for, if it waits.")
        .field("for", text("What is waited for."))
        .field("since", moment("Since when."))
        .field("until", text("Until when, or what ends it."))
        .field("by", text("Who can end it."))
}

/// Schema of `status.rollout`.
pub(in crate::api) fn rollout() -> Schema {
    object("The change that is being carried out, or that stopped; absent when every instance runs what was released.")
        .field("revision", text("Name of the revision it is about."))
        .field("operation", text("Identity of the SGDbOps it is about, and how often that was tried again."))
        .field(
            "superseded",
            array("Revisions that were released before it and not finished: some instance may still run them.", text("One name.")),
        )
        .field("since", moment("When it began."))
        .field(
            "step",
            object("The disturbance that was begun last. It is written down before it is carried out.")
                .field("action", text("`add`, `resize`, `restart`, `recreate` or `switchover`."))
                .field("instance", integer("Number of the instance; the leader of a switchover.").format("int32"))
                .field("candidate", integer("Number of the instance that takes over.").format("int32"))
                .field("leads", boolean("Whether the instance led."))
                .field("relieves", boolean("Whether a switchover leaves a node that is emptied, and is none of the change."))
                .field("brings", array("Parameters that a restart brings.", text("One name.")))
                .field("uid", text("Identity of the pod that is made anew."))
                .field("claim", text("Identity of the claim that goes with it, where the data move to a new volume."))
                .field("since", moment("When it was begun.")),
        )
        .field(
            "ahead",
            array(
                "What is still to be done to instances after the step that is under way, in order, if nothing goes wrong.",
                text("One step."),
            ),
        )
        .field("switchedTo", integer("Number of the instance that leads because of this change.").format("int32"))
        .field(
            "loweredAt",
            integer("Position in the WAL, in bytes, behind the lowering of hot-standby parameters on the leader.").format("int64"),
        )
        .field(
            "loweredBy",
            integer("When the server that noted it had started, in microseconds since 1970: what another one writes counts anew.")
                .format("int64"),
        )
        .field(
            "failure",
            object("Why it stopped. The same inputs are not tried again.")
                .field("instance", integer("Number of the instance at which it did.").format("int32"))
                .field("cause", text("What happened, with PostgreSQL's own words where it said something."))
                .field("at", moment("When.")),
        )
        .field("tried", boolean("Whether something of it was in force, so that an instance may run it."))
        .field("retried", text("Value of the annotation stackgres.io/rollout-retry that was answered."))
        .field(
            "resizeRefused",
            boolean("Whether the amounts of processor and memory of a running pod could not be changed: new pods bring them."),
        )
}
