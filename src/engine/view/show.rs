//! From live objects to what is shown of them.

use super::{ClusterView, CommitView, ConditionView, EventView, FleetView, HoldView, InstanceView, ProblemView, SettingView};
use crate::diagnostics::mask_text;
use crate::diff::origin_in_words;
use crate::engine::offline::plan_text;
use crate::model::{NamespacedName, Object};
use crate::plan::Plan;
use serde_json::Value;
use std::sync::Arc;

/// How many events are kept.
const EVENTS: usize = 500;

fn texts(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn own(object: &Object, pointer: &str) -> String {
    object.text(pointer).unwrap_or_default().to_owned()
}

fn count(object: &Object, pointer: &str) -> i64 {
    object.get(pointer).and_then(Value::as_i64).unwrap_or_default()
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
            since: text(condition, "lastTransitionTime"),
        })
        .collect()
}

fn ready(conditions: &[ConditionView]) -> ConditionView {
    let found = conditions.iter().find(|condition| condition.r#type == "Ready").cloned();
    found.unwrap_or_else(|| ConditionView { status: "Unknown".to_owned(), ..ConditionView::default() })
}

/// Shows a fleet.
pub(in crate::engine) fn fleet(object: &Object, changes: Option<&Arc<Plan>>) -> FleetView {
    let commit = |field: &str| {
        object.get(&format!("/status/{field}")).map(|_| CommitView {
            revision: own(object, &format!("/status/{field}/revision")),
            subject: own(object, &format!("/status/{field}/subject")),
            author: own(object, &format!("/status/{field}/author")),
            reference: own(object, &format!("/status/{field}/reference")),
            at: own(object, &format!("/status/{field}/at")),
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
        planned: commit("planned"),
        applied: commit("applied"),
        last_good: commit("lastGood"),
        ready: status,
        reason,
        message,
        clusters: counts.into_iter().flatten().filter_map(|(name, count)| Some((name.clone(), count.as_i64()?))).collect(),
        problems: problems
            .into_iter()
            .flatten()
            .map(|problem| ProblemView {
                code: text(problem, "code"),
                severity: text(problem, "severity"),
                message: text(problem, "message"),
                at: text(problem, "at"),
            })
            .collect(),
        problem_count: count(object, "/status/problemCount"),
        left_alone: count(object, "/status/leftAlone"),
        hold: object.get("/spec/hold").map(|_| HoldView {
            reason: own(object, "/spec/hold/reason"),
            until: own(object, "/spec/hold/until"),
            by: own(object, "/spec/hold/by"),
        }),
        waves: object.get("/spec/waves").and_then(Value::as_array).into_iter().flatten().map(|wave| text(wave, "name")).collect(),
        consequences: own(object, "/status/plan/summary"),
        plan: changes.map(|plan| plan_text(plan, false)).unwrap_or_default(),
        changes: changes.cloned(),
    }
}

/// Shows a cluster: what its status says, which is what every other way in shows.
pub(in crate::engine) fn cluster(object: &Object) -> ClusterView {
    let conditions = conditions(object);
    let ConditionView { status, reason, message: meaning, .. } = ready(&conditions);
    let message = |topic: &str| conditions.iter().find(|condition| condition.r#type == topic).map(|condition| condition.message.clone());
    let mut settings = Vec::new();
    if let Some(effective) = object.effective() {
        gather("", &effective, &mut settings);
    }
    ClusterView {
        namespace: object.namespace().unwrap_or_default().to_owned(),
        name: object.name().to_owned(),
        fleet: own(object, "/status/claim/fleet"),
        version: own(object, "/status/postgresVersion"),
        wanted: count(object, "/spec/instances"),
        ready_instances: count(object, "/status/readyInstances"),
        ready: status,
        reason,
        message: meaning,
        waiting: own(object, "/status/waiting/for"),
        waiting_since: own(object, "/status/waiting/since"),
        waiting_until: own(object, "/status/waiting/until"),
        waiting_by: own(object, "/status/waiting/by"),
        ahead: texts(object.get("/status/rollout/ahead")),
        stopped: own(object, "/status/rollout/failure/cause"),
        orphaned: object.is_true("Orphaned"),
        held: message("Held").filter(|_| object.is_true("Held")).unwrap_or_default(),
        licence: message("DisturbanceAllowed").unwrap_or_default(),
        may_be_disturbed: object.is_true("DisturbanceAllowed"),
        released: own(object, "/status/release/revision"),
        running: own(object, "/status/running/revision"),
        commit: own(object, "/status/release/commit"),
        released_at: own(object, "/status/release/releasedAt"),
        released_by: own(object, "/status/release/by"),
        running_since: own(object, "/status/running/since"),
        promotion: own(object, "/status/promotion/summary"),
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
        let origin = origin_in_words(origin);
        settings.push(SettingView { name: at.to_owned(), value: plain(value), origin });
        return;
    }
    for (name, child) in map {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        gather(&path, child, settings);
    }
}

/// Shows events, newest first.
pub(in crate::engine) fn events(objects: &[Object]) -> Vec<EventView> {
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
