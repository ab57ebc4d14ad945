//! What an instance is busy with: whatever would hold up a stop of it or a hand-over.

use std::collections::{BTreeMap, BTreeSet};

/// A standby must have each of these settings at least as high as its primary had. Source: PostgreSQL documentation, "Hot Standby",
/// section "Administrator's Overview".
pub const HOT_STANDBY: &[&str] =
    &["max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions", "max_locks_per_transaction"];

/// A transaction of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTransaction {
    /// Process of its session.
    pub pid: i64,
    /// User.
    pub user: String,
    /// Name that the client gave itself.
    pub application: String,
    /// Database.
    pub database: String,
    /// Seconds since it began.
    pub seconds: i64,
}

/// A transaction that waits for the second half of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedTransaction {
    /// Its identifier.
    pub identifier: String,
    /// Who prepared it.
    pub owner: String,
    /// Seconds since it was prepared.
    pub seconds: i64,
}

/// What takes WAL from the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowerKind {
    /// A standby, or a copy of the WAL.
    Physical,
    /// A consumer of logical changes.
    Logical,
    /// A base backup; it takes files.
    Backup,
}

/// One that takes WAL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    /// Its name; that of its pod for an instance of the cluster.
    pub name: String,
    /// What it is.
    pub kind: FollowerKind,
    /// `streaming`, `catchup`, `startup`, `backup`, `stopping`.
    pub state: String,
    /// Bytes of WAL it has not replayed; `None`: it does not say.
    pub behind: Option<i64>,
    /// Whether commits wait for it.
    pub synchronous: bool,
}

/// What one instance is busy with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    /// Whether it takes no writes.
    pub in_recovery: bool,
    /// Whether its replay of WAL is paused.
    pub replay_paused: bool,
    /// The client's transaction that began first.
    pub oldest: Option<OpenTransaction>,
    /// The transaction that was prepared first.
    pub prepared: Option<PreparedTransaction>,
    /// Who takes WAL from it.
    pub followers: Vec<Follower>,
    /// Files of WAL that wait to be archived.
    pub to_archive: i64,
    /// Logical replication slots that outlive a session.
    pub logical_slots: BTreeSet<String>,
    /// Settings that a standby must not have lower than its primary.
    pub hot_standby: BTreeMap<String, i64>,
}
