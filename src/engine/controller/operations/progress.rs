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
        change.facts.instances.iter().find(|instance| change.facts.name(instance.ordinal) == name)
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
