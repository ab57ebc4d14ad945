//! Version upgrades of an SGDbOps.

use crate::api::condition::Condition;
use crate::api::schema::{Schema, array, boolean, integer, object, text};
use crate::api::shared::extension_packages;

/// Schema of `spec.minorVersionUpgrade`.
pub(super) fn minor() -> Schema {
    object("An upgrade to another minor version.")
        .demand(
            "incomplete-operation",
            Condition::Present("postgresVersion"),
            "the version it goes to is missing",
            "write postgresVersion, for example 17.12",
        )
        .choice("unknown-choice", "method", super::METHODS)
        .field("postgresVersion", text("Full version it goes to, for example `17.12`."))
        .field("method", super::method())
}

/// Schema of `spec.majorVersionUpgrade`.
pub(super) fn major() -> Schema {
    object("An upgrade to a newer major version, with `pg_upgrade`.")
        .demand(
            "incomplete-operation",
            Condition::Present("postgresVersion").and(Condition::Present("sgPostgresConfig")),
            "the version it goes to or its configuration is missing",
            "write postgresVersion, and sgPostgresConfig with an SGPostgresConfig of that major version",
        )
        .demand(
            "link-and-clone",
            Condition::True("link").and(Condition::True("clone")).negated(),
            "data files cannot be linked and cloned",
            "keep `link` or `clone`",
        )
        .field("postgresVersion", text("Version it goes to."))
        .field(
            "postgresExtensions",
            array(
                "Extensions whose version is another one afterwards.",
                object("One extension.")
                    .required("name", text("Name of the extension."))
                    .field("publisher", text("Who packaged it.").default("com.ongres"))
                    .field("version", text("Version of its files."))
                    .field("repository", text("Address its package comes from.")),
            ),
        )
        .field("sgPostgresConfig", text("SGPostgresConfig of the new major version."))
        .field("backupPath", text("Path of the WAL and the backups of the new version."))
        .field(
            "link",
            boolean("Whether data files become hard links: fast, and without a way back once the new server has started.").default("false"),
        )
        .field("clone", boolean("Whether data files are cloned, where the file system can; excludes `link`.").default("false"))
        .field("check", boolean("Whether it only checks, and changes nothing.").default("false"))
        .field(
            "toInstallPostgresExtensions",
            extension_packages("Extension packages for the new version; filled in when the object is made."),
        )
        .field("maxErrorsAfterUpgrade", integer("Errors that are put up with while the new server becomes ready.").default("6"))
}
