//! Vacuum and repack of an SGDbOps.

use crate::api::schema::{Schema, array, boolean, object, text};

/// Schema of `spec.vacuum`.
pub(super) fn vacuum() -> Schema {
    let one = object("One database.").required("name", text("Name of the database."));
    vacuum_options(object("A VACUUM of databases.")).field("databases", array("Databases; every one when absent.", vacuum_options(one)))
}

fn vacuum_options(of: Schema) -> Schema {
    of.field("full", boolean("Whether tables are written anew, which locks each of them meanwhile.").default("false"))
        .field("freeze", boolean("Whether every row version is frozen that can be.").default("false"))
        .field("analyze", boolean("Whether the planner's statistics are renewed as well.").default("true"))
        .field("disablePageSkipping", boolean("Whether pages are looked at that the visibility map says need no vacuum.").default("false"))
}

/// Schema of `spec.repack`.
pub(super) fn repack() -> Schema {
    let one = object("One database.").required("name", text("Name of the database."));
    repack_options(object("A run of `pg_repack`, which writes tables anew without a long lock."))
        .field("databases", array("Databases; every one when absent.", repack_options(one)))
}

fn repack_options(of: Schema) -> Schema {
    of.field("noOrder", boolean("Whether rows are not put into the order of an index.").default("false"))
        .field("waitTimeout", text("How long to wait for a lock before backends in the way are cancelled, as an ISO 8601 duration."))
        .field("noKillBackend", boolean("Whether backends in the way are left alone.").default("false"))
        .field("noAnalyze", boolean("Whether the planner's statistics are not renewed afterwards.").default("false"))
        .field("excludeExtension", boolean("Whether tables of extensions are left out.").default("false"))
}
