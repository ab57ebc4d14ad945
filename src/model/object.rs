//! A Kubernetes object as one lossless JSON value.

use super::packed::Packed;
use super::{NamespacedName, ObjectKey, pointer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A Kubernetes object: the raw value, with accessors for the parts every stage reads.
///
/// The value is shared until one of its owners changes it: thousands of objects pass through every stage, and few are changed.
/// `Debug` prints the identity only, because the value may be a Secret.
#[derive(Clone)]
pub struct Object(Form);

/// How the value is held.
#[derive(Clone)]
enum Form {
    /// As it is.
    Tree(Arc<Value>),
    /// As text, opened when somebody looks into it; clones share what one of them opened.
    Packed(Arc<Packed>, Arc<OnceLock<Value>>),
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.value() == other.value()
    }
}

impl Object {
    /// Wraps a value; anything that is not a mapping becomes an empty mapping.
    pub fn new(value: Value) -> Self {
        Self(Form::Tree(Arc::new(if value.is_object() { value } else { Value::Object(Map::new()) })))
    }

    /// The whole value.
    pub fn value(&self) -> &Value {
        match &self.0 {
            Form::Tree(value) => value,
            Form::Packed(packed, opened) => opened.get_or_init(|| packed.open()),
        }
    }

    /// Where the value stands in memory: while both live, two objects with the same address are the same.
    pub fn address(&self) -> usize {
        match &self.0 {
            Form::Tree(value) => Arc::as_ptr(value).addr(),
            Form::Packed(packed, _) => Arc::as_ptr(packed).addr(),
        }
    }

    /// The whole value, to be changed.
    pub fn value_mut(&mut self) -> &mut Value {
        if let Form::Packed(..) = self.0 {
            self.0 = Form::Tree(Arc::new(self.value().clone()));
        }
        match &mut self.0 {
            Form::Tree(value) => Arc::make_mut(value),
            Form::Packed(..) => unreachable!("it was made a tree above"),
        }
    }

    /// Whether both are one value in memory, which is seen without a look at it.
    pub fn is_same(&self, other: &Self) -> bool {
        self.address() == other.address()
    }

    /// Gives the value up.
    pub fn into_value(self) -> Value {
        match self.0 {
            Form::Tree(value) => Arc::unwrap_or_clone(value),
            Form::Packed(packed, opened) => Arc::into_inner(opened).and_then(OnceLock::into_inner).unwrap_or_else(|| packed.open()),
        }
    }

    /// The same, held as text: a tenth of the memory, for who keeps many and looks into few.
    #[must_use]
    pub fn packed(self) -> Self {
        match self.0 {
            Form::Tree(value) => Self(Form::Packed(Arc::new(Packed::of(&value)), Arc::default())),
            Form::Packed(..) => self,
        }
    }

    /// The same, with nothing opened: what somebody looks up in it goes with them.
    #[must_use]
    pub fn closed(&self) -> Self {
        match &self.0 {
            Form::Tree(value) => Self(Form::Tree(value.clone())),
            Form::Packed(packed, _) => Self(Form::Packed(packed.clone(), Arc::default())),
        }
    }

    /// Value at an RFC 6901 JSON pointer such as `/spec/instances`.
    pub fn get(&self, pointer: &str) -> Option<&Value> {
        pointer::find(self.value(), pointer)
    }

