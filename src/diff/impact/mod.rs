//! What a change does to the database.
//!
//! In: two versions and what differs between them. Out: the disturbance, the risks and a reason for each.
//! Invariant: every difference has a finding; what no rule knows counts as a re-creation of the pods.
//! Why: a reviewer must read the consequence before the fields.

mod effective;
mod objects;
mod parameters;

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
    /// PostgreSQL restarts inside its pod.
    Restart,
    /// The primary role moves; writers pause.
    Switchover,
    /// Pods are deleted and made again.
    PodRecreation,
    /// A volume grows or is replaced.
    Storage,
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Reload => "reload",
            Self::Restart => "restart",
            Self::Switchover => "switchover",
            Self::PodRecreation => "pod re-creation",
            Self::Storage => "storage",
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
    /// Why, the strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// Judges what differs between two versions of a running cluster.
pub fn impact(before: &Version, after: &Version, values: &[EffectiveChange], objects: &[ObjectChange]) -> Impact {
    let mut findings = effective::findings(before, after, values);
    findings.extend(objects::findings(objects));
    findings.sort_by(|one, two| {
        (two.risks.contains(&Risk::Refused), two.disturbance, two.risks.len())
            .cmp(&(one.risks.contains(&Risk::Refused), one.disturbance, one.risks.len()))
            .then_with(|| one.cmp(two))
    });
    findings.dedup();
    summarise(before.effective.instances.value, after.effective.instances.value, &after.effective.cluster.name, findings)
}

fn summarise(instances_before: u32, instances: u32, name: &str, findings: Vec<Finding>) -> Impact {
    let disturbance = findings.iter().map(|finding| finding.disturbance).max().unwrap_or(Disturbance::Nothing);
    let stops = findings.iter().any(|finding| matches!(finding.disturbance, Disturbance::Restart | Disturbance::PodRecreation));
    let moves = stops && instances > 1 && instances_before > 1;
    let mut risks: BTreeSet<Risk> = findings.iter().flat_map(|finding| finding.risks.iter().copied()).collect();
    if stops && !moves {
        risks.insert(Risk::Availability);
    }
    let refused = risks.contains(&Risk::Refused);
    let strongest = findings.iter().map(|finding| finding.disturbance).filter(|disturbance| *disturbance != Disturbance::Storage).max();
    let how = strongest.unwrap_or(Disturbance::Nothing);
    let summary = if refused {
        "refused: nothing of this change is carried out".to_owned()
    } else {
        let storage = if disturbance == Disturbance::Storage { ", the volumes change" } else { "" };
        let first = match how {
            Disturbance::Nothing => "nothing that runs notices".to_owned(),
            Disturbance::Reload => "reload, no connection is lost".to_owned(),
            _ if moves => format!("{how} of every instance, replicas first, one switchover"),
            _ => format!("{how}; with one instance, reads and writes stop meanwhile"),
        };
        format!("{first}{storage}")
    };
    let mut roles = Vec::new();
    if !refused && stops {
        if moves {
            roles.push(InstanceImpact {
                instance: "each replica".to_owned(),
                disturbance: how,
                note: "one at a time; the next only when it streams and has replayed what the primary wrote".to_owned(),
            });
        }
        roles.push(InstanceImpact {
            instance: "primary".to_owned(),
            disturbance: if moves { Disturbance::Switchover } else { how },
            note: if moves {
                format!("hands over to a caught-up replica, then {how}")
            } else {
                "stops after a checkpoint and comes back".to_owned()
            },
        });
    }
    for ordinal in instances_before..instances {
        roles.push(InstanceImpact {
            instance: format!("{name}-{ordinal}"),
            disturbance: Disturbance::Nothing,
            note: "joins as a replica".to_owned(),
        });
    }
    for ordinal in instances..instances_before {
        roles.push(InstanceImpact {
            instance: format!("{name}-{ordinal}"),
            disturbance: Disturbance::PodRecreation,
            note: "leaves; its volume stays, never while it is the primary".to_owned(),
        });
    }
    Impact { disturbance, switchovers: u32::from(moves && !refused), risks, summary, instances: roles, findings }
}
