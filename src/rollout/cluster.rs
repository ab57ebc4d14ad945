//! The next step of one cluster.
//!
//! Which objects are to be in force, and then what is done to instances: the first is decided here, the second in [`super::change`],
//! and nothing is done to an instance before what has to be in force is.

use super::change::{Action, Facts, Failure, Permission, Progress, Rules, Verdict, next_change};
use super::duties::{dress, labels, relieve, switch_over};
use super::in_force::{Mixture, bar, in_force};
use super::instances::{Scale, scale};
use super::licence::wait_for_hold;
use super::pause::{keep_pause, wait_for_its_end};
use super::volumes::{growth, must_be_made_again};
use crate::diff::{Impact, Risk, is_in_place, would_change};
use crate::health::Instances;
use crate::model::{Object, ObjectKey};
use crate::render::revision::Revision;
use crate::render::{GeneratedSecret, generated, guards_primary, policy, secret_names};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Field manager of everything this loop applies.
pub const MANAGER: &str = "stackgres-cluster";

/// What happens to a live edit of an object of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drift {
    /// It is put back.
    Revert,
    /// It stays and is reported.
    Report,
}

/// Everything the decision depends on.
#[derive(Debug)]
pub struct Situation<'a> {
    /// The SGCluster.
    pub cluster: &'a Object,
    /// The revision it shall run.
    pub released: &'a Revision,
    /// The revision whose objects are in place, if one is.
    pub running: Option<&'a Revision>,
    /// What the change from the running to the released one does; `None` without a running one.
    pub impact: Option<&'a Impact>,
    /// Live objects of the cluster's namespace that it may own.
    pub live: &'a BTreeMap<ObjectKey, Object>,
    /// How its instances are.
    pub seen: &'a Instances,
    /// Whether a data volume exists.
    pub has_data: bool,
    /// Policy for live edits.
    pub drift: Drift,
    /// A person accepted the released revision by its name, although it is not known what runs.
    pub accepted: bool,
    /// Kinds that are not installed and may be left out.
    pub absent_kinds: &'a [String],
    /// Whether nodes can be read, so that a primary whose node is emptied is seen.
    pub sees_nodes: bool,
    /// What the instances run, where a change is to be carried out or has been begun; `None` at rest.
    pub facts: Option<&'a Facts>,
    /// The time.
    pub now: Timestamp,
}

/// One thing to do. Each is safe to repeat.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Apply an object.
    Apply(Object),
    /// Make a Secret once.
    Generate(GeneratedSecret),
    /// Give a pod that exists the labels and annotations that its successor would have.
    Dress {
        /// Which.
        key: ObjectKey,
        /// Identity of the pod that is meant.
        uid: String,
        /// Labels and annotations to merge; null takes one away.
        metadata: Value,
    },
    /// Put a label on a pod that exists.
    Label {
        /// Which.
        key: ObjectKey,
        /// Name of the label.
        name: &'static str,
        /// Its value.
        value: &'static str,
    },
    /// Make a volume larger.
    Grow {
        /// Its claim.
        key: ObjectKey,
        /// Its size.
        to: String,
    },
    /// Delete a StatefulSet and leave its pods as they are: it is made again around them.
    Orphan {
        /// Which.
        key: ObjectKey,
        /// Its identity, as a precondition.
        uid: String,
    },
    /// Remove an object that is no longer rendered, by its identity.
    Remove {
        /// Which.
        key: ObjectKey,
        /// Its identity, as a precondition.
        uid: String,
    },
}

/// Something that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What for.
    pub what: String,
    /// Who or what ends it.
    pub ends: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Steps, in order.
    pub steps: Vec<Step>,
    /// Whether the released revision is the one whose objects these are.
    pub carries_out_released: bool,
    /// What the rest waits for.
    pub wait: Option<Wait>,
    /// Why nothing may be done at all.
    pub stop: Option<String>,
    /// What is done to an instance, once nothing of `steps` is left to do.
    pub action: Option<Action>,
    /// Why the change that is released stopped; what ran before is kept up meanwhile.
    pub failure: Option<Failure>,
    /// How far the change is, where one is under way.
    pub progress: Option<Progress>,
    /// Objects that were edited live and are left so.
    pub drifted: Vec<ObjectKey>,
}

impl Decision {
    /// Nothing is to be done, and what is released is in place.
    pub(crate) const fn at_rest() -> Self {
        Self {
            steps: Vec::new(),
            carries_out_released: true,
            wait: None,
            stop: None,
            action: None,
            failure: None,
            progress: None,
            drifted: Vec::new(),
        }
    }

