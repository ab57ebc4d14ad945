//! Deletion: finalizers, owners, namespaces.
//!
//! Source: Kubernetes documentation, "Garbage Collection" and "Finalizers". The collector of a real cluster works beside the
//! requests; here what follows from a deletion is done with it.

use crate::sandbox::answer::{Failure, about};
use crate::sandbox::metadata::{finalizers, is_ending};
use crate::sandbox::resources::Resource;
use crate::sandbox::store::{Key, State};
use crate::sandbox::time::{now, stamp};
use crate::sandbox::write::Write;
use serde_json::{Value, json};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// Deletes one object as a request asks for it; gives what the request is answered with.
pub(in crate::sandbox) fn delete(state: &mut State, write: &Write<'_>, name: &str, options: &Value) -> Result<Value, Failure> {
    let key = Key::new(write.resource, write.namespace, name);
    let live = state.get(&key).ok_or_else(|| Failure::not_found(write.resource, name))?;
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    for (field, title, why) in [
        ("uid", "UID", "The object might have been deleted and then recreated"),
        ("resourceVersion", "ResourceVersion", "The object might have been modified"),
    ] {
        let (wanted, found) = (text(options, &format!("/preconditions/{field}")), text(&live, &format!("/metadata/{field}")));
        if !wanted.is_empty() && wanted != found {
            let problem = format!("the {title} in the precondition ({wanted}) does not match the {title} in record ({found}). {why}");
            return Err(Failure::precondition(write.resource, name, &problem));
        }
    }
    let mut object = live.as_ref().clone();
    if write.dry_run || options["dryRun"][0] == "All" {
        return Ok(object);
    }
    let policy = options["propagationPolicy"].as_str().unwrap_or_default();
    let added = match policy {
        "Orphan" => Some(ORPHAN),
        "Foreground" => Some(FOREGROUND),
        _ => None,
    };
    if is_ending(&object) {
        return Ok(object);
    }
    if let Some(added) = added {
        let all: Vec<Value> = finalizers(&object).map(|one| json!(one)).chain([json!(added)]).collect();
        object["metadata"]["finalizers"] = json!(all);
    }
    if finalizers(&object).next().is_some() {
        mark(write.resource, &mut object);
        let marked = state.put(key.clone(), object);
        match added {
            Some(ORPHAN) => {
                set_free(state, &marked["metadata"]["uid"]);
                drop_finalizer(state, &key, ORPHAN);
            }
            Some(_) => {
                for child in children_of(state, &key) {
                    go(state, &child);
                }
                finish(state, &key);
            }
            None => {}
        }
        return Ok(marked);
    }
    remove(state, &key);
    Ok(answer(write.resource, object, name))
}

/// What a deletion is answered with: some kinds give the object.
fn answer(resource: &Resource, mut object: Value, name: &str) -> Value {
    match resource.kind {
        "Pod" | "Service" | "ServiceAccount" | "PersistentVolumeClaim" | "PersistentVolume" | "PodTemplate" => object,
        "Namespace" => {
            mark(resource, &mut object);
            object["status"]["phase"] = json!("Terminating");
            object
        }
        _ => {
            let mut details = about(resource, resource.plural, name);
            details["uid"] = object["metadata"]["uid"].clone();
            json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success", "details": details})
        }
    }
}

/// Notes that an object shall go.
fn mark(resource: &Resource, object: &mut Value) {
    object["metadata"]["deletionTimestamp"] = json!(stamp(now()));
    object["metadata"]["deletionGracePeriodSeconds"] = json!(0);
    if let Some(generation) = object.pointer("/metadata/generation").and_then(Value::as_i64).filter(|_| resource.generation) {
        object["metadata"]["generation"] = json!(generation + 1);
    }
}

/// The end of an object whose last finalizer a write took away; `last` is what that write made of it.
pub(in crate::sandbox) fn end(state: &mut State, key: &Key, last: Value) {
    if let Some(live) = state.objects.get_mut(key) {
        *live = last.into();
    }
    remove(state, key);
}

