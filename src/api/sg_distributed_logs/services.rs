//! Services of an SGDistributedLogs.

use crate::api::schema::{Schema, object};
use crate::api::shared::postgres_service_of_parts;

/// Schema of `spec.postgresServices`.
pub(super) fn schema() -> Schema {
    object("The Services through which clusters send their logs, and through which the logs are read.")
        .field(
            "primary",
            postgres_service_of_parts("Service that follows the primary: takes the logs in, and serves reads. It always exists.", "")
                .without(&["enabled"]),
        )
        .field("replicas", postgres_service_of_parts("Service over the replicas: reads only.", "Whether the Service exists."))
}
