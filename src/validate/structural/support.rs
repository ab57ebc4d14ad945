//! Law 12: what is accepted is carried out.

use crate::api::find_kind;
use crate::api::schema::{Schema, Support};
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::load::Manifest;
use crate::model::pointer::{join, to_path};
use serde_json::Value;

/// One finding for each outermost field that is written and not carried out, or one for the kind. A field that is written with its
/// default is not one.
pub fn not_supported_yet(manifest: &Manifest) -> Diagnostics {
    let Some(kind) = find_kind(manifest.object.kind()) else { return Diagnostics::new() };
    let mut diagnostics = Diagnostics::new();
    if let Some(not_yet) = kind.not_yet {
        let severity = if not_yet.refused { Severity::Error } else { Severity::Warning };
        let problem = Diagnostic::new(severity, "kind-not-supported-yet", kind.not_supported_yet()).help(not_yet.help);
        diagnostics.push(problem.at(manifest.locate("/kind")).path("/kind"));
        return diagnostics;
    }
    walk("", &kind.schema, manifest.object.value(), manifest, &mut diagnostics);
    diagnostics
}

fn walk(pointer: &str, schema: &Schema, value: &Value, manifest: &Manifest, diagnostics: &mut Diagnostics) {
    let severity = match schema.support {
        Support::NotYetError => Severity::Error,
        Support::NotYetWarning => Severity::Warning,
        Support::Output => return,
        Support::Inherited | Support::CarriedOut => {
            match value {
                Value::Object(map) => {
                    for (key, child) in map {
                        if let Some(schema) = schema.child(key) {
                            walk(&join(pointer, key), schema, child, manifest, diagnostics);
                        }
                    }
                }
                Value::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        if let Some(schema) = schema.child("") {
                            walk(&format!("{pointer}/{index}"), schema, item, manifest, diagnostics);
                        }
                    }
                }
                _ => {}
            }
            return;
        }
    };
    let says_nothing = if pointer == "/spec/autoscaling" {
        // The section's presence switches autoscaling on, defaults or not; `mode: none` switches it off, whatever else is there.
        value.is_null() || value.get("mode").and_then(Value::as_str) == Some("none")
    } else {
        is_default(schema, value)
    };
    if says_nothing {
        return;
    }
    let path = to_path(pointer);
    diagnostics.push(
        Diagnostic::new(severity, "not-supported-yet", format!("`{path}` is not carried out yet"))
            .at(manifest.locate(pointer))
            .path(pointer)
            .help(if severity == Severity::Error {
                "take it out: ignoring it would touch data, availability or backups"
            } else {
                "it has no effect; take it out or leave it for later"
            }),
    );
}

/// Whether the value says nothing: empty, or the field's own default in every part.
fn is_default(schema: &Schema, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.iter().all(|(key, child)| schema.child(key).is_some_and(|schema| is_default(schema, child))),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => schema.default.as_deref() == Some(text),
        other => schema.default.as_deref() == Some(other.to_string().as_str()),
    }
}
