//! Options of the Debezium engine that runs a stream.

use crate::api::schema::{Schema, boolean, integer, map, object, text, text_map};

/// Schema of `spec.debeziumEngineProperties`.
pub(super) fn schema() -> Schema {
    let properties = object(
        "Options of the Debezium engine, which runs the connector and hands its events on. Each is the engine option of the same name, written in camel case.",
    );
    processing(transformations(errors(offsets(properties))))
}

fn offsets(of: Schema) -> Schema {
    of.field(
        "offsetCommitPolicy",
        text("Java class that decides when the position reached is stored. Absent: one that does so at the interval of `offsetFlushIntervalMs`."),
    )
    .field(
        "offsetFlushIntervalMs",
        integer("Milliseconds between two times that the position reached is stored on the volume. After a crash the events since then come again.")
            .default("60000"),
    )
    .field(
        "offsetFlushTimeoutMs",
        integer("Longest time to wait for the position to be stored, in milliseconds; after that it is tried again later.").default("5000"),
    )
}

fn errors(of: Schema) -> Schema {
    of.field(
        "errorsMaxRetries",
        integer("How often the engine retries after an error that may pass, before it fails; 0 never, `-1` without end.").default("-1"),
    )
    .field(
        "errorsRetryDelayInitialMs",
        integer("Milliseconds before the first retry; each further wait is longer, up to `errorsRetryDelayMaxMs`.").default("300"),
    )
    .field("errorsRetryDelayMaxMs", integer("Longest wait between two retries, in milliseconds.").default("10000"))
}

fn transformations(of: Schema) -> Schema {
    of.field(
        "transforms",
        map(
            "Transformations that each event passes, in the form of Kafka Connect, by a name of your choice.",
            text_map("Options of one transformation, by name; `type` is the Java class, `predicate` the name of one under `predicates` that restricts it."),
        ),
    )
    .field(
        "predicates",
        map(
            "Conditions on events that transformations may be restricted to, in the form of Kafka Connect, by a name of your choice.",
            text_map("Options of one condition, by name; `type` is the Java class."),
        ),
    )
}

fn processing(of: Schema) -> Schema {
    of.field("recordProcessingThreads", integer("Threads that transform and convert events. Absent: one for each CPU core."))
        .field(
            "recordProcessingOrder",
            text("`ORDERED` hands events on in the order of the source; `UNORDERED` each as soon as it is ready, which is faster and may put an older state of a row over a newer one.")
                .default("ORDERED"),
        )
        .field(
            "recordProcessingWithSerialConsumer",
            boolean("Whether events are handed on one after another, each only once the one before is done; transformations still run side by side. Absent: `false`."),
        )
        .field(
            "recordProcessingShutdownTimeoutMs",
            integer("Longest time that events in progress are waited for when the stream stops, in milliseconds. Absent: Debezium's own limit."),
        )
        .field(
            "taskManagementTimeoutMs",
            integer("Longest time that start and stop of the connector may take, in milliseconds. A slow start, for example behind a long transaction of the source, needs more.")
                .default("180000"),
        )
}
