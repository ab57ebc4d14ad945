//! Patroni 4.0.7: it looks every 10 s, holds a lock for 30 s, starts its server, promotes, hands over.

use super::instance::{Data, Server};
use super::release::{HOT, starts};
use super::wal::hot;
use super::world::{SLACK, World};
use crate::change::Synchronous;

const LOOP_WAIT: u64 = 10;
const TTL: u64 = 30;

impl World {
    pub(crate) fn patroni(&mut self) {
        let now = self.now;
        for index in 0..self.instances.len() {
            if !self.instances[index].runs() || self.instances[index].is_frozen(now) {
                continue;
            }
            if self.instances[index].patroni.look <= now {
                self.look(index);
            }
            self.server(index);
        }
        if let Some((holder, expires)) = self.lock
            && expires <= now
        {
            self.tell(|| format!("the leader lock of instance {holder} runs out"));
            self.lock = None;
            self.free_since = now;
        }
        self.elect();
    }

    fn look(&mut self, index: usize) {
        let now = self.now;
        let (config, version, barred) = (self.config, self.version, self.barred);
        let one = &mut self.instances[index];
        one.patroni.look = now + LOOP_WAIT;
        let isolated = one.troubles.isolated > now;
        if one.troubles.unread <= now && !isolated {
            one.patroni.seen = config;
            one.patroni.version = version;
        }
        if !isolated {
            one.patroni.nosync = barred == Some(index as u32);
        }
        // What is only read again.
        if one.is_serving() {
            one.values[super::release::WORK_MEM] = one.patroni.seen[super::release::WORK_MEM];
        }
        if one.insufficient {
            // "Resuming paused WAL replay": the server shuts down and is started anew.
            self.tell(|| format!("replay of instance {index} is resumed and its server ends: hot-standby parameters below the primary's"));
            self.crash(index, now + 1);
        }
        let data = self.instances[index].data;
        if self.setup.slots == super::scenario::Slots::Failover && self.streams(index) {
            self.instances[index].slot = self.leader().is_some_and(|leader| self.instances[leader].slot);
        }
        if self.instances[index].server == Server::Replica
            && !self.instances[index].diverged
            && self.leader().is_some_and(|leader| !self.wal.holds(self.instances[leader].data.line, data.line, data.position))
        {
            // It went further than the leader's timeline: it is stopped, and rewound when it starts.
            self.crash(index, now + 1);
        }
        if self.relock == Some(index) {
            self.relock = None;
            if !isolated && self.instances[index].server == Server::Primary && self.lock.is_none() {
                self.lock = Some((index, now + TTL));
            }
        }
        if self.holder() != Some(index) {
            return;
        }
        let primary = self.instances[index].server == Server::Primary;
        if !isolated {
            self.lock = Some((index, now + TTL));
            self.name_standby(index);
            if self.instances[index].server == Server::Replica {
                // It stepped down and has the lock again.
                self.promote(index);
            }
        } else if primary && self.setup.failsafe && self.instances[index].troubles.cut <= now {
            // The others see it alive, so nobody takes the lock that it cannot renew.
            self.lock = Some((index, now + TTL));
        } else if primary {
            self.tell(|| format!("instance {index} steps down: it does not reach the API server"));
            self.crash(index, now + 1);
        }
    }

    /// The leader names the standby that commits wait for.
    fn name_standby(&mut self, leader: usize) {
        if self.setup.synchronous == Synchronous::Off || self.leader() != Some(leader) {
            self.standby = self.standby.filter(|_| self.setup.synchronous != Synchronous::Off);
            return;
        }
        // Patroni names one once it has flushed what the leader has written until then.
        let caught_up = |index: usize| self.instances[index].data.position + SLACK >= self.instances[leader].data.position;
        let fit = |index: usize| {
            caught_up(index) && self.streams(index) && !self.instances[index].patroni.nosync && !self.instances[index].nofailover
        };
        if self.standby.is_some_and(fit) {
            return;
        }
        let named = (0..self.instances.len()).find(|index| fit(*index));
        if named != self.standby {
            self.tell(|| named.map_or_else(|| "no standby is synchronous".to_owned(), |named| format!("instance {named} is synchronous")));
            self.standby = named;
            self.standby_since = self.now;
        }
    }

    /// Starts the server, or says that it is up.
    fn server(&mut self, index: usize) {
        let now = self.now;
        match self.instances[index].server {
            Server::Down { again } if again <= now => self.start(index),
            Server::Starting { until, values, primary } if until <= now => {
                let leads = primary && self.holder() == Some(index) && self.instances[index].troubles.isolated <= now;
                let one = &mut self.instances[index];
                one.values = values;
                one.started = now * 100 + index as u64;
                one.failed = None;
                one.connects = now + self.random.between(1, 4);
                one.server = if leads { Server::Primary } else { Server::Replica };
                one.data.clean = false;
                self.tell(|| format!("instance {index} runs {}", if leads { "as the primary" } else { "as a replica" }));
                if leads {
                    self.lock = Some((index, now + TTL));
                    self.write_parameters(index);
                    self.all_connect_anew(index);
                }
            }
            // A primary whose lock is another's, or nobody's, steps down.
            Server::Primary if self.holder() != Some(index) && self.relock != Some(index) => self.crash(index, now + 1),
            _ => {}
        }
    }

