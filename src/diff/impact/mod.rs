//! What a change does to the database.
//!
//! In: two versions and what differs between them. Out: the disturbance, the risks and a reason for each.
//! Invariant: every difference that something running notices has a finding; what no rule knows of a pod counts as its re-creation.
//! Why: a reviewer must read the consequence before the fields.

mod effective;
mod objects;
mod order;
mod parameters;
mod patroni;
mod replication;
mod scripts;
mod secrets;

use super::Version;
use super::effective::EffectiveChange;
use super::objects::ObjectChange;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// What is disturbed, from the mildest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Disturbance {
    /// Nothing that runs notices.
    Nothing,
    /// A configuration is read again; sessions stay.
    Reload,
    /// Processor and memory of running pods change; nothing restarts where the node can do it.
    Resize,
    /// Volumes grow, or the claim for new ones changes; PostgreSQL runs on.
    Storage,
    /// Pods end and do not come back; the sessions on them end.
    PodRemoval,
    /// PostgreSQL restarts inside its pod.
    Restart,
    /// The primary role moves; writers pause.
    Switchover,
    /// Pods are deleted and made again.
    PodRecreation,
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Reload => "reload",
            Self::Resize => "resize",
            Self::Storage => "storage",
            Self::PodRemoval => "pod removal",
            Self::Restart => "restart",
            Self::Switchover => "switchover",
            Self::PodRecreation => "pod re-creation",
        })
    }
}

/// What is put at risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Connections or writes may stop.
    Availability,
    /// Acknowledged transactions may be lost in a crash or failover.
    Durability,
    /// A consumer of a replication slot may lose its position.
    Slots,
    /// Indexes may be corrupt under another collation version.
    Collation,
    /// Stored data may be lost.
    Data,
    /// It will not be carried out.
    Refused,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Availability => "availability",
            Self::Durability => "durability",
            Self::Slots => "slots",
            Self::Collation => "collation",
            Self::Data => "data",
            Self::Refused => "refused",
        })
    }
}

/// One difference and what it does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it disturbs.
    pub disturbance: Disturbance,
    /// What it puts at risk.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub risks: BTreeSet<Risk>,
    /// What changes: an effective value's name or an object and path.
    pub subject: String,
    /// Why, in one clause for a DBA.
    pub reason: String,
}

impl Finding {
    fn new(disturbance: Disturbance, subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { disturbance, risks: BTreeSet::new(), subject: subject.into(), reason: reason.into() }
    }

    fn risk(mut self, risk: Risk) -> Self {
        self.risks.insert(risk);
        self
    }

    /// Adds to the reason.
    fn because(mut self, reason: impl fmt::Display) -> Self {
        self.reason = format!("{}; {reason}", self.reason);
        self
    }
}

/// What happens to one role of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceImpact {
    /// `each replica`, `primary`, or an instance that comes or goes, for example `orders-3`.
    pub instance: String,
    /// What it disturbs there.
    pub disturbance: Disturbance,
    /// How it goes.
    pub note: String,
}

/// What a change of one cluster does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Impact {
    /// The strongest disturbance.
    pub disturbance: Disturbance,
    /// Everything that is disturbed: growing volumes beside new pods, for example.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub disturbances: BTreeSet<Disturbance>,
    /// How often every instance is stopped: more than once only where the rules forbid to do it at once, and `notes` say why.
    #[serde(default)]
    pub rounds: u32,
    /// Planned switchovers.
    pub switchovers: u32,
    /// Everything put at risk.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub risks: BTreeSet<Risk>,
    /// One line a person reads first.
    pub summary: String,
    /// Per role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceImpact>,
    /// What else a reviewer should know: why there are two rounds, why growing comes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Why, the strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl Impact {
    /// An impact that disturbs nothing and says one thing.
    pub fn nothing(summary: impl Into<String>) -> Self {
        Self {
            disturbance: Disturbance::Nothing,
            disturbances: BTreeSet::new(),
            rounds: 0,
            switchovers: 0,
            risks: BTreeSet::new(),
            summary: summary.into(),
            instances: Vec::new(),
            notes: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// The same findings of a change that is not carried out.
    #[must_use]
    pub fn refused(self) -> Self {
        Self {
            risks: BTreeSet::from([Risk::Refused]),
            findings: self.findings,
            ..Self::nothing("refused: nothing of this change is carried out")
        }
    }
}

/// Judges what differs between two versions of a running cluster.
pub fn impact(before: &Version, after: &Version, values: &[EffectiveChange], objects: &[ObjectChange]) -> Impact {
    let mut findings = effective::findings(before, after, values);
    findings.extend(patroni::findings(before, after));
    findings.extend(scripts::findings(&before.manifests, &after.manifests));
    findings.extend(objects::findings(before, after, objects, &findings));
    let (old, new) = (before.effective.instances.value, after.effective.instances.value);
    if old == 0 || new == 0 {
        // Of a cluster that does not run before or afterwards, nothing restarts: it starts with the new values.
        for finding in &mut findings {
            if !matches!(finding.disturbance, Disturbance::PodRemoval | Disturbance::Storage) {
                finding.disturbance = Disturbance::Nothing;
            }
        }
    }
    findings.sort_by(|one, two| {
        (two.risks.contains(&Risk::Refused), two.disturbance, two.risks.len())
            .cmp(&(one.risks.contains(&Risk::Refused), one.disturbance, one.risks.len()))
            .then_with(|| one.cmp(two))
    });
    findings.dedup();
    let moved = effective::moved(after.effective.postgres.major, values);
    order::summarise(old, new, &after.effective.cluster.name, &moved, findings)
}
