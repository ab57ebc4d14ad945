//! The decision.

use super::attainable::attainable;
use super::back::{STEADY, down, is_back, is_steady, is_up};
use super::candidate::candidate;
use super::facts::{Amount, Facts, InstanceFacts, Method, Permission};
use super::force::force;
use super::order::{Choice, choose};
use super::rules::{Rule, Rules};
use super::stage::{How, Stage, stage};
use super::step::{Action, Failure, StepRecord};
use super::volume::{goes_with_a_repair, moves};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// How long a trouble that does not pass by itself has to last before it is believed.
const BELIEVED: SignedDuration = SignedDuration::from_secs(60);

/// How long a trouble that may pass by itself is given: a node that is being added, a volume that moves from one node to another.
const PASSES: SignedDuration = SignedDuration::from_mins(6);

/// How long a pod is given that copies nothing: it may have to wait for a node and to catch up.
const STARTS: SignedDuration = SignedDuration::from_mins(30);

/// How long a request is given before it is made again, where nothing shows that it arrived.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// What every instance would come back with, if it restarted now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Force {
    /// What ran before.
    LastGood,
    /// What ran before, and of the released revision what is only read again.
    Reloadable,
    /// The released revision, but for these parameters.
    Released {
        /// Parameters that keep the value they had.
        held: BTreeSet<String>,
    },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every instance runs the released revision.
    Done,
    /// This, once what is to be in force is in force.
    Do(Action),
    /// Something else comes first.
    Wait {
        /// What is waited for.
        what: String,
        /// Who or what ends it.
        ends: String,
        /// Until when at the latest.
        until: Option<Timestamp>,
    },
    /// It stopped.
    Stop(Failure),
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What has to be in force before anything is done.
    pub force: Force,
    /// How many instances to ask for now.
    pub instances: u32,
    /// The instance that commits shall not wait for.
    pub barred: Option<u32>,
    /// What is to be done.
    pub verdict: Verdict,
    /// Whether the step that was written down has ended.
    pub step_ended: bool,
    /// The round it belongs to.
    pub stage: Option<Stage>,
    /// What stays otherwise than released, and who can change that.
    pub reports: Vec<String>,
}

impl Progress {
    /// Whether what an instance starts with is that of the released revision.
    pub const fn brings_released(&self) -> bool {
        matches!(self.force, Force::Released { .. })
    }
}

/// What comes next.
pub fn next_change(rules: Rules, facts: &Facts, now: Timestamp) -> Progress {
    let (facts, reports) = attainable(rules, facts);
    let facts = facts.as_ref();
    let stage = stage(rules, facts);
    let mut progress = Progress {
        force: force(rules, facts, stage.as_ref()),
        instances: facts.asked_for.max(if superfluous(facts, stage.as_ref()) { 0 } else { added(facts) }),
        barred: None,
        verdict: Verdict::Done,
        step_ended: false,
        stage,
        reports,
    };
    if let Some(failure) = facts.memory.failure.clone().filter(|_| rules.keep(Rule::FailureIsRemembered)) {
        stop(rules, facts, &mut progress, failure);
        return progress;
    }
    if facts.under_way {
        progress.barred = barred_by_step(facts);
        let (what, until) = facts.memory.step.as_ref().map_or_else(
            || ("a step is being carried out".to_owned(), None),
            |step| (facts.text(&step.action), Some(step.since + step.action.limit())),
        );
        progress.verdict = Verdict::Wait { what, ends: "it has ended".to_owned(), until };
        return progress;
    }
    if rules.keep(Rule::PoolersAreReleased) && facts.instances.iter().any(|instance| instance.pooler_away) {
        progress.verdict = Verdict::Do(Action::ReleasePoolers);
        return progress;
    }
    if let Some(step) = &facts.memory.step {
        match judge(rules, facts, step, now) {
            _ if superfluous(facts, progress.stage.as_ref()) => progress.step_ended = true,
            State::Ended => progress.step_ended = true,
            State::Failed(cause) => {
                let failure = Failure { instance: step.action.instance(), cause, at: now };
                if rules.keep(Rule::FailureIsRemembered) {
                    stop(rules, facts, &mut progress, failure);
                    return progress;
                }
                progress.step_ended = true;
            }
            // Written down and not carried out. Time lies between: whether it is still right is decided anew, and where it is, it is the
            // same step and its limit goes on.
            State::Again if step.action.disturbs() => progress.step_ended = true,
            State::Again => {
                progress.barred = barred_by_step(facts);
                progress.verdict = Verdict::Do(step.action.clone());
                return progress;
            }
            State::Goes(what) => {
                progress.barred = barred_by_step(facts);
                let until = Some(step.since + step.action.limit());
                progress.verdict =
                    Verdict::Wait { what: format!("{}: {what}", facts.text(&step.action)), ends: "it is back".to_owned(), until };
                return progress;
            }
        }
    }
    decide(rules, facts, &mut progress, now);
    progress
}

