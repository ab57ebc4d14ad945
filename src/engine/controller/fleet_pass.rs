//! The fleet loop: from a commit to custom resources, revisions and releases.

use super::cluster_pass::{as_version, store, write_status};
use super::drift::{drifted_paths, removal_patch};
use super::events::tell;
use super::facts::Facts;
use super::source::{News, Problem, Sources};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::diff::would_change;
use crate::engine::offline::{Options, Report, check, version};
use crate::kubernetes::{Account, Apply, Cluster, KubernetesError};
use crate::load::{LoadOptions, Manifest};
use crate::model::{NamespacedName, Object};
use crate::plan::{Before, Plan, PlanInput, build, text};
use crate::render::revision::Revision;
use crate::resolve::Settings;
use crate::rollout::Drift;
use crate::status::{Condition, seconds};
use crate::validate::{check_manifest, transition};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Field manager of custom resources that come from a source.
const MANAGER: &str = "stackgres-fleet";

/// What one pass over a fleet found.
#[derive(Debug, Default)]
struct Counts {
    blocked: usize,
    drifted: usize,
    orphaned: usize,
    problems: Vec<Diagnostic>,
}

/// The drift policy of a fleet.
pub(super) fn drift_of(fleet: &Object) -> Drift {
    if fleet.text("/spec/drift") == Some("report") { Drift::Report } else { Drift::Revert }
}

/// One look at one fleet.
pub(super) async fn fleet_pass(
    api: &Cluster,
    fleet: &Object,
    facts: &Facts,
    sources: &mut Sources,
    plans: &mut BTreeMap<NamespacedName, String>,
    settings: &Settings,
    now: Timestamp,
) -> Result<(), KubernetesError> {
    let own = refuse_unsupported(fleet);
    if own.has_errors() {
        let message = own.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; ");
        return stalled(api, fleet, "Invalid", message, now).await;
    }
    if is_suspended(fleet) {
        return stalled(api, fleet, "Suspended", "the source is not read; clusters keep what was released", now).await;
    }
    let answer = sources.ask(api, fleet, now).await?;
    let Some(news) = answer.news else {
        return match answer.problem {
            Some(Problem { reason, message }) => stalled(api, fleet, reason, message, now).await,
            None => waiting(api, fleet, now).await,
        };
    };
    // What was read last stays in force while nothing newer can be read.
    if let Some(Problem { reason, message }) = &answer.problem {
        tell(api, fleet, true, reason, message, now).await;
    }
    let snapshot = news.as_ref();
    let mut report = check(&snapshot.files.files, &options(fleet, settings));
    report.diagnostics.extend(snapshot.files.refused.clone());
    let mut counts = Counts { problems: report.diagnostics.0.clone(), ..Counts::default() };
    let plan = plan(fleet, facts, &report, snapshot);
    let news = fleet.text("/status/planned/revision") != Some(&snapshot.revision);
    if news {
        tracing::info!(fleet = %fleet.namespaced_name(), commit = %snapshot.revision, plan = %plan.id, "planned\n{}", text(&plan, false));
        tell(api, fleet, false, "Planned", &text(&plan, false), now).await;
        if !plan.is_empty() {
            plans.insert(fleet.namespaced_name(), text(&plan, false));
        }
    }
    // A hold that was set after this pass began holds all the same: it may have been set because of the very commit just read.
    let Some(current) = api.get(&fleet.key()).await?.filter(|current| current.uid() == fleet.uid()) else { return Ok(()) };
    if is_suspended(&current) {
        return Ok(());
    }
    let held = hold(&current, now);
    apply_manifests(api, fleet, facts, &report, &mut counts, now).await?;
    if held.is_none() {
        release(api, fleet, facts, &report, snapshot, &mut counts, now).await?;
    }
    orphans(api, fleet, facts, &report, &mut counts, now).await?;
    let conditions = conditions(facts, fleet, &report, &counts, held, answer.problem);
    write_status(api, fleet, status(fleet, facts, &report, snapshot, &plan, &counts, now), &conditions, now).await
}

