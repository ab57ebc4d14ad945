//! Which instance is next, of those that lack what a round brings.

use super::back::is_back;
use super::candidate::{candidate, is_alone};
use super::facts::{Facts, InstanceFacts, Synchronous};
use super::rules::{Rule, Rules};
use super::stage::{How, Stage};
use super::step::Action;
use super::volume::{goes_with_the_pod, is_spared, is_surplus};

/// What is done next in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// This.
    Do(Action),
    /// Commits must stop waiting for this instance before it may be stopped.
    Bar(u32),
    /// Something must come first.
    Wait {
        /// What is waited for.
        what: String,
        /// Who or what ends it.
        ends: String,
    },
}

fn wait(what: impl Into<String>, ends: impl Into<String>) -> Choice {
    Choice::Wait { what: what.into(), ends: ends.into() }
}

/// The wait for Patroni's look at the configuration.
fn unread() -> Choice {
    wait("Patroni has not read the new parameters yet", "its next look, after loop_wait at the latest")
}

/// Chooses. Every instance is up here.
pub(super) fn choose(rules: Rules, facts: &Facts, stage: &Stage) -> Choice {
    let Some(leader) = facts.leader() else { return wait("no instance leads", "Patroni has chosen one") };
    let lacks = |instance: &InstanceFacts| stage.has(instance) != Some(true);
    let mut replicas: Vec<&InstanceFacts> = facts.instances.iter().filter(|instance| !instance.leads && lacks(instance)).collect();
    // Those that no commit waits for first: then there is another one to wait for when the synchronous one goes.
    replicas.sort_by_key(|instance| (instance.synchronous, !is_surplus(facts, instance), instance.ordinal));
    if stage.how == How::Grow
        && let Some(unseen) = facts.instances.iter().find(|instance| instance.behind.is_none())
    {
        return wait(format!("{} does not show what it runs", facts.name(unseen.ordinal)), "it can be seen");
    }
    if matches!(stage.how, How::Grow | How::Shrink) {
        let next = replicas.first().copied().or_else(|| lacks(leader).then_some(leader));
        return next.map_or_else(
            || wait("processor and memory", "the kubelet has changed them"),
            |next| Choice::Do(Action::Resize { instance: next.ordinal }),
        );
    }
    if stage.leader_first || !rules.keep(Rule::ReplicasFirst) {
        if lacks(leader) {
            return stop(rules, facts, stage, leader);
        }
        if stage.leader_first
            && rules.keep(Rule::LoweredOnPrimaryFirst)
            && rules.keep(Rule::RaisedOnReplicasFirst)
            && let Some(first) = prove_lowered(rules, facts, leader, replicas.first().copied())
        {
            return first;
        }
    }
    if let Some(next) = replicas.first() {
        return stop(rules, facts, stage, next);
    }
    // In its second round a leader restarts in place: one planned switchover is enough.
    let again = stage.how == How::Restart && facts.memory.switched_to == Some(leader.ordinal);
    if again || is_alone(facts) && leader.old_volume.is_none() {
        return stop(rules, facts, stage, leader);
    }
    // Whoever has not replayed everything would have to follow another one before it is well.
    if let Some(wait) = wait_for_late(rules, facts, facts.instances.iter()) {
        return wait;
    }
    if stage.how == How::Restart && !leader.asked && rules.keep(Rule::RestartBringsTheConfiguration) {
        // Its server starts anew with the hand-over: with what its Patroni has read.
        return unread();
    }
    match candidate(rules, facts, |instance| stage.has(instance) == Some(true)) {
        Ok(candidate) => Choice::Do(Action::SwitchOver { leader: leader.ordinal, candidate, relieves: false }),
        // Whom commits wait for may not lead, or leaves in the end: another one takes its place first.
        Err(ends) => misplaced_standby(rules, facts, stage)
            .map_or_else(|| wait("the primary is the last that lacks the change, and no replica can take over", ends), Choice::Bar),
    }
}

/// The synchronous standby, when only that keeps another instance from taking over.
fn misplaced_standby(rules: Rules, facts: &Facts, stage: &Stage) -> Option<u32> {
    let standby = facts.instances.iter().find(|instance| instance.synchronous && !instance.leads)?;
    let mut others = facts.clone();
    others.target.synchronous = Synchronous::Off;
    let fit = candidate(rules, &others, |instance| instance.ordinal != standby.ordinal && stage.has(instance) == Some(true));
    fit.is_ok().then_some(standby.ordinal)
}

/// What must come before a standby gets lower values: it has replayed the lowering on the leader, and recovery after a crash would
/// begin behind it (`postgres-facts` a5 and "not enough after a crash").
fn prove_lowered(rules: Rules, facts: &Facts, leader: &InstanceFacts, next: Option<&InstanceFacts>) -> Option<Choice> {
    let next = next?;
    let own = !rules.keep(Rule::NoteIsOfThisLeader) || facts.memory.lowered_by == leader.started;
    let Some(lowered_at) = facts.memory.lowered_at.filter(|_| own) else {
        return Some(Choice::Do(Action::Checkpoint { instance: leader.ordinal }));
    };
    if next.position.is_none_or(|replayed| replayed < lowered_at) {
        return Some(wait("a replica has not replayed the lower values yet", "it has caught up"));
    }
    if !rules.keep(Rule::RestartpointPastTheLowering) || next.redo.is_some_and(|redo| redo >= lowered_at) {
        return None;
    }
    Some(Choice::Do(Action::Checkpoint { instance: next.ordinal }))
}

/// The wait for the first of these that has not replayed everything.
fn wait_for_late<'a>(rules: Rules, facts: &Facts, mut of: impl Iterator<Item = &'a InstanceFacts>) -> Option<Choice> {
    let late = of.find(|instance| !is_back(rules, instance)).filter(|_| rules.keep(Rule::OneAtATime))?;
    Some(wait(format!("{} has not replayed everything yet", facts.name(late.ordinal)), "it has caught up"))
}

/// Stops one instance, when nothing that stands on it falls.
fn stop(rules: Rules, facts: &Facts, stage: &Stage, instance: &InstanceFacts) -> Choice {
    let others = || facts.instances.iter().filter(|other| other.ordinal != instance.ordinal);
    if let Some(wait) = wait_for_late(rules, facts, others()) {
        return wait;
    }
    let could_be = |other: &InstanceFacts| !other.leads && !other.nofailover && is_back(rules, other);
    if facts.target.synchronous != Synchronous::Off
        && !instance.leads
        && rules.keep(Rule::SynchronousStandbyIsReplacedFirst)
        && others().any(could_be)
        && (instance.synchronous || !others().any(|other| other.synchronous))
    {
        return Choice::Bar(instance.ordinal);
    }
    let claim = goes_with_the_pod(instance);
    if claim.is_some() && !is_spared(rules, facts, instance) {
        let what = format!("{} gives its volume up only while two others hold everything", facts.name(instance.ordinal));
        return wait(what, "a leader and another replica that has caught up");
    }
    let has_pod = instance.pod == Some(true) && claim.is_none();
    let how = if stage.how == How::Recreate && has_pod { How::Restart } else { stage.how };
    match how {
        How::Restart if !instance.asked && rules.keep(Rule::RestartBringsTheConfiguration) => unread(),
        How::Restart => {
            let brings = stage.brings.clone();
            Choice::Do(Action::Restart { instance: instance.ordinal, leads: instance.leads, brings })
        }
        _ => Choice::Do(Action::Recreate { instance: instance.ordinal, uid: instance.uid.clone(), claim, leads: instance.leads }),
    }
}
