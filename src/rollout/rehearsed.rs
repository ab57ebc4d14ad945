//! What a change will do, step by step, for people: before it is released from two versions, and while it is carried out from the
//! facts. It is the decision itself that is run, so what is shown is what will be done (DESIGN §8).

use super::change::{
    Action, Facts, InstanceFacts, Memory, OldVolume, Permission, Rehearsal, Synchronous, Target, leave_surplus, rehearse, rehearse_rest,
};
use super::observed::{amounts, method_of, starts_alike, synchronous, template};
use super::restart_parameters::{hot_standby, late, restart_parameters};
use super::storage_class::{class, is_in_question};
use crate::diff::Version;
use crate::model::{Digest, Object};
use crate::render::revision::Revision;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Which instance does what when a change begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roles {
    /// Number of the one that leads.
    pub leader: u32,
    /// Number of the one that commits wait for, where that is known.
    pub synchronous: Option<u32>,
}

/// The steps of a change from one version of a running cluster to another, if nothing goes wrong; empty where no instance is touched.
pub fn planned(before: &Version, after: &Version, roles: Roles) -> Vec<String> {
    let (running, released) = (revision(before), revision(after));
    if running.effective.instances.value == 0 || released.effective.instances.value == 0 {
        return Vec::new();
    }
    let facts = of_healthy(&running, &released, roles);
    told(&facts, rehearse(&facts))
}

/// The steps that are still to be done, the one that is under way left out.
pub fn ahead(facts: &Facts) -> Vec<String> {
    if facts.memory.failure.is_some() {
        return Vec::new();
    }
    told(facts, rehearse_rest(facts))
}

fn told(facts: &Facts, rehearsal: Rehearsal) -> Vec<String> {
    let mut steps: Vec<String> = rehearsal.actions.iter().map(|action| action.text(|ordinal| facts.name(ordinal))).collect();
    let joined = rehearsal.actions.iter().filter_map(|action| match action {
        Action::Add { instance } => Some(instance + 1),
        _ => None,
    });
    let most = joined.chain([facts.asked_for]).max().unwrap_or_default();
    let wanted = facts.target.instances;
    if let Some(what) = rehearsal.waits {
        steps.push(format!("then it waits: {what}"));
        return steps;
    }
    steps.extend((most..wanted).map(|ordinal| Action::Add { instance: ordinal }.text(|ordinal| facts.name(ordinal))));
    let handed_over = rehearsal.actions.iter().rev().find_map(|action| match action {
        Action::SwitchOver { candidate, .. } => Some(*candidate),
        _ => None,
    });
    let leader = handed_over.or_else(|| facts.leader().map(|leader| leader.ordinal));
    let stays = facts.instances.iter().find(|instance| instance.ordinal < wanted && !instance.nofailover);
    if let (Some(leader), Some(stays)) = (leader.filter(|leader| *leader >= wanted), stays) {
        steps.push(Action::SwitchOver { leader, candidate: stays.ordinal, relieves: true }.text(|ordinal| facts.name(ordinal)));
    }
    steps.extend((wanted..most).rev().map(|ordinal| format!("{} leaves", facts.name(ordinal))));
    steps
}

fn revision(version: &Version) -> Revision {
    Revision {
        cluster: version.effective.cluster.clone(),
        digest: Digest::of(&Value::Null),
        commit: String::new(),
        manifests: Vec::new(),
        effective: version.effective.clone(),
        objects: version.objects.clone(),
    }
}

/// Facts of a cluster all of whose instances run the older revision and are well.
fn of_healthy(running: &Revision, released: &Revision, roles: Roles) -> Facts {
    let compared = restart_parameters(released, &[running]);
    let alike = starts_alike(running, released);
    let pod = Object::new(json!({"spec": template(running).and_then(|template| template.get("spec"))}));
    let made_from =
        |revision| template(revision).and_then(|template| template.pointer("/metadata/annotations")?.get(crate::render::MADE_FROM));
    let same_pod = made_from(running) == made_from(released);
    let has: BTreeMap<String, i64> = hot_standby(running);
    let synchronous = synchronous(running.objects.iter());
    let instances = running.effective.instances.value;
    let leader = roles.leader.min(instances - 1);
    let follows = roles.synchronous.or_else(|| (0..instances).find(|ordinal| *ordinal != leader));
    // Which class an unset one became stands at the claims, which are not known here.
    let moves = is_in_question(released, std::iter::once(running)) && class(released).is_some();
    let instance = |ordinal: u32| InstanceFacts {
        ordinal,
        uid: ordinal.to_string(),
        ready: true,
        leads: ordinal == leader,
        streaming: ordinal != leader,
        caught_up: true,
        synchronous: synchronous != Synchronous::Off && follows == Some(ordinal),
        nofailover: released.effective.duty(u64::from(ordinal)).nofailover,
        pod: Some(same_pod),
        old_volume: moves.then(|| OldVolume { claim: ordinal.to_string(), blank: false }),
        amounts: amounts(released, &pod),
        behind: Some(compared.keys().cloned().collect()),
        hot_standby: has.clone(),
        position: Some(1),
        redo: Some(1),
        ..InstanceFacts::default()
    };
    let mut all: Vec<InstanceFacts> = (0..instances).map(instance).collect();
    leave_surplus(&mut all, released.effective.instances.value);
    Facts {
        cluster: released.cluster.name.clone(),
        target: Target {
            instances: released.effective.instances.value,
            hot_standby: hot_standby(released),
            late: late(running, released),
            restarts: compared.keys().cloned().collect(),
            synchronous,
            method: method_of(released.effective.update_strategy.method.value),
            goes_back: false,
            reloads_only: compared.is_empty() && alike && !moves,
        },
        instances: all,
        asked_for: instances,
        permission: Permission::Granted,
        memory: Memory::default(),
        under_way: false,
        not_made: None,
        follows: running.effective.replicate_from.is_some(),
    }
}