    /// Whether the released revision is carried out and nothing is left to do to an instance.
    pub fn is_finished(&self) -> bool {
        self.carries_out_released && self.action.is_none()
    }

    /// Whether instances that start now start with the released revision.
    pub fn brings_released(&self) -> bool {
        self.carries_out_released || self.progress.as_ref().is_some_and(Progress::brings_released)
    }
}

/// The next step of one cluster.
pub fn next(situation: &Situation<'_>) -> Decision {
    let mut decision = Decision::at_rest();
    decision.wait = held(situation);
    decision.carries_out_released = decision.wait.is_none();
    if decision.carries_out_released
        && let Some(facts) = situation.facts
    {
        proceed(facts, situation, &mut decision);
    }
    let target = match situation.running {
        Some(running) if !decision.brings_released() => running,
        _ => situation.released,
    };
    if let Some(foreign) = foreign(situation, target) {
        decision.stop = Some(format!("{foreign} exists and was not made by this program"));
        return decision;
    }
    if situation.running.is_none() && !decision.carries_out_released {
        return decision;
    }
    for secret in generated(&target.effective) {
        let key = ObjectKey::new("v1", "Secret", Some(&secret.namespace), &secret.name);
        if situation.live.contains_key(&key) {
            continue;
        }
        if is_lost(situation, &secret) {
            decision.stop = Some(format!(
                "{key} is missing while data volumes exist: restore it; the passwords that a new one would hold do not fit the data"
            ));
            return decision;
        }
        decision.steps.push(Step::Generate(secret));
    }
    decision.steps.extend(labels(situation, target));
    let settled = decision.carries_out_released && situation.running.is_some_and(|running| running == situation.released);
    let mut objects = objects(situation, target, &decision);
    objects.retain(|object| situation.sees_nodes || !guards_primary(object));
    for object in &objects {
        if policy(&object.key()).optional && situation.absent_kinds.iter().any(|kind| kind == object.kind()) {
            continue;
        }
        let mut wanted = owned(object, situation.cluster);
        if object.kind() == "StatefulSet" {
            count_instances(situation, target, &mut wanted, &mut decision);
        }
        let live = situation.live.get(&object.key());
        if let Some(live) = live.filter(|_| object.kind() == "Endpoints") {
            keep_pause(&mut wanted, live);
        }
        if let Some(live) = live.filter(|_| object.kind() == "StatefulSet") {
            let held = situation.facts.is_some_and(|facts| matches!(facts.permission, Permission::Held { .. }));
            if held {
                wanted.value_mut()["spec"]["volumeClaimTemplates"] = live.get("/spec/volumeClaimTemplates").cloned().unwrap_or_default();
            }
            decision.steps.extend(growth(situation, &wanted, decision.brings_released()));
            if must_be_made_again(&wanted, live) {
                let uid = live.uid().unwrap_or_default().to_owned();
                decision.steps.push(Step::Orphan { key: live.key(), uid });
                continue;
            }
        }
        match live {
            Some(live) if !would_change(&wanted, live, MANAGER) => {}
            Some(live) if settled && situation.drift == Drift::Report && is_edit(&wanted, live) => decision.drifted.push(object.key()),
            _ => decision.steps.push(Step::Apply(wanted)),
        }
    }
    if decision.progress.is_none() || decision.carries_out_released {
        relieve(situation, target, &mut decision);
    }
    if decision.carries_out_released {
        decision.steps.extend(dress(situation, target));
    }
    decision.steps.extend(removals(situation, target, &objects));
    decision
}

/// Puts the next step of the change into the decision.
fn proceed(facts: &Facts, situation: &Situation<'_>, decision: &mut Decision) {
    let progress = next_change(Rules::ALL, facts, situation.now);
    match &progress.verdict {
        Verdict::Done => {}
        Verdict::Do(action) => {
            decision.wait = Some(Wait { what: action.text(|ordinal| facts.name(ordinal)), ends: "it has ended".to_owned() });
            decision.action = Some(action.clone());
        }
        Verdict::Wait { what, ends, .. } => {
            // What is not allowed is told with what it is.
            let summary = situation.impact.filter(|_| facts.permission != Permission::Granted).map(|impact| &impact.summary);
            let what = summary.map_or_else(|| what.clone(), |summary| format!("{summary}: {what}"));
            decision.wait = Some(Wait { what, ends: ends.clone() });
        }
        Verdict::Stop(failure) => {
            decision.wait = Some(Wait {
                what: format!("stopped: {}", failure.cause),
                ends: "other inputs are released, or `stackgres rollout retry` after the cause is gone".to_owned(),
            });
            decision.failure = Some(failure.clone());
        }
    }
    decision.carries_out_released = progress.verdict == Verdict::Done;
    decision.progress = Some(progress);
}

