//! From what is seen of pods and instances to the few facts that the decision is made from.

use super::change::{Amount, Facts, InstanceFacts, Method, Permission, Synchronous, Target, leave_surplus};
use super::memory::RolloutMemory;
use super::restart_parameters::{hot_standby, is_released, late, restart_parameters};
use super::storage_class::{is_in_question, old_volume};
use crate::health::{CAUGHT_UP, Instance, Instances, Role, dynamic_configuration};
use crate::model::{HOT_STANDBY, InstanceReport, InstanceRole, Object, Quantity};
use crate::render::MADE_FROM;
use crate::render::revision::Revision;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How much longer ago than another one a Patroni has seen the API server that counts as having lost it: the `ttl` of the leader lock,
/// three of Patroni's looks.
const ISOLATED: SignedDuration = SignedDuration::from_secs(30);

/// What one instance said when it was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// Patroni's own report.
    pub report: InstanceReport,
    /// Values of parameters, as `current_setting` gives them.
    pub settings: BTreeMap<String, String>,
    /// REDO location of its last checkpoint or restartpoint.
    pub redo: Option<u64>,
    /// When its server started, in microseconds since 1970.
    pub started: Option<u64>,
    /// For how long it has run.
    pub age: Option<SignedDuration>,
    /// Parameters that `ALTER SYSTEM` set there.
    pub overridden: BTreeSet<String>,
    /// Logical replication slots that have their WAL.
    pub slots: BTreeSet<String>,
    /// Replication slots whose WAL is gone.
    pub lost_slots: BTreeSet<String>,
    /// Whether its pooler holds clients back or leads to another instance.
    pub pooler_away: bool,
}

/// Everything the facts are made from.
pub struct Observed<'a> {
    /// The revision that shall run.
    pub released: &'a Revision,
    /// The one that ran before.
    pub running: &'a Revision,
    /// Those between that some instance may still run.
    pub superseded: &'a [Revision],
    /// Live objects of the cluster.
    pub live: &'a BTreeMap<crate::model::ObjectKey, Object>,
    /// How its instances are, as their pods show it.
    pub seen: &'a Instances,
    /// What they said when asked.
    pub probes: &'a BTreeMap<String, Probe>,
    /// Nodes that take no pods any more.
    pub cordoned: &'a BTreeSet<String>,
    /// What is remembered.
    pub memory: &'a RolloutMemory,
    /// Whether they may be disturbed.
    pub permission: Permission,
    /// What is done about capacity.
    pub method: Method,
    /// Whether a step is being carried out by this process.
    pub under_way: bool,
    /// Why a pod that is missing is not made.
    pub not_made: Option<String>,
    /// Identities of pods that an operation has made anew, although they may have everything.
    pub demanded: &'a BTreeSet<String>,
}