/// Whether the extra instance that joins has lost its purpose: every instance has everything already. It leaves, and must not be asked
/// for again while it does.
fn superfluous(facts: &Facts, stage: Option<&Stage>) -> bool {
    let extra = |step: &StepRecord| matches!(step.action, Action::Add { instance } if instance >= facts.target.instances);
    stage.is_none() && facts.memory.step.as_ref().is_some_and(extra)
}

/// How many instances there are with the one that joins.
fn added(facts: &Facts) -> u32 {
    match &facts.memory.step {
        Some(StepRecord { action: Action::Add { instance }, .. }) => instance + 1,
        _ => 0,
    }
}

/// Stops, and puts back what was in force before.
fn stop(rules: Rules, facts: &Facts, progress: &mut Progress, failure: Failure) {
    if rules.keep(Rule::StopGoesBackToLastGood) {
        progress.force = Force::LastGood;
    }
    // An extra instance of this rollout has no purpose any more; but while it is there it shows why it stopped, so that is noted first.
    if facts.memory.failure.is_some() && facts.leader().is_some() {
        progress.instances = facts.asked_for.min(facts.target.instances.max(1));
    }
    progress.verdict = Verdict::Stop(failure);
}

/// The instance of the step at hand: commits do not wait for it until it is back.
fn barred_by_step(facts: &Facts) -> Option<u32> {
    let step = facts.memory.step.as_ref()?;
    let stops = matches!(step.action, Action::Restart { leads: false, .. } | Action::Recreate { leads: false, .. });
    step.action.instance().filter(|ordinal| stops && facts.instance(*ordinal).is_none_or(|instance| !instance.leads))
}

/// Instances that are down and whose pods are not the released ones.
fn repairable(rules: Rules, facts: &Facts) -> Vec<&InstanceFacts> {
    let down = down(facts);
    // One that is ready and does not answer us is not down.
    let unseen = |instance: &InstanceFacts| instance.ready && instance.behind.is_none();
    let old = |instance: &&InstanceFacts| {
        // It cannot be changed in place while it does not run.
        let amounts = instance.pod.is_some() && instance.amounts != Amount::Same && instance.trouble.is_some();
        let other = instance.pod == Some(false) || amounts || goes_with_a_repair(rules, facts, instance).is_some();
        let mends = !instance.cut_off || !rules.keep(Rule::CutOffIsLeftAlone);
        down.contains(&instance.ordinal) && other && mends && !instance.terminating && !unseen(instance)
    };
    facts.instances.iter().filter(old).collect()
}

/// Whether an instance that is down stays so by itself. A leader that has lost the API server for some seconds stops taking writes and
/// comes back, a server that ended is started by Patroni, and replicas find a leader that is back a little later: none of them needs
/// another pod. What Kubernetes or Patroni calls a trouble does.
fn stays_down(rules: Rules, facts: &Facts, instance: &InstanceFacts, now: Timestamp) -> bool {
    if instance.trouble.is_some() && !instance.leads || !rules.keep(Rule::MomentIsNotDown) {
        return true;
    }
    // Who does not follow may do so since the leader was away.
    let turned = instance.turned.max(facts.leader().and_then(|leader| leader.turned));
    let given = if instance.trouble.is_some() { BELIEVED } else { PASSES };
    turned.is_none_or(|turned| now >= turned + given)
}

pub(super) fn may_repair(rules: Rules, facts: &Facts) -> bool {
    !repairable(rules, facts).is_empty()
}

