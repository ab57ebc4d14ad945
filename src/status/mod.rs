//! Conditions: what is, for people and programs.
//!
//! In: facts and the conditions of before. Out: the conditions of now. Invariant: a time changes only when the status does, so a
//! status that says the same is the same. Why: otherwise every pass would be a write, and every write a pass.

mod licence;
mod operation;

pub use crate::model::seconds;
pub use licence::conditions as licence_conditions;
pub use operation::{OperationState, operation_conditions};

use crate::diagnostics::visible;
use jiff::Timestamp;
use serde_json::{Value, json};

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `Ready`, `Reconciling`, `Stalled`, `Drifted`, …
    pub r#type: &'static str,
    /// True, false, or not known.
    pub status: Option<bool>,
    /// One word for programs.
    pub reason: String,
    /// A clause for people.
    pub message: String,
}

impl Condition {
    /// A topic with its status. `kubectl` prints messages as they are, so nothing in them moves a terminal.
    pub fn new(r#type: &'static str, status: Option<bool>, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { r#type, status, reason: reason.into(), message: visible(&message.into()).into_owned() }
    }
}

/// The list of conditions: those of before that are not among the new ones stay; times change only with the status.
pub fn merge(before: Option<&Value>, new: &[Condition], generation: Option<i64>, now: Timestamp) -> Value {
    let old: Vec<Value> = before.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut merged: Vec<Value> = old.iter().filter(|old| !new.iter().any(|condition| old["type"] == condition.r#type)).cloned().collect();
    for condition in new {
        let status = match condition.status {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let previous = old.iter().find(|old| old["type"] == condition.r#type && old["status"] == status);
        let since = previous.and_then(|previous| previous["lastTransitionTime"].as_str()).map_or_else(|| seconds(now), str::to_owned);
        let mut value = json!({
            "type": condition.r#type, "status": status, "reason": condition.reason, "message": condition.message, "lastTransitionTime": since,
        });
        if let Some(generation) = generation {
            value["observedGeneration"] = json!(generation);
        }
        merged.push(value);
    }
    merged.sort_by(|one, two| one["type"].as_str().cmp(&two["type"].as_str()));
    Value::Array(merged)
}

/// A merge patch that makes a mapping equal to `new`: what `old` has beyond it is taken away (RFC 7396).
pub fn replacing(old: Option<&Value>, new: Value) -> Value {
    let (Some(Value::Object(old)), Value::Object(mut new)) = (old, new.clone()) else { return new };
    for (name, value) in old {
        match new.remove(name) {
            Some(after) => new.insert(name.clone(), replacing(Some(value), after)),
            None => new.insert(name.clone(), Value::Null),
        };
    }
    Value::Object(new)
}

/// Whether merging `patch` into `live` would change it (RFC 7396).
pub fn would_change(live: Option<&Value>, patch: &Value) -> bool {
    match (live, patch) {
        (live, Value::Null) => live.is_some_and(|live| !live.is_null()),
        (Some(Value::Object(live)), Value::Object(patch)) => patch.iter().any(|(key, value)| would_change(live.get(key), value)),
        (live, patch) => live != Some(patch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_status_is_no_write() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let ready = |status| [Condition::new("Ready", Some(status), "Fine", "it is")];
        let first = merge(None, &ready(true), Some(1), at(0));
        let again = merge(Some(&first), &ready(true), Some(1), at(100));
        assert_eq!(first, again, "the time must stay");
        assert!(!would_change(Some(&json!({"conditions": first, "x": 1})), &json!({"conditions": again})));
        let changed = merge(Some(&again), &ready(false), Some(1), at(100));
        assert_eq!(changed[0]["lastTransitionTime"], "1970-01-01T00:01:40Z");
        assert!(would_change(Some(&json!({"waiting": {"for": "x"}})), &json!({"waiting": null})));
        assert!(!would_change(Some(&json!({})), &json!({"waiting": null})));
    }

    /// A parameter that was taken out would be shown as in force for ever.
    #[test]
    fn what_is_no_longer_said_is_taken_away() {
        let patch = replacing(Some(&json!({"a": {"x": 1, "y": 2}, "b": 1})), json!({"a": {"x": 1}, "c": [1]}));
        assert_eq!(patch, json!({"a": {"x": 1, "y": null}, "b": null, "c": [1]}));
        assert!(!would_change(Some(&json!({"a": 1})), &replacing(Some(&json!({"a": 1})), json!({"a": 1}))));
    }
}
