//! Everything there is, and what is true of it.

use super::instance::{Claim, Data, Instance, Patroni, Phase, Pod, Pooler, Server, Troubles};
use super::ledger::Ledger;
use super::random::Random;
use super::release::{HOT, MAX_CONNECTIONS, Release, Template, Values};
use super::scenario::{Setup, Slots};
use super::status::Status;
use super::wal::{Wal, hot};
use crate::change::Permission;

/// An instance counts as caught up with this many commits left to replay: those of the last moments.
pub(crate) const SLACK: u64 = 3;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Node {
    /// Down until then.
    pub(crate) down: u64,
    pub(crate) cordoned: bool,
    /// When what runs there is evicted.
    pub(crate) evicts: Option<u64>,
}

pub(crate) struct World {
    /// Seconds since the begin.
    pub(crate) now: u64,
    pub(crate) random: Random,
    pub(crate) setup: Setup,
    pub(crate) nodes: Vec<Node>,
    /// The StatefulSet.
    pub(crate) replicas: u32,
    pub(crate) template: Template,
    /// Patroni's dynamic configuration.
    pub(crate) config: Values,
    pub(crate) version: u64,
    /// The leader lock: who, until when.
    pub(crate) lock: Option<(usize, u64)>,
    /// Since when nobody has it.
    pub(crate) free_since: u64,
    pub(crate) last_leader: usize,
    /// A switchover that Patroni has accepted: to whom, until when.
    pub(crate) handover: Option<(usize, u64)>,
    /// Patroni's switchovers fail until then.
    pub(crate) refuses: u64,
    /// A stop of the primary would take long until then.
    pub(crate) busy: u64,
    /// No pooler comes to rest until then.
    pub(crate) restless: u64,
    /// Who takes the lock again that somebody deleted: it runs as the primary, and the others see that.
    pub(crate) relock: Option<usize>,
    /// The synchronous standby.
    pub(crate) standby: Option<usize>,
    /// Since when it is that one.
    pub(crate) standby_since: u64,
    pub(crate) pause: bool,
    pub(crate) instances: Vec<Instance>,
    pub(crate) wal: Wal,
    pub(crate) uids: u64,
    /// Whom the tags bar from being synchronous.
    pub(crate) barred: Option<u32>,
    pub(crate) status: Status,
    pub(crate) permission: Permission,
    /// The API server answers with errors until then; whether what it was told is done nevertheless.
    pub(crate) api: (u64, bool),
    /// The controllers' facts about instances are this old at most, until then.
    pub(crate) stale: u64,
    /// The clock of the controllers is off by so much.
    pub(crate) clock: i64,
    pub(crate) ledger: Ledger,
    /// The story, where somebody wants to read it.
    pub(crate) story: Option<Vec<String>>,
}

impl World {
    pub(crate) fn new(setup: &Setup, tell: bool) -> Self {
        let release = Release::first(setup.instances);
        let mut random = Random::new(setup.seed);
        let written = Self::written(setup, hot(&release.values));
        let count = setup.instances as usize;
        let instances = (0..count)
            .map(|index| Instance {
                pod: Some(Pod {
                    uid: index as u64,
                    made_from: release.template,
                    amounts: release.template.amounts,
                    node: Some(index),
                    phase: Phase::Running,
                    since: 0,
                    gone_at: None,
                    resized_at: None,
                    infeasible: None,
                }),
                made_at: 0,
                claim: Some(Claim { uid: index as u64, class: release.template.class, ends: false }),
                data: Data { present: true, line: 0, position: 0, replayed: 0, redo: 0, control: written, clean: false },
                server: if index == 0 { Server::Primary } else { Server::Replica },
                values: release.values,
                patroni: Patroni { look: random.between(1, 10), seen: release.values, version: 0, nosync: false },
                pooler: Pooler::default(),
                troubles: Troubles::default(),
                isolated_since: 0,
                frozen_since: 0,
                auto: None,
                cut_off: false,
                cut_off_since: 0,
                diverged: false,
                slot: index == 0 && setup.slots != Slots::None || setup.slots == Slots::Failover,
                started: index as u64,
                connects: 0,
                insufficient: false,
                failed: None,
                nofailover: setup.nofailover == Some(index as u32) && index != 0,
                down_since: None,
                late_since: None,
                ready: true,
                turned: 0,
            })
            .collect();
        Self {
            now: 0,
            random,
            setup: setup.clone(),
            nodes: vec![Node::default(); count + 3],
            replicas: setup.instances,
            template: release.template,
            config: release.values,
            version: 0,
            lock: Some((0, 30)),
            free_since: 0,
            last_leader: 0,
            handover: None,
            refuses: 0,
            busy: 0,
            restless: 0,
            relock: None,
            standby: (setup.synchronous != crate::change::Synchronous::Off && count > 1).then_some(1),
            standby_since: 0,
            pause: false,
            instances,
            wal: Wal::new(written),
            uids: 100,
            barred: None,
            status: Status::new(release),
            permission: Permission::Granted,
            api: (0, false),
            stale: 0,
            clock: 0,
            ledger: Ledger::default(),
            story: tell.then(Vec::new),
        }
    }