impl Observed<'_> {
    /// Names of the parameters whose running values matter.
    pub fn compared(&self) -> BTreeMap<String, Option<String>> {
        restart_parameters(self.released, &self.others().collect::<Vec<_>>())
    }

    /// Every revision that an instance may still run, but for the released one.
    fn others(&self) -> impl Iterator<Item = &Revision> {
        std::iter::once(self.running).chain(self.superseded)
    }

    fn moves_volumes(&self) -> bool {
        is_in_question(self.released, self.others())
    }

    /// The facts.
    pub fn facts(&self) -> Facts {
        let compared = self.compared();
        let leader = self.seen.leader().and_then(|leader| self.probes.get(&leader.name));
        let set = self.live.values().find(|object| object.kind() == "StatefulSet");
        // While the StatefulSet is made again around its pods, the pods say how many there are to be.
        let existing = self.seen.existing.iter().filter_map(|instance| self.released.effective.ordinal(&instance.name)).max();
        let replicas = set.and_then(|set| set.get("/spec/replicas")).and_then(Value::as_u64);
        let replicas = replicas.unwrap_or_else(|| existing.map_or(0, |ordinal| ordinal + 1));
        let mut instances: Vec<InstanceFacts> =
            self.seen.existing.iter().filter_map(|instance| self.instance(instance, leader, &compared)).collect();
        leave_surplus(&mut instances, self.released.effective.instances.value);
        Facts {
            cluster: self.released.cluster.name.clone(),
            target: Target {
                instances: self.released.effective.instances.value,
                hot_standby: hot_standby(self.released),
                late: self.others().flat_map(|other| late(other, self.released)).collect(),
                restarts: compared.keys().cloned().collect(),
                synchronous: synchronous(self.live.values()),
                method: self.method,
                goes_back: self.released == self.running && self.demanded.is_empty(),
                reloads_only: compared.is_empty()
                    && self.demanded.is_empty()
                    && !self.moves_volumes()
                    && self.others().all(|other| starts_alike(other, self.released)),
            },
            instances,
            asked_for: u32::try_from(replicas).unwrap_or(u32::MAX),
            permission: self.permission.clone(),
            memory: self.memory.memory.clone(),
            under_way: self.under_way,
            not_made: self.not_made.clone(),
            follows: self.seen.leader().is_some_and(|leader| leader.role == Some(Role::StandbyLeader)),
        }
    }

    fn instance(&self, instance: &Instance, leader: Option<&Probe>, compared: &BTreeMap<String, Option<String>>) -> Option<InstanceFacts> {
        let ordinal = u32::try_from(self.released.effective.ordinal(&instance.name)?).ok()?;
        let pod = self.live.values().find(|object| object.kind() == "Pod" && object.name() == instance.name)?;
        let probe = self.probes.get(&instance.name);
        let report = probe.map(|probe| &probe.report);
        let leads = instance.leads();
        let made_from = template(self.released).and_then(|template| template.pointer("/metadata/annotations")?.get(MADE_FROM)?.as_str());
        let demanded = pod.uid().is_some_and(|uid| self.demanded.contains(uid));
        let same_pod = pod.annotation(MADE_FROM) == made_from && !demanded;
        let amounts = amounts(self.released, pod);
        let position = report.and_then(|report| report.written.filter(|_| leads).or(report.replayed)).or(instance.position);
        let timeline = report.and_then(|report| report.timeline).or(instance.timeline);
        let leaders_timeline =
            leader.and_then(|leader| leader.report.timeline).or_else(|| self.seen.leader().and_then(|leader| leader.timeline));
        let leaders_position =
            leader.and_then(|leader| leader.report.written).or_else(|| self.seen.leader().and_then(|leader| leader.position));
        let follows = match report {
            Some(report) => report.replication_state.as_deref() == Some("streaming"),
            None => instance.does() == Some("streaming"),
        };
        let state = report.and_then(|report| report.state.clone()).or_else(|| instance.state.clone());
        // Patroni names the slot of a member after it.
        let lost = |leader: &Probe| leader.lost_slots.contains(&instance.name.replace('-', "_"));
        let cut_off = !leads && !follows && leader.is_some_and(lost);
        let behind = probe.and_then(|probe| self.behind(probe, compared));
        let of_alter_system = |name: &&String| probe.is_some_and(|probe| probe.overridden.contains(*name));
        let overridden = behind.iter().flatten().filter(of_alter_system).cloned().collect();
        let start_failed = state.as_deref() == Some("start failed");
        let trouble = instance.trouble.clone().or_else(|| start_failed.then(|| "PostgreSQL does not start".to_owned()));
        let trouble = trouble.or_else(|| cut_off.then(|| "its leader has no longer the WAL that it needs".to_owned()));
        // A node may be added, and a volume may come from another one: both pass without us.
        let waits = |kind: &str| pod.condition(kind).is_some_and(|condition| condition["status"] == "False");
        let passes = waits("PodScheduled") || waits("PodReadyToStartContainers");
        Some(InstanceFacts {
            ordinal,
            uid: pod.uid().unwrap_or_default().to_owned(),
            terminating: pod.get("/metadata/deletionTimestamp").is_some(),
            ready: instance.ready && !start_failed,
            turned: turned(pod),
            leads,
            streaming: follows && timeline.is_some() && timeline == leaders_timeline,
            caught_up: match (position, leaders_position) {
                (Some(own), Some(leaders)) => leaders.saturating_sub(own) < CAUGHT_UP,
                _ => false,
            },
            replay_paused: report.and_then(|report| report.replay_paused) == Some(true),
            synchronous: instance.synchronous,
            barred: report.is_some_and(|report| report.tags.get("nosync").is_some_and(|tag| tag == "true")),
            nofailover: instance.nofailover,
            pod: Some(same_pod && !(amounts != Amount::Same && self.memory.resize_refused)),
            old_volume: if self.moves_volumes() { old_volume(self.released, self.live, pod, position) } else { None },
            amounts: if self.memory.resize_refused { Amount::Same } else { amounts },
            asked: report.is_some_and(|report| asked(report, &overridden) && has_read(report, behind.iter().flatten(), compared)),
            behind,
            overridden,
            hot_standby: probe.map(running_hot_standby).unwrap_or_default(),
            cut_off,
            isolated: report.is_some_and(|report| self.is_isolated(report)),
            slots: probe.map(|probe| probe.slots.clone()).unwrap_or_default(),
            cordoned: instance.node.as_ref().is_some_and(|node| self.cordoned.contains(node)),
            hopeless: trouble.is_some() && !passes,
            trouble,
            position,
            redo: probe.and_then(|probe| probe.redo),
            started: probe.and_then(|probe| probe.started),
            age: probe.and_then(|probe| probe.age),
            pooler_away: probe.is_some_and(|probe| probe.pooler_away),
        })
    }

    /// Whether Patroni there has lost the API server that others have seen since.
    fn is_isolated(&self, report: &InstanceReport) -> bool {
        let newest = self.probes.values().filter_map(|probe| probe.report.store_seen).max();
        let behind = report.store_seen.zip(newest).is_some_and(|(own, newest)| own + ISOLATED < newest);
        behind || report.failsafe_active == Some(true)
    }

    /// Parameters an instance runs with whose released value is another one; `None` where it did not say.
    fn behind(&self, probe: &Probe, compared: &BTreeMap<String, Option<String>>) -> Option<BTreeSet<String>> {
        if probe.report.role.is_none() || matches!(probe.report.role, Some(InstanceRole::Other(_))) {
            return None;
        }
        let major = self.released.effective.postgres.major;
        let mut behind = BTreeSet::new();
        for (name, released) in compared {
            let differs = match (released, probe.settings.get(name)) {
                (Some(released), Some(running)) => !is_released(major, name, running, released),
                // What cannot be compared is known to the server, which says what waits for a restart.
                _ => probe.report.pending_parameters.contains_key(name),
            };
            if differs {
                behind.insert(name.clone());
            }
        }
        // A server that did not answer SQL says nothing of its values.
        (!probe.settings.is_empty() || compared.is_empty()).then_some(behind)
    }
}

