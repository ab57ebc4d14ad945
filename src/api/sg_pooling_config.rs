//! The kind `SGPoolingConfig`.

use crate::api::kind::Kind;
use crate::api::schema::{Schema, object, text_map};
use crate::api::shared::pg_bouncer;
use std::sync::LazyLock;

/// The kind `SGPoolingConfig`.
pub(super) static SG_POOLING_CONFIG: Kind = Kind {
    kind: "SGPoolingConfig",
    version: "v1",
    plural: "sgpoolconfigs",
    singular: "sgpoolconfig",
    short_names: &["sgpoc", "sgpoolingconfig", "sgpoolingconfigs"],
    categories: &["stackgres"],
    name_max_length: None,
    name_pattern: None,
    scale: None,
    columns: &[],
    description: "PgBouncer settings. Many clusters may share one; an edit reaches a cluster only with its next release.",
    not_yet: None,
    schema: LazyLock::new(|| {
        object("PgBouncer settings. Many clusters may share one; an edit reaches a cluster only with its next release.")
            .required("spec", spec())
            .field("status", status())
    }),
};

/// Schema of `spec`.
fn spec() -> Schema {
    object("What is wanted.").field("pgBouncer", pg_bouncer("PgBouncer."))
}

/// Schema of `status`.
fn status() -> Schema {
    object("What is, as the controller last saw it.")
        .field(
            "pgBouncer",
            object("PgBouncer.").required("defaultParameters", text_map("Parameters that were not set, with their defaults.")),
        )
        .output()
}
