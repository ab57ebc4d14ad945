//! The StatefulSet controller, the scheduler and the kubelets.

use super::instance::{Claim, Data, Instance, Patroni, Phase, Pod, Pooler, Server, Troubles};
use super::release::{NO_IMAGE, TOO_MUCH, starts};
use super::world::World;

/// How long a pod takes to end.
const END: (u64, u64) = (2, 6);
/// Seconds that a server runs which ends soon after each start: long enough to look well once.
const FLAPS: u64 = 4;
/// After how many seconds a container goes whose Patroni does not answer: less than the lock is held for.
const KILLED: u64 = 18;
/// After how many seconds without a word of its kubelet a node counts as lost (`--node-monitor-grace-period` until Kubernetes 1.31).
const NODE_IS_SILENT: u64 = 40;

impl World {
    /// Kubernetes does what one second gives it to do.
    pub(crate) fn kubernetes(&mut self) {
        while self.instances.len() < self.replicas as usize {
            self.instances.push(Instance {
                pod: None,
                made_at: self.now + 1,
                claim: None,
                data: Data::NONE,
                server: Server::Down { again: 0 },
                values: self.config,
                patroni: Patroni { look: 0, seen: self.config, version: self.version, nosync: false },
                pooler: Pooler::default(),
                troubles: Troubles::default(),
                isolated_since: 0,
                frozen_since: 0,
                auto: None,
                cut_off: false,
                cut_off_since: 0,
                diverged: false,
                slot: false,
                started: 0,
                connects: 0,
                insufficient: false,
                failed: None,
                nofailover: false,
                down_since: None,
                late_since: None,
                ready: false,
                turned: 0,
            });
        }
        for node in 0..self.nodes.len() {
            if self.nodes[node].evicts.is_some_and(|at| at <= self.now) {
                self.nodes[node].evicts = None;
                for index in 0..self.instances.len() {
                    if self.instances[index].pod.as_ref().is_some_and(|pod| pod.node == Some(node)) {
                        self.tell(|| format!("the drain evicts instance {index}"));
                        self.terminate(index);
                    }
                }
            }
        }
        for index in 0..self.instances.len() {
            self.pod(index);
        }
    }

    /// Servers that end soon after each start do.
    pub(crate) fn flap(&mut self) {
        for index in 0..self.instances.len() {
            let one = &self.instances[index];
            if one.troubles.flaps > self.now && one.runs() && one.is_serving() && one.age(self.now) >= FLAPS {
                self.tell(|| format!("the server of instance {index} ends"));
                self.crash(index, self.now + 2);
            }
        }
    }

    /// The kubelets look whether pods are ready.
    pub(crate) fn readiness(&mut self) {
        for one in &mut self.instances {
            // Of a node that is silent for a while the control plane says that its pods are not ready.
            let silent = one.troubles.cut > self.now && one.isolated_since + NODE_IS_SILENT <= self.now;
            let told = one.troubles.cut <= self.now || silent;
            let ready = one.runs() && one.is_serving() && !silent;
            if !told {
                continue;
            }
            if ready != one.ready {
                (one.ready, one.turned) = (ready, self.now);
            }
        }
    }

