//! What one instance says of itself.

use jiff::Timestamp;
use std::collections::BTreeMap;

/// The part an instance plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceRole {
    /// It takes writes.
    Primary,
    /// It follows another instance of its cluster.
    Replica,
    /// It leads a standby cluster: read-only, followed by the others.
    StandbyLeader,
    /// A word that this program does not know.
    Other(String),
}

impl InstanceRole {
    /// Patroni's word. `master` is that of versions before 4.
    pub fn read(word: &str) -> Self {
        match word {
            "primary" | "master" => Self::Primary,
            "replica" => Self::Replica,
            "standby_leader" => Self::StandbyLeader,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// A parameter that is in force only after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingParameter {
    /// Value in force.
    pub old: Option<String>,
    /// Value after a restart.
    pub new: Option<String>,
}

/// What Patroni reports of one instance. Whatever it does not say is `None`: unknown, never a default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceReport {
    /// Name of the member, which is the name of the pod.
    pub name: Option<String>,
    /// Part it plays.
    pub role: Option<InstanceRole>,
    /// State of the server: `running`, `starting`, `stopped`, …
    pub state: Option<String>,
    /// Timeline.
    pub timeline: Option<u64>,
    /// Write position of a primary, in bytes from the beginning of the log.
    pub written: Option<u64>,
    /// Last position a replica has received.
    pub received: Option<u64>,
    /// Last position a replica has replayed.
    pub replayed: Option<u64>,
    /// Commit time of the last transaction a replica has replayed, as the server writes it.
    pub replayed_at: Option<String>,
    /// Whether replay is paused.
    pub replay_paused: Option<bool>,
    /// How a replica gets its log: `streaming`, `in archive recovery`.
    pub replication_state: Option<String>,
    /// Standbys a primary sends to: application name → state (`streaming`, `catchup`, …).
    pub standbys: Option<BTreeMap<String, String>>,
    /// Identity of the database, made by `initdb`.
    pub system_identifier: Option<String>,
    /// Version of the server as a number, for example 170010.
    pub server_version: Option<u64>,
    /// Version of Patroni.
    pub patroni_version: Option<String>,
    /// Whether a restart is due.
    pub pending_restart: Option<bool>,
    /// Parameters that are the reason.
    pub pending_parameters: BTreeMap<String, PendingParameter>,
    /// Whether it is a synchronous standby, or one of a quorum.
    pub synchronous: Option<bool>,
    /// Whether Patroni is paused for the whole cluster.
    pub paused: Option<bool>,
    /// Whether it keeps its role without the store of the cluster's state, because all members see each other.
    pub failsafe_active: Option<bool>,
    /// Whether nobody holds the leader's lock.
    pub unlocked: Option<bool>,
    /// When Patroni last reached the store of the cluster's state.
    pub store_seen: Option<Timestamp>,
    /// Tags of the member (`nofailover`, `nosync`, …), as text.
    pub tags: BTreeMap<String, String>,
}
