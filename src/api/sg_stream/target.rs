//! Target of an SGStream.

use super::target_properties;
use crate::api::condition::Condition;
use crate::api::kubernetes_types::selector::secret_key_selector;
use crate::api::schema::{Schema, boolean, integer, object, text, text_map};
use crate::api::sections::{Section, sections};
use crate::api::shared::script_from;

/// Schema of `spec.target`.
pub(super) fn schema() -> Schema {
    let kinds =
        [Section::Needed("SGCluster", "sgCluster"), Section::Needed("CloudEvent", "cloudEvent"), Section::Needed("PgLambda", "pgLambda")];
    sections(object("Receiver of the changes."), "type", "unknown-choice", "stream-section", &kinds)
        .required(
            "type",
            text("Kind of target: `SGCluster`, `CloudEvent` or `PgLambda`. Only the section that belongs to it may be present."),
        )
        .field("cloudEvent", cloud_event())
        .field("pgLambda", pg_lambda())
        .field("sgCluster", sg_cluster())
}

fn cloud_event() -> Schema {
    object("An endpoint that takes each change as a CloudEvent, for the type `CloudEvent`.")
        .choice("unknown-choice", "format", &["json"])
        .choice("unknown-choice", "binding", &["http"])
        .demand("incomplete-stream", Condition::Present("http"), "the endpoint is missing", "write http with its url")
        .field("format", text("Format of the event; `json` is the only one.").default("json"))
        .field("binding", text("Protocol that carries the event; `http` is the only one.").default("http"))
        .field(
            "http",
            requests(
                object("Endpoint and requests of the binding `http`.")
                    .required("url", text("Address that events are sent to, such as `https://host/path`.")),
            ),
        )
}

fn pg_lambda() -> Schema {
    object("A function of yours that runs once for each change, as a Knative service made for the stream, for the type `PgLambda`.")
        .choice("unknown-choice", "scriptType", &["javascript"])
        .demand(
            "script-source",
            Condition::ExactlyOne(&["script", "scriptFrom"]),
            "it needs exactly one of `script` and `scriptFrom`",
            "write the source code into `script`, or name where it is in `scriptFrom`",
        )
        .field("scriptType", text("Language of the script; `javascript` is the only one.").default("javascript"))
        .field(
            "script",
            text("Source code of the function. Exactly one of `script` and `scriptFrom` must be present. Anybody who can read the object can read it: no passwords here."),
        )
        .field("scriptFrom", script_from("Where the source code comes from; exactly one of `script` and `scriptFrom` must be present."))
        .field(
            "knative",
            object("The Knative service that runs the function, and how it is called. Knative must be installed.")
                .field("annotations", text_map("Annotations of the Knative service, for example to set its scaling."))
                .field("labels", text_map("Labels of the Knative service."))
                .field(
                    "http",
                    requests(
                        object("How events are sent to the function.")
                            .field("url", text("Address that events are sent to. Absent: the address of the Knative service.")),
                    ),
                ),
        )
}

/// Adds how requests are made, which does not depend on where they go.
fn requests(of: Schema) -> Schema {
    of.field(
        "headers",
        text_map("Headers of each request, by name. A value may be a template that is filled in from the event. Anybody who can read the object can read them."),
    )
    .field("connectTimeout", text("Longest time to connect, as an ISO 8601 duration of 0 or more, such as `PT5S`."))
    .field("readTimeout", text("Longest time to wait for the answer, as an ISO 8601 duration of 0 or more, such as `PT30S`."))
    .field("retryLimit", integer("How often a request that failed is sent again, 0 or more."))
    .field("retryBackoffDelay", integer("Seconds to wait before a request that failed is sent again.").default("60"))
    .field(
        "skipHostnameVerification",
        boolean("Whether a certificate is accepted that was made for another host name, which lets others pose as the endpoint. Absent: `false`."),
    )
}

fn sg_cluster() -> Schema {
    object("A cluster of the same namespace into which the changes are written, for the type `SGCluster`.")
        .demand(
            "incomplete-stream",
            Condition::Together("username", "password"),
            "name and password of the role belong together",
            "give both, or neither",
        )
        .required("name", text("Name of the SGCluster."))
        .field("database", text("Database that the changes are written to. Absent: `postgres`."))
        .field(
            "username",
            secret_key_selector("Secret key with the name of the role that connects; it needs the right to write the tables, and to create them where they are imported. Absent: the superuser of the cluster."),
        )
        .field("password", secret_key_selector("Secret key with the password of that role. Absent: the superuser's password."))
        .field(
            "skipDdlImport",
            boolean("Whether the definitions of the source (DDL) are not copied into the target first; tables must then exist, or `schemaEvolution` must create them. Absent: `false`."),
        )
        .field(
            "ddlImportRoleSkipFilter",
            text("Regular expression of roles that are left out when definitions are copied. Absent: none is left out."),
        )
        .field(
            "skipDropPrimaryKeys",
            boolean("Whether primary keys of the target stay while the snapshot is written; they are otherwise dropped before it, which makes it faster, and made again after it. Absent: `false`."),
        )
        .field(
            "skipDropIndexesAndConstraints",
            boolean("Whether indexes and constraints of the target stay while the snapshot is written; they are otherwise dropped before it, which makes it faster. Absent: `false`."),
        )
        .field(
            "skipRestoreIndexesAfterSnapshot",
            boolean("Whether dropped indexes are not made again after the snapshot. Changes then find their rows slowly, until somebody makes the indexes. Absent: `false`."),
        )
        .field("debeziumProperties", target_properties::schema())
}
