//! Benchmarks of an SGDbOps.

use crate::api::condition::Condition;
use crate::api::schema::{Schema, array, boolean, integer, number, object, text};
use crate::api::sections::{Section, sections};
use crate::api::shared::{required_user_credentials, script_from};

/// Schema of `spec.benchmark`.
pub(super) fn schema() -> Schema {
    let load = object("A load that is put on the cluster, and measured.");
    let parts = [Section::Needed("pgbench", "pgbench"), Section::Needed("sampling", "sampling")];
    sections(load, "type", "unknown-choice", "operation-section", &parts)
        .choice("unknown-choice", "connectionType", &["primary-service", "replicas-service"])
        .required("type", text("`pgbench` runs transactions of its own; `sampling` records what the applications ask for."))
        .field("database", text("Database it works in; a new one that is dropped afterwards when absent."))
        .field("credentials", required_user_credentials("User it connects as; the superuser when absent."))
        .field("sampling", sampling())
        .field("pgbench", pgbench())
        .field("connectionType", text("`primary-service` or `replicas-service`: where it connects to."))
}

fn sampling() -> Schema {
    object("Recording of queries.")
        .choice("unknown-choice", "mode", &["time", "calls", "custom"])
        .demand(
            "incomplete-operation",
            Condition::OneOf("mode", vec!["custom"]).implies(Condition::Present("customTopQueriesQuery")),
            "the mode `custom` has no query",
            "write customTopQueriesQuery",
        )
        .required("targetDatabase", text("Database whose queries are recorded."))
        .required("topQueriesCollectDuration", text("How long statistics are gathered to find the queries, as an ISO 8601 duration."))
        .required("samplingDuration", text("How long queries are recorded, as an ISO 8601 duration."))
        .field("mode", text("What makes a query one of the top: `time`, `calls`, or `custom`.").default("time"))
        .field("topQueriesFilter", text("Regular expression of the queries that count; SELECT and WITH when absent."))
        .field("topQueriesPercentile", integer("Percentile from which on a query is one of the top, 0 to 99.").default("95"))
        .field("topQueriesMin", integer("Fewest queries that are kept.").default("5"))
        .field("customTopQueriesQuery", text("SQL that finds the top queries, for the mode `custom`."))
        .field("queries", integer("Number of recorded queries that are stored.").default("10"))
        .field("omitTopQueriesInStatus", boolean("Whether the top queries are left out of the status.").default("false"))
        .field("samplingMinInterval", integer("Shortest time between two samples, in microseconds.").default("10000"))
}

fn pgbench() -> Schema {
    object("A run of `pgbench`.")
        .choice("unknown-choice", "mode", &["tpcb-like", "select-only", "custom", "replay"])
        .choice("unknown-choice", "queryMode", &["simple", "extended", "prepared"])
        .choice("unknown-choice", "partitionMethod", &["range", "hash"])
        .demand(
            "incomplete-operation",
            Condition::OneOf("mode", vec!["replay"]).implies(Condition::Present("samplingSGDbOps")),
            "the mode `replay` has no recorded queries",
            "write samplingSGDbOps with the SGDbOps that recorded them",
        )
        .field("mode", text("`tpcb-like`, `select-only`, `custom`, or `replay` of recorded queries. Absent: `tpcb-like` on the primary, `select-only` on replicas."))
        .required("databaseSize", text("Size of the tables that are made, for example `10Gi`.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi|Ti)$"))
        .required("duration", text("How long it runs, as an ISO 8601 duration."))
        .field("usePreparedStatements", boolean("Whether statements are prepared; `queryMode` says it more exactly."))
        .field("queryMode", text("Protocol of the queries: `simple`, `extended` or `prepared`.").default("simple"))
        .field("concurrentClients", integer("Number of clients.").default("1"))
        .field("threads", integer("Number of threads that the clients share.").default("1"))
        .field("samplingRate", number("Share of the transactions that is recorded, above 0 up to 1.").default("1.0"))
        .field("foreignKeys", boolean("Whether the tables get foreign keys."))
        .field("unloggedTables", boolean("Whether the tables are unlogged."))
        .field("partitionMethod", text("`range` or `hash`: how the largest table is partitioned."))
        .field("partitions", integer("Number of partitions of the largest table."))
        .field("initSteps", text("Steps of the initialisation, one letter each, as `pgbench --init-steps` takes them."))
        .field("fillfactor", integer("Fill factor of the tables, in percent."))
        .field("noVacuum", boolean("Whether the tables are not vacuumed before the run."))
        .field("samplingSGDbOps", text("SGDbOps that recorded the queries, for the mode `replay`."))
        .field("custom", custom())
}

fn custom() -> Schema {
    object("Scripts of the mode `custom`.")
        .field(
            "initialization",
            object("What prepares the database; the built-in initialisation when absent.")
                .demand(
                    "script-source",
                    Condition::ExactlyOne(&["script", "scriptFrom"]),
                    "it needs exactly one of `script` and `scriptFrom`",
                    "write the SQL into one of them",
                )
                .field("script", text("The SQL."))
                .field("scriptFrom", script_from("Where the SQL comes from.")),
        )
        .field(
            "scripts",
            array(
                "Scripts that are run, each as often as its weight says.",
                object("One script: exactly one of `script`, `scriptFrom`, `builtin` and `replay`.")
                    .demand(
                        "script-source",
                        Condition::ExactlyOne(&["script", "scriptFrom", "builtin", "replay"]),
                        "it needs exactly one of `script`, `scriptFrom`, `builtin` and `replay`",
                        "keep one of them",
                    )
                    .field("script", text("The script, in the language of `pgbench`."))
                    .field("scriptFrom", script_from("Where the script comes from."))
                    .field("builtin", text("Name of a script that `pgbench` has built in."))
                    .field("replay", integer("Number of the recorded query that is run."))
                    .field("weight", integer("How often it is chosen, beside the others.").default("1")),
            )
            .min_items(1),
        )
}
