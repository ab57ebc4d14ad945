//! `metadata` as the API server checks it for every object.

use super::Findings;
use super::value::matches_pattern;
use crate::api::Kind;
use crate::diagnostics::{Diagnostic, nearest};
use crate::model::pointer::join;
use serde_json::Value;

const SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
const LABEL: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
const QUALIFIED: &str = r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$";

/// Fields of ObjectMeta. Source: Kubernetes API reference, `ObjectMeta v1`.
const FIELDS: &[&str] = &[
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

pub(super) fn check(kind: &Kind, value: &Value, findings: &mut Findings) {
    let Some(metadata) = value.get("metadata").and_then(Value::as_object) else {
        findings.push(("/metadata".to_owned(), Diagnostic::error("missing-field", "the required field `metadata` is absent")));
        return;
    };
    for key in metadata.keys().filter(|key| !FIELDS.contains(&key.as_str())) {
        let problem = Diagnostic::error("unknown-field", format!("there is no field `{key}` in metadata"));
        let help = nearest(key, FIELDS.iter().copied())
            .map_or_else(|| "annotations and labels take free keys".to_owned(), |name| format!("did you mean `{name}`?"));
        findings.push((join("/metadata", key), problem.help(help)));
    }
    let text = |field: &str| metadata.get(field).and_then(Value::as_str);
    if let Some(name) = text("name") {
        let pattern = kind.name_pattern.unwrap_or(SUBDOMAIN);
        let longest = kind.name_max_length.unwrap_or(253) as usize;
        if name.len() > longest || !matches_pattern(pattern, name) || !matches_pattern(SUBDOMAIN, name) {
            findings.push((
                "/metadata/name".to_owned(),
                Diagnostic::error("bad-name", format!("`{name}` cannot be the name of an {}", kind.kind))
                    .help(format!("at most {longest} characters, matching {pattern}")),
            ));
        }
    }
    if let Some(namespace) = text("namespace")
        && (namespace.len() > 63 || !matches_pattern(LABEL, namespace))
    {
        findings.push((
            "/metadata/namespace".to_owned(),
            Diagnostic::error("bad-name", format!("`{namespace}` cannot be the name of a namespace")),
        ));
    }
    for field in ["labels", "annotations"] {
        entries(field, metadata.get(field), findings);
    }
}

fn entries(field: &str, value: Option<&Value>, findings: &mut Findings) {
    let pointer = format!("/metadata/{field}");
    let Some(value) = value.filter(|value| !value.is_null()) else { return };
    let Some(map) = value.as_object() else {
        findings.push((pointer, Diagnostic::error("wrong-type", "the field takes a mapping")));
        return;
    };
    for (key, value) in map {
        let place = join(&pointer, key);
        let (prefix, name) = key.split_once('/').unwrap_or(("", key));
        if name.is_empty()
            || name.len() > 63
            || !matches_pattern(QUALIFIED, name)
            || (key.contains('/') && (prefix.is_empty() || prefix.len() > 253 || !matches_pattern(SUBDOMAIN, prefix)))
        {
            findings.push((place.clone(), Diagnostic::error("bad-label", format!("`{key}` is no valid key"))));
        }
        match value {
            Value::String(text) if field == "labels" && (text.len() > 63 || !(text.is_empty() || matches_pattern(QUALIFIED, text))) => {
                findings.push((place, Diagnostic::error("bad-label", format!("`{text}` is no valid label value"))));
            }
            Value::String(_) => {}
            other => findings.push((place, Diagnostic::error("wrong-type", "the field takes text").help(format!("quote it: \"{other}\"")))),
        }
    }
}