/// What the fleet's own spec asks for and this version does not do.
fn refuse_unsupported(fleet: &Object) -> Diagnostics {
    let mut problems = check_manifest(&Manifest::live(fleet.clone()));
    for (pointer, value) in [("/spec/drift", "propose"), ("/spec/source/git/credentials/type", "ssh")] {
        if fleet.text(pointer) == Some(value) {
            problems.push(Diagnostic::error("not-supported-yet", format!("`{value}` is not carried out yet")).path(pointer));
        }
    }
    problems
}

fn options(fleet: &Object, settings: &Settings) -> Options {
    let own = fleet.namespace().unwrap_or_default().to_owned();
    let namespaces: Vec<String> = match fleet.get("/spec/namespaces").and_then(Value::as_array).filter(|list| !list.is_empty()) {
        Some(list) => list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        None => vec![own],
    };
    let default_namespace = match namespaces.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    Options { load: LoadOptions { default_namespace, namespaces, ..LoadOptions::default() }, settings: settings.clone(), partial: false }
}

async fn stalled(api: &Cluster, fleet: &Object, reason: &str, message: impl Into<String>, now: Timestamp) -> Result<(), KubernetesError> {
    let message = message.into();
    tell(api, fleet, true, reason, &message, now).await;
    let conditions = [
        Condition::new("Stalled", Some(true), reason, message.clone()),
        Condition::new("Ready", Some(false), reason, message),
        Condition::new("Reconciling", Some(false), reason, ""),
    ];
    write_status(api, fleet, json!({}), &conditions, now).await
}

/// The first look has not ended yet: nothing is known, so nothing is said of the clusters.
async fn waiting(api: &Cluster, fleet: &Object, now: Timestamp) -> Result<(), KubernetesError> {
    if fleet.text("/status/seen/revision").is_some() {
        return Ok(());
    }
    let message = "the source is being read for the first time";
    let conditions = [
        Condition::new("Ready", Some(false), "ReadingSource", message),
        Condition::new("Reconciling", Some(true), "ReadingSource", message),
    ];
    write_status(api, fleet, json!({}), &conditions, now).await
}

fn is_suspended(fleet: &Object) -> bool {
    fleet.get("/spec/suspend") == Some(&Value::Bool(true))
}

/// Why nothing may be released now.
fn hold(fleet: &Object, now: Timestamp) -> Option<String> {
    let reason = fleet.text("/spec/hold/reason")?;
    let over = fleet.text("/spec/hold/until").and_then(|until| until.parse::<Timestamp>().ok()).is_some_and(|until| until <= now);
    (!over).then(|| format!("held: {reason}"))
}

fn is_ours(cluster: &Object, fleet: &Object) -> bool {
    cluster.text("/status/claim/fleet") == Some(&fleet.namespaced_name().to_string())
}

fn claimed_by_another(cluster: &Object, fleet: &Object) -> bool {
    cluster.text("/status/claim/fleet").is_some_and(|claim| claim != fleet.namespaced_name().to_string())
}

fn plan(fleet: &Object, facts: &Facts, report: &Report, snapshot: &News) -> Plan {
    let mut input = PlanInput {
        base: fleet.text("/status/applied/revision").unwrap_or_default().to_owned(),
        head: snapshot.revision.clone(),
        ..PlanInput::default()
    };
    for cluster in facts.of_kind("SGCluster").filter(|cluster| is_ours(cluster, fleet)) {
        let name = cluster.namespaced_name();
        let revision = cluster.text("/status/release/revision").and_then(|revision| facts.revision(&name, revision));
        let before = match revision {
            Some(revision) => Before::Known(Box::new(as_version(&revision))),
            None => Before::Unknown("the released revision is missing".to_owned()),
        };
        input.before.insert(name, before);
    }
    for (name, cluster) in &report.clusters {
        let refused = refusals(facts, cluster.inputs());
        if !refused.is_empty() {
            input.refused.insert(name.clone(), refused);
        }
        input.after.insert(name.clone(), version(cluster));
    }
    input.blocked.clone_from(&report.blocked);
    build(input)
}

