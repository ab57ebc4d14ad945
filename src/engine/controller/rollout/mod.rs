//! Carries out what disturbs instances.
//!
//! In: the decision. Out: one disturbance, written down first. Invariant: a disturbance is written into the status under the version
//! that the decision was made from, so of two controllers one alone begins it (DESIGN §8, rule 14). Why: everything else is found
//! again from the facts.

mod act;
mod image;
mod nodes;
mod probe;
mod standby_clusters;
mod volume;

use super::cluster_pass::{ClusterPass, STATUS_MANAGER};
use super::events::{tell, tell_each};
use super::operations::Wanted;
use super::pod_events;
use super::reach::Reach;
use super::works::{SharedNote, Works};
use crate::health::Instances;
use crate::kubernetes::{Class, KubernetesError};
use crate::model::{Object, ObjectKey};
use crate::render::revision::Revision;
use crate::rollout::change::{Action, Facts, Permission, StepRecord, Verdict};
use crate::rollout::{
    Decision, Licence, Observed, Operation, PAUSE_ENDS, PAUSED, RETRY, RolloutMemory, ahead, held, method_of, slots_accepted,
};
use crate::status::{Condition, seconds};
use jiff::Timestamp;
use nodes::Nodes;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;
use volume::{Kept, Moving};

/// Steps under way.
pub(super) struct Rollouts {
    works: Works,
    simulated: bool,
    nodes: Nodes,
}

impl Rollouts {
    /// None yet.
    pub(super) fn new(hints: mpsc::Sender<()>, simulated: bool) -> Self {
        Self { works: Works::new("rollout", hints), simulated, nodes: Nodes::default() }
    }

    /// Whether nodes may be read, as far as is known.
    pub(super) fn sees_nodes(&self) -> bool {
        self.nodes.are_seen()
    }

    /// Where the tasks are.
    pub(super) const fn works(&self) -> &Works {
        &self.works
    }
}

/// What a pass knows of a change that is under way.
pub(super) struct Change {
    /// What is remembered.
    pub(super) memory: RolloutMemory,
    /// What stands in the status, as far as this pass knows.
    known: RolloutMemory,
    /// What the decision is made from; `None` where nothing but a hand-over is to be done.
    pub(super) facts: Option<Facts>,
}

impl Change {
    /// Of a cluster at rest, whose primary has to hand over.
    pub(super) fn at_rest(running: &Revision, now: Timestamp) -> Self {
        let memory = RolloutMemory { revision: running.name(), since: Some(now), ..RolloutMemory::default() };
        Self { memory, known: RolloutMemory::default(), facts: None }
    }

    /// With what is remembered and seen.
    #[cfg(test)]
    pub(super) fn of(memory: RolloutMemory, facts: Facts) -> Self {
        Self { known: memory.clone(), memory, facts: Some(facts) }
    }

    /// Tells what comes after the step that was begun last.
    pub(super) fn look_ahead(&mut self) {
        let memory = self.memory.memory.clone();
        self.memory.ahead = self.facts.clone().map(|facts| ahead(&Facts { memory, ..facts })).unwrap_or_default();
    }

    /// What the pass has to write of it at its end: nothing is remembered of what has ended.
    pub(super) fn patch(&self, ended: bool) -> Option<Value> {
        if ended { RolloutMemory::default().changes(&self.known) } else { self.memory.changes(&self.known) }
    }
}

