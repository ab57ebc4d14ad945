//! What a rollout will do, step by step, if nothing goes wrong: the decision itself, run against instances that do what they are told.

use super::facts::{Amount, Facts, InstanceFacts, Permission, Synchronous};
use super::next::{Force, Verdict, next_change};
use super::rules::Rules;
use super::step::{Action, StepRecord};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// More steps than any change of a cluster has: a rehearsal that does not end is a mistake of this program and says so.
const MOST: usize = 1_000;

/// A rehearsed rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// What is done, in order.
    pub actions: Vec<Action>,
    /// What it would wait for in the end, when it does not come to its end by itself.
    pub waits: Option<String>,
}

/// Rehearses. Permission is taken as given: the question is what happens, not when.
pub fn rehearse(facts: &Facts) -> Rehearsal {
    let mut facts = Facts { permission: Permission::Granted, ..facts.clone() };
    // By the time of each step servers have run for long enough.
    for instance in &mut facts.instances {
        instance.age = None;
    }
    let mut now = Timestamp::UNIX_EPOCH;
    let mut rehearsal = Rehearsal { actions: Vec::new(), waits: None };
    for _ in 0..MOST {
        let progress = next_change(Rules::ALL, &facts, now);
        if progress.step_ended {
            facts.memory.step = None;
        }
        let held = match &progress.force {
            Force::Released { held } => held.clone(),
            _ => BTreeSet::new(),
        };
        for instance in &mut facts.instances {
            instance.asked = instance.behind.as_ref().is_some_and(|behind| behind.iter().any(|name| !held.contains(name)));
        }
        bar(&mut facts, progress.barred);
        match progress.verdict {
            Verdict::Done => return rehearsal,
            Verdict::Stop(failure) => {
                rehearsal.waits = Some(failure.cause);
                return rehearsal;
            }
            Verdict::Do(action) => {
                if action.is_recorded() {
                    facts.memory.step = Some(StepRecord { action: action.clone(), since: now });
                }
                perform(&mut facts, &action, &held);
                rehearsal.actions.push(action);
                rehearsal.waits = None;
            }
            Verdict::Wait { what, .. } => {
                // What waits twice for the same does so for ever: nothing else happens here.
                if rehearsal.waits.as_ref() == Some(&what) {
                    return rehearsal;
                }
                rehearsal.waits = Some(what);
            }
        }
        now += SignedDuration::from_secs(1);
    }
    rehearsal.waits = Some("it does not come to an end".to_owned());
    rehearsal
}

/// Rehearses what comes after the step that is being carried out, which is taken for done.
pub fn rehearse_rest(facts: &Facts) -> Rehearsal {
    let mut facts = Facts { under_way: false, ..facts.clone() };
    let Some(step) = facts.memory.step.take() else { return rehearse(&facts) };
    let held = match next_change(Rules::ALL, &facts, Timestamp::UNIX_EPOCH).force {
        Force::Released { held } => held,
        _ => BTreeSet::new(),
    };
    if let Some(ordinal) = step.action.instance() {
        if facts.instance(ordinal).is_none() {
            // Its pod is gone and comes back with everything.
            perform(&mut facts, &Action::Add { instance: ordinal }, &held);
        }
        for instance in facts.instances.iter_mut().filter(|instance| instance.ordinal == ordinal) {
            (instance.ready, instance.streaming, instance.caught_up) = (true, !instance.leads, true);
            (instance.terminating, instance.trouble) = (false, None);
            instance.behind.get_or_insert_default();
        }
    }
    perform(&mut facts, &step.action, &held);
    rehearse(&facts)
}

/// Patroni takes the tag away from one instance and names another synchronous standby.
fn bar(facts: &mut Facts, barred: Option<u32>) {
    for instance in &mut facts.instances {
        instance.barred = barred == Some(instance.ordinal);
    }
    if facts.target.synchronous == Synchronous::Off {
        return;
    }
    let named = |instance: &InstanceFacts| instance.synchronous && !instance.leads && !instance.barred;
    let keep = facts.instances.iter().find(|instance| named(instance)).map(|instance| instance.ordinal);
    let could = |instance: &&InstanceFacts| !instance.leads && !instance.barred && instance.streaming;
    let next = keep.or_else(|| facts.instances.iter().find(could).map(|instance| instance.ordinal));
    for instance in &mut facts.instances {
        instance.synchronous = next == Some(instance.ordinal);
    }
}

