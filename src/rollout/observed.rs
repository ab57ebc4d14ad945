//! From what is seen of pods and instances to the few facts that the decision is made from.

use super::change::{Amount, Facts, InstanceFacts, Method, Permission, Synchronous, Target};
use super::memory::RolloutMemory;
use super::restart_parameters::{hot_standby, is_released, late, restart_parameters};
use crate::health::{CAUGHT_UP, Instance, Instances, dynamic_configuration};
use crate::model::{HOT_STANDBY, InstanceReport, InstanceRole, Object, Quantity};
use crate::render::MADE_FROM;
use crate::render::revision::Revision;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What one instance said when it was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// Patroni's own report.
    pub report: InstanceReport,
    /// Values of parameters, as `current_setting` gives them.
    pub settings: BTreeMap<String, String>,
    /// REDO location of its last checkpoint or restartpoint.
    pub redo: Option<u64>,
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
        let others: Vec<&Revision> = std::iter::once(self.running).chain(self.superseded).collect();
        restart_parameters(self.released, &others)
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
        Facts {
            cluster: self.released.cluster.name.clone(),
            target: Target {
                instances: self.released.effective.instances.value,
                hot_standby: hot_standby(self.released),
                late: std::iter::once(self.running).chain(self.superseded).flat_map(|other| late(other, self.released)).collect(),
                synchronous: self.synchronous(),
                method: self.method,
                goes_back: self.released == self.running && self.demanded.is_empty(),
                reloads_only: compared.is_empty() && self.starts_alike() && self.demanded.is_empty(),
            },
            instances: self.seen.existing.iter().filter_map(|instance| self.instance(instance, leader, &compared)).collect(),
            asked_for: u32::try_from(replicas).unwrap_or(u32::MAX),
            permission: self.permission.clone(),
            memory: self.memory.memory.clone(),
            under_way: self.under_way,
            not_made: self.not_made.clone(),
        }
    }

    /// Whether pods of every revision that may run are the same ones.
    fn starts_alike(&self) -> bool {
        let containers = |revision: &Revision| {
            let template = template(revision)?;
            Some((template.pointer("/metadata/annotations")?.get(MADE_FROM)?.clone(), template.pointer("/spec/containers")?.clone()))
        };
        std::iter::once(self.running).chain(self.superseded).all(|other| containers(other) == containers(self.released))
    }

    /// How commits wait now: what Patroni has in force.
    fn synchronous(&self) -> Synchronous {
        let configuration = dynamic_configuration(self.live.values());
        let on = !matches!(configuration["synchronous_mode"], Value::Bool(false) | Value::Null);
        match (on, configuration["synchronous_mode_strict"] == true) {
            (false, _) => Synchronous::Off,
            (true, false) => Synchronous::On,
            (true, true) => Synchronous::Strict,
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
        let amounts = if same_pod { amounts(self.released, pod) } else { Amount::Same };
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
        let start_failed = state.as_deref() == Some("start failed");
        let trouble = instance.trouble.clone().or_else(|| start_failed.then(|| "PostgreSQL does not start".to_owned()));
        let waits_for_a_node = !pod.is_true("PodScheduled") && pod.condition("PodScheduled").is_some();
        Some(InstanceFacts {
            ordinal,
            uid: pod.uid().unwrap_or_default().to_owned(),
            terminating: pod.get("/metadata/deletionTimestamp").is_some(),
            ready: instance.ready && !start_failed,
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
            amounts: if self.memory.resize_refused { Amount::Same } else { amounts },
            behind: probe.and_then(|probe| self.behind(probe, compared)),
            hot_standby: probe.map(running_hot_standby).unwrap_or_default(),
            asked: report.is_some_and(|report| report.pending_restart == Some(true)),
            cordoned: instance.node.as_ref().is_some_and(|node| self.cordoned.contains(node)),
            hopeless: trouble.is_some() && !waits_for_a_node,
            trouble,
            position,
            redo: probe.and_then(|probe| probe.redo),
            pooler_away: probe.is_some_and(|probe| probe.pooler_away),
        })
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

fn running_hot_standby(probe: &Probe) -> BTreeMap<String, i64> {
    let number = |name: &&str| Some(((*name).to_owned(), probe.settings.get(*name)?.parse().ok()?));
    HOT_STANDBY.iter().filter_map(number).collect()
}

/// The pod template of a revision.
pub(super) fn template(revision: &Revision) -> Option<&Value> {
    revision.objects.iter().find(|object| object.kind() == "StatefulSet")?.get("/spec/template")
}

/// How the amounts of a pod have to change.
fn amounts(released: &Revision, pod: &Object) -> Amount {
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
