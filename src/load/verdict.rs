//! What a document is to this program.

use super::backup_config;
use super::kinds::{group_is_near, is_backup_config, kind_is_near, ours_by_name, successor, unknown};
use crate::api::{GROUP, Kind, find_kind};
use crate::diagnostics::{Diagnostic, nearest};
use serde_json::{Map, Value};

/// What becomes of a document.
pub(super) enum Verdict {
    /// Ours to manage.
    Managed,
    /// A list whose items are judged one by one. What an item has when it does not say so: API version and kind.
    List(Option<(String, String)>),
    /// Named and not touched; says why.
    LeftAlone(&'static str),
    /// A mistake, and the pointer it is at.
    Problem(&'static str, Diagnostic),
    /// Of an older version of the API, or written as another one: the kind that it is now, the mistake and the pointer it is at.
    Outdated(&'static Kind, &'static str, Diagnostic),
    /// Nothing in it.
    Empty,
}

/// Judges a document by its kind.
pub(super) fn judge(value: &Value) -> Verdict {
    let Some(map) = value.as_object() else { return not_an_object(value) };
    let text = |field: &str| map.get(field).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let group = version.split_once('/').map_or("", |(group, _)| group);
    if let Some(item) = kind.strip_suffix("List").filter(|_| map.contains_key("items")) {
        match (group, item) {
            ("" | GROUP, "") => return Verdict::List(None),
            ("", "ConfigMap" | "Namespace" | "Secret") => return Verdict::List(Some(("v1".to_owned(), item.to_owned()))),
            (GROUP, _) if find_kind(item).is_some() => return Verdict::List(Some((version.to_owned(), item.to_owned()))),
            _ => {}
        }
    }
    if kind == "List" && group.is_empty() {
        let problem = Diagnostic::error("missing-field", "the list has no `items`");
        return Verdict::Problem("", problem.help("add `items` with the objects, or take the document out"));
    }
    let is_secret = |kind: &str| kind.eq_ignore_ascii_case("secret");
    if is_secret(kind) && group.is_empty() || any(map, "kind", is_secret) && (version.is_empty() || kind.is_empty()) {
        return secret(value);
    }
    if version.is_empty() || kind.is_empty() {
        return match misspelt(map) {
            Some((pointer, problem)) => Verdict::Problem(pointer, problem),
            None => Verdict::LeftAlone("YAML that is no Kubernetes object"),
        };
    }
    match kind {
        _ if is_backup_config(kind) => Verdict::Problem("/kind", backup_config::refused(value)),
        _ if group == GROUP => ours(version, kind),
        _ if ours_by_name(kind).is_some() || group_is_near(version) || kind_is_near(kind) => near(version, kind),
        _ if encrypted(value) => Verdict::LeftAlone("encrypted with SOPS: something else must decrypt and apply it"),
        "Namespace" | "ConfigMap" if version == "v1" => Verdict::Managed,
        "SealedSecret" => Verdict::LeftAlone("a sealed Secret: its own controller unseals it"),
        "Kustomization" | "Component" if group.starts_with("kustomize") => {
            Verdict::LeftAlone("a kustomization file: render it before committing")
        }
        _ => Verdict::LeftAlone("a kind this program does not manage"),
    }
}

/// A document that is no mapping. A bare list of objects is none of Kubernetes's forms, and may hold a cluster all the same.
fn not_an_object(value: &Value) -> Verdict {
    match value {
        Value::Null => Verdict::Empty,
        Value::Array(items)
            if items.iter().any(|item| matches!(judge(item), Verdict::Managed | Verdict::Problem(..) | Verdict::Outdated(..))) =>
        {
            Verdict::Problem(
                "",
                Diagnostic::error("unclear-identity", "a list of objects stands where one object must")
                    .help("separate the objects by `---` lines, or put them into the items of a `kind: List`"),
            )
        }
        _ => Verdict::LeftAlone("YAML that is no Kubernetes object"),
    }
}

/// Whether a text stands under a key that is a field's name or nearly so, alone or in a list.
fn any(map: &Map<String, Value>, field: &str, is: impl Fn(&str) -> bool) -> bool {
    entries(map, field).any(|(_, value)| match value {
        Value::String(text) => is(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).any(&is),
        _ => false,
    })
}

fn entries<'a>(map: &'a Map<String, Value>, field: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    map.iter().filter(move |(key, _)| key.as_str() == field || nearest(key.trim(), [field].into_iter()).is_some())
}

/// A document without a readable kind or version whose rest says that it is ours.
fn misspelt(map: &Map<String, Value>) -> Option<(&'static str, Diagnostic)> {
    let named = any(map, "kind", |kind| ours_by_name(kind).is_some() || kind_is_near(kind));
    if !named && !any(map, "apiVersion", |version| version.starts_with(GROUP) || group_is_near(version)) {
        return None;
    }
    let wrong = |field: &'static str| {
        let value = map.get(field);
        let problem = match (value, entries(map, field).next()) {
            (Some(Value::String(text)), _) if !text.is_empty() => return None,
            (Some(value), _) if !value.is_null() && !value.is_string() => {
                Diagnostic::error("unclear-identity", format!("`{field}` takes text")).help(format!("write `{field}:` with one word"))
            }
            (None, Some((key, _))) => {
                Diagnostic::error("unclear-identity", format!("there is no field `{key}`")).help(format!("write `{field}`; case matters"))
            }
            _ => Diagnostic::error("unclear-identity", format!("the document looks like one of ours and has no `{field}`"))
                .help(format!("add `{field}`")),
        };
        Some(problem)
    };
    match (wrong("kind"), wrong("apiVersion")) {
        (Some(problem), _) => Some(("/kind", problem)),
        (None, Some(problem)) => Some(("/apiVersion", problem)),
        (None, None) => None,
    }
}

