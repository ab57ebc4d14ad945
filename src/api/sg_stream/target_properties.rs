//! Options of Debezium's JDBC sink, which writes changes into a cluster.

use crate::api::schema::{Schema, array, boolean, integer, object, text};

/// Schema of `debeziumProperties` of a target cluster.
pub(super) fn schema() -> Schema {
    let properties = object(
        "Options of Debezium's JDBC sink, which writes the changes. Each is the sink option of the same name, written in camel case: `insertMode` is `insert.mode`.",
    );
    names(writing(statements(connections(properties))))
}

fn connections(of: Schema) -> Schema {
    of.field(
        "connectionUrlParameters",
        text("Parameters put at the end of the JDBC address, such as `sslmode=require&connectTimeout=10`. Absent: none."),
    )
    .field("connectionPoolMin_size", integer("Fewest connections kept open to the target. Absent: 5."))
    .field("connectionPoolMax_size", integer("Most connections open to the target at once. Absent: 32."))
    .field("connectionPoolAcquire_increment", integer("Connections opened at once when all of the pool are in use. Absent: 32."))
    .field("connectionPoolTimeout", integer("Seconds after which an unused connection is closed. Absent: 1800."))
    .field(
        "connectionRestartOnErrors",
        boolean("Whether a connection that broke is opened anew and the work tried again. After a failover to a replica that lagged, changes written shortly before may be missing. Absent: `false`."),
    )
}

fn statements(of: Schema) -> Schema {
    of.field(
        "insertMode",
        text("SQL by which new and changed rows are written: `insert`, which fails on a row that exists; `upsert`, which also overwrites it and so bears events that come twice; `update`, which only changes rows that exist.")
            .default("upsert"),
    )
    .field(
        "detectInsertMode",
        boolean("Whether the stream chooses the SQL for each event, and writes rows of the snapshot by plain inserts where that is safe; `false` follows `insertMode` always.")
            .default("true"),
    )
    .field(
        "removePlaceholders",
        boolean("Whether a column is left out of the statement when its event holds only the placeholder for a large value (TOAST) that did not change, so that the value in the target stays; `false` writes the placeholder.")
            .default("true"),
    )
    .field("deleteEnabled", boolean("Whether deletes are carried out; needs the key mode `record_key`.").default("true"))
    .field(
        "truncateEnabled",
        boolean("Whether truncates are carried out; the source must capture them too, see `skippedOperations` there. Absent: `false`."),
    )
    .field(
        "primaryKeyMode",
        text("Where the columns come from by which rows are found: `record_key` from the key of the event, `record_value` from its row, `record_header` from its headers, `none` from nowhere. `kafka` is refused.")
            .default("record_key"),
    )
    .field(
        "primaryKeyFields",
        array(
            "Columns by which rows are found, out of those that `primaryKeyMode` offers. Absent: all of the key, or of the row.",
            text("Name of a column."),
        ),
    )
    .field(
        "schemaEvolution",
        text("What is done about tables and columns that the target lacks: `basic` creates missing tables and adds missing columns; `none` fails. Neither drops or changes any.")
            .default("basic"),
    )
}

fn writing(of: Schema) -> Schema {
    of.field("batchSize", integer("Most events written in one transaction.").default("500"))
        .field(
            "useReductionBuffer",
            boolean("Whether only the last change of each row in a batch is written; fewer statements, but states in between never appear. Absent: `false`."),
        )
        .field("flushMaxRetries", integer("How often a batch that failed is tried again, where the error may pass, such as a deadlock. Absent: 5."))
        .field("flushRetryDelayMs", integer("Milliseconds between two tries to write a batch. Absent: 1000."))
        .field("useTimeZone", text("Time zone in which times without one are written, such as `UTC` or `Europe/Berlin`. Absent: `UTC`."))
}

fn names(of: Schema) -> Schema {
    of.field(
        "quoteIdentifiers",
        boolean("Whether all names of tables and columns are quoted, which keeps capital letters. Absent: `false`, only where it must be."),
    )
    .field(
        "collectionNameFormat",
        text("Pattern of the name of the table that an event is written to; `${topic}` stands for the topic of the event and `${source.FIELD}` for a field of its origin, such as `${source.table}`."),
    )
    .field(
        "collectionNamingStrategy",
        text("Java class that makes the name of the table an event is written to; its code must be in the image. Absent: the stream's own."),
    )
    .field(
        "columnNamingStrategy",
        text("Java class that makes the names of columns; its code must be in the image. Absent: columns keep their names."),
    )
    .field("dialectPostgresPostgisSchema", text("Schema of the target in which the extension PostGIS is installed. Absent: `public`."))
    .field(
        "dialectSqlserverIdentityInsert",
        boolean("Whether values of identity columns may be written on Microsoft SQL Server; has no effect on PostgreSQL. Absent: `false`."),
    )
}