    /// Text at a JSON pointer, if there is text.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.get(pointer).and_then(Value::as_str)
    }

    /// `apiVersion`, or the empty string.
    pub fn api_version(&self) -> &str {
        match &self.0 {
            Form::Tree(value) => value.get("apiVersion").and_then(Value::as_str).unwrap_or_default(),
            Form::Packed(packed, _) => &packed.api_version,
        }
    }

    /// `kind`, or the empty string.
    pub fn kind(&self) -> &str {
        match &self.0 {
            Form::Tree(value) => value.get("kind").and_then(Value::as_str).unwrap_or_default(),
            Form::Packed(packed, _) => &packed.kind,
        }
    }

    /// `metadata.name`, or the empty string.
    pub fn name(&self) -> &str {
        match &self.0 {
            Form::Tree(value) => of_metadata(value, "name").unwrap_or_default(),
            Form::Packed(packed, _) => &packed.name,
        }
    }

    /// `metadata.namespace`, if the object has one.
    pub fn namespace(&self) -> Option<&str> {
        match &self.0 {
            Form::Tree(value) => of_metadata(value, "namespace"),
            Form::Packed(packed, _) => packed.namespace.as_deref(),
        }
    }

    /// `metadata.uid`, which only live objects have.
    pub fn uid(&self) -> Option<&str> {
        match &self.0 {
            Form::Tree(value) => of_metadata(value, "uid"),
            Form::Packed(packed, _) => packed.uid.as_deref(),
        }
    }

    /// `metadata.resourceVersion`, which only live objects have.
    pub fn resource_version(&self) -> Option<&str> {
        match &self.0 {
            Form::Tree(value) => of_metadata(value, "resourceVersion"),
            Form::Packed(packed, _) => packed.resource_version.as_deref(),
        }
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
        match &self.0 {
            Form::Tree(value) => value.get("metadata")?.get("labels")?.get(name)?.as_str(),
            Form::Packed(packed, _) => packed.label(name),
        }
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

    /// The same with its large and rarely read parts as texts, which take a twentieth of the memory: the names of owned fields, which
    /// [`owned_fields`] reads, and what is effective, which [`Object::effective`] reads.
    #[must_use]
    pub fn compact(mut self) -> Self {
        let has_trees = |entry: &Value| entry.get(FIELDS).is_some_and(Value::is_object);
        let entries = self.get(MANAGED).and_then(Value::as_array);
        let owned = entries.is_some_and(|entries| entries.iter().any(has_trees));
        let effective = self.get(EFFECTIVE).is_some_and(|effective| effective.is_object() && effective.get(FOLDED).is_none());
        if !owned && !effective {
            return self;
        }
        let value = self.value_mut();
        let entries = value.pointer_mut(MANAGED).and_then(Value::as_array_mut);
        for fields in entries.into_iter().flatten().filter_map(|entry| entry.get_mut(FIELDS)).filter(|fields| fields.is_object()) {
            *fields = Value::String(fields.to_string());
        }
        if let Some(part) = value.pointer_mut(EFFECTIVE).filter(|_| effective) {
            // A mapping still, as the definition of the kind wants it.
            *part = json!({FOLDED: part.to_string()});
        }
        self
    }

    /// What is effective, by the status of a cluster; of a compact object as well.
    pub fn effective(&self) -> Option<Cow<'_, Value>> {
        let effective = self.get(EFFECTIVE)?;
        match effective.get(FOLDED) {
            Some(Value::String(text)) => serde_json::from_str(text).ok().map(Cow::Owned),
            _ => Some(Cow::Borrowed(effective)),
        }
    }

    fn text_map(&self, pointer: &str) -> BTreeMap<&str, &str> {
        self.get(pointer)
            .and_then(Value::as_object)
            .map(|map| map.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect())
            .unwrap_or_default()
    }
}

/// A text of `metadata`. Read so often that a pointer would be taken apart for nothing.
fn of_metadata<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get("metadata")?.get(field)?.as_str()
}

/// Where an object says who owns which of its fields.
const MANAGED: &str = "/metadata/managedFields";
const FIELDS: &str = "fieldsV1";

/// Where a cluster says what is effective.
const EFFECTIVE: &str = "/status/effective";

/// The one entry of what was made a text.
const FOLDED: &str = "folded";

/// The fields that an entry of `metadata.managedFields` names, of a compact object as well.
pub fn owned_fields(entry: &Value) -> Option<Cow<'_, Value>> {
    match entry.get(FIELDS)? {
        Value::String(text) => serde_json::from_str(text).ok().map(Cow::Owned),
        fields => Some(Cow::Borrowed(fields)),
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(Form::Tree(Arc::new(value))))
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
