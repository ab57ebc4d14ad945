//! Operations that a person asks for with an SGDbOps, and whose turn it is.
//!
//! In: the SGDbOps of one cluster. Out: the one that is under way, the one that begins, what the others wait for. Invariant: one
//! operation at a time, and each once: what has ended is told by its own status, and of those from Git also by the cluster's, so that
//! a deleted object that comes back does not do it again (DESIGN §10). Why: an operation is carried out by the rollout like any other
//! change; what is special about it is when it begins and how it ends.

mod finished;
mod turn;

pub use finished::Finished;
pub use turn::{Turn, operation_turns};

use super::licence::Method;
use crate::model::{Digest, Object, iso_duration};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What is done. The others are refused when they are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// Instances are made anew.
    Restart,
    /// Every instance gets the newest images of the PostgreSQL version that it runs.
    SecurityUpgrade,
}

impl OperationKind {
    /// Its name in `op`, which is that of its sections in spec and status as well.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::SecurityUpgrade => "securityUpgrade",
        }
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationOutcome {
    /// It was done.
    Completed,
    /// It was not, or not wholly.
    Failed,
}

impl OperationOutcome {
    /// The condition of that name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }
}

/// One operation, as its object says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Name of the SGDbOps.
    pub name: String,
    /// Its identity.
    pub uid: String,
    /// What is done.
    pub kind: OperationKind,
    /// How, where it says so.
    pub method: Option<Method>,
    /// Whether only instances are meant that wait for a restart.
    pub only_pending: bool,
    /// Moment before which it does not begin.
    pub run_at: Option<Timestamp>,
    /// Longest time it may take.
    pub timeout: Option<SignedDuration>,
    /// How often it may be tried again.
    pub max_retries: u64,
    /// When its object was made.
    pub created: Option<Timestamp>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// How often it was tried again.
    pub retries: u64,
    /// How it ended.
    pub outcome: Option<OperationOutcome>,
    /// Identities of the pods that are to be made anew.
    pub initial_pods: BTreeSet<String>,
}

impl Operation {
    /// Reads an SGDbOps that was checked; `None` for an operation that is not carried out here.
    pub fn read(object: &Object) -> Option<Self> {
        let kind = [OperationKind::Restart, OperationKind::SecurityUpgrade];
        let kind = kind.into_iter().find(|kind| object.text("/spec/op") == Some(kind.word()))?;
        let own = |field: &str| object.get(&format!("/spec/{}/{field}", kind.word()));
        let moment = |pointer: &str| object.text(pointer).and_then(|text| text.parse().ok());
        let method = match own("method").and_then(Value::as_str) {
            Some("InPlace") => Some(Method::InPlace),
            Some("ReducedImpact") => Some(Method::ReducedImpact),
            _ => None,
        };
        let pods = object.get("/status/initialPods").and_then(Value::as_array).into_iter().flatten();
        Some(Self {
            name: object.name().to_owned(),
            uid: object.uid().unwrap_or_default().to_owned(),
            kind,
            method,
            only_pending: own("onlyPendingRestart") == Some(&Value::Bool(true)),
            run_at: moment("/spec/runAt"),
            timeout: object.text("/spec/timeout").and_then(|text| iso_duration(text).ok()),
            max_retries: object.get("/spec/maxRetries").and_then(Value::as_u64).unwrap_or(0),
            created: moment("/metadata/creationTimestamp"),
            started: moment("/status/opStarted"),
            retries: object.get("/status/opRetries").and_then(Value::as_u64).unwrap_or(0),
            outcome: operation_outcome(object),
            initial_pods: pods.filter_map(|uid| uid.as_str().map(str::to_owned)).collect(),
        })
    }

    /// What tells one try of it from another. A rollout that stopped is tried again by the next one.
    pub fn attempt(&self) -> String {
        format!("{}/{}", self.uid, self.retries)
    }

    /// Whether it has taken longer than it may.
    pub fn is_late(&self, now: Timestamp) -> bool {
        let (Some(started), Some(timeout)) = (self.started, self.timeout) else { return false };
        // A length that leads beyond all time is no limit.
        started.checked_add(timeout).is_ok_and(|end| end <= now)
    }

    /// For people.
    pub fn text(&self) -> String {
        format!("the operation {}", self.name)
    }
}

/// How an operation ended, as its status says; `None` where it has not.
pub fn operation_outcome(object: &Object) -> Option<OperationOutcome> {
    [OperationOutcome::Completed, OperationOutcome::Failed].into_iter().find(|outcome| object.is_true(outcome.word()))
}

/// What an operation is, wherever and whenever its object is made.
pub fn operation_content(object: &Object) -> Digest {
    Digest::of(&json!([object.name(), object.get("/spec")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(spec: Value, status: Value) -> Option<Operation> {
        Operation::read(&Object::new(json!({"metadata": {"name": "o", "uid": "u"}, "spec": spec, "status": status})))
    }

    #[test]
    fn an_operation_is_read_whole() {
        let spec = json!({"sgCluster": "a", "op": "restart", "restart": {"method": "ReducedImpact", "onlyPendingRestart": true},
            "runAt": "2026-11-28T03:00:00+01:00", "timeout": "PT2H", "maxRetries": 2});
        let status = json!({"opStarted": "2026-11-28T02:00:00Z", "opRetries": 1, "initialPods": ["x"],
            "conditions": [{"type": "Running", "status": "True"}, {"type": "Completed", "status": "False"}]});
        let operation = read(spec, status).unwrap();
        assert_eq!((operation.kind, operation.method, operation.only_pending), (OperationKind::Restart, Some(Method::ReducedImpact), true));
        assert_eq!((operation.max_retries, operation.retries, operation.outcome), (2, 1, None));
        assert_eq!(operation.run_at, operation.started, "03:00 one hour east is 02:00");
        assert_eq!((operation.attempt().as_str(), operation.initial_pods.len()), ("u/1", 1));
        assert!(!operation.is_late("2026-11-28T03:59:59Z".parse().unwrap()) && operation.is_late("2026-11-28T04:00:00Z".parse().unwrap()));
        // The method of another section is not its own.
        let other = read(json!({"op": "securityUpgrade", "restart": {"method": "InPlace"}}), json!({})).unwrap();
        assert_eq!((other.kind, other.method, other.is_late(Timestamp::MAX)), (OperationKind::SecurityUpgrade, None, false));
        assert_eq!(read(json!({"op": "vacuum"}), json!({})), None);
    }

    /// The digest stands for what is done: a restart that differs in its name is another wish.
    #[test]
    fn content_is_name_and_spec() {
        let object = |name: &str, op: &str, status: Value| {
            Object::new(json!({"metadata": {"name": name, "uid": name.len()}, "spec": {"op": op}, "status": status}))
        };
        let first = operation_content(&object("a", "restart", json!({})));
        assert_eq!(first, operation_content(&object("a", "restart", json!({"opRetries": 3}))));
        assert_ne!(first, operation_content(&object("b", "restart", json!({}))));
        assert_ne!(first, operation_content(&object("a", "vacuum", json!({}))));
    }
}
