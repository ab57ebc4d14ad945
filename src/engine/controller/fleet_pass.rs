//! The fleet loop: from a commit to custom resources, revisions and releases.

use super::claims::is_ours;
use super::cluster_pass::{STATUS_MANAGER, write_status};
use super::events::tell;
use super::facts::Facts;
use super::fleet_status::{conditions, planned, ready, status};
use super::kept::{Kept, KeptFleets};
use super::mirror::mirror;
use super::release::{orphans, release};
use super::source::{News, Problem, Sources};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::diff::Version;
use crate::engine::offline::{Options, Report, follow, frozen, in_parts, same_version_is_written};
use crate::engine::rehearsals::{rehearse_changes, roles as roles_of};
use crate::kubernetes::{Account, Cluster, KubernetesError};
use crate::load::{LoadOptions, Manifest};
use crate::model::{NamespacedName, Object};
use crate::plan::{Before, Plan, PlanInput, assemble, text};
use crate::render::revision::Revision;
use crate::resolve::Settings;
use crate::rollout::Drift;
use crate::status::Condition;
use crate::validate::{ValidCluster, check_manifest, transitions, version_transition};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What one pass over a fleet found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Clusters that are refused or belong to another fleet.
    pub blocked: usize,
    /// Objects that were edited live.
    pub drifted: usize,
    /// Clusters that left the source.
    pub orphaned: usize,
    /// Clusters of the source that are ready.
    pub ready: usize,
    /// Objects that could not be applied.
    pub failed: usize,
    /// Everything that is wrong.
    pub problems: Vec<Diagnostic>,
}

/// What every step of a pass over one fleet works with.
pub(super) struct FleetPass<'a> {
    /// The API server.
    pub api: &'a Cluster,
    /// The fleet.
    pub fleet: &'a Object,
    /// What was read at the beginning of the pass.
    pub facts: &'a Facts,
    /// Images and versions.
    pub settings: &'a Settings,
    /// What happens to live edits.
    pub drift: Drift,
    /// Whether to stop before the next object.
    pub halt: &'a (dyn Fn() -> bool + Sync),
    /// The time.
    pub now: Timestamp,
}

impl Findings {
    /// Adds what was found elsewhere.
    pub(super) fn extend(&mut self, other: Self) {
        let Self { blocked, drifted, orphaned, ready, failed, problems } = other;
        self.blocked += blocked;
        self.drifted += drifted;
        self.orphaned += orphaned;
        self.ready += ready;
        self.failed += failed;
        self.problems.extend(problems);
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        let Self { blocked, drifted, orphaned, ready, failed, problems } = self;
        blocked + drifted + orphaned + ready + failed == 0 && problems.is_empty()
    }
}

impl FleetPass<'_> {
    /// The account in whose name content of the source is applied.
    pub(super) fn account(&self) -> Account {
        Account {
            namespace: self.fleet.namespace().unwrap_or_default().to_owned(),
            name: self.fleet.text("/spec/serviceAccountName").unwrap_or("stackgres-fleet").to_owned(),
        }
    }

    /// What a transition rule refuses of a cluster's change: against what was released, or else against what is live.
    pub(super) fn refusals(&self, valid: &ValidCluster, kept: &Kept) -> Vec<Diagnostic> {
        let inputs = valid.inputs();
        let key = inputs.cluster.key();
        let Some(live) = self.facts.own.get(&key) else { return Vec::new() };
        let name = inputs.name();
        let released = live.text("/status/release/revision");
        // The same inputs are no change, so the revision is not read.
        if kept.is_released(live) && released.is_some_and(|revision| self.facts.has_revision(&name, revision)) {
            return Vec::new();
        }
        let released = released.and_then(|revision| self.facts.revision(&name, revision));
        refused(released.as_ref(), live, valid)
    }
}

