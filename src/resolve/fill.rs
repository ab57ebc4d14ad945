//! Defaults filled, origin of each value remembered.

use super::effective::{
    BindingSettings, Effective, EffectiveValue, ExporterSettings, Extension, Origin, PostgresSettings, Replication, SecretKey,
    ServiceSettings, SslSettings, StorageSettings,
};
use super::fill_replicate_from::replicate_from;
use super::fill_update_strategy::update_strategy;
use super::inputs::Inputs;
use super::{fill_parameters, fill_pooling, fill_resources};
use crate::load::Manifest;
use crate::model::{NamespacedName, Object, Quantity};
use crate::postgres::{Catalogue, CatalogueImage, Size, major};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the effective values depend on beside the inputs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Images and versions; copies share it.
    pub catalogue: Arc<Catalogue>,
    /// Kubernetes cluster domain.
    pub cluster_domain: String,
    /// Major versions of clusters that exist: what `latest` means for them.
    pub majors: BTreeMap<NamespacedName, u32>,
}

impl Settings {
    /// What of it is about one cluster.
    #[must_use]
    pub fn of(&self, cluster: &NamespacedName) -> Self {
        let major = self.majors.get(cluster).map(|major| (cluster.clone(), *major));
        Self { catalogue: self.catalogue.clone(), cluster_domain: self.cluster_domain.clone(), majors: major.into_iter().collect() }
    }

    /// The full version of a cluster. `latest` is the newest of the major version that runs: another one is an operation of its own.
    fn version(&self, cluster: &NamespacedName, written: &str) -> Option<&str> {
        let major = self.majors.get(cluster).filter(|_| written == "latest");
        major.and_then(|major| self.catalogue.resolve(&major.to_string())).or_else(|| self.catalogue.resolve(written))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { catalogue: Arc::default(), cluster_domain: "cluster.local".to_owned(), majors: BTreeMap::new() }
    }
}

/// CPU and memory of an instance whose cluster names no SGInstanceProfile.
pub(super) const DEFAULT_CPU: &str = "1";
/// See [`DEFAULT_CPU`].
pub(super) const DEFAULT_MEMORY: &str = "2Gi";