fn decide(rules: Rules, facts: &Facts, progress: &mut Progress, now: Timestamp) {
    let wait = |what: String, ends: String| Verdict::Wait { what, ends, until: None };
    let Some(stage) = progress.stage.clone() else {
        if facts.permission == Permission::Granted
            && let Some(failure) = fails(facts, now).filter(|_| rules.keep(Rule::FailureIsRemembered))
        {
            stop(rules, facts, progress, failure);
            return;
        }
        if facts.leader().is_none() && facts.asked_for > facts.target.instances {
            // The copy with the last commits may be one of those that leave.
            progress.verdict = wait("no instance leads".to_owned(), "Patroni has chosen one".to_owned());
            return;
        }
        if let Some(unknown) = unknown(facts) {
            progress.verdict = relieve(rules, facts).unwrap_or_else(|| wait(unknown, "every instance is up and can be seen".to_owned()));
            return;
        }
        if let Permission::NotNow { why, ends } | Permission::Held { why, ends } = &facts.permission
            && !progress.brings_released()
        {
            progress.verdict = relieve(rules, facts).unwrap_or_else(|| wait(why.clone(), ends.clone()));
            return;
        }
        progress.instances = facts.target.instances;
        progress.verdict = relieve(rules, facts).unwrap_or(Verdict::Done);
        return;
    };
    if let Permission::Held { why, ends } = &facts.permission {
        progress.verdict = wait(why.clone(), ends.clone());
        return;
    }
    if let Some(verdict) = relieve(rules, facts) {
        progress.verdict = verdict;
        return;
    }
    let asks = rules.keep(Rule::PermissionIsAskedEachTime) || facts.memory.switched_to.is_none() && !proven(facts, &stage);
    let not_now = match &facts.permission {
        Permission::NotNow { why, ends } if asks => Some(wait(why.clone(), ends.clone())),
        _ => None,
    };
    let down = down(facts);
    if not_now.is_none()
        && rules.keep(Rule::FailureIsRemembered)
        && let Some(failure) = fails(facts, now)
    {
        stop(rules, facts, progress, failure);
        return;
    }
    if !down.is_empty() {
        let repair = next_repair(rules, facts, now).filter(|_| rules.keep(Rule::DownInstanceIsRepairedFirst));
        progress.verdict = match (repair, not_now) {
            (Some(repair), None) => repair,
            (Some(repair), Some(_)) if facts.target.goes_back => repair,
            (_, Some(not_now)) => not_now,
            (None, None) if !rules.keep(Rule::OneAtATime) => choice(rules, facts, &stage, progress),
            (None, None) => {
                let up = |ordinal: &u32| facts.instance(*ordinal).is_some_and(|instance| instance.ready && instance.trouble.is_none());
                if down.iter().all(up) {
                    let names: Vec<String> = down.iter().map(|ordinal| facts.name(*ordinal)).collect();
                    progress.verdict = if facts.leader().is_some() {
                        wait(format!("the leader is not followed yet by {}", names.join(", ")), "it streams".to_owned())
                    } else {
                        wait("no instance leads".to_owned(), "Patroni has chosen one".to_owned())
                    };
                    return;
                }
                let text = |ordinal: &u32| {
                    let trouble = facts.instance(*ordinal).and_then(|instance| instance.trouble.clone());
                    {
                        let name = facts.name(*ordinal);
                        trouble.map_or_else(|| name.clone(), |trouble| format!("{name} ({trouble})"))
                    }
                };
                let names: Vec<String> = down.iter().map(text).collect();
                let cut_off = down.iter().any(|ordinal| facts.instance(*ordinal).is_some_and(|instance| instance.cut_off));
                let ends = if cut_off { "its data is copied anew (patronictl reinit)" } else { "every instance is up" };
                wait(format!("down, and not by this change: {}", names.join(", ")), ends.to_owned())
            }
        };
        return;
    }
    if let Some(not_now) = not_now {
        progress.verdict = not_now;
        return;
    }
    if let Some(leader) = facts.leader().filter(|leader| leader.behind.is_none() && rules.keep(Rule::IsolatedIsWaitedFor)) {
        // Who does not answer may have lost the API server as well: then its replicas are what is left.
        progress.verdict = wait(format!("{} does not show what it runs", facts.name(leader.ordinal)), "it can be seen".to_owned());
        return;
    }
    if let Some(isolated) = facts.instances.iter().find(|instance| instance.isolated).filter(|_| rules.keep(Rule::IsolatedIsWaitedFor)) {
        let what = format!("Patroni on {} does not reach the API server", facts.name(isolated.ordinal));
        progress.verdict = wait(what, "it reaches it".to_owned());
        return;
    }
    let wanted = facts.target.instances;
    let extra = (facts.target.method == Method::ReducedImpact || moves(facts)) && !matches!(stage.how, How::Grow | How::Shrink);
    let before = if extra {
        wanted + 1
    } else if facts.asked_for == 1 && !stage.leader_first {
        // A new instance takes over before the only one stops.
        wanted
    } else {
        facts.asked_for
    };
    if facts.asked_for < before {
        progress.verdict = Verdict::Do(Action::Add { instance: facts.asked_for });
        return;
    }
    progress.verdict = choice(rules, facts, &stage, progress);
    if let Verdict::Do(action) = &progress.verdict
        && action.disturbs()
        && let Some(fresh) = facts.instances.iter().find(|one| action.instance() != Some(one.ordinal) && !is_steady(rules, one))
    {
        progress.verdict = wait(format!("{} has just started", facts.name(fresh.ordinal)), format!("it has run for {STEADY:#}"));
    }
}

