//! Custom resources: the verdict of their schema, and pruning.

use super::answer::Failure;
use super::resources::Resource;
use crate::api::Kind;
use crate::api::schema::{Schema, Shape};
use crate::model::Object;
use crate::validate::structural_of;
use serde_json::Value;

/// What to do with unknown fields (`fieldValidation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validation {
    Strict,
    Lenient,
}

/// Checks an object and takes out what the schema does not know.
pub(super) fn admit(kind: &Kind, resource: &Resource, object: &mut Value, validation: Validation) -> Result<(), Failure> {
    let (mut unknown, mut problems) = (Vec::new(), Vec::new());
    for finding in structural_of(&Object::new(object.clone())).iter().filter(|finding| finding.is_error()) {
        let path = finding.path.trim_start_matches('/').replace('/', ".");
        match finding.code.as_str() {
            "unknown-field" => unknown.push(path),
            _ => problems.push((path, format!("Invalid value: {}", finding.message))),
        }
    }
    if validation == Validation::Strict && !unknown.is_empty() {
        let all: Vec<String> = unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
        return Err(Failure::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}",
            resource.kind,
            resource.version,
            resource.kind,
            all.join(", ")
        )));
    }
    if !problems.is_empty() {
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        return Err(Failure::invalid(resource, name, &problems));
    }
    if let Value::Object(map) = object {
        let known = |name: &str| matches!(name, "apiVersion" | "kind" | "metadata") || kind.schema.get_field(name).is_some();
        map.retain(|name, _| known(name));
        for (name, value) in map.iter_mut() {
            if let Some(field) = kind.schema.get_field(name) {
                prune(&field.schema, value);
            }
        }
    }
    Ok(())
}

/// Drops unknown fields, and nulls that the schema does not take.
fn prune(schema: &Schema, value: &mut Value) {
    match (&schema.shape, value) {
        (Shape::Object { fields, preserve_unknown }, Value::Object(map)) => {
            map.retain(|name, value| match fields.iter().find(|field| field.name == *name) {
                Some(field) => field.schema.nullable || !value.is_null(),
                None => *preserve_unknown,
            });
            for (name, value) in map.iter_mut() {
                if let Some(field) = fields.iter().find(|field| field.name == *name) {
                    prune(&field.schema, value);
                }
            }
        }
        (Shape::Map { values }, Value::Object(map)) => {
            map.retain(|_, value| values.nullable || !value.is_null());
            map.values_mut().for_each(|value| prune(values, value));
        }
        (Shape::Array { items, .. }, Value::Array(list)) => list.iter_mut().for_each(|item| prune(items, item)),
        _ => {}
    }
}
