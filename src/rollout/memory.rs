//! What a rollout remembers, as it stands in `status.rollout` of the SGCluster.
//!
//! Almost everything is found again from the facts. What cannot be is here: what was tried and failed, what was begun, who leads
//! because of us.

use super::change::{Action, Failure, Memory, StepRecord};
use crate::model::seconds;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Annotation that asks for another try after a rollout stopped: any new text is a new wish.
pub const RETRY: &str = "stackgres.io/rollout-retry";

/// Annotation that names the revision which is not to be carried out any more: what ran before is put back, by the same rules.
pub const ROLLBACK: &str = "stackgres.io/rollout-rollback";

/// Annotation that names the revision by which this program's newer rendering is taken: the one that was shown.
pub const PROMOTE: &str = "stackgres.io/promote";

/// The memory of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolloutMemory {
    /// Name of the revision that it is about.
    pub revision: String,
    /// The try of an operation that it is about ([`super::Operation::attempt`]).
    pub operation: Option<String>,
    /// Names of revisions that were released and not finished before this one: some instance may still run them.
    pub superseded: Vec<String>,
    /// When it began.
    pub since: Option<Timestamp>,
    /// What the decision remembers.
    pub memory: Memory,
    /// The wish to try again that was answered.
    pub retried: Option<String>,
    /// Whether the API server or the kubelet refused to change the amounts of a running pod.
    pub resize_refused: bool,
    /// Whether something of it was in force, so that an instance may run it.
    pub tried: bool,
    /// What is still to be done after the step that is under way, for people; nothing is decided from it.
    pub ahead: Vec<String>,
}

/// At most this many unfinished revisions are remembered; of older ones an instance shows itself by its pod alone.
const MOST: usize = 5;

impl RolloutMemory {
    /// Reads it from the status; what is not understood was never begun.
    pub fn read(status: Option<&Value>) -> Self {
        let Some(status) = status else { return Self::default() };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let moment = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let failure = Some(&status["failure"]).filter(|failure| failure.is_object());
        Self {
            revision: text(&status["revision"]).unwrap_or_default(),
            operation: text(&status["operation"]),
            superseded: status["superseded"].as_array().into_iter().flatten().filter_map(text).collect(),
            since: moment(&status["since"]),
            memory: Memory {
                step: read_step(&status["step"]),
                switched_to: number(&status["switchedTo"]),
                lowered_at: status["loweredAt"].as_u64(),
                lowered_by: status["loweredBy"].as_u64(),
                failure: failure.map(|failure| Failure {
                    instance: number(&failure["instance"]),
                    cause: text(&failure["cause"]).unwrap_or_default(),
                    at: moment(&failure["at"]).unwrap_or_default(),
                }),
            },
            retried: text(&status["retried"]),
            resize_refused: status["resizeRefused"] == true,
            tried: status["tried"] == true,
            ahead: status["ahead"].as_array().into_iter().flatten().filter_map(text).collect(),
        }
    }

    /// As it is written. What is not there is null, so that a merge takes it away.
    pub fn write(&self) -> Value {
        let failure = self.memory.failure.as_ref();
        json!({
            "revision": self.revision,
            "operation": self.operation,
            "superseded": if self.superseded.is_empty() { Value::Null } else { json!(self.superseded) },
            "since": self.since.map(seconds),
            "step": self.memory.step.as_ref().map(write_step),
            "switchedTo": self.memory.switched_to,
            "loweredAt": self.memory.lowered_at,
            "loweredBy": self.memory.lowered_by,
            "failure": failure.map(|failure| json!({"instance": failure.instance, "cause": failure.cause, "at": seconds(failure.at)})),
            "retried": self.retried,
            "resizeRefused": self.resize_refused.then_some(true),
            "tried": self.tried.then_some(true),
            "ahead": if self.ahead.is_empty() { Value::Null } else { json!(self.ahead) },
        })
    }

    /// What of it differs from what stands in the status as the pass knows it, as a merge; `None` where nothing does. A step that is
    /// carried out beside the passes writes there too, and what it wrote meanwhile must not be overwritten with what was read before.
    pub fn changes(&self, known: &Self) -> Option<Value> {
        let mut changes = self.write();
        let known = known.write();
        changes.as_object_mut()?.retain(|field, value| known[field.as_str()] != *value);
        changes.as_object().is_some_and(|changes| !changes.is_empty()).then_some(changes)
    }