/// The objects that are to be in force.
fn objects(situation: &Situation<'_>, target: &Revision, decision: &Decision) -> Vec<Object> {
    let (Some(progress), Some(facts), Some(running)) = (&decision.progress, situation.facts, situation.running) else {
        return target.objects.clone();
    };
    let mut highest: BTreeMap<String, i64> = BTreeMap::new();
    for (name, value) in facts.instances.iter().flat_map(|instance| &instance.hot_standby) {
        let known = highest.entry(name.clone()).or_insert(*value);
        *known = (*known).max(*value);
    }
    let mixture = Mixture {
        running,
        released: situation.released,
        late: &facts.target.late,
        highest: &highest,
        replicated: facts.instances.iter().any(|instance| !instance.leads && instance.streaming),
    };
    let mut objects = in_force(&mixture, progress);
    if let Some(barred) = progress.barred {
        bar(&mut objects, situation.cluster.name(), barred);
    }
    objects
}

/// Why nothing of a change of a cluster with data is carried out.
fn held(situation: &Situation<'_>) -> Option<Wait> {
    if !situation.has_data {
        return None;
    }
    if situation.running.is_none() {
        return unknown(situation);
    }
    let impact = situation.impact?;
    if !impact.risks.contains(&Risk::Refused) {
        return None;
    }
    let reasons: Vec<&str> =
        impact.findings.iter().filter(|finding| finding.risks.contains(&Risk::Refused)).map(|finding| finding.reason.as_str()).collect();
    Some(Wait { what: format!("{}: {}", impact.summary, reasons.join("; ")), ends: "put the old value back".to_owned() })
}

/// Objects of a revision that are missing or differ, without kinds that are not installed. Who owns a field does not count.
pub fn not_in_place<'a>(
    revision: &'a Revision,
    live: &'a BTreeMap<ObjectKey, Object>,
    absent_kinds: &'a [String],
) -> impl Iterator<Item = &'a Object> {
    let needed = revision.objects.iter().filter(|object| !absent_kinds.iter().any(|kind| kind == object.kind()));
    needed.filter(|object| !live.get(&object.key()).is_some_and(|live| is_in_place(object, live)))
}

/// Data exists and nothing says which revision runs: only a revision that changes nothing is safe.
fn unknown(situation: &Situation<'_>) -> Option<Wait> {
    let released = situation.released;
    let differing: Vec<String> =
        not_in_place(released, situation.live, situation.absent_kinds).map(|object| object.key().to_string()).collect();
    if differing.is_empty() || situation.accepted {
        return None;
    }
    let name = released.name();
    Some(Wait {
        what: format!(
            "it is not known which revision runs, and the released one differs from what is live ({}): data exists, so nothing is changed",
            differing.join(", ")
        ),
        ends: format!(
            "restore the Secret of the revision that runs, release inputs that match, or annotate the SGCluster with stackgres.io/accept-release={name}"
        ),
    })
}

/// Whether a live object was edited. The number of instances follows the release, one step after the other.
fn is_edit(wanted: &Object, live: &Object) -> bool {
    let mut same_number = wanted.clone();
    if wanted.kind() == "StatefulSet"
        && let Some(number) = live.get("/spec/replicas")
    {
        same_number.value_mut()["spec"]["replicas"] = number.clone();
    }
    would_change(&same_number, live, MANAGER)
}

