//! Parts that several of our kinds share.

use crate::api::kubernetes_types::affinity::{node_affinity, pod_affinity, tolerations};
use crate::api::kubernetes_types::container::{container_ports, container_resources, resize_policy, restart_policy_rules};
use crate::api::kubernetes_types::environment::{config_map_ref, env, env_from, secret_ref, value_from};
use crate::api::kubernetes_types::probe::{lifecycle, probe};
use crate::api::kubernetes_types::security::security_context;
use crate::api::kubernetes_types::selector::secret_key_selector;
use crate::api::kubernetes_types::volume::{volume_devices, volume_mounts};
use crate::api::schema::{Schema, array, boolean, integer, map, object, text, text_map};

/// Schema of `minAllowed`; the description says what it is for in its place.
pub(in crate::api) fn size_bounds(description: &str) -> Schema {
    object(description)
        .field("patroni", cpu_and_memory("Bound for the container that runs Patroni and PostgreSQL."))
        .field("pgbouncer", cpu_and_memory("Bound for the connection pooler."))
        .field("envoy", cpu_and_memory("Bound for the edge proxy."))
}

/// Schema of `patroni`; the description says what it is for in its place.
pub(in crate::api) fn cpu_and_memory(description: &str) -> Schema {
    object(description)
        .field("cpu", text("CPU in cores (`2`) or thousandths of a core (`500m`)."))
        .field("memory", text("Memory in binary units, for example `512Mi` or `8Gi`."))
}

/// Schema of `backupRestorePerformance`; the description says what it is for in its place.
pub(in crate::api) fn download_performance(description: &str) -> Schema {
    object(description)
        .field("maxNetworkBandwidth", integer("Most network throughput, in bytes a second."))
        .field("maxDiskBandwidth", integer("Most disk throughput, in bytes a second."))
        .field("downloadConcurrency", integer("Streams used to download at once.").minimum(1))
}

/// Schema of `annotations`; the description says what it is for in its place.
pub(in crate::api) fn metadata_by_scope(description: &str) -> Schema {
    object(description)
        .field("allResources", text_map("For every object of the cluster. Reaches the pods only when they are made again."))
        .field("clusterPods", text_map("For the pods. A change needs new pods."))
        .field("services", text_map("For every Service."))
        .field("primaryService", text_map("For the Service of the primary."))
        .field("replicasService", text_map("For the Service of the replicas."))
        .field("serviceAccount", text_map("For the pods' ServiceAccount."))
}

/// Schema of `customContainers` and `customInitContainers`; the description says what it is for in its place.
pub(in crate::api) fn user_containers(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .field("args", array("Arguments of the command; absent takes the image's.", text("One entry.")))
            .field("command", array("Command to run; absent takes the image's.", text("One entry.")))
            .field("env", env("Environment variables."))
            .field("envFrom", env_from("Objects whose keys all become environment variables."))
            .field("image", text("Image of the container."))
            .field("imagePullPolicy", text("`Always`, `IfNotPresent` or `Never`."))
            .field("lifecycle", lifecycle("Actions at the start and stop of the container."))
            .field("livenessProbe", probe("Restarts the container when it fails."))
            .required("name", text("Name of the container, without the prefix."))
            .field("ports", container_ports("Ports the container listens on."))
            .field("readinessProbe", probe("Takes the pod out of Services while it fails."))
            .field("resizePolicy", resize_policy("Whether a container restarts when its size changes in place."))
            .field("resources", container_resources("Requests and limits of the container."))
            .field("restartPolicy", text("When the container is started again; `Always` makes an init container a side container."))
            .field("restartPolicyRules", restart_policy_rules("Rules by exit code, tried in order."))
            .field("securityContext", security_context("Rights of the container's processes."))
            .field("startupProbe", probe("Holds the other probes back until it succeeds once."))
            .field("stdin", boolean("Whether a standard input is kept open."))
            .field("stdinOnce", boolean("Whether the input closes after the first client."))
            .field("terminationMessagePath", text("File whose content becomes the container's last message."))
            .field("terminationMessagePolicy", text("`File`, or `FallbackToLogsOnError` to use the end of the log."))
            .field("tty", boolean("Whether a terminal is allocated."))
            .field("volumeDevices", volume_devices("Volumes used as block devices."))
            .field("volumeMounts", volume_mounts("Volumes mounted into the container."))
            .field("workingDir", text("Working directory of the command.")),
    )
}

