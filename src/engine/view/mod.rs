//! The one read model: what page, REST and command line show of fleets and clusters.
//!
//! In: live objects as a pass has read them. Out: plain data. Invariant: it holds nothing secret, and nothing that is not
//! in the API server as well, except the last plan. Why: every way in says the same.

mod details;
mod show;

pub use crate::diagnostics::HIDDEN;
pub use crate::diagnostics::{Diagnostic, Severity};
pub use crate::diff::{Cause, EffectiveChange, FieldChange, ObjectAction, ObjectChange};
pub use crate::plan::{ClusterAction, ClusterPlan, Group, Plan, as_lines, consequence, groups};
pub use details::{Details, Reader, ServiceView, VolumeView};
pub(super) use show::{cluster, events, fleet};

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that is shown, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct View {
    /// Fleets, by namespace and name.
    pub fleets: Vec<FleetView>,
    /// Clusters, by namespace and name.
    pub clusters: Vec<ClusterView>,
    /// What happened lately, newest first.
    pub events: Vec<EventView>,
}

/// One fleet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct FleetView {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Address of the repository or path of the directory.
    pub source: String,
    /// Commit last seen.
    pub seen: Option<CommitView>,
    /// Commit last planned.
    pub planned: Option<CommitView>,
    /// Commit whose custom resources are applied.
    pub applied: Option<CommitView>,
    /// Last commit with which every cluster was healthy.
    pub last_good: Option<CommitView>,
    /// Whether all is well: `True`, `False` or `Unknown`.
    pub ready: String,
    /// One word why.
    pub reason: String,
    /// What that means.
    pub message: String,
    /// Clusters by state, as in the status.
    pub clusters: BTreeMap<String, i64>,
    /// The first problems of the source.
    pub problems: Vec<ProblemView>,
    /// How many errors the source has.
    pub problem_count: i64,
    /// Files and documents of the source that are not managed.
    pub left_alone: i64,
    /// The stop that somebody set; absent where there is none.
    pub hold: Option<HoldView>,
    /// Names of the waves it describes, in order.
    pub waves: Vec<String>,
    /// Consequences of the last commit's plan in one line.
    pub consequences: String,
    /// The last plan, as text; empty where it is another process that plans.
    pub plan: String,
    /// The same, in parts.
    #[serde(skip)]
    pub changes: Option<Arc<Plan>>,
}

/// A stop that somebody set for a fleet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct HoldView {
    /// Why.
    pub reason: String,
    /// When it ends by itself; empty for when it is taken away.
    pub until: String,
    /// Who set it.
    pub by: String,
}

/// One commit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct CommitView {
    /// Commit id or content digest.
    pub revision: String,
    /// First line of its message.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
    /// Branch or tag it was read from.
    pub reference: String,
    /// When it came to be what it is here: seen, planned, applied.
    pub at: String,
}

/// One problem of a source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ProblemView {
    /// Stable code, for `stackgres explain`.
    pub code: String,
    /// `error` or `warning`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// File, line and column.
    pub at: String,
}

/// One cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ClusterView {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The fleet that manages it; empty without one.
    pub fleet: String,
    /// PostgreSQL version that runs.
    pub version: String,
    /// Instances that shall be.
    pub wanted: i64,
    /// Instances that are ready.
    pub ready_instances: i64,
    /// Whether all is well: `True`, `False` or `Unknown`.
    pub ready: String,
    /// One word why.
    pub reason: String,
    /// What that means.
    pub message: String,
    /// What it waits for.
    pub waiting: String,
    /// Since when.
    pub waiting_since: String,
    /// Until when, or until what.
    pub waiting_until: String,
    /// Who or what ends the waiting.
    pub waiting_by: String,
    /// What is still to be done to instances after what it waits for, in order.
    pub ahead: Vec<String>,
    /// Why a change of it stopped; empty where none did.
    pub stopped: String,
    /// Whether it left the source of its fleet.
    pub orphaned: bool,
    /// Why it is held; empty where it is not.
    pub held: String,
    /// What allows instances to be disturbed now, or why that waits.
    pub licence: String,
    /// Whether they may be disturbed now.
    pub may_be_disturbed: bool,
    /// Revision it shall run.
    pub released: String,
    /// Revision whose objects are in place.
    pub running: String,
    /// Commit it was released from.
    pub commit: String,
    /// When it was released.
    pub released_at: String,
    /// Fleet or rule that released it.
    pub released_by: String,
    /// Since when the objects are in place.
    pub running_since: String,
    /// What a newer rendering of the program would do, where one is offered.
    pub promotion: String,
    /// PostgreSQL's own identity of the database.
    pub system_identifier: String,
    /// Its instances.
    pub instances: Vec<InstanceView>,
    /// Its conditions, by type.
    pub conditions: Vec<ConditionView>,
    /// Effective settings with where each comes from.
    pub settings: Vec<SettingView>,
}

/// One instance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct InstanceView {
    /// Name of the pod.
    pub name: String,
    /// Whether it is ready.
    pub ready: bool,
    /// Whether Patroni marked it as primary.
    pub primary: bool,
    /// Node it runs on.
    pub node: String,
    /// What it is: primary, standby leader or replica; empty where that is not known.
    pub role: String,
    /// What PostgreSQL does there: `running`, `streaming`, `starting` and others.
    pub state: String,
    /// Timeline it is on.
    pub timeline: Option<i64>,
    /// WAL that it has not replayed, in MiB, rounded up to a power of two; 0 is caught up.
    pub lag_mebibytes: Option<i64>,
    /// Whether commits wait for it.
    pub synchronous: bool,
    /// Whether a parameter waits for a restart.
    pub pending_restart: bool,
}

/// One condition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ConditionView {
    /// Topic.
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word why.
    pub reason: String,
    /// What that means.
    pub message: String,
    /// Since when.
    pub since: String,
}

/// One effective setting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct SettingView {
    /// Path of the setting.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it comes from.
    pub origin: String,
}

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct EventView {
    /// When, as the API server writes it.
    pub at: String,
    /// `Normal` or `Warning`.
    pub r#type: String,
    /// One word.
    pub reason: String,
    /// Kind of the object it is about.
    pub kind: String,
    /// Namespace and name of that object.
    pub about: String,
    /// What happened.
    pub note: String,
}
