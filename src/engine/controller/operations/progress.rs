//! How far an operation is, from the facts of a pass.

use super::images::{is_answered, problem};
use super::{Seen, Wanted, stamp};
use crate::model::{Object, seconds};
use crate::rollout::change::{Action, InstanceFacts, StepRecord};
use crate::rollout::{Operation, OperationKind};
use crate::status::OperationState;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The status of an operation that begins. The pods that it finds are those that it makes anew: they are known by their identity,
/// because two clocks never agree.
pub(super) fn begun(operation: &Operation, seen: &Seen<'_>, now: Timestamp) -> Value {
    let names = |only_pending: bool| -> BTreeSet<&str> {
        let all = seen.instances.existing.iter();
        all.filter(|instance| !only_pending || instance.pending_restart).map(|instance| instance.name.as_str()).collect()
    };
    let meant = names(operation.only_pending);
    let pods = seen.children.values().filter(|object| object.kind() == "Pod" && meant.contains(object.name()));
    let uids: Vec<&str> = pods.filter_map(Object::uid).collect();
    json!({
        "opStarted": stamp(now),
        "opRetries": 0,
        "initialPods": uids,
        operation.kind.word(): {
            "primaryInstance": seen.instances.leader().map(|leader| &leader.name),
            "initialInstances": names(false),
        },
    })
}

/// The part of the cluster's status that names the operation under way. Nulls take away what another one left.
pub(super) fn on_the_cluster(object: &Object, operation: &Operation) -> Value {
    let mut shown = json!({"name": operation.name, "restart": null, "securityUpgrade": null});
    let own = |field: &str| object.get(&format!("/status/{}/{field}", operation.kind.word())).cloned().unwrap_or(Value::Null);
    shown[operation.kind.word()] = json!({"initialInstances": own("initialInstances"), "primaryInstance": own("primaryInstance")});
    shown
}

/// The status of the operation under way, and how it is.
pub(super) fn under_way(
    cluster: &Object,
    object: &Object,
    operation: &Operation,
    wanted: &Wanted<'_>,
    seen: &Seen<'_>,
    now: Timestamp,
) -> (Value, OperationState) {
    let mut section = instances(wanted, seen);
    hand_over(&mut section, object, operation, seen, now);
    let failed = |section: &mut Value, why: String| {
        section["failure"] = json!(why);
        OperationState::Failed { timed_out: false, why }
    };
    let mut status = json!({});
    let state = if let Some(why) = problem(cluster, operation) {
        failed(&mut section, why.to_owned())
    } else if let Some(cause) = failure(operation, seen) {
        if operation.retries < operation.max_retries {
            status["opRetries"] = json!(operation.retries + 1);
            OperationState::Running(format!("it is tried again: {cause}"))
        } else {
            failed(&mut section, cause)
        }
    } else if is_done(cluster, operation, wanted, seen) {
        OperationState::Completed(summary(&section, operation))
    } else {
        OperationState::Running(what(cluster, operation, seen))
    };
    status[operation.kind.word()] = section;
    (status, state)
}

/// Which instances it has done with. One that is not ready, or not seen, is not one of them.
fn instances(wanted: &Wanted<'_>, seen: &Seen<'_>) -> Value {
    let facts = |name: &str| {
        let change = seen.change?;
        let facts = change.facts.as_ref()?;
        facts.instances.iter().find(|instance| facts.name(instance.ordinal) == name)
    };
    let lacks = |instance: &InstanceFacts| instance.pod != Some(true) || instance.behind.as_ref().is_none_or(|behind| !behind.is_empty());
    let uid = |name: &str| seen.children.values().find(|object| object.kind() == "Pod" && object.name() == name).and_then(Object::uid);
    let pending =
        |name: &str, ready: bool| !ready || uid(name).is_none_or(|uid| wanted.pods.contains(uid)) || facts(name).is_some_and(lacks);
    let of = |wanted: bool| -> Vec<&str> {
        let all = seen.instances.existing.iter().filter(|instance| pending(&instance.name, instance.ready) == wanted);
        all.map(|instance| instance.name.as_str()).collect()
    };
    json!({"pendingToRestartInstances": of(true), "restartedInstances": of(false)})
}

