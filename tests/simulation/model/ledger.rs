//! What is known from outside of what the controllers do, and whether it is right: nothing here is read by them.

use super::invariants::{Invariant, Violation};
use super::postgres::CHECKPOINT;
use super::release::{HOT, NO_IMAGE, SHARED_BUFFERS, TOO_MUCH, WORK_MEM, starts};
use super::world::{SLACK, World};
use crate::change::{Action, Facts, Permission, Synchronous, rehearse};
use std::collections::BTreeMap;

/// What changed so shortly before an action could not be known: a pass takes a moment, and watches may be 6 s old.
const GRACE: u64 = 12;
/// Seconds a server has run before anybody can have seen that it does: one look of the controller and one more second.
const SEEN: u64 = 4;
/// How long a switchover prepares before it disturbs.
const PREPARES: u64 = 30;

#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) violations: Vec<Violation>,
    /// Instances that were stopped and are not back, since when.
    hands: BTreeMap<usize, u64>,
    /// Instances that were restarted, and the version of the dynamic configuration that Patroni there had read.
    restarted: BTreeMap<usize, u64>,
    /// Steps that were written down, since the last release.
    pub(crate) words: Vec<String>,
    /// What the rehearsal said, when the release was seen first.
    pub(crate) announced: Option<(Vec<String>, Option<String>)>,
    switchovers: u32,
    /// Somebody else moved the role, or a node is cordoned, since the release.
    pub(crate) moved: bool,
    pub(crate) faults: u64,
    pub(crate) releases: u32,
    pub(crate) stopped: Option<u64>,
    /// When somebody changed the dynamic configuration by hand.
    pub(crate) edited_at: u64,
    /// When the source of a standby cluster changed last.
    pub(crate) source_changed: u64,
    /// A step of this release was written down.
    pub(crate) begun: bool,
    /// The release was allowed at some time.
    pub(crate) allowed: bool,
    pub(crate) permission_changed: u64,
    /// When the last revision was released.
    pub(crate) released_at: u64,
    away: u64,
    /// When nodes took pods again.
    pub(crate) uncordoned: u64,
}

/// Short words for steps: `r1` a restart of instance 1, `p1` a new pod, `v1` one on a new volume, `s0>1` a switchover, `a3` one more, `z1` a resize.
pub(crate) fn word(action: &Action) -> String {
    match action {
        Action::ReleasePoolers => "release".to_owned(),
        Action::Checkpoint { instance } => format!("c{instance}"),
        Action::Add { instance } => format!("a{instance}"),
        Action::Resize { instance } => format!("z{instance}"),
        Action::Restart { instance, .. } => format!("r{instance}"),
        Action::Recreate { instance, claim: Some(_), .. } => format!("v{instance}"),
        Action::Recreate { instance, .. } => format!("p{instance}"),
        Action::SwitchOver { leader, candidate, .. } => format!("s{leader}>{candidate}"),
    }
}

impl World {
    pub(crate) fn violated(&mut self, invariant: Invariant, what: impl Into<String>) {
        let (at, what) = (self.now, what.into());
        self.tell(|| format!("VIOLATION of {}: {what}", invariant.name()));
        if self.ledger.violations.len() < 20 {
            self.ledger.violations.push(Violation { invariant, at, what });
        }
    }

    /// A new release: counting begins anew.
    pub(crate) fn released(&mut self) {
        let now = self.now;
        let steps = self.status.memory.step.is_some();
        let cordoned = self.nodes.iter().any(|node| node.cordoned);
        let ledger = &mut self.ledger;
        ledger.released_at = now;
        ledger.releases += 1;
        ledger.words.clear();
        ledger.announced = None;
        ledger.switchovers = 0;
        ledger.moved = cordoned;
        ledger.stopped = None;
        // A step that goes on counts for the revision that came meanwhile.
        ledger.begun = steps;
        ledger.allowed = false;
    }

    /// What would be shown to people when the release is seen.
    pub(crate) fn announce(&mut self, facts: &Facts) {
        if facts.permission == Permission::Granted {
            self.ledger.allowed = true;
        }
        if self.ledger.announced.is_none() && !self.status.done {
            let rehearsal = rehearse(facts);
            let words: Vec<String> = rehearsal.actions.iter().filter(|action| action.is_recorded()).map(word).collect();
            self.tell(|| format!("announced: {}", words.join(" ")));
            self.ledger.announced = Some((words, rehearsal.waits));
        }
    }