/// When a pod became ready, or stopped being so; one that never was, when it was made.
fn turned(pod: &Object) -> Option<Timestamp> {
    let at = pod.condition("Ready").and_then(|condition| condition["lastTransitionTime"].as_str());
    at.or_else(|| pod.text("/metadata/creationTimestamp"))?.parse().ok()
}

/// Whether a restart would bring something: Patroni says that one is pending, and for more than what `ALTER SYSTEM` set.
fn asked(report: &InstanceReport, overridden: &BTreeSet<String>) -> bool {
    let more = report.pending_parameters.is_empty() || report.pending_parameters.keys().any(|name| !overridden.contains(name));
    report.pending_restart == Some(true) && more
}

/// Whether what waits for a restart there is the released value of one parameter at least: what failed before and was put back may wait as
/// well. Only plain numbers are compared, which every version of Patroni writes alike; of anything else its word is taken.
fn has_read<'a>(report: &InstanceReport, behind: impl Iterator<Item = &'a String>, compared: &BTreeMap<String, Option<String>>) -> bool {
    let number = |text: &String| text.parse::<i64>().ok();
    let same = |name: &String| {
        let (released, read) = (compared.get(name)?.as_ref()?, report.pending_parameters.get(name)?.new.as_ref()?);
        Some(number(read)? == number(released)?)
    };
    let read: Vec<bool> = behind.filter_map(same).collect();
    read.is_empty() || read.contains(&true)
}