/// What a transition rule refuses of a cluster's change: against what was released, or else against what is live.
fn refusals(facts: &Facts, inputs: &crate::resolve::Inputs) -> Vec<Diagnostic> {
    let key = inputs.cluster.key();
    let Some(live) = facts.own.get(&key) else { return Vec::new() };
    let released = live.text("/status/release/revision").and_then(|revision| facts.revision(&inputs.name(), revision));
    let old = released.and_then(|revision| revision.manifests.into_iter().find(|manifest| manifest.key() == key));
    transition(old.as_ref().unwrap_or(live), &inputs.cluster)
}

/// Custom resources mirror the commit at once; what waits is the release.
async fn apply_manifests(
    api: &Cluster,
    fleet: &Object,
    facts: &Facts,
    report: &Report,
    counts: &mut Counts,
    now: Timestamp,
) -> Result<(), KubernetesError> {
    let account = Account {
        namespace: fleet.namespace().unwrap_or_default().to_owned(),
        name: fleet.text("/spec/serviceAccountName").unwrap_or("stackgres-fleet").to_owned(),
    };
    let mut manifests: Vec<&Manifest> =
        report.manifests.iter().filter(|manifest| manifest.object.kind() != "ConfigMap" || report.used.contains(&manifest.key())).collect();
    let order = |manifest: &Manifest| match manifest.object.kind() {
        "Namespace" => 0,
        "ConfigMap" => 1,
        "SGCluster" => 3,
        _ => 2,
    };
    manifests.sort_by_key(|manifest| order(manifest));
    for manifest in manifests {
        let key = manifest.key();
        let live = match facts.own.get(&key) {
            Some(live) => Some(live.clone()),
            None => api.get(&key).await?,
        };
        if key.kind == "SGCluster" && !may_apply(manifest, live.as_ref(), fleet, facts, report, counts) {
            continue;
        }
        if let Err(error) = apply_one(api, fleet, facts, manifest, live.as_ref(), &account, counts, now).await {
            counts.problems.push(
                Diagnostic::error("apply-failed", error.to_string())
                    .at(manifest.locate(""))
                    .help(format!("the ServiceAccount {}/{} needs the right to create, get and patch it", account.namespace, account.name)),
            );
            tracing::warn!(%error, "not applied");
        }
    }
    Ok(())
}

fn may_apply(manifest: &Manifest, live: Option<&Object>, fleet: &Object, facts: &Facts, report: &Report, counts: &mut Counts) -> bool {
    let name = manifest.object.namespaced_name();
    let Some(valid) = report.clusters.get(&name) else { return false };
    if let Some(live) = live
        && claimed_by_another(live, fleet)
    {
        counts.blocked += 1;
        let other = live.text("/status/claim/fleet").unwrap_or_default();
        counts.problems.push(
            Diagnostic::error("claimed-by-another-fleet", format!("the cluster belongs to the fleet {other}"))
                .at(manifest.locate(""))
                .help("one cluster has one fleet: take it out of one of the two"),
        );
        return false;
    }
    let refused = refusals(facts, valid.inputs());
    let allowed = refused.is_empty();
    if !allowed {
        counts.blocked += 1;
    }
    counts.problems.extend(refused);
    allowed
}

#[expect(clippy::too_many_arguments, reason = "one object with everything its drift policy looks at")]
async fn apply_one(
    api: &Cluster,
    fleet: &Object,
    facts: &Facts,
    manifest: &Manifest,
    live: Option<&Object>,
    account: &Account,
    counts: &mut Counts,
    now: Timestamp,
) -> Result<(), KubernetesError> {
    let how = Apply { manager: MANAGER.to_owned(), force: true, dry_run: false, account: Some(account.clone()) };
    let Some(live) = live else {
        return api.apply(&manifest.object, &how).await.map(drop);
    };
    let drifted = drifted_paths(&manifest.object, live);
    let differs = would_change(&manifest.object, live, MANAGER);
    if drifted.is_empty() && !differs {
        return Ok(());
    }
    // What the commit did not change and is different all the same was edited live.
    let edited = !drifted.is_empty() && unchanged_by_the_commit(facts, manifest, live);
    if edited {
        counts.drifted += 1;
        if drift_of(fleet) == Drift::Report {
            tell(api, live, true, "Drifted", &format!("edited live and left so: {}", drifted.join(", ")), now).await;
            return Ok(());
        }
        tell(api, live, true, "DriftReverted", &format!("edited live and put back: {}", drifted.join(", ")), now).await;
    }
    let mut current = live.clone();
    if differs {
        current = api.apply(&manifest.object, &how).await?;
    }
    if let Some(patch) = removal_patch(&manifest.object, &current) {
        api.merge(&current.key(), &patch, MANAGER, Some(account)).await?;
    }
    Ok(())
}