fn start(instance: &mut InstanceFacts, held: &BTreeSet<String>, target: &std::collections::BTreeMap<String, i64>) {
    instance.started = None;
    if let Some(behind) = &mut instance.behind {
        behind.retain(|name| held.contains(name));
    }
    for (name, value) in &mut instance.hot_standby {
        if let Some(released) = target.get(name).filter(|_| !held.contains(name)) {
            *value = *released;
        }
    }
}

fn perform(facts: &mut Facts, action: &Action, held: &BTreeSet<String>) {
    let end = facts.instances.iter().filter_map(|instance| instance.position).max().unwrap_or(0);
    let target = facts.target.hot_standby.clone();
    let find = |facts: &mut Facts, ordinal: u32| facts.instances.iter().position(|instance| instance.ordinal == ordinal);
    match action {
        Action::ReleasePoolers => facts.instances.iter_mut().for_each(|instance| instance.pooler_away = false),
        Action::Checkpoint { instance } => {
            if let Some(index) = find(facts, *instance) {
                if facts.instances[index].leads {
                    facts.memory.lowered_at = Some(end);
                    facts.memory.lowered_by = facts.instances[index].started;
                }
                facts.instances[index].redo = Some(end);
                facts.instances[index].position = Some(end);
            }
        }
        Action::Add { instance } => {
            facts.asked_for = facts.asked_for.max(instance + 1);
            // A replica never starts below what its leader runs with: Patroni raises it, and a restart is due later.
            let leads = facts.leader().filter(|_| !facts.follows).map(|leader| leader.hot_standby.clone()).unwrap_or_default();
            let value = |(name, value): (&String, &i64)| (name.clone(), *leads.get(name).unwrap_or(value).max(value));
            let hot_standby: std::collections::BTreeMap<String, i64> = target.iter().map(value).collect();
            let raised = hot_standby.iter().filter(|(name, value)| target.get(*name) != Some(value)).map(|(name, _)| name.clone());
            let behind = raised.chain(held.iter().cloned()).collect();
            facts.instances.push(InstanceFacts {
                ordinal: *instance,
                uid: "new".to_owned(),
                ready: true,
                streaming: true,
                caught_up: true,
                pod: Some(true),
                behind: Some(behind),
                hot_standby,
                position: Some(end),
                ..InstanceFacts::default()
            });
        }
        Action::Resize { instance } => {
            if let Some(index) = find(facts, *instance) {
                facts.instances[index].amounts = Amount::Same;
            }
        }
        Action::Restart { instance, .. } | Action::Recreate { instance, .. } => {
            let Some(index) = find(facts, *instance) else { return };
            let mut held = held.clone();
            if let Action::Recreate { uid, claim, .. } = action {
                let one = &mut facts.instances[index];
                one.uid = format!("{uid}+");
                one.pod = Some(true);
                one.old_volume = one.old_volume.take().filter(|_| claim.is_none());
                one.amounts = Amount::Same;
                // What waited for the last pod with the old image is in force before the new one starts.
                held.retain(|name| !facts.target.late.contains(name) || facts.instances.iter().any(|other| other.pod == Some(false)));
            }
            let before = facts.instances[index].hot_standby.clone();
            start(&mut facts.instances[index], &held, &target);
            if matches!(action, Action::Recreate { .. }) && !facts.follows {
                // In a new pod every server starts as a replica, and so not below its control data: a restart is due later.
                let one = &mut facts.instances[index];
                for (name, value) in before {
                    if one.hot_standby.get(&name).is_some_and(|new| *new < value) {
                        one.hot_standby.insert(name.clone(), value);
                        one.behind.get_or_insert_default().insert(name);
                    }
                }
            }
        }
        Action::SwitchOver { leader, candidate, .. } => {
            // The old primary stops and starts again as a replica, and so with every parameter in force.
            if let Some(index) = find(facts, *leader) {
                start(&mut facts.instances[index], held, &target);
            }
            for instance in &mut facts.instances {
                // Patroni starts the server of the old leader anew, as a replica: with what is in force.
                if instance.leads {
                    start(instance, held, &target);
                }
                instance.leads = instance.ordinal == *candidate;
                instance.streaming = !instance.leads;
                instance.caught_up = true;
                if instance.leads {
                    instance.synchronous = false;
                }
            }
            facts.memory.switched_to = Some(*candidate);
        }
    }
}
