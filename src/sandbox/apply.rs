//! Who owns which field: server-side apply and ordinary writes.
//!
//! Source: Kubernetes documentation, "Server-Side Apply": conflicts, shared ownership, removal of fields that a manager stops
//! sending, and how other writes take fields over.

use super::answer::Failure;
use super::fields::{Fields, compare};
use super::lists::{List, Place, key_of};
use super::own::untyped;
use super::resources::Resource;
use super::time::{now, stamp};
use serde_json::{Value, json};

/// One manager's entry.
#[derive(Debug, Clone)]
struct Entry {
    manager: String,
    operation: &'static str,
    subresource: String,
    time: String,
    fields: Fields,
}

impl Entry {
    /// The manager as a conflict names it.
    fn title(&self, resource: &Resource) -> String {
        let part = if self.subresource.is_empty() { String::new() } else { format!(" with subresource \"{}\"", self.subresource) };
        let how = if self.operation == "Apply" { String::new() } else { format!(" using {} at {}", resource.api_version(), self.time) };
        format!("\"{}\"{part}{how}", self.manager)
    }
}

/// Who writes.
#[derive(Debug, Clone)]
pub(super) struct Writer<'a> {
    pub(super) manager: &'a str,
    /// `status` or nothing.
    pub(super) subresource: &'a str,
}

fn entries(object: &Value) -> Vec<Entry> {
    let listed = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let text = |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    listed
        .into_iter()
        .flatten()
        .map(|entry| Entry {
            manager: text(entry, "manager"),
            operation: if entry["operation"] == "Apply" { "Apply" } else { "Update" },
            subresource: text(entry, "subresource"),
            time: text(entry, "time"),
            fields: Fields::parse(&entry["fieldsV1"]),
        })
        .collect()
}

fn write(object: &mut Value, resource: &Resource, entries: &[Entry]) {
    let listed: Vec<Value> = entries
        .iter()
        .filter(|entry| !entry.fields.is_empty())
        .map(|entry| {
            let mut value = json!({
                "manager": entry.manager, "operation": entry.operation, "apiVersion": resource.api_version(), "time": entry.time,
                "fieldsType": "FieldsV1", "fieldsV1": entry.fields.to_value(),
            });
            if !entry.subresource.is_empty() {
                value["subresource"] = json!(entry.subresource);
            }
            value
        })
        .collect();
    if listed.is_empty() {
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
    } else {
        object["metadata"]["managedFields"] = json!(listed);
    }
}

/// What a manager can own of an object: neither identity nor what the server keeps.
fn ownable(object: &Value) -> Value {
    let mut value = object.clone();
    if let Some(map) = value.as_object_mut() {
        map.remove("apiVersion");
        map.remove("kind");
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| matches!(name.as_str(), "labels" | "annotations" | "finalizers" | "ownerReferences"));
        if metadata.is_empty() {
            value.as_object_mut().and_then(|map| map.remove("metadata"));
        }
    }
    value
}

fn fields_of(object: &Value, resource: &Resource) -> Fields {
    let value = ownable(object);
    let empty = value.as_object().is_none_or(serde_json::Map::is_empty);
    if empty { Fields::default() } else { Fields::of(&value, &Place::root(resource)) }
}

