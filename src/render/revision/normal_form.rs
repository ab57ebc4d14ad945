//! What an input means, whatever way it is written. Version 1; a change of this file needs a new version in the digest.

use crate::model::pointer::join;
use crate::model::{Object, Quantity, holds_quantity};
use crate::postgres::canonical;
use serde_json::{Map, Value, json};

/// The part of an object that a person writes.
pub(super) fn as_written(object: &Object) -> Object {
    let mut value = object.value().clone();
    if let Some(root) = value.as_object_mut() {
        root.remove("status");
        if let Some(metadata) = root.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|field, _| matches!(field.as_str(), "name" | "namespace" | "labels" | "annotations"));
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
            }
        }
    }
    Object::new(value)
}

/// Kind, identity and content with equal spelling for equal meaning. Labels and annotations of the input are left out: nothing
/// is rendered from them.
pub(super) fn normal_form(object: &Object, major: u32) -> Value {
    let mut content = Map::new();
    for field in ["spec", "data"] {
        if let Some(value) = object.value().get(field).and_then(|value| normalise(&format!("/{field}"), value, major)) {
            content.insert(field.to_owned(), value);
        }
    }
    json!({"kind": object.kind(), "namespace": object.namespace(), "name": object.name(), "content": content})
}

/// `None` for what means nothing: null, an empty mapping, an empty list.
fn normalise(pointer: &str, value: &Value, major: u32) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(map) => {
            let map: Map<String, Value> =
                map.iter().filter_map(|(key, value)| Some((key.clone(), normalise(&join(pointer, key), value, major)?))).collect();
            (!map.is_empty()).then_some(Value::Object(map))
        }
        Value::Array(items) => {
            let items: Vec<Value> = items
                .iter()
                .enumerate()
                .map(|(index, item)| normalise(&format!("{pointer}/{index}"), item, major).unwrap_or(Value::Null))
                .collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::String(text) if pointer.contains("/postgresql.conf/") => {
            let name = pointer.rsplit('/').next().unwrap_or_default();
            Some(json!(canonical(major, name, text)))
        }
        Value::String(text) if holds_quantity(pointer) => {
            Some(Quantity::parse(text).map_or_else(|| value.clone(), |quantity| json!(quantity.to_string())))
        }
        Value::Number(number) => Some(match number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15) {
            #[expect(clippy::cast_possible_truncation, reason = "whole and small, checked just above")]
            Some(whole) => json!(whole as i64),
            None => value.clone(),
        }),
        other => Some(other.clone()),
    }
}
