//! What a person changed, and where.

use super::Version;
use super::compare::{FieldChange, compare, compare_masked};
use super::mask::mask_object;
use crate::diagnostics::Location;
use crate::model::ObjectKey;
use crate::postgres;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One change in a manifest: the reason for everything else in a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// Kind of the manifest.
    pub kind: String,
    /// Its name; it may be a shared configuration in another namespace.
    pub name: String,
    /// Where the newer value is written; for a removal, where its parent is.
    #[serde(flatten)]
    pub location: Location,
    /// The change, secrets masked; an empty path for a manifest that appears or goes as a whole.
    pub change: FieldChange,
}

/// Every difference between the manifests of two versions, with the place of the newer value.
///
/// Only what a person writes is compared: `status` and what the API server adds to `metadata` are left out. A document that comes
/// or goes because a reference to it changed is told by that reference alone: it may well be there on both sides.
pub fn causes(before_version: Option<&Version>, after_version: Option<&Version>) -> Vec<Cause> {
    let major = after_version.or(before_version).map_or(0, |version| version.effective.postgres.major);
    let index = |version: Option<&Version>| -> BTreeMap<ObjectKey, (crate::load::Manifest, Value)> {
        version
            .into_iter()
            .flat_map(|version| &version.manifests)
            .map(|manifest| (manifest.key(), (manifest.clone(), as_written(manifest.object.value()))))
            .collect()
    };
    let (before, after) = (index(before_version), index(after_version));
    let keys: BTreeSet<&ObjectKey> = before.keys().chain(after.keys()).collect();
    let mut causes = Vec::new();
    let mut references: BTreeSet<String> = BTreeSet::new();
    let mut whole: Vec<Cause> = Vec::new();
    for key in keys {
        let place = |pointer: &str| after.get(key).or_else(|| before.get(key)).map(|(manifest, _)| manifest.locate(pointer));
        let cause = |change: FieldChange| {
            let location = place(&change.pointer).unwrap_or(Location { file: String::new(), line: 0, column: 0 });
            Cause { kind: key.kind.clone(), name: key.name.clone(), location, change }
        };
        match (before.get(key), after.get(key)) {
            (Some((_, before)), Some((_, after))) => {
                let changes = compare(before, after);
                if key.kind == "SGCluster" {
                    changes
                        .iter()
                        .flat_map(|change| [&change.before, &change.after])
                        .flatten()
                        .for_each(|value| texts(value, &mut references));
                }
                let shown = changes.iter().zip(compare_masked(&key.kind, before, after)).filter(|(change, _)| !respelled(major, change));
                causes.extend(shown.map(|(_, masked)| cause(masked)));
            }
            (before, after) => {
                let masked = |side: Option<&(crate::load::Manifest, Value)>| side.map(|(_, value)| mask_object(&key.kind, value));
                whole.push(cause(FieldChange {
                    pointer: String::new(),
                    path: String::new(),
                    before: masked(before),
                    after: masked(after),
                }));
            }
        }
    }
    causes.extend(whole.into_iter().filter(|cause| !references.contains(&cause.name)));
    causes
}

/// Every text inside a value: the names a reference may hold.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(map) => map.values().for_each(|child| texts(child, found)),
        _ => {}
    }
}

/// A parameter whose value is only spelled in another way (`16MB`, `16384kB`).
fn respelled(major: u32, change: &FieldChange) -> bool {
    let Some((section, parameter)) = change.pointer.rsplit_once('/') else { return false };
    let text = |value: &Option<Value>| value.as_ref().and_then(|value| value.as_str().map(str::to_owned));
    section.ends_with("/postgresql.conf")
        && matches!((text(&change.before), text(&change.after)), (Some(before), Some(after)) if postgres::same_value(major, parameter, &before, &after))
}

/// The part of an object that a person writes.
fn as_written(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(root) = value.as_object_mut() {
        root.remove("status");
        if let Some(metadata) = root.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in
                ["managedFields", "uid", "resourceVersion", "generation", "creationTimestamp", "selfLink", "ownerReferences", "finalizers"]
            {
                metadata.remove(field);
            }
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
            }
        }
    }
    value
}
