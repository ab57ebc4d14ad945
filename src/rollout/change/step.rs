//! What is done to one instance, and what is remembered of it.

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::fmt;

/// One thing to do. But for the first three, each is a disturbance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Give held-back clients of every pooler back to its own instance: a step was broken off.
    ReleasePoolers,
    /// Have it write its memory to disk, and note where its WAL is.
    Checkpoint {
        /// Which.
        instance: u32,
    },
    /// Ask for one instance more.
    Add {
        /// Its number.
        instance: u32,
    },
    /// Change processor and memory of a running pod.
    Resize {
        /// Which.
        instance: u32,
    },
    /// Restart PostgreSQL in its pod.
    Restart {
        /// Which.
        instance: u32,
        /// Whether it leads: its clients are held back meanwhile where the pooler can.
        leads: bool,
        /// Parameters that this brings.
        brings: BTreeSet<String>,
    },
    /// Delete its pod, and its claim where the volume is another one, so that the StatefulSet makes them as they are in force.
    Recreate {
        /// Which.
        instance: u32,
        /// Identity of the pod that is meant.
        uid: String,
        /// Identity of the claim of its data volume, where that is made anew as well and the data are copied.
        claim: Option<String>,
        /// Whether it leads.
        leads: bool,
    },
    /// Hand the primary role over.
    SwitchOver {
        /// Who leads.
        leader: u32,
        /// Who shall lead.
        candidate: u32,
        /// Whether only because the leader's node is emptied: that shows nothing about what is released.
        relieves: bool,
    },
}

impl Action {
    /// Whether it is written down before it is carried out, and waited for.
    pub const fn is_recorded(&self) -> bool {
        !matches!(self, Self::ReleasePoolers | Self::Checkpoint { .. })
    }

    /// Whether an instance notices.
    pub const fn disturbs(&self) -> bool {
        !matches!(self, Self::ReleasePoolers | Self::Checkpoint { .. } | Self::Add { .. })
    }

    /// The instance that is stopped or handled.
    pub const fn instance(&self) -> Option<u32> {
        match self {
            Self::ReleasePoolers => None,
            Self::Checkpoint { instance }
            | Self::Add { instance }
            | Self::Resize { instance }
            | Self::Restart { instance, .. }
            | Self::Recreate { instance, .. } => Some(*instance),
            Self::SwitchOver { leader, .. } => Some(*leader),
        }
    }

    /// How long it may take. Who has no data yet copies them: a terabyte takes three hours at 100 MB/s. A new pod may have to wait for a node and to catch up; its start alone has 10 minutes (the startup probe).
    pub const fn limit(&self) -> SignedDuration {
        match self {
            Self::ReleasePoolers | Self::Resize { .. } => SignedDuration::from_mins(2),
            Self::Checkpoint { .. } | Self::SwitchOver { .. } => SignedDuration::from_mins(5),
            Self::Restart { .. } => SignedDuration::from_mins(10),
            Self::Add { .. } | Self::Recreate { claim: Some(_), .. } => SignedDuration::from_hours(24),
            Self::Recreate { claim: None, .. } => SignedDuration::from_mins(30),
        }
    }

    /// One word for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::ReleasePoolers => "release-poolers",
            Self::Checkpoint { .. } => "checkpoint",
            Self::Add { .. } => "add",
            Self::Resize { .. } => "resize",
            Self::Restart { .. } => "restart",
            Self::Recreate { .. } => "recreate",
            Self::SwitchOver { .. } => "switchover",
        }
    }

    /// For people; `name` gives the name of an instance.
    pub fn text(&self, name: impl Fn(u32) -> String) -> String {
        match self {
            Self::ReleasePoolers => "the poolers let their clients go on".to_owned(),
            Self::Checkpoint { instance } => format!("checkpoint on {}", name(*instance)),
            Self::Add { instance } => format!("{} joins", name(*instance)),
            Self::Resize { instance } => format!("processor and memory of {} change in place", name(*instance)),
            Self::Restart { instance, leads: false, .. } => format!("PostgreSQL restarts on {}", name(*instance)),
            Self::Restart { instance, leads: true, .. } => format!("PostgreSQL restarts on {}, which leads", name(*instance)),
            Self::Recreate { instance, claim: Some(_), .. } => format!("the pod of {} is made anew on a new volume", name(*instance)),
            Self::Recreate { instance, leads: false, .. } => format!("the pod of {} is made anew", name(*instance)),
            Self::Recreate { instance, leads: true, .. } => format!("the pod of {}, which leads, is made anew", name(*instance)),
            Self::SwitchOver { leader, candidate, .. } => format!("{} hands over to {}", name(*leader), name(*candidate)),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(|ordinal| format!("instance {ordinal}")))
    }
}

/// A disturbance that was begun. It is written down before it is carried out, under the version of the object that the decision was
/// made from, so that a controller that slept meanwhile cannot begin another one (DESIGN §8, rule 14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// What.
    pub action: Action,
    /// Since when.
    pub since: Timestamp,
}

/// Why a rollout stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The instance at which it did.
    pub instance: Option<u32>,
    /// What happened, for people.
    pub cause: String,
    /// When.
    pub at: Timestamp,
}
