//! Managed SQL of an SGCluster.

use crate::api::schema::{Schema, array, boolean, integer, object, text};

/// Schema of `spec.managedSql`.
pub(in crate::api) fn schema() -> Schema {
    object("SQL that is run and kept up to date.")
        .field("continueOnSGScriptError", boolean("Whether later scripts run although an earlier one failed.").default("false"))
        .field(
            "scripts",
            array(
                "The scripts, in order.",
                object("One entry.")
                    .field("id", integer("Number that identifies the entry; assigned by position when absent."))
                    .field("sgScript", text("Name of the SGScript in the same namespace.")),
            ),
        )
}
