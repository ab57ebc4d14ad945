//! How lists and mappings merge: as a whole, as a set, or item by item.
//!
//! Source: Kubernetes documentation, "Server-Side Apply", section "Merge strategy"; the `x-kubernetes-list-type` of each field
//! in the Kubernetes API reference. What is not listed here is atomic as a list and granular as a mapping.

use super::resources::Resource;
use crate::api::schema::{Schema, Shape};
use serde_json::{Value, json};

/// How a list merges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum List {
    /// As one value.
    Atomic,
    /// Items are values of a set.
    Set,
    /// Items are told apart by these fields.
    Map(Vec<String>),
}

/// Where in an object we are: what is needed to know how a value merges.
#[derive(Clone)]
pub(super) struct Place<'a> {
    resource: &'a Resource,
    schema: Option<&'a Schema>,
    parents: Vec<&'a str>,
}

impl<'a> Place<'a> {
    pub(super) fn root(resource: &'a Resource) -> Self {
        Self { resource, schema: resource.own.map(|kind| &*kind.schema), parents: Vec::new() }
    }

    /// The place of a field.
    pub(super) fn field(&self, name: &'a str) -> Self {
        let schema = if self.parents.is_empty() && name == "metadata" { None } else { self.schema.and_then(|schema| schema.child(name)) };
        let mut parents = self.parents.clone();
        parents.push(name);
        Self { resource: self.resource, schema, parents }
    }

    /// The place of a list's items.
    pub(super) fn item(&self) -> Self {
        Self { schema: self.schema.and_then(|schema| schema.child("0")), ..self.clone() }
    }

    fn is_metadata(&self) -> bool {
        self.parents.first() == Some(&"metadata")
    }

    /// How the list here merges.
    pub(super) fn list(&self) -> List {
        let name = self.parents.last().copied().unwrap_or_default();
        let keys = |keys: &[&str]| List::Map(keys.iter().map(|key| (*key).to_owned()).collect());
        if self.resource.own.is_some() && !self.is_metadata() {
            return match self.schema.map(|schema| &schema.shape) {
                Some(Shape::Array { map_keys, .. }) if !map_keys.is_empty() => List::Map(map_keys.clone()),
                _ => List::Atomic,
            };
        }
        match (self.resource.kind, name) {
            (_, "finalizers") => List::Set,
            (_, "ownerReferences") => keys(&["uid"]),
            (_, "containers" | "initContainers" | "ephemeralContainers" | "env" | "volumes" | "imagePullSecrets")
            | ("ServiceAccount", "secrets") => keys(&["name"]),
            (_, "volumeMounts") => keys(&["mountPath"]),
            (_, "volumeDevices") => keys(&["devicePath"]),
            ("Service", "ports") => keys(&["port", "protocol"]),
            (kind, "ports") if kind != "Endpoints" => keys(&["containerPort", "protocol"]),
            (_, "topologySpreadConstraints") => keys(&["topologyKey", "whenUnsatisfiable"]),
            (_, "conditions") => keys(&["type"]),
            (_, "hostAliases" | "podIPs") => keys(&["ip"]),
            _ => List::Atomic,
        }
    }

    /// How a strategic merge patch merges the list here: it tells ports apart by their number alone.
    ///
    /// Source: Kubernetes API reference, `x-kubernetes-patch-merge-key`.
    pub(super) fn list_of_patch(&self) -> List {
        match self.list() {
            List::Map(mut keys) if keys.len() > 1 => {
                keys.truncate(1);
                List::Map(keys)
            }
            other => other,
        }
    }

    /// Whether the mapping here merges as one value.
    pub(super) fn is_atomic_map(&self) -> bool {
        const ATOMIC: &[&str] = &[
            "selector",
            "labelSelector",
            "namespaceSelector",
            "nodeSelector",
            "fieldRef",
            "resourceFieldRef",
            "configMapKeyRef",
            "secretKeyRef",
            "roleRef",
        ];
        let owner = self.is_metadata() && self.parents.last() == Some(&"ownerReferences");
        owner || self.resource.own.is_none() && self.parents.last().is_some_and(|name| ATOMIC.contains(name))
    }
}

/// The key of an item, with what the server fills in.
pub(super) fn key_of(item: &Value, keys: &[String]) -> Value {
    let mut key = json!({});
    for name in keys {
        let value = match item.get(name) {
            Some(value) => value.clone(),
            None if name == "protocol" => json!("TCP"),
            None => continue,
        };
        key[name] = value;
    }
    key
}
