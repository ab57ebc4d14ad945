//! Writes: what every one of them goes through, in one order.

use super::answer::Failure;
use super::apply::{self, Writer, apply, record};
use super::builtin::{self, How};
use super::lists::Place;
use super::metadata::{self, is_ending};
use super::own::{self, Validation};
use super::patch;
use super::resources::Resource;
use super::store::{Key, State};
use super::time::{now, stamp};
use rand::RngExt as _;
use serde_json::{Value, json};

/// A request to write.
#[derive(Debug, Clone)]
pub(super) struct Write<'a> {
    pub(super) resource: &'static Resource,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// `status`, `scale` or nothing.
    pub(super) subresource: &'a str,
    pub(super) manager: &'a str,
    pub(super) force: bool,
    pub(super) dry_run: bool,
    pub(super) validation: Validation,
}

/// How a patch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatchKind {
    Apply,
    Merge,
    Strategic,
    Json,
}

impl Write<'_> {
    fn key(&self) -> Key {
        Key::new(self.resource, self.namespace, self.name)
    }

    fn writer(&self) -> Writer<'_> {
        Writer { manager: self.manager, subresource: self.subresource }
    }

    fn live(&self, state: &State) -> Result<Value, Failure> {
        state.get(&self.key()).map(|object| object.as_ref().clone()).ok_or_else(|| Failure::not_found(self.resource, self.name))
    }

    /// A new object.
    pub(super) fn create(&self, state: &mut State, mut object: Value) -> Result<Value, Failure> {
        self.identify(&mut object)?;
        if object.pointer("/metadata/resourceVersion").and_then(Value::as_str).is_some_and(|version| !version.is_empty() && version != "0")
        {
            return Err(Failure::internal("resourceVersion should not be set on objects to be created"));
        }
        let name = match object.pointer("/metadata/name").and_then(Value::as_str) {
            Some(name) => name.to_owned(),
            None => match object.pointer("/metadata/generateName").and_then(Value::as_str) {
                Some(prefix) => format!("{prefix}{}", random(5)),
                None => {
                    return Err(Failure::invalid(
                        self.resource,
                        "",
                        &[("metadata.name".into(), "Required value: name or generateName is required".into())],
                    ));
                }
            },
        };
        object["metadata"]["name"] = json!(name);
        let named = Write { name: &name, ..self.clone() };
        if state.get(&named.key()).is_some() {
            return Err(Failure::exists(self.resource, &name));
        }
        if self.resource.status && self.resource.kind != "Pod" {
            remove(&mut object, "status");
        }
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("resourceVersion");
        }
        named.settle(state, None, object, false, How::Sent)
    }

    /// Another value for an existing object.
    pub(super) fn replace(&self, state: &mut State, mut object: Value) -> Result<Value, Failure> {
        let live = self.live(state)?;
        self.identify(&mut object)?;
        if self.resource.own.is_some() && object.pointer("/metadata/resourceVersion").is_none() {
            let problem = ("metadata.resourceVersion".to_owned(), "Invalid value: 0: must be specified for an update".to_owned());
            return Err(Failure::invalid_resource(self.resource, self.name, &[problem]));
        }
        let uid = object.pointer("/metadata/uid").and_then(Value::as_str);
        if uid.is_some_and(|uid| live.pointer("/metadata/uid").and_then(Value::as_str) != Some(uid)) {
            return Err(Failure::conflict(self.resource, self.name, "Precondition failed: UID in precondition does not match"));
        }
        builtin::keep(self.resource, &live, &mut object);
        let object = self.part(&live, object);
        self.settle(state, Some(&live), object, false, How::Sent)
    }

    /// A patch; an apply also makes objects.
    pub(super) fn patch(&self, state: &mut State, kind: PatchKind, mut body: Value) -> Result<Value, Failure> {
        let live = state.get(&self.key()).map(|object| object.as_ref().clone());
        if kind == PatchKind::Apply {
            if body.get("apiVersion").is_none() || body.get("kind").is_none() {
                return Err(Failure::bad_request("invalid object type: /, Kind="));
            }
            self.admit_applied(&body)?;
            self.identify(&mut body)?;
            if body.pointer("/metadata/managedFields").is_some_and(|fields| fields.as_array().is_none_or(|list| !list.is_empty())) {
                return Err(Failure::bad_request("metadata.managedFields must be nil"));
            }
            let Some(live) = live else {
                if !self.subresource.is_empty() {
                    return Err(Failure::not_found(self.resource, self.name));
                }
                if let Some(uid) = body.pointer("/metadata/uid").and_then(Value::as_str) {
                    let why = format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
                    return Err(Failure::conflict(self.resource, self.name, &why));
                }
                body["metadata"]["name"] = json!(self.name);
                if self.resource.status {
                    remove(&mut body, "status");
                }
                let made = apply(self.resource, None, &body, &self.writer(), self.force)?;
                return self.settle(state, None, made, true, How::Sent);
            };
            self.check_revision(&live, &body)?;
            let sent = self.only_part(body);
            let merged = apply(self.resource, Some(&live), &sent, &self.writer(), self.force)?;
            return self.settle(state, Some(&live), merged, true, How::Sent);
        }
        let live = live.ok_or_else(|| Failure::not_found(self.resource, self.name))?;
        if kind != PatchKind::Json && !body.is_object() {
            return Err(Failure::bad_request("error decoding patch: not an object"));
        }
        let mut object = live.clone();
        match kind {
            PatchKind::Merge | PatchKind::Apply => patch::merge(&mut object, &body),
            PatchKind::Strategic if self.resource.own.is_some() => {
                return Err(Failure::unsupported_media("application/strategic-merge-patch+json"));
            }
            PatchKind::Strategic => patch::strategic(&mut object, &body, &Place::root(self.resource)),
            PatchKind::Json => patch::json(&mut object, &body)?,
        }
        self.check_revision(&live, &object)?;
        let object = self.part(&live, object);
        self.settle(state, Some(&live), object, false, How::Patched)
    }

    /// What was sent has a type by itself, before anything is merged.
    fn admit_applied(&self, sent: &Value) -> Result<(), Failure> {
        apply::admit(self.resource, sent)?;
        if self.resource.own.is_some() {
            return own::admit_applied(self.resource, sent);
        }
        builtin::admit(self.resource, &mut sent.clone(), self.validation, How::Applied)
    }

    /// What the path says and what the body says must be the same.
    fn identify(&self, object: &mut Value) -> Result<(), Failure> {
        let Some(map) = object.as_object_mut() else { return Err(Failure::bad_request("the body is not an object")) };
        if self.resource.own.is_some() && !map.contains_key("kind") {
            return Err(Failure::bad_request(format!(
                "the object provided is unrecognized (must be of type {}): Object 'Kind' is missing",
                self.resource.kind
            )));
        }
        let expected = self.resource.api_version();
        for (field, wanted) in [("apiVersion", expected.as_str()), ("kind", self.resource.kind)] {
            match map.get(field).and_then(Value::as_str) {
                None => drop(map.insert(field.to_owned(), json!(wanted))),
                Some(found) if found == wanted => {}
                Some(found) => {
                    let message = format!("the {field} in the data ({found}) does not match the expected {field} ({wanted})");
                    return Err(Failure::bad_request(message));
                }
            }
        }
        let metadata = map.entry("metadata").or_insert_with(|| json!({}));
        let Some(metadata) = metadata.as_object_mut() else { return Err(Failure::bad_request("metadata is not an object")) };
        if self.resource.namespaced {
            match metadata.get("namespace").and_then(Value::as_str).filter(|namespace| !namespace.is_empty()) {
                Some(found) if found != self.namespace => {
                    return Err(Failure::bad_request(
                        "the namespace of the provided object does not match the namespace sent on the request",
                    ));
                }
                _ => drop(metadata.insert("namespace".to_owned(), json!(self.namespace))),
            }
        } else {
            metadata.remove("namespace");
        }
        match metadata.get("name").and_then(Value::as_str) {
            Some(found) if !self.name.is_empty() && found != self.name => {
                Err(Failure::bad_request(format!("the name of the object ({found}) does not match the name on the URL ({})", self.name)))
            }
            _ => Ok(()),
        }
    }

    fn check_revision(&self, live: &Value, object: &Value) -> Result<(), Failure> {
        let wanted =
            object.pointer("/metadata/resourceVersion").and_then(Value::as_str).filter(|wanted| !wanted.is_empty() && *wanted != "0");
        if wanted.is_some_and(|wanted| live.pointer("/metadata/resourceVersion").and_then(Value::as_str) != Some(wanted)) {
            let why = "the object has been modified; please apply your changes to the latest version and try again";
            return Err(Failure::conflict(self.resource, self.name, why));
        }
        Ok(())
    }

    /// The status endpoint writes the status alone, that of a pod's size its resources, the main one everything else.
    fn part(&self, live: &Value, mut object: Value) -> Value {
        if !self.subresource.is_empty() {
            let mut whole = live.clone();
            if self.subresource == "resize" {
                resize(&mut whole, &object);
            } else {
                match object.get("status") {
                    Some(status) => whole["status"] = status.clone(),
                    None => remove(&mut whole, "status"),
                }
            }
            // A precondition travels in the metadata.
            if let Some(revision) = object.pointer("/metadata/resourceVersion") {
                whole["metadata"]["resourceVersion"] = revision.clone();
            }
            return whole;
        }
        if self.resource.status {
            match live.get("status") {
                Some(status) => object["status"] = status.clone(),
                None => remove(&mut object, "status"),
            }
        }
        object
    }

    /// The same for what an apply sends.
    fn only_part(&self, mut object: Value) -> Value {
        if self.subresource == "status" {
            let mut sent = json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": {"name": self.name}});
            if let Some(status) = object.get_mut("status") {
                sent["status"] = status.take();
            }
            return sent;
        }
        if self.resource.status {
            remove(&mut object, "status");
        }
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("resourceVersion");
        }
        object
    }

    /// Checks, fills in, counts and keeps. After an apply, ownership is in the object already.
    fn settle(&self, state: &mut State, live: Option<&Value>, mut object: Value, is_apply: bool, how: How) -> Result<Value, Failure> {
        if let Some(live) = live {
            self.check_revision(live, &object)?;
        }
        if self.resource.namespaced && live.is_none() {
            let namespaces = super::resources::find("", "v1", "namespaces");
            if let Some(namespaces) = namespaces
                && state.get(&Key::new(namespaces, "", self.namespace)).is_none()
            {
                return Err(Failure::not_found(namespaces, self.namespace));
            }
        }
        metadata::tidy(&mut object);
        metadata::admit(self.resource, live, &object)?;
        if let Some(kind) = self.resource.own {
            own::admit(kind, self.resource, live, &mut object, self.validation, how == How::Patched)?;
        } else {
            builtin::admit(self.resource, &mut object, self.validation, how)?;
            builtin::fill(self.resource, &mut object, state.revision + 2);
        }
        self.metadata(live, &mut object);
        if let Some(live) = live {
            let problems = builtin::frozen(self.resource, live, &object);
            if !problems.is_empty() {
                return Err(Failure::invalid(self.resource, self.name, &problems));
            }
        }
        if !is_apply {
            record(self.resource, live, &mut object, &self.writer());
        }
        if live.is_some_and(|live| same(live, &object)) {
            return self.live(state);
        }
        if self.dry_run {
            return Ok(object);
        }
        if is_ending(&object) && metadata::finalizers(&object).next().is_none() {
            super::workloads::end(state, &self.key(), object.clone());
            return Ok(object);
        }
        if object.pointer("/metadata/ownerReferences").is_some() {
            state.owned.insert(self.key());
        }
        Ok(state.put(self.key(), object))
    }

    fn metadata(&self, live: Option<&Value>, object: &mut Value) {
        let Some(live) = live else {
            object["metadata"]["uid"] = json!(uid());
            object["metadata"]["creationTimestamp"] = json!(stamp(now()));
            if self.resource.generation {
                object["metadata"]["generation"] = json!(1);
            }
            return;
        };
        for field in metadata::KEPT.iter().copied() {
            match live["metadata"].get(field) {
                Some(value) => object["metadata"][field] = value.clone(),
                None => {
                    if let Some(map) = object["metadata"].as_object_mut() {
                        map.remove(field);
                    }
                }
            }
        }
        let body = |value: &Value| {
            let mut body = value.clone();
            for field in ["metadata", "status"] {
                remove(&mut body, field);
            }
            body
        };
        if self.resource.generation && body(live) != body(object) {
            let next = live.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0) + 1;
            object["metadata"]["generation"] = json!(next);
        }
    }
}

/// Takes over processor and memory of containers, by name.
fn resize(pod: &mut Value, wanted: &Value) {
    for container in pod.pointer_mut("/spec/containers").and_then(Value::as_array_mut).into_iter().flatten() {
        let all = wanted.pointer("/spec/containers").and_then(Value::as_array);
        if let Some(found) = all.into_iter().flatten().find(|one| one["name"] == container["name"]) {
            container["resources"] = found["resources"].clone();
        }
    }
}

fn remove(object: &mut Value, field: &str) {
    if let Some(map) = object.as_object_mut() {
        map.remove(field);
    }
}

/// Whether two states differ in nothing but the times of their managers.
fn same(one: &Value, other: &Value) -> bool {
    let plain = |value: &Value| {
        let mut value = value.clone();
        for entry in value.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut).into_iter().flatten() {
            remove(entry, "time");
        }
        value
    };
    plain(one) == plain(other)
}

/// A random identity in the form of a UUID, version 4.
pub(super) fn uid() -> String {
    let mut bytes: [u8; 16] = rand::rng().random();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex = hex.concat();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Letters and digits for a generated name.
fn random(length: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut rng = rand::rng();
    (0..length).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
}