/// An instance that came back by itself with what is released, and cannot run with it: that is as good as a step that failed.
fn fails(facts: &Facts, now: Timestamp) -> Option<Failure> {
    let fails = |instance: &&InstanceFacts| instance.pod == Some(true) && instance.hopeless && !instance.cut_off && !is_up(instance);
    let failed = facts.instances.iter().find(fails).filter(|_| !facts.target.goes_back)?;
    let cause = failed.trouble.clone().unwrap_or_else(|| "it does not run".to_owned());
    Some(Failure { instance: Some(failed.ordinal), cause: format!("{}: {cause}", facts.name(failed.ordinal)), at: now })
}

/// The first instance of which nobody knows whether it runs the released revision. What is not seen is not done.
pub(super) fn unknown(facts: &Facts) -> Option<String> {
    if facts.target.reloads_only {
        return None;
    }
    let known = |instance: &InstanceFacts| !instance.terminating && instance.pod.is_some() && instance.behind.is_some();
    let unknown = (0..facts.asked_for.min(facts.target.instances)).find(|ordinal| !facts.instance(*ordinal).is_some_and(known))?;
    let (name, trouble) = (facts.name(unknown), facts.instance(unknown).and_then(|instance| instance.trouble.clone()));
    Some(trouble.map_or_else(|| format!("{name} does not show what it runs"), |why| format!("{name}: {why}")))
}

fn proven(facts: &Facts, stage: &Stage) -> bool {
    facts.instances.iter().any(|instance| stage.has(instance) == Some(true))
}

fn choice(rules: Rules, facts: &Facts, stage: &Stage, progress: &mut Progress) -> Verdict {
    match choose(rules, facts, stage) {
        Choice::Do(action) => {
            progress.barred = match &action {
                Action::Restart { instance, leads: false, .. } | Action::Recreate { instance, leads: false, .. } => {
                    facts.instance(*instance).filter(|instance| instance.barred).map(|instance| instance.ordinal)
                }
                _ => None,
            };
            Verdict::Do(action)
        }
        Choice::Bar(instance) => {
            progress.barred = Some(instance);
            Verdict::Wait {
                what: format!("commits wait for {}: another one takes its place first", facts.name(instance)),
                ends: "Patroni has named another synchronous standby".to_owned(),
                until: None,
            }
        }
        Choice::Wait { what, ends } => Verdict::Wait { what, ends, until: None },
    }
}

