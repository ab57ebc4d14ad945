//! Everything a cluster runs with, after defaults.

use crate::diagnostics::Location;
use crate::model::{CollationVersions, NamespacedName};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Where an effective value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// Our default, the same for every cluster.
    Default,
    /// Computed from the instance's size or another effective value; says from what, for example `memory 2Gi`.
    Tuned(String),
    /// Chosen by `spec.profile` (production, testing, development).
    Profile(String),
    /// Written by a person.
    Manifest(Location),
    /// Decided by the program; users cannot set it.
    Forced,
}

/// An origin in the words of every way in: status, page, plans and `stackgres render --effective`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Tuned(from) => write!(f, "tuned: {from}"),
            Self::Profile(profile) => write!(f, "profile {profile}"),
            Self::Manifest(location) => location.fmt(f),
            Self::Forced => f.write_str("set by the program"),
        }
    }
}

/// A value and its origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectiveValue<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

/// Everything one cluster runs with. Built by this stage, checked by `validate`, rendered without any further decision.
///
/// Parts that Kubernetes defines (affinity, containers, volumes) stay raw values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Effective {
    /// Namespace and name of the cluster.
    pub cluster: NamespacedName,
    /// `production`, `testing` or `development`.
    pub profile: EffectiveValue<String>,
    /// Number of instances, the primary included.
    pub instances: EffectiveValue<u32>,
    /// PostgreSQL itself.
    pub postgres: PostgresSettings,
    /// Connection pooling; `None` when switched off.
    pub pooling: Option<PoolingSettings>,
    /// Metrics exporter; `None` when switched off.
    pub exporter: Option<ExporterSettings>,
    /// Whether the util side container (psql and friends) is there.
    pub postgres_util: EffectiveValue<bool>,
    /// Image of each component, with tag or digest: `postgres`, `pgbouncer`, `exporter`, `util`, …
    pub images: BTreeMap<String, String>,
    /// Processor architectures the images run on; none is every one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub architectures: BTreeSet<String>,
    /// Image pull secrets, in order.
    pub image_pull_secrets: Vec<String>,
    /// `IfNotPresent`, `Always` or `Never`.
    pub image_pull_policy: String,
    /// Requests and limits by container name (`patroni`, `pgbouncer`, `prometheus-postgres-exporter`,
    /// `prometheus-pgbouncer-exporter`, `postgres-util`,
    /// init containers under their own names, `custom-…`).
    pub resources: BTreeMap<String, ResourceAmounts>,
    /// The data volume.
    pub storage: StorageSettings,
    /// Services of the cluster.
    pub primary_service: ServiceSettings,
    /// Services of the cluster.
    pub replicas_service: ServiceSettings,
    /// Replication.
    pub replication: Replication,
    /// The source of a standby cluster; `None` for a cluster that takes writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicate_from: Option<ReplicateFrom>,
    /// `OrderedReady` or `Parallel`.
    pub pod_management_policy: EffectiveValue<String>,
    /// Seconds between the stop signal and the kill.
    pub termination_grace_period_seconds: EffectiveValue<i64>,
    /// Whether two database pods may not share a node.
    pub pod_anti_affinity: EffectiveValue<bool>,
    /// `spec.pods` as written, for the parts that pass through to the pod template: `scheduling`, `customContainers`,
    /// `customInitContainers`, `customVolumes`, `customVolumeMounts`, `customInitVolumeMounts`, `customEnv`, `customEnvFrom`,
    /// `readinessProbe`, `livenessProbe`, …
    pub pods: Value,
    /// Labels by scope (`allResources`, `clusterPods`, `services`, `primaryService`, `replicasService`, `serviceAccount`).
    pub labels: BTreeMap<String, BTreeMap<String, String>>,
    /// Annotations by scope.
    pub annotations: BTreeMap<String, BTreeMap<String, String>>,
    /// `spec.configurations.patroni` as written (initial and dynamic configuration).
    pub patroni: Value,
    /// Managed SQL: `spec.managedSql` with the scripts' contents resolved, Secret contents excluded.
    pub managed_sql: Value,
    /// Kubernetes cluster domain, for example `cluster.local`.
    pub cluster_domain: String,
    /// Users' own credentials: entry of the cluster's Secret (`superuser-password`, …) → where its value is taken from.
    #[serde(default)]
    pub credentials: BTreeMap<String, SecretKey>,
    /// The Secret for applications.
    #[serde(default)]
    pub binding: BindingSettings,
    /// When changes may disturb instances.
    #[serde(default)]
    pub update_strategy: UpdateStrategy,
}

