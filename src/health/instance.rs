//! One instance, as its pod and Patroni's note on it show it.

use super::trouble::trouble;
use crate::model::{InstanceRole, Object};
use serde_json::{Value, json};

/// What Patroni says an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Takes writes.
    Primary,
    /// The first instance of a standby cluster: it follows another cluster and feeds the rest of this one.
    StandbyLeader,
    /// Follows the primary.
    Replica,
}

impl Role {
    /// What the label of a pod says; a word that is not known says nothing.
    fn read(word: &str) -> Option<Self> {
        match InstanceRole::read(word) {
            InstanceRole::Primary => Some(Self::Primary),
            InstanceRole::StandbyLeader => Some(Self::StandbyLeader),
            InstanceRole::Replica => Some(Self::Replica),
            InstanceRole::Other(_) => None,
        }
    }

    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::StandbyLeader => "standby leader",
            Self::Replica => "replica",
        }
    }
}

/// One instance. What is not known is `None`, never taken for fine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instance {
    /// Name of the pod.
    pub name: String,
    /// Node it runs on.
    pub node: Option<String>,
    /// Whether the pod is ready.
    pub ready: bool,
    /// What Patroni says it is.
    pub role: Option<Role>,
    /// PostgreSQL's state in Patroni's words: `running`, `starting`, `stopped`, `creating replica` and others.
    pub state: Option<String>,
    /// State of its WAL receiver: `streaming` where it follows.
    pub replication: Option<String>,
    /// Timeline it is on.
    pub timeline: Option<u64>,
    /// Position in the WAL in bytes: written on the primary, replayed on a replica.
    pub position: Option<u64>,
    /// Whether a parameter waits for a restart.
    pub pending_restart: bool,
    /// Version of Patroni.
    pub patroni: Option<String>,
    /// Whether commits wait for it.
    pub synchronous: bool,
    /// Whether Patroni knows that it never becomes the primary.
    pub nofailover: bool,
    /// Whether Patroni knows that it serves no reads.
    pub noloadbalance: bool,
    /// What keeps its pod from running, for people.
    pub trouble: Option<String>,
}

impl Instance {
    /// Reads a pod. Patroni keeps its note in the annotation `status`, as JSON, and renews it at every heartbeat.
    pub(super) fn read(pod: &Object) -> Self {
        let note: Value = pod.annotation("status").and_then(|note| serde_json::from_str(note).ok()).unwrap_or_default();
        let text = |field: &str| note.get(field).and_then(Value::as_str).map(str::to_owned);
        let tag = |name: &str| note.pointer(&format!("/tags/{name}")).and_then(Value::as_bool).unwrap_or(false);
        Self {
            name: pod.name().to_owned(),
            node: pod.text("/spec/nodeName").map(str::to_owned),
            ready: pod.is_true("Ready"),
            role: pod.label("role").and_then(Role::read),
            state: text("state"),
            replication: text("replication_state"),
            timeline: note.get("timeline").and_then(Value::as_u64),
            position: note.get("xlog_location").and_then(Value::as_u64),
            pending_restart: note.get("pending_restart").and_then(Value::as_bool).unwrap_or(false),
            patroni: text("version"),
            synchronous: false,
            nofailover: tag("nofailover"),
            noloadbalance: tag("noloadbalance"),
            trouble: trouble(pod),
        }
    }

    /// Whether it is the primary.
    pub fn is_primary(&self) -> bool {
        self.role == Some(Role::Primary)
    }

    /// Whether the others follow it: the primary, or the first instance of a standby cluster.
    pub fn leads(&self) -> bool {
        matches!(self.role, Some(Role::Primary | Role::StandbyLeader))
    }

    /// What PostgreSQL does, in one word: a replica that follows is `streaming`.
    pub fn does(&self) -> Option<&str> {
        match (self.state.as_deref(), self.replication.as_deref()) {
            (Some("running"), Some(replication)) => Some(replication),
            (state, _) => state,
        }
    }

    /// As it stands in `status.podStatuses`; what is not known is left out.
    pub fn status(&self, lag_mebibytes: Option<u64>, replication_group: Option<usize>) -> Value {
        let mut status = json!({
            "name": self.name,
            "nodeName": self.node,
            "primary": self.is_primary(),
            "ready": self.ready,
            "role": self.role.map(Role::word),
            "state": self.does(),
            "timeline": self.timeline,
            "lagMebibytes": lag_mebibytes,
            "pendingRestart": self.pending_restart,
            "synchronous": self.synchronous,
            "replicationGroup": replication_group,
        });
        if let Some(map) = status.as_object_mut() {
            map.retain(|_, value| !value.is_null());
        }
        status
    }
}