/// Our kind under another group, or nearly our group or kind.
fn near(version: &str, kind: &str) -> Verdict {
    match find_kind(kind) {
        Some(found) => outdated(found, version),
        None => match successor(kind) {
            Some(found) => renamed(found, kind),
            None if kind_is_near(kind) => Verdict::Problem("/kind", unknown(kind)),
            None => Verdict::Problem(
                "/apiVersion",
                Diagnostic::error("wrong-api-version", format!("there is no API {version} here")).help(format!("did you mean {GROUP}?")),
            ),
        },
    }
}

fn ours(version: &str, kind: &str) -> Verdict {
    match find_kind(kind) {
        Some(_) if kind == "SGFleet" => Verdict::LeftAlone("an SGFleet is set up beside its repository, not in it"),
        Some(found) if found.api_version() == version => Verdict::Managed,
        Some(found) => outdated(found, version),
        None => successor(kind).map_or_else(|| Verdict::Problem("/kind", unknown(kind)), |found| renamed(found, kind)),
    }
}

/// A kind of ours in a version that is not served.
fn outdated(kind: &'static Kind, version: &str) -> Verdict {
    let problem = Diagnostic::error("wrong-api-version", format!("{} is not served as {version}", kind.kind));
    let help = format!("write `apiVersion: {}`; what else has to change is told at its own line", kind.api_version());
    Verdict::Outdated(kind, "/apiVersion", problem.help(help))
}

/// A kind of ours by the name that it had once.
fn renamed(kind: &'static Kind, old: &str) -> Verdict {
    let problem = Diagnostic::error("unknown-kind", format!("{old} is of an early version of the API"));
    let help =
        format!("write `apiVersion: {}` and `kind: {}`; what else has to change is told at its own line", kind.api_version(), kind.kind);
    Verdict::Outdated(kind, "/kind", problem.help(help))
}

/// SOPS writes a checksum, and every value of a Secret as `ENC[…]`. A section of that name alone protects nothing.
fn encrypted(value: &Value) -> bool {
    let sealed = |field: &str| match value.get(field) {
        None | Some(Value::Null) => true,
        Some(Value::Object(map)) => map.values().all(|value| match value {
            Value::String(text) => text.is_empty() || text.starts_with("ENC["),
            other => other.is_null(),
        }),
        Some(_) => false,
    };
    let is_secret = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("secret"));
    let checked = value.pointer("/sops/mac").and_then(Value::as_str).is_some_and(|mac| !mac.is_empty());
    checked && (!is_secret || sealed("data") && sealed("stringData"))
}

fn secret(value: &Value) -> Verdict {
    let filled = |field: &str| match value.get(field) {
        None | Some(Value::Null) => false,
        Some(Value::Object(map)) => !map.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    if encrypted(value) {
        return Verdict::LeftAlone("encrypted with SOPS: something else must decrypt and apply it");
    }
    if filled("data") || filled("stringData") {
        return Verdict::Problem(
            "",
            Diagnostic::error("clear-text-secret", "a Secret stands in clear text")
                .help("keep it out of Git: make it in the cluster (vault, sealed or SOPS-encrypted Secret) and refer to it by name; treat the value as leaked"),
        );
    }
    Verdict::LeftAlone("a Secret without content")
}
