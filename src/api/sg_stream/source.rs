//! Source of an SGStream.

use super::source_properties;
use crate::api::condition::Condition;
use crate::api::kubernetes_types::selector::secret_key_selector;
use crate::api::schema::{Schema, array, boolean, integer, object, text};
use crate::api::sections::{Section, sections};

/// Schema of `spec.source`.
pub(super) fn schema() -> Schema {
    let database = object("Database whose changes are captured. It needs `wal_level` set to `logical` and a free replication slot.");
    let kinds = [Section::Needed("SGCluster", "sgCluster"), Section::Needed("Postgres", "postgres")];
    sections(database, "type", "unknown-choice", "stream-section", &kinds)
        .required("type", text("Kind of source: `SGCluster` or `Postgres`. Only the section that belongs to it may be present."))
        .field("sgCluster", sg_cluster())
        .field("postgres", postgres())
}

fn sg_cluster() -> Schema {
    let cluster = object("A cluster of the same namespace, for the type `SGCluster`.")
        .required("name", text("Name of the SGCluster."))
        .field("database", text("Database whose changes are captured; a stream captures one database.").default("postgres"))
        .field(
            "username",
            secret_key_selector(
                "Secret key with the name of the role that connects; it needs the attribute REPLICATION and SELECT on the tables.",
            )
            .default("the superuser of the cluster"),
        )
        .field("password", secret_key_selector("Secret key with the password of that role.").default("the superuser's password"));
    captured(cluster).field(
        "skipDropReplicationSlotAndPublicationOnTombstone",
        boolean("Whether replication slot and publication are kept after a tombstone signal ended the stream. A kept slot retains WAL on the source until somebody drops it. Absent: both are dropped."),
    )
}

fn postgres() -> Schema {
    let server = object("A PostgreSQL server outside of this API, for the type `Postgres`.")
        .required("host", text("Host name or address of the server; it must be the primary, or a server that accepts logical decoding."))
        .field("port", integer("TCP port of the server.").default("5432"))
        .field("database", text("Database whose changes are captured; a stream captures one database. Absent: `postgres`."))
        .field(
            "username",
            secret_key_selector(
                "Secret key with the name of the role that connects; it needs the attribute REPLICATION and SELECT on the tables.",
            ),
        )
        .field("password", secret_key_selector("Secret key with the password of that role."));
    captured(server)
}

/// Adds what is captured and how, which does not depend on the kind of source.
fn captured(of: Schema) -> Schema {
    of.demand(
        "stream-tables",
        Condition::AtMostOne(&["includes", "excludes"]),
        "tables are included and excluded",
        "keep `includes` or `excludes`",
    )
    .demand(
        "incomplete-stream",
        Condition::Together("username", "password"),
        "name and password of the role belong together",
        "give both, or neither",
    )
    .field(
        "includes",
        array(
            "Tables whose changes are captured; all others are left out. `excludes` must then be empty. Absent: every table that is not excluded.",
            text("Regular expression that must match the whole name `schema.table`."),
        ),
    )
    .field(
        "excludes",
        array(
            "Tables whose changes are left out. `includes` must then be empty. Absent: none.",
            text("Regular expression that must match the whole name `schema.table`."),
        ),
    )
    .field("debeziumProperties", source_properties::schema())
}