    fn all_connect_anew(&mut self, leader: usize) {
        for other in 0..self.instances.len() {
            if other != leader {
                // Who does not reach the API server does not hear of another leader.
                let hears = self.instances[other].troubles.isolated.max(self.now);
                self.instances[other].connects = hears + self.random.between(1, 5);
            }
        }
    }

    /// A primary that runs with other values writes them into the WAL, behind a checkpoint.
    fn write_parameters(&mut self, index: usize) {
        let values = Self::written(&self.setup, hot(&self.instances[index].values));
        let one = &mut self.instances[index];
        let line = &mut self.wal.lines[one.data.line];
        line.checkpoints.push(one.data.position);
        one.data.redo = one.data.position;
        if line.control(one.data.position) != values {
            one.data.position += 1;
            one.data.replayed = one.data.position;
            line.records.push((one.data.position, values));
        }
        one.data.control = values;
    }

    /// The source of a standby cluster runs with another `max_connections`, which its WAL says. It does not get more than this cluster
    /// has (DESIGN §8, rule 7).
    pub(crate) fn source_runs(&mut self, value: i64) {
        let running = self.instances.iter().map(|one| &one.values);
        let values = running.chain([&self.status.target.values, &self.status.last_good.values]);
        let most = values.map(|values| values[super::release::MAX_CONNECTIONS]).min();
        self.setup.source = self.setup.source.map(|_| most.map_or(value, |most| value.min(most)));
        if let Some(leader) = self.leader().filter(|_| self.setup.source.is_some()) {
            self.write_parameters(leader);
        }
    }

    fn start(&mut self, index: usize) {
        let now = self.now;
        let leads = self.holder() == Some(index) && self.instances[index].troubles.isolated <= now;
        let leader = self.leader();
        let mut longer = 0;
        if !leads && let Some(leader) = leader {
            let first = self.instances[leader].data;
            let data = self.instances[index].data;
            let begins = Data {
                present: true,
                // What a copy or a rewind needs to be consistent lies behind its begin.
                position: first.position,
                replayed: first.redo,
                redo: first.redo,
                control: self.wal.lines[first.line].control(first.redo),
                clean: true,
                line: first.line,
            };
            if !data.present {
                self.tell(|| format!("instance {index} copies the data of instance {leader}"));
                longer = self.random.between(5, 20) + self.instances[index].troubles.clone.saturating_sub(now);
                self.instances[index].data = begins;
                let auto = self.instances[leader].auto;
                let one = &mut self.instances[index];
                (one.auto, one.slot, one.cut_off, one.diverged) = (auto, false, false, false);
            } else if self.instances[index].diverged {
                longer = 1;
            } else if !self.wal.holds(first.line, data.line, data.position) {
                longer = self.random.between(2, 6);
                if self.instances[index].troubles.rewind > now {
                    self.tell(|| format!("the rewind of instance {index} fails"));
                    self.instances[index].diverged = true;
                } else {
                    self.tell(|| format!("instance {index} is rewound"));
                    self.instances[index].data = begins;
                    let auto = self.instances[leader].auto;
                    (self.instances[index].auto, self.instances[index].slot) = (auto, false);
                }
            }
        }
        if !self.instances[index].data.present {
            self.instances[index].server = Server::Down { again: now + 5 };
            return;
        }
        let one = &self.instances[index];
        let mut values = one.patroni.seen;
        values[super::release::SHARED_BUFFERS] = one.brought(super::release::SHARED_BUFFERS, values[super::release::SHARED_BUFFERS]);
        if !leads || self.setup.source.is_some() {
            // A replica never starts below its control data: Patroni raises the values and leaves the restart pending.
            for (value, control) in values.iter_mut().take(HOT).zip(one.data.control) {
                *value = (*value).max(control);
            }
        }
        let (image, amounts) = one.pod.as_ref().map_or((0, 0), |pod| (pod.made_from.image, pod.amounts));
        let met = self.wal.lines[one.data.line].met(one.data.redo, one.data.replayed);
        let failed = match starts(image, amounts, &values) {
            Err(why) => Some(why),
            Ok(()) if !leads && !one.data.clean && (0..HOT).any(|at| met[at] > values[at]) => {
                Some("FATAL: recovery aborted because of insufficient parameter settings")
            }
            Ok(()) => None,
        };
        let recovery = if one.data.clean { 0 } else { self.random.between(1, 3) };
        let until = now + self.random.between(1, 3) + longer + recovery;
        let one = &mut self.instances[index];
        let Some(why) = failed else {
            one.server = Server::Starting { until, values, primary: leads };
            return;
        };
        if why.starts_with("FATAL: recovery") {
            for (control, met) in one.data.control.iter_mut().zip(met) {
                *control = (*control).max(met);
            }
        }
        one.failed = Some((why, one.failed.map_or(1, |(_, times)| times + 1)));
        one.server = Server::Down { again: now + 10 };
        self.tell(|| format!("the server of instance {index} ends when it starts: {why}"));
    }

