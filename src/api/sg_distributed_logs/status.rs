//! Status of an SGDistributedLogs.

use crate::api::schema::{Schema, array, boolean, object, text};
use crate::api::shared::conditions;

/// Schema of `status`.
pub(super) fn schema() -> Schema {
    object("What is, as the controller last saw it.")
        .field("conditions", conditions("State of the log server by topic."))
        .field("postgresVersion", text("PostgreSQL version of the log server. It is chosen when the log server is made, and kept."))
        .field("timescaledbVersion", text("Version of the extension TimescaleDB that it stores the logs with."))
        .field(
            "databases",
            array(
                "Databases with logs, one for each connected cluster.",
                object("A database.")
                    .field("name", text("Name of the database: namespace and name of the cluster, with `_` between them."))
                    .field("retention", text("How long its logs are kept, for example `7 days`.")),
            ),
        )
        .field(
            "connectedClusters",
            array(
                "Clusters that send their logs.",
                object("A cluster.")
                    .field("namespace", text("Namespace of the SGCluster."))
                    .field("name", text("Name of the SGCluster."))
                    .field(
                    "config",
                    object("What the SGCluster says in `spec.distributedLogs`.")
                        .field(
                            "sgDistributedLogs",
                            text(
                                "The log server as it is named there, where it is elsewhere with its namespace and a dot before its name.",
                            ),
                        )
                        .field("retention", text("How long its logs are to be kept.")),
                ),
            ),
        )
        .field(
            "fluentdConfigHash",
            text("Digest of the configuration of fluentd, which takes the logs in; another one makes it start anew."),
        )
        .field("labelPrefix", text("Prefix of the labels on the objects, where they were made by an early version of the operator."))
        .field("oldConfigMapRemoved", boolean("Whether a ConfigMap that an early version of the operator made was removed."))
        .output()
}