/// Whether the released revision of a cluster that uses the object holds it just as the source has it.
fn unchanged_by_the_commit(facts: &Facts, manifest: &Manifest, live: &Object) -> bool {
    let key = manifest.key();
    let clusters: Vec<&Object> = if key.kind == "SGCluster" {
        vec![live]
    } else {
        facts.of_kind("SGCluster").filter(|cluster| cluster.namespace() == live.namespace()).collect()
    };
    clusters.into_iter().any(|cluster| {
        let revision = cluster.text("/status/release/revision").and_then(|revision| facts.revision(&cluster.namespaced_name(), revision));
        let frozen = revision.and_then(|revision| revision.manifests.into_iter().find(|frozen| frozen.key() == key));
        frozen.is_some_and(|frozen| drifted_paths(&manifest.object, &frozen).is_empty())
    })
}

/// Stores a revision of every valid cluster and names it in the cluster's status. Equal inputs are no new release, so a new
/// version of this program changes no running cluster.
async fn release(
    api: &Cluster,
    fleet: &Object,
    facts: &Facts,
    report: &Report,
    snapshot: &News,
    counts: &mut Counts,
    now: Timestamp,
) -> Result<(), KubernetesError> {
    let claim = json!({"fleet": fleet.namespaced_name().to_string(), "uid": fleet.uid()});
    for (name, valid) in &report.clusters {
        if !refusals(facts, valid.inputs()).is_empty() {
            continue;
        }
        let key = valid.inputs().cluster.key();
        let Some(live) = api.get(&key).await? else { continue };
        if claimed_by_another(&live, fleet) {
            continue;
        }
        let revision = Revision::freeze(valid, &snapshot.revision);
        let mut patch = json!({});
        if live.get("/status/claim") != Some(&claim) {
            patch["claim"] = claim.clone();
        }
        let digest = live.text("/status/release/digest");
        let lost =
            live.text("/status/release/revision").is_none_or(|released| facts.revision(name, released).is_none() && digest.is_none());
        if digest != Some(revision.digest.as_str()) || lost {
            store(api, &revision).await?;
            patch["release"] = json!({
                "revision": revision.name(), "digest": revision.digest, "releasedAt": seconds(now),
                "by": format!("fleet {}", fleet.namespaced_name()), "commit": snapshot.revision,
            });
        }
        if patch.as_object().is_some_and(|patch| !patch.is_empty()) {
            patch = json!({"metadata": {"resourceVersion": live.resource_version()}, "status": patch});
            if let Err(error) = api.patch_status(&key, &patch, "stackgres-release").await {
                counts.problems.push(Diagnostic::error("release-failed", error.to_string()).at(valid.inputs().cluster.locate("")));
            }
        }
    }
    Ok(())
}