/// Looks at the instances, where a change is to be carried out or was begun; `None` at rest.
pub(super) async fn look(
    pass: &ClusterPass<'_>,
    released: &Revision,
    running: &Revision,
    children: &BTreeMap<ObjectKey, Object>,
    seen: &Instances,
    licence: &Licence,
    wanted: &Wanted<'_>,
) -> Result<Option<Change>, KubernetesError> {
    let ClusterPass { cluster, facts, rollouts, now, .. } = *pass;
    let before = RolloutMemory::read(cluster.get("/status/rollout"));
    let at_rest = released == running && before.revision.is_empty() && wanted.pods.is_empty();
    if at_rest && !leader_has_to_leave(pass, seen).await {
        return Ok(None);
    }
    let name = cluster.namespaced_name();
    let mut memory = before.clone().towards(&released.name(), &running.name(), wanted.operation.map(Operation::attempt).as_deref(), now);
    if let Some(wish) = cluster.annotation(RETRY).filter(|wish| memory.retried.as_deref() != Some(wish)) {
        memory.memory.failure = None;
        memory.resize_refused = false;
        memory.retried = Some(wish.to_owned());
    }
    let superseded: Vec<Revision> = memory.superseded.iter().filter_map(|revision| facts.revision(&name, revision)).collect();
    let cordoned = cordoned(pass, seen).await;
    let mut observed = Observed {
        released,
        running,
        superseded: &superseded,
        live: children,
        seen,
        probes: &BTreeMap::new(),
        cordoned: &cordoned,
        memory: &memory,
        permission: permission(pass, licence, seen),
        method: method_of(licence.method()),
        under_way: rollouts.works.look(&name).1 || pass.switchovers.works.look(&name).1,
        not_made: not_made(pass, &memory, seen).await,
        demanded: &wanted.pods,
    };
    let names: BTreeSet<String> = observed.compared().into_keys().collect();
    let mut probes = if rollouts.simulated {
        probe::simulated(children)
    } else {
        match Reach::of(children.values(), released) {
            Ok(reach) => probe::ask(&rollouts.works.limits, &reach, &names).await,
            Err(_) => BTreeMap::new(),
        }
    };
    let accepted = slots_accepted(pass.cluster);
    for probe in probes.values_mut() {
        probe.slots.retain(|slot| !accepted.contains(slot));
    }
    observed.probes = &probes;
    let mut facts = observed.facts();
    if facts.permission == Permission::Granted
        && let Some(refusal) = standby_clusters::refusal(pass, released, &facts)
    {
        facts.permission = refusal;
    }
    if facts.permission == Permission::Granted
        && let Some(refusal) = image::refusal(pass, released, running, &superseded, &memory, children).await
    {
        facts.permission = refusal;
    }
    Ok(Some(Change { memory, known: before, facts: Some(facts) }))
}

fn permission(pass: &ClusterPass<'_>, licence: &Licence, seen: &Instances) -> Permission {
    if let (Some(hold), Licence::Withheld { why, ends, .. }) = (held(pass.cluster, pass.now), licence) {
        tracing::debug!(%hold, "held");
        return Permission::Held { why: why.clone(), ends: ends.clone() };
    }
    if seen.paused {
        return Permission::Held { why: PAUSED.to_owned(), ends: PAUSE_ENDS.to_owned() };
    }
    match licence {
        Licence::Granted { .. } => Permission::Granted,
        Licence::Later { why, opens, .. } => {
            Permission::NotNow { why: why.clone(), ends: format!("the window that opens at {}", seconds(*opens)) }
        }
        Licence::Withheld { why, ends, .. } => Permission::NotNow { why: why.clone(), ends: ends.clone() },
    }
}

/// Why the pod that a step waits for is not made.
async fn not_made(pass: &ClusterPass<'_>, memory: &RolloutMemory, seen: &Instances) -> Option<String> {
    let step = memory.memory.step.as_ref()?;
    let name = format!("{}-{}", pass.cluster.name(), step.action.instance()?);
    if seen.existing.iter().any(|instance| instance.name == name) {
        return None;
    }
    pod_events::not_made(pass.api, pass.cluster, &name, step.since).await
}

/// Whether somebody empties the node of the leader, and others could take over. Nodes tell nobody, so this is asked at each pass.
async fn leader_has_to_leave(pass: &ClusterPass<'_>, seen: &Instances) -> bool {
    let Some(node) = seen.leader().and_then(|leader| leader.node.as_deref()).filter(|_| seen.existing.len() > 1) else { return false };
    pass.rollouts.nodes.is_cordoned(pass.api, node, pass.now).await
}

/// Nodes of instances that take no pods any more. Where nodes may not be read nothing is known, and nothing is done about it.
async fn cordoned(pass: &ClusterPass<'_>, seen: &Instances) -> BTreeSet<String> {
    let names: BTreeSet<&String> = seen.existing.iter().filter_map(|instance| instance.node.as_ref()).collect();
    let mut cordoned = BTreeSet::new();
    for name in names {
        if pass.rollouts.nodes.is_cordoned(pass.api, name, pass.now).await {
            cordoned.insert(name.clone());
        }
    }
    cordoned
}