    pub(crate) fn began(&mut self, action: &Action) {
        self.ledger.begun = true;
        self.ledger.words.push(word(action));
    }

    /// Checks a disturbance at the moment it begins.
    pub(crate) fn about_to(&mut self, action: &Action) {
        let now = self.now;
        let Some(index) = action.instance().map(|instance| instance as usize) else { return };
        self.settle_hands();
        let target_instances = self.status.target.instances;
        let goes_back = self.status.target == self.status.last_good;
        let node = |world: &Self, index: usize| world.instances[index].pod.as_ref().and_then(|pod| pod.node);
        let cordoned = |world: &Self, index: usize| node(world, index).is_some_and(|node| world.nodes[node].cordoned);
        let stale = self.stale > now;
        // What old facts cannot show is not held against the decision.
        let one = &self.instances[index];
        let was_up = one.down_since.is_none() && one.age(now) >= SEEN && (!stale || one.connects + GRACE < now);
        let leads = self.leader() == Some(index);
        let relieves = matches!(action, Action::SwitchOver { .. })
            && (cordoned(self, index) || now < self.ledger.uncordoned + PREPARES && self.ledger.uncordoned > 0);
        let settled = now >= self.ledger.permission_changed + PREPARES;
        let allowed = match self.permission {
            Permission::Granted => true,
            Permission::NotNow { .. } => relieves || goes_back && !was_up || !settled,
            Permission::Held { .. } => !settled,
        };
        if !allowed {
            self.violated(Invariant::Permitted, format!("{action}"));
        }
        let failed = self.status.memory.failure.is_some() && self.ledger.stopped.is_some_and(|at| now > at + PREPARES);
        if failed {
            self.violated(Invariant::StopStays, format!("{action}"));
        }
        if matches!(action, Action::Resize { .. }) {
            return;
        }
        let candidate = match action {
            Action::SwitchOver { candidate, .. } => Some(*candidate as usize),
            _ => None,
        };
        if was_up
            && !relieves
            && let Some(other) = self
                .ledger
                .hands
                .keys()
                .copied()
                .find(|other| *other != index && candidate != Some(*other) && !(stale && now < self.ledger.hands[other] + GRACE))
        {
            self.violated(Invariant::OneDisturbed, format!("{action}, and instance {other} is not back"));
        }
        let grace = if candidate.is_some() { PREPARES } else { GRACE };
        if was_up && !relieves {
            for other in (0..self.instances.len().min(self.replicas as usize)).filter(|other| *other != index) {
                let one = &self.instances[other];
                if one.down_since.is_some_and(|since| since + grace < now) {
                    self.violated(Invariant::CapacityKept, format!("{action}, and instance {other} is down"));
                } else if one.late_since.is_some_and(|since| since + grace < now) {
                    self.violated(Invariant::CaughtUp, format!("{action}, and instance {other} has not replayed everything"));
                }
            }
        }
        let lost = |one: &super::instance::Instance| one.runs() && one.troubles.isolated > now && one.isolated_since + 30 + grace < now;
        if was_up
            && !relieves
            && !self.status.done
            && let Some(other) = self.instances.iter().position(lost)
        {
            self.violated(Invariant::StoreReached, format!("{action}, and Patroni of instance {other} does not reach the API server"));
        }
        if self.leader().is_some()
            && self.instances[index].cut_off
            && self.instances[index].cut_off_since + GRACE < now
            && !leads
            && candidate.is_none()
        {
            self.violated(Invariant::NotInVain, format!("{action}: what it needs to follow is gone"));
        }
        let known = self.ledger.edited_at == 0 || self.ledger.edited_at + GRACE < now;
        let one = &self.instances[index];
        // What it would come back with. What a source holds up shows when it is tried, and not before.
        let bound = |at: usize| if at < HOT && (!leads || self.setup.source.is_some()) { one.data.control[at] } else { i64::MIN };
        let same = (0..WORK_MEM).all(|at| one.values[at] == one.brought(at, one.patroni.seen[at]).max(bound(at)));
        // To a clock that jumped it shows only later.
        let again = self.clock == 0 && self.ledger.restarted.get(&index) == Some(&one.patroni.version);
        let shows = self.setup.source.is_none() || again;
        if matches!(action, Action::Restart { .. }) && one.started / 100 + GRACE < now && same && shows && known {
            self.violated(Invariant::NotInVain, format!("{action}: it brings nothing"));
        }
        if matches!(action, Action::Restart { .. }) {
            let version = self.instances[index].patroni.version;
            self.ledger.restarted.insert(index, version);
        }
        let fresh =
            |other: &usize| *other != index && Some(*other) != candidate && self.is_up(*other) && self.instances[*other].age(now) < SEEN;
        // A switchover is prepared for a while, in which somebody may restart another one.
        let meanwhile = candidate.is_some() && self.ledger.faults > 0;
        if was_up
            && !relieves
            && !stale
            && !meanwhile
            && let Some(other) = (0..self.instances.len()).find(fresh)
        {
            self.violated(Invariant::StaysUp, format!("{action}, and instance {other} has just started"));
        }
        // A server that Patroni starts again, or one that does not follow yet; shorter ago nobody knew. A clock that jumped cannot tell.
        let one = &self.instances[index];
        let shows = !one.ready || self.holder() != Some(index);
        let away = one.down_since.is_some_and(|since| since + 3 < now && now < since + 60) && one.runs() && shows && self.clock == 0;
        if matches!(action, Action::Recreate { .. }) && away && !stale && one.failed.is_none() && !one.cut_off && !one.diverged {
            self.violated(Invariant::MomentGranted, format!("{action}: it was down for a moment"));
        }
        if let Some(candidate) = candidate {
            // Which instances stay may have been released while it was prepared.
            let new = self.ledger.releases > 1 && now <= self.ledger.released_at + PREPARES;
            // A leader whose volume has to go hands over to the extra instance where nobody else may lead.
            let alone = self.moves_volumes()
                && (0..target_instances as usize)
                    .all(|other| other == index || self.instances.get(other).is_none_or(|one| one.nofailover || !self.is_up(other)));
            let stays = (candidate as u32) < target_instances.max(1) || target_instances == 1 || new || alone;
            let has = !self.instances[candidate].nofailover && stays;
            if !has || cordoned(self, candidate) && !relieves && self.ledger.faults == 0 {
                self.violated(Invariant::CandidateFits, format!("{action}"));
            }
            if self.instances[index].slot && !self.instances[candidate].slot && self.instances[candidate].connects + PREPARES < now {
                self.violated(Invariant::SlotsKept, format!("{action}, which lacks the logical slot"));
            }
            return;
        }
        let others: Vec<usize> = (0..self.instances.len()).filter(|other| *other != index).collect();
        // Old facts do not show whom Patroni named a moment ago.
        let named = !stale || self.standby_since + GRACE < now;
        if self.setup.synchronous != Synchronous::Off && self.standby == Some(index) && was_up && named {
            let could = |other: &&usize| self.leader() != Some(**other) && self.streams(**other) && !self.instances[**other].nofailover;
            let settled = self.instances.iter().all(|one| one.connects + 2 * GRACE < now);
            if settled && let Some(other) = others.iter().find(could) {
                self.violated(Invariant::StandbyKept, format!("{action}, and instance {other} could have been the synchronous standby"));
            }
        }
        if leads {
            let lowers = (0..HOT).any(|at| self.status.target.values[at] < self.instances[index].values[at]);
            let again = self.status.memory.switched_to == Some(index as u32);
            let restarts = matches!(action, Action::Restart { .. });
            let could = |other: &&usize| (**other as u32) < target_instances && self.could_lead(**other);
            let settled = self.instances.iter().all(|one| one.connects + 2 * GRACE < now);
            if !(restarts && (lowers || again))
                && settled
                && let Some(other) = others.iter().find(could)
            {
                self.violated(Invariant::PrimaryLast, format!("{action}, and instance {other} could lead"));
            }
        } else if matches!(action, Action::Restart { .. }) && was_up {
            let one = &self.instances[index];
            let met = self.wal.lines[one.data.line].met(one.data.redo, one.data.replayed);
            // One that runs with the lower values already is restarted for something else.
            let lowers = |at: usize| one.values[at] > one.patroni.seen[at];
            // Where in the WAL of a source its last change lies nobody knows here. Patroni starts such a server a second time with more.
            let told = self.ledger.source_changed == 0 || self.ledger.source_changed + 2 * CHECKPOINT < now;
            let fails = told && (0..HOT).any(|at| lowers(at) && met[at] > one.patroni.seen[at].max(one.data.control[at]));
            if fails {
                self.violated(Invariant::SurvivableNow, format!("{action}: if it does not stop in order, it does not start"));
            }
        }
    }