    /// Goes over to another revision, or to another try of an operation: what failed and was proved was about the one before, what
    /// was begun still goes on.
    #[must_use]
    pub fn towards(mut self, revision: &str, running: &str, operation: Option<&str>, now: Timestamp) -> Self {
        let same_wish = self.operation.as_deref() == operation;
        self.operation = operation.map(str::to_owned);
        if self.revision == revision {
            // A person asks for another try; and when an operation has ended, so has what it could not do. But a released change that
            // failed is not tried again because the operation that licensed it is over.
            if !same_wish && (operation.is_some() || revision == running) {
                self.memory = Memory {
                    step: self.memory.step,
                    lowered_at: self.memory.lowered_at,
                    lowered_by: self.memory.lowered_by,
                    ..Memory::default()
                };
            }
            return self;
        }
        if !self.revision.is_empty() && self.tried {
            self.superseded.retain(|name| *name != self.revision);
            self.superseded.push(std::mem::take(&mut self.revision));
        }
        self.superseded.retain(|name| name != revision && name != running);
        let surplus = self.superseded.len().saturating_sub(MOST);
        self.superseded.drain(..surplus);
        if let Some(StepRecord { action: Action::Restart { brings, .. }, .. }) = &mut self.memory.step {
            brings.clear();
        }
        self.memory = Memory { step: self.memory.step, ..Memory::default() };
        self.since = Some(now);
        self.tried = false;
        self.ahead.clear();
        // Other amounts may fit.
        self.resize_refused = false;
        revision.clone_into(&mut self.revision);
        self
    }
}

fn read_step(step: &Value) -> Option<StepRecord> {
    let number = |field: &str| step[field].as_u64().and_then(|number| u32::try_from(number).ok());
    let leads = step["leads"] == true;
    let instance = number("instance")?;
    let action = match step["action"].as_str()? {
        "add" => Action::Add { instance },
        "resize" => Action::Resize { instance },
        "restart" => {
            let brings = step["brings"].as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect();
            Action::Restart { instance, leads, brings }
        }
        "recreate" => {
            let claim = step["claim"].as_str().map(str::to_owned);
            Action::Recreate { instance, uid: step["uid"].as_str()?.to_owned(), claim, leads }
        }
        "switchover" => Action::SwitchOver { leader: instance, candidate: number("candidate")?, relieves: step["relieves"] == true },
        _ => return None,
    };
    Some(StepRecord { action, since: step["since"].as_str()?.parse().ok()? })
}