    /// Whoever may and has most of the WAL takes a free lock.
    fn elect(&mut self) {
        let now = self.now;
        if let Some((candidate, until)) = self.handover
            && (until <= now || self.lock.is_some_and(|(holder, _)| holder == candidate))
        {
            self.handover = None;
        }
        if let Some(primary) = self.relock
            && self.lock.is_none()
            && self.instances[primary].runs()
            && self.instances[primary].server == Server::Primary
        {
            // The others see that it runs as the primary, so none of them takes the lock.
            return;
        }
        self.relock = None;
        if self.lock.is_some() || self.pause && self.handover.is_none() || now < self.free_since + 1 {
            return;
        }
        let synchronous = self.setup.synchronous != Synchronous::Off;
        let may = |index: &usize| {
            let one = &self.instances[*index];
            one.runs()
                && one.server == Server::Replica
                && !one.nofailover
                && one.troubles.isolated <= now
                && !one.is_frozen(now)
                && self.handover.is_none_or(|(candidate, _)| candidate == *index)
                && (!synchronous || self.standby == Some(*index) || self.last_leader == *index)
        };
        let winner = (0..self.instances.len()).filter(may).max_by_key(|index| {
            let data = self.instances[*index].data;
            (data.line, data.position, std::cmp::Reverse(*index))
        });
        if let Some(winner) = winner {
            self.promote(winner);
        }
    }

    fn promote(&mut self, index: usize) {
        let now = self.now;
        let one = &self.instances[index];
        let met = self.wal.lines[one.data.line].met(one.data.replayed, one.data.position);
        if (0..HOT).any(|at| met[at].max(one.data.control[at]) > one.values[at]) {
            self.tell(|| format!("instance {index} ends instead of being promoted: hot-standby parameters below its control data"));
            let one = &mut self.instances[index];
            for (control, met) in one.data.control.iter_mut().zip(met) {
                *control = (*control).max(met);
            }
            self.crash(index, now + 1);
            return;
        }
        let (line, lost) = self.wal.branch(one.data.line, one.data.position);
        let planned = self.handover.is_some();
        let one = &mut self.instances[index];
        one.data.line = line;
        one.data.replayed = one.data.position;
        one.server = Server::Primary;
        one.insufficient = false;
        (one.cut_off, one.diverged) = (false, false);
        one.patroni.look = now + 1;
        self.lock = Some((index, now + TTL));
        self.last_leader = index;
        self.standby = None;
        self.handover = None;
        self.tell(|| format!("instance {index} leads on timeline {}{}", line + 1, if lost > 0 { " and lacks commits" } else { "" }));
        self.write_parameters(index);
        self.all_connect_anew(index);
        self.lost_commits(lost, planned);
    }

    /// Patroni's `POST /switchover`.
    pub(crate) fn post_switchover(&mut self, leader: usize, candidate: usize) -> Result<(), &'static str> {
        self.may_switch_over(leader, candidate)?;
        self.stop_in_order(leader, self.now + 2);
        self.lock = None;
        self.free_since = self.now;
        self.handover = Some((candidate, self.now + TTL));
        Ok(())
    }

    /// Why Patroni refuses it.
    pub(crate) fn may_switch_over(&self, leader: usize, candidate: usize) -> Result<(), &'static str> {
        let synchronous = self.setup.synchronous != Synchronous::Off;
        let answers = |one: &super::instance::Instance| one.runs() && !one.is_frozen(self.now);
        if self.leader() != Some(leader) || !answers(&self.instances[leader]) || self.instances[leader].troubles.isolated > self.now {
            return Err("leader name does not match");
        }
        if self.refuses > self.now {
            return Err("failed to switch over");
        }
        let fits = self.instances.get(candidate).is_some_and(|one| answers(one) && !one.nofailover && !one.insufficient);
        if !fits || !self.streams(candidate) || synchronous && self.standby != Some(candidate) {
            return Err("candidate is not fit");
        }
        Ok(())
    }

    /// Patroni's `POST /restart`, of what is pending only where that is said.
    pub(crate) fn post_restart(&mut self, index: usize, only_pending: bool, leads: Option<bool>) {
        if self.would_restart(index, only_pending, leads) {
            let again = self.now + self.random.between(1, 2);
            self.stop_in_order(index, again);
        }
    }

    /// Whether its conditions hold (`restart_pending`, `role`).
    pub(crate) fn would_restart(&self, index: usize, only_pending: bool, leads: Option<bool>) -> bool {
        let one = &self.instances[index];
        let role = leads.is_none_or(|leads| leads == (self.leader() == Some(index)));
        one.runs() && !one.is_frozen(self.now) && one.is_serving() && (!only_pending || one.pending()) && role
    }
}