/// The object after an apply, with ownership. `live` is `None` when the object is made by it.
pub(super) fn apply(
    resource: &Resource,
    live: Option<&Value>,
    applied: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Value, Failure> {
    let place = Place::root(resource);
    let empty = json!({});
    let before = live.unwrap_or(&empty);
    let mut all = entries(before);
    let sent = fields_of(applied, resource);
    let mut merged = before.clone();
    merge(&mut merged, applied, &place);
    let (changed, _) = compare(&ownable(before), &ownable(&merged), &place);
    let is_mine = |entry: &Entry| entry.manager == writer.manager && entry.operation == "Apply" && entry.subresource == writer.subresource;
    let mut conflicts = Vec::new();
    for entry in all.iter_mut().filter(|entry| !is_mine(entry)) {
        let taken = entry.fields.intersection(&sent).intersection(&changed);
        if taken.is_empty() {
            continue;
        }
        if force {
            entry.fields.subtract(&taken);
        } else {
            conflicts.extend(taken.paths().into_iter().map(|path| (entry.title(resource), path)));
        }
    }
    if !conflicts.is_empty() {
        return Err(Failure::apply_conflict(&conflicts));
    }
    let mine = all.iter().find(|entry| is_mine(entry)).map(|entry| (entry.fields.clone(), entry.time.clone()));
    if let Some((mut dropped, _)) = mine.clone() {
        dropped.subtract(&sent);
        let mut kept = sent.clone();
        for entry in all.iter().filter(|entry| !is_mine(entry)) {
            dropped.subtract(&entry.fields);
            kept.union(&entry.fields);
        }
        dropped.remove_from(&mut merged, &kept);
    }
    all.retain(|entry| !is_mine(entry));
    let time = match &mine {
        Some((fields, time)) if *fields == sent && changed.is_empty() => time.clone(),
        _ => stamp(now()),
    };
    let (manager, subresource) = (writer.manager.to_owned(), writer.subresource.to_owned());
    all.push(Entry { manager, operation: "Apply", subresource, time, fields: sent });
    write(&mut merged, resource, &all);
    Ok(merged)
}

/// Records an ordinary write: what it changed belongs to the writer alone.
pub(super) fn record(resource: &Resource, before: Option<&Value>, after: &mut Value, writer: &Writer<'_>) {
    let empty = json!({});
    let old = before.unwrap_or(&empty);
    let mut all = entries(old);
    let (changed, gone) = compare(&ownable(old), &ownable(after), &Place::root(resource));
    for entry in &mut all {
        entry.fields.subtract(&gone);
        let mine = entry.manager == writer.manager && entry.operation == "Update" && entry.subresource == writer.subresource;
        if !mine {
            entry.fields.subtract(&changed);
        }
    }
    if !changed.is_empty() {
        let mine = all
            .iter_mut()
            .find(|entry| entry.manager == writer.manager && entry.operation == "Update" && entry.subresource == writer.subresource);
        match mine {
            Some(entry) => {
                entry.fields.union(&changed);
                entry.time = stamp(now());
            }
            None => all.push(Entry {
                manager: writer.manager.to_owned(),
                operation: "Update",
                subresource: writer.subresource.to_owned(),
                time: stamp(now()),
                fields: changed,
            }),
        }
    }
    write(after, resource, &all);
}

/// Refuses lists in which two items have the same key.
pub(super) fn admit(resource: &Resource, applied: &Value) -> Result<(), Failure> {
    let text = |pointer: &str| applied.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match twice("", applied, &Place::root(resource)) {
        Some(why) => Err(untyped(resource, text("/metadata/namespace"), text("/metadata/name"), &why)),
        None => Ok(()),
    }
}

/// Items of a list that have the same key, as the server tells it.
fn twice(at: &str, value: &Value, place: &Place<'_>) -> Option<String> {
    match value {
        Value::Object(map) => map.iter().find_map(|(name, value)| twice(&format!("{at}.{name}"), value, &place.field(name))),
        Value::Array(items) => {
            let List::Map(keys) = place.list() else { return None };
            for (index, item) in items.iter().enumerate() {
                let key = key_of(item, &keys);
                if items[..index].iter().any(|before| key_of(before, &keys) == key) {
                    let parts: Vec<String> = key.as_object()?.iter().map(|(name, value)| format!("{name}={value}")).collect();
                    return Some(format!("{at}: duplicate entries for key [{}]", parts.join(",")));
                }
            }
            items.iter().find_map(|item| twice(at, item, &place.item()))
        }
        _ => None,
    }
}

/// Lays one value over another, list items by their keys.
fn merge(under: &mut Value, over: &Value, place: &Place<'_>) {
    match (&mut *under, over) {
        (Value::Object(target), Value::Object(source)) if !place.is_atomic_map() => {
            for (name, value) in source {
                match target.get_mut(name) {
                    Some(existing) => merge(existing, value, &place.field(name)),
                    None => {
                        target.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(target), Value::Array(source)) => match place.list() {
            List::Atomic => under.clone_from(over),
            List::Set => {
                for item in source {
                    if !target.contains(item) {
                        target.push(item.clone());
                    }
                }
            }
            List::Map(keys) => {
                for item in source {
                    let key = key_of(item, &keys);
                    match target.iter_mut().find(|candidate| key_of(candidate, &keys) == key) {
                        Some(existing) => merge(existing, item, &place.item()),
                        None => target.push(item.clone()),
                    }
                }
            }
        },
        _ => under.clone_from(over),
    }
}

#[cfg(test)]
mod tests {
    use super::super::resources::of_kind;
    use super::*;

    fn by(manager: &str) -> Writer<'_> {
        Writer { manager, subresource: "" }
    }

    fn service(ports: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "labels": {"x": "y"}}, "spec": {"ports": ports}})
    }

    /// What a manager stops sending must go, and what another one put beside it must stay.
    #[test]
    fn fields_no_longer_sent_go_and_those_of_others_stay() {
        let resource = of_kind("Service").unwrap();
        let both = json!([{"port": 5432, "name": "pg"}, {"port": 9187, "name": "metrics"}]);
        let first = apply(resource, None, &service(both), &by("us"), false).unwrap();
        let mut edited = first.clone();
        edited["metadata"]["labels"]["theirs"] = json!("1");
        record(resource, Some(&first), &mut edited, &by("kubectl-edit"));
        let second = apply(resource, Some(&edited), &service(json!([{"port": 5432, "name": "pg"}])), &by("us"), false).unwrap();
        assert_eq!(second["spec"]["ports"], json!([{"port": 5432, "name": "pg"}]));
        assert_eq!(second["metadata"]["labels"], json!({"x": "y", "theirs": "1"}));
        let third = apply(resource, Some(&second), &service(json!([{"port": 5432, "name": "pg"}])), &by("us"), false).unwrap();
        assert_eq!(third, second, "the same again changes nothing");
    }

    #[test]
    fn an_edit_takes_a_field_over_until_it_is_forced_back() {
        let resource = of_kind("Service").unwrap();
        let ports = json!([{"port": 5432, "name": "pg"}]);
        let first = apply(resource, None, &service(ports.clone()), &by("us"), false).unwrap();
        let mut edited = first.clone();
        edited["metadata"]["labels"]["x"] = json!("z");
        record(resource, Some(&first), &mut edited, &by("kubectl-edit"));
        let refused = apply(resource, Some(&edited), &service(ports.clone()), &by("us"), false).unwrap_err();
        assert!(
            refused.message().starts_with("Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1 at "),
            "{}",
            refused.message()
        );
        assert!(refused.message().ends_with(": .metadata.labels.x"), "{}", refused.message());
        let forced = apply(resource, Some(&edited), &service(ports), &by("us"), true).unwrap();
        assert_eq!(forced["metadata"]["labels"]["x"], "y");
        assert_eq!(entries(&forced).len(), 1, "the editor owns nothing any more");
    }
}
