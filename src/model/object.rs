//! A Kubernetes object as one lossless JSON value.

use super::{NamespacedName, ObjectKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A Kubernetes object: the raw value, with accessors for the parts every stage reads.
///
/// The value is shared until one of its owners changes it: thousands of objects pass through every stage, and few are changed.
/// `Debug` prints the identity only, because the value may be a Secret.
#[derive(Clone, PartialEq)]
pub struct Object(Arc<Value>);

impl Object {
    /// Wraps a value; anything that is not a mapping becomes an empty mapping.
    pub fn new(value: Value) -> Self {
        Self(Arc::new(if value.is_object() { value } else { Value::Object(Map::new()) }))
    }

    /// The whole value.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Where the value stands in memory: while both live, two objects with the same address are the same.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// The whole value, to be changed.
    pub fn value_mut(&mut self) -> &mut Value {
        Arc::make_mut(&mut self.0)
    }

    /// Whether both are one value in memory, which is seen without a look at it.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Gives the value up.
    pub fn into_value(self) -> Value {
        Arc::unwrap_or_clone(self.0)
    }

    /// Value at an RFC 6901 JSON pointer such as `/spec/instances`.
    pub fn get(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer)
    }

    /// Text at a JSON pointer, if there is text.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.get(pointer).and_then(Value::as_str)
    }

    /// `apiVersion`, or the empty string.
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion").unwrap_or_default()
    }

    /// `kind`, or the empty string.
    pub fn kind(&self) -> &str {
        self.text("/kind").unwrap_or_default()
    }

    /// `metadata.name`, or the empty string.
    pub fn name(&self) -> &str {
        self.text("/metadata/name").unwrap_or_default()
    }

    /// `metadata.namespace`, if the object has one.
    pub fn namespace(&self) -> Option<&str> {
        self.text("/metadata/namespace")
    }

    /// `metadata.uid`, which only live objects have.
    pub fn uid(&self) -> Option<&str> {
        self.text("/metadata/uid")
    }

    /// `metadata.resourceVersion`, which only live objects have.
    pub fn resource_version(&self) -> Option<&str> {
        self.text("/metadata/resourceVersion")
    }

    /// Identity of the object.
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(self.api_version(), self.kind(), self.namespace(), self.name())
    }

    /// Namespace and name of the object.
    pub fn namespaced_name(&self) -> NamespacedName {
        NamespacedName::new(self.namespace().unwrap_or_default(), self.name())
    }

    /// `metadata.labels`, sorted.
    pub fn labels(&self) -> BTreeMap<&str, &str> {
        self.text_map("/metadata/labels")
    }

    /// `metadata.annotations`, sorted.
    pub fn annotations(&self) -> BTreeMap<&str, &str> {
        self.text_map("/metadata/annotations")
    }

    /// One annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.get("/metadata/annotations")?.get(name)?.as_str()
    }

    /// One label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.get("/metadata/labels")?.get(name)?.as_str()
    }

    /// An entry of a Secret's `data` as text; `None` where there is none or it is no UTF-8 text.
    pub fn secret_text(&self, key: &str) -> Option<String> {
        let text = self.get("/data")?.get(key)?.as_str()?;
        String::from_utf8(STANDARD.decode(text).ok()?).ok()
    }

    /// The condition of a type, if the status has one.
    pub fn condition(&self, kind: &str) -> Option<&Value> {
        let conditions = self.get("/status/conditions").and_then(Value::as_array);
        conditions.into_iter().flatten().find(|condition| condition["type"] == kind)
    }

    /// Whether the condition of a type is there and true; what is unknown is not.
    pub fn is_true(&self, kind: &str) -> bool {
        self.condition(kind).is_some_and(|condition| condition["status"] == "True")
    }

    /// The same with the names of owned fields as texts, which take a twentieth of the memory; [`owned_fields`] reads them.
    #[must_use]
    pub fn compact(mut self) -> Self {
        let has_trees = |entry: &Value| entry.get(FIELDS).is_some_and(Value::is_object);
        let entries = self.get(MANAGED).and_then(Value::as_array);
        if !entries.is_some_and(|entries| entries.iter().any(has_trees)) {
            return self;
        }
        let entries = self.value_mut().pointer_mut(MANAGED).and_then(Value::as_array_mut);
        for fields in entries.into_iter().flatten().filter_map(|entry| entry.get_mut(FIELDS)).filter(|fields| fields.is_object()) {
            *fields = Value::String(fields.to_string());
        }
        self
    }

    fn text_map(&self, pointer: &str) -> BTreeMap<&str, &str> {
        self.get(pointer)
            .and_then(Value::as_object)
            .map(|map| map.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect())
            .unwrap_or_default()
    }
}

/// Where an object says who owns which of its fields.
const MANAGED: &str = "/metadata/managedFields";
const FIELDS: &str = "fieldsV1";

/// The fields that an entry of `metadata.managedFields` names, of a compact object as well.
pub fn owned_fields(entry: &Value) -> Option<Cow<'_, Value>> {
    match entry.get(FIELDS)? {
        Value::String(text) => serde_json::from_str(text).ok().map(Cow::Owned),
        fields => Some(Cow::Borrowed(fields)),
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(Arc::new(value)))
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({})", self.key())
    }
}

impl From<Value> for Object {
    fn from(value: Value) -> Self {
        Self::new(value)
    }
}