fn running_hot_standby(probe: &Probe) -> BTreeMap<String, i64> {
    let number = |name: &&str| Some(((*name).to_owned(), probe.settings.get(*name)?.parse().ok()?));
    HOT_STANDBY.iter().filter_map(number).collect()
}

/// How a change goes about capacity, as the decision says it.
pub const fn method_of(method: crate::resolve::Method) -> Method {
    match method {
        crate::resolve::Method::InPlace => Method::InPlace,
        crate::resolve::Method::ReducedImpact => Method::ReducedImpact,
    }
}

/// The pod template of a revision.
pub(super) fn template(revision: &Revision) -> Option<&Value> {
    revision.objects.iter().find(|object| object.kind() == "StatefulSet")?.get("/spec/template")
}

/// Whether pods of two revisions are the same ones.
pub(super) fn starts_alike(one: &Revision, other: &Revision) -> bool {
    let containers = |revision: &Revision| {
        let template = template(revision)?;
        Some((template.pointer("/metadata/annotations")?.get(MADE_FROM)?.clone(), template.pointer("/spec/containers")?.clone()))
    };
    containers(one) == containers(other)
}

/// How commits wait: what Patroni has in force in these objects.
pub(super) fn synchronous<'a>(objects: impl IntoIterator<Item = &'a Object>) -> Synchronous {
    let configuration = dynamic_configuration(objects);
    let on = !matches!(configuration["synchronous_mode"], Value::Bool(false) | Value::Null);
    match (on, configuration["synchronous_mode_strict"] == true) {
        (false, _) => Synchronous::Off,
        (true, false) => Synchronous::On,
        (true, true) => Synchronous::Strict,
    }
}

/// How the amounts of a pod have to change.
pub(super) fn amounts(released: &Revision, pod: &Object) -> Amount {
    let containers = |spec: Option<&Value>| -> BTreeMap<String, Value> {
        let list = spec.and_then(|spec| spec.get("containers")).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|container| Some((container["name"].as_str()?.to_owned(), container["resources"].clone()))).collect()
    };
    let (wanted, has) = (containers(template(released).and_then(|template| template.get("spec"))), containers(pod.get("/spec")));
    let (mut differs, mut less) = (false, false);
    for (name, wanted) in &wanted {
        let Some(has) = has.get(name) else { continue };
        for part in ["requests", "limits"] {
            for resource in ["cpu", "memory"] {
                let amount = |value: &Value| value[part][resource].as_str().and_then(Quantity::parse).map(Quantity::milli);
                match (amount(wanted), amount(has)) {
                    (Some(new), Some(old)) if new != old => {
                        differs = true;
                        less |= resource == "memory" && new < old;
                    }
                    _ => {}
                }
            }
        }
    }
    match (differs, less) {
        (false, _) => Amount::Same,
        (true, true) => Amount::Less,
        (true, false) => Amount::More,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PendingParameter;

    /// A restart that comes too early brings what a failed change was taken back to, and has to be repeated.
    #[test]
    fn what_waits_has_to_be_what_is_released() {
        let report = |name: &str, new: &str| InstanceReport {
            pending_restart: Some(true),
            pending_parameters: [(name.to_owned(), PendingParameter { old: Some("120".to_owned()), new: Some(new.to_owned()) })].into(),
            ..InstanceReport::default()
        };
        let compared: BTreeMap<String, Option<String>> =
            [("max_connections".to_owned(), Some("100".to_owned())), ("shared_buffers".to_owned(), Some("1GB".to_owned()))].into();
        let reads = |report: &InstanceReport| has_read(report, compared.keys(), &compared);
        assert!(reads(&report("max_connections", "100")));
        assert!(!reads(&report("max_connections", "130")), "that is what ran before");
        assert!(reads(&report("shared_buffers", "1024MB")), "amounts are written in more than one way");
        assert!(reads(&InstanceReport::default()), "a Patroni that names nothing is believed");
    }
}
