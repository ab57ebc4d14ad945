//! The state of a namespace without what differs between any two runs.

use kube::api::{Api, DynamicObject, ListParams};
use regex::Regex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Kinds that are compared.
const KINDS: &[(&str, &str)] = &[
    ("stackgres.io/v1", "SGCluster"),
    ("stackgres.io/v1", "SGPostgresConfig"),
    ("stackgres.io/v1alpha1", "SGFleet"),
    ("apps/v1", "StatefulSet"),
    ("v1", "ConfigMap"),
    ("v1", "Endpoints"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Pod"),
    ("v1", "PodTemplate"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("policy/v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
];

/// Moments, and days: a run may go over midnight.
static MOMENT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z)?").unwrap());
static IDENTITY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap());

/// Addresses, serial numbers and folders that are drawn.
static DRAWN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b10\.96\.\d+\.\d+\b|\bserial [0-9a-f]+|[^ ]*/\.tmp\w+").unwrap());

/// Objects by kind and name.
pub(super) type Picture = BTreeMap<String, Value>;

/// Takes it.
pub(super) async fn take(client: &kube::Client, namespace: &str) -> Picture {
    let mut picture = Picture::new();
    for (version, kind) in KINDS {
        for object in list(client, namespace, version, kind).await {
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            if name != "kube-root-ca.crt" {
                picture.insert(format!("{kind} {name}"), plain(kind, object));
            }
        }
    }
    picture
}

/// Every object of a kind.
pub(super) async fn list(client: &kube::Client, namespace: &str, version: &str, kind: &str) -> Vec<Value> {
    let resource = match kind {
        "PodDisruptionBudget" => {
            let kind = kube::core::GroupVersionKind::gvk("policy", "v1", kind);
            kube::core::ApiResource::from_gvk_with_plural(&kind, "poddisruptionbudgets")
        }
        _ => crate::real_cluster::resource(version, kind),
    };
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    api.list(&ListParams::default()).await.unwrap().into_iter().map(|object| serde_json::to_value(object).unwrap()).collect()
}

/// An object without identities, versions and moments; of generated values only that they are there.
fn plain(kind: &str, mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["resourceVersion", "managedFields", "generation", "creationTimestamp"] {
            metadata.remove(field);
        }
    }
    if kind == "Secret" && object["type"] != "stackgres.io/revision" {
        for (_, value) in object["data"].as_object_mut().into_iter().flatten() {
            *value = json!("#");
        }
    }
    // Counted by whoever writes it, so another number after another order of writes.
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("observedGeneration");
    }
    walk(&mut object);
    object
}

fn walk(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("observedGeneration");
            map.values_mut().for_each(walk);
        }
        Value::Array(items) => items.iter_mut().for_each(walk),
        Value::String(text) => {
            let without = MOMENT.replace_all(text, "T");
            let without = IDENTITY.replace_all(&without, "U").into_owned();
            *text = DRAWN.replace_all(&without, "D").into_owned();
        }
        _ => {}
    }
}

/// Where two pictures differ, in few lines.
pub(super) fn differences(one: &Picture, other: &Picture) -> Vec<String> {
    let mut all = Vec::new();
    for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
        match (one.get(key), other.get(key)) {
            (Some(one), Some(other)) => differ(key, one, other, &mut all),
            (Some(_), None) => all.push(format!("{key} is missing")),
            (None, _) => all.push(format!("{key} should not be there")),
        }
    }
    all
}

fn differ(at: &str, one: &Value, other: &Value, all: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
                differ(&format!("{at}/{key}"), one.get(key).unwrap_or(&Value::Null), other.get(key).unwrap_or(&Value::Null), all);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            one.iter().zip(other).enumerate().for_each(|(index, (one, other))| differ(&format!("{at}/{index}"), one, other, all));
        }
        _ if one == other => {}
        _ => all.push(format!("{at}: {} instead of {}", short(other), short(one))),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(200).collect()
}
