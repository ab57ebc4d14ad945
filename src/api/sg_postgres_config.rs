//! The kind `SGPostgresConfig`.

use crate::api::kind::{Column, Kind};
use crate::api::schema::{Schema, object, text, text_map};
use std::sync::LazyLock;

/// The kind `SGPostgresConfig`.
pub(super) static SG_POSTGRES_CONFIG: Kind = Kind {
    kind: "SGPostgresConfig",
    version: "v1",
    plural: "sgpgconfigs",
    singular: "sgpgconfig",
    short_names: &["sgpgc", "sgpostgresconfig", "sgpostgresconfigs"],
    categories: &["stackgres"],
    name_max_length: None,
    name_pattern: None,
    scale: None,
    columns: &[Column {
        name: "Version",
        r#type: "string",
        json_path: ".spec.postgresVersion",
        description: "Major version the parameters are for.",
        priority: 0,
    }],
    description: "PostgreSQL parameters for one major version. Many clusters may share one; an edit reaches a cluster only with its next release.",
    not_yet: None,
    schema: LazyLock::new(|| {
        object("PostgreSQL parameters for one major version. Many clusters may share one; an edit reaches a cluster only with its next release.").required("spec", spec()).field("status", status())
    }),
};

/// Schema of `spec`.
fn spec() -> Schema {
    object("What is wanted.")
        .fixed(
            "postgresVersion",
            "the major version of a configuration cannot change",
            "put the old one back; make another SGPostgresConfig for the new version",
        )
        .required("postgresVersion", text("Major version the parameters are for, for example `17`."))
        .required(
            "postgresql.conf",
            text_map("Parameters by name, values as in `postgresql.conf`. Whether a change reloads or restarts is shown by the plan."),
        )
}

/// Schema of `status`.
fn status() -> Schema {
    object("What is, as the controller last saw it.")
        .required("defaultParameters", text_map("Parameters that were not set, with their defaults."))
        .output()
}
