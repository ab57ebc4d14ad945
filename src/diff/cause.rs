//! What a person changed, and where.

use super::Version;
use super::compare::{FieldChange, compare};
use super::objects::mask;
use crate::diagnostics::Location;
use crate::model::ObjectKey;
use crate::postgres;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
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
/// Only what a person writes is compared: `status` and what the API server adds to `metadata` are left out.
pub fn causes(before_version: Option<&Version>, after_version: Option<&Version>) -> Vec<Cause> {
    let major = after_version.or(before_version).map_or(0, |version| version.effective.postgres.major);
    let index = |version: Option<&Version>| -> BTreeMap<ObjectKey, crate::load::Manifest> {
        version.into_iter().flat_map(|version| &version.manifests).map(|manifest| (manifest.key(), manifest.clone())).collect()
    };
    let (before, after) = (index(before_version), index(after_version));
    let keys: BTreeSet<&ObjectKey> = before.keys().chain(after.keys()).collect();
    let mut causes = Vec::new();
    for key in keys {
        let place = |pointer: &str| after.get(key).or_else(|| before.get(key)).map(|manifest| manifest.locate(pointer));
        let written =
            |manifests: &BTreeMap<ObjectKey, crate::load::Manifest>| manifests.get(key).map(|manifest| as_written(manifest.object.value()));
        let changes = match (written(&before), written(&after)) {
            (Some(before), Some(after)) => compare(&before, &after),
            (before, after) => vec![FieldChange { pointer: String::new(), path: String::new(), before, after }],
        };
        for mut change in changes.into_iter().filter(|change| !respelled(major, change)) {
            mask(&key.kind, &mut change);
            let location = place(&change.pointer).unwrap_or(Location { file: String::new(), line: 0, column: 0 });
            causes.push(Cause { kind: key.kind.clone(), name: key.name.clone(), location, change });
        }
    }
    causes
}

/// A parameter whose value is only spelled in another way (`16MB`, `16384kB`).
fn respelled(major: u32, change: &FieldChange) -> bool {
    let Some((section, parameter)) = change.pointer.rsplit_once('/') else { return false };
    let text = |value: &Option<serde_json::Value>| value.as_ref().and_then(|value| value.as_str().map(str::to_owned));
    section.ends_with("/postgresql.conf")
        && matches!((text(&change.before), text(&change.after)), (Some(before), Some(after)) if postgres::same_value(major, parameter, &before, &after))
}

/// The part of an object that a person writes.
fn as_written(value: &serde_json::Value) -> serde_json::Value {
    let mut value = value.clone();
    if let Some(root) = value.as_object_mut() {
        root.remove("status");
        if let Some(metadata) = root.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
            for field in
                ["managedFields", "uid", "resourceVersion", "generation", "creationTimestamp", "selfLink", "ownerReferences", "finalizers"]
            {
                metadata.remove(field);
            }
            if let Some(annotations) = metadata.get_mut("annotations").and_then(serde_json::Value::as_object_mut) {
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
            }
        }
    }
    value
}