/// Removes an object and everything that only it kept alive.
pub(in crate::sandbox) fn remove(state: &mut State, key: &Key) {
    let children = children_of(state, key);
    let Some(gone) = state.remove(key) else { return };
    if key.plural == "namespaces" {
        let inside: Vec<Key> = state.objects.keys().filter(|other| other.namespace == key.name).cloned().collect();
        for other in inside {
            remove(state, &other);
        }
    }
    for child in children {
        if !is_owned(state, &child) {
            go(state, &child);
        }
    }
    // An owner may have waited for it.
    let waiting: Vec<Key> = owners(&gone).filter_map(|owner| owner_key(state, key, owner)).collect();
    for owner in waiting {
        finish(state, &owner);
    }
}

/// Deletes what nobody owns any more.
fn go(state: &mut State, key: &Key) {
    let Some(object) = state.get(key) else { return };
    if finalizers(&object).next().is_none() {
        return remove(state, key);
    }
    if !is_ending(&object) {
        let mut object = object.as_ref().clone();
        let resource = crate::sandbox::resources::ALL.iter().find(|resource| key.is_of(resource));
        if let Some(resource) = resource {
            mark(resource, &mut object);
        }
        state.put(key.clone(), object);
    }
}

/// Looks at what was written since the last time: an object whose owners are all gone goes as well.
pub(super) fn step(state: &mut State) {
    for key in std::mem::take(&mut state.owned) {
        let has_owners = state.get(&key).is_some_and(|object| owners(&object).next().is_some());
        if has_owners && !is_owned(state, &key) {
            go(state, &key);
        }
    }
}

fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten()
}

/// The live object that a reference means: kind, name and identity fit.
fn owner_key(state: &State, child: &Key, owner: &Value) -> Option<Key> {
    let (version, kind) = (owner["apiVersion"].as_str()?, owner["kind"].as_str()?);
    let resource = crate::sandbox::resources::ALL.iter().find(|resource| resource.kind == kind && resource.api_version() == version)?;
    let key = Key::new(resource, &child.namespace, owner["name"].as_str()?);
    (state.get(&key)?.pointer("/metadata/uid") == owner.get("uid")).then_some(key)
}

fn is_owned(state: &State, key: &Key) -> bool {
    state.get(key).is_some_and(|object| owners(&object).any(|owner| owner_key(state, key, owner).is_some()))
}

fn children_of(state: &State, key: &Key) -> Vec<Key> {
    let Some(uid) = state.get(key).and_then(|object| object.pointer("/metadata/uid").cloned()) else { return Vec::new() };
    state.objects.iter().filter(|(_, object)| owners(object).any(|owner| owner["uid"] == uid)).map(|(key, _)| key.clone()).collect()
}

/// Ends an owner that waited for its children, when none is left.
fn finish(state: &mut State, key: &Key) {
    let waits = state.get(key).is_some_and(|object| is_ending(&object) && finalizers(&object).any(|one| one == FOREGROUND));
    if waits && children_of(state, key).is_empty() {
        drop_finalizer(state, key, FOREGROUND);
    }
}

fn drop_finalizer(state: &mut State, key: &Key, gone: &str) {
    let Some(object) = state.get(key) else { return };
    let left: Vec<Value> = finalizers(&object).filter(|one| *one != gone).map(|one| json!(one)).collect();
    if left.is_empty() {
        return remove(state, key);
    }
    let mut object = object.as_ref().clone();
    object["metadata"]["finalizers"] = json!(left);
    state.put(key.clone(), object);
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
        let left: Vec<Value> = owners(&object).filter(|owner| owner["uid"] != *uid).cloned().collect();
        if left.is_empty() {
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove("ownerReferences");
            }
        } else {
            object["metadata"]["ownerReferences"] = json!(left);
        }
        state.put(key, object);
    }
}
