//! Services of an SGCluster.

use crate::api::schema::{Schema, object};
use crate::api::shared::postgres_service;

/// Schema of `spec.postgresServices`.
pub(in crate::api) fn schema() -> Schema {
    object("The Services through which clients reach the cluster.")
        .field(
            "primary",
            postgres_service(
                "Service that follows the primary: reads and writes.",
                "Whether the Service exists. Without it clients have no stable address of the primary.",
            ),
        )
        .field("replicas", postgres_service("Service over the replicas: reads only.", "Whether the Service exists."))
}
