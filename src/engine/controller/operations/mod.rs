//! Operations that people ask for with SGDbOps objects.
//!
//! In: the SGDbOps of one cluster, what the pass decided. Out: what the rollout is asked for, and the status of each operation.
//! Invariant: an operation begins by being written down under its object's version, and only then is anything asked of an instance;
//! whatever it does is done by the rollout, with its order, gates and limits. Why: a restart is no other way to disturb a database.

mod images;
mod progress;

pub(super) use images::newest;

use super::claims;
use super::cluster_pass::{ClusterPass, STATUS_MANAGER};
use super::events::tell;
use super::facts::Facts;
use super::fleet_pass::hold as hold_of_fleet;
use super::rollout::Change;
use crate::health::Instances;
use crate::kubernetes::{Cluster, KubernetesError};
use crate::load::Manifest;
use crate::model::{Object, ObjectKey, seconds};
use crate::rollout::{
    Decision, Finished, Operation, OperationKind, OperationOutcome, PAUSED, Turn, held, is_reconciliation_paused, operation_content,
    operation_outcome, operation_turns,
};
use crate::status::{Condition, OperationState, merge, operation_conditions, would_change};
use crate::validate::check_manifest;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What the rollout of a pass is asked for by an operation.
pub(super) struct Wanted<'a> {
    /// The operation that is under way.
    pub(super) operation: Option<&'a Operation>,
    /// Identities of pods that exist and are to be made anew.
    pub(super) pods: BTreeSet<String>,
}

/// What a pass knows in the end.
pub(super) struct Seen<'a> {
    /// Live objects of the cluster.
    pub(super) children: &'a BTreeMap<ObjectKey, Object>,
    /// How its instances are.
    pub(super) instances: &'a Instances,
    /// The change that is under way.
    pub(super) change: Option<&'a Change>,
    /// What was decided.
    pub(super) decision: &'a Decision,
    /// Conditions of the cluster, as they are about to be written.
    pub(super) conditions: &'a [Condition],
}

