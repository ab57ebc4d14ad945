//! How the changes of a fleet are released.

use crate::api::schema::{Schema, array, boolean, int_or_string, integer, moment, object, text, text_map};

/// Schema of `spec.waves`.
pub(super) fn waves() -> Schema {
    array(
        "Sets of clusters that are released one after another. Absent: one wave with every cluster. A cluster that no wave selects is an error.",
        object("A wave.")
            .required("name", text("Name of the wave.").max_length(63))
            .field(
                "selector",
                object("Clusters of the wave, by their labels; absent selects all that no earlier wave did.")
                    .field("matchLabels", text_map("Labels with these values."))
                    .field(
                        "matchExpressions",
                        array(
                            "Further conditions.",
                            object("A condition.")
                                .required("key", text("Label key."))
                                .required(
                                    "operator",
                                    text("`In`, `NotIn`, `Exists` or `DoesNotExist`.").allowed(&["In", "NotIn", "Exists", "DoesNotExist"]),
                                )
                                .field("values", array("Values to compare with.", text("A value."))),
                        ),
                    ),
            )
            .field(
                "maxConcurrent",
                int_or_string("Clusters changed at once, a number or a percentage of the wave.").pattern("^([0-9]+|[0-9]+%)$"),
            )
            .field(
                "soak",
                text("How long a changed cluster must stay healthy before it counts as done, such as `10m`.").pattern("^([0-9]+(s|m|h))+$"),
            )
            .field(
                "gates",
                array(
                    "Conditions that must hold before a cluster is released.",
                    object("A condition.")
                        .required(
                            "type",
                            text("`healthy`, `lag`, `backup` or `commitStatus`.").allowed(&["healthy", "lag", "backup", "commitStatus"]),
                        )
                        .field("parameters", text_map("Settings of the condition.")),
                ),
            )
            .field("approval", boolean("Whether a person must approve the plan before the wave starts.").default("false")),
    )
}

/// Schema of `spec.windows`.
pub(super) fn windows() -> Schema {
    array(
        "When disturbing changes may start. Where an allowing and a denying window overlap, denying wins.",
        object("A window.")
            .required("kind", text("`allow` or `deny`.").allowed(&["allow", "deny"]))
            .required("cron", text("When it opens, five-field cron."))
            .required("duration", text("How long it stays open, such as `2h`.").pattern("^([0-9]+(s|m|h))+$"))
            .field("timeZone", text("IANA time zone of the cron expression.").default("UTC")),
    )
}

/// Schema of `spec.freeze`.
pub(super) fn freeze() -> Schema {
    array(
        "Periods in which nothing disturbing starts.",
        object("A period.").required("from", moment("Beginning.")).required("until", moment("End.")).required("reason", text("Why.")),
    )
}

/// Schema of `spec.maxFailures`.
pub(super) fn max_failures() -> Schema {
    integer("Failed clusters after which the rollout pauses.").minimum(0).default("0")
}

/// Schema of `spec.prune`.
pub(super) fn prune() -> Schema {
    object("Brakes on deletions by tombstones.")
        .field("maxDeletions", integer("Most clusters one commit may delete.").minimum(0).default("1"))
        .field("maxPercent", integer("Largest share of the fleet one commit may delete.").minimum(0).maximum(100).default("10"))
}

/// Schema of `spec.tombstones`.
pub(super) fn tombstones() -> Schema {
    array(
        "Clusters to delete. Absence from the source deletes nothing.",
        object("A cluster to delete.")
            .required("namespace", text("Its namespace."))
            .required("name", text("Its name."))
            .field("uid", text("Its identity, so that a later cluster of that name is safe."))
            .field("date", text("Day of the decision, where the identity is not known.").pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))
            .field("volumes", text("What happens to the volumes.").allowed(&["retain", "delete"]).default("retain"))
            .field("backups", text("What happens to the backups.").allowed(&["retain", "delete"]).default("retain"))
            .field("finalBackup", boolean("Whether a last backup is taken first.").default("true")),
    )
}

/// Schema of `spec.hold`.
pub(super) fn hold() -> Schema {
    object("A stop somebody set: nothing is released while it lasts.")
        .required("reason", text("Why."))
        .field("until", moment("When it ends by itself; absent: when it is taken away."))
        .field("by", text("Who set it."))
}
