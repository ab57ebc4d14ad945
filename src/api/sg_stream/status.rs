//! Status of an SGStream.

use crate::api::schema::{Schema, array, boolean, integer, map, object, text, text_map};
use crate::api::shared::conditions;

/// Schema of `status`.
pub(super) fn schema() -> Schema {
    object("How far the stream is, as it last told.")
        .field("conditions", conditions("State of the stream by topic: `Running`, `Completed`, `Failed`."))
        .field("snapshot", snapshot())
        .field("streaming", streaming())
        .field("events", events())
        .field("failure", text("Why the stream stopped; absent while nothing is wrong."))
        .output()
}

/// Adds the figures that snapshot and streaming have in common.
fn capture(of: Schema) -> Schema {
    of.field("lastEvent", text("The last event that was captured."))
        .field("milliSecondsSinceLastEvent", integer("Milliseconds since the last event was captured."))
        .field("totalNumberOfEventsSeen", integer("Events captured since the pod started."))
        .field("numberOfEventsFiltered", integer("Events left out because of `includes` and `excludes`."))
        .field("capturedTables", array("Tables that are captured.", text("Name of a table, as `schema.table`.")))
        .field("queueTotalCapacity", integer("Events that the queue between reading and delivering can hold."))
        .field("queueRemainingCapacity", integer("Events that still fit into the queue; near 0 the target is slower than the source."))
        .field("maxQueueSizeInBytes", integer("Bytes that the queue can hold; 0 without such a limit."))
        .field("currentQueueSizeInBytes", integer("Bytes of the events in the queue."))
}

fn snapshot() -> Schema {
    capture(object("Progress of the snapshot, the copy of existing rows."))
        .field("totalTableCount", integer("Tables that are part of the snapshot."))
        .field("remainingTableCount", integer("Tables that are not copied yet."))
        .field("snapshotRunning", boolean("Whether a snapshot is being made."))
        .field("snapshotPaused", boolean("Whether the snapshot was paused, by a signal."))
        .field("snapshotAborted", boolean("Whether the snapshot was given up."))
        .field("snapshotCompleted", boolean("Whether the snapshot is complete; changes are streamed from then on."))
        .field("snapshotDurationInSeconds", integer("Seconds the snapshot has taken so far, or took, pauses included."))
        .field("snapshotPausedDurationInSeconds", integer("Seconds the snapshot was paused."))
        .field("rowsScanned", map("Rows copied so far, by table.", integer("Number of rows of one table.")))
        .field("chunkId", text("Identity of the chunk that an incremental snapshot is at."))
        .field("chunkFrom", text("Primary key at which that chunk begins."))
        .field("chunkTo", text("Primary key at which that chunk ends."))
        .field("tableFrom", text("Smallest primary key of the table that an incremental snapshot is at."))
        .field("tableTo", text("Largest primary key of the table that an incremental snapshot is at."))
}

fn streaming() -> Schema {
    capture(object("Progress of the streaming of changes."))
        .field("totalNumberOfCreateEventsSeen", integer("Inserts captured since the pod started."))
        .field("totalNumberOfUpdateEventsSeen", integer("Updates captured since the pod started."))
        .field("totalNumberOfDeleteEventsSeen", integer("Deletes captured since the pod started."))
        .field("connected", boolean("Whether the stream is connected to the source."))
        .field(
            "milliSecondsBehindSource",
            integer(
                "Milliseconds between the commit of the last change on the source and its capture, clocks being equal; `-1` when unknown.",
            ),
        )
        .field("numberOfCommittedTransactions", integer("Transactions captured since the pod started."))
        .field("sourceEventPosition", text_map("Position of the last change in the WAL of the source, by name, such as `lsn`."))
        .field("lastTransactionId", text("Number of the last transaction that was captured."))
}

fn events() -> Schema {
    object("Delivery to the target.")
        .field("lastEventWasSent", boolean("Whether the last event reached the target."))
        .field("lastEventSent", text("The last event that reached the target."))
        .field("totalNumberOfEventsSent", integer("Events that reached the target since the pod started."))
        .field("lastErrorSeen", text("The last error while delivering."))
        .field("totalNumberOfErrorsSeen", integer("Errors while delivering since the pod started."))
}