/// A value as written, or the default.
pub(super) fn pick<T>(manifest: &Manifest, pointer: &str, read: impl Fn(&Value) -> Option<T>, default: T) -> EffectiveValue<T> {
    match manifest.object.get(pointer).and_then(read) {
        Some(value) => EffectiveValue { value, origin: Origin::Manifest(manifest.locate(pointer)) },
        None => EffectiveValue { value: default, origin: Origin::Default },
    }
}

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Fills every value; `None` only where no image serves the version, which `validate` reports.
pub fn effective(inputs: &Inputs, settings: &Settings) -> Option<Effective> {
    let cluster = &inputs.cluster;
    let written = cluster.object.text("/spec/postgres/version").unwrap_or("latest");
    let version = settings.version(&inputs.name(), written)?.to_owned();
    let major = major(&version)?;
    let profile = pick(cluster, "/spec/profile", text, "production".to_owned());
    let flag = |pointer: &str, default: bool| pick(cluster, pointer, Value::as_bool, default);
    let ssl = flag("/spec/postgres/ssl/enabled", true);
    let size = size_of(inputs, major);
    let instances = pick(cluster, "/spec/instances", |value| value.as_f64().and_then(to_u32), 1);
    let exporter =
        !flag("/spec/pods/disableMetricsExporter", false).value && !flag("/spec/configurations/observability/disableMetrics", false).value;
    let pooling_on = !flag("/spec/pods/disableConnectionPooling", false).value;
    let extensions = extensions(cluster, &settings.catalogue, &version);
    let parameters = fill_parameters::parameters(inputs, size, ssl.value, &extensions);
    let pooling = pooling_on.then(|| fill_pooling::pooling(inputs, &parameters, size, ssl.value));
    let util_off = flag("/spec/pods/disablePostgresUtil", false);
    Some(Effective {
        cluster: inputs.name(),
        instances,
        postgres: PostgresSettings {
            version: EffectiveValue { value: version.clone(), origin: Origin::Manifest(cluster.locate("/spec/postgres/version")) },
            major,
            flavor: pick(cluster, "/spec/postgres/flavor", text, "vanilla".to_owned()),
            host_based_authentication: fill_parameters::host_based_authentication(inputs),
            parameters,
            ssl: SslSettings {
                duration: pick(cluster, "/spec/postgres/ssl/duration", text, "P90D".to_owned()),
                certificate: selector(&cluster.object, "/spec/postgres/ssl/certificateSecretKeySelector"),
                private_key: selector(&cluster.object, "/spec/postgres/ssl/privateKeySecretKeySelector"),
                enabled: ssl,
            },
            extensions,
            collations: settings.catalogue.server(&version).map(CatalogueImage::collations).unwrap_or_default(),
        },
        resources: fill_resources::resources(inputs, &profile.value, pooling_on, exporter, !util_off.value),
        pooling,
        exporter: exporter.then_some(ExporterSettings { scrape_interval_seconds: 60, queries: queries(cluster) }),
        postgres_util: EffectiveValue { value: !util_off.value, origin: util_off.origin },
        images: settings.catalogue.images(&version),
        architectures: settings.catalogue.architectures(&version).unwrap_or_default(),
        image_pull_secrets: settings.catalogue.pull_secrets.clone(),
        image_pull_policy: settings.catalogue.pull_policy.clone(),
        storage: StorageSettings {
            size: pick(cluster, "/spec/pods/persistentVolume/size", text, "5Gi".to_owned()),
            storage_class: cluster.object.text("/spec/pods/persistentVolume/storageClass").map(str::to_owned),
            fs_group_change_policy: pick(cluster, "/spec/pods/persistentVolume/fsGroupChangePolicy", text, "OnRootMismatch".to_owned()),
        },
        primary_service: service(cluster, "primary"),
        replicas_service: service(cluster, "replicas"),
        replication: Replication {
            mode: pick(cluster, "/spec/replication/mode", text, "async".to_owned()),
            role: pick(cluster, "/spec/replication/role", text, "ha-read".to_owned()),
            sync_instances: pick(cluster, "/spec/replication/syncInstances", |value| value.as_f64().and_then(to_u32), 1),
            groups: cluster.object.get("/spec/replication/groups").cloned().unwrap_or_else(|| json!([])),
        },
        replicate_from: replicate_from(inputs, &settings.cluster_domain),
        pod_management_policy: pick(cluster, "/spec/pods/managementPolicy", text, "Parallel".to_owned()),
        termination_grace_period_seconds: grace(cluster, size.memory),
        pod_anti_affinity: anti_affinity(cluster, &profile.value),
        profile,
        pods: cluster.object.get("/spec/pods").cloned().unwrap_or_else(|| json!({})),
        labels: scopes(&cluster.object, "/spec/metadata/labels"),
        annotations: scopes(&cluster.object, "/spec/metadata/annotations"),
        patroni: cluster.object.get("/spec/configurations/patroni").cloned().unwrap_or_else(|| json!({})),
        managed_sql: cluster.object.get("/spec/managedSql").cloned().unwrap_or(Value::Null),
        cluster_domain: settings.cluster_domain.clone(),
        credentials: credentials(&cluster.object),
        binding: binding(&cluster.object),
        update_strategy: update_strategy(cluster),
    })
}

/// The user's own queries of the exporter; an empty map is none.
fn queries(cluster: &Manifest) -> Value {
    let written = cluster
        .object
        .get("/spec/configurations/postgresExporter/queries")
        .filter(|value| value.as_object().is_some_and(|all| !all.is_empty()));
    written.cloned().unwrap_or(Value::Null)
}

/// The extensions asked for that the image has; `validate` reports the others.
fn extensions(cluster: &Manifest, catalogue: &Catalogue, version: &str) -> Vec<Extension> {
    let written = cluster.object.get("/spec/postgres/extensions").and_then(Value::as_array).into_iter().flatten();
    let names = written.filter_map(|entry| entry.get("name")?.as_str());
    let server = catalogue.server(version);
    names.filter_map(|name| Some(Extension { name: name.to_owned(), version: server?.version_of(name)?.to_owned() })).collect()
}

