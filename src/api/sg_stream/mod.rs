//! The kind `SGStream`: changes of a database, captured by logical decoding and delivered to a target.
//!
//! In: nothing. Out: [`SG_STREAM`]. Invariant: options of Debezium keep their names and values; what is absent is not
//! passed on, so that Debezium's default holds, unless the field names another one.
//! Why: whoever knows Debezium knows these options, and a renamed or guessed one would change what is delivered.

mod engine_properties;
mod pods;
mod source;
mod source_properties;
mod source_snapshot;
mod source_values;
mod status;
mod target;
mod target_properties;

use crate::api::condition::Condition;
use crate::api::kind::{Column, Kind, NAME_PATTERN, NotYet};
use crate::api::schema::{Rule, Schema, integer, object};
use std::sync::LazyLock;

/// The kind `SGStream`.
pub(super) static SG_STREAM: Kind = Kind {
    kind: "SGStream",
    version: "v1alpha1",
    plural: "sgstreams",
    singular: "sgstream",
    short_names: &["sgstr"],
    categories: &["stackgres"],
    name_max_length: Some(56),
    name_pattern: Some(NAME_PATTERN),
    scale: None,
    columns: &[
        Column {
            name: "Source",
            r#type: "string",
            json_path: ".spec.source.type",
            description: "Kind of database the changes come from.",
            priority: 0,
        },
        Column {
            name: "From",
            r#type: "string",
            json_path: ".spec.source.sgCluster.name",
            description: "SGCluster the changes come from; nothing for a server outside.",
            priority: 0,
        },
        Column {
            name: "Target",
            r#type: "string",
            json_path: ".spec.target.type",
            description: "Kind of receiver the changes go to.",
            priority: 0,
        },
        Column {
            name: "To",
            r#type: "string",
            json_path: ".spec.target.sgCluster.name",
            description: "SGCluster the changes go to; nothing for other targets.",
            priority: 0,
        },
        Column {
            name: "State",
            r#type: "string",
            json_path: ".status.conditions[?(@.status==\"True\")].type",
            description: "Topic of the condition that holds, such as `Running`, `Completed` or `Failed`.",
            priority: 0,
        },
        Column {
            name: "Behind",
            r#type: "integer",
            json_path: ".status.streaming.milliSecondsBehindSource",
            description: "Milliseconds between the commit of the newest change and its capture.",
            priority: 0,
        },
        Column {
            name: "Sent",
            r#type: "integer",
            json_path: ".status.events.totalNumberOfEventsSent",
            description: "Events delivered to the target.",
            priority: 1,
        },
        Column {
            name: "Failure",
            r#type: "string",
            json_path: ".status.failure",
            description: "Why the stream stopped; nothing while it runs.",
            priority: 1,
        },
    ],
    description: "A stream of changes: rows of a PostgreSQL database, first as a snapshot and then as they change, delivered to another cluster, to an HTTP endpoint or to a function. It holds a replication slot on the source: while it lags or stands still, the source keeps its WAL.",
    not_yet: Some(NotYet::error("no change would be captured or delivered; take the document out")),
    schema: LazyLock::new(|| {
        object("A stream of changes of a PostgreSQL database to a target.").required("spec", spec()).field("status", status::schema())
    }),
};

/// Schema of `spec`.
fn spec() -> Schema {
    object("What is captured, where it goes and how the stream runs.")
        .rule(Rule {
            code: "immutable-field",
            condition: Condition::WasAtLeast("maxRetries", 0).implies(Condition::Unchanged("")),
            message: "a stream that ends by itself cannot change once it is made".into(),
            help: "put it back as it was, or make another object".into(),
            field: "",
        })
        .required("source", source::schema())
        .required("target", target::schema())
        .field(
            "maxRetries",
            integer("How often the stream is started again after a failure. `-1` runs it as a Deployment that is started again without end; `0` or more runs it as a Job that ends with success, or with failure after that many retries, and its spec can then no longer be changed.")
                .default("-1"),
        )
        .field("metadata", pods::metadata())
        .required("pods", pods::schema())
        .field("debeziumEngineProperties", engine_properties::schema())
}
