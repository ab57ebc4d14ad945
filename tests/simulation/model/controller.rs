//! The controller: one pass after another, in the order that the real engine follows.
//!
//! Status and facts are read. `next_change`. What has to be in force is put in force; when anything had to be written, the pass ends.
//! A new failure is remembered. A step is written down under the version of the status that the decision was made from, then carried
//! out. A pass that is older than [`OLD`] seconds ends (the process slept): the lease is not its any more.

use super::observe::held_value;
use super::release::{NAMES, Release, WORK_MEM};
use super::switchover::Process;
use super::world::World;
use crate::change::{Action, Facts, Force, InstanceFacts, Progress, Rule, Rules, StepRecord, Verdict, next_change};
use jiff::{SignedDuration, Timestamp};

/// Seconds between two passes.
const PASS: u64 = 3;
/// How old a pass may be before a write.
const OLD: u64 = 10;
/// After how long another controller takes the lease of one that sleeps.
const LEASE: u64 = 15;

/// Something that a controller was about to do when it was stopped.
#[derive(Debug, Clone)]
pub(crate) struct Asleep {
    wakes: u64,
    decided: u64,
    version: u64,
    action: Action,
    /// What it was about to write with it: who leads because of this rollout.
    switched: Option<u32>,
    /// Whether it was written down already.
    written: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Controller {
    next: u64,
    /// It is down, or its successor waits for the lease, until then.
    pub(crate) away: u64,
    /// It dies before its write of this number from now.
    pub(crate) dies: Option<u64>,
    /// It falls asleep for so long when it is about to write a step, or has written it.
    pub(crate) sleeps: Option<(u64, bool)>,
    asleep: Option<Asleep>,
    pub(crate) process: Option<Process>,
    /// Facts that are served while watches stand still.
    old: Option<(u64, Release, Vec<InstanceFacts>)>,
    pub(crate) last: Option<Verdict>,
    /// Since when a controller works without a break.
    pub(crate) awake_since: u64,
}

pub(crate) fn time(seconds: u64, off: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + seconds as i64 + off)
}

impl Controller {
    /// One second of it.
    pub(crate) fn run(&mut self, world: &mut World, rules: Rules) {
        if self.asleep.as_ref().is_some_and(|asleep| asleep.wakes <= world.now)
            && let Some(asleep) = self.asleep.take()
        {
            world.tell(|| format!("a controller that slept wakes up and goes on with: {}", asleep.action));
            self.wake(world, rules, asleep);
        }
        if self.away > world.now {
            self.awake_since = world.now + 1;
            return;
        }
        if world.stale > world.now {
            if self.old.as_ref().is_none_or(|(at, target, _)| world.now >= at + 6 || *target != world.status.target) {
                self.old = Some((world.now, world.status.target, world.instance_facts()));
            }
        } else {
            self.old = None;
        }
        if let Some(mut process) = self.process.take() {
            if self.write(world) {
                let ended = process.step(world);
                if !ended {
                    self.process = Some(process);
                }
            }
            return;
        }
        if self.next <= world.now {
            self.next = world.now + PASS;
            self.pass(world, rules);
        }
    }

    /// Whether a request goes out: the process lives, and the API server takes it. Counts the requests until it dies.
    fn write(&mut self, world: &mut World) -> bool {
        if let Some(dies) = self.dies {
            if dies == 0 {
                world.tell(|| "the controller dies".to_owned());
                self.dies = None;
                self.process = None;
                self.away = world.now + world.random.between(1, 20);
                return false;
            }
            self.dies = Some(dies - 1);
        }
        true
    }

    /// A write to the API server; whether the controller may go on. Where the answer is lost, it is done and the controller cannot know.
    fn api(&mut self, world: &mut World, what: impl FnOnce(&mut World)) -> bool {
        if !self.write(world) {
            return false;
        }
        let (until, done) = world.api;
        if until > world.now {
            if done {
                what(world);
            }
            return false;
        }
        what(world);
        true
    }

    fn observed(&self, world: &World) -> Facts {
        let mut facts = world.facts(false);
        if let Some((.., old)) = &self.old {
            facts.instances.clone_from(old);
        }
        facts
    }