/// Schema of `customVolumeMounts`; the description says what it is for in its place.
pub(in crate::api) fn custom_volume_mounts(description: &str) -> Schema {
    map(
        description,
        array(
            "Entries of one container.",
            object("One entry.")
                .required("mountPath", text("Path in the container."))
                .field("mountPropagation", text("Whether mounts travel between node and container."))
                .required("name", text("Name of the volume."))
                .field("readOnly", boolean("Whether it is mounted read-only."))
                .field("recursiveReadOnly", text("Whether mounts below it are read-only too."))
                .field("subPath", text("Part of the volume to mount."))
                .field("subPathExpr", text("Part of the volume to mount, with `$(VARIABLE)` filled in.")),
        ),
    )
}

/// Schema of `customEnv`; the description says what it is for in its place.
pub(in crate::api) fn custom_env(description: &str) -> Schema {
    map(
        description,
        array(
            "Entries of one container.",
            object("One entry.")
                .required("name", text("Name of the variable."))
                .field("value", text("Its value; `$(OTHER)` takes the value of another variable."))
                .field("valueFrom", value_from("Where the value comes from.")),
        ),
    )
}

/// Schema of `customEnvFrom`; the description says what it is for in its place.
pub(in crate::api) fn custom_env_from(description: &str) -> Schema {
    map(
        description,
        array(
            "Entries of one container.",
            object("One entry.")
                .field("configMapRef", config_map_ref("A ConfigMap."))
                .field("prefix", text("Text put before each key."))
                .field("secretRef", secret_ref("A Secret.")),
        ),
    )
}

/// Schema of `pgBouncer`; the description says what it is for in its place.
pub(in crate::api) fn pg_bouncer(description: &str) -> Schema {
    object(description).field("pgbouncer.ini", pgbouncer_ini("Sections of `pgbouncer.ini`."))
}

/// Schema of `pgbouncer.ini`; the description says what it is for in its place.
pub(in crate::api) fn pgbouncer_ini(description: &str) -> Schema {
    object(description)
        .field("pgbouncer", object("Section `[pgbouncer]`: settings by name.").preserve_unknown())
        .field(
            "databases",
            map("Section `[databases]`: options by database, by option name.", object("Options of one database.").preserve_unknown()),
        )
        .field("users", map("Section `[users]`: options by user, by option name.", object("Options of one user.").preserve_unknown()))
}

/// Schema of `superuser`; the description says what it is for in its place.
pub(in crate::api) fn user_credentials(description: &str) -> Schema {
    object(description)
        .field("username", secret_key_selector("Secret key with the user name."))
        .field("password", secret_key_selector("Secret key with the password."))
}

/// Schema of `scriptFrom`; the description says what it is for in its place.
pub(in crate::api) fn script_from(description: &str) -> Schema {
    object(description)
        .field("secretKeyRef", script_secret_key_ref("A key of a Secret."))
        .field("configMapKeyRef", script_config_map_key_ref("A key of a ConfigMap."))
}

/// Schema of `secretKeyRef`; the description says what it is for in its place.
pub(in crate::api) fn script_secret_key_ref(description: &str) -> Schema {
    object(description).field("name", text("Name of the Secret.")).field("key", text("Key in the Secret."))
}

/// Schema of `configMapKeyRef`; the description says what it is for in its place.
pub(in crate::api) fn script_config_map_key_ref(description: &str) -> Schema {
    object(description).field("name", text("Name of the ConfigMap.")).field("key", text("Key in the ConfigMap."))
}

/// Schema of `superuser`; the description says what it is for in its place.
pub(in crate::api) fn required_user_credentials(description: &str) -> Schema {
    object(description)
        .required("username", secret_key_selector("Secret key with the user name."))
        .required("password", secret_key_selector("Secret key with the password."))
}

/// Schema of `restart`; the description says what it is for in its place.
pub(in crate::api) fn operation_progress(description: &str) -> Schema {
    object(description)
        .field("initialInstances", array("Instances when it began.", text("One entry.")))
        .field("primaryInstance", text("Primary when it began."))
}

/// Schema of the scheduling of a job's pod; the description says what it is for in its place.
pub(in crate::api) fn job_scheduling(description: &str) -> Schema {
    object(description)
        .field("nodeSelector", text_map("Labels a node must have."))
        .field("tolerations", tolerations("Taints of nodes that the pods put up with."))
        .field("nodeAffinity", node_affinity("Rules about the labels of nodes."))
        .field("priorityClassName", text("Priority class of the pods."))
        .field("podAffinity", pod_affinity("Rules that draw pods together."))
        .field(
            "podAntiAffinity",
            pod_affinity("Rules that keep pods apart, beside the built-in one that keeps instances on different nodes."),
        )
}

/// Schema of `hugePages`; the description says what it is for in its place.
pub(in crate::api) fn huge_pages(description: &str) -> Schema {
    object(description)
        .field("hugepages-2Mi", text("Amount of memory in pages of 2 MiB.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi)$"))
        .field("hugepages-1Gi", text("Amount of memory in pages of 1 GiB.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi)$"))
}
