//! Options of Debezium's PostgreSQL connector: slot, publication, batches, failures and topics.

use super::source_snapshot::snapshot;
use super::source_values::values;
use crate::api::schema::{Schema, array, boolean, integer, object, text, text_map};

/// Schema of `debeziumProperties` of a source.
pub(super) fn schema() -> Schema {
    let properties = object(
        "Options of Debezium's PostgreSQL connector, which reads the changes. Each is the connector option of the same name, written in camel case: `slotName` is `slot.name`.",
    );
    topics(failures(batches(snapshot(values(publication(slot(properties)))))))
}

fn slot(of: Schema) -> Schema {
    of.field(
        "pluginName",
        text("Output plugin that decodes the WAL: `pgoutput`, which is part of PostgreSQL, or `decoderbufs`, which must be installed on the server.")
            .default("pgoutput"),
    )
    .field(
        "slotName",
        text("Name of the logical replication slot: lower-case letters, digits and underscores. A slot serves one stream only.")
            .default("derived from namespace and name of the SGStream"),
    )
    .field(
        "slotDropOnStop",
        boolean("Whether the slot is dropped when the stream stops in good order. `false` keeps it, so that a later start misses no change, and the source retains WAL until then.")
            .default("true"),
    )
    .field(
        "slotFailover",
        boolean("Whether the slot is made a failover slot, which PostgreSQL 17 and newer copy to replicas so that it outlives a change of the primary. Older versions ignore it. Absent: `false`."),
    )
    .field(
        "slotStreamParams",
        text_map("Parameters handed to the output plugin when decoding begins, by name. Absent: only those the connector needs."),
    )
    .field("slotMaxRetries", integer("How often connecting to the slot is tried again in a row before it counts as failed. Absent: 6."))
    .field("slotRetryDelayMs", integer("Milliseconds between two tries to connect to the slot. Absent: 10000."))
    .field(
        "statusUpdateIntervalMs",
        integer("Milliseconds between two reports to the server of how far the stream has come. Absent: 10000."),
    )
    .field(
        "flushLsnSource",
        boolean("Whether delivered positions are confirmed to the slot, which lets the source remove WAL. With `false` something else must advance the slot, or the disk of the source fills. Absent: `true`."),
    )
    .field(
        "xminFetchIntervalMs",
        integer("Milliseconds between two looks at the oldest transaction the slot holds on to (`xmin`), which events then tell. Absent or 0: never looked at."),
    )
}

fn publication(of: Schema) -> Schema {
    of.field(
        "publicationName",
        text("Name of the publication that `pgoutput` reads.").default("derived from namespace and name of the SGStream"),
    )
    .field(
        "publicationAutocreateMode",
        text("What is done when the publication does not exist, with `pgoutput`: `all_tables` creates it for every table, which takes a superuser; `filtered` creates it for the captured tables, and keeps it to them; `no_tables` creates it empty, to be filled by hand; `disabled` creates nothing and fails.")
            .default("all_tables"),
    )
    .field(
        "publishViaPartitionRoot",
        boolean("Whether a publication that is created reports changes of a partition under the name of the partitioned table. Absent: `false`, under the name of the partition."),
    )
    .field(
        "replicaIdentityAutosetValues",
        array(
            "Replica identities that are set on tables of the source at the start, with `pgoutput`: they decide how much of the old row an update or delete tells. Absent: tables stay as they are.",
            text("`TABLE:IDENTITY`, a regular expression of `schema.table` and one of `DEFAULT`, `FULL`, `NOTHING` and `INDEX name`."),
        ),
    )
    .field(
        "messagePrefixIncludeList",
        array(
            "Messages written with `pg_logical_emit_message` that are captured; not together with `messagePrefixExcludeList`. Absent: all.",
            text("Regular expression that must match the whole prefix of the message."),
        ),
    )
    .field(
        "messagePrefixExcludeList",
        array(
            "Messages written with `pg_logical_emit_message` that are left out; not together with `messagePrefixIncludeList`. Absent: none.",
            text("Regular expression that must match the whole prefix of the message."),
        ),
    )
}

fn batches(of: Schema) -> Schema {
    of.field("maxBatchSize", integer("Most events that are handed on at once.").default("2048"))
        .field(
            "maxQueueSize",
            integer("Most events held in memory between reading and delivering; when the queue is full, reading waits. Must be larger than `maxBatchSize`.")
                .default("8192"),
        )
        .field(
            "maxQueueSizeInBytes",
            integer("Most bytes of events held in memory, beside `maxQueueSize`; useful where rows are large. Absent or 0: no limit in bytes."),
        )
        .field("pollIntervalMs", integer("Milliseconds to wait for new events when there were none. Absent: 500."))
        .field(
            "heartbeatIntervalMs",
            integer("Milliseconds between two heartbeat events. They let the position of the slot advance, and WAL be removed, while the captured tables rest and others are busy. Absent or 0: none."),
        )
        .field(
            "heartbeatActionQuery",
            text("SQL run on the source with each heartbeat, such as an upsert into a table of one row. It makes a change to capture where a database is idle but its server is not. Absent: none."),
        )
        .field(
            "databaseInitialStatements",
            array(
                "SQL run on each connection the connector opens to the source, for settings of the session. Connections come and go, so nothing here may change data.",
                text("One SQL statement, such as `SET statement_timeout = 0`."),
            ),
        )
        .field(
            "databaseQueryTimeoutMs",
            integer("Milliseconds after which a query of the connector on the source is given up; 0 waits without end. Absent: 600000."),
        )
}

fn failures(of: Schema) -> Schema {
    of.field(
        "eventProcessingFailureHandlingMode",
        text("What is done with an event that cannot be processed: `fail` stops the stream and names the position, `warn` logs it and skips it, `ignore` skips it silently. All but `fail` lose changes. Absent: `fail`."),
    )
    .field(
        "errorsMaxRetries",
        integer("How often the connector is restarted after an error that may pass, such as a lost connection, before it fails; 0 never, `-1` without end. Absent: `-1`."),
    )
    .field(
        "retriableRestartConnectorWaitMs",
        integer("Milliseconds to wait before the connector is restarted after an error that may pass. Absent: 10000."),
    )
    .field("guardrailCollectionsMax", integer("Most tables that may be captured. Absent or 0: no limit."))
    .field(
        "guardrailCollectionsLimitAction",
        text("What is done when more tables would be captured than `guardrailCollectionsMax`: `warn` logs it and goes on, `fail` stops the stream. Absent: `warn`."),
    )
    .field("customMetricTags", text_map("Tags added to the names of the connector's metrics, by name, to tell streams apart."))
}

fn topics(of: Schema) -> Schema {
    of.field(
        "topicNamingStrategy",
        text("Java class that makes the topic of an event, which names its table for the target. Absent: `io.debezium.schema.SchemaTopicNamingStrategy`, prefix, schema and table."),
    )
    .field("topicDelimiter", text("Text between the parts of a topic name. Absent: `.`."))
    .field("topicCacheSize", integer("Topic names that are remembered in memory instead of made anew for each event. Absent: 10000."))
    .field("topicHeartbeatPrefix", text("Beginning of the topic of heartbeat events. Absent: `__debezium-heartbeat`."))
    .field("topicTransaction", text("End of the topic of events about transactions. Absent: `transaction`."))
}
