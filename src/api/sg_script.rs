//! The kind `SGScript`.

use crate::api::condition::Condition;
use crate::api::kind::{Kind, NAME_PATTERN};
use crate::api::schema::{Rule, Schema, array, boolean, integer, object, text};
use crate::api::shared::script_from;
use std::sync::LazyLock;

/// The kind `SGScript`.
pub(super) static SG_SCRIPT: Kind = Kind {
    kind: "SGScript",
    version: "v1",
    plural: "sgscripts",
    singular: "sgscript",
    short_names: &["sgscr"],
    categories: &["stackgres"],
    name_max_length: Some(52),
    name_pattern: Some(NAME_PATTERN),
    scale: None,
    columns: &[],
    description: "SQL that clusters refer to in `spec.managedSql`.",
    not_yet: None,
    schema: LazyLock::new(|| object("SQL that clusters refer to in `spec.managedSql`.").required("spec", spec()).field("status", status())),
};

/// Schema of `spec`.
fn spec() -> Schema {
    object("What is wanted.")
        .field("managedVersions", boolean("Whether a changed script gets a new version, and so runs again, by itself."))
        .field("continueOnError", boolean("Whether later entries run although an earlier one failed."))
        .field("scripts", array("The entries, in order.", object("One entry.")
            .demand(
                "script-source",
                Condition::ExactlyOne(&["script", "scriptFrom"]),
                "the entry needs exactly one of `script` and `scriptFrom`",
                "write the SQL into `script`, or name where it is in `scriptFrom`",
            )
            .choice("script-transaction", "wrapInTransaction", &["read-committed", "repeatable-read", "serializable"])
            .rule(Rule {
                code: "script-transaction",
                condition: Condition::True("storeStatusInDatabase").implies(Condition::Present("wrapInTransaction")),
                message: "it needs `wrapInTransaction`".into(),
                help: "the record is made by the transaction that does the work; write for example wrapInTransaction: read-committed".into(),
                field: "storeStatusInDatabase",
            })
            .field("name", text("Name of the entry, for people."))
            .field("id", integer("Number that identifies the entry; assigned by position when absent."))
            .field("version", integer("Version of the entry; a new version runs again."))
            .field("database", text("Database it runs in; `postgres` when absent."))
            .field("user", text("User it runs as, after `SET SESSION AUTHORIZATION`; the superuser when absent."))
            .field("wrapInTransaction", text("Isolation level of a transaction put around the entry: `read-committed`, `repeatable-read` or `serializable`. Absent: none."))
            .field("storeStatusInDatabase", boolean("Whether the record that the transaction leaves in `stackgres.script_runs` decides whether the entry ran, also after a restore or a loss of the status. Needs `wrapInTransaction`."))
            .field("retryOnError", boolean("Whether a failed entry is tried again: after 10 s, then twice as long each time, up to 5 min."))
            .field("script", text("The SQL. Anybody who can read the object can read it: no passwords here."))
            .field("scriptFrom", script_from("Where the SQL comes from."))).max_items(1_000))
}

/// Schema of `status`.
fn status() -> Schema {
    object("What is, as the controller last saw it.")
        .field(
            "scripts",
            array(
                "Each entry.",
                object("One entry.").field("id", integer("Number of the entry.")).field("hash", text("Digest of the SQL that ran.")),
            ),
        )
        .output()
}
