//! The source of a standby cluster.

use crate::api::schema::{Schema, integer, object, text};
use crate::api::shared::{download_performance, required_user_credentials};

/// Schema of `spec.replicateFrom`.
pub(in crate::api) fn schema() -> Schema {
    object("Makes this a standby cluster that follows another one: read-only, with the data and the users of its source. Taking the section out promotes it: from then on it takes writes of its own, and does not go back.")
        .field(
            "instance",
            object("Streams from a running server.").field("sgCluster", text("Name of an SGCluster in the same namespace. Its primary is followed through its Service, wherever it moves; its users come with its Secret.")).field(
                "external",
                object("A server outside.")
                    .required("host", text("Its host name or address; one that follows its primary when that moves."))
                    .required("port", integer("Port of PostgreSQL itself, not of a pooler.")),
            ),
        )
        .field(
            "storage",
            object("Follows the WAL in an object storage.")
                .field("performance", download_performance("Limits while downloading."))
                .required("sgObjectStorage", text("Name of the SGObjectStorage."))
                .required("path", text("Path inside the storage."))
                .not_yet_error(),
        )
        .field("users", users())
}

/// Schema of `users`.
pub(in crate::api) fn users() -> Schema {
    object("Credentials of the users of an external source. They are copied when the cluster is made; the users must be named `postgres`, `replicator` and `authenticator`.")
        .required("superuser", required_user_credentials("The superuser."))
        .required("replication", required_user_credentials("The user replicas stream with."))
        .required("authenticator", required_user_credentials("The user the pooler looks passwords up with."))
}
