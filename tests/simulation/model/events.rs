//! What may happen to a cluster: what people do, and faults.

use super::controller::Controller;
use super::instance::Server;
use super::scenario::{Happening, What, changed};
use super::world::World;
use crate::change::Permission;

/// Every word of a scenario, and what it means. Numbers are an instance or a choice, then seconds.
pub(crate) const WORDS: &[(&str, &str)] = &[
    ("revert", "the last good revision is released again"),
    ("retry", "a person says that a stopped rollout goes on"),
    ("permit", "0: disturbances are allowed, 1: not now, 2: held"),
    ("kill", "PostgreSQL of an instance ends at once"),
    ("delete", "somebody deletes the pod of an instance"),
    ("node", "the node of an instance is down for some seconds"),
    ("cordon", "the node of an instance takes no pods any more; after some seconds it is drained"),
    ("uncordon", "every node takes pods again"),
    ("dies", "the controller dies before its write of this number"),
    ("sleeps", "0: the controller is stopped before it writes a step, 1: behind it; for some seconds"),
    ("api", "the API server answers with errors for some seconds; 1: but does what it is told"),
    ("stale", "watches stand still for some seconds, again and again 6 s"),
    ("unreachable", "the controller does not reach Patroni and PostgreSQL of an instance for some seconds"),
    ("slow", "an instance replays nothing for some seconds"),
    ("replay-paused", "somebody pauses replay on an instance for some seconds"),
    ("slow-pull", "images come to an instance only after some seconds"),
    ("detached", "the volume of an instance does not attach for some seconds"),
    ("unread", "Patroni of an instance sees no new configuration for some seconds"),
    ("slow-clone", "copying data to an instance takes so long"),
    ("switchover", "somebody hands over to an instance (patronictl)"),
    ("restart", "somebody restarts an instance (patronictl)"),
    ("reinit", "somebody has an instance copied anew (patronictl)"),
    ("edit", "somebody changes shared_buffers in the dynamic configuration (patronictl edit-config)"),
    ("pause", "1: Patroni is paused, 0: no more"),
    ("clock", "the clock of the controller jumps by so much"),
    ("alter-system", "somebody sets shared_buffers of an instance with ALTER SYSTEM, to this value"),
    ("wal-gone", "the WAL that a replica needs to follow is gone"),
    ("rewind-fails", "rewinds of an instance fail for some seconds"),
    ("isolated", "Patroni of an instance does not reach the API server for some seconds"),
    ("flaps", "the server of an instance ends a few seconds after each start, for some seconds"),
    ("cut", "the node of an instance reaches nobody for some seconds, and its kubelet and the pods there run on"),
    ("refuses", "Patroni's switchovers fail for some seconds"),
    ("frozen", "Patroni of an instance stands still for some seconds, until the kubelet has noticed"),
    ("lost-lock", "somebody deletes the object of the leader lock"),
    ("busy", "a base backup, a consumer far behind or an old transaction would make a stop of the primary long, for some seconds"),
    ("restless", "a client keeps every pooler from coming to rest for some seconds"),
    ("source", "the source of a standby cluster runs with so many max_connections, or as many as this cluster has"),
    ("cold-start", "every node loses its power, and each comes back within some seconds"),
];

/// How many are no faults.
pub(crate) const NO_FAULTS: usize = 3;

impl World {
    pub(crate) fn happens(&mut self, controller: &mut Controller, happening: &Happening) {
        let now = self.now;
        match &happening.what {
            What::Release(changes) => {
                let target = changed(self.status.target, changes);
                self.tell(|| format!("a revision is released: {changes:?}"));
                self.status.release(target);
                self.released();
            }
            What::Event(word, first, second) => {
                if let Some((_, text)) = WORDS.iter().find(|(known, _)| known == word) {
                    self.tell(|| format!("{word} {first} {second}: {text}"));
                }
                if WORDS.iter().skip(NO_FAULTS).any(|(known, _)| known == word) {
                    self.ledger.faults += 1;
                }
                let until = now + u64::try_from(*second).unwrap_or(0);
                self.event(controller, word, *first, until);
            }
        }
    }

    /// What people do about what a rollout waits for: they have instances copied anew that cannot follow, and give the slots up that
    /// keep the primary where it is.
    pub(crate) fn people_help(&mut self) {
        for index in 0..self.instances.len() {
            if self.holder() != Some(index) && (self.instances[index].cut_off || self.instances[index].diverged) {
                self.tell(|| format!("somebody has instance {index} copied anew"));
                self.copy_anew(index);
            }
            if self.setup.slots == super::scenario::Slots::Plain {
                self.instances[index].slot = false;
            }
        }
    }