    /// A claim is deleted: what lies on its volume goes with the pod.
    pub(crate) fn gives_up(&mut self, index: usize) {
        let now = self.now;
        let one = &self.instances[index];
        if !one.data.present {
            return;
        }
        // Old facts may show what was up a moment ago.
        let grace = if self.stale > now { GRACE + 6 } else { GRACE };
        let up = |other: &usize| *other != index && self.instances[*other].down_since.is_none_or(|since| since + grace >= now);
        let others: Vec<usize> = (0..self.instances.len()).filter(up).collect();
        let holds = |other: &&usize| {
            let data = self.instances[**other].data;
            data.present
                && data.position + SLACK >= one.data.position
                && self.wal.holds(data.line, one.data.line, one.data.position.min(data.position))
        };
        let copies = others.iter().filter(holds).count();
        let wanted = self.status.target.instances;
        let serves = one.down_since.is_none() && (index as u32) < wanted && wanted > 1;
        if self.leader() == Some(index) || copies < if serves { 2 } else { 1 } {
            self.violated(Invariant::VolumesKept, format!("the claim of instance {index} goes, and {copies} others hold what it has"));
        }
    }

    /// Those that were stopped and are back.
    fn settle_hands(&mut self) {
        for index in 0..self.instances.len() {
            if self.ledger.hands.get(&index).is_some_and(|at| *at < self.now) && self.is_up(index) && self.lag(index) <= SLACK {
                self.ledger.hands.remove(&index);
            }
        }
    }

