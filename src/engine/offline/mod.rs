//! The pure part of a pass: what `check`, `render`, `diff` and the fleet loop share. No cluster, no clock.

use self::blocking::Reasons;
use crate::api::find_kind;
use crate::diagnostics::output::summary;
use crate::diagnostics::{Diagnostic, Diagnostics, Location};
use crate::diff::{ObjectAction, ObjectChange, Version, effective_in_words, object_changes};
use crate::engine::rehearsals::rehearse_changes;
use crate::load::{Loaded, Manifest, load_again};
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::plan::{Before, PlanInput, assemble};
use crate::render::from_effective;
use crate::render::revision::Revision;
use crate::resolve::{Inputs, Settings, dangling, resolve};
use crate::validate::rules::{less_than_source, misfits, name_collisions};
use crate::validate::{ValidCluster, check_flawed, check_written, silences, transitions, wrong_paths};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

mod blocking;
mod known;
mod parts;
mod side_by_side;
mod silencing;
mod successor;

pub use self::known::Known;
pub use self::parts::in_parts;
pub use self::successor::{Renewal, Successor, follow, inseparable, judged, renewal, same_version_is_written, successor};
pub use crate::diagnostics::output::Silenced;
pub use crate::load::{IgnoreAbove, Ignored, LeftAlone, LoadOptions, SourceFile};
pub use crate::plan::{ClusterAction, Plan, objects_text, text as plan_text};
pub use crate::validate::SILENCE;

/// How to look at a source.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How to load.
    pub load: LoadOptions,
    /// Images and versions.
    pub settings: Settings,
    /// The set is not complete: a missing reference is a warning.
    pub partial: bool,
}

/// Everything known about a source.
#[derive(Debug, Default)]
pub struct Report {
    /// Documents that passed, of every kind.
    pub manifests: Vec<Manifest>,
    /// Clusters that can run.
    pub clusters: BTreeMap<NamespacedName, ValidCluster>,
    /// Clusters that are there and cannot run, with what is wrong. Unknown, never absent.
    pub blocked: BTreeMap<NamespacedName, Vec<Diagnostic>>,
    /// Objects that are there and have errors: unknown, never absent.
    pub unreadable: BTreeSet<ObjectKey>,
    /// Everything that clusters refer to.
    pub used: BTreeSet<ObjectKey>,
    /// Named and not touched.
    pub left_alone: Vec<LeftAlone>,
    /// Every finding, in the order of places; what only follows from another finding comes last.
    pub diagnostics: Diagnostics,
    /// Warnings that the source itself silences, in the same order.
    pub silenced: Vec<Silenced>,
    /// Some document or file may hold a cluster whose identity is not known: no cluster counts as gone.
    pub unidentified: bool,
}

impl Report {
    /// How many findings there are, those that are silenced apart: `2 errors, 1 warning, 3 silenced`.
    pub fn summary(&self) -> String {
        match self.silenced.len() {
            0 => summary(&self.diagnostics),
            count => format!("{}, {count} silenced", summary(&self.diagnostics)),
        }
    }

    /// Documents that a fleet applies: of the ConfigMaps only those that something refers to.
    pub fn applied(&self) -> impl Iterator<Item = &Manifest> {
        self.manifests.iter().filter(|manifest| manifest.object.kind() != "ConfigMap" || self.used.contains(&manifest.key()))
    }
}

/// What is left alone as findings, for formats that have nothing else.
pub fn left_alone(left: &[LeftAlone]) -> Diagnostics {
    let finding = |left: &LeftAlone| Diagnostic::info("left-alone", format!("left alone: {}", left.reason)).at(left.location.clone());
    left.iter().map(finding).collect()
}

/// Checks every document and every cluster of a source.
pub fn check(files: &[SourceFile], options: &Options) -> Report {
    check_again(files, options, &mut Known::default())
}

/// The same, without a second look at documents and clusters that are known and did not change.
pub fn check_again(files: &[SourceFile], options: &Options, known: &mut Known) -> Report {
    let loaded = load_again(files, &options.load, &mut known.files);
    let reasons = blocking::of_documents(files, &loaded, &options.load);
    let Loaded { manifests, flawed, blocked, diagnostics, left_alone, unidentified } = loaded;
    let mut report = checked(manifests, flawed, blocked, reasons, diagnostics, options, known);
    report.left_alone.extend(left_alone);
    report.left_alone.sort();
    report.unidentified = unidentified;
    report
}

