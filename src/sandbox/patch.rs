//! Patches: merge, strategic merge as far as built-in kinds need it, and JSON patches.

use super::answer::Failure;
use super::lists::{List, Place, key_of};
use serde_json::{Map, Value};

/// JSON merge patch (RFC 7386).
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(map) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            map.remove(name);
        } else {
            merge(map.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Strategic merge patch: lists with keys merge by them; `$patch: delete` and `$deleteFromPrimitiveList` remove.
///
/// Source: Kubernetes documentation, "Update API Objects in Place Using kubectl patch".
pub(super) fn strategic(target: &mut Value, patch: &Value, place: &Place<'_>) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() || patch.get("$patch").is_some_and(|directive| directive == "replace") {
        *target = Value::Object(Map::new());
    }
    let Some(map) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if name.starts_with("$setElementOrder/") || name == "$patch" || name == "$retainKeys" {
            continue;
        }
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(items)), Value::Array(gone)) = (map.get_mut(list), value) {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        let inner = place.field(name);
        match (value, inner.list()) {
            (Value::Null, _) => {
                map.remove(name);
            }
            (Value::Array(items), List::Map(keys)) => {
                let existing = map.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                if let Some(existing) = existing.as_array_mut() {
                    for item in items {
                        one_item(existing, item, &keys, &inner.item());
                    }
                }
            }
            (Value::Array(items), List::Set) => {
                let existing = map.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                if let Some(existing) = existing.as_array_mut() {
                    for item in items {
                        if !existing.contains(item) {
                            existing.push(item.clone());
                        }
                    }
                }
            }
            (Value::Object(_), _) => strategic(map.entry(name.clone()).or_insert(Value::Null), value, &inner),
            _ => {
                map.insert(name.clone(), value.clone());
            }
        }
    }
}

fn one_item(existing: &mut Vec<Value>, item: &Value, keys: &[String], place: &Place<'_>) {
    let key = key_of(item, keys);
    let found = existing.iter().position(|candidate| key_of(candidate, keys) == key);
    match (found, item.get("$patch").is_some_and(|directive| directive == "delete")) {
        (Some(index), true) => drop(existing.remove(index)),
        (None, true) => {}
        (Some(index), false) => strategic(&mut existing[index], item, place),
        (None, false) => existing.push(item.clone()),
    }
}

/// JSON patch (RFC 6902).
pub(super) fn json(target: &mut Value, patch: &Value) -> Result<(), Failure> {
    let bad = |what: &str| Failure::bad_request(format!("error decoding patch: {what}"));
    for step in patch.as_array().ok_or_else(|| bad("not a list"))? {
        let path = step["path"].as_str().ok_or_else(|| bad("no path"))?;
        let (parent, name) = path.rsplit_once('/').ok_or_else(|| bad("path without a slash"))?;
        let name = name.replace("~1", "/").replace("~0", "~");
        let operation = step["op"].as_str().unwrap_or_default();
        if operation == "test" {
            if target.pointer(path) != Some(&step["value"]) {
                return Err(bad(&format!("testing path {path} failed")));
            }
            continue;
        }
        let missing = || bad(&format!("the path {parent} does not exist"));
        match (target.pointer_mut(parent).ok_or_else(missing)?, operation) {
            (Value::Object(map), "add" | "replace") => drop(map.insert(name, step["value"].clone())),
            (Value::Object(map), "remove") => {
                drop(map.remove(&name).ok_or_else(|| bad(&format!("unable to remove nonexistent key: {name}")))?);
            }
            (Value::Array(items), operation) => {
                let index = if name == "-" { items.len() } else { name.parse().map_err(|_| bad("not an index"))? };
                match operation {
                    "add" if index <= items.len() => items.insert(index, step["value"].clone()),
                    "replace" if index < items.len() => items[index] = step["value"].clone(),
                    "remove" if index < items.len() => drop(items.remove(index)),
                    _ => return Err(bad("index out of range")),
                }
            }
            _ => return Err(bad(&format!("unsupported operation {operation}"))),
        }
    }
    Ok(())
}
