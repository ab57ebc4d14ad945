//! What the decision depends on.

use super::step::{Action, Failure, StepRecord};
use super::volume::OldVolume;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How the amounts of processor and memory of a pod have to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Amount {
    /// They are the released ones.
    #[default]
    Same,
    /// Something is to become more, nothing less in memory: before PostgreSQL uses it.
    More,
    /// Memory is to become less: after PostgreSQL has let go of it.
    Less,
}

/// How commits wait for standbys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// They do not.
    #[default]
    Off,
    /// They wait for a standby where there is one.
    On,
    /// They wait for a standby, and stop without one.
    Strict,
}

/// What a rollout does about the capacity that it takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// One instance less meanwhile.
    #[default]
    InPlace,
    /// One instance more first, so that never one is missing.
    ReducedImpact,
}

/// Whether instances may be disturbed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// They may.
    Granted,
    /// Not now: a window, the strategy. Says why, and what or who ends it.
    NotNow {
        /// Why.
        why: String,
        /// What or who ends it.
        ends: String,
    },
    /// Somebody said that nothing at all is to be done: a hold, Patroni's own pause.
    Held {
        /// Why.
        why: String,
        /// What or who ends it.
        ends: String,
    },
}

/// What the released revision asks of every instance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// Number of instances.
    pub instances: u32,
    /// Values of the hot-standby parameters.
    pub hot_standby: BTreeMap<String, i64>,
    /// Parameters that only the released image knows or can carry out, while other images run.
    pub late: BTreeSet<String>,
    /// Parameters read at a start whose released value may be another one than what an instance runs with: what one that cannot be
    /// seen may lack.
    pub restarts: BTreeSet<String>,
    /// How commits wait for standbys, as it is in force.
    pub synchronous: Synchronous,
    /// What is done about capacity.
    pub method: Method,
    /// Whether it is the revision that ran before: a change is taken back.
    pub goes_back: bool,
    /// Whether it changes nothing of what an instance starts with, so that no instance has to show that it has it.
    pub reloads_only: bool,
}

/// One instance as it is. What cannot be seen is `None`, never taken for fine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstanceFacts {
    /// Number of its pod.
    pub ordinal: u32,
    /// Identity of its pod.
    pub uid: String,
    /// Whether its pod is being deleted.
    pub terminating: bool,
    /// Whether its pod is ready.
    pub ready: bool,
    /// When that changed last, by the clock of its node; `None` where nobody said.
    pub turned: Option<Timestamp>,
    /// Whether it holds the leader lock.
    pub leads: bool,
    /// Whether it follows the leader on the leader's timeline.
    pub streaming: bool,
    /// Whether it has *replayed* what the leader wrote, but for what was written in the last moments.
    pub caught_up: bool,
    /// Whether its replay stands still.
    pub replay_paused: bool,
    /// Whether commits wait for it.
    pub synchronous: bool,
    /// Whether Patroni knows that commits shall not wait for it (`nosync`).
    pub barred: bool,
    /// Whether Patroni never makes it the leader.
    pub nofailover: bool,
    /// Whether its pod was made from the released template.
    pub pod: Option<bool>,
    /// Its data volume, where it is to be replaced by one of the released storage class.
    pub old_volume: Option<OldVolume>,
    /// How its amounts have to change.
    pub amounts: Amount,
    /// Parameters it started with whose released value is another one.
    pub behind: Option<BTreeSet<String>>,
    /// Of the parameters behind, those that somebody set there with `ALTER SYSTEM`: no restart brings their released value.
    pub overridden: BTreeSet<String>,
    /// Values of the hot-standby parameters it runs with.
    pub hot_standby: BTreeMap<String, i64>,
    /// Whether Patroni there has read the configuration in force, so that a restart would bring it.
    pub asked: bool,
    /// Whether its node takes no pods any more.
    pub cordoned: bool,
    /// Whether the WAL that it needs to follow is gone, so that only a new copy of the data mends it.
    pub cut_off: bool,
    /// Whether Patroni there does not reach the API server: it reads no configuration, and neither takes nor keeps the lock.
    pub isolated: bool,
    /// Logical replication slots that it has, and whose consumers can go on there.
    pub slots: BTreeSet<String>,
    /// What keeps it from running, for people.
    pub trouble: Option<String>,
    /// Whether that does not pass by itself: an image that is not there, a server that ends when it starts.
    pub hopeless: bool,
    /// Position in the WAL: written by the leader, replayed elsewhere.
    pub position: Option<u64>,
    /// Where its recovery would begin after a crash: the REDO location of its last checkpoint or restartpoint.
    pub redo: Option<u64>,
    /// When its server started, in microseconds since 1970: the name of that start.
    pub started: Option<u64>,
    /// For how long its server has run, by its own clock.
    pub age: Option<SignedDuration>,
    /// Whether its pooler holds clients back, or leads elsewhere, although nothing is being done.
    pub pooler_away: bool,
}

/// What was begun, and what is remembered of it. It stands in the status of the SGCluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memory {
    /// The disturbance that was begun last and has not ended.
    pub step: Option<StepRecord>,
    /// Who leads since the planned switchover of this rollout.
    pub switched_to: Option<u32>,
    /// Position in the WAL behind the lowering of hot-standby parameters on the leader.
    pub lowered_at: Option<u64>,
    /// Start of the server that noted it. What another one writes, or the same after a restart, may hold higher values again.
    pub lowered_by: Option<u64>,
    /// Why this rollout stopped.
    pub failure: Option<Failure>,
}

/// Everything the decision depends on, but for the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Name of the cluster, for texts; without one they speak of numbers.
    pub cluster: String,
    /// What is asked of every instance.
    pub target: Target,
    /// Those whose pods exist, by number.
    pub instances: Vec<InstanceFacts>,
    /// How many instances the StatefulSet is asked for.
    pub asked_for: u32,
    /// Whether they may be disturbed.
    pub permission: Permission,
    /// What was begun.
    pub memory: Memory,
    /// Whether a step is being carried out at this moment, by this process.
    pub under_way: bool,
    /// Why a pod that is missing is not made, for people.
    pub not_made: Option<String>,
    /// Whether its leader follows another cluster. The WAL of a standby cluster is written by its source, and with it the values of the
    /// hot-standby parameters below which no server here starts.
    pub follows: bool,
}

impl Facts {
    /// What people call an instance.
    pub fn name(&self, ordinal: u32) -> String {
        if self.cluster.is_empty() { format!("instance {ordinal}") } else { format!("{}-{ordinal}", self.cluster) }
    }

    /// What is done, with names.
    pub(super) fn text(&self, action: &Action) -> String {
        action.text(|ordinal| self.name(ordinal))
    }

    /// The instance of a number.
    pub fn instance(&self, ordinal: u32) -> Option<&InstanceFacts> {
        self.instances.iter().find(|instance| instance.ordinal == ordinal)
    }

    /// Who leads.
    pub fn leader(&self) -> Option<&InstanceFacts> {
        self.instances.iter().find(|instance| instance.leads)
    }
}
