//! Deletion: finalizers, owners, namespaces.
//!
//! Source: Kubernetes documentation, "Garbage Collection" and "Finalizers".

use crate::sandbox::answer::Failure;
use crate::sandbox::store::{Key, State};
use crate::sandbox::time::{now, stamp};
use crate::sandbox::write::Write;
use serde_json::{Value, json};

/// Deletes one object as a request asks for it.
pub(in crate::sandbox) fn delete(state: &mut State, write: &Write<'_>, name: &str, options: &Value) -> Result<Value, Failure> {
    let key = Key::new(write.resource, write.namespace, name);
    let live = state.get(&key).ok_or_else(|| Failure::not_found(write.resource, name))?;
    let wanted = options.pointer("/preconditions/uid").and_then(Value::as_str);
    if wanted.is_some_and(|uid| live.pointer("/metadata/uid").and_then(Value::as_str) != Some(uid)) {
        return Err(Failure::conflict(write.resource, name, "Precondition failed: UID in precondition does not match"));
    }
    let revision = options.pointer("/preconditions/resourceVersion").and_then(Value::as_str);
    if revision.is_some_and(|revision| live.pointer("/metadata/resourceVersion").and_then(Value::as_str) != Some(revision)) {
        return Err(Failure::conflict(write.resource, name, "Precondition failed: ResourceVersion in precondition does not match"));
    }
    let mut object = live.as_ref().clone();
    if write.dry_run {
        return Ok(object);
    }
    if options["propagationPolicy"] == "Orphan" {
        let uid = object["metadata"]["uid"].clone();
        set_free(state, &uid);
    }
    let held = object.pointer("/metadata/finalizers").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if held {
        if object.pointer("/metadata/deletionTimestamp").is_none() {
            object["metadata"]["deletionTimestamp"] = json!(stamp(now()));
            return Ok(state.put(key, object));
        }
        return Ok(object);
    }
    remove(state, &key);
    Ok(object)
}

/// Removes an object and everything that only it kept alive.
pub(in crate::sandbox) fn remove(state: &mut State, key: &Key) {
    let Some(gone) = state.remove(key) else { return };
    if key.plural == "namespaces" {
        let inside: Vec<Key> = state.objects.keys().filter(|other| other.namespace == key.name).cloned().collect();
        for other in inside {
            remove(state, &other);
        }
    }
    let uid = &gone["metadata"]["uid"];
    let owned: Vec<Key> = state
        .objects
        .iter()
        .filter(|(_, object)| owners(object).any(|owner| owner["uid"] == *uid))
        .filter(|(_, object)| !owners(object).any(|owner| exists(state, &owner["uid"])))
        .map(|(key, _)| key.clone())
        .collect();
    for child in owned {
        let held = state
            .get(&child)
            .is_some_and(|object| object.pointer("/metadata/finalizers").and_then(Value::as_array).is_some_and(|list| !list.is_empty()));
        if held {
            if let Some(object) = state.get(&child) {
                let mut object = object.as_ref().clone();
                object["metadata"]["deletionTimestamp"] = json!(stamp(now()));
                state.put(child, object);
            }
        } else {
            remove(state, &child);
        }
    }
}

fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten()
}

fn exists(state: &State, uid: &Value) -> bool {
    state.objects.values().any(|object| object["metadata"]["uid"] == *uid)
}

/// Takes a reference to an owner out of everything.
fn set_free(state: &mut State, uid: &Value) {
    let owned: Vec<(Key, Value)> = state
        .objects
        .iter()
        .filter(|(_, object)| owners(object).any(|owner| owner["uid"] == *uid))
        .map(|(key, object)| (key.clone(), object.as_ref().clone()))
        .collect();
    for (key, mut object) in owned {
        if let Some(list) = object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) {
            list.retain(|owner| owner["uid"] != *uid);
        }
        state.put(key, object);
    }
}
