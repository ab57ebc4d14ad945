//! What a fleet says of itself: counts, the first problems, conditions. Small at any size of the fleet.

use super::claims;
use super::facts::Facts;
use super::fleet_pass::Findings;
use super::source::{News, Problem};
use crate::diagnostics::{Diagnostic, visible};
use crate::engine::offline::Report;
use crate::model::{NamespacedName, Object};
use crate::plan::Plan;
use crate::status::{Condition, seconds};
use jiff::Timestamp;
use serde_json::{Value, json};

/// How many clusters of the source are ready.
pub(super) fn ready(facts: &Facts, fleet: &Object, report: &Report) -> usize {
    let described = |name: &NamespacedName| report.clusters.contains_key(name) || report.blocked.contains_key(name);
    let clusters = facts.of_kind("SGCluster").filter(|cluster| claims::is_ours(cluster, fleet) && described(&cluster.namespaced_name()));
    clusters.filter(|cluster| cluster.is_true("Ready")).count()
}

/// The conditions of a fleet.
pub(super) fn conditions(report: &Report, findings: &Findings, held: Option<String>, trouble: Option<Problem>) -> Vec<Condition> {
    let ready = findings.ready;
    let errors = findings.problems.iter().filter(|problem| problem.is_error()).count();
    let total = report.clusters.len() + report.blocked.len();
    let stalled = held.is_some() || trouble.is_some();
    let (fine, reason, message) = match (held, trouble, errors) {
        (Some(held), _, _) => (false, "Held", held),
        (None, Some(Problem { reason, message }), _) => (false, reason, format!("{message}; the last good revision stays in force")),
        (None, None, 0) if ready == total => (true, "Healthy", format!("{ready} of {total} clusters ready")),
        (None, None, 0) => (false, "ClustersNotReady", format!("{ready} of {total} clusters ready")),
        (None, None, errors) => (false, "ProblemsInSource", format!("{errors} errors; what they block keeps what it runs")),
    };
    vec![
        Condition::new("Ready", Some(fine), reason, message.clone()),
        Condition::new("Reconciling", Some(!fine && !stalled && errors == 0), reason, message.clone()),
        Condition::new("Stalled", Some(stalled), reason, if stalled { message } else { String::new() }),
    ]
}

/// The commit in a field of the status, with the time from which on it is there.
fn commit(fleet: &Object, field: &str, snapshot: &News, now: Timestamp) -> Value {
    let before = fleet.get(&format!("/status/{field}"));
    if let Some(before) = before.filter(|before| before["revision"] == snapshot.revision.as_str()) {
        return before.clone();
    }
    let mut commit = json!({"revision": snapshot.revision, "reference": snapshot.reference, "subject": snapshot.subject, "author": snapshot.author, "at": seconds(now)});
    if let Some(signature) = &snapshot.signature {
        commit["signature"] = json!(signature);
    }
    commit
}

/// What is to be known of a plan before anything of it is carried out. Afterwards nobody could tell: a process that ends in the middle is followed by
/// one that finds the rest of the changes only.
pub(super) fn planned(fleet: &Object, snapshot: &News, plan: &Plan, now: Timestamp) -> Value {
    let summary = plan.counts.iter().map(|count| format!("{} {}", count.clusters, count.consequence)).collect::<Vec<_>>().join(", ");
    json!({
        "planned": commit(fleet, "planned", snapshot, now),
        "plan": {"id": plan.id, "summary": summary, "changed": plan.clusters.len()},
    })
}

/// The status of a fleet without its conditions and its plan.
pub(super) fn status(fleet: &Object, report: &Report, snapshot: &News, findings: &Findings, now: Timestamp) -> Value {
    let ready = findings.ready;
    let revision = |field: &str| commit(fleet, field, snapshot, now);
    // Errors first; what is left of the ten tells of fields that are not carried out.
    let (errors, warnings): (Vec<&Diagnostic>, Vec<&Diagnostic>) = findings.problems.iter().partition(|problem| problem.is_error());
    let problems: Vec<Value> = errors
        .iter()
        .chain(&warnings)
        .take(10)
        .map(|problem| json!({"code": problem.code, "severity": problem.severity, "message": problem.message, "at": visible(&problem.location.to_string())}))
        .collect();
    let total = report.clusters.len() + report.blocked.len();
    let blocked = report.blocked.len() + findings.blocked;
    let mut status = json!({
        "seen": revision("seen"),
        "clusters": {
            "total": total, "ready": ready, "progressing": total.saturating_sub(ready + blocked), "blocked": blocked,
            "drifted": findings.drifted, "orphaned": findings.orphaned,
        },
        "leftAlone": report.left_alone.len(),
        "problems": problems,
        "problemCount": errors.len(),
    });
    if findings.failed == 0 {
        status["applied"] = revision("applied");
        if errors.is_empty() && ready == total {
            status["lastGood"] = revision("lastGood");
        }
    }
    status
}