/// Notes what became of the step before, and of the rollout, in what is remembered.
pub(super) async fn remember(pass: &ClusterPass<'_>, change: &mut Change, decision: &mut Decision, children: &BTreeMap<ObjectKey, Object>) {
    let Some(progress) = &decision.progress else { return };
    for report in progress.reports.iter().filter(|_| decision.carries_out_released) {
        tell(pass.api, pass.cluster, true, "ParameterOverridden", report, pass.now).await;
    }
    change.memory.tried |= progress.brings_released();
    let memory = &mut change.memory.memory;
    if progress.step_ended {
        // A hand-over away from a node that is emptied is not the one of this change.
        if let Some(StepRecord { action: Action::SwitchOver { candidate, relieves: false, .. }, .. }) = &memory.step
            && change.facts.as_ref().and_then(Facts::leader).is_some_and(|leads| leads.ordinal == *candidate)
        {
            memory.switched_to = Some(*candidate);
        }
        memory.step = None;
    }
    if let Some(failure) = decision.failure.clone().filter(|_| memory.failure.is_none()) {
        let mut failure = failure;
        if let Some(said) = last_words(pass, &failure, children).await {
            failure.cause = format!("{}; PostgreSQL says: {said}", failure.cause);
            if let Some(wait) = &mut decision.wait {
                wait.what = format!("stopped: {}", failure.cause);
            }
        }
        tell(pass.api, pass.cluster, true, "RolloutStopped", &failure.cause, pass.now).await;
        memory.step = None;
        memory.failure = Some(failure);
    }
}

/// The last thing a server said that ended it.
async fn last_words(
    pass: &ClusterPass<'_>,
    failure: &crate::rollout::change::Failure,
    children: &BTreeMap<ObjectKey, Object>,
) -> Option<String> {
    let name = format!("{}-{}", pass.cluster.name(), failure.instance?);
    let pod = children.values().find(|object| object.kind() == "Pod" && object.name() == name)?;
    for previous in [false, true] {
        if let Ok(log) = pass.api.log(&pod.key(), "patroni", 2_000, previous).await
            && let Some(words) = crate::health::last_words(&log)
        {
            return Some(words);
        }
    }
    None
}

/// Begins what is to be done to an instance: writes it down, then does it or starts a task that does.
pub(super) async fn begin(
    pass: &ClusterPass<'_>,
    change: &mut Change,
    action: &Action,
    decision: &mut Decision,
    released: &Revision,
    children: &BTreeMap<ObjectKey, Object>,
) -> Result<(), KubernetesError> {
    let ClusterPass { api, cluster, rollouts, now, .. } = *pass;
    let name = cluster.namespaced_name();
    if matches!(action, Action::Recreate { .. }) && !set_is_observed(children) {
        return Ok(());
    }
    let (left, busy) = rollouts.works.look(&name);
    if busy || pass.switchovers.works.look(&name).1 {
        return Ok(());
    }
    if let Some(trouble) = left.trouble.as_ref().filter(|_| !left.may_try(now)) {
        if let Some(wait) = &mut decision.wait {
            wait.what = format!("{}: {trouble}", wait.what);
            "it is tried again".clone_into(&mut wait.ends);
        }
        return Ok(());
    }
    let moving = match action {
        Action::Recreate { instance, uid, claim: Some(claim), .. } => Some(Moving { cluster: &name, instance: *instance, pod: uid, claim }),
        _ => None,
    };
    // What cannot be kept is not given up, and a step that is not begun has no limit to pass.
    if let Some(moving) = &moving {
        match moving.keep(api, released, children).await? {
            Kept::Yes => {}
            Kept::Another => return Ok(()),
            Kept::No { why, ends } => {
                if let Some(wait) = &mut decision.wait {
                    wait.what = format!("{}: {why}", wait.what);
                    ends.clone_into(&mut wait.ends);
                }
                return Ok(());
            }
        }
    }
    // After a stop nothing is waited for: what is done then is tried until it is no longer called for.
    if action.is_recorded() && decision.failure.is_none() {
        let same = change.memory.memory.step.as_ref().filter(|step| step.action == *action);
        let again = same.is_some();
        let step = StepRecord { action: action.clone(), since: same.map_or(now, |step| step.since) };
        change.memory.memory.step = Some(step);
        if matches!(action, Action::Restart { leads: true, .. }) {
            // What was written before it was written with other values.
            change.memory.memory.lowered_at = None;
            change.memory.memory.lowered_by = None;
        }
        let patch = json!({
            "metadata": {"resourceVersion": cluster.resource_version()},
            "status": {"rollout": change.memory.write()},
        });
        match api.patch_status(&cluster.key(), &patch, STATUS_MANAGER).await {
            // Somebody wrote meanwhile: what is right is decided anew from what stands there now.
            Err(error) if error.class == Class::Conflict => return Err(error),
            other => drop(other?),
        }
        change.known = change.memory.clone();
        if !again {
            let text = action.text(|ordinal| format!("{}-{ordinal}", name.name));
            if left.trouble.is_some() {
                // It was put off, and is tried again every now and then: what it waits for stands in the status.
                tell(api, cluster, false, "RolloutStep", &text, now).await;
            } else {
                tell_each(api, cluster, "RolloutStep", &text, now).await;
            }
        }
    }
    match action {
        Action::Add { .. } => Ok(()),
        Action::Recreate { instance, uid, .. } => {
            if let Some(moving) = &moving {
                moving.give_up(api, children).await?;
            }
            let key = ObjectKey::new("v1", "Pod", Some(&name.namespace), &format!("{}-{instance}", name.name));
            api.delete(&key, Some(uid)).await
        }
        Action::Resize { instance } => {
            let refused = act::resize(api, released, &name, *instance).await?;
            change.memory.resize_refused |= refused;
            Ok(())
        }
        Action::Checkpoint { .. } | Action::Restart { .. } | Action::SwitchOver { .. } | Action::ReleasePoolers => {
            if rollouts.simulated {
                return act::simulated(api, released, &name, action, children).await;
            }
            let note = SharedNote::after(left);
            let task = act::Task {
                api: api.clone(),
                cluster: cluster.clone(),
                revision: released.clone(),
                limits: rollouts.works.limits.clone(),
                action: action.clone(),
                note: note.clone(),
            };
            rollouts.works.start(&name, note, task.carry_out());
            Ok(())
        }
    }
}