    /// Something was disturbed.
    pub(crate) fn disturbed(&mut self, action: &Action) {
        let Some(index) = action.instance() else { return };
        self.ledger.hands.insert(index as usize, self.now);
        if let Action::SwitchOver { candidate, .. } = action {
            self.ledger.hands.insert(*candidate as usize, self.now);
            let cordoned = self.nodes.iter().any(|node| node.cordoned);
            // One that was begun for another release belongs to that.
            self.ledger.switchovers += u32::from(self.ledger.words.contains(&word(action)));
            if self.ledger.switchovers > 1
                && !self.ledger.moved
                && !cordoned
                && self.status.target.instances > 1
                && !super::release::is_infeasible(self.status.target.template.amounts)
            {
                self.violated(Invariant::OneSwitchover, format!("{action} is the second one"));
            }
        }
    }

    pub(crate) fn lost_commits(&mut self, lost: u64, planned: bool) {
        if !planned {
            self.ledger.moved = true;
        }
        if lost > 0 && (planned || self.setup.synchronous != Synchronous::Off) {
            self.violated(Invariant::CommitsKept, format!("{lost} acknowledged commits are lost"));
        }
    }

    pub(crate) fn two_writers(&mut self) {
        self.violated(Invariant::OneWriter, "two instances take writes");
    }

    /// It was said that everything runs.
    pub(crate) fn said_done(&mut self, reports: &[String]) {
        let target = self.status.target;
        // What is done about an instance that starts with something else later is a rollout of its own.
        self.ledger.switchovers = 0;
        let moves = self.moves_volumes();
        let wrong = (0..self.instances.len().min(target.instances as usize)).find(|index| {
            let one = &self.instances[*index];
            one.pod.as_ref().is_some_and(|pod| {
                moves && one.claim.is_some_and(|claim| claim.ends || claim.class != target.template.class)
                    || pod.made_from.image != target.template.image
                    || pod.made_from.label != target.template.label
                    || one.is_serving() && !one.has_values(&target.values)
                    || one.is_serving()
                        && one.values[SHARED_BUFFERS] != target.values[SHARED_BUFFERS]
                        && !reports.iter().any(|report| report.starts_with(&format!("instance {index} ")))
            })
        });
        if let Some(wrong) = wrong {
            self.violated(Invariant::DoneIsReleased, format!("instance {wrong} does not run what is called done"));
        }
        let saved = self.instances.iter().any(|one| one.auto.is_some());
        if self.flaw().is_some() && self.instances.len() > 1 && !saved {
            self.violated(Invariant::BadNeverDone, "a revision that cannot run is called done");
        }
    }

