//! The one read model: what page, REST and command line show of fleets and clusters.
//!
//! In: live objects as a pass has read them. Out: plain data. Invariant: it holds nothing secret, and nothing that is not
//! in the API server as well, except the text of the last plan. Why: every way in says the same.

use crate::diagnostics::mask_text;
use crate::model::{NamespacedName, Object};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

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
    /// Commit whose custom resources are applied.
    pub applied: Option<CommitView>,
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
    /// The last plan, as text.
    pub plan: String,
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
}

/// One problem of a source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ProblemView {
    /// Stable code, for `stackgres explain`.
    pub code: String,
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

/// How many events are kept.
const EVENTS: usize = 60;

fn texts(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn own(object: &Object, pointer: &str) -> String {
    object.text(pointer).unwrap_or_default().to_owned()
}

fn conditions(object: &Object) -> Vec<ConditionView> {
    let listed = object.get("/status/conditions").and_then(Value::as_array);
    let text = |condition: &Value, name: &str| condition[name].as_str().unwrap_or_default().to_owned();
    listed
        .into_iter()
        .flatten()
        .map(|condition| ConditionView {
            r#type: text(condition, "type"),
            status: text(condition, "status"),
            reason: text(condition, "reason"),
            message: text(condition, "message"),
        })
        .collect()
}

fn ready(conditions: &[ConditionView]) -> ConditionView {
    let found = conditions.iter().find(|condition| condition.r#type == "Ready").cloned();
    found.unwrap_or_else(|| ConditionView { status: "Unknown".to_owned(), ..ConditionView::default() })
}

/// Shows a fleet.
pub(super) fn fleet(object: &Object, plan: &str) -> FleetView {
    let commit = |field: &str| {
        object.get(&format!("/status/{field}")).map(|_| CommitView {
            revision: own(object, &format!("/status/{field}/revision")),
            subject: own(object, &format!("/status/{field}/subject")),
            author: own(object, &format!("/status/{field}/author")),
        })
    };
    let counts = object.get("/status/clusters").and_then(Value::as_object);
    let problems = object.get("/status/problems").and_then(Value::as_array);
    let text = |problem: &Value, name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let ConditionView { status, reason, message, .. } = ready(&conditions(object));
    let source = object.text("/spec/source/git/url").or_else(|| object.text("/spec/source/directory/path")).unwrap_or_default();
    FleetView {
        namespace: object.namespace().unwrap_or_default().to_owned(),
        name: object.name().to_owned(),
        source: mask_text(source),
        seen: commit("seen"),
        applied: commit("applied"),
        ready: status,
        reason,
        message,
        clusters: counts.into_iter().flatten().filter_map(|(name, count)| Some((name.clone(), count.as_i64()?))).collect(),
        problems: problems
            .into_iter()
            .flatten()
            .map(|problem| ProblemView { code: text(problem, "code"), message: text(problem, "message"), at: text(problem, "at") })
            .collect(),
        plan: plan.to_owned(),
    }
}

/// Shows a cluster: what its status says, which is what every other way in shows.
pub(super) fn cluster(object: &Object) -> ClusterView {
    let conditions = conditions(object);
    let ConditionView { status, reason, .. } = ready(&conditions);
    let message = |topic: &str| conditions.iter().find(|condition| condition.r#type == topic).map(|condition| condition.message.clone());
    let mut settings = Vec::new();
    if let Some(effective) = object.get("/status/effective") {
        gather("", effective, &mut settings);
    }
    ClusterView {
        namespace: object.namespace().unwrap_or_default().to_owned(),
        name: object.name().to_owned(),
        fleet: own(object, "/status/claim/fleet"),
        version: own(object, "/status/postgresVersion"),
        wanted: object.get("/spec/instances").and_then(Value::as_i64).unwrap_or_default(),
        ready_instances: object.get("/status/readyInstances").and_then(Value::as_i64).unwrap_or_default(),
        ready: status,
        reason,
        waiting: own(object, "/status/waiting/for"),
        waiting_since: own(object, "/status/waiting/since"),
        waiting_until: own(object, "/status/waiting/until"),
        waiting_by: own(object, "/status/waiting/by"),
        ahead: texts(object.get("/status/rollout/ahead")),
        held: message("Held").filter(|_| object.is_true("Held")).unwrap_or_default(),
        licence: message("DisturbanceAllowed").unwrap_or_default(),
        may_be_disturbed: object.is_true("DisturbanceAllowed"),
        released: own(object, "/status/release/revision"),
        running: own(object, "/status/running/revision"),
        commit: own(object, "/status/release/commit"),
        system_identifier: own(object, "/status/systemIdentifier"),
        instances: object.get("/status/podStatuses").and_then(Value::as_array).into_iter().flatten().map(instance).collect(),
        conditions,
        settings,
    }
}

fn instance(status: &Value) -> InstanceView {
    let text = |field: &str| status[field].as_str().unwrap_or_default().to_owned();
    let is = |field: &str| status[field].as_bool().unwrap_or_default();
    InstanceView {
        name: text("name"),
        node: text("nodeName"),
        ready: is("ready"),
        primary: is("primary"),
        role: text("role"),
        state: text("state"),
        timeline: status["timeline"].as_i64(),
        lag_mebibytes: status["lagMebibytes"].as_i64(),
        synchronous: is("synchronous"),
        pending_restart: is("pendingRestart"),
    }
}

/// Effective values are nodes of `value` and `origin`, at any depth.
fn gather(at: &str, node: &Value, settings: &mut Vec<SettingView>) {
    let Some(map) = node.as_object() else { return };
    if let (Some(value), Some(origin)) = (map.get("value"), map.get("origin")) {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let origin = match origin.as_object().and_then(|origin| origin.iter().next()) {
            Some((kind, place)) if kind == "manifest" => {
                format!("{}:{}", place["file"].as_str().unwrap_or_default(), place["line"].as_u64().unwrap_or_default())
            }
            Some((kind, from)) => format!("{kind}: {}", plain(from)),
            None => plain(origin),
        };
        settings.push(SettingView { name: at.to_owned(), value: plain(value), origin });
        return;
    }
    for (name, child) in map {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        gather(&path, child, settings);
    }
}

/// Shows events, newest first.
pub(super) fn events(objects: &[Object]) -> Vec<EventView> {
    let mut events: Vec<EventView> = objects
        .iter()
        .map(|event| EventView {
            at: own(event, "/eventTime"),
            r#type: own(event, "/type"),
            reason: own(event, "/reason"),
            kind: own(event, "/regarding/kind"),
            about: NamespacedName::new(own(event, "/regarding/namespace"), own(event, "/regarding/name")).to_string(),
            note: own(event, "/note"),
        })
        .collect();
    events.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.note.cmp(&other.note)));
    events.truncate(EVENTS);
    events
}