    fn pass(&mut self, world: &mut World, rules: Rules) {
        let facts = self.observed(world);
        let version = world.status.version;
        world.announce(&facts);
        let progress = next_change(rules, &facts, time(world.now, world.clock));
        if world.story.is_some() && self.last.as_ref() != Some(&progress.verdict) {
            let text = match &progress.verdict {
                Verdict::Done => "done".to_owned(),
                Verdict::Do(action) => format!("do: {action}"),
                Verdict::Wait { what, .. } => format!("wait: {what}"),
                Verdict::Stop(failure) => format!("stop: {}", failure.cause),
            };
            world.tell(|| format!("    decision: {text}"));
        }
        self.last = Some(progress.verdict.clone());
        if !self.force(world, &facts, &progress) {
            return;
        }
        if matches!(progress.verdict, Verdict::Do(_)) {
            // A watch tells at once what became of it.
            self.next = world.now + 1;
        }
        self.carry_out(world, rules, &facts, version, progress);
    }

    /// Puts in force what has to be; whether it was already.
    fn force(&mut self, world: &mut World, facts: &Facts, progress: &Progress) -> bool {
        let (target, good) = (world.status.target, world.status.last_good);
        let (mut template, mut config) = (good.template, good.values);
        match &progress.force {
            Force::LastGood => {}
            Force::Reloadable => config[WORK_MEM] = target.values[WORK_MEM],
            Force::Released { held } => {
                template = target.template;
                config = target.values;
                for name in held {
                    if let Some(at) = NAMES.iter().position(|other| other == name) {
                        config[at] = held_value(&facts.instances, at, good.values[at]);
                    }
                }
            }
        }
        let leads = facts.leader().map_or(0, |leader| leader.ordinal + 1);
        let replicas = progress.instances.max(leads);
        // Where the leader is to leave, whoever is synchronous and leaves as well is barred, or nobody could take over from it.
        let leaves = world.standby.filter(|standby| {
            let stay = target.instances.max(1) as usize;
            progress.verdict == Verdict::Done && world.leader().is_some_and(|leader| leader >= stay) && *standby >= stay
        });
        let leaves = leaves.map(|standby| standby as u32).or_else(|| {
            world.barred.filter(|barred| progress.verdict == Verdict::Done && replicas > target.instances && *barred >= target.instances)
        });
        let barred = progress.barred.or(leaves);
        if template == world.template && config == world.config && replicas == world.replicas && barred == world.barred {
            return true;
        }
        // What lies between the two writes has to start as well (rule 4), forward and back.
        let template_first = super::release::starts(template.image, template.amounts, &world.config).is_ok();
        for which in [template_first, !template_first] {
            let went = if which && template != world.template {
                self.api(world, |world| {
                    world.tell(|| {
                        format!("in force: pods with image {}, template {}, amounts {}", template.image, template.label, template.amounts)
                    });
                    world.template = template;
                })
            } else if !which && config != world.config {
                self.api(world, |world| {
                    world.tell(|| format!("in force: {}", super::scenario::values(&config)));
                    world.config = config;
                    world.version += 1;
                })
            } else {
                true
            };
            if !went {
                return false;
            }
        }
        if replicas != world.replicas
            && !self.api(world, |world| {
                world.tell(|| format!("in force: {replicas} instances"));
                world.replicas = replicas;
            })
        {
            return false;
        }
        if barred != world.barred
            && !self.api(world, |world| {
                world.tell(|| {
                    barred.map_or_else(
                        || "no instance is barred".to_owned(),
                        |barred| format!("commits shall not wait for instance {barred}"),
                    )
                });
                world.barred = barred;
            })
        {
            return false;
        }
        false
    }

