//! One instance: its pod, its volume, PostgreSQL, Patroni and the pooler.

use super::release::{HOT, Template, Values};

/// Where a pod is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No node yet, or its volume is not there.
    Pending,
    /// Its image comes until then.
    Pulling(u64),
    /// Patroni runs.
    Running,
}

#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) uid: u64,
    pub(crate) made_from: Template,
    /// What it has now: changed in place.
    pub(crate) amounts: i64,
    pub(crate) node: Option<usize>,
    pub(crate) phase: Phase,
    pub(crate) since: u64,
    /// When it is gone, where it is being deleted.
    pub(crate) gone_at: Option<u64>,
    /// When its amounts are those of the template that was asked for in place.
    pub(crate) resized_at: Option<(u64, i64)>,
    /// Amounts that the kubelet said it can never have.
    pub(crate) infeasible: Option<i64>,
}

/// What lies on its volume.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Data {
    pub(crate) present: bool,
    pub(crate) line: usize,
    /// Received, or written by itself.
    pub(crate) position: u64,
    pub(crate) replayed: u64,
    /// Where recovery after a crash would begin.
    pub(crate) redo: u64,
    /// Hot-standby parameters in the control data.
    pub(crate) control: [i64; HOT],
    /// Whether it was stopped in order.
    pub(crate) clean: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// Not before then Patroni tries again.
    Down {
        again: u64,
    },
    /// Up from then on, with these values.
    Starting {
        until: u64,
        values: Values,
        primary: bool,
    },
    Replica,
    Primary,
}

#[derive(Debug, Clone)]
pub(crate) struct Patroni {
    /// Its next look at the cluster.
    pub(crate) look: u64,
    /// The dynamic configuration as it read it last.
    pub(crate) seen: Values,
    /// Version of that.
    pub(crate) version: u64,
    /// Whether it has published `nosync`.
    pub(crate) nosync: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pooler {
    pub(crate) paused: Option<u64>,
    pub(crate) foreign: Option<u64>,
}

/// What troubles it, each until a moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Troubles {
    /// It replays nothing.
    pub(crate) slow: u64,
    /// Somebody paused its replay.
    pub(crate) replay_paused: u64,
    /// The controller does not reach Patroni and PostgreSQL there.
    pub(crate) unreachable: u64,
    /// Its volume does not attach.
    pub(crate) detached: u64,
    /// Its image comes slowly.
    pub(crate) pull: u64,
    /// Patroni there does not see a new configuration.
    pub(crate) unread: u64,
    /// Copying its data takes long.
    pub(crate) clone: u64,
    /// A rewind of its data fails.
    pub(crate) rewind: u64,
    /// Patroni there does not reach the API server.
    pub(crate) isolated: u64,
    /// Its server ends soon after each start.
    pub(crate) flaps: u64,
    /// Its node reaches nobody, kubelet and all.
    pub(crate) cut: u64,
    /// Patroni there stands still.
    pub(crate) frozen: u64,
}

/// The claim of its data volume.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) uid: u64,
    pub(crate) class: i64,
    /// Whether it was deleted: it goes with the pod.
    pub(crate) ends: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) pod: Option<Pod>,
    /// When the pod is made, where there is none.
    pub(crate) made_at: u64,
    pub(crate) claim: Option<Claim>,
    pub(crate) data: Data,
    pub(crate) server: Server,
    /// What the server runs with.
    pub(crate) values: Values,
    pub(crate) patroni: Patroni,
    pub(crate) pooler: Pooler,
    pub(crate) troubles: Troubles,
    /// Since when Patroni there has not reached the API server.
    pub(crate) isolated_since: u64,
    /// Since when it stands still.
    pub(crate) frozen_since: u64,
    /// What `ALTER SYSTEM` set there for `shared_buffers`.
    pub(crate) auto: Option<i64>,
    /// The WAL that it needs to follow is gone.
    pub(crate) cut_off: bool,
    pub(crate) cut_off_since: u64,
    /// Its data went another way than the leader's, and its rewind failed.
    pub(crate) diverged: bool,
    /// Whether it has the logical slot.
    pub(crate) slot: bool,
    /// Name of the last start of its server.
    pub(crate) started: u64,
    /// Not before then its receiver connects.
    pub(crate) connects: u64,
    /// It met a record that it may not replay.
    pub(crate) insufficient: bool,
    /// Why its last start failed, and how often.
    pub(crate) failed: Option<(&'static str, u32)>,
    /// `nofailover` in its tags.
    pub(crate) nofailover: bool,
    /// Since when it has not been up (streams or leads) or has not replayed everything.
    pub(crate) down_since: Option<u64>,
    pub(crate) late_since: Option<u64>,
    /// Whether its pod is ready, and since when it is or is not.
    pub(crate) ready: bool,
    pub(crate) turned: u64,
}

impl Data {
    /// Those of a new volume.
    pub(crate) const NONE: Self = Self { present: false, line: 0, position: 0, replayed: 0, redo: 0, control: [0; HOT], clean: true };
}

impl Instance {
    /// Whether Patroni runs there.
    pub(crate) fn runs(&self) -> bool {
        self.pod.as_ref().is_some_and(|pod| pod.phase == Phase::Running && pod.gone_at.is_none())
    }

    /// Whether Patroni there stands still.
    pub(crate) const fn is_frozen(&self, now: u64) -> bool {
        self.troubles.frozen > now
    }

    pub(crate) const fn is_serving(&self) -> bool {
        matches!(self.server, Server::Primary | Server::Replica)
    }

    /// For how many seconds its server has run.
    pub(crate) const fn age(&self, now: u64) -> u64 {
        // Those that ran from the beginning have run for long.
        if self.started < 100 { 1_000 + now } else { now - self.started / 100 }
    }

    /// The value that a start brings.
    pub(crate) fn brought(&self, at: usize, value: i64) -> i64 {
        self.auto.filter(|_| at == super::release::SHARED_BUFFERS).unwrap_or(value)
    }

    /// Whether it runs with values, but for what `ALTER SYSTEM` set there.
    pub(crate) fn has_values(&self, values: &Values) -> bool {
        (0..super::release::WORK_MEM).all(|at| self.values[at] == values[at] || self.is_overridden(at))
    }

    pub(crate) fn is_overridden(&self, at: usize) -> bool {
        at == super::release::SHARED_BUFFERS && self.auto.is_some()
    }

    /// Whether a restart would bring something (`pending_restart`). For what `ALTER SYSTEM` set Patroni says so for ever.
    pub(crate) fn pending(&self) -> bool {
        (0..super::release::WORK_MEM).any(|index| self.patroni.seen[index] != self.values[index])
    }
}
