//! Services of an SGShardedCluster.

use crate::api::kubernetes_types::service::custom_ports;
use crate::api::schema::{Schema, object};
use crate::api::shared::postgres_service_of_parts;

/// Schema of `spec.postgresServices`.
pub(super) fn schema() -> Schema {
    object("The Services through which clients reach the cluster.")
        .field(
            "coordinator",
            object("Services of the coordinator, where applications connect.")
                .field(
                    "any",
                    postgres_service_of_parts("Service over every instance of the coordinator: reads.", "Whether the Service exists."),
                )
                .field(
                    "primary",
                    postgres_service_of_parts(
                        "Service that follows the coordinator's primary: reads and writes.",
                        "Whether the Service exists. Without it clients have no stable address of the coordinator.",
                    ),
                )
                .field("customPorts", custom_ports("Further ports of these Services, for example for a custom side container.")),
        )
        .field(
            "shards",
            object("Services of the shards.")
                .field("primaries", postgres_service_of_parts("Service over the primaries of all shards.", "Whether the Service exists."))
                .field("customPorts", custom_ports("Further ports of the Service, for example for a custom side container.")),
        )
}
