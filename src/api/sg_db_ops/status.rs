//! Status of an SGDbOps.

use crate::api::schema::{Schema, array, integer, map, number, object, text};
use crate::api::shared::{conditions, operation_progress};

/// Schema of `status`.
pub(super) fn schema() -> Schema {
    object("How far it is, as the controller last saw it.")
        .field("conditions", conditions("State of the operation by topic: `Running`, `Completed`, `Failed`, `RolloutCompleted`."))
        .field("opRetries", integer("How often it was tried again."))
        .field("opStarted", text("When it began, with the first try."))
        .field("benchmark", benchmark())
        .field(
            "majorVersionUpgrade",
            instances(versions("Progress of a major version upgrade."))
                .field("phase", text("What is being done."))
                .field("failure", failure()),
        )
        .field("restart", rollout(object("Progress of a restart.")))
        .field("minorVersionUpgrade", rollout(versions("Progress of a minor version upgrade.")))
        .field("securityUpgrade", rollout(object("Progress of a security upgrade.")))
        .field(
            "initialPods",
            array("Identities of the pods that are to be made anew: one whose identity is not here was made since.", text("A UID.")),
        )
        .output()
}

fn failure() -> Schema {
    text("Why it failed.")
}

fn versions(description: &str) -> Schema {
    object(description)
        .field("sourcePostgresVersion", text("Version it came from."))
        .field("targetPostgresVersion", text("Version it goes to."))
}

fn instances(of: Schema) -> Schema {
    let progress = operation_progress("");
    let own = |name: &str| progress.get_field(name).map_or_else(|| text("."), |field| field.schema.clone());
    of.field("primaryInstance", own("primaryInstance"))
        .field("initialInstances", own("initialInstances"))
        .field("pendingToRestartInstances", array("Instances that it has not done with.", text("One entry.")))
        .field("restartedInstances", array("Instances that need nothing more.", text("One entry.")))
}

fn rollout(of: Schema) -> Schema {
    instances(of)
        .field("switchoverInitiated", text("When the primary began to hand over."))
        .field("switchoverFinalized", text("When another instance had taken over."))
        .field("failure", failure())
}

fn benchmark() -> Schema {
    object("Results of a benchmark.").field("sampling", sampling()).field("pgbench", pgbench())
}

fn sampling() -> Schema {
    object("What was recorded.")
        .field(
            "topQueries",
            array(
                "The queries that took most.",
                object("One query.")
                    .field("id", text("Identity of the query, as `pg_stat_statements` gives it."))
                    .field("stats", map("Its statistics, by name.", text("One value."))),
            ),
        )
        .field(
            "queries",
            array(
                "Recorded queries, in order.",
                object("One query.")
                    .field("id", text("Identity of the query."))
                    .field("query", text("Its text."))
                    .field("timestamp", text("When it was seen.")),
            ),
        )
}

fn measured(description: &str) -> Schema {
    object(description).field("value", number("The number.")).field("unit", text("Its unit."))
}

fn pgbench() -> Schema {
    object("What was measured.")
        .field("scaleFactor", number("Scale factor that came of the size."))
        .field("transactionsProcessed", integer("Number of transactions."))
        .field(
            "latency",
            object("How long transactions took.")
                .field("average", measured("On average."))
                .field("standardDeviation", measured("Standard deviation.")),
        )
        .field(
            "transactionsPerSecond",
            object("Throughput.")
                .field("includingConnectionsEstablishing", measured("With the time that connecting took."))
                .field("excludingConnectionsEstablishing", measured("Without it."))
                .field(
                    "overTime",
                    object("Throughput over time.")
                        .field("valuesUnit", text("Unit of the values."))
                        .field("values", array("One value for each interval.", number("One value.")))
                        .field("intervalDurationUnit", text("Unit of the length of an interval."))
                        .field("intervalDuration", number("Length of an interval.")),
                ),
        )
        .field(
            "statements",
            array(
                "Each statement of the scripts.",
                object("One statement.")
                    .field("script", integer("Number of the script."))
                    .field("command", text("The statement."))
                    .field("latency", number("How long it took on average."))
                    .field("unit", text("Unit of that time.")),
            ),
        )
        .field("hdrHistogram", text("Histogram of the latencies, compressed, in the format of HdrHistogram."))
}