    fn copy_anew(&mut self, index: usize) {
        let again = self.now + 1;
        let one = &mut self.instances[index];
        one.data.present = false;
        (one.cut_off, one.diverged) = (false, false);
        if one.runs() {
            one.server = Server::Down { again };
        }
    }

    fn event(&mut self, controller: &mut Controller, word: &str, first: i64, until: u64) {
        let now = self.now;
        let index = usize::try_from(first).unwrap_or(0) % self.instances.len();
        let node = self.instances[index].pod.as_ref().and_then(|pod| pod.node);
        match word {
            "revert" => {
                let good = self.status.last_good;
                self.status.release(good);
                self.released();
            }
            "retry" => {
                self.status.memory.failure = None;
                self.status.version += 1;
                self.ledger.stopped = None;
            }
            "permit" => {
                let (why, ends) = ("it is not the time".to_owned(), "the window opens".to_owned());
                self.permission = match first {
                    0 => Permission::Granted,
                    1 => Permission::NotNow { why, ends },
                    _ => Permission::Held { why, ends },
                };
                self.ledger.permission_changed = now;
            }
            "kill" if self.instances[index].is_serving() => self.crash(index, now + 8),
            "delete" => self.terminate(index),
            "node" => {
                if let Some(node) = node {
                    self.lose_node(node, until);
                }
            }
            "cordon" => {
                if let Some(node) = node {
                    self.nodes[node].cordoned = true;
                    self.nodes[node].evicts = (until > now).then_some(until);
                    self.ledger.moved = true;
                }
            }
            "uncordon" => {
                self.nodes.iter_mut().for_each(|node| node.cordoned = false);
                self.ledger.uncordoned = now;
            }
            "dies" => controller.dies = Some(u64::try_from(first).unwrap_or(0)),
            "sleeps" => controller.sleeps = Some((until - now, first == 1)),
            "api" => self.api = (until, first == 1),
            "stale" => self.stale = until,
            "unreachable" => self.instances[index].troubles.unreachable = until,
            "slow" => self.instances[index].troubles.slow = until,
            "replay-paused" => self.instances[index].troubles.replay_paused = until,
            "slow-pull" => self.instances[index].troubles.pull = until,
            "detached" => self.instances[index].troubles.detached = until,
            "unread" => self.instances[index].troubles.unread = until,
            "slow-clone" => self.instances[index].troubles.clone = until,
            "switchover" => {
                if let Some(leader) = self.leader() {
                    let _ = self.post_switchover(leader, index);
                    self.ledger.moved = true;
                }
            }
            "restart" => {
                self.post_restart(index, false, None);
            }
            "reinit" if self.leader().is_some() && self.holder() != Some(index) && self.instances[index].runs() => {
                self.copy_anew(index);
            }
            "edit" => {
                self.ledger.moved = true;
                self.ledger.edited_at = now;
                self.config[super::release::SHARED_BUFFERS] -= 1;
                self.version += 1;
            }
            "pause" => {
                self.pause = first == 1;
                self.event(controller, "permit", if first == 1 { 2 } else { 0 }, now);
            }
            "clock" => self.clock += first,
            "alter-system" => {
                self.ledger.edited_at = now;
                self.instances[index].auto = i64::try_from(until - now).ok();
            }
            "wal-gone" => {
                // Whoever led last is a replica no longer than until it leads again.
                self.instances[index].cut_off = self.last_leader != index && self.instances[index].data.present;
                self.instances[index].cut_off_since = now;
            }
            "rewind-fails" => self.instances[index].troubles.rewind = until,
            "isolated" => {
                self.instances[index].troubles.isolated = until;
                self.instances[index].isolated_since = now;
            }
            "cut" => {
                let troubles = &mut self.instances[index].troubles;
                (troubles.cut, troubles.isolated, troubles.unreachable) =
                    (until, troubles.isolated.max(until), troubles.unreachable.max(until));
                self.instances[index].isolated_since = now;
            }
            "flaps" => self.instances[index].troubles.flaps = until,
            "refuses" => self.refuses = until,
            "frozen" => {
                let one = &mut self.instances[index];
                if !one.is_frozen(now) {
                    one.frozen_since = now;
                }
                one.troubles.frozen = one.troubles.frozen.max(until);
                one.troubles.unreachable = one.troubles.unreachable.max(until);
            }
            "lost-lock" => {
                if let Some((holder, _)) = self.lock.take() {
                    self.relock = Some(holder);
                    self.free_since = now;
                }
            }
            "busy" => self.busy = until,
            "restless" => self.restless = until,
            "source" => {
                self.source_runs(first);
                self.ledger.source_changed = now;
            }
            "cold-start" => {
                for node in 0..self.nodes.len() {
                    let back = now + self.random.between(5, (until - now).max(6));
                    self.lose_node(node, back);
                }
                self.ledger.moved = true;
            }
            _ => {}
        }
    }
}
