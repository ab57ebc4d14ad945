//! Live edits of what a source describes.

use crate::diff::compare;
use crate::model::Object;
use crate::model::pointer::segments;
use serde_json::{Map, Value, json};

/// Paths of `spec` and `data` in which the live object differs from what the source says, whoever wrote them.
pub(super) fn drifted_paths(wanted: &Object, live: &Object) -> Vec<String> {
    changes(wanted, live).into_iter().map(|change| change.path).collect()
}

/// A merge patch that takes away what the live object has and the source does not; `None` if there is nothing of that kind.
/// Server-side apply puts values back, but never removes a field that another manager added.
pub(super) fn removal_patch(wanted: &Object, live: &Object) -> Option<Value> {
    let mut patch = json!({});
    let mut any = false;
    for change in changes(wanted, live).into_iter().filter(|change| change.before.is_none()) {
        let segments: Vec<String> = segments(&change.pointer).collect();
        // An item of a list cannot be named in a merge patch; the list as a whole is put back by the apply.
        if segments.iter().any(|segment| segment.bytes().all(|byte| byte.is_ascii_digit())) {
            continue;
        }
        let mut place = &mut patch;
        for (index, segment) in segments.iter().enumerate() {
            let Some(map) = place.as_object_mut() else { break };
            if index + 1 == segments.len() {
                map.insert(segment.clone(), Value::Null);
                any = true;
                break;
            }
            place = map.entry(segment.clone()).or_insert_with(|| Value::Object(Map::new()));
        }
    }
    any.then_some(patch)
}

fn changes(wanted: &Object, live: &Object) -> Vec<crate::diff::FieldChange> {
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
}