    fn carry_out(&mut self, world: &mut World, rules: Rules, facts: &Facts, version: u64, progress: Progress) {
        let switched = match &world.status.memory.step {
            Some(StepRecord { action: Action::SwitchOver { candidate, relieves: false, .. }, .. })
                if progress.step_ended && facts.leader().is_some_and(|leads| leads.ordinal == *candidate) =>
            {
                Some(*candidate)
            }
            _ => world.status.memory.switched_to,
        };
        match progress.verdict {
            Verdict::Do(action) => {
                if action.is_recorded() {
                    if self.sleeps.is_some_and(|(_, written)| !written) {
                        self.sleep(world, version, action, switched, false);
                        return;
                    }
                    if !self.record(world, rules, version, &action, switched) {
                        return;
                    }
                    if self.sleeps.is_some() {
                        let version = world.status.version;
                        self.sleep(world, version, action, switched, true);
                        return;
                    }
                }
                self.perform(world, rules, &action);
            }
            Verdict::Stop(failure) => {
                if world.status.memory.failure.is_none() {
                    self.api(world, |world| {
                        if world.status.version == version {
                            world.tell(|| format!("stopped: {}", failure.cause));
                            world.status.memory.failure = Some(failure);
                            world.status.version += 1;
                            world.ledger.stopped = Some(world.now);
                        }
                    });
                }
            }
            Verdict::Done => {
                let all = world.status.memory == crate::change::Memory::default();
                if !world.status.done || world.status.last_good != world.status.target || !all {
                    let went = self.api(world, |world| {
                        if world.status.version == version {
                            world.tell(|| "every instance runs the released revision".to_owned());
                            world.said_done(&progress.reports);
                            world.status.last_good = world.status.target;
                            world.status.superseded.clear();
                            world.status.memory = crate::change::Memory::default();
                            world.status.done = true;
                            world.status.version += 1;
                        }
                    });
                    if !went {
                        return;
                    }
                }
                self.leave(world);
            }
            Verdict::Wait { .. } => {
                if progress.step_ended || switched != world.status.memory.switched_to {
                    self.api(world, |world| {
                        if world.status.version == version {
                            if progress.step_ended {
                                world.status.memory.step = None;
                            }
                            world.status.memory.switched_to = switched;
                            world.status.version += 1;
                        }
                    });
                }
            }
        }
    }

    /// A leader whose number is to go hands over first; the StatefulSet keeps it until then.
    fn leave(&mut self, world: &mut World) {
        let wanted = world.status.target.instances as usize;
        let permitted = world.permission == crate::change::Permission::Granted;
        let all_up = (0..world.instances.len()).all(|index| world.instances[index].pod.is_none() || world.could_follow(index));
        let may = |leader: &usize| *leader >= wanted.max(1) && all_up && permitted && !world.is_isolated(*leader);
        if let Some(leader) = world.leader().filter(may)
            && let Some(candidate) = (0..wanted).find(|index| world.could_lead(*index))
        {
            world.tell(|| format!("instance {leader} is to go and hands over to instance {candidate}"));
            self.process = Some(Process::new(leader, candidate, false));
        }
    }

    fn sleep(&mut self, world: &mut World, version: u64, action: Action, switched: Option<u32>, written: bool) {
        let Some((seconds, _)) = self.sleeps.take() else { return };
        world.tell(|| format!("the controller is stopped for {seconds} s, about to do: {action}"));
        self.asleep = Some(Asleep { wakes: world.now + seconds, decided: world.now, version, action, switched, written });
        self.away = world.now + LEASE.min(seconds);
        self.process = None;
    }

    fn wake(&mut self, world: &mut World, rules: Rules, asleep: Asleep) {
        if !asleep.written {
            // Stopped between its look at the clock and its write: only the version of the status protects here.
            if !self.record(world, rules, asleep.version, &asleep.action, asleep.switched) {
                return;
            }
        }
        let fenced = rules.keep(Rule::StepIsFenced);
        if fenced && world.now > asleep.decided + OLD {
            // It looks at the clock before each request: the lease is not its any more.
            return;
        }
        self.perform(world, rules, &asleep.action);
    }

