//! `metadata` as every object has it: names, labels, finalizers, what may not change.
//!
//! Source: Kubernetes documentation, "Object Names and IDs", "Labels and Selectors", "Finalizers".

use super::answer::Failure;
use super::resources::Resource;
use crate::model::labels::{is_dns_label, is_key, is_label_value};
use serde_json::Value;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const DATA_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// What the server keeps, whatever a request says.
pub(super) const KEPT: &[&str] = &[
    "uid",
    "creationTimestamp",
    "name",
    "namespace",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
    "generateName",
];

/// Finalizers of Kubernetes itself, which need no domain.
const STANDARD: &[&str] = &["kubernetes", "orphan", "foregroundDeletion"];

/// Refuses names, labels and finalizers that no object can have.
pub(super) fn admit(resource: &Resource, live: Option<&Value>, object: &Value) -> Result<(), Failure> {
    let mut problems = Vec::new();
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    // Our own kinds say in their schema what their names look like.
    if live.is_none() && resource.own.is_none() && !is_name(resource, name) {
        problems.push(("metadata.name".to_owned(), format!("Invalid value: \"{name}\": {SUBDOMAIN}")));
    }
    for (key, value) in entries(object, "/metadata/labels") {
        let text = value.as_str().unwrap_or_default();
        if !is_key(key) {
            problems.push(("metadata.labels".to_owned(), format!("Invalid value: \"{key}\": {LABEL}")));
        }
        if !is_label_value(text) {
            problems.push(("metadata.labels".to_owned(), format!("Invalid value: \"{text}\": {LABEL}")));
        }
    }
    for (index, finalizer) in finalizers(object).enumerate() {
        if !finalizer.contains('/') && !STANDARD.contains(&finalizer) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            problems.push((format!("metadata.finalizers[{index}]"), format!("Invalid value: \"{finalizer}\": {why}")));
        }
    }
    if let Some(live) = live {
        // Left out means unchanged; the moment of its making is kept whatever is said.
        for field in ["uid", "deletionTimestamp"] {
            let (old, new) = (&live["metadata"][field], &object["metadata"][field]);
            if !new.is_null() && old != new {
                problems.push((format!("metadata.{field}"), format!("Invalid value: {new}: field is immutable")));
            }
        }
    }
    if let Some(live) = live.filter(|live| is_ending(live)) {
        let fresh: Vec<String> =
            finalizers(object).filter(|one| !finalizers(live).any(|old| old == *one)).map(|one| format!("\"{one}\"")).collect();
        if !fresh.is_empty() {
            let why = format!(
                "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                fresh.join(", ")
            );
            problems.push(("metadata.finalizers".to_owned(), why));
        }
    }
    if matches!(resource.kind, "ConfigMap" | "Secret") {
        for (key, _) in ["/data", "/binaryData"].into_iter().flat_map(|place| entries(object, place)) {
            if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
                problems.push((format!("data[{key}]"), format!("Invalid value: \"{key}\": {DATA_KEY}")));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Failure::invalid(resource, name, &problems)) }
}

/// Takes out what is empty, which the server does not store.
pub(super) fn tidy(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
            let empty = |value: &Value| {
                value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
            };
            if metadata.get(field).is_some_and(empty) {
                metadata.remove(field);
            }
        }
    }
}

/// Whether an object was deleted and waits for its finalizers.
pub(super) fn is_ending(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// The finalizers of an object.
pub(super) fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    object.pointer("/metadata/finalizers").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn entries<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    object.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

fn is_name(resource: &Resource, name: &str) -> bool {
    match resource.kind {
        "Namespace" | "Service" => is_dns_label(name),
        _ if resource.group == "rbac.authorization.k8s.io" => !name.is_empty() && !name.contains(['/', '%']) && name != "." && name != "..",
        _ => name.len() <= 253 && name.split('.').all(is_dns_label),
    }
}