/// Puts the number of instances into the StatefulSet that may be asked for now, and adds what must happen first.
fn count_instances(situation: &Situation<'_>, target: &Revision, set: &mut Object, decision: &mut Decision) {
    let replicas = |object: &Object| object.get("/spec/replicas").and_then(Value::as_u64);
    let (Some(wanted), Some(live)) = (replicas(set), situation.live.get(&set.key()).and_then(replicas)) else { return };
    let wanted = decision.progress.as_ref().map_or(wanted, |progress| u64::from(progress.instances));
    set.value_mut()["spec"]["replicas"] = json!(wanted);
    if !situation.has_data || wanted == live {
        return;
    }
    if wanted < live && situation.seen.paused {
        decision.wait.get_or_insert(wait_for_its_end(&format!("{live} → {wanted} instances")));
        set.value_mut()["spec"]["replicas"] = json!(live);
        return;
    }
    if wanted < live
        && let Some(held) = wait_for_hold(&format!("{live} → {wanted} instances"), situation.cluster, situation.now)
    {
        decision.wait.get_or_insert(held);
        set.value_mut()["spec"]["replicas"] = json!(live);
        return;
    }
    let number = match scale(set.name(), live, wanted, situation.seen, |ordinal| target.effective.duty(ordinal).nofailover) {
        Scale::To(number) => number,
        Scale::HandOver { leader, candidate } => {
            decision.wait.get_or_insert(Wait {
                what: format!("{live} → {wanted} instances: {leader} leads and hands over to {candidate} first"),
                ends: "Patroni has handed over".to_owned(),
            });
            decision.action = switch_over(&target.effective, &leader, &candidate);
            live
        }
        Scale::Wait(wait) => {
            decision.wait.get_or_insert(wait);
            live
        }
    };
    set.value_mut()["spec"]["replicas"] = json!(number);
}

/// Whether a Secret was there and is gone: new passwords would not fit the data.
fn is_lost(situation: &Situation<'_>, secret: &GeneratedSecret) -> bool {
    let had = match situation.running {
        Some(running) => generated(&running.effective).iter().any(|had| had.name == secret.name),
        None => secret.name == situation.cluster.name(),
    };
    situation.has_data && had
}

/// An object of a name we need that somebody else made.
fn foreign(situation: &Situation<'_>, target: &Revision) -> Option<ObjectKey> {
    let namespace = &target.effective.cluster.namespace;
    let secrets = secret_names(&target.effective);
    let names = secrets.iter().map(|name| ObjectKey::new("v1", "Secret", Some(namespace), name));
    let ours = |object: &Object| object.label("app.kubernetes.io/managed-by") == Some("stackgres") || is_patronis(object, target);
    target.objects.iter().map(Object::key).chain(names).find(|key| situation.live.get(key).is_some_and(|live| !ours(live)))
}

/// Whether Patroni made an object of this cluster anew after somebody deleted it: it gives it the labels of its configuration and
/// no others.
fn is_patronis(object: &Object, target: &Revision) -> bool {
    let wanted = target.objects.iter().find(|wanted| wanted.kind() == "Endpoints" && wanted.key() == object.key());
    wanted.is_some_and(|wanted| {
        ["app", "stackgres.io/cluster", "stackgres.io/cluster-scope"]
            .iter()
            .all(|label| wanted.label(label).is_some() && wanted.label(label) == object.label(label))
    })
}

/// Objects of the running revision that are no longer rendered. Only what carries our owner reference, never what holds data.
fn removals(situation: &Situation<'_>, target: &Revision, objects: &[Object]) -> Vec<Step> {
    let uid = situation.cluster.uid().unwrap_or_default();
    let wanted: Vec<ObjectKey> = objects.iter().map(Object::key).collect();
    situation
        .live
        .iter()
        .filter(|(key, live)| {
            !wanted.contains(key)
                && !policy(key).data
                && !takes_endpoints_along(target, key)
                && live.label("app.kubernetes.io/managed-by") == Some("stackgres")
                && is_owned_by(live, uid)
        })
        .filter_map(|(key, live)| Some(Step::Remove { key: key.clone(), uid: live.uid()?.to_owned() }))
        .collect()
}

/// Kubernetes deletes the Endpoints of a Service with it, and with Patroni's Endpoints goes the leader lock. Those of other
/// Services are the API server's own and come and go with them.
fn takes_endpoints_along(target: &Revision, key: &ObjectKey) -> bool {
    let mut endpoints = target.objects.iter().filter(|object| object.kind() == "Endpoints");
    key.kind == "Service" && endpoints.any(|object| object.name() == key.name && object.namespace() == key.namespace.as_deref())
}

fn is_owned_by(object: &Object, uid: &str) -> bool {
    let owners = object.get("/metadata/ownerReferences").and_then(Value::as_array);
    !uid.is_empty() && owners.into_iter().flatten().any(|owner| owner["uid"] == uid)
}

/// The object with its owner, where its policy says that it has one.
pub fn owned(object: &Object, cluster: &Object) -> Object {
    let mut object = object.clone();
    if policy(&object.key()).owned
        && let Some(uid) = cluster.uid()
    {
        object.value_mut()["metadata"]["ownerReferences"] =
            json!([{"apiVersion": cluster.api_version(), "kind": cluster.kind(), "name": cluster.name(), "uid": uid, "controller": true}]);
    }
    object
}