    /// Writes a step down; whether it stands there.
    fn record(&mut self, world: &mut World, rules: Rules, version: u64, action: &Action, switched: Option<u32>) -> bool {
        let mut stands = false;
        let fenced = rules.keep(Rule::StepIsFenced);
        let went = self.api(world, |world| {
            if fenced && world.status.version != version {
                return;
            }
            stands = true;
            let now = time(world.now, world.clock);
            let before = world.status.memory.step.as_ref().filter(|step| step.action == *action);
            let since = before.map_or(now, |step| step.since);
            if before.is_none() {
                world.began(action);
            }
            world.status.memory.step = Some(StepRecord { action: action.clone(), since });
            world.status.memory.switched_to = switched;
            if let Action::Restart { leads: true, .. } = action {
                // What the leader writes behind this restart is what counts.
                world.status.memory.lowered_at = None;
                world.status.memory.lowered_by = None;
            }
            world.status.version += 1;
        });
        went && stands
    }

    fn perform(&mut self, world: &mut World, rules: Rules, action: &Action) {
        let fenced = rules.keep(Rule::StepIsFenced);
        match action {
            Action::ReleasePoolers => {
                if self.write(world) {
                    world.instances.iter_mut().for_each(|one| one.pooler = super::instance::Pooler::default());
                }
            }
            Action::Checkpoint { instance } => {
                let index = *instance as usize;
                if !self.write(world) || world.instances[index].troubles.unreachable > world.now {
                    return;
                }
                let redo = world.checkpoint(index);
                // The leader of a standby cluster writes nothing that could be noted.
                if world.leader() == Some(index) && world.setup.source.is_none() {
                    let started = world.instances[index].started;
                    self.api(world, |world| {
                        world.status.memory.lowered_at = redo;
                        world.status.memory.lowered_by = Some(started);
                        world.status.version += 1;
                    });
                }
            }
            Action::Add { instance } => {
                let replicas = instance + 1;
                self.api(world, |world| world.replicas = world.replicas.max(replicas));
            }
            Action::Resize { instance } => {
                let index = *instance as usize;
                self.api(world, |world| {
                    let (amounts, at) = (world.template.amounts, world.now + 2);
                    if let Some(pod) = &mut world.instances[index].pod {
                        if super::release::is_infeasible(amounts) {
                            pod.infeasible = Some(amounts);
                        } else {
                            pod.resized_at = Some((at, amounts));
                        }
                    }
                });
            }
            Action::Restart { instance, leads, .. } => {
                let index = *instance as usize;
                if !self.write(world) || world.instances[index].troubles.unreachable > world.now || *leads && world.busy > world.now {
                    return;
                }
                if world.would_restart(index, fenced, fenced.then_some(*leads)) {
                    world.about_to(action);
                    world.post_restart(index, fenced, fenced.then_some(*leads));
                    world.disturbed(action);
                }
            }
            Action::Recreate { instance, uid, claim, .. } => {
                let index = *instance as usize;
                // Whether it leads is asked again before a claim goes.
                if claim.is_some() && world.leader() == Some(index) {
                    return;
                }
                let ends = |world: &mut World| {
                    let Some(claim) = claim else { return };
                    let meant = world.instances[index].claim.filter(|has| has.uid.to_string() == *claim && !has.ends);
                    if let Some(has) = meant {
                        world.gives_up(index);
                        world.tell(|| format!("the claim of instance {index} is deleted"));
                        world.instances[index].claim = Some(super::instance::Claim { ends: true, ..has });
                    }
                };
                if claim.is_some() && !self.api(world, ends) {
                    return;
                }
                self.api(world, |world| {
                    let meant = world.instances.get(index).and_then(|one| one.pod.as_ref());
                    let meant = meant.is_some_and(|pod| pod.gone_at.is_none() && (!fenced || format!("{}", pod.uid) == *uid));
                    if meant {
                        world.about_to(action);
                        world.disturbed(action);
                        world.terminate(index);
                    }
                });
            }
            Action::SwitchOver { leader, candidate, relieves } => {
                self.process = Some(Process::new(*leader as usize, *candidate as usize, *relieves));
            }
        }
    }

    /// Whether a switchover is being carried out.
    pub(crate) const fn under_way(&self) -> bool {
        self.process.is_some()
    }
}
