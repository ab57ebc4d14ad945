//! The two kinds of Kubernetes itself that a source may hold: Namespace and ConfigMap.
//!
//! Source: Kubernetes API reference, "ConfigMap v1" and "Namespace v1"; Kubernetes documentation, "ConfigMaps" for keys and size.

use super::Findings;
use super::metadata::{self, Naming};
use crate::diagnostics::{Diagnostic, nearest, repeated};
use crate::load::Manifest;
use crate::model::pointer::join;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Most bytes of all values of a ConfigMap together.
const LARGEST: usize = 1 << 20;

pub(super) fn check(manifest: &Manifest, findings: &mut Findings) {
    let value = manifest.object.value();
    let (naming, fields): (_, &[&str]) = match manifest.object.kind() {
        "ConfigMap" => (Naming::of("ConfigMap", None, None), &["binaryData", "data", "immutable"]),
        "Namespace" => (Naming::of_namespace(), &["spec", "status"]),
        _ => return,
    };
    metadata::check(&naming, value, findings);
    let known = |key: &str| ["apiVersion", "kind", "metadata"].contains(&key) || fields.contains(&key);
    for (key, _) in value.as_object().into_iter().flatten().filter(|(key, _)| !known(key)) {
        let problem = Diagnostic::error("unknown-field", format!("there is no field `{key}` here"));
        let help = nearest(key, fields.iter().copied())
            .map_or_else(|| format!("the fields are {}", fields.join(", ")), |near| format!("did you mean `{near}`?"));
        findings.push((join("", key), problem.help(help)));
    }
    if naming.kind == "ConfigMap" {
        config_map(value, findings);
    } else if value.get("spec").is_some_and(|spec| !spec.is_null() && !spec.is_object()) {
        findings.push(("/spec".to_owned(), Diagnostic::error("wrong-type", "the field takes a mapping").help("take it out")));
    }
}

fn config_map(value: &Value, findings: &mut Findings) {
    let mut size = 0;
    for field in ["data", "binaryData"] {
        let pointer = join("", field);
        match value.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::Object(map)) => {
                for (key, entry) in map {
                    let place = join(&pointer, key);
                    size += entry.as_str().map_or(0, str::len);
                    if let Some(problem) = entry_problem(field, key, entry) {
                        findings.push((place.clone(), problem));
                    }
                    if field == "binaryData" && value.get("data").and_then(|data| data.get(key)).is_some() {
                        let problem = Diagnostic::error("duplicate-key", format!("`{key}` stands in `data` as well"));
                        findings.push((place, problem.help("keep one of them")));
                    }
                }
            }
            Some(_) => {
                findings.push((pointer, Diagnostic::error("wrong-type", "the field takes a mapping").help("write KEY: TEXT below it")));
            }
        }
    }
    if value.get("immutable").is_some_and(|immutable| !immutable.is_null() && !immutable.is_boolean()) {
        findings
            .push(("/immutable".to_owned(), Diagnostic::error("wrong-type", "the field takes true or false").help("write true or false")));
    }
    if size > LARGEST {
        let problem = Diagnostic::error("wrong-length", format!("the values hold {size} bytes; a ConfigMap takes {LARGEST}"));
        findings.push(("/data".to_owned(), problem.help("split it")));
    }
}

fn entry_problem(field: &str, key: &str, entry: &Value) -> Option<Diagnostic> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if key.is_empty() || key.len() > 253 || !key.bytes().all(fits) || key == "." || key.starts_with("..") {
        let problem = Diagnostic::error("pattern-mismatch", format!("`{key}` cannot be a key of a ConfigMap"));
        return Some(problem.help("write letters, digits, dashes, underscores and dots: keys become file names"));
    }
    match entry {
        Value::String(text) if field == "binaryData" && STANDARD.decode(text.replace(['\n', '\r'], "")).is_err() => {
            Some(Diagnostic::error("pattern-mismatch", "the value is not base64").help("encode it, or put text into `data`"))
        }
        // A list of bytes is read as these bytes.
        Value::Array(bytes) if field == "binaryData" && bytes.iter().all(|byte| byte.as_u64().is_some_and(|byte| byte < 256)) => None,
        // The API server reads a null as empty text.
        Value::String(_) | Value::Null => None,
        other @ (Value::Bool(_) | Value::Number(_)) => Some(
            Diagnostic::error("wrong-type", "the field takes text").help(format!("quote it: \"{}\"", repeated(key, &other.to_string()))),
        ),
        _ => Some(Diagnostic::error("wrong-type", "the field takes text").help("write the content as a block: `KEY: |`")),
    }
}