/// The first that is made anew of those that are down: with no leader the one with the most WAL, which must be the first to start.
fn next_repair(rules: Rules, facts: &Facts, now: Timestamp) -> Option<Verdict> {
    let mut repairable = repairable(rules, facts);
    repairable.retain(|instance| stays_down(rules, facts, instance, now));
    let next = if facts.leader().is_some() {
        repairable.into_iter().min_by_key(|instance| instance.ordinal)
    } else {
        repairable.into_iter().max_by_key(|instance| (instance.position, std::cmp::Reverse(instance.ordinal)))
    }?;
    let claim = goes_with_a_repair(rules, facts, next);
    Some(Verdict::Do(Action::Recreate { instance: next.ordinal, uid: next.uid.clone(), claim, leads: next.leads }))
}

/// A leader on a node that is being emptied hands over before its pod is evicted (dba-rules 23). Windows do not matter: the node goes.
fn relieve(rules: Rules, facts: &Facts) -> Option<Verdict> {
    if matches!(facts.permission, Permission::Held { .. }) {
        return None;
    }
    let leader = facts.leader().filter(|leader| leader.cordoned)?;
    let candidate = candidate(rules, facts, |_| true).ok()?;
    Some(Verdict::Do(Action::SwitchOver { leader: leader.ordinal, candidate, relieves: true }))
}

/// Whether the volume it came back with is not the one that is wanted by now: another class was released meanwhile. The claim that
/// goes with the step may still be ending.
fn is_another_volume(instance: &InstanceFacts, claim: Option<&String>) -> bool {
    matches!((&instance.old_volume, claim), (Some(old), Some(claim)) if old.claim != *claim)
}

/// Why an instance of a standby cluster keeps higher values although its server started in this step, which is begun when Patroni has read
/// the lower ones, or reads them with a new pod. Whether a restart is pending does not count: that ends when what failed goes out of force,
/// before the failure is written down. Patroni starts no standby below its control data, which come from the source. Source: Patroni
/// 4.0.7, `postgresql/config.py`, `effective_configuration`.
fn kept_by_source(facts: &Facts, instance: &InstanceFacts, step: &StepRecord, now: Timestamp) -> Option<String> {
    let starts = matches!(step.action, Action::Restart { .. } | Action::Recreate { .. } | Action::Add { .. });
    let started = instance.age.is_some_and(|age| age < now.duration_since(step.since));
    if !(starts && facts.follows && started && is_up(instance)) {
        return None;
    }
    let behind = instance.behind.as_ref()?;
    let kept = facts.target.hot_standby.iter().filter_map(|(name, released)| {
        let runs = instance.hot_standby.get(name).filter(|runs| *runs > released && behind.contains(name))?;
        Some(format!("{name} = {runs} and not {released}"))
    });
    let kept = kept.collect::<Vec<_>>().join(", ");
    let name = facts.name(instance.ordinal);
    let why = "no standby starts with less than its source: lower it there first, then `stackgres rollout retry`";
    (!kept.is_empty()).then(|| format!("{name} started with {kept}; {why}"))
}

enum State {
    Ended,
    Failed(String),
    Again,
    Goes(String),
}

