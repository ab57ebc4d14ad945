//! Differences between two sets of objects.

use super::compare::{FieldChange, compare_masked};
use crate::model::{Object, ObjectKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ObjectAction {
    /// It appears.
    Created,
    /// It differs.
    Changed,
    /// It is no longer rendered.
    Removed,
}

/// One object that appears, differs or goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectChange {
    /// Kind, for example `StatefulSet`.
    pub kind: String,
    /// Namespace; empty for a cluster-scoped object.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// What happens.
    pub action: ObjectAction,
    /// Field changes of an object that differs, secrets masked; empty for one that appears or goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// What that does, where the action alone would be misread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Every object that differs between two rendered sets, in the order of their keys.
pub fn object_changes(before: &[Object], after: &[Object]) -> Vec<ObjectChange> {
    let index = |objects: &[Object]| objects.iter().map(|object| (object.key(), object.clone())).collect::<BTreeMap<ObjectKey, Object>>();
    let (before, after) = (index(before), index(after));
    let keys: BTreeSet<&ObjectKey> = before.keys().chain(after.keys()).collect();
    keys.into_iter().filter_map(|key| one(key, before.get(key), after.get(key))).collect()
}

fn one(key: &ObjectKey, before: Option<&Object>, after: Option<&Object>) -> Option<ObjectChange> {
    let (action, fields) = match (before, after) {
        (Some(before), Some(after)) => {
            let fields = compare_masked(&key.kind, before.value(), after.value());
            if fields.is_empty() {
                return None;
            }
            (ObjectAction::Changed, fields)
        }
        (None, _) => (ObjectAction::Created, Vec::new()),
        (_, None) => (ObjectAction::Removed, Vec::new()),
    };
    Some(ObjectChange {
        kind: key.kind.clone(),
        namespace: key.namespace.clone().unwrap_or_default(),
        name: key.name.clone(),
        action,
        fields,
        note: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_shows_that_it_changed_and_not_to_what() {
        let secret =
            |value: &str| Object::new(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": value}}));
        let changes = object_changes(&[secret("b25l")], &[secret("dHdv")]);
        let text = serde_json::to_string(&changes).unwrap();
        assert!(text.contains("/data/k") && text.contains("(hidden)"), "{text}");
        assert!(!text.contains("b25l") && !text.contains("dHdv"), "{text}");
    }

    #[test]
    fn appearing_and_going_objects_are_named_once() {
        let map = |name: &str| Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}));
        let changes = object_changes(&[map("a"), map("b")], &[map("b"), map("c")]);
        let seen: Vec<_> = changes.iter().map(|change| (change.name.as_str(), change.action)).collect();
        assert_eq!(seen, [("a", ObjectAction::Removed), ("c", ObjectAction::Created)]);
    }
}