/// Clusters of this fleet that left the source: reported, kept running, untouched. An unreadable document hides nobody.
async fn orphans(
    api: &Cluster,
    fleet: &Object,
    facts: &Facts,
    report: &Report,
    counts: &mut Counts,
    now: Timestamp,
) -> Result<(), KubernetesError> {
    let unknown = report.diagnostics.iter().any(|problem| {
        matches!(
            problem.code.as_str(),
            "yaml-syntax"
                | "tab-indentation"
                | "not-utf8"
                | "file-too-large"
                | "source-too-large"
                | "too-many-documents"
                | "file-not-readable"
                | "link-not-followed"
        )
    });
    for cluster in facts.of_kind("SGCluster").filter(|cluster| is_ours(cluster, fleet)) {
        let name = cluster.namespaced_name();
        let present = report.clusters.contains_key(&name) || report.blocked.contains_key(&name);
        let orphaned = match (present, unknown) {
            (true, _) => Some(false),
            (false, true) => None,
            (false, false) => Some(true),
        };
        if orphaned == Some(true) {
            counts.orphaned += 1;
        }
        let (reason, message) = match orphaned {
            Some(true) => ("LeftTheSource", "no longer in the source: kept running, untouched"),
            Some(false) => ("InTheSource", ""),
            None => ("SourceNotReadable", "a part of the source cannot be read, so it is not known whether the cluster is still in it"),
        };
        let before = cluster.get("/status/conditions").and_then(Value::as_array);
        let had = before.into_iter().flatten().any(|condition| condition["type"] == "Orphaned");
        if had || orphaned != Some(false) {
            write_status(api, cluster, json!({}), &[Condition::new("Orphaned", orphaned, reason, message)], now).await?;
            if orphaned == Some(true) {
                tell(api, cluster, true, "Orphaned", message, now).await;
            }
        }
    }
    Ok(())
}

fn states(facts: &Facts, fleet: &Object) -> BTreeMap<NamespacedName, bool> {
    let ready = |cluster: &Object| {
        let conditions = cluster.get("/status/conditions").and_then(Value::as_array);
        conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    };
    facts
        .of_kind("SGCluster")
        .filter(|cluster| is_ours(cluster, fleet))
        .map(|cluster| (cluster.namespaced_name(), ready(cluster)))
        .collect()
}

fn conditions(
    facts: &Facts,
    fleet: &Object,
    report: &Report,
    counts: &Counts,
    held: Option<String>,
    trouble: Option<Problem>,
) -> Vec<Condition> {
    let states = states(facts, fleet);
    let ready = states.values().filter(|ready| **ready).count();
    let errors = counts.problems.iter().filter(|problem| problem.is_error()).count();
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

fn status(fleet: &Object, facts: &Facts, report: &Report, snapshot: &News, plan: &Plan, counts: &Counts, now: Timestamp) -> Value {
    let ready = states(facts, fleet).values().filter(|ready| **ready).count();
    let revision = |field: &str| {
        let before = fleet.get(&format!("/status/{field}"));
        match before.filter(|before| before["revision"] == snapshot.revision.as_str()) {
            Some(before) => before.clone(),
            None => {
                json!({"revision": snapshot.revision, "reference": snapshot.reference, "subject": snapshot.subject, "author": snapshot.author, "at": seconds(now)})
            }
        }
    };
    let problems: Vec<Value> = counts
        .problems
        .iter()
        .filter(|problem| problem.is_error())
        .take(10)
        .map(|problem| json!({"code": problem.code, "severity": problem.severity, "message": problem.message, "at": problem.location.to_string()}))
        .collect();
    let total = report.clusters.len() + report.blocked.len();
    let blocked = report.blocked.len() + counts.blocked;
    let mut status = json!({
        "seen": revision("seen"),
        "planned": revision("planned"),
        "applied": revision("applied"),
        "clusters": {
            "total": total, "ready": ready, "progressing": total.saturating_sub(ready + blocked), "blocked": blocked,
            "drifted": counts.drifted, "orphaned": counts.orphaned,
        },
        "leftAlone": report.left_alone.len(),
        "problems": problems,
        "problemCount": counts.problems.iter().filter(|problem| problem.is_error()).count(),
    });
    // The plan of a commit is made before it is applied; afterwards there is nothing left to plan.
    if fleet.text("/status/planned/revision") != Some(&snapshot.revision) {
        let summary = plan.counts.iter().map(|count| format!("{} {}", count.clusters, count.consequence)).collect::<Vec<_>>().join(", ");
        status["plan"] = json!({"id": plan.id, "summary": summary, "changed": plan.clusters.len()});
    }
    status
}