/// When changes may disturb instances. The default of the type depends on who releases the cluster, which `rollout` knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateStrategy {
    /// As written; `None` takes the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<EffectiveValue<StrategyType>>,
    /// How.
    pub method: EffectiveValue<Method>,
    /// Windows of the type `Schedule`.
    pub schedule: EffectiveValue<Vec<ScheduledWindow>>,
}

impl Default for UpdateStrategy {
    fn default() -> Self {
        Self {
            r#type: None,
            method: EffectiveValue { value: Method::InPlace, origin: Origin::Default },
            schedule: EffectiveValue { value: Vec::new(), origin: Origin::Default },
        }
    }
}

/// When changes may disturb instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StrategyType {
    /// At once.
    Always,
    /// In windows.
    Schedule,
    /// When an operation asks for it.
    OnlyDbOps,
    /// Not by themselves.
    Never,
}

/// How instances are disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// One instance is away at a time.
    InPlace,
    /// One more instance is there first, so that as many serve as before.
    ReducedImpact,
}

/// A window as it was written; `validate` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledWindow {
    /// When it opens, five-field cron.
    pub cron: String,
    /// How long it stays open, ISO 8601.
    pub duration: String,
    /// IANA time zone of the opening; `None` is UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// A key of a Secret in the cluster's namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecretKey {
    /// Name of the Secret.
    pub name: String,
    /// Key in it.
    pub key: String,
}

/// What the Secret `<cluster>-binding` says. Absent entries are those of the superuser.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BindingSettings {
    /// `provider` in it.
    pub provider: Option<String>,
    /// Database it leads to.
    pub database: Option<String>,
    /// User it logs in as.
    pub username: Option<String>,
    /// Where that user's password is taken from.
    pub password: Option<SecretKey>,
}

impl Effective {
    /// The name of a user's container, volume or port in the pod: with the prefix `custom-`, once.
    pub fn custom_name(name: &str) -> String {
        if name.starts_with("custom-") { name.to_owned() } else { format!("custom-{name}") }
    }

    /// Patroni's scope: the name of its leader object and of the primary Service.
    pub fn scope(&self) -> &str {
        self.patroni.pointer("/initialConfig/scope").and_then(Value::as_str).unwrap_or(&self.cluster.name)
    }

    /// Whether the exporter of the pooler's metrics is in the pod: where there are a pooler and metrics.
    pub const fn has_pooler_exporter(&self) -> bool {
        self.pooling.is_some() && self.exporter.is_some()
    }

    /// Our side containers, by name, and whether each is in the pod.
    pub const fn side_containers(&self) -> [(&'static str, bool); 4] {
        [
            ("pgbouncer", self.pooling.is_some()),
            ("prometheus-postgres-exporter", self.exporter.is_some()),
            ("prometheus-pgbouncer-exporter", self.has_pooler_exporter()),
            ("postgres-util", self.postgres_util.value),
        ]
    }

    /// Ports of our own containers: number and name.
    pub fn own_ports(&self) -> Vec<(i64, &'static str)> {
        let mut ports = vec![(5432, "pgreplication"), (8009, "patroniport")];
        if self.pooling.is_some() {
            ports.push((6432, "pgport"));
        } else {
            ports[0].1 = "pgport";
        }
        if self.exporter.is_some() {
            ports.push((9187, "pgexporter"));
        }
        if self.has_pooler_exporter() {
            ports.push((9127, "poolexporter"));
        }
        ports
    }

    /// Names of the volumes of our own that a pod may have.
    pub fn pod_volumes(cluster: &str) -> Vec<String> {
        let fixed = [
            "backup-configuration",
            "backup-credentials",
            "backup-spool",
            "credentials",
            "exporter-queries",
            "hugepages-1gi",
            "hugepages-2mi",
            "patroni-configuration",
            "pgbouncer-configuration",
            "pgbouncer-users",
            "run",
            "runtime",
            "scripts",
            "shared-memory",
            "ssl",
            "temporary",
            "token",
        ];
        fixed.into_iter().map(str::to_owned).chain([format!("{cluster}-data")]).collect()
    }

    /// The pod's port that a Service's custom port leads to: its name, where it is given by name, and its number. `None` where no
    /// container has a port of that name.
    pub fn target_port(&self, port: &Value) -> Option<(Option<String>, i64)> {
        let Some(target) = port.get("targetPort").filter(|target| !target.is_null()) else {
            return Some((None, port.get("port")?.as_i64()?));
        };
        let Some(name) = target.as_str() else { return Some((None, target.as_i64()?)) };
        if let Ok(number) = name.parse() {
            return Some((None, number));
        }
        let custom = Self::custom_name(name);
        let ports = self.pods.get("customContainers").and_then(Value::as_array).into_iter().flatten();
        let mut ports = ports.filter_map(|container| container.get("ports")?.as_array()).flatten();
        let named = |port: &&Value| port.get("name").and_then(Value::as_str).is_some_and(|name| Self::custom_name(name) == custom);
        if let Some(number) = ports.find(named).and_then(|port| port.get("containerPort")?.as_i64()) {
            return Some((Some(custom), number));
        }
        self.own_ports().into_iter().find(|(_, own)| *own == name).map(|(number, own)| (Some(own.to_owned()), number))
    }
}

/// PostgreSQL settings of a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostgresSettings {
    /// Full version, for example `17.6`; aliases such as `latest` or `17` are resolved.
    pub version: EffectiveValue<String>,
    /// Major version, for example 17.
    pub major: u32,
    /// `vanilla` or `babelfish`.
    pub flavor: EffectiveValue<String>,
    /// Every parameter the program or the user sets, by lower-case name, values in PostgreSQL's own notation.
    pub parameters: BTreeMap<String, EffectiveValue<String>>,
    /// Lines of `pg_hba.conf`, in order.
    pub host_based_authentication: Vec<String>,
    /// Transport security.
    pub ssl: SslSettings,
    /// Extensions whose files the image must have: what was asked for, in the versions that the image has.
    #[serde(default, deserialize_with = "extensions")]
    pub extensions: Vec<Extension>,
    /// What the image sorts text by.
    #[serde(default, skip_serializing_if = "CollationVersions::is_unknown")]
    pub collations: CollationVersions,
}

