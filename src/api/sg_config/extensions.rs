//! Packages of PostgreSQL extensions of an SGConfig.

use crate::api::schema::{Schema, array, boolean, object, text};

/// Schema of `spec.extensions`.
pub(super) fn schema() -> Schema {
    object("Where packages of PostgreSQL extensions come from.")
        .field(
            "repositoryUrls",
            array(
                "Addresses of repositories of extensions. Settings such as a proxy are given in the query of an address.",
                text("One repository."),
            )
            .default("https://extensions.stackgres.io/postgres/repository"),
        )
        .field("cache", cache())
}

fn cache() -> Schema {
    object("A copy of packages inside of the Kubernetes cluster, so that pods do not depend on the network outside.")
        .field("enabled", boolean("Whether there is one.").default("false"))
        .field(
            "preloadedExtensions",
            array(
                "Packages that are fetched before a cluster asks for them: regular expressions over `ARCHITECTURE/SYSTEM/EXTENSION-VERSION-pgMAJOR`.",
                text("One regular expression."),
            )
            .default(r"x86_64/linux/timescaledb-1\.7\.4-pg12"),
        )
        .field(
            "persistentVolume",
            object("The volume that holds the packages.")
                .field("size", text("Size of the volume, in `Mi`, `Gi` or `Ti`, for example `1Gi`.").default("1Gi"))
                .field("storageClass", text("Storage class of the volume. Absent: the default of the Kubernetes cluster.")),
        )
        .field("hostPath", text("Folder of the node that holds the packages, in place of the volume. Absent: the volume is used."))
}