/// What may not change from what was released, or where nothing is known of that from what is live.
pub(super) fn refused(released: Option<&Revision>, live: &Object, valid: &ValidCluster) -> Vec<Diagnostic> {
    let inputs = valid.inputs();
    let key = inputs.cluster.key();
    let released_manifests = released.map_or(&[][..], |revision| &revision.manifests[..]);
    // What is live counts where nothing is known of what was released.
    let live = std::iter::once(live).filter(|_| released_manifests.iter().all(|manifest| manifest.key() != key));
    let mut problems = transitions(released_manifests.iter().chain(live), inputs.manifests());
    // `latest` and `17` are versions as well, once they are resolved. What only the catalogue moves is decided with the release.
    if let Some(revision) = released.filter(|revision| !same_version_is_written(revision, valid)) {
        let (running, wanted) = (&revision.effective.postgres.version.value, valid.effective().postgres.version.value);
        let version = version_transition(running, &wanted, &inputs.cluster);
        if let Some(found) = version
            && problems.iter().all(|problem| problem.code != found.code)
        {
            problems.push(found);
        }
    }
    problems
}

/// The drift policy of a fleet.
pub(super) fn drift_of(fleet: &Object) -> Drift {
    if fleet.text("/spec/drift") == Some("report") { Drift::Report } else { Drift::Revert }
}