/// Checks manifests that were read already; `unreadable` names objects that exist and could not be read.
pub fn check_manifests(manifests: Vec<Manifest>, unreadable: BTreeSet<ObjectKey>, options: &Options) -> Report {
    checked(manifests, Vec::new(), unreadable, Reasons::new(), Diagnostics::new(), options, &mut Known::default())
}

/// `unsound` documents could not be read in every part, and are blocked already; `of_files` is what was found when they were read.
fn checked(
    manifests: Vec<Manifest>,
    unsound: Vec<(Manifest, Vec<String>)>,
    mut unreadable: BTreeSet<ObjectKey>,
    mut reasons: Reasons,
    of_files: Diagnostics,
    options: &Options,
    known: &mut Known,
) -> Report {
    let mut report = Report { diagnostics: of_files, ..Report::default() };
    // Nothing carries the last ones out; what they say is checked all the same.
    let (mut sound, mut waiting) = (Vec::new(), Vec::new());
    let mut wrong: BTreeMap<ObjectKey, Vec<String>> = BTreeMap::new();
    let mut flawed = Vec::new();
    for (manifest, unread) in unsound {
        let findings = check_flawed(&manifest, &unread);
        wrong.entry(manifest.key()).or_default().extend(wrong_paths(&findings, &unread));
        report.diagnostics.extend(findings);
        flawed.push(manifest);
    }
    let mut silencing: Vec<Manifest> = flawed.iter().filter(|manifest| silences(manifest)).cloned().collect();
    for (manifest, findings) in known.documents(manifests) {
        if silences(&manifest) {
            silencing.push(manifest.clone());
        }
        if findings.has_errors() {
            unreadable.insert(manifest.key());
            reasons.entry(manifest.key()).or_default().extend(findings.0.iter().filter(|finding| finding.is_error()).cloned());
            wrong.entry(manifest.key()).or_default().extend(wrong_paths(&findings, &[]));
            flawed.push(manifest);
        } else if find_kind(manifest.object.kind()).is_none_or(|kind| kind.not_yet.is_none()) {
            sound.push(manifest);
        } else {
            waiting.push(manifest);
        }
        report.diagnostics.extend(findings);
    }
    for key in unreadable.iter().filter(|key| key.kind == "SGCluster") {
        report.blocked.insert(key.namespaced_name(), reasons.get(key).cloned().unwrap_or_default());
    }
    let all = sound.iter().chain(&flawed).chain(&waiting);
    report.diagnostics.extend(dangling(all.clone(), &unreadable, options.partial));
    report.diagnostics.extend(misfits(all));
    let resolution = resolve(&sound, &flawed, &unreadable, options.partial);
    let mut namespaces: BTreeMap<Location, String> = BTreeMap::new();
    for (name, problems) in resolution.blocked {
        namespaces.extend(problems.iter().map(|problem| (problem.location.clone(), name.namespace.clone())));
        let problems = blocking::with_root_causes(&name, problems.0.into_iter().filter(Diagnostic::is_error).collect(), &reasons);
        report.blocked.insert(name, problems);
    }
    report.diagnostics.extend(blocking::grouped(resolution.diagnostics, &namespaces));
    for inputs in &resolution.incomplete {
        let wrong = wrong.get(&inputs.cluster.key()).map(Vec::as_slice).unwrap_or_default();
        let findings = check_written(inputs, &options.settings, wrong);
        // Absent where the name itself is not known.
        if let Some(blocked) = report.blocked.get_mut(&inputs.name()) {
            blocked.extend(findings.iter().filter(|finding| finding.is_error()).cloned());
        }
        report.diagnostics.extend(findings);
    }
    sound.retain(|manifest| !resolution.idle.contains(&manifest.key()));
    unreadable.extend(resolution.idle);
    report.used = resolution.used;
    for unused in sound.iter().filter(|manifest| manifest.object.kind() == "ConfigMap" && !report.used.contains(&manifest.key())) {
        let reason = "a ConfigMap that nothing here refers to".to_owned();
        report.left_alone.push(LeftAlone { location: unused.locate(""), reason });
    }
    let mut collisions: BTreeMap<usize, Vec<Diagnostic>> = BTreeMap::new();
    for (index, problem) in name_collisions(&resolution.clusters) {
        collisions.entry(index).or_default().push(problem);
    }
    // What clusters use is asked only where somebody silences.
    let used_by: Vec<Inputs> =
        if silencing.is_empty() { Vec::new() } else { resolution.clusters.iter().chain(&resolution.incomplete).cloned().collect() };
    let mut clusters = Vec::new();
    for (index, inputs) in resolution.clusters.into_iter().enumerate() {
        match collisions.remove(&index) {
            Some(problems) => {
                report.diagnostics.extend(Diagnostics(problems.clone()));
                report.blocked.insert(inputs.name(), problems);
            }
            None => clusters.push(inputs),
        }
    }
    for (name, (valid, findings)) in known.clusters(clusters, &options.settings) {
        match valid {
            Some(valid) => drop(report.clusters.insert(name, valid)),
            None => drop(report.blocked.insert(name, findings.iter().filter(|finding| finding.is_error()).cloned().collect())),
        }
        report.diagnostics.extend(findings);
    }
    report.diagnostics.extend(less_than_source(&report.clusters));
    report.manifests = sound;
    report.unreadable = unreadable;
    blocking::order(&mut report.diagnostics);
    silencing::take_out(&mut report, silencing, &used_by);
    report
}