/// The operations on one cluster.
pub(super) struct Operations<'a> {
    /// Those that can be carried out, each with its object.
    all: Vec<(&'a Object, Operation)>,
    /// Those that cannot, with the reason.
    refused: Vec<(&'a Object, String)>,
    under_way: Option<usize>,
}

impl<'a> Operations<'a> {
    /// Reads them.
    pub(super) fn of(facts: &'a Facts, cluster: &'a Object, now: Timestamp) -> Self {
        let (mut all, mut refused) = (Vec::new(), Vec::new());
        for object in facts.of_kind_in("SGDbOps", cluster.namespace().unwrap_or_default()).filter(|object| is_done_to(object, cluster)) {
            let problems = if operation_outcome(object).is_none() { problems(object) } else { Vec::new() };
            match Operation::read(object).filter(|_| problems.is_empty()) {
                Some(operation) => all.push((object, operation)),
                None if operation_outcome(object).is_none() => refused.push((object, problems.join("; "))),
                None => {}
            }
        }
        let mut operations = Self { all, refused, under_way: None };
        operations.under_way = operations.turns(None, now).iter().position(|turn| *turn == Turn::UnderWay);
        operations
    }

    fn turns(&self, held: Option<&str>, now: Timestamp) -> Vec<Turn> {
        let all: Vec<Operation> = self.all.iter().map(|(_, operation)| operation.clone()).collect();
        operation_turns(&all, held, now)
    }

    /// The one that is under way.
    pub(super) fn under_way(&self) -> Option<&Operation> {
        self.under_way.map(|index| &self.all[index].1)
    }

    /// What is asked of the rollout: a pod that the operation found and that still exists is made anew.
    pub(super) fn wanted(&self, cluster: &Object, children: &BTreeMap<ObjectKey, Object>) -> Wanted<'_> {
        let operation = self.under_way();
        let has_images =
            |operation: &&Operation| operation.kind != OperationKind::SecurityUpgrade || images::is_answered(cluster, operation);
        let found = operation.filter(has_images).map(|operation| &operation.initial_pods);
        let live = children.values().filter(|object| object.kind() == "Pod").filter_map(Object::uid);
        let pods = live.filter(|uid| found.is_some_and(|found| found.contains(*uid))).map(str::to_owned).collect();
        Wanted { operation, pods }
    }

    /// Says of each what it waits for, where the cluster is not looked after now. What is under way is under way.
    pub(super) async fn wait(&self, pass: &ClusterPass<'_>, why: &str) -> Result<(), KubernetesError> {
        self.refuse(pass.api, pass.now).await?;
        for ((object, operation), turn) in self.all.iter().zip(self.turns(Some(why), pass.now)) {
            let (status, state) = match turn {
                Turn::Ended => continue,
                Turn::Begins => (json!({}), OperationState::Waits(why.to_owned())),
                Turn::Waits(why) => (json!({}), OperationState::Waits(why)),
                Turn::UnderWay => (json!({}), OperationState::Running(why.to_owned())),
                Turn::TimedOut => timed_out(operation),
            };
            write(pass.api, object, status, &state, pass.now).await?;
        }
        Ok(())
    }

    /// Carries them on: begins the next, tells how the one under way is, ends what has ended. `patch` is of the cluster's status.
    pub(super) async fn carry_on(&self, pass: &ClusterPass<'_>, seen: &Seen<'_>, patch: &mut Value) -> Result<(), KubernetesError> {
        let ClusterPass { api, cluster, now, .. } = *pass;
        self.refuse(api, now).await?;
        let before = cluster.get("/status/dbOps").filter(|before| !before.is_null());
        if self.all.is_empty() {
            if before.is_some() {
                patch["dbOps"] = Value::Null;
            }
            return Ok(());
        }
        let mut finished = Finished::read(cluster.get("/status/finishedOperations"));
        let held = Self::held(pass, seen);
        let mut shown = None;
        for ((object, operation), turn) in self.all.iter().zip(self.turns(held.as_deref(), now)) {
            let from_git = claims::came_from_a_fleet(object);
            let ended_before =
                finished.ended(&operation_content(object)).filter(|_| from_git).map(|(outcome, at)| (outcome, at.to_owned()));
            let (status, state) = match (turn, ended_before) {
                (Turn::Ended, _) => {
                    if let Some(outcome) = operation.outcome.filter(|_| from_git) {
                        finished.add(&operation.name, &operation_content(object), outcome, now);
                    }
                    continue;
                }
                (Turn::Begins | Turn::Waits(_), Some((outcome, at))) => (json!({}), once_only(outcome, &at)),
                (Turn::Waits(why), None) => (json!({}), OperationState::Waits(why)),
                (Turn::TimedOut, _) => timed_out(operation),
                (Turn::Begins, None) => {
                    let status = progress::begun(operation, seen, now);
                    (status, OperationState::Running("it begins".to_owned()))
                }
                (Turn::UnderWay, _) => {
                    shown = Some(progress::on_the_cluster(object, operation));
                    let wanted = self.wanted(cluster, seen.children);
                    progress::under_way(cluster, object, operation, &wanted, seen, now)
                }
            };
            write(api, object, status, &state, now).await?;
        }
        if shown.is_some() || before.is_some() {
            patch["dbOps"] = shown.unwrap_or(Value::Null);
        }
        patch["finishedOperations"] = finished.write();
        Ok(())
    }

    /// Why none may begin now. What holds a disturbance holds the beginning as well, so that the time of an operation does not pass
    /// while nothing may be done.
    fn held(pass: &ClusterPass<'_>, seen: &Seen<'_>) -> Option<String> {
        let ClusterPass { cluster, facts, now, .. } = *pass;
        if is_reconciliation_paused(cluster) {
            return Some("the reconciliation is paused".to_owned());
        }
        if let Some(hold) = held(cluster, now) {
            return Some(format!("held: {hold}"));
        }
        if let Some(why) = claims::fleet_of(facts, cluster).and_then(|fleet| hold_of_fleet(fleet, now)) {
            return Some(format!("its fleet is {why}"));
        }
        if seen.instances.paused {
            return Some(PAUSED.to_owned());
        }
        if seen.instances.existing.is_empty() {
            return Some("the cluster has no instances".to_owned());
        }
        seen.decision.stop.clone()
    }

    async fn refuse(&self, api: &Cluster, now: Timestamp) -> Result<(), KubernetesError> {
        for (object, why) in &self.refused {
            write(api, object, json!({}), &OperationState::Failed { timed_out: false, why: why.clone() }, now).await?;
        }
        Ok(())
    }
}