/// How a step that was begun is now.
fn judge(rules: Rules, facts: &Facts, step: &StepRecord, now: Timestamp) -> State {
    let instance = step.action.instance().and_then(|ordinal| facts.instance(ordinal));
    let again = now >= step.since + AGAIN;
    if !matches!(step.action, Action::Add { .. }) && step.action.instance().is_some_and(|ordinal| ordinal >= facts.asked_for) {
        // It left: an extra instance, or the number went down meanwhile.
        return State::Ended;
    }
    let state = match &step.action {
        Action::ReleasePoolers | Action::Checkpoint { .. } => State::Ended,
        Action::Add { .. } => match instance {
            Some(instance) if is_back(rules, instance) => State::Ended,
            Some(instance) if instance.pod == Some(false) && !instance.terminating => State::Ended,
            // It came with a volume that an earlier one of its number left, and cannot run with it.
            Some(instance) if goes_with_a_repair(rules, facts, instance).is_some() && !instance.terminating => State::Ended,
            Some(_) => State::Goes("it copies the data and catches up".to_owned()),
            None if again => State::Again,
            None => State::Goes("its pod is made".to_owned()),
        },
        Action::Resize { .. } => match instance {
            Some(instance) if instance.pod == Some(false) => State::Ended,
            Some(instance) if instance.amounts == Amount::Same && is_up(instance) => State::Ended,
            Some(instance) if instance.amounts == Amount::Same => State::Goes("it serves again".to_owned()),
            Some(_) if again => State::Again,
            _ => State::Goes("the kubelet changes it".to_owned()),
        },
        Action::Recreate { uid, claim, .. } => match instance {
            Some(instance) if instance.uid == *uid && !instance.terminating => State::Again,
            Some(instance) if instance.uid == *uid => State::Goes("its pod ends".to_owned()),
            Some(instance) if is_back(rules, instance) => State::Ended,
            // Something else is released meanwhile: its new pod is not what is wanted, and it must not be waited for.
            Some(instance) if instance.pod == Some(false) && !instance.terminating => State::Ended,
            Some(instance) if is_another_volume(instance, claim.as_ref()) && !instance.terminating => State::Ended,
            Some(instance) if instance.ready => State::Goes("it catches up".to_owned()),
            Some(_) if claim.is_some() => State::Goes("it copies the data and catches up".to_owned()),
            Some(_) => State::Goes("its pod starts".to_owned()),
            None => State::Goes("its pod is made".to_owned()),
        },
        Action::Restart { brings, .. } => {
            let has = |instance: &InstanceFacts| instance.behind.as_ref().is_some_and(|behind| behind.is_disjoint(brings));
            match instance {
                Some(instance) if is_back(rules, instance) && has(instance) => State::Ended,
                Some(instance) if is_back(rules, instance) && instance.asked && again => State::Again,
                Some(instance) if is_back(rules, instance) => State::Goes("the parameters are not in force yet".to_owned()),
                _ => State::Goes("it starts and catches up".to_owned()),
            }
        }
        Action::SwitchOver { leader, candidate, .. } => match facts.leader() {
            Some(now_leads) if now_leads.ordinal == *candidate && now_leads.ready => State::Ended,
            // Somebody else took over: what is right now is decided anew.
            Some(now_leads) if now_leads.ordinal != *leader && now_leads.ordinal != *candidate && now_leads.ready => State::Ended,
            Some(now_leads) if now_leads.ordinal == *leader && again => State::Again,
            _ => State::Goes("the role moves".to_owned()),
        },
    };
    if let Some(kept) =
        instance.filter(|_| rules.keep(Rule::SourceHoldsTheBound)).and_then(|instance| kept_by_source(facts, instance, step, now))
    {
        return State::Failed(kept);
    }
    let fresh = instance.filter(|instance| !matches!(step.action, Action::SwitchOver { .. }) && !is_steady(rules, instance));
    let state = match state {
        State::Ended if fresh.is_some() => State::Goes("it has just started, and has to stay up".to_owned()),
        other => other,
    };
    if matches!(state, State::Ended) || !rules.keep(Rule::EveryWaitEnds) {
        return state;
    }
    let trouble = instance.map_or_else(|| facts.not_made.clone(), |instance| instance.trouble.clone());
    let hopeless = instance.map_or(facts.not_made.is_some(), |instance| instance.hopeless);
    // Who copies needs somebody to copy from: with nobody who leads and serves, and a server that cannot start, nothing comes of it, however long it takes.
    let joins = matches!(step.action, Action::Add { .. }) && facts.leader().is_none_or(|leader| !leader.ready);
    let source = facts.instances.iter().find(|other| joins && other.hopeless);
    let trouble = trouble.or_else(|| source.and_then(|source| source.trouble.clone()));
    let hopeless = hopeless || source.is_some();
    let believed = step.since + if hopeless { BELIEVED } else { PASSES };
    // Nothing is copied while nobody serves, or while another server cannot start: then it has the time of a pod that only starts.
    let copies = facts.leader().is_some_and(|leader| leader.ready) && !facts.instances.iter().any(|other| other.hopeless);
    let limit = if copies { step.action.limit() } else { step.action.limit().min(STARTS) };
    if trouble.is_some() && now >= believed || now >= step.since + limit {
        let what = if hopeless { String::new() } else { format!(" within {limit:#}") };
        let action = facts.text(&step.action);
        let cause = trouble.map_or_else(|| format!("{action} did not come to its end{what}"), |why| format!("{action}: {why}"));
        return State::Failed(cause);
    }
    state
}
