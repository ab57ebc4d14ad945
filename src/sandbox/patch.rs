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
        let name = name.as_str();
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
        match (value, inner.list_of_patch()) {
            (Value::Array(items), List::Map(_)) if items.iter().any(|item| item["$patch"] == "replace") => {
                map.insert(name.to_owned(), items.iter().filter(|item| item.get("$patch").is_none()).cloned().collect());
            }
            (Value::Null, _) => {
                map.remove(name);
            }
            (Value::Array(items), List::Map(keys)) => {
                let existing = map.entry(name.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
                if let Some(existing) = existing.as_array_mut() {
                    for item in items {
                        one_item(existing, item, &keys, &inner.item());
                    }
                }
            }
            (Value::Array(items), List::Set) => {
                let existing = map.entry(name.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
                if let Some(existing) = existing.as_array_mut() {
                    for item in items {
                        if !existing.contains(item) {
                            existing.push(item.clone());
                        }
                    }
                }
            }
            (Value::Object(_), _) => strategic(map.entry(name.to_owned()).or_insert(Value::Null), value, &inner),
            _ => {
                map.insert(name.to_owned(), value.clone());
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

/// JSON patch (RFC 6902): all steps or none, because the caller keeps the target only when this succeeds.
pub(super) fn json(target: &mut Value, patch: &Value) -> Result<(), Failure> {
    let steps = patch.as_array().ok_or_else(|| Failure::bad_request("error decoding patch: not a list of operations"))?;
    steps.iter().try_for_each(|step| one_step(target, step).ok_or_else(Failure::refused_patch))
}

/// `None` where the step cannot be done.
fn one_step(target: &mut Value, step: &Value) -> Option<()> {
    let path = step["path"].as_str()?;
    match step["op"].as_str()? {
        "test" => (target.pointer(path) == Some(&step["value"])).then_some(()),
        "add" => put(target, path, step["value"].clone(), false),
        "replace" => put(target, path, step["value"].clone(), true),
        "remove" => take(target, path).map(drop),
        "copy" => {
            let value = target.pointer(step["from"].as_str()?)?.clone();
            put(target, path, value, false)
        }
        "move" => {
            let value = take(target, step["from"].as_str()?)?;
            put(target, path, value, false)
        }
        _ => None,
    }
}

/// The mapping or list that a path leads into, and the last step.
fn parent<'a>(target: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, name) = path.rsplit_once('/')?;
    Some((target.pointer_mut(parent)?, name.replace("~1", "/").replace("~0", "~")))
}

fn put(target: &mut Value, path: &str, value: Value, replace: bool) -> Option<()> {
    match parent(target, path)? {
        // The server makes a key that is to be replaced and is not there.
        (Value::Object(map), name) => drop(map.insert(name, value)),
        (Value::Array(items), name) if replace => *items.get_mut(name.parse::<usize>().ok()?)? = value,
        (Value::Array(items), name) => {
            let index = if name == "-" { items.len() } else { name.parse().ok()? };
            if index > items.len() {
                return None;
            }
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn take(target: &mut Value, path: &str) -> Option<Value> {
    match parent(target, path)? {
        (Value::Object(map), name) => map.remove(&name),
        (Value::Array(items), name) => {
            let index = name.parse::<usize>().ok()?;
            (index < items.len()).then(|| items.remove(index))
        }
        _ => None,
    }
}
