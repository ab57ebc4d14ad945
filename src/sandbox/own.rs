//! Custom resources: the verdict of their schema, and pruning.

use super::answer::Failure;
use super::resources::Resource;
use crate::api::schema::{Schema, Shape};
use crate::api::{Kind, NotYet, rule_message};
use crate::diagnostics::Diagnostic;
use crate::model::Object;
use crate::model::pointer::{join, segments};
use crate::validate::{refused_by_schema, structural_of};
use serde_json::Value;

/// What to do with unknown fields (`fieldValidation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validation {
    Strict,
    Lenient,
}

/// Checks an object, alone and against what it was, and takes out what the schema does not know.
pub(super) fn admit(
    kind: &Kind,
    resource: &Resource,
    live: Option<&Value>,
    object: &mut Value,
    validation: Validation,
    patched: bool,
) -> Result<(), Failure> {
    let (mut unknown, mut problems, mut broken, mut unchecked) = (Vec::new(), Vec::new(), Vec::new(), false);
    let rules = kind.schema.rule_codes();
    for finding in structural_of(&Object::new(object.clone())).iter().filter(|finding| finding.is_error()) {
        let steps = steps(&finding.path);
        let path = dotted(&steps);
        match finding.code.as_str() {
            "unknown-field" => unknown.push(path),
            "missing-field" => {
                unchecked = true;
                problems.push((path, "Required value".to_owned()));
            }
            code if rules.contains(code) => broken.push((path, of_rule(finding))),
            code => {
                unchecked |= matches!(code, "wrong-type" | "null-value" | "not-allowed-value");
                let pointer = steps.iter().fold(String::new(), |pointer, step| join(&pointer, step));
                let value = object.pointer(&pointer).cloned().unwrap_or_default();
                let schema = steps.iter().try_fold(&*kind.schema, |schema, step| schema.child(step));
                problems.push((path.clone(), verdict(code, &path, &value, schema, &finding.message)));
            }
        }
    }
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    if validation == Validation::Strict && !unknown.is_empty() {
        return Err(strict(resource, name, &unknown, patched));
    }
    let has_rules = !rules.is_empty() || kind.not_yet.is_some_and(|not_yet| not_yet.refused);
    if unchecked && has_rules {
        let told = "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
        problems.push(("<nil>".to_owned(), told.to_owned()));
    }
    if !problems.is_empty() {
        return Err(Failure::invalid(resource, name, &problems));
    }
    broken.extend(refused_rules(kind, live, object));
    if !broken.is_empty() {
        return Err(Failure::invalid(resource, name, &broken));
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

/// Rules that the definition of the kind holds, in the server's words.
fn refused_rules(kind: &Kind, live: Option<&Value>, object: &Value) -> Vec<(String, String)> {
    if let Some(NotYet { refused: true, help }) = kind.not_yet
        && live.is_none()
    {
        return vec![("<nil>".to_owned(), said("kind-not-supported-yet", &kind.not_supported_yet(), help))];
    }
    let found = live.map(|live| refused_by_schema(live, object, kind)).unwrap_or_default();
    let told = |(pointer, problem): (String, Diagnostic)| {
        let path = dotted(&segments(&pointer).collect::<Vec<_>>());
        (path, of_rule(&problem))
    };
    found.into_iter().map(told).collect()
}

fn of_rule(finding: &Diagnostic) -> String {
    said(&finding.code, &finding.message, finding.help.as_deref().unwrap_or_default())
}

fn said(code: &str, message: &str, help: &str) -> String {
    format!("Invalid value: \"object\": {}", rule_message(code, message, help))
}

/// What the server says of a value that does not fit its schema.
fn verdict(code: &str, path: &str, value: &Value, schema: Option<&Schema>, message: &str) -> String {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let wanted = schema.map(|schema| match &schema.shape {
        Shape::Object { .. } | Shape::Map { .. } => "object",
        Shape::Array { .. } => "array",
        Shape::Text(_) => "string",
        Shape::Integer { .. } => "integer",
        Shape::Number { .. } => "number",
        Shape::Boolean => "boolean",
        Shape::IntOrString { .. } => "integer,string",
        Shape::Any => "any",
    });
    match (code, wanted, schema.map(|schema| &schema.shape)) {
        ("wrong-type" | "null-value", Some(wanted), _) => {
            format!("Invalid value: \"{found}\": {path} in body must be of type {wanted}: \"{found}\"")
        }
        ("out-of-range", _, Some(Shape::Integer { minimum: Some(minimum), .. }))
            if value.as_i64().is_some_and(|value| value < *minimum) =>
        {
            format!("Invalid value: {value}: {path} in body should be greater than or equal to {minimum}")
        }
        ("out-of-range", _, Some(Shape::Integer { maximum: Some(maximum), .. })) => {
            format!("Invalid value: {value}: {path} in body should be less than or equal to {maximum}")
        }
        _ => format!("Invalid value: {message}"),
    }
}

/// Unknown fields under strict validation: a patch is told so in another way.
pub(super) fn strict(resource: &Resource, name: &str, unknown: &[String], patched: bool) -> Failure {
    let all: Vec<String> = unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
    let kind = resource.kind;
    let problem = format!("strict decoding error: {}", all.join(", "));
    if patched {
        return Failure::invalid(resource, name, &[("patch".to_owned(), format!("Invalid value: {problem}"))]);
    }
    Failure::bad_request(format!("{kind} in version \"{}\" cannot be handled as a {kind}: {problem}", resource.version))
}

/// An apply that has no type: the server calls it a failure of its own.
pub(super) fn untyped(resource: &Resource, namespace: &str, name: &str, why: &str) -> Failure {
    let (group, kind) = (resource.api_version(), resource.kind);
    let group = if resource.group.is_empty() { format!("/{group}") } else { group };
    Failure::internal(format!("failed to create typed patch object ({namespace}/{name}; {group}, Kind={kind}): {why}"))
}

/// The steps of a path as diagnostics write it: `spec.items[0]["postgresql.conf"]`.
fn steps(path: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let (step, after) = quoted.split_once("\"]").unwrap_or((quoted, ""));
            steps.push(step.to_owned());
            rest = after;
        } else if let Some(number) = rest.strip_prefix('[') {
            let (step, after) = number.split_once(']').unwrap_or((number, ""));
            steps.push(step.to_owned());
            rest = after;
        } else {
            rest = rest.trim_start_matches('.');
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            steps.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
    }
    steps
}

/// A path as the server writes it: `spec.items[0].postgresql.conf`.
fn dotted(steps: &[String]) -> String {
    let mut path = String::new();
    for step in steps {
        if step.bytes().all(|byte| byte.is_ascii_digit()) && !path.is_empty() {
            path.push_str(&format!("[{step}]"));
        } else {
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(step);
        }
    }
    path
}

/// What an apply is refused for before anything is merged: a field that is not in the schema, or a value of another type.
pub(super) fn admit_applied(resource: &Resource, sent: &Value) -> Result<(), Failure> {
    let text = |pointer: &str| sent.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    for finding in &structural_of(&Object::new(sent.clone())) {
        let path = || dotted(&steps(&finding.path));
        match finding.code.as_str() {
            "unknown-field" => return Err(untyped(resource, namespace, name, &format!(".{}: field not declared in schema", path()))),
            "wrong-type" => return Err(untyped(resource, namespace, name, &format!(".{}: {}", path(), finding.message))),
            _ => {}
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
