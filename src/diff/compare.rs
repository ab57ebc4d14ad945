//! Field-by-field comparison of two values.

use super::mask::mask_object;
use super::meaning::same_meaning;
use crate::diagnostics::HIDDEN;
use crate::model::pointer::{join, to_path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// One difference at one path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldChange {
    /// JSON pointer in the newer value, or in the older one for something removed.
    pub pointer: String,
    /// Path for people; list items by their name: `spec.containers[patroni].image`.
    pub path: String,
    /// Value before; absent for an addition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Value after; absent for a removal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Every difference between two values, by path. Equal meaning is no difference; `null` and an absent field are the same.
///
/// An added or removed mapping is one change, so that a new container is one line and not twenty.
pub fn compare(before: &Value, after: &Value) -> Vec<FieldChange> {
    differences(before, after).into_iter().map(|(change, _)| change).collect()
}

/// Like [`compare`], with secrets masked. The whole objects are masked before a change is cut out of them, because what makes a
/// value secret may stand beside it: the name of a variable, the flag before an argument.
pub(super) fn compare_masked(kind: &str, before: &Value, after: &Value) -> Vec<FieldChange> {
    let changes = differences(before, after);
    if changes.is_empty() {
        return Vec::new();
    }
    let (old, new) = (mask_object(kind, before), mask_object(kind, after));
    let masked = |found: Option<&Value>| Some(found.cloned().unwrap_or_else(|| Value::from(HIDDEN)));
    changes
        .into_iter()
        .map(|(change, old_pointer)| FieldChange {
            before: change.before.and_then(|_| masked(old.pointer(&old_pointer))),
            after: change.after.and_then(|_| masked(new.pointer(&change.pointer))),
            ..change
        })
        .collect()
}

/// Differences in the order of their paths, each with its pointer in the older value.
fn differences(before: &Value, after: &Value) -> Vec<(FieldChange, String)> {
    let mut changes = Vec::new();
    walk(&Place::default(), Some(before), Some(after), &mut changes);
    changes.sort_by(|(one, _), (two, _)| one.path.cmp(&two.path));
    changes
}

/// Where a value is, in both values; list items may have moved.
#[derive(Default)]
struct Place {
    pointer: String,
    old_pointer: String,
    path: String,
}

impl Place {
    fn change(&self, before: Option<Value>, after: Option<Value>) -> (FieldChange, String) {
        (FieldChange { pointer: self.pointer.clone(), path: self.path.clone(), before, after }, self.old_pointer.clone())
    }

    fn item(&self, old_index: usize, index: usize, name: &str) -> Self {
        Self {
            pointer: format!("{}/{index}", self.pointer),
            old_pointer: format!("{}/{old_index}", self.old_pointer),
            path: format!("{}[{name}]", self.path),
        }
    }
}

type Changes = Vec<(FieldChange, String)>;

fn walk(place: &Place, before: Option<&Value>, after: Option<&Value>, changes: &mut Changes) {
    let present = |value: Option<&'_ Value>| value.filter(|value| !value.is_null()).cloned();
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => objects(place, before, after, changes),
        (Some(Value::Array(before)), Some(Value::Array(after))) => lists(place, before, after, changes),
        (Some(before), Some(after)) if same_meaning(&place.pointer, before, after) => {}
        (before, after) => {
            let (before, after) = (present(before), present(after));
            if before != after {
                changes.push(place.change(before, after));
            }
        }
    }
}

fn objects(place: &Place, before: &Map<String, Value>, after: &Map<String, Value>, changes: &mut Changes) {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let segment = to_path(&join("", key));
        let path = &place.path;
        let child = Place {
            pointer: join(&place.pointer, key),
            old_pointer: join(&place.old_pointer, key),
            path: if path.is_empty() || segment.starts_with('[') { format!("{path}{segment}") } else { format!("{path}.{segment}") },
        };
        walk(&child, before.get(key), after.get(key), changes);
    }
}

/// Fields that tell one list item from another, in the order they are tried.
/// Source: `x-kubernetes-list-map-keys` of the core types (Kubernetes API reference) and the kinds of this program.
pub(super) const IDENTITIES: &[&str] =
    &["name", "id", "containerPort", "mountPath", "devicePath", "port", "key", "topologyKey", "type", "ip", "uid", "kind"];