/// A valid cluster as a version that can be compared.
pub fn version(cluster: &ValidCluster) -> Version {
    let effective = cluster.effective();
    Version { manifests: cluster.inputs().manifests().cloned().collect(), objects: from_effective(&effective).objects, effective }
}

/// The values a valid cluster runs with and where each comes from, as its status shows them.
pub fn effective_values(cluster: &ValidCluster) -> Value {
    effective_in_words(&cluster.effective())
}

/// A revision as a version that can be compared.
pub fn frozen(revision: &Revision) -> Version {
    Version {
        manifests: revision.manifests.iter().cloned().map(Manifest::live).collect(),
        effective: revision.effective.clone(),
        objects: revision.objects.clone(),
    }
}

/// The plan from one source to another.
pub fn plan_between(base: &Report, base_name: &str, head: &Report, head_name: &str) -> Plan {
    // What is one in memory on both sides does not differ.
    let same = |name: &NamespacedName| match (base.clusters.get(name), head.clusters.get(name)) {
        (Some(old), Some(new)) => old.is_same(new),
        _ => false,
    };
    let names = [&base.clusters, &head.clusters].into_iter().flat_map(BTreeMap::keys);
    let names: BTreeSet<&NamespacedName> = names.chain(base.blocked.keys()).chain(head.blocked.keys()).collect();
    let (unchanged, differing): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| same(name));
    let (total, clusters) = in_parts(differing.into_iter().cloned().collect(), |names| part_between(base, head, names));
    assemble(base_name.to_owned(), head_name.to_owned(), total + unchanged.len(), clusters, others(base, head))
}

/// What the plan of some clusters is made from.
fn part_between(base: &Report, head: &Report, names: &[NamespacedName]) -> PlanInput {
    let mut input = PlanInput::default();
    for name in names {
        if let Some(cluster) = base.clusters.get(name) {
            input.before.insert(name.clone(), Before::Known(Box::new(version(cluster))));
        }
        if let Some(problems) = base.blocked.get(name) {
            let first = problems.first().map(|problem| format!(": {}", problem.message)).unwrap_or_default();
            input.before.insert(name.clone(), Before::Unknown(format!("the older side does not pass{first}")));
            input.unknown.insert(name.clone(), problems.clone());
        }
        if let Some(cluster) = head.clusters.get(name) {
            let old = base.clusters.get(name);
            let before = old.into_iter().flat_map(|old| old.inputs().manifests()).map(|manifest| &manifest.object);
            let refused = transitions(before, cluster.inputs().manifests());
            if !refused.is_empty() {
                input.refused.insert(name.clone(), refused);
            }
            input.after.insert(name.clone(), version(cluster));
        }
        if let Some(problems) = head.blocked.get(name) {
            input.blocked.insert(name.clone(), problems.clone());
        }
    }
    rehearse_changes(&mut input, &BTreeMap::new());
    input
}

