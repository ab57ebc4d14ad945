//! Options of Debezium's PostgreSQL connector: what events look like.

use crate::api::schema::{Schema, array, boolean, integer, map, text, text_map};

/// Adds the options that say which events there are and how they present keys, rows and values.
pub(super) fn values(of: Schema) -> Schema {
    columns(types(events(of)))
}

fn events(of: Schema) -> Schema {
    of.field(
        "skippedOperations",
        array(
            "Operations that make no event while streaming. Absent: only `t`, so a TRUNCATE of the source does not reach the target.",
            text("`c` for inserts, `u` for updates, `d` for deletes, `t` for truncates, or `none` alone to skip nothing."),
        ),
    )
    .field(
        "skipMessagesWithoutChange",
        boolean("Whether an update makes no event when it changed none of the captured columns. Needs the replica identity `FULL` on the table. Absent: `false`."),
    )
    .field(
        "tombstonesOnDelete",
        boolean("Whether a delete is followed by an event with the key and no content, by which compacted logs drop the key. Absent: `true`."),
    )
    .field(
        "messageKeyColumns",
        array(
            "Columns that make the key of a table's events in place of the primary key, also for tables without one. Absent: the primary key.",
            text("`TABLE:COLUMN,COLUMN`, a regular expression of `schema.table` and the columns."),
        ),
    )
    .field(
        "provideTransactionMetadata",
        boolean("Whether begin and end of transactions make events of their own and each event tells its transaction and place in it. Absent: `false`."),
    )
    .field(
        "extendedHeadersEnabled",
        boolean("Whether events carry headers that tell which connector and task captured them. Absent: `true`."),
    )
    .field(
        "schemaRefreshMode",
        text("When the connector looks at a table's columns anew: `columns_diff` whenever an event does not fit; `columns_diff_exclude_unchanged_toast` not when only unchanged large values are missing, which is faster and may miss a dropped column. Absent: `columns_diff`."),
    )
    .field("schemaNameAdjustmentMode", adjustment("names of event schemas"))
    .field("fieldNameAdjustmentMode", adjustment("names of fields in events"))
}

fn adjustment(of: &str) -> Schema {
    text(&format!(
        "How {of} are changed to suit the consumer: `none` leaves them; `avro` puts `_` for characters Avro does not allow; `avro_unicode` puts their code point, as in `_u0024`. Absent: `none`."
    ))
}

fn types(of: Schema) -> Schema {
    of.field(
        "timePrecisionMode",
        text("How dates and times are written: `adaptive` as precisely as the column; `adaptive_time_microseconds` so, but times of day in microseconds; `connect` in milliseconds always, which cuts finer ones; `microseconds`, `nanoseconds`, or `isostring` for ISO 8601 texts. Absent: `adaptive`."),
    )
    .field(
        "decimalHandlingMode",
        text("How `numeric` and `decimal` are written: `precise` exactly, in binary; `string` exactly, as text; `double` as a floating-point number, which may lose digits. Absent: `precise`."),
    )
    .field(
        "moneyFractionDigits",
        integer("Digits after the decimal point of `money`, where `decimalHandlingMode` is `precise`. Absent: 2."),
    )
    .field("hstoreHandlingMode", text("How `hstore` is written: `json` as a JSON text, `map` as keys and values. Absent: `json`."))
    .field(
        "intervalHandlingMode",
        text("How `interval` is written: `numeric` as about as many microseconds, with months of average length; `string` exactly, as an ISO 8601 duration. Absent: `numeric`."),
    )
    .field(
        "binaryHandlingMode",
        text("How `bytea` is written: `bytes` as it is, or as text in `base64`, `base64-url-safe` or `hex`. Absent: `bytes`."),
    )
    .field(
        "includeUnknownDatatypes",
        boolean("Whether columns of types Debezium does not know are captured, in the form the server sends; `false` leaves these columns out of the events.")
            .default("true"),
    )
    .field(
        "unavailableValuePlaceholder",
        text("Text that stands for a large value (TOAST) an update did not touch and the WAL therefore does not hold; after the prefix `hex:` it is bytes. Must not occur as a real value. Absent: `__debezium_unavailable_value`."),
    )
    .field(
        "converters",
        map(
            "Java classes that convert values of chosen columns, by a name of your choice. Their code must be in the image.",
            text_map("Options of one converter, by name; `type` is the Java class."),
        ),
    )
}

fn columns(of: Schema) -> Schema {
    of.field(
        "columnTruncateToLengthChars",
        array("Text columns whose values are cut to a fixed number of characters in events, to shorten or to hide.", column()),
    )
    .field(
        "columnMaskWithLengthChars",
        array("Text columns whose values are replaced by a fixed number of asterisks in events, to hide them.", column()),
    )
    .field(
        "columnMaskHash",
        masked_by_hash("Text columns whose values are replaced by a salted hash in events, so that equal values stay equal; computed as in Debezium 1, for streams that began so."),
    )
    .field(
        "columnMaskHashV2",
        masked_by_hash("Text columns whose values are replaced by a salted hash in events, so that equal values stay equal whichever process computes them; to be preferred to `columnMaskHash`."),
    )
    .field(
        "columnPropagateSourceType",
        array("Columns whose events also tell the original type, length and scale of the column.", column()),
    )
    .field(
        "datatypePropagateSourceType",
        array(
            "Types of which every column's events also tell the original type, length and scale.",
            text("Regular expression of a type name, such as `pg_catalog\\.numeric`."),
        ),
    )
}

fn column() -> Schema {
    text("Regular expression that must match the whole name `schema.table.column`.")
}

fn masked_by_hash(description: &str) -> Schema {
    map(
        description,
        map(
            "Columns of one hash algorithm as Java names it, such as `SHA-256`, by salt.",
            array("Columns hashed with one salt.", column()),
        ),
    )
}
