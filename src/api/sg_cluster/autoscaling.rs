//! Automatic scaling of an SGCluster.

use crate::api::condition::Condition;
use crate::api::schema::{Rule, Schema, integer, object, text};
use crate::api::shared::size_bounds;

/// Schema of `spec.autoscaling`.
pub(in crate::api) fn schema() -> Schema {
    of_size(fields(), vec!["horizontal", "none"])
        .choice("unknown-choice", "mode", &["all", "horizontal", "vertical", "none"])
        .demand(
            "incomplete-autoscaling",
            Condition::OneOf("mode", vec!["vertical", "none"])
                .or(Condition::Present("minInstances").and(Condition::Present("maxInstances"))),
            "the bounds of the number of instances are missing",
            "write minInstances and maxInstances, or the mode vertical or none",
        )
        .rule(Rule {
            code: "autoscaling-bounds",
            condition: Condition::NotMoreThan("minInstances", "maxInstances"),
            message: "there are at least more instances than at most".into(),
            help: "lower minInstances, or raise maxInstances".into(),
            field: "minInstances",
        })
        .not_yet_error()
}

/// Adds the rule that the size has bounds, but for these modes.
pub(in crate::api) fn of_size(of: Schema, without: Vec<&'static str>) -> Schema {
    let help = format!("write minAllowed and maxAllowed, or the mode {}", without.join(" or "));
    of.demand(
        "incomplete-autoscaling",
        Condition::OneOf("mode", without).or(Condition::Present("minAllowed").and(Condition::Present("maxAllowed"))),
        "the bounds of the size are missing",
        help,
    )
}

/// The fields, without rules.
pub(in crate::api) fn fields() -> Schema {
    object("Automatic change of the number or size of instances.")
        .field(
            "mode",
            text("What may change by itself: `horizontal` the number of replicas, `vertical` the size, `all` both, `none` neither.")
                .default("all"),
        )
        .field("minInstances", integer("Fewest instances horizontal scaling may leave.").minimum(2))
        .field("maxInstances", integer("Most instances horizontal scaling may start.").minimum(2))
        .field("minAllowed", size_bounds("Smallest size vertical scaling may choose, per container."))
        .field("maxAllowed", size_bounds("Largest size vertical scaling may choose, per container."))
        .field(
            "horizontal",
            object("When replicas are added and removed.")
                .field(
                    "replicasConnectionsUsageTarget",
                    text("Share of a replica's connections in use above which another replica starts, for example `0.8`.").default("0.8"),
                )
                .field(
                    "replicasConnectionsUsageMetricType",
                    text("How the share is taken over replicas: `AverageValue` or `Value`.").default("AverageValue"),
                )
                .field("cooldownPeriod", integer("Seconds of low use before a replica goes.").default("300"))
                .field("pollingInterval", integer("Seconds between two looks at the use.").default("30")),
        )
        .field(
            "vertical",
            object("How sizes are recommended.").field("recommender", text("Name of the recommender of the vertical pod autoscaler.")),
        )
}
