//! Status of an SGCluster.

use crate::api::schema::{Schema, array, boolean, integer, moment, object, text};
use crate::api::shared::{condition, extension_packages, operation_progress};

/// Schema of `status`.
pub(in crate::api) fn schema() -> Schema {
    object("What is, as the controller last saw it.")
        .field(
            "conditions",
            array(
                "State of the cluster by topic.",
                condition().field("observedGeneration", integer("Generation of the spec the condition speaks of.").format("int64")),
            ),
        )
        .field("postgresVersion", text("PostgreSQL minor version the cluster runs."))
        .field("buildVersion", text("Build of the images the cluster runs."))
        .field("extensions", extension_packages("Extension packages on the instances."))
        .field("sgPostgresConfig", text("SGPostgresConfig in force."))
        .field("backupPaths", array("Paths of the backups inside their storage.", text("One entry.")))
        .field("instances", integer("Number of instances that exist."))
        .field("labelSelector", text("Label selector of the pods, for the scale subresource."))
        .field("replicationInitializationFailedSGBackup", text("Backup that failed to seed a replica."))
        .field(
            "podStatuses",
            array(
                "Each instance.",
                object("One entry.")
                    .required("name", text("Name of the pod."))
                    .field("nodeName", text("Node it runs on."))
                    .field("replicationGroup", integer("Replication group it belongs to."))
                    .field("primary", boolean("Whether it is the primary."))
                    .field("pendingRestart", boolean("Whether it waits for a restart."))
                    .field("ready", boolean("Whether it is ready for clients."))
                    .field("role", text("`primary`, `standby leader` (follows another cluster) or `replica`; absent while that is not known."))
                    .field("state", text("What PostgreSQL does: `running`, `streaming`, `starting`, `creating replica`, `stopped` and others."))
                    .field("timeline", integer("Timeline it is on. A replica on an older one than the primary cannot follow it.").format("int64"))
                    .field("lagMebibytes", integer("WAL that it has not replayed, in MiB, rounded up to a power of two; 0 is caught up (less than one segment behind).").format("int64"))
                    .field("synchronous", boolean("Whether commits wait for it."))
                    .field("installedPostgresExtensions", extension_packages("Extension packages it has.")),
            ),
        )
        .field(
            "dbOps",
            object("Operation in progress.")
                .field("name", text("Name of the SGDbOps."))
                .field(
                    "majorVersionUpgrade",
                    object("Progress of a major version upgrade.")
                        .field("initialInstances", array("Instances when it began.", text("One entry.")))
                        .field("primaryInstance", text("Primary when it began."))
                        .field("sourcePostgresVersion", text("Version it came from."))
                        .field(
                            "sourcePostgresExtensions",
                            array(
                                "Extensions it came from.",
                                object("One entry.")
                                    .field("name", text("Name of the extension."))
                                    .field("publisher", text("Who packaged it.").default("com.ongres"))
                                    .field("version", text("Version of its files."))
                                    .field("repository", text("Address its package came from.")),
                            ),
                        )
                        .field("sourceSgPostgresConfig", text("SGPostgresConfig it came from."))
                        .field("sourceBackupPath", text("Backup path it came from."))
                        .field("sourceReplicationMode", text("Replication mode it came from."))
                        .field("targetPostgresVersion", text("Version it goes to."))
                        .field("locale", text("Locale of the new data directory."))
                        .field("encoding", text("Encoding of the new data directory."))
                        .field("dataChecksum", boolean("Whether the new data directory has checksums."))
                        .field("link", boolean("Whether files are hard links."))
                        .field("clone", boolean("Whether files are clones."))
                        .field("check", boolean("Whether it only checks."))
                        .field("rollback", boolean("Whether it is going back.")),
                )
                .field("restart", operation_progress("Progress of a restart."))
                .field("minorVersionUpgrade", operation_progress("Progress of a minor version upgrade."))
                .field("securityUpgrade", operation_progress("Progress of a security upgrade.")),
        )
        .field(
            "finishedOperations",
            array(
                "Operations from Git that have ended: the same one is not run again when its object was deleted and comes back. The last 100.",
                object("One operation.")
                    .field("name", text("Name of the SGDbOps."))
                    .field("digest", text("Digest of its name and spec."))
                    .field("outcome", text("`Completed` or `Failed`."))
                    .field("at", moment("When it was noted.")),
            ),
        )
        .field("arch", text("Processor architecture of the images."))
        .field("os", text("Operating system of the images."))
        .field("labelPrefix", text("Prefix of the labels on the objects."))
        .field(
            "managedSql",
            object("Progress of managed SQL.").field(
                "scripts",
                array(
                    "Each SGScript.",
                    object("One entry.")
                        .field("id", integer("Number of the entry."))
                        .field("sgScript", text("Name of the SGScript."))
                        .field("startedAt", text("When it began."))
                        .field("updatedAt", text("When it last changed."))
                        .field("failedAt", text("When it failed; absent once nothing of it is failed."))
                        .field("completedAt", text("When all of it was done; absent while something is not."))
                        .field(
                            "scripts",
                            array(
                                "Each script of the SGScript.",
                                object("One entry.")
                                    .field("id", integer("Number of the script."))
                                    .field("version", integer("Version of the script that ran."))
                                    .field("intents", integer("How often it was tried."))
                                    .field("failureCode", text("SQLSTATE of the failure."))
                                    .field("failure", text("Message of the failure, without values."))
                                    .field("state", text("`started`, `done`, `failed`, `unknown` (it began, and whether it ran to its end is not known) or `not-run` (it began and left nothing behind)."))
                                    .field("digest", text("Digest of what ran: a changed one is a new version."))
                                    .field("startedAt", text("When it began."))
                                    .field("endedAt", text("When it ended, or when it was found out what became of it."))
                                    .field("database", text("Database it runs in, while its end is not recorded."))
                                    .field("wrapped", boolean("Whether it runs inside of a transaction that leaves a marker, while its end is not recorded."))
                                    .field("asked", boolean("Whether the annotation that asks for a run was answered.")),
                            ),
                        ),
                ),
            ),
        )
        .field("binding", binding())
        .field("release", super::release::release())
        .field("promotion", super::release::promotion())
        .field("running", super::release::running())
        .field("rollout", super::release::rollout())
        .field("claim", super::release::claim())
        .field("observedGeneration", integer("Generation of the spec that this status speaks of.").format("int64"))
        .field("readyInstances", integer("Number of instances that are ready.").format("int32"))
        .field(
            "effective",
            object("Every value the released revision uses, after defaults: a mapping of `value` and `origin`, which is `default`, `tuned: memory 2048MiB`, `profile testing`, `set by the program`, or file, line and column. `stackgres render --effective` shows the same before it is released.").preserve_unknown(),
        )
        .field("lagMebibytes", integer("WAL in MiB that the replica furthest behind has not replayed, rounded up to a power of two; 0 is caught up.").format("int64"))
        .field("primary", text("Pod that takes writes; absent while none does."))
        .field("pending", array("Changes that are released and not carried out yet, with the reason.", text("One change.")))
        .field("waiting", super::release::waiting())
        .field(
            "switchover",
            object("The last switchover or restart that a person asked for; a restart has the same pod twice.")
                .field("asked", text("What was asked for, once it is answered: the annotation `stackgres.io/switchover`, or `restart` and the pod."))
                .field("leader", text("Pod that led."))
                .field("candidate", text("Pod that shall lead."))
                .field("state", text("`under-way`, `done`, `refused` or `unfinished` (it was begun and did not come to its end in time)."))
                .field("startedAt", text("When it began."))
                .field("endedAt", text("When it ended."))
                .field("pausedMilliseconds", integer("How long the pooler held writers back, in milliseconds.").format("int64"))
                .field("closedIdle", integer("Client connections that were closed between two transactions.").format("int64"))
                .field("cut", array("Clients that were cut off: user, database, name and address.", text("One client.")))
                .field("message", text("How it ended, for people.")),
        )
        .field("systemIdentifier", text("PostgreSQL's own identity of the database, set when it is made; never changes."))
        .output()
}

/// Schema of `status.binding`.
pub(in crate::api) fn binding() -> Schema {
    object("Service binding Secret.").field("name", text("Name of the Secret."))
}