/// When to look again: what instances do is no event of the API server. A window that opens later, and whoever ends a stop, are.
const PAUSE: jiff::SignedDuration = jiff::SignedDuration::from_secs(3);

/// Plans the next look at a change that goes on by itself.
pub(super) fn look_again(pass: &ClusterPass<'_>, change: &Change, decision: &Decision) {
    let name = pass.cluster.namespaced_name();
    let (left, busy) = pass.rollouts.works.look(&name);
    // What was in the way says itself when it is tried again.
    if busy || left.trouble.is_some() && !left.may_try(pass.now) {
        return;
    }
    let granted = change.facts.as_ref().is_none_or(|facts| facts.permission == Permission::Granted);
    let goes_on = granted && decision.failure.is_none() && !decision.is_finished();
    pass.rollouts.works.rest(&name, goes_on.then(|| pass.now + PAUSE));
}

/// Whether the StatefulSet controller has seen the template that is in force: before that a deleted pod comes back as it was.
fn set_is_observed(children: &BTreeMap<ObjectKey, Object>) -> bool {
    let set = children.values().find(|object| object.kind() == "StatefulSet");
    set.is_some_and(|set| {
        let number = |pointer: &str| set.get(pointer).and_then(Value::as_u64);
        number("/status/observedGeneration") >= number("/metadata/generation")
    })
}

/// Until when the cluster waits: the limit of the step that is under way, the opening of the next window, or a person.
pub(super) fn waits_until(change: Option<&Change>, decision: &Decision, licence: &Licence) -> String {
    let verdict = decision.progress.as_ref().map(|progress| &progress.verdict);
    let step = change.and_then(|change| change.memory.memory.step.as_ref());
    let not_now =
        change.and_then(|change| change.facts.as_ref()).is_some_and(|facts| matches!(facts.permission, Permission::NotNow { .. }));
    match (verdict, licence) {
        (Some(Verdict::Wait { until: Some(until), .. }), _) => seconds(*until),
        (Some(Verdict::Do(_)), _) if step.is_some() => step.map_or_else(String::new, |step| seconds(step.since + step.action.limit())),
        (Some(Verdict::Wait { .. }), Licence::Later { opens, .. }) if not_now => seconds(*opens),
        (Some(Verdict::Do(_)), _) => "the step has ended".to_owned(),
        (Some(Verdict::Wait { ends, .. }), _) if !not_now => ends.clone(),
        _ => "a person acts".to_owned(),
    }
}

/// What the change is about, as a condition: upstream's `PendingRestart`.
pub(super) fn condition(change: Option<&Change>, decision: &Decision, summary: &str) -> Condition {
    let pending = change.is_some() && decision.progress.as_ref().is_some_and(|progress| progress.stage.is_some());
    if pending {
        Condition::new("PendingRestart", Some(true), "PodRequiresRestart", summary)
    } else {
        Condition::new("PendingRestart", Some(false), "PodsDoNotRequireRestart", "")
    }
}