    /// Hot-standby parameters that a leader writes into the WAL: its own, or in a standby cluster those of the source, whose WAL it is.
    pub(crate) fn written(setup: &Setup, mut own: [i64; HOT]) -> [i64; HOT] {
        if let Some(source) = setup.source {
            own = hot(&Release::first(1).values);
            own[MAX_CONNECTIONS] = source;
        }
        own
    }

    /// Why the released revision can never run.
    pub(crate) fn flaw(&self) -> Option<&'static str> {
        self.status.target.flaw(self.setup.source)
    }

    /// Tells what happened.
    pub(crate) fn tell(&mut self, text: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push(format!("{:>6} s  {}", self.now, text()));
        }
    }

    /// Who has the lock.
    pub(crate) fn holder(&self) -> Option<usize> {
        self.lock.map(|(holder, _)| holder)
    }

    /// Who has the lock and takes writes.
    pub(crate) fn leader(&self) -> Option<usize> {
        self.holder().filter(|holder| self.instances[*holder].server == Server::Primary)
    }

    /// Whether it follows the leader.
    pub(crate) fn streams(&self, index: usize) -> bool {
        let one = &self.instances[index];
        one.server == Server::Replica
            && one.connects <= self.now
            && one.troubles.cut <= self.now
            && !one.cut_off
            && !one.diverged
            && one.pod.is_some()
            && self.leader().is_some_and(|leader| {
                let line = self.instances[leader].data.line;
                leader != index && self.instances[leader].troubles.cut <= self.now && self.wal.holds(line, one.data.line, one.data.position)
            })
    }

    pub(crate) fn is_up(&self, index: usize) -> bool {
        let one = &self.instances[index];
        one.runs() && one.is_serving() && (self.leader() == Some(index) || self.streams(index))
    }

    /// Commits that it has not replayed.
    pub(crate) fn lag(&self, index: usize) -> u64 {
        let end = self.leader().map_or(0, |leader| self.instances[leader].data.position);
        if self.leader() == Some(index) { 0 } else { end.saturating_sub(self.instances[index].data.replayed) }
    }

    /// Whether it is up and has replayed everything.
    pub(crate) fn could_follow(&self, index: usize) -> bool {
        self.is_up(index) && self.lag(index) <= SLACK
    }

    /// Whether Patroni itself would make it the leader now, and a careful person too.
    pub(crate) fn could_lead(&self, index: usize) -> bool {
        let one = &self.instances[index];
        let cordoned = one.pod.as_ref().and_then(|pod| pod.node).is_some_and(|node| self.nodes[node].cordoned);
        self.streams(index)
            && one.runs()
            && self.lag(index) <= SLACK
            && !one.nofailover
            && !cordoned
            && one.troubles.replay_paused <= self.now
            && one.troubles.isolated <= self.now
            && (one.slot || !self.leader().is_some_and(|leader| self.instances[leader].slot))
            && (self.standby.is_none() || self.standby == Some(index))
    }

    /// Stops a server in order.
    pub(crate) fn stop_in_order(&mut self, index: usize, again: u64) {
        if self.leader() == Some(index) {
            let end = self.instances[index].data.position;
            let line = self.instances[index].data.line;
            for other in 0..self.instances.len() {
                if self.streams(other) {
                    self.instances[other].data.line = line;
                    self.instances[other].data.position = end;
                }
            }
            self.wal.lines[line].checkpoints.push(end);
            self.instances[index].data.redo = end;
        } else if self.instances[index].is_serving() {
            let data = self.instances[index].data;
            self.instances[index].data.redo = self.wal.lines[data.line].checkpoint(data.replayed).max(data.redo);
        }
        if self.instances[index].is_serving() {
            self.instances[index].data.clean = true;
        }
        self.instances[index].server = Server::Down { again };
    }

    /// Ends a server at once.
    pub(crate) fn crash(&mut self, index: usize, again: u64) {
        let one = &mut self.instances[index];
        one.data.clean = false;
        one.insufficient = false;
        one.server = Server::Down { again };
    }

    /// Its pod is gone at once.
    pub(crate) fn lose_pod(&mut self, index: usize) {
        if self.instances[index].is_serving() || matches!(self.instances[index].server, Server::Starting { .. }) {
            self.crash(index, 0);
        }
        let one = &mut self.instances[index];
        one.pod = None;
        one.made_at = self.now + 1;
        if one.claim.is_some_and(|claim| claim.ends) {
            // With its volume.
            one.claim = None;
            one.data = Data::NONE;
            (one.cut_off, one.diverged, one.slot, one.auto) = (false, false, false, None);
        }
        one.pooler = Pooler::default();
        one.insufficient = false;
        one.failed = None;
        one.patroni.nosync = false;
    }
}
