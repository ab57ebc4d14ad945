//! The source of a standby cluster.

use crate::api::schema::{Schema, integer, object, text};
use crate::api::shared::{download_performance, required_user_credentials};

/// Schema of `spec.replicateFrom`.
pub(in crate::api) fn schema() -> Schema {
    object("Makes this a standby cluster that follows another one.")
        .field(
            "instance",
            object("Streams from a running server.").field("sgCluster", text("Name of an SGCluster in the same namespace.")).field(
                "external",
                object("A server outside.").required("host", text("Its host name or address.")).required("port", integer("Its port.")),
            ),
        )
        .field(
            "storage",
            object("Follows the WAL in an object storage.")
                .field("performance", download_performance("Limits while downloading."))
                .required("sgObjectStorage", text("Name of the SGObjectStorage."))
                .required("path", text("Path inside the storage.")),
        )
        .field(
            "users",
            object("Credentials of the source's users, the same as there.")
                .required("superuser", required_user_credentials("The superuser."))
                .required("replication", required_user_credentials("The user replicas stream with."))
                .required("authenticator", required_user_credentials("The user the pooler looks passwords up with.")),
        )
        .not_yet_error()
}
