//! `metadata` as the API server checks it for every object.

use super::Findings;
use super::value::matches_pattern;
use crate::diagnostics::{Diagnostic, nearest, repeated};
use crate::model::labels::{is_annotation_key, is_key, is_label_value};
use crate::model::pointer::join;
use serde_json::Value;

const SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
const LABEL: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

/// What the names of a kind look like.
pub(super) struct Naming<'a> {
    pub(super) kind: &'a str,
    pub(super) pattern: &'a str,
    /// Most characters.
    pub(super) longest: usize,
}

impl<'a> Naming<'a> {
    /// Of an object in a namespace: a DNS subdomain unless the kind says more.
    pub(super) fn of(kind: &'a str, pattern: Option<&'a str>, longest: Option<u32>) -> Self {
        Self { kind, pattern: pattern.unwrap_or(SUBDOMAIN), longest: longest.unwrap_or(253) as usize }
    }

    /// Of a Namespace: a DNS label.
    pub(super) const fn of_namespace() -> Self {
        Self { kind: "Namespace", pattern: LABEL, longest: 63 }
    }
}

/// What names of a pattern look like.
fn in_words(pattern: &str) -> &'static str {
    match pattern {
        SUBDOMAIN => "lower-case letters, digits, dashes and dots, with a letter or digit at both ends",
        LABEL => "lower-case letters, digits and dashes, with a letter or digit at both ends",
        _ => "lower-case letters, digits and dashes, with a letter first and no dash last",
    }
}

const KEY: &str = "write a name of at most 63 letters, digits, dashes, underscores and dots, with a letter or digit at both ends; before it may stand a DNS name and a slash, for example example.com/team";
const LABEL_VALUE: &str = "write at most 63 letters, digits, dashes, underscores and dots, with a letter or digit at both ends; a longer text can be an annotation";

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

pub(super) fn check(naming: &Naming<'_>, value: &Value, findings: &mut Findings) {
    let Some(metadata) = value.get("metadata").and_then(Value::as_object) else {
        findings.push((
            "/metadata".to_owned(),
            Diagnostic::error("missing-field", "the required field `metadata` is absent").help("add `metadata:` with `name` below it"),
        ));
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
        let Naming { kind, pattern, longest } = naming;
        if name.len() > *longest || !matches_pattern(pattern, name) || !matches_pattern(SUBDOMAIN, name) {
            findings.push((
                "/metadata/name".to_owned(),
                Diagnostic::error(
                    "bad-name",
                    format!("`{name}` cannot be the name of {} {kind}", if kind.starts_with("SG") { "an" } else { "a" }),
                )
                .help(format!("write at most {longest} characters: {}; it must match {pattern}", in_words(pattern))),
            ));
        }
    }
    if let Some(namespace) = text("namespace")
        && (namespace.len() > 63 || !matches_pattern(LABEL, namespace))
    {
        findings.push((
            "/metadata/namespace".to_owned(),
            Diagnostic::error("bad-name", format!("`{namespace}` cannot be the name of a namespace"))
                .help(format!("write at most 63 characters: {}", in_words(LABEL))),
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
        findings.push((pointer, Diagnostic::error("wrong-type", "the field takes a mapping").help("write KEY: TEXT below it")));
        return;
    };
    for (key, value) in map {
        let place = join(&pointer, key);
        if !(if field == "labels" { is_key(key) } else { is_annotation_key(key) }) {
            findings.push((place.clone(), Diagnostic::error("bad-label", format!("`{key}` is no valid key")).help(KEY)));
        }
        match value {
            Value::String(text) if field == "labels" && !is_label_value(text) => {
                let problem = Diagnostic::error("bad-label", format!("`{}` is no valid label value", repeated(&place, text)));
                findings.push((place, problem.help(LABEL_VALUE)));
            }
            // The API server reads a null as empty text.
            Value::String(_) | Value::Null => {}
            other => {
                let help = format!("quote it: \"{}\"", repeated(&place, &other.to_string()));
                findings.push((place, Diagnostic::error("wrong-type", "the field takes text").help(help)));
            }
        }
    }
}
