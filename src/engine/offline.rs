//! The pure part of a pass: what `check`, `render`, `diff` and the fleet loop share. No cluster, no clock.

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::diff::{Version, object_changes};
use crate::load::{LeftAlone, Manifest, load};
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::plan::{Before, PlanInput, build};
use crate::render::render;
use crate::resolve::{Settings, resolve};
use crate::validate::{ValidCluster, check_cluster, check_manifest, transition};
use std::collections::{BTreeMap, BTreeSet};

pub use crate::load::{LoadOptions, SourceFile};
pub use crate::plan::{ClusterAction, Plan, objects_text, text as plan_text};

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
    /// Everything that clusters refer to.
    pub used: BTreeSet<ObjectKey>,
    /// Named and not touched.
    pub left_alone: Vec<LeftAlone>,
    /// Some document or file may hold a cluster whose identity is not known: no cluster counts as gone.
    pub unidentified: bool,
    /// Every finding, in the order of places.
    pub diagnostics: Diagnostics,
}

/// Checks every document and every cluster of a source.
pub fn check(files: &[SourceFile], options: &Options) -> Report {
    let loaded = load(files, &options.load);
    let mut report = check_manifests(loaded.manifests, loaded.blocked, options);
    report.left_alone = loaded.left_alone;
    report.unidentified = loaded.unidentified;
    report.diagnostics.extend(loaded.diagnostics);
    report.diagnostics.sort();
    report
}

/// Checks manifests that were read already; `unreadable` names objects that exist and could not be read.
pub fn check_manifests(manifests: Vec<Manifest>, mut unreadable: BTreeSet<ObjectKey>, options: &Options) -> Report {
    let mut report = Report::default();
    for key in &unreadable {
        if key.kind == "SGCluster" {
            report.blocked.insert(key.namespaced_name(), Vec::new());
        }
    }
    let mut sound = Vec::new();
    for manifest in manifests {
        let findings = check_manifest(&manifest);
        if findings.has_errors() {
            if manifest.object.kind() == "SGCluster" {
                report
                    .blocked
                    .insert(manifest.object.namespaced_name(), findings.0.iter().filter(|finding| finding.is_error()).cloned().collect());
            }
            unreadable.insert(manifest.key());
        } else {
            sound.push(manifest);
        }
        report.diagnostics.extend(findings);
    }
    let resolution = resolve(&sound, &unreadable, options.partial);
    for (name, problems) in resolution.blocked {
        report.blocked.insert(name, problems.0);
    }
    report.diagnostics.extend(resolution.diagnostics);
    report.used = resolution.used;
    for inputs in resolution.clusters {
        let name = inputs.name();
        let (valid, findings) = check_cluster(inputs, &options.settings);
        match valid {
            Some(valid) => {
                report.clusters.insert(name, valid);
            }
            None => {
                report.blocked.insert(name, findings.0.iter().filter(|finding| finding.is_error()).cloned().collect());
            }
        }
        report.diagnostics.extend(findings);
    }
    report.manifests = sound;
    report.diagnostics.sort();
    report
}

/// A valid cluster as a version that can be compared.
pub fn version(cluster: &ValidCluster) -> Version {
    Version {
        manifests: cluster.inputs().manifests().cloned().collect(),
        effective: cluster.effective().clone(),
        objects: render(cluster).objects,
    }
}

/// The plan from one source to another.
pub fn plan_between(base: &Report, base_name: &str, head: &Report, head_name: &str) -> Plan {
    let mut input = PlanInput { base: base_name.to_owned(), head: head_name.to_owned(), ..PlanInput::default() };
    for (name, cluster) in &base.clusters {
        input.before.insert(name.clone(), Before::Known(Box::new(version(cluster))));
    }
    for name in base.blocked.keys() {
        input.before.insert(name.clone(), Before::Unknown("the older side does not pass its checks".to_owned()));
    }
    for (name, cluster) in &head.clusters {
        if let Some(old) = base.clusters.get(name) {
            let refused = transition(&old.inputs().cluster.object, &cluster.inputs().cluster);
            if !refused.is_empty() {
                input.refused.insert(name.clone(), refused);
            }
        }
        input.after.insert(name.clone(), version(cluster));
    }
    input.blocked.clone_from(&head.blocked);
    input.others = object_changes(&others(base), &others(head));
    build(input)
}

/// Objects that belong to no cluster.
fn others(report: &Report) -> Vec<Object> {
    let of_clusters: BTreeSet<ObjectKey> =
        report.clusters.values().flat_map(|cluster| cluster.inputs().manifests()).map(Manifest::key).collect();
    let managed = |manifest: &&Manifest| {
        manifest.object.kind() != "SGCluster"
            && !of_clusters.contains(&manifest.key())
            && (manifest.object.kind() != "ConfigMap" || report.used.contains(&manifest.key()))
    };
    report.manifests.iter().filter(managed).map(|manifest| manifest.object.clone()).collect()
}