    fn pod(&mut self, index: usize) {
        let now = self.now;
        let wanted = (index as u32) < self.replicas;
        let Some(pod) = self.instances[index].pod.clone() else {
            if wanted && self.instances[index].made_at <= now {
                self.uids += 1;
                let made_from = self.template;
                let uid = self.uids;
                self.instances[index].claim.get_or_insert(Claim { uid, class: made_from.class, ends: false });
                self.tell(|| format!("the pod of instance {index} is made, with image {}", made_from.image));
                self.instances[index].pod = Some(Pod {
                    uid: self.uids,
                    made_from,
                    amounts: made_from.amounts,
                    node: None,
                    phase: Phase::Pending,
                    since: now,
                    gone_at: None,
                    resized_at: None,
                    infeasible: None,
                });
            }
            return;
        };
        if pod.node.is_some_and(|node| self.nodes[node].down > now) {
            // The control plane lets the pod of a lost node go after a while (here: 60 s), and another node takes it.
            if self.instances[index].made_at <= now && pod.phase == Phase::Pending {
                self.lose_pod(index);
            }
            return;
        }
        if pod.phase == Phase::Running && pod.gone_at.is_none() {
            self.liveness(index);
        }
        if self.instances[index].troubles.cut > now {
            // Its kubelet hears of nothing.
            return;
        }
        if let Some(gone_at) = pod.gone_at {
            if gone_at <= now {
                self.lose_pod(index);
            }
            return;
        }
        if !wanted {
            self.terminate(index);
            return;
        }
        if let Some((at, amounts)) = pod.resized_at
            && at <= now
            && let Some(pod) = &mut self.instances[index].pod
        {
            pod.amounts = amounts;
            pod.resized_at = None;
            let image = pod.made_from.image;
            if self.instances[index].is_serving() && starts(image, amounts, &self.instances[index].values).is_err() {
                self.tell(|| format!("the server of instance {index} is killed: its memory is taken away"));
                self.crash(index, now + 1);
            }
        }
        match pod.phase {
            Phase::Running => {}
            Phase::Pending => {
                if pod.made_from.amounts >= TOO_MUCH || self.instances[index].troubles.detached > now {
                    return;
                }
                let taken = |node: usize| self.instances.iter().any(|one| one.pod.as_ref().is_some_and(|pod| pod.node == Some(node)));
                let free = (0..self.nodes.len()).find(|node| {
                    self.nodes[*node].down <= now && !self.nodes[*node].cordoned && (!taken(*node) || pod.node == Some(*node))
                });
                if let Some(node) = free {
                    let until = now.max(self.instances[index].troubles.pull) + self.random.between(1, 5);
                    if let Some(pod) = &mut self.instances[index].pod {
                        pod.node = Some(node);
                        pod.phase = Phase::Pulling(until);
                    }
                }
            }
            Phase::Pulling(until) if until <= now && pod.made_from.image != NO_IMAGE => {
                let look = now + self.random.between(1, 10);
                let (seen, version) = (self.config, self.version);
                let one = &mut self.instances[index];
                if let Some(pod) = &mut one.pod {
                    pod.phase = Phase::Running;
                }
                one.server = Server::Down { again: now + 1 };
                // A Patroni that starts reads everything.
                one.patroni = Patroni { look, seen, version, nosync: false };
            }
            Phase::Pulling(_) => {}
        }
    }

    /// The kubelet ends a container whose Patroni does not answer, and PostgreSQL with it, and starts it anew.
    fn liveness(&mut self, index: usize) {
        let now = self.now;
        let one = &self.instances[index];
        if !one.is_frozen(now) || now < one.frozen_since + KILLED {
            return;
        }
        self.tell(|| format!("the container of instance {index} is started anew: its Patroni stands still"));
        self.crash(index, now + 1);
        let look = now + self.random.between(1, 10);
        let (seen, version) = (self.config, self.version);
        let one = &mut self.instances[index];
        (one.troubles.frozen, one.troubles.unreachable) = (0, now);
        one.patroni = Patroni { look, seen, version, nosync: false };
    }

    /// Deletes a pod with its grace: PostgreSQL stops in order, a leader lets its lock go.
    pub(crate) fn terminate(&mut self, index: usize) {
        let gone_at = self.now + self.random.between(END.0, END.1);
        let Some(pod) = self.instances[index].pod.as_mut().filter(|pod| pod.gone_at.is_none()) else { return };
        pod.gone_at = Some(gone_at);
        if self.instances[index].troubles.cut > self.now {
            // Nobody there hears of it: what runs, runs on, but for a primary, which steps down because it is alone.
            if self.instances[index].server == Server::Primary {
                self.crash(index, u64::MAX);
            }
        } else if self.instances[index].is_frozen(self.now) {
            // Nobody stops the server in order, and nobody lets the lock go.
            self.crash(index, u64::MAX);
        } else {
            self.stop_in_order(index, u64::MAX);
            if self.holder() == Some(index) {
                self.lock = None;
                self.free_since = self.now;
            }
        }
    }

    /// A node loses its power.
    pub(crate) fn lose_node(&mut self, node: usize, until: u64) {
        self.nodes[node].down = until;
        for index in 0..self.instances.len() {
            if self.instances[index].pod.as_ref().is_some_and(|pod| pod.node == Some(node)) {
                self.crash(index, 0);
                let one = &mut self.instances[index];
                one.made_at = self.now + 60;
                one.pooler = Pooler::default();
                if let Some(pod) = &mut one.pod {
                    pod.phase = Phase::Pending;
                    pod.gone_at = None;
                }
            }
        }
    }
}