fn write_step(step: &StepRecord) -> Value {
    let mut value = json!({
        "action": step.action.word(), "instance": step.action.instance(), "since": seconds(step.since),
        "leads": null, "brings": null, "uid": null, "claim": null, "candidate": null, "relieves": null,
    });
    match &step.action {
        Action::Restart { leads, brings, .. } => {
            value["leads"] = json!(leads);
            value["brings"] = json!(brings);
        }
        Action::Recreate { leads, uid, claim, .. } => {
            value["claim"] = json!(claim);
            value["leads"] = json!(leads);
            value["uid"] = json!(uid);
        }
        Action::SwitchOver { candidate, relieves, .. } => {
            value["candidate"] = json!(candidate);
            value["relieves"] = json!(relieves.then_some(true));
        }
        _ => {}
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A controller that reads back another step than the one it wrote would disturb a second instance.
    #[test]
    fn what_is_written_is_read() {
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        for action in [
            Action::Add { instance: 3 },
            Action::Resize { instance: 0 },
            Action::Restart { instance: 1, leads: true, brings: ["shared_buffers".to_owned()].into() },
            Action::Recreate { instance: 2, uid: "u".to_owned(), claim: None, leads: false },
            Action::Recreate { instance: 2, uid: "u".to_owned(), claim: Some("c".to_owned()), leads: false },
            Action::SwitchOver { leader: 0, candidate: 1, relieves: true },
        ] {
            let failure = Failure { instance: Some(1), cause: "no image".to_owned(), at };
            let memory = RolloutMemory {
                revision: "a-revision-1".to_owned(),
                operation: Some("u/0".to_owned()),
                superseded: vec!["a-revision-0".to_owned()],
                since: Some(at),
                memory: Memory {
                    step: Some(StepRecord { action, since: at }),
                    switched_to: Some(1),
                    lowered_at: Some(7),
                    lowered_by: Some(1_700_000_000_000_000),
                    failure: Some(failure),
                },
                retried: Some("x".to_owned()),
                resize_refused: true,
                tried: true,
                ahead: vec!["b joins".to_owned()],
            };
            assert_eq!(RolloutMemory::read(Some(&memory.write())), memory);
        }
        assert_eq!(RolloutMemory::read(Some(&RolloutMemory::default().write())), RolloutMemory::default());
    }

    /// A step that a task gave back, or the position it noted, would come back or vanish with the end of the pass that ran beside it.
    #[test]
    fn what_a_pass_did_not_change_is_not_written() {
        let at = Timestamp::UNIX_EPOCH;
        let step = StepRecord { action: Action::SwitchOver { leader: 0, candidate: 1, relieves: false }, since: at };
        let memory = Memory { step: Some(step), ..Memory::default() };
        let known = RolloutMemory { revision: "r1".to_owned(), since: Some(at), memory, ..RolloutMemory::default() };
        assert_eq!(known.changes(&known), None);
        let tried = RolloutMemory { tried: true, ..known.clone() };
        assert_eq!(tried.changes(&known), Some(json!({"tried": true})));
        let mut ended = known.clone();
        ended.memory.step = None;
        ended.memory.switched_to = Some(1);
        assert_eq!(ended.changes(&known), Some(json!({"step": null, "switchedTo": 1})));
        assert_eq!(RolloutMemory::default().changes(&known), Some(json!({"revision": "", "since": null, "step": null})));
    }

    #[test]
    fn another_release_forgets_the_failure_and_keeps_what_was_begun() {
        let at = Timestamp::UNIX_EPOCH;
        let step = StepRecord { action: Action::Restart { instance: 1, leads: false, brings: ["x".to_owned()].into() }, since: at };
        let failure = Failure { instance: None, cause: "bad".to_owned(), at };
        let first = RolloutMemory {
            revision: "r1".to_owned(),
            tried: true,
            memory: Memory { step: Some(step), failure: Some(failure), ..Memory::default() },
            ..RolloutMemory::default()
        };
        assert_eq!(first.clone().towards("r1", "r0", None, at), first);
        let second = first.towards("r2", "r0", None, at);
        assert_eq!((second.superseded.as_slice(), &second.memory.failure), (["r1".to_owned()].as_slice(), &None));
        assert!(matches!(&second.memory.step, Some(StepRecord { action: Action::Restart { brings, .. }, .. }) if brings.is_empty()));
        let back = second.clone().towards("r0", "r0", None, at);
        assert_eq!(back.superseded, ["r1"], "of the second nothing was in force");
        let back = RolloutMemory { tried: true, ..second }.towards("r0", "r0", None, at);
        assert_eq!(back.superseded, ["r1", "r2"]);
    }

    /// A change that broke an instance must not be tried again because the operation beside it is over; a try that a person asks for
    /// must not fail because the one before did.
    #[test]
    fn an_operation_forgets_a_failure_when_it_begins() {
        let at = Timestamp::UNIX_EPOCH;
        let failure = Failure { instance: Some(1), cause: "bad".to_owned(), at };
        let stopped = |operation: Option<&str>| RolloutMemory {
            revision: "r1".to_owned(),
            operation: operation.map(str::to_owned),
            memory: Memory { switched_to: Some(1), failure: Some(failure.clone()), ..Memory::default() },
            ..RolloutMemory::default()
        };
        let forgets = |before: Option<&str>, running: &str, after: Option<&str>| {
            stopped(before).towards("r1", running, after, at).memory == Memory::default()
        };
        assert!(forgets(None, "r0", Some("u/0")), "a restart is a person's wish to go on");
        assert!(forgets(Some("u/0"), "r0", Some("u/1")), "and so is a retry");
        assert!(!forgets(Some("u/0"), "r0", Some("u/0")), "but the same try goes no further");
        assert!(!forgets(Some("u/0"), "r0", None), "the change is still the one that failed");
        assert!(forgets(Some("u/0"), "r1", None), "nothing is left of what only the operation asked for");
    }
}
