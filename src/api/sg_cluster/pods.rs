//! Pods of an SGCluster.

use crate::api::kubernetes_types::container::resource_claims;
use crate::api::kubernetes_types::probe::probe_timing;
use crate::api::schema::{Schema, array, boolean, integer, map, object, text, text_map};
use crate::api::shared::{custom_env, custom_env_from, custom_volume_mounts, user_containers};

/// Schema of `spec.pods`.
pub(in crate::api) fn schema() -> Schema {
    object("The pods and their volumes.")
        .field("terminationGracePeriodSeconds", integer("Seconds between the stop signal and the kill of a pod. Must leave time for a shutdown checkpoint, which grows with shared_buffers.").format("int64"))
        .field("readinessProbe", probe_timing("Timing of the probe that decides whether an instance receives clients."))
        .field("livenessProbe", probe_timing("Timing of the probe that decides whether the database container is restarted."))
        .required("persistentVolume", object("The data volume of each instance.")
            .required("size", text("Size of each data volume. It may only grow, and only where the storage class can expand volumes.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi|Ti)$"))
            .field("storageClass", text("Storage class of the data volumes; absent takes the Kubernetes cluster's default. A change moves the data of each instance to a new volume, behind an extra instance, and keeps the old volumes; taken out, it reaches only volumes made from then on."))
            .field("fsGroupChangePolicy", text("`OnRootMismatch` changes file ownership only when the volume's root has the wrong one; `Always` walks all files at each start, which is slow on large volumes.")))
        .field("disableConnectionPooling", boolean("Takes PgBouncer out of the pods; clients then reach PostgreSQL directly. A change needs new pods.").default("false"))
        .field("disableMetricsExporter", boolean("Takes the metrics exporter out of the pods. A change needs new pods.").default("false"))
        .field("disablePostgresUtil", boolean("Takes the container with psql and other tools out of the pods. A change needs new pods.").default("false"))
        .field("disableEnvoy", boolean("Whether the edge proxy is left out.").default("true").not_yet_warning())
        .field("resources", object("Requests and limits beyond what the instance profile says.")
            .field("containers", map("By container name.", object("Size of one container.")
                .field("claims", array("Dynamic resources the container uses.", object("One entry.")
                    .required("name", text("Name of the pod's resource claim."))
                    .field("request", text("Request of the claim that is meant."))).not_yet_warning())
                .field("limits", text_map("Most the container may use, by resource."))
                .field("requests", text_map("What is reserved for the container, by resource."))))
            .field("initContainers", map("By init container name.", object("Size of one container.")
                .field("claims", resource_claims("Dynamic resources the container uses.").not_yet_warning())
                .field("limits", text_map("Most the container may use, by resource."))
                .field("requests", text_map("What is reserved for the container, by resource."))))
            .field("enableClusterLimitsRequirements", boolean("Gives the side containers limits as well as requests.").default("false"))
            .field("disableResourcesRequestsSplitFromTotal", boolean("Adds the side containers' requests on top of the profile's, instead of taking them out of it."))
            .field("failWhenTotalIsHigher", boolean("Refuses the cluster when the side containers ask for more than the profile reserves for the whole instance; otherwise nothing is reserved for the database then.").default("false")))
        .field("scheduling", super::scheduling::schema())
        .field("managementPolicy", text("`Parallel` starts instances at once, so that a cold start does not wait for one that lacks the newest data; `OrderedReady` starts one after another.").default("Parallel"))
        .field("updateStrategy", object("When and how changes that disturb an instance are carried out. What disturbs nothing, or only reloads, is carried out at once. A change of this section disturbs nothing.")
            .field("type", text("`Always` at once, `Schedule` in the windows below, `OnlyDbOps` when an SGDbOps asks for it, `Never` by itself, which leaves room for an SGDbOps. Absent: `OnlyDbOps` without a fleet; `Always` for a cluster that a fleet releases, because there the release is what allows it.").default("OnlyDbOps"))
            .field("method", text("`InPlace` takes one instance away at a time; `ReducedImpact` adds one first so that capacity stays.").default("InPlace"))
            .field("schedule", array("Windows of the type `Schedule`; one that is open is enough.", object("A window.")
                .field("cron", text("When it opens, in local time of `timeZone`: five-field cron (minute, hour, day of the month, month, day of the week). A time that a change of the clocks leaves out is the end of the gap; one that comes twice counts once."))
                .field("duration", text("How long it stays open, an ISO 8601 duration such as `PT2H`. Days have 24 hours."))
                .field("timeZone", text("IANA name of the time zone of `cron`, such as `Europe/Berlin`.").default("UTC")))))
        .field("customVolumes", super::custom_volumes::schema())
        .field("customInitContainers", user_containers(
                "Further init containers, run before the others. Their names get the prefix `custom-`. A change needs new pods.",
            ))
        .field("customContainers", user_containers(
                "Further containers of the pods. Their names get the prefix `custom-`. A change needs new pods.",
            ))
        .field("customVolumeMounts", custom_volume_mounts("Further mounts, by container name. A change needs new pods."))
        .field("customInitVolumeMounts", custom_volume_mounts("Further mounts, by init container name."))
        .field("customEnv", custom_env("Further environment variables, by container name."))
        .field("customInitEnv", custom_env("Further environment variables, by init container name."))
        .field("customEnvFrom", custom_env_from("Objects whose keys all become environment variables, by container name."))
        .field("customInitEnvFrom", custom_env_from("Objects whose keys all become environment variables, by init container name."))
}