    /// Checks everything that does not need an action. `awake`: for how long a controller has been at work.
    pub(crate) fn check(&mut self, awake: u64, under_way: bool) {
        let now = self.now;
        self.settle_hands();
        let gone: Vec<usize> = self.ledger.hands.keys().copied().filter(|index| *index >= self.replicas as usize).collect();
        for index in gone {
            self.ledger.hands.remove(&index);
        }
        // A revision that cannot run is found out by trying it; until then, and when it is not the time, it is not in force.
        let tries = self.permission == Permission::Granted || now < self.ledger.permission_changed + GRACE;
        let settled = self.ledger.releases < 2 || now > self.ledger.released_at + PREPARES && awake >= 15 && self.api.0 + 10 <= now;
        if settled && (self.flaw().is_none() || !self.ledger.begun && !tries && awake >= 15 && self.api.0 + 10 <= now) {
            self.check_survivable();
        }
        let (template, config, good) = (self.template, self.config, self.status.last_good);
        if !self.ledger.allowed && !self.status.done && self.status.target != good && self.ledger.releases == 1 {
            let target = self.status.target;
            let untried = template != good.template && template == target.template
                || (0..WORK_MEM).any(|at| target.values[at] != good.values[at] && config[at] == target.values[at]);
            if untried {
                self.violated(Invariant::Permitted, "the released revision is in force before it was allowed");
            }
        }
        let works = awake >= 15 && self.api.0 + 10 <= now;
        if let Some(stopped) = self.ledger.stopped
            && self.status.memory.failure.is_some()
            && works
            && now == stopped + 30
            && (self.ledger.edited_at == 0 || now > self.ledger.edited_at + PREPARES)
            && (template != good.template || config[..WORK_MEM] != good.values[..WORK_MEM])
        {
            self.violated(Invariant::StopIsLastGood, "what failed is still in force");
        }
        let away = !under_way && self.instances.iter().any(|one| one.pooler.paused.is_some() || one.pooler.foreign.is_some());
        self.ledger.away = if away && works { self.ledger.away + 1 } else { 0 };
        if self.ledger.away == 12 {
            self.violated(Invariant::PoolersAtHome, "a pooler holds clients back or leads elsewhere, and nothing is being done");
        }
    }

    fn check_survivable(&mut self) {
        let template = self.template;
        let mut fails = None;
        for index in 0..self.instances.len() {
            let one = &self.instances[index];
            let Some(pod) = one.pod.as_ref().filter(|_| one.is_serving() && one.runs()) else { continue };
            let mut values = self.config;
            values[SHARED_BUFFERS] = one.brought(SHARED_BUFFERS, values[SHARED_BUFFERS]);
            if self.leader() != Some(index) || self.setup.source.is_some() {
                for (value, control) in values.iter_mut().take(HOT).zip(one.data.control) {
                    *value = (*value).max(control);
                }
            }
            // Memory and what needs it travel with the pod (rule 5): until an instance has its new pod, this one thing is accepted.
            let other = pod.made_from.label != template.label
                || pod.made_from.image != template.image
                || super::release::is_infeasible(template.amounts);
            let amounts = if other && self.ledger.allowed { pod.amounts.max(template.amounts) } else { pod.amounts };
            if let Err(why) = starts(pod.made_from.image, amounts, &values) {
                fails = Some((index, "its pod", why));
            }
            let starts = if template.image == NO_IMAGE || template.amounts >= TOO_MUCH {
                Err("it does not run anywhere")
            } else {
                starts(template.image, template.amounts, &values)
            };
            if let Err(why) = starts {
                fails = Some((index, "a new pod", why));
            }
        }
        if let Some((index, place, why)) = fails {
            self.violated(Invariant::SurvivableNow, format!("instance {index} would not come up in {place}: {why}"));
        }
    }
}