/// One look at one fleet.
pub(super) async fn fleet_pass(
    pass: &FleetPass<'_>,
    sources: &mut Sources,
    plans: &mut BTreeMap<NamespacedName, Arc<Plan>>,
    kept: &mut KeptFleets,
) -> Result<(), KubernetesError> {
    let FleetPass { api, fleet, facts, settings, now, .. } = *pass;
    let own = refuse_unsupported(fleet);
    if own.has_errors() {
        let errors = own.iter().filter(|problem| problem.is_error());
        let message = errors.map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; ");
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
    let kept = kept.of(fleet.namespaced_name(), &news, &options(fleet, facts.settings(settings)));
    let report = &kept.report;
    let unreadable = hides_something(report, snapshot);
    let mut findings = Findings { problems: report.diagnostics.0.clone(), ..Findings::default() };
    // A warning of the fleet's own spec is a field that is not carried out.
    findings.problems.extend(own.0);
    let is_new = fleet.text("/status/planned/revision") != Some(&snapshot.revision);
    // The plan of a commit is made before it is applied; afterwards there is nothing left to plan.
    if is_new {
        let plan = plan(pass, &kept, snapshot);
        tracing::info!(fleet = %fleet.namespaced_name(), commit = %snapshot.revision, plan = %plan.id, "planned\n{}", text(&plan, false));
        tell(api, fleet, false, "Planned", &text(&plan, false), now).await;
        api.patch_status(&fleet.key(), &json!({"status": planned(fleet, snapshot, &plan, now)}), STATUS_MANAGER).await?;
        if !plan.is_empty() {
            plans.insert(fleet.namespaced_name(), Arc::new(plan));
        }
    }
    // A hold that was set after this pass began holds all the same: it may have been set because of the very commit just read.
    let is_applied = fleet.text("/status/applied/revision") == Some(&snapshot.revision);
    let current = if is_applied { api.seen_one(&fleet.key()).await? } else { api.get(&fleet.key()).await? };
    let Some(current) = current.filter(|current| current.uid() == fleet.uid()) else { return Ok(()) };
    if is_suspended(&current) {
        return Ok(());
    }
    let held = hold(&current, now);
    let in_place = mirror(pass, &kept, &mut findings).await?;
    if held.is_none() {
        release(pass, &kept, snapshot, &in_place, &mut findings).await?;
    }
    if (pass.halt)() {
        return Ok(());
    }
    orphans(pass, report, unreadable, &mut findings).await?;
    findings.ready = ready(facts, fleet, report);
    let conditions = conditions(report, &findings, held, answer.problem);
    write_status(api, fleet, status(fleet, report, snapshot, &findings, now), &conditions, now).await
}

/// Whether a part of the source could not be identified, so that nothing in it can be said to be absent.
fn hides_something(report: &Report, snapshot: &News) -> bool {
    const CODES: &[&str] = &["file-not-readable", "link-not-followed"];
    report.unidentified || snapshot.files.refused.iter().any(|problem| CODES.contains(&problem.code.as_str()))
}

/// What the fleet's own spec asks for and this version does not do.
fn refuse_unsupported(fleet: &Object) -> Diagnostics {
    let mut problems = check_manifest(&Manifest::live(fleet.clone()));
    if fleet.text("/spec/drift") == Some("propose") {
        problems.push(Diagnostic::error("not-supported-yet", "`propose` is not carried out yet").path("/spec/drift"));
    }
    problems
}

fn options(fleet: &Object, settings: Settings) -> Options {
    let own = fleet.namespace().unwrap_or_default().to_owned();
    let namespaces: Vec<String> = match fleet.get("/spec/namespaces").and_then(Value::as_array).filter(|list| !list.is_empty()) {
        Some(list) => list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        None => vec![own],
    };
    let default_namespace = match namespaces.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    Options { load: LoadOptions { default_namespace, namespaces, ..LoadOptions::default() }, settings, partial: false }
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

pub(super) fn is_suspended(fleet: &Object) -> bool {
    fleet.get("/spec/suspend") == Some(&Value::Bool(true))
}

/// Why nothing may be released now.
pub(super) fn hold(fleet: &Object, now: Timestamp) -> Option<String> {
    let reason = fleet.text("/spec/hold/reason")?;
    let over = fleet.text("/spec/hold/until").and_then(|until| until.parse::<Timestamp>().ok()).is_some_and(|until| until <= now);
    (!over).then(|| format!("held: {reason}"))
}

fn plan(pass: &FleetPass<'_>, kept: &Kept, snapshot: &News) -> Plan {
    let FleetPass { fleet, facts, .. } = *pass;
    let report = &kept.report;
    let revision = |cluster: &Object| cluster.text("/status/release/revision").map(str::to_owned);
    let unchanged = |cluster: &&Object| {
        let name = cluster.namespaced_name();
        kept.is_unchanged(cluster) && revision(cluster).is_some_and(|revision| facts.has_revision(&name, &revision))
    };
    let ours = facts.of_kind("SGCluster").filter(|cluster| is_ours(cluster, fleet));
    let ours: BTreeMap<NamespacedName, &Object> = ours.map(|cluster| (cluster.namespaced_name(), cluster)).collect();
    let unchanged: BTreeSet<NamespacedName> = ours.values().copied().filter(unchanged).map(Object::namespaced_name).collect();
    let names = ours.keys().chain(report.clusters.keys()).chain(report.blocked.keys());
    let names = names.filter(|name| !unchanged.contains(*name)).cloned().collect();
    let (total, clusters) = in_parts(names, |names| part_of_plan(pass, kept, &ours, names));
    let base = fleet.text("/status/applied/revision").unwrap_or_default().to_owned();
    assemble(base, snapshot.revision.clone(), total + unchanged.len(), clusters, Vec::new())
}

/// What the plan of some clusters is made from; `ours` are those that exist.
fn part_of_plan(pass: &FleetPass<'_>, kept: &Kept, ours: &BTreeMap<NamespacedName, &Object>, names: &[NamespacedName]) -> PlanInput {
    let FleetPass { facts, settings, .. } = *pass;
    let mut input = PlanInput::default();
    let mut roles = BTreeMap::new();
    for name in names {
        let live = ours.get(name);
        roles.extend(live.and_then(|cluster| roles_of(cluster)).map(|roles| (name.clone(), roles)));
        let revision = live.and_then(|cluster| cluster.text("/status/release/revision"));
        let released = revision.and_then(|revision| facts.revision(name, revision));
        if let Some(problems) = kept.report.blocked.get(name) {
            input.blocked.insert(name.clone(), problems.clone());
        }
        if let Some(cluster) = kept.report.clusters.get(name) {
            let refused = pass.refusals(cluster, kept);
            if !refused.is_empty() {
                input.refused.insert(name.clone(), refused);
            }
            if live.is_some() && released.is_none() {
                // Nothing can be compared, so nothing is rendered.
                let after = Version { manifests: Vec::new(), effective: cluster.effective(), objects: Vec::new() };
                input.after.insert(name.clone(), after);
            } else {
                follow(&mut input, released.as_ref(), cluster, settings);
            }
        }
        match (live, released) {
            (Some(_), Some(revision)) => drop(input.before.insert(name.clone(), Before::Known(Box::new(frozen(&revision))))),
            (Some(_), None) => drop(input.before.insert(name.clone(), Before::Unknown("the released revision is missing".to_owned()))),
            (None, _) => {}
        }
    }
    rehearse_changes(&mut input, &roles);
    input
}