/// Entries of the cluster's Secret that a person may give, and where they are named.
const GIVEN: &[(&str, &str)] = &[
    ("superuser-username", "users/superuser/username"),
    ("superuser-password", "users/superuser/password"),
    ("replication-username", "users/replication/username"),
    ("replication-password", "users/replication/password"),
    ("authenticator-username", "users/authenticator/username"),
    ("authenticator-password", "users/authenticator/password"),
    ("restapi-password", "patroni/restApiPassword"),
];

fn credentials(object: &Object) -> BTreeMap<String, SecretKey> {
    let given = |pointer: &str| secret_key(object, &format!("/spec/configurations/credentials/{pointer}"));
    GIVEN.iter().filter_map(|(entry, pointer)| Some(((*entry).to_owned(), given(pointer)?))).collect()
}

fn binding(object: &Object) -> BindingSettings {
    let text = |field: &str| object.text(&format!("/spec/configurations/binding/{field}")).map(str::to_owned);
    BindingSettings {
        provider: text("provider"),
        database: text("database"),
        username: text("username"),
        password: secret_key(object, "/spec/configurations/binding/password"),
    }
}

fn secret_key(object: &Object, pointer: &str) -> Option<SecretKey> {
    let (name, key) = selector(object, pointer)?;
    Some(SecretKey { name, key })
}

pub(super) fn to_u32(value: f64) -> Option<u32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole and in range")]
    (value >= 0.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0).then_some(value as u32)
}

fn size_of(inputs: &Inputs, major: u32) -> Size {
    // The container's own limit, where one is written, is what the kernel enforces.
    let amount = |resource: &str, default: &str| {
        let limit = inputs.cluster.object.text(&format!("/spec/pods/resources/containers/patroni/limits/{resource}"));
        let profile = inputs.instance_profile.as_ref().and_then(|profile| profile.object.text(&format!("/spec/{resource}")));
        [limit, profile].into_iter().flatten().find_map(Quantity::parse).or_else(|| Quantity::parse(default))
    };
    let volume = inputs.cluster.object.text("/spec/pods/persistentVolume/size").and_then(Quantity::parse);
    Size {
        major,
        memory: amount("memory", DEFAULT_MEMORY).map_or(2 << 30, Quantity::ceiling),
        cpu: amount("cpu", DEFAULT_CPU).map_or(1_000, Quantity::milli),
        volume: volume.map_or(5 << 30, Quantity::ceiling),
        connections: fill_parameters::connections(inputs, major),
    }
}

fn selector(object: &Object, pointer: &str) -> Option<(String, String)> {
    Some((object.text(&format!("{pointer}/name"))?.to_owned(), object.text(&format!("{pointer}/key"))?.to_owned()))
}

fn service(cluster: &Manifest, name: &str) -> ServiceSettings {
    let pointer = format!("/spec/postgresServices/{name}");
    ServiceSettings {
        enabled: pick(cluster, &format!("{pointer}/enabled"), Value::as_bool, true),
        r#type: pick(cluster, &format!("{pointer}/type"), text, "ClusterIP".to_owned()),
        spec: cluster.object.get(&pointer).cloned().unwrap_or_else(|| json!({})),
    }
}

/// Time for a shutdown checkpoint: a minute, and 15 seconds for each GiB of memory, at most ten minutes.
fn grace(cluster: &Manifest, memory: i64) -> EffectiveValue<i64> {
    let pointer = "/spec/pods/terminationGracePeriodSeconds";
    match cluster.object.get(pointer).and_then(Value::as_i64) {
        Some(value) => EffectiveValue { value, origin: Origin::Manifest(cluster.locate(pointer)) },
        None => EffectiveValue { value: (60 + (memory >> 30) * 15).min(600), origin: Origin::Tuned(format!("memory {}MiB", memory >> 20)) },
    }
}

fn anti_affinity(cluster: &Manifest, profile: &str) -> EffectiveValue<bool> {
    let pointer = "/spec/nonProductionOptions/disableClusterPodAntiAffinity";
    match cluster.object.get(pointer).and_then(Value::as_bool) {
        Some(disabled) => EffectiveValue { value: !disabled, origin: Origin::Manifest(cluster.locate(pointer)) },
        None => EffectiveValue { value: profile == "production", origin: Origin::Profile(profile.to_owned()) },
    }
}

fn scopes(object: &Object, pointer: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    object.get(pointer).and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
}