/// Documents that differ and are told by no cluster's change.
///
/// Both sides are asked for the same documents: one that a cluster uses on one side only (it became blocked, it let go of its
/// configuration) has neither appeared nor gone. A document with errors on one side is unknown there, not absent.
fn others(base: &Report, head: &Report) -> Vec<ObjectChange> {
    let places = |report: &Report| -> BTreeSet<usize> { report.manifests.iter().map(|manifest| manifest.object.address()).collect() };
    let (old, new) = (places(base), places(head));
    let differs = |manifest: &&Manifest, other: &BTreeSet<usize>| !other.contains(&manifest.object.address());
    let mut differing =
        base.manifests.iter().filter(|one| differs(one, &new)).chain(head.manifests.iter().filter(|one| differs(one, &old)));
    // Where nothing but clusters differs there is nothing to look for, however many documents there are.
    if differing.all(|manifest| manifest.object.kind() == "SGCluster") {
        return Vec::new();
    }
    let known: BTreeSet<&NamespacedName> = base.clusters.keys().filter(|name| head.clusters.contains_key(*name)).collect();
    let of = |report: &Report, name: &NamespacedName| -> Vec<ObjectKey> {
        report.clusters.get(name).into_iter().flat_map(|cluster| cluster.inputs().manifests()).map(Manifest::key).collect()
    };
    let told: BTreeSet<ObjectKey> = known.iter().flat_map(|name| [of(base, name), of(head, name)]).flatten().collect();
    // What comes with a new cluster, or stays with one that leaves, is told by that cluster.
    let alone = |one: &Report, other: &Report| -> BTreeSet<ObjectKey> {
        one.clusters
            .keys()
            .filter(|name| !other.clusters.contains_key(*name) && !other.blocked.contains_key(*name))
            .flat_map(|name| of(one, name))
            .collect()
    };
    let (coming, leaving) = (alone(head, base), alone(base, head));
    let keys = |report: &Report| -> BTreeSet<ObjectKey> { report.manifests.iter().map(Manifest::key).collect() };
    let (old_keys, new_keys) = (keys(base), keys(head));
    let wanted = |key: &ObjectKey| {
        let unknown = base.unreadable.contains(key) || head.unreadable.contains(key);
        let managed = key.kind != "ConfigMap" || base.used.contains(key) || head.used.contains(key);
        let covered = match (old_keys.contains(key), new_keys.contains(key)) {
            (true, true) => told.contains(key),
            (false, _) => coming.contains(key),
            (true, false) => leaving.contains(key),
        };
        key.kind != "SGCluster" && managed && !unknown && !covered
    };
    let objects = |report: &Report| -> Vec<Object> {
        report.manifests.iter().filter(|manifest| wanted(&manifest.key())).map(|manifest| manifest.object.clone()).collect()
    };
    let mut changes = object_changes(&objects(base), &objects(head));
    for change in changes.iter_mut().filter(|change| change.action == ObjectAction::Removed) {
        change.note = Some(stays(change, base, head));
    }
    changes
}

/// What leaving the source means for an object outside clusters: absence is not deletion.
fn stays(change: &ObjectChange, base: &Report, head: &Report) -> String {
    if change.kind != "Namespace" {
        return "no longer in the source: it stays in Kubernetes".to_owned();
    }
    let here =
        |names: Vec<&NamespacedName>| names.into_iter().filter(|name| name.namespace == change.name).cloned().collect::<BTreeSet<_>>();
    let staying = here(head.clusters.keys().chain(head.blocked.keys()).collect());
    let before = here(base.clusters.keys().chain(base.blocked.keys()).collect());
    let orphaned = before.difference(&staying).count();
    let clusters = |count: usize| if count == 1 { "1 cluster".to_owned() } else { format!("{count} clusters") };
    match (staying.len(), orphaned) {
        (0, 0) => "no longer in the source: nothing is deleted".to_owned(),
        (0, orphaned) => format!("no longer in the source: nothing is deleted, {} in it left orphaned and running", clusters(orphaned)),
        (staying, 0) => format!("no longer in the source: nothing is deleted, and {} in it still managed", clusters(staying)),
        (staying, orphaned) => {
            format!(
                "no longer in the source: nothing is deleted; {} in it still managed, {} left orphaned and running",
                clusters(staying),
                clusters(orphaned)
            )
        }
    }
}
