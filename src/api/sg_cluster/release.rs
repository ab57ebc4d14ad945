//! What an SGCluster shall run and what it runs: the parts of its status that this program adds.

use crate::api::schema::{Schema, object, text};

/// Schema of `status.release`.
pub(in crate::api) fn release() -> Schema {
    object(
        "The revision the cluster shall run. Only the controller may write it: the right to edit a cluster is not the right to release it.",
    )
    .field("revision", text("Name of the revision's Secret."))
    .field("digest", text("Digest of the inputs that were released."))
    .field("releasedAt", text("When it was released.").format("date-time"))
    .field("by", text("Fleet or rule that released it."))
    .field("commit", text("Commit the inputs came from."))
}

/// Schema of `status.running`.
pub(in crate::api) fn running() -> Schema {
    object("The revision whose objects are in place.")
        .field("revision", text("Name of the revision's Secret."))
        .field("digest", text("Digest of its inputs."))
        .field("since", text("Since when.").format("date-time"))
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
        .field("since", text("Since when.").format("date-time"))
        .field("until", text("Until when, or what ends it."))
        .field("by", text("Who can end it."))
}