/// When the primary began to hand over, and when it had: each is written once.
fn hand_over(section: &mut Value, object: &Object, operation: &Operation, seen: &Seen<'_>, now: Timestamp) {
    let Some(memory) = seen.change.map(|change| &change.memory.memory) else { return };
    let noted = |field: &str| object.text(&format!("/status/{}/{field}", operation.kind.word())).is_some();
    let begun = match &memory.step {
        Some(StepRecord { action: Action::SwitchOver { .. }, since }) => Some(*since),
        _ => memory.switched_to.map(|_| now),
    };
    if let Some(since) = begun.filter(|_| !noted("switchoverInitiated")) {
        section["switchoverInitiated"] = json!(seconds(since));
    }
    if memory.switched_to.is_some() && !noted("switchoverFinalized") {
        section["switchoverFinalized"] = stamp(now);
    }
}

/// Why this try of it failed: the rollout stopped, and it was about this try.
fn failure(operation: &Operation, seen: &Seen<'_>) -> Option<String> {
    let about_it = seen.change.is_some_and(|change| change.memory.operation.as_deref() == Some(&operation.attempt()));
    seen.decision.failure.as_ref().filter(|_| about_it).map(|failure| failure.cause.clone())
}

/// Whether nothing of it is left to do, and the cluster is well.
fn is_done(cluster: &Object, operation: &Operation, wanted: &Wanted<'_>, seen: &Seen<'_>) -> bool {
    let images = operation.kind != OperationKind::SecurityUpgrade || is_answered(cluster, operation);
    let healthy = seen.conditions.iter().any(|condition| condition.r#type == "Ready" && condition.status == Some(true));
    images && wanted.pods.is_empty() && seen.decision.carries_out_released && seen.decision.stop.is_none() && healthy
}

fn summary(section: &Value, operation: &Operation) -> String {
    if operation.only_pending && operation.initial_pods.is_empty() {
        return "no instance waits for a restart".to_owned();
    }
    let instances = section["restartedInstances"].as_array().map_or(0, Vec::len);
    format!("{instances} of {instances} instances were made anew")
}

/// What is being done or waited for, for people.
fn what(cluster: &Object, operation: &Operation, seen: &Seen<'_>) -> String {
    if operation.kind == OperationKind::SecurityUpgrade && !is_answered(cluster, operation) {
        return "the newest images are released first".to_owned();
    }
    let decision = seen.decision;
    if let Some(why) = &decision.stop {
        return format!("waits: {why}");
    }
    if let Some(wait) = &decision.wait {
        return wait.what.clone();
    }
    let ready = seen.conditions.iter().find(|condition| condition.r#type == "Ready");
    ready.map_or_else(String::new, |ready| format!("the cluster is not well yet: {}", ready.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::controller::rollout::Change;
    use crate::health::Instances;
    use crate::rollout::change::{Facts, Failure, Memory, Permission, Target};
    use crate::rollout::{Decision, RolloutMemory};
    use crate::status::Condition;
    use std::collections::BTreeMap;

    struct World {
        object: Object,
        decision: Decision,
        conditions: Vec<Condition>,
        pods: BTreeSet<String>,
        change: Option<Change>,
    }

    /// One in which nothing is left to do.
    fn world(spec: &Value) -> World {
        let status = json!({"opStarted": "2026-11-28T03:00:00Z", "initialPods": ["x"]});
        World {
            object: Object::new(json!({"metadata": {"name": "o", "uid": "u"}, "spec": spec, "status": status})),
            decision: Decision::at_rest(),
            conditions: vec![Condition::new("Ready", Some(true), "Healthy", "")],
            pods: BTreeSet::new(),
            change: None,
        }
    }

    impl World {
        /// The rollout stopped during a try of the operation.
        fn stopped(mut self, attempt: &str) -> Self {
            let failure = Failure { instance: Some(1), cause: "no image".to_owned(), at: Timestamp::UNIX_EPOCH };
            let memory = Memory { failure: Some(failure.clone()), ..Memory::default() };
            let facts = Facts {
                cluster: "a".to_owned(),
                target: Target::default(),
                instances: Vec::new(),
                asked_for: 1,
                permission: Permission::Granted,
                memory: memory.clone(),
                under_way: false,
                not_made: None,
                follows: false,
            };
            self.change =
                Some(Change::of(RolloutMemory { operation: Some(attempt.to_owned()), memory, ..RolloutMemory::default() }, facts));
            self.decision.failure = Some(failure);
            self.decision.carries_out_released = false;
            self
        }

        fn seen(&self, cluster: &Value) -> (Value, OperationState) {
            let operation = Operation::read(&self.object).unwrap();
            let (children, instances) = (BTreeMap::new(), Instances::default());
            let seen = Seen {
                children: &children,
                instances: &instances,
                change: self.change.as_ref(),
                decision: &self.decision,
                conditions: &self.conditions,
            };
            let wanted = Wanted { operation: None, pods: self.pods.clone() };
            under_way(&Object::new(json!({"status": cluster})), &self.object, &operation, &wanted, &seen, Timestamp::UNIX_EPOCH)
        }
    }

    /// `Completed` before the last instance is back would let the next change begin on a cluster that lacks one.
    #[test]
    fn it_is_done_when_nothing_is_left_and_all_is_well() {
        let restart = json!({"op": "restart"});
        let done = |change: fn(&mut World)| {
            let mut world = world(&restart);
            change(&mut world);
            matches!(world.seen(&json!({})).1, OperationState::Completed(_))
        };
        assert!(done(|_| {}));
        assert!(!done(|world| world.pods.extend(["x".to_owned()])), "a pod is still the old one");
        assert!(!done(|world| world.decision.carries_out_released = false), "a change is under way");
        assert!(!done(|world| world.decision.stop = Some("paused".to_owned())));
        assert!(!done(|world| world.conditions[0].status = Some(false)), "an instance is not ready");
    }

    /// A restart that breaks an instance must not go on to the next one, nor be tried more often than was asked for.
    #[test]
    fn what_fails_is_tried_again_as_often_as_asked_for() {
        let (_, state) = world(&json!({"op": "restart"})).stopped("u/0").seen(&json!({}));
        assert_eq!(state, OperationState::Failed { timed_out: false, why: "no image".to_owned() });
        let (status, state) = world(&json!({"op": "restart", "maxRetries": 1})).stopped("u/0").seen(&json!({}));
        assert!(matches!(state, OperationState::Running(_)) && status["opRetries"] == 1, "{state:?} {status}");
        // The failure of the try before is not one of this try.
        let mut second = world(&json!({"op": "restart", "maxRetries": 1})).stopped("u/0");
        second.object.value_mut()["status"]["opRetries"] = json!(1);
        assert!(matches!(second.seen(&json!({})).1, OperationState::Running(_)));
        let mut last = world(&json!({"op": "restart", "maxRetries": 1})).stopped("u/1");
        last.object.value_mut()["status"]["opRetries"] = json!(1);
        let (status, state) = last.seen(&json!({}));
        assert!(matches!(state, OperationState::Failed { .. }) && status["restart"]["failure"] == "no image", "{state:?} {status}");
    }

    /// Pods that are made anew with the old images are no upgrade.
    #[test]
    fn a_security_upgrade_waits_for_its_images() {
        let upgrade = json!({"op": "securityUpgrade"});
        let state = |release: Value| world(&upgrade).seen(&json!({"release": {"operation": release}})).1;
        assert_eq!(state(Value::Null), OperationState::Running("the newest images are released first".to_owned()));
        assert!(matches!(state(json!({"uid": "another"})), OperationState::Running(_)));
        assert!(matches!(state(json!({"uid": "u"})), OperationState::Completed(_)));
        let without = state(json!({"uid": "u", "problem": "PostgreSQL 17.9 has no newer images"}));
        assert!(matches!(without, OperationState::Failed { timed_out: false, why } if why.contains("17.9")));
    }
}