/// An extension that a cluster asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Name, as `CREATE EXTENSION` takes it.
    pub name: String,
    /// Version of its files.
    pub version: String,
}

/// Revisions of before have the list as it was written, or none.
fn extensions<'a, D: serde::Deserializer<'a>>(deserializer: D) -> Result<Vec<Extension>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// TLS settings of the PostgreSQL endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SslSettings {
    /// Whether clients may use TLS.
    pub enabled: EffectiveValue<bool>,
    /// Lifetime of a generated certificate, ISO 8601 duration.
    pub duration: EffectiveValue<String>,
    /// User's own certificate: Secret name and key. `None`: generated.
    pub certificate: Option<(String, String)>,
    /// User's own private key: Secret name and key. `None`: generated.
    pub private_key: Option<(String, String)>,
}

/// PgBouncer settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolingSettings {
    /// Section `[pgbouncer]`.
    pub parameters: BTreeMap<String, EffectiveValue<String>>,
    /// Section `[databases]`: database → option → value.
    pub databases: BTreeMap<String, BTreeMap<String, String>>,
    /// Section `[users]`: user → option → value.
    pub users: BTreeMap<String, BTreeMap<String, String>>,
}

/// Metrics exporter settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExporterSettings {
    /// Seconds between two scrapes, for the PodMonitor.
    pub scrape_interval_seconds: u32,
    /// Further queries in the exporter's own form, by name; nothing without any.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub queries: Value,
}

/// Requests and limits of one container: resource name → quantity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceAmounts {
    /// What the scheduler reserves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, String>,
    /// What the container may use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
}

/// The data volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageSettings {
    /// Size, a Kubernetes quantity.
    pub size: EffectiveValue<String>,
    /// Storage class; `None` takes the Kubernetes cluster's default.
    pub storage_class: Option<String>,
    /// `OnRootMismatch` or `Always`.
    pub fs_group_change_policy: EffectiveValue<String>,
}

/// One Service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSettings {
    /// Whether it exists.
    pub enabled: EffectiveValue<bool>,
    /// `ClusterIP`, `NodePort` or `LoadBalancer`.
    pub r#type: EffectiveValue<String>,
    /// The section as written (custom ports, node ports, load balancer fields, session affinity, …).
    pub spec: Value,
}

/// The source that a standby cluster follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicateFrom {
    /// Host name or address of the source's primary.
    pub host: String,
    /// Port of PostgreSQL itself there, not of a pooler.
    pub port: u16,
    /// Name of the source where it is an SGCluster of the same namespace.
    pub cluster: Option<String>,
    /// Where each entry of this cluster's Secret comes from: Secret and key. A standby cluster has the users of its source.
    pub credentials: BTreeMap<String, (String, String)>,
}

/// Replication settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replication {
    /// `async`, `sync`, `strict-sync`, `sync-all`, `strict-sync-all`.
    pub mode: EffectiveValue<String>,
    /// `ha`, `readonly`, `ha-read`, `none` of the first group.
    pub role: EffectiveValue<String>,
    /// Number of synchronous standbys.
    pub sync_instances: EffectiveValue<u32>,
    /// Further groups as written.
    pub groups: Value,
}
