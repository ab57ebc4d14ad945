//! Differences between the values two versions run with.

use super::Version;
use super::mask::mask_effective;
use super::meaning::same_meaning;
use crate::model::pointer::join;
use crate::postgres;
use crate::resolve::{Effective, EffectiveValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One effective value that differs, whoever changed it: a manifest, a profile, a tuning formula or a new default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveChange {
    /// What it is: `postgres.parameters.work_mem`, `images.postgres`, `instances`.
    pub name: String,
    /// Before; absent when it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// After; absent when it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Where the newer value comes from, in words: `default`, `tuned: memory 2048MiB`, `profile testing`, `clusters/a.yaml:12:5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// Parts of the effective values that hold what was written.
const PASSED_THROUGH: &[&str] =
    &["annotations", "cluster", "labels", "managedSql", "patroni", "pods", "primaryService.spec", "replicasService.spec", "replicateFrom"];

type Entries = BTreeMap<String, (Value, Option<String>)>;

/// Every effective value that differs in meaning between two versions, by name.
///
/// A parameter that nobody sets has PostgreSQL's own default: writing that default is no difference, and a removal shows it.
pub fn effective_changes(before: Option<&Version>, after: Option<&Version>) -> Vec<EffectiveChange> {
    let major = after.or(before).map_or(0, |version| version.effective.postgres.major);
    let entries = |version: Option<&Version>| version.map(|version| flatten(&version.effective)).unwrap_or_default();
    let (mut old, mut new) = (entries(before), entries(after));
    if let (Some(before), Some(after)) = (before, after) {
        fill_built_in(before.effective.postgres.major, &mut old, &new);
        fill_built_in(after.effective.postgres.major, &mut new, &old);
        for (part, was, is) in [
            ("pooling", before.effective.pooling.is_some(), after.effective.pooling.is_some()),
            ("exporter", before.effective.exporter.is_some(), after.effective.exporter.is_some()),
        ] {
            if was != is {
                switch(part, was, &mut old);
                switch(part, is, &mut new);
            }
        }
    }
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let (old, new) = (old.get(name), new.get(name));
            if let (Some((old, _)), Some((new, _))) = (old, new)
                && same(major, name, old, new)
            {
                return None;
            }
            let masked = |entry: Option<&(Value, Option<String>)>| entry.map(|(value, _)| mask_effective(name, value));
            let origin = new.and_then(|(_, origin)| origin.clone());
            Some(EffectiveChange { name: name.clone(), before: masked(old), after: masked(new), origin })
        })
        .collect()
}

const PARAMETERS: &str = "postgres.parameters.";

/// Adds PostgreSQL's own default of every parameter that only the other side sets.
fn fill_built_in(major: u32, entries: &mut Entries, other: &Entries) {
    for name in other.keys().filter(|name| !entries.contains_key(*name)).cloned().collect::<Vec<_>>() {
        if let Some(value) = name.strip_prefix(PARAMETERS).and_then(|parameter| postgres::built_in_default(major, parameter)) {
            entries.insert(name, (Value::from(value), Some("PostgreSQL's own default".to_owned())));
        }
    }
}

/// A part that is switched on or off is one difference, not one for each of its settings.
fn switch(part: &str, on: bool, entries: &mut Entries) {
    entries.retain(|name, _| name.strip_prefix(part).is_none_or(|rest| !rest.starts_with('.')));
    entries.insert(part.to_owned(), (Value::from(if on { "on" } else { "off" }), None));
}

fn same(major: u32, name: &str, old: &Value, new: &Value) -> bool {
    if let (Some(parameter), Some(old), Some(new)) = (name.strip_prefix(PARAMETERS), old.as_str(), new.as_str()) {
        return postgres::same_value(major, parameter, old, new);
    }
    if let (Some(setting), Some(old), Some(new)) = (name.strip_prefix("pooling.parameters."), old.as_str(), new.as_str()) {
        return postgres::same_pooler_value(setting, old, new);
    }
    same_meaning(&format!("/{}", name.replace('.', "/")), old, new)
}

/// Every value by a dotted name. Lists and free-form parts stay whole: their field changes are among the object changes.
fn flatten(effective: &Effective) -> Entries {
    let mut entries = Entries::new();
    if let Ok(value) = serde_json::to_value(effective) {
        walk("", "", &value, &mut entries);
    }
    // Parts that pass through as written are shown as what a person changed, and by the objects they end up in.
    entries.retain(|name, _| {
        !PASSED_THROUGH.iter().any(|part| name == part || name.strip_prefix(part).is_some_and(|rest| rest.starts_with('.')))
    });
    entries
}

fn walk(pointer: &str, name: &str, value: &Value, entries: &mut Entries) {
    if let Some((inner, origin)) = with_origin(value) {
        entries.insert(name.to_owned(), (inner, Some(origin)));
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                let child_name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                walk(&join(pointer, key), &child_name, child, entries);
            }
        }
        Value::Null => {}
        Value::Array(items) if items.is_empty() => {}
        other => {
            entries.insert(name.to_owned(), (other.clone(), None));
        }
    }
}

/// An [`EffectiveValue`] in its serialised form.
fn with_origin(value: &Value) -> Option<(Value, String)> {
    let map = value.as_object().filter(|map| map.len() == 2 && map.contains_key("value") && map.contains_key("origin"))?;
    let read: EffectiveValue<Value> = serde_json::from_value(Value::Object(map.clone())).ok()?;
    Some((read.value, read.origin.to_string()))
}
