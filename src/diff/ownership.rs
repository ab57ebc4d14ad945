//! Whether a server-side apply would change a live object.
//!
//! Source: Kubernetes documentation, "Server-Side Apply", sections "Field management" and "Removing fields": an apply sets
//! every field it sends and removes every field its manager owned before and no longer sends. So nothing needs to be written
//! when every sent field has its value already and the manager owns nothing beyond them.

use super::meaning::same_meaning;
use crate::model::pointer::join;
use crate::model::{Object, owned_fields};
use serde_json::Value;

/// Whether applying `wanted` as `manager` would change `live`.
pub fn would_change(wanted: &Object, live: &Object, manager: &str) -> bool {
    !covers("", wanted.value(), live.value()) || owns_more(wanted, live, manager)
}

/// Whether every field of `wanted` has its value in `live`, whoever owns it.
pub fn is_in_place(wanted: &Object, live: &Object) -> bool {
    covers("", wanted.value(), live.value())
}

/// Whether every field of `wanted` has its value in `live`. An empty mapping and an absent one are the same.
fn covers(pointer: &str, wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) if is_whole(pointer) && live.keys().any(|key| !wanted.contains_key(key)) => false,
        (Value::Object(wanted), live) => wanted.iter().all(|(key, value)| match live.get(key) {
            Some(live) => covers(&join(pointer, key), value, live),
            None => is_empty(value),
        }),
        (Value::Array(wanted), Value::Array(live)) => match keyed(wanted) {
            Some(fields) => wanted.iter().enumerate().all(|(index, item)| {
                live.iter()
                    .find(|candidate| fields.iter().all(|field| candidate.get(field) == item.get(field)))
                    .is_some_and(|live| covers(&format!("{pointer}/{index}"), item, live))
            }),
            None => {
                wanted.len() == live.len()
                    && wanted
                        .iter()
                        .zip(live)
                        .enumerate()
                        .all(|(index, (wanted, live))| covers(&format!("{pointer}/{index}"), wanted, live))
            }
        },
        (wanted, live) => same_meaning(pointer, wanted, live),
    }
}

/// Whether a mapping is one value: who sets it owns all of it, the names of its entries are nowhere among the owned fields, and
/// the API server adds none. Source: Kubernetes API reference, `x-kubernetes-map-type: atomic` of Service, PodSpec, LabelSelector.
fn is_whole(pointer: &str) -> bool {
    ["/selector", "/nodeSelector", "/matchLabels"].iter().any(|name| pointer.ends_with(name))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_empty),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The fields by which items of an associative list are told apart, if this looks like one.
fn keyed(items: &[Value]) -> Option<&'static [&'static str]> {
    const KEYS: &[&[&str]] =
        &[&["name"], &["mountPath"], &["containerPort", "protocol"], &["port", "protocol"], &["uid"], &["ip"], &["topologyKey"]];
    let first = items.first()?;
    KEYS.iter().copied().find(|fields| fields.iter().all(|field| first.get(field).is_some()))
}

/// Whether the manager owns a field of `live` that `wanted` does not send.
fn owns_more(wanted: &Object, live: &Object, manager: &str) -> bool {
    let entries = live.get("/metadata/managedFields").and_then(Value::as_array);
    entries.into_iter().flatten().any(|entry| {
        entry.get("manager").and_then(Value::as_str) == Some(manager)
            && entry.get("operation").and_then(Value::as_str) == Some("Apply")
            && entry.get("subresource").and_then(Value::as_str).unwrap_or_default().is_empty()
            && owned_fields(entry).is_some_and(|fields| !within(&fields, Some(wanted.value())))
    })
}

/// Whether every field named by a `fieldsV1` set is present in `value`.
///
/// Source: structured-merge-diff, "fieldpath": `f:NAME` a field, `k:{…}` a list item by its keys, `v:…` a set item, `.` the node.
fn within(fields: &Value, value: Option<&Value>) -> bool {
    let Some(fields) = fields.as_object() else { return true };
    fields.iter().all(|(name, children)| {
        if name == "." {
            return value.is_some();
        }
        let child = if let Some(field) = name.strip_prefix("f:") {
            value.and_then(|value| value.get(field))
        } else if let Some(keys) = name.strip_prefix("k:") {
            let keys: Value = serde_json::from_str(keys).unwrap_or(Value::Null);
            value.and_then(Value::as_array).and_then(|items| items.iter().find(|item| matches(item, &keys)))
        } else if let Some(item) = name.strip_prefix("v:") {
            let item: Value = serde_json::from_str(item).unwrap_or(Value::Null);
            value.and_then(Value::as_array).and_then(|items| items.iter().find(|candidate| **candidate == item))
        } else {
            value
        };
        let leaf = children.as_object().is_none_or(serde_json::Map::is_empty);
        if leaf { child.is_some() } else { within(children, child) }
    })
}

/// Whether an item has these keys; a key the item leaves out counts when the server fills it (`protocol: TCP`).
fn matches(item: &Value, keys: &Value) -> bool {
    keys.as_object().is_some_and(|keys| {
        keys.iter().all(|(key, value)| match item.get(key) {
            Some(found) => found == value,
            None => key == "protocol" && value == "TCP",
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live() -> Object {
        Object::new(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "a", "uid": "1", "labels": {"x": "y", "other": "z"}, "managedFields": [
                {"manager": "us", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {"f:x": {}}},
                 "f:spec": {"f:ports": {"k:{\"port\":5432,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:name": {}}}}}}]},
            "spec": {"clusterIP": "10.0.0.1", "ports": [{"name": "pg", "port": 5432, "protocol": "TCP", "targetPort": 5432}]}
        }))
    }

    /// A write when nothing differs wakes every watcher and never ends; a missing write leaves a removed field in force.
    #[test]
    fn writes_only_what_differs() {
        let wanted = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "labels": {"x": "y"}, "annotations": {}},
            "spec": {"ports": [{"name": "pg", "port": 5432}]}});
        assert!(!would_change(&Object::new(wanted.clone()), &live(), "us"));
        let mut other = wanted.clone();
        other["metadata"]["labels"]["x"] = json!("n");
        assert!(would_change(&Object::new(other), &live(), "us"), "another value");
        let mut less = wanted.clone();
        less["metadata"]["labels"] = json!({});
        assert!(would_change(&Object::new(less), &live(), "us"), "an owned label that is no longer wanted");
        let mut wider = wanted.clone();
        wider["spec"]["selector"] = json!({"app": "a"});
        let mut narrow = live();
        narrow.value_mut()["spec"]["selector"] = json!({"app": "a", "role": "b"});
        narrow.value_mut()["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:selector"] = json!({});
        assert!(would_change(&Object::new(wider), &narrow, "us"), "a condition of a selector that is no longer wanted");
        let mut port = wanted;
        port["spec"]["ports"] = json!([{"name": "pg", "port": 5433}]);
        assert!(would_change(&Object::new(port), &live(), "us"), "another port");
    }
}
