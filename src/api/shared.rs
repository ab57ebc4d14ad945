//! Parts that several of our kinds share.

use crate::api::condition::Condition;
use crate::api::kubernetes_types::affinity::{node_affinity, pod_affinity, tolerations};
use crate::api::kubernetes_types::container::{container_ports, container_resources, resize_policy, restart_policy_rules};
use crate::api::kubernetes_types::environment::{config_map_ref, env, env_from, secret_ref, value_from};
use crate::api::kubernetes_types::probe::{lifecycle, probe};
use crate::api::kubernetes_types::security::security_context;
use crate::api::kubernetes_types::selector::secret_key_selector;
use crate::api::kubernetes_types::service::{custom_ports, node_ports, session_affinity_config};
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
        .demand(
            "script-source",
            Condition::ExactlyOne(&["secretKeyRef", "configMapKeyRef"]),
            "it needs exactly one of `secretKeyRef` and `configMapKeyRef`",
            "name the key of a Secret or of a ConfigMap",
        )
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
        .field("podAntiAffinity", pod_affinity("Rules that keep pods apart."))
}

/// Schema of `hugePages`; the description says what it is for in its place.
pub(in crate::api) fn huge_pages(description: &str) -> Schema {
    object(description)
        .demand(
            "bad-huge-pages",
            Condition::Present("hugepages-2Mi").or(Condition::Present("hugepages-1Gi")),
            "neither size of huge pages is given",
            "write hugepages-2Mi or hugepages-1Gi, or take the section out",
        )
        .field("hugepages-2Mi", text("Amount of memory in pages of 2 MiB.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi)$"))
        .field("hugepages-1Gi", text("Amount of memory in pages of 1 GiB.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi)$"))
}

/// Schema of a Service that clients connect to; the descriptions say which one it is, and what `enabled` means for it.
pub(in crate::api) fn postgres_service(description: &str, enabled: &str) -> Schema {
    object(description)
        .field("enabled", boolean(enabled).default("true"))
        .field(
            "type",
            text("How the Service is exposed. `None` makes it headless.")
                .allowed(&["ClusterIP", "LoadBalancer", "NodePort", "None"])
                .default("ClusterIP"),
        )
        .field("customPorts", custom_ports("Further ports of the Service, for example for a custom side container."))
        .field("allocateLoadBalancerNodePorts", boolean("Whether node ports are reserved for a load balancer."))
        .field(
            "externalIPs",
            array("Addresses outside the Kubernetes cluster whose traffic the nodes accept for this Service.", text("One entry.")),
        )
        .field(
            "externalTrafficPolicy",
            text("`Local` keeps the client's address and sends traffic only to pods of the receiving node; `Cluster` spreads it."),
        )
        .field("healthCheckNodePort", integer("Node port of the health check when `externalTrafficPolicy` is `Local`.").format("int32"))
        .field("internalTrafficPolicy", text("`Local` sends traffic from inside only to pods of the same node; `Cluster` spreads it."))
        .field("ipFamilies", array("Address families of the Service, `IPv4` and `IPv6`, in order of preference.", text("One entry.")))
        .field("ipFamilyPolicy", text("`SingleStack`, `PreferDualStack` or `RequireDualStack`."))
        .field("loadBalancerClass", text("Which load balancer implementation serves it."))
        .field("loadBalancerIP", text("Wished address of the load balancer, where the provider supports it."))
        .field("loadBalancerSourceRanges", array("Client networks the load balancer lets in, in CIDR form.", text("One entry.")))
        .field("publishNotReadyAddresses", boolean("Whether pods that are not ready are published too."))
        .field("sessionAffinity", text("`ClientIP` sends one client to one pod; `None` spreads its connections."))
        .field("sessionAffinityConfig", session_affinity_config("Settings of the session affinity."))
        .field("nodePorts", node_ports("Fixed node ports for the types that have them."))
}

/// Schema of `distributedLogs`.
pub(in crate::api) fn distributed_logs() -> Schema {
    object("Ships the logs to a log cluster.")
        .field("sgDistributedLogs", text("Name of the SGDistributedLogs."))
        .field("retention", text("How long the logs are kept, for example `7 days`.").pattern(r"^[0-9]+ (minutes?|hours?|days?|months?)"))
}

/// Schema of a list of resolved extension packages; the description says what it is for in its place.
pub(in crate::api) fn extension_packages(description: &str) -> Schema {
    array(
        description,
        object("One package.")
            .required("name", text("Name of the extension as `CREATE EXTENSION` takes it."))
            .required("publisher", text("Who packaged the extension."))
            .required("version", text("Version of the extension's files."))
            .required("repository", text("Where its files come from."))
            .required("postgresVersion", text("PostgreSQL version the package was built for."))
            .field("build", text("Build of the package."))
            .field("extraMounts", array("Further paths the package needs in the pod.", text("One path."))),
    )
}

/// Schema of `status.conditions`; the description says what it is for in its place.
pub(in crate::api) fn conditions(description: &str) -> Schema {
    array(description, condition())
}

/// Schema of one condition.
pub(in crate::api) fn condition() -> Schema {
    object("One topic.")
        .field("lastTransitionTime", text("When the status last changed."))
        .field("message", text("What it is, for people."))
        .field("reason", text("What it is, one word for programs."))
        .field("status", text("`True`, `False` or `Unknown`."))
        .field("type", text("Topic."))
}

/// Adds to the `spec` of a backup how long it is kept, and the limits of its run.
pub(in crate::api) fn backup_settings(spec: Schema) -> Schema {
    spec.field(
        "managedLifecycle",
        boolean("Whether the retention of the cluster's backup settings may remove it. Absent or `false`: it is kept until somebody deletes it."),
    )
    .field("timeout", integer("Seconds after which the backup has failed; 0 or absent: no limit."))
        .field(
            "reconciliationTimeout",
            integer("Seconds that the removal of older backups behind it may take; 0: no limit.").default("300"),
        )
        .field("maxRetries", integer("How often it is tried again after it failed.").default("3"))
}

/// Schema of `status.process` of a backup.
pub(in crate::api) fn backup_process() -> Schema {
    object("How the making of it goes.")
        .field("status", text("`Pending`, `Running`, `Completed` or `Failed`."))
        .field("failure", text("Why it failed."))
        .field("jobPod", text("Pod that makes it."))
        .field(
            "timing",
            object("When it was made, in ISO 8601.")
                .field("start", text("When it began."))
                .field("end", text("When the data were copied."))
                .field("stored", text("When everything was in the storage.")),
        )
}

/// Schema of `status.backupInformation.size` of a backup.
pub(in crate::api) fn backup_size() -> Schema {
    object("Size in bytes.")
        .field("uncompressed", integer("Bytes of the data directory.").format("int64"))
        .field("compressed", integer("Bytes in the storage.").format("int64"))
}

/// Schema of a Service of a sharded cluster or a log cluster: their further ports are given for several Services at once.
pub(in crate::api) fn postgres_service_of_parts(description: &str, enabled: &str) -> Schema {
    postgres_service(description, enabled)
        .without(&["customPorts", "nodePorts"])
        .field("nodePorts", node_ports("Fixed node ports for the types that have them.").without(&["babelfish"]))
}

/// Schema of `serviceAccount` of ShardingSphere.
pub(in crate::api) fn service_account_of_sharding_sphere() -> Schema {
    object("ServiceAccount of the operator of ShardingSphere, which gets the rights to reach the cluster.")
        .required("namespace", text("Its namespace."))
        .required("name", text("Its name."))
}
