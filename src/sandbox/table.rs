//! Tables for `kubectl get`.

use super::resources::Resource;
use super::time::age_of;
use serde_json::{Value, json};

/// Objects as a table.
pub(super) fn of(resource: &Resource, objects: Vec<Value>, metadata: &Value) -> Value {
    let columns = columns(resource);
    let rows: Vec<Value> = objects
        .into_iter()
        .map(|object| {
            let cells: Vec<Value> = columns.iter().map(|(_, _, _, cell)| cell(&object)).collect();
            json!({"cells": cells, "object": {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"]}})
        })
        .collect();
    let definitions: Vec<Value> = columns
        .iter()
        .map(|(name, kind, priority, _)| {
            json!({"name": name, "type": kind, "format": if *name == "Name" { "name" } else { "" }, "description": "", "priority": priority})
        })
        .collect();
    json!({"apiVersion": "meta.k8s.io/v1", "kind": "Table", "metadata": metadata, "columnDefinitions": definitions, "rows": rows})
}

type Cell = Box<dyn Fn(&Value) -> Value>;
type Column = (&'static str, &'static str, u8, Cell);

fn columns(resource: &Resource) -> Vec<Column> {
    fn at(pointer: &'static str) -> Cell {
        Box::new(move |object| object.pointer(pointer).cloned().unwrap_or_else(|| json!("")))
    }
    fn count(pointer: &'static str) -> Cell {
        Box::new(move |object| json!(object.pointer(pointer).and_then(Value::as_object).map_or(0, serde_json::Map::len)))
    }
    let text = |name: &'static str, cell: Cell| (name, "string", 0, cell);
    let mut columns = vec![text("Name", at("/metadata/name"))];
    match resource.own {
        Some(kind) => {
            for column in kind.columns {
                let path = column.json_path;
                let cell: Cell = Box::new(move |object| json_path(object, path).unwrap_or(Value::Null));
                columns.push((column.name, column.r#type, column.priority, cell));
            }
        }
        None => match resource.kind {
            "Pod" => {
                columns.push(text("Ready", Box::new(|pod| json!(ready(pod)))));
                columns.push(text("Status", at("/status/phase")));
                columns.push(("Restarts", "integer", 0, Box::new(|_| json!(0))));
            }
            "StatefulSet" => {
                let ready = |set: &Value| {
                    let number = |pointer: &str| set.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
                    json!(format!("{}/{}", number("/status/readyReplicas"), number("/spec/replicas")))
                };
                columns.push(text("Ready", Box::new(ready)));
            }
            "Service" => {
                columns.push(text("Type", at("/spec/type")));
                columns.push(text("Cluster-IP", at("/spec/clusterIP")));
                columns.push(text("External-IP", Box::new(|service| json!(external(service)))));
                columns.push(text("Port(s)", Box::new(|service| json!(ports(service)))));
            }
            "ServiceAccount" => {
                let secrets = |account: &Value| json!(account["secrets"].as_array().map_or(0, Vec::len));
                columns.push(text("Secrets", Box::new(secrets)));
            }
            "Endpoints" => columns.push(text("Endpoints", Box::new(|endpoints| json!(addresses(endpoints))))),
            "PodDisruptionBudget" => {
                let or_none = |pointer: &'static str| -> Cell {
                    Box::new(move |budget| match budget.pointer(pointer) {
                        Some(Value::String(text)) => json!(text),
                        Some(other) => json!(other.to_string()),
                        None => json!("N/A"),
                    })
                };
                columns.push(text("Min Available", or_none("/spec/minAvailable")));
                columns.push(text("Max Unavailable", or_none("/spec/maxUnavailable")));
                let allowed = |budget: &Value| budget.pointer("/status/disruptionsAllowed").cloned().unwrap_or_else(|| json!(0));
                columns.push(("Allowed Disruptions", "integer", 0, Box::new(allowed)));
            }
            "Role" | "ClusterRole" | "CustomResourceDefinition" => {
                columns.push(("Created At", "date", 0, at("/metadata/creationTimestamp")));
                return columns;
            }
            "RoleBinding" | "ClusterRoleBinding" => {
                let role = |binding: &Value| {
                    let part = |name: &str| binding["roleRef"][name].as_str().unwrap_or_default().to_owned();
                    json!(format!("{}/{}", part("kind"), part("name")))
                };
                columns.push(text("Role", Box::new(role)));
            }
            "Lease" => columns.push(text("Holder", at("/spec/holderIdentity"))),
            "Namespace" | "PersistentVolume" => columns.push(text("Status", at("/status/phase"))),
            "PersistentVolumeClaim" => {
                columns.push(text("Status", at("/status/phase")));
                columns.push(text("Volume", at("/spec/volumeName")));
                columns.push(text("Capacity", at("/status/capacity/storage")));
                columns.push(text("Access Modes", Box::new(|claim| json!(modes(claim)))));
                columns.push(text("StorageClass", at("/spec/storageClassName")));
                columns.push(text("VolumeAttributesClass", Box::new(|_| json!("<unset>"))));
            }
            "ConfigMap" => columns.push(("Data", "integer", 0, count("/data"))),
            "Secret" => {
                columns.push(text("Type", at("/type")));
                columns.push(("Data", "integer", 0, count("/data")));
            }
            "Event" => return events(),
            _ => {}
        },
    }
    columns.push(text("Age", Box::new(|object| json!(age_of(object.pointer("/metadata/creationTimestamp").and_then(Value::as_str))))));
    columns
}

fn events() -> Vec<Column> {
    let either = |one: &'static str, other: &'static str| -> Cell {
        Box::new(move |event| event.pointer(one).or_else(|| event.pointer(other)).cloned().unwrap_or_else(|| json!("")))
    };
    let seen: Cell = Box::new(|event| json!(age_of(event.pointer("/metadata/creationTimestamp").and_then(Value::as_str))));
    let about: Cell = Box::new(|event| {
        let about = event.get("involvedObject").or_else(|| event.get("regarding")).cloned().unwrap_or_default();
        json!(format!("{}/{}", about["kind"].as_str().unwrap_or_default().to_lowercase(), about["name"].as_str().unwrap_or_default()))
    });
    vec![
        ("Last Seen", "string", 0, seen),
        ("Type", "string", 0, either("/type", "/type")),
        ("Reason", "string", 0, either("/reason", "/reason")),
        ("Object", "string", 0, about),
        ("Message", "string", 0, either("/message", "/note")),
        ("Name", "string", 1, either("/metadata/name", "/metadata/name")),
    ]
}

fn ready(pod: &Value) -> String {
    let all = pod.pointer("/spec/containers").and_then(Value::as_array).map_or(0, Vec::len);
    let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
    let ready = statuses.into_iter().flatten().filter(|status| status["ready"] == true).count();
    format!("{ready}/{all}")
}

/// Addresses from outside, as `kubectl` shows them.
fn external(service: &Value) -> String {
    let all: Vec<&str> = service
        .pointer("/spec/externalIPs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .chain(service.pointer("/spec/externalName").and_then(Value::as_str))
        .collect();
    match (all.is_empty(), service.pointer("/spec/type").and_then(Value::as_str)) {
        (false, _) => all.join(","),
        (true, Some("LoadBalancer")) => "<pending>".to_owned(),
        (true, _) => "<none>".to_owned(),
    }
}

/// `ADDRESS:PORT` of each address.
fn addresses(endpoints: &Value) -> String {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for subset in list(endpoints, "subsets") {
        for (address, port) in
            list(&subset, "addresses").iter().flat_map(|one| list(&subset, "ports").into_iter().map(move |port| (one, port)))
        {
            all.push(format!("{}:{}", address["ip"].as_str().unwrap_or_default(), port["port"]));
        }
    }
    if all.is_empty() { "<none>".to_owned() } else { all.join(",") }
}

/// How a volume is mounted, in `kubectl`'s abbreviations.
fn modes(claim: &Value) -> String {
    let all = claim.pointer("/status/accessModes").and_then(Value::as_array);
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        Some("ReadWriteOncePod") => "RWOP",
        _ => "",
    };
    all.into_iter().flatten().map(short).collect::<Vec<_>>().join(",")
}

fn ports(service: &Value) -> String {
    let ports = service.pointer("/spec/ports").and_then(Value::as_array);
    let text = |port: &Value| format!("{}/{}", port["port"], port["protocol"].as_str().unwrap_or("TCP"));
    let all: Vec<String> = ports.into_iter().flatten().map(text).collect();
    if all.is_empty() { "<none>".to_owned() } else { all.join(",") }
}

/// The JSONPath of printer columns: fields, and items found by a field (`[?(@.type=="Ready")]`).
pub(super) fn json_path(object: &Value, path: &str) -> Option<Value> {
    let mut at = object;
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(filter) = rest.strip_prefix("[?(@.") {
            let (condition, after) = filter.split_once(")]")?;
            let (field, wanted) = condition.split_once("==")?;
            at = at.as_array()?.iter().find(|item| item[field.trim()].as_str() == Some(wanted.trim().trim_matches(['"', '\''])))?;
            rest = after;
        } else {
            let field = rest.strip_prefix('.')?;
            let end = field.find(['.', '[']).unwrap_or(field.len());
            at = at.get(&field[..end])?;
            rest = &field[end..];
        }
    }
    Some(at.clone())
}
