//! Which object a document is, and whether that is known at all.

use super::kinds::may_be_cluster;
use super::sort::LoadOptions;
use crate::diagnostics::{Diagnostic, Diagnostics, SourceMap};
use serde_json::Value;

/// Name and namespace of a managed object; a namespace that the source decides is filled in.
pub(super) fn identity(value: &mut Value, positions: &SourceMap, options: &LoadOptions) -> Diagnostics {
    let mut problems = not_text(value, positions);
    if !problems.is_empty() {
        return problems;
    }
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = text(value, "/kind");
    if text(value, "/metadata/name").is_empty() {
        let help = if value.pointer("/metadata/generateName").is_some() {
            "generateName has no place in Git: every run would make another object"
        } else {
            "add metadata.name"
        };
        problems.push(
            Diagnostic::error("missing-name", format!("the {kind} has no name"))
                .at(positions.locate("/metadata"))
                .path("/metadata/name")
                .help(help),
        );
        return problems;
    }
    if kind == "Namespace" {
        let name = text(value, "/metadata/name");
        if !options.namespaces.is_empty() && !options.namespaces.contains(&name) {
            problems.push(not_allowed(&name, options).at(positions.locate("/metadata/name")).path("/metadata/name"));
        }
        return problems;
    }
    let namespace = text(value, "/metadata/namespace");
    match (namespace.is_empty(), &options.default_namespace) {
        (false, _) => {
            if !options.namespaces.is_empty() && !options.namespaces.contains(&namespace) {
                problems.push(not_allowed(&namespace, options).at(positions.locate("/metadata/namespace")).path("/metadata/namespace"));
            }
        }
        (true, Some(default)) => {
            if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("namespace".to_owned(), Value::from(default.clone()));
            }
        }
        (true, None) => problems.push(
            Diagnostic::error("missing-namespace", format!("the {kind} names no namespace"))
                .at(positions.locate("/metadata"))
                .path("/metadata/namespace")
                .help(format!("add metadata.namespace: one of {}", options.namespaces.join(", "))),
        ),
    }
    problems
}

/// Parts of the identity that are there and are no text. Taking them for absent would put the object into another namespace.
fn not_text(value: &Value, positions: &SourceMap) -> Diagnostics {
    let mut problems = Diagnostics::new();
    let mut wrong = |pointer: &str, message: String, help: String| {
        problems.push(Diagnostic::error("wrong-type", message).at(positions.locate(pointer)).path(pointer).help(help));
    };
    match value.get("metadata") {
        None | Some(Value::Null | Value::Object(_)) => {}
        Some(_) => wrong("/metadata", "`metadata` takes a mapping".to_owned(), "write `metadata:` with `name:` below it".to_owned()),
    }
    for field in ["name", "namespace"] {
        let pointer = format!("/metadata/{field}");
        match value.pointer(&pointer) {
            None | Some(Value::Null | Value::String(_)) => {}
            Some(other @ (Value::Number(_) | Value::Bool(_))) => {
                wrong(&pointer, format!("`metadata.{field}` takes text"), format!("quote it: \"{other}\""));
            }
            Some(_) => wrong(&pointer, format!("`metadata.{field}` takes text"), "write one word".to_owned()),
        }
    }
    problems
}

fn not_allowed(namespace: &str, options: &LoadOptions) -> Diagnostic {
    Diagnostic::error("namespace-not-allowed", format!("the fleet may not touch the namespace {namespace}"))
        .help(format!("it may touch {}; spec.namespaces of the SGFleet decides", options.namespaces.join(", ")))
}

/// Whether a document that cannot be used may be a cluster whose name or namespace is not known. `open` is the part that a
/// broken document ended in; `default` says whether a namespace that is not written is known.
pub(super) fn cluster_is_unknown(value: &Value, problems: &Diagnostics, open: Option<&str>, default: bool) -> bool {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let doubtful = |path: &str| problems.iter().any(|problem| problem.is_error() && problem.path == path);
    let kind = text("/kind");
    let is_list = kind.ends_with("List");
    if !doubtful("kind") && !is_list && !may_be_cluster(kind) {
        return false;
    }
    let group = text("/apiVersion").split_once('/').map(|(group, _)| group);
    if kind.is_empty() && group.is_some_and(|group| group.contains('.') && !super::kinds::group_is_near(group)) && !doubtful("apiVersion") {
        return false;
    }
    if is_list || kind != "SGCluster" || doubtful("kind") {
        return true;
    }
    let merged = |path: &str| problems.iter().any(|problem| problem.code == "merge-key" && problem.path == path);
    if ["metadata", "metadata.name"].into_iter().any(doubtful) || merged("[\"<<\"]") || merged("metadata[\"<<\"]") {
        return true;
    }
    let still_open = open.is_some_and(|open| open.is_empty() || open.starts_with("/metadata"));
    let foreign = problems.iter().any(|problem| problem.code == "namespace-not-allowed");
    let namespace = text("/metadata/namespace");
    text("/metadata/name").is_empty() || (namespace.is_empty() && (!default || still_open)) || (doubtful("metadata.namespace") && !foreign)
}

/// Whether a document may be a Secret: nothing that it holds may be repeated in a message.
pub(super) fn may_be_secret(value: &Value) -> bool {
    match value.get("kind").and_then(Value::as_str) {
        Some(kind) => kind.to_ascii_lowercase().contains("secret") || kind.ends_with("List"),
        None => true,
    }
}

/// The finding without the value it is about.
pub(super) fn quietly(mut problem: Diagnostic) -> Diagnostic {
    let (message, help) = match problem.code.as_str() {
        "ambiguous-scalar" => ("readers of YAML disagree about this value", "quote it if it is text"),
        "not-a-json-value" => ("the value cannot stand in a Kubernetes object", "write a plain or quoted value"),
        "not-text-key" => ("a key is not text", "quote it"),
        _ => return problem,
    };
    message.clone_into(&mut problem.message);
    problem.help = Some(help.to_owned());
    problem
}
