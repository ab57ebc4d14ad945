//! Status of an SGShardedCluster.

use crate::api::schema::{Schema, array, boolean, object, text};
use crate::api::sg_cluster::status::binding;
use crate::api::shared::{conditions, extension_packages};

/// Schema of `status`.
pub(super) fn schema() -> Schema {
    object("What is, as the controller last saw it.")
        .field("conditions", conditions("State of the cluster by topic: `Bootstrapped`, `PendingRestart`, `PendingUpgrade`, `Failed`."))
        .field("postgresVersion", text("PostgreSQL minor version the cluster runs."))
        .field("buildVersion", text("Build of the images the cluster runs."))
        .field("extensions", extension_packages("Extension packages on the instances."))
        .field(
            "clusterStatuses",
            array(
                "Each SGCluster it consists of.",
                object("One SGCluster.")
                    .required("name", text("Name of the SGCluster."))
                    .field("pendingRestart", boolean("Whether an instance of it waits for a restart.")),
            ),
        )
        .field(
            "toInstallPostgresExtensions",
            extension_packages("Written by upstream's operator: the extension packages it resolved. Has no effect here."),
        )
        .field("binding", binding())
        .field("sgBackups", array("SGBackups that it was restored from, the coordinator's first.", text("Name of an SGBackup.")))
        .output()
}