/// Operations whose cluster is not there wait for it, and say so.
pub(super) async fn without_cluster(api: &Cluster, facts: &Facts, now: Timestamp) -> Result<(), KubernetesError> {
    let cluster = |object: &Object| {
        ObjectKey::new("stackgres.io/v1", "SGCluster", object.namespace(), object.text("/spec/sgCluster").unwrap_or_default())
    };
    let lonely = |object: &&Object| operation_outcome(object).is_none() && !facts.own.contains_key(&cluster(object));
    for object in facts.of_kind("SGDbOps").filter(lonely) {
        let name = object.text("/spec/sgCluster").unwrap_or_default();
        let state =
            OperationState::Waits(format!("there is no SGCluster {name} in the namespace {}", object.namespace().unwrap_or_default()));
        write(api, object, json!({}), &state, now).await?;
    }
    Ok(())
}

fn is_done_to(object: &Object, cluster: &Object) -> bool {
    object.namespace() == cluster.namespace()
        && object.text("/spec/sgCluster") == Some(cluster.name())
        && object.get("/metadata/deletionTimestamp").is_none()
}

/// What keeps an operation from being carried out.
fn problems(object: &Object) -> Vec<String> {
    let found = check_manifest(&Manifest::live(object.clone()));
    found.iter().filter(|problem| problem.is_error()).map(|problem| format!("{}: {}", problem.code, problem.message)).collect()
}

fn timed_out(operation: &Operation) -> (Value, OperationState) {
    let why = "its time is over; instances that were restarted stay so".to_owned();
    (json!({operation.kind.word(): {"failure": why}}), OperationState::Failed { timed_out: true, why })
}

/// The object of an operation that has ended was deleted, and its source makes it again.
fn once_only(ended: OperationOutcome, at: &str) -> OperationState {
    let why = format!("the same operation ended before {at}, and it is done once: to do it again, give it another name");
    match ended {
        OperationOutcome::Completed => OperationState::Completed(why),
        OperationOutcome::Failed => OperationState::Failed { timed_out: false, why },
    }
}

/// Writes the status of an operation where it differs, under the version that was read, and tells what is new.
async fn write(api: &Cluster, object: &Object, mut status: Value, state: &OperationState, now: Timestamp) -> Result<(), KubernetesError> {
    status["conditions"] = merge(object.get("/status/conditions"), &operation_conditions(state), None, now);
    if !would_change(object.get("/status"), &status) {
        return Ok(());
    }
    let begins = status.get("opStarted").is_some_and(|started| !started.is_null()) && object.text("/status/opStarted").is_none();
    let patch = json!({"metadata": {"resourceVersion": object.resource_version()}, "status": status});
    match api.patch_status(&object.key(), &patch, STATUS_MANAGER).await {
        // Where the API server as a whole is the trouble, nothing else fares better.
        Err(error) if error.is_general() => return Err(error),
        // What is not written down has not begun, and has not ended. The cluster is looked after all the same.
        Err(error) => {
            tracing::warn!(%error, operation = %object.key(), "the operation could not be told how it is; the next look does");
            return Ok(());
        }
        Ok(_) => {}
    }
    let op = object.text("/spec/op").unwrap_or_default();
    match state {
        OperationState::Running(_) if begins => tell(api, object, false, "DbOpStarted", &format!("{op} began"), now).await,
        OperationState::Completed(how) => tell(api, object, false, "DbOpCompleted", &format!("{op} is done: {how}"), now).await,
        OperationState::Failed { timed_out, why } => {
            tell(api, object, true, if *timed_out { "DbOpTimeOut" } else { "DbOpFailed" }, &format!("{op} failed: {why}"), now).await;
        }
        OperationState::Running(_) | OperationState::Waits(_) => {}
    }
    Ok(())
}

/// A moment for a status.
fn stamp(now: Timestamp) -> Value {
    json!(seconds(now))
}
