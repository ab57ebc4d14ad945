//! Live edits of what a source describes.

use crate::diff::compare;
use crate::model::Object;
use crate::model::pointer::{join, segments};
use serde_json::{Map, Value, json};

/// Paths of `spec` and `data` in which the live object differs from what the source says, whoever wrote them.
pub(super) fn drifted_paths(wanted: &Object, live: &Object) -> Vec<String> {
    changes(wanted, live).into_iter().map(|change| change.path).collect()
}

/// A merge patch that takes away what the live object has and the source does not; `None` if there is nothing of that kind.
/// Server-side apply puts values back, but never removes a field or list item that another manager added.
pub(super) fn removal_patch(wanted: &Object, live: &Object) -> Option<Value> {
    let mut patch = json!({});
    let mut any = false;
    for change in changes(wanted, live).into_iter().filter(|change| change.before.is_none()) {
        let segments: Vec<String> = segments(&change.pointer).collect();
        // An item of a list cannot be named in a merge patch (RFC 7396): the whole list is put back.
        let list = segments.iter().position(|segment| !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()));
        let (path, value) = match list.and_then(|index| list_at(wanted, live, &segments[..index]).map(|list| (index, list))) {
            Some((index, list)) => (&segments[..index], list),
            None => (&segments[..], Value::Null),
        };
        any |= put(&mut patch, path, value);
    }
    any.then_some(patch)
}

/// The list of `wanted` at a path where `live` has a list; an absent one is empty.
fn list_at(wanted: &Object, live: &Object, path: &[String]) -> Option<Value> {
    let pointer = path.iter().fold(String::new(), |pointer, segment| join(&pointer, segment));
    live.get(&pointer).filter(|list| list.is_array())?;
    Some(wanted.get(&pointer).cloned().unwrap_or(Value::Null))
}

fn put(patch: &mut Value, path: &[String], value: Value) -> bool {
    let Some((last, parents)) = path.split_last() else { return false };
    let mut place = patch;
    for segment in parents {
        let Some(map) = place.as_object_mut() else { return false };
        place = map.entry(segment.clone()).or_insert_with(|| Value::Object(Map::new()));
    }
    let Some(map) = place.as_object_mut() else { return false };
    map.insert(last.clone(), value);
    true
}

fn changes(wanted: &Object, live: &Object) -> Vec<crate::diff::FieldChange> {
    // Of a Namespace a source describes labels and annotations; its spec is the server's.
    if wanted.kind() == "Namespace" {
        return Vec::new();
    }
    let part = |object: &Object| {
        let mut part = Map::new();
        for field in ["spec", "data"] {
            if let Some(value) = object.value().get(field) {
                part.insert(field.to_owned(), value.clone());
            }
        }
        Value::Object(part)
    };
    compare(&part(wanted), &part(live))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_other_managers_are_taken_away() {
        let wanted = Object::new(json!({"spec": {"instances": 2, "pods": {"a": 1}}}));
        let live = Object::new(json!({"spec": {"instances": 3, "pods": {"a": 1, "b": 2}, "extra": {"x": 1}}, "status": {"x": 1}}));
        assert_eq!(drifted_paths(&wanted, &live), ["spec.extra", "spec.instances", "spec.pods.b"]);
        assert_eq!(removal_patch(&wanted, &live), Some(json!({"spec": {"extra": null, "pods": {"b": null}}})));
        assert_eq!(removal_patch(&wanted, &wanted), None);
    }

    /// An item that another manager added to a list stays for ever under server-side apply, with an event for every pass.
    #[test]
    fn items_added_to_a_list_are_taken_away_with_the_whole_list() {
        let wanted = Object::new(json!({"spec": {"a": {"list": [{"name": "x", "v": 1}]}, "scripts": [1]}}));
        let live = Object::new(
            json!({"spec": {"a": {"list": [{"name": "x", "v": 1}, {"name": "y"}]}, "scripts": [1, 2], "more": [{"name": "z"}]}}),
        );
        let patch = removal_patch(&wanted, &live).unwrap();
        assert_eq!(patch, json!({"spec": {"a": {"list": [{"name": "x", "v": 1}]}, "scripts": [1], "more": null}}));
    }

    /// The server fills the spec of a Namespace; what it wrote is no live edit.
    #[test]
    fn a_namespace_does_not_drift() {
        let wanted = Object::new(json!({"kind": "Namespace", "metadata": {"name": "a"}}));
        let live = Object::new(json!({"kind": "Namespace", "metadata": {"name": "a"}, "spec": {"finalizers": ["kubernetes"]}}));
        assert_eq!((drifted_paths(&wanted, &live), removal_patch(&wanted, &live)), (vec![], None));
    }
}