fn lists(place: &Place, before: &[Value], after: &[Value], changes: &mut Changes) {
    match IDENTITIES.iter().find_map(|field| Some((named(before, field)?, named(after, field)?))) {
        Some((before, after)) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                let (old, new) = (before.get(name), after.get(name));
                let index = |found: Option<&(usize, &Value)>| found.map(|(index, _)| *index);
                let (old_index, new_index) = (index(old).or(index(new)).unwrap_or(0), index(new).or(index(old)).unwrap_or(0));
                let child = place.item(old_index, new_index, name);
                walk(&child, old.map(|(_, value)| *value), new.map(|(_, value)| *value), changes);
            }
        }
        None => unnamed(place, before, after, changes),
    }
}

/// Items by the text of `field`, if every item has one and no two share it. Two empty lists name nothing.
pub(super) fn named<'a>(items: &'a [Value], field: &str) -> Option<BTreeMap<String, (usize, &'a Value)>> {
    let mut found = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let name = match item.get(field)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        if found.insert(name, (index, item)).is_some() {
            return None;
        }
    }
    Some(found)
}

/// Lists whose items have no name: insertions and removals by position.
fn unnamed(place: &Place, before: &[Value], after: &[Value], changes: &mut Changes) {
    let at = |index: usize| place.item(index, index, &index.to_string());
    if before.len() == after.len() {
        for (index, (old, new)) in before.iter().zip(after).enumerate() {
            walk(&at(index), Some(old), Some(new), changes);
        }
        return;
    }
    let text = |items: &[Value]| items.iter().map(Value::to_string).collect::<Vec<_>>();
    let (old_text, new_text) = (text(before), text(after));
    for operation in similar::capture_diff_slices(similar::Algorithm::Myers, &old_text, &new_text) {
        if operation.tag() == similar::DiffTag::Equal {
            continue;
        }
        changes.extend(operation.old_range().map(|index| at(index).change(Some(before[index].clone()), None)));
        changes.extend(operation.new_range().map(|index| at(index).change(None, Some(after[index].clone()))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lines(before: Value, after: Value) -> Vec<String> {
        let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        compare(&before, &after).iter().map(|change| format!("{} {} {}", change.path, show(&change.before), show(&change.after))).collect()
    }

    /// Containers pair by name: pairing by position would show every container as changed when one is put in front.
    #[test]
    fn list_items_pair_by_name() {
        let before = json!({"containers": [{"name": "patroni", "image": "a"}, {"name": "util", "image": "u"}]});
        let after =
            json!({"containers": [{"name": "pgbouncer", "image": "p"}, {"name": "util", "image": "u"}, {"name": "patroni", "image": "b"}]});
        assert_eq!(
            lines(before, after),
            [r#"containers[patroni].image "a" "b""#, r#"containers[pgbouncer] - {"image":"p","name":"pgbouncer"}"#]
        );
    }

    #[test]
    fn unnamed_items_are_inserted_not_shifted() {
        assert_eq!(lines(json!({"hba": ["a", "b"]}), json!({"hba": ["x", "a", "b"]})), [r#"hba[0] - "x""#]);
        assert_eq!(lines(json!({"hba": ["a", "b"]}), json!({"hba": ["a", "c"]})), [r#"hba[1] "b" "c""#]);
    }

    /// An absent field and `null` mean the same to the API server; a difference here would never go away.
    #[test]
    fn null_and_absent_are_equal() {
        assert_eq!(lines(json!({"a": null, "m": {"memory": "1024Mi"}}), json!({"m": {"memory": "1Gi"}})), Vec::<String>::new());
    }

    /// An inserted argument moves the others: each side is masked where it stands in its own value.
    #[test]
    fn masks_where_each_side_stands() {
        let show = |before: Value, after: Value| serde_json::to_string(&compare_masked("SGCluster", &before, &after)).unwrap();
        for (before, after) in [
            (json!({"args": ["--password", "s3cr3t"]}), json!({"args": ["-v", "--password", "s3cr3t2"]})),
            (json!({"args": ["--password", "s3cr3t"]}), json!({"args": ["--password", "s3cr3t2"]})),
            (
                json!({"env": [{"name": "A", "value": "1"}, {"name": "TOKEN", "value": "s3cr3t"}]}),
                json!({"env": [{"name": "TOKEN", "value": "s3cr3t2"}]}),
            ),
            (json!({"env": []}), json!({"env": [{"name": "TOKEN", "value": "s3cr3t2"}]})),
        ] {
            let shown = show(before, after);
            assert!(!shown.contains("s3cr3t") && shown.contains(HIDDEN), "{shown}");
        }
    }

    #[test]
    fn names_with_dots_are_quoted() {
        assert_eq!(
            lines(json!({"spec": {"postgresql.conf": {"work_mem": "1MB"}}}), json!({"spec": {"postgresql.conf": {"work_mem": "2MB"}}})),
            [r#"spec["postgresql.conf"].work_mem "1MB" "2MB""#]
        );
    }
}
