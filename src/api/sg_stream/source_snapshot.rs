//! Options of Debezium's PostgreSQL connector: the snapshot at the start, and snapshots on request.

use crate::api::schema::{Schema, array, boolean, integer, text, text_map};

/// Adds the options of the copy of existing rows, at the start and on request.
pub(super) fn snapshot(of: Schema) -> Schema {
    signals(copy(mode(of)))
}

fn mode(of: Schema) -> Schema {
    of.field(
        "snapshotMode",
        text("When existing rows are copied before changes are streamed: `initial` at the first start only; `always` at each start; `initial_only` at the first start, without streaming afterwards; `no_data` never; `when_needed` also when the recorded position is no longer in the WAL; `configuration_based` as the options `snapshotModeConfigurationBased…` say; `custom` as a Java class says.")
            .default("initial"),
    )
    .field(
        "snapshotModeConfigurationBasedSnapshotData",
        boolean("Whether rows are copied at the start, with the mode `configuration_based`. Absent: `false`."),
    )
    .field(
        "snapshotModeConfigurationBasedSnapshotSchema",
        boolean("Whether the structure of the tables is read at the start, with the mode `configuration_based`. Absent: `false`."),
    )
    .field(
        "snapshotModeConfigurationBasedStartStream",
        boolean("Whether changes are streamed after the snapshot, with the mode `configuration_based`. Absent: `false`."),
    )
    .field(
        "snapshotModeConfigurationBasedSnapshotOnSchemaError",
        boolean("Whether the structure of the tables is read again when what was recorded of it is unusable, with the mode `configuration_based`. Absent: `false`."),
    )
    .field(
        "snapshotModeConfigurationBasedSnapshotOnDataError",
        boolean("Whether rows are copied again when the recorded position is no longer in the WAL, with the mode `configuration_based`. Absent: `false`."),
    )
    .field(
        "snapshotModeCustomName",
        text("Name that the Java class gives itself which decides about snapshots, for the mode `custom`; its code must be in the image."),
    )
}

fn copy(of: Schema) -> Schema {
    of.field(
        "snapshotIsolationMode",
        text("Isolation of the transaction that copies rows: `serializable`, `repeatable_read`, `read_committed` or `read_uncommitted`. The last two do not show one moment of all tables. Absent: `serializable`."),
    )
    .field(
        "snapshotLockingMode",
        text("Locks on tables while their structure is read: `none`; `shared` takes ACCESS SHARE, which holds back DDL but no writes; `custom` as a Java class does. Absent: `none`, which is safe while nobody changes tables."),
    )
    .field(
        "snapshotLockingModeCustomName",
        text("Name that the Java class gives itself which locks tables, for the locking mode `custom`; its code must be in the image."),
    )
    .field(
        "snapshotLockTimeoutMs",
        integer("Milliseconds to wait for the locks on tables; after that the snapshot fails. Absent: 10000."),
    )
    .field(
        "snapshotQueryMode",
        text("How the query that copies a table is made: `select_all` reads every row and captured column, except where `snapshotSelectStatementOverrides` says otherwise; `custom` as a Java class does. Absent: `select_all`."),
    )
    .field(
        "snapshotQueryModeCustomName",
        text("Name that the Java class gives itself which makes the queries, for the query mode `custom`; its code must be in the image."),
    )
    .field(
        "snapshotIncludeCollectionList",
        array(
            "Tables whose rows are copied; they must be captured as well. The changes of all captured tables are streamed all the same. Absent: every captured table.",
            text("Regular expression that must match the whole name `schema.table`."),
        ),
    )
    .field(
        "snapshotSelectStatementOverrides",
        text_map("SELECT statements that copy a table in place of the usual one, by `schema.table`, for example to leave old rows out. They concern only the snapshot."),
    )
    .field("snapshotFetchSize", integer("Rows read from the source at a time while a table is copied. Absent: 10240."))
    .field("snapshotMaxThreads", integer("Tables that are copied at the same time, each over a connection of its own. Absent: 1."))
    .field("snapshotDelayMs", integer("Milliseconds between the start and the beginning of the snapshot. Absent: 0."))
    .field("streamingDelayMs", integer("Milliseconds between the end of the snapshot and the beginning of streaming. Absent: 0."))
}

fn signals(of: Schema) -> Schema {
    of.field(
        "signalEnabledChannels",
        array(
            "Ways in which a running stream receives signals, such as the one that asks for an incremental snapshot.",
            text("Name of a channel, such as `source` for rows inserted into `signalDataCollection`."),
        )
        .default("the annotations of the SGStream"),
    )
    .field(
        "signalDataCollection",
        text("Table of the source, as `schema.table`, into which signals are inserted, and with which incremental snapshots mark their chunks unless `readOnly` is set. It has three text columns: `id`, `type` and `data`. Absent: none."),
    )
    .field(
        "notificationEnabledChannels",
        array(
            "Ways in which the connector tells how far snapshots are. Absent: none.",
            text("Name of a channel: `log` for the log of the pod, `jmx` for metrics, `sink` for events to the target."),
        ),
    )
    .field(
        "incrementalSnapshotChunkSize",
        integer("Rows in one chunk of an incremental snapshot. Larger chunks take fewer queries and more memory. Absent: 1024."),
    )
    .field(
        "incrementalSnapshotWatermarkingStrategy",
        text("How an incremental snapshot marks begin and end of a chunk in `signalDataCollection`: `insert_insert` by two rows that stay; `insert_delete` by one row that is deleted at the end, which keeps the table small. Absent: `insert_insert`."),
    )
    .field(
        "readOnly",
        boolean("Whether incremental snapshots mark their chunks by transaction numbers and write nothing on the source, which allows a role without write access. Signals then need another channel than `source`. Absent: `false`."),
    )
}
