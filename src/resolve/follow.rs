//! References followed.

use super::inputs::Inputs;
use super::operations::without_cluster;
use super::references::missing;
use crate::diagnostics::{Diagnostic, Diagnostics, nearest};
use crate::load::Manifest;
use crate::model::{NamespacedName, Object, ObjectKey};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What references lead to.
#[derive(Debug, Default)]
pub struct Resolution {
    /// Clusters whose references are all there.
    pub clusters: Vec<Inputs>,
    /// Clusters with a reference to something missing or unreadable, with the problem.
    pub blocked: BTreeMap<NamespacedName, Diagnostics>,
    /// The same clusters and the flawed ones with what is there of their references, to look for further problems.
    pub incomplete: Vec<Inputs>,
    /// Everything a cluster refers to.
    pub used: BTreeSet<ObjectKey>,
    /// Operations whose cluster is not there: they are not applied.
    pub idle: BTreeSet<ObjectKey>,
    /// Problems of the blocked clusters and warnings.
    pub diagnostics: Diagnostics,
}

/// Follows the references of every SGCluster. `flawed` are clusters with errors of their own: they cannot run, and their
/// references are followed all the same, so that every problem is told at once. `unreadable` names objects that exist and cannot be read;
/// with `partial` a missing reference is a warning, because the set is known to be incomplete.
///
/// References stay inside the cluster's namespace, as in the API this implements.
pub fn resolve(manifests: &[Manifest], flawed: &[Manifest], unreadable: &BTreeSet<ObjectKey>, partial: bool) -> Resolution {
    let index: Index<'_> = manifests.iter().map(|manifest| (place(&manifest.object), manifest)).collect();
    let mut used: HashMap<usize, &Manifest> = HashMap::new();
    let mut resolution = Resolution::default();
    let clusters = manifests.iter().map(|manifest| (manifest, true)).chain(flawed.iter().map(|manifest| (manifest, false)));
    for (cluster, sound) in clusters.filter(|(manifest, _)| manifest.object.kind() == "SGCluster") {
        let mut follower = Follower { index: &index, unreadable, partial, cluster, problems: Diagnostics::new(), used: &mut used };
        let inputs = follower.inputs();
        let problems = follower.problems;
        if !sound {
            resolution.incomplete.push(inputs);
        } else if problems.has_errors() {
            resolution.blocked.insert(cluster.object.namespaced_name(), problems.clone());
            resolution.incomplete.push(inputs);
        } else {
            resolution.clusters.push(inputs);
        }
        resolution.diagnostics.extend(problems);
    }
    resolution.used = used.into_values().map(Manifest::key).collect();
    for (operation, problem) in without_cluster(manifests, flawed, unreadable, partial) {
        if problem.is_error() {
            resolution.idle.insert(operation);
        }
        resolution.diagnostics.push(problem);
    }
    resolution
}

/// Kind, namespace and name.
type Place<'a> = (&'a str, &'a str, &'a str);

/// Every manifest by its place.
type Index<'a> = HashMap<Place<'a>, &'a Manifest>;

fn place(object: &Object) -> Place<'_> {
    (object.kind(), object.namespace().unwrap_or_default(), object.name())
}

struct Follower<'a, 'b> {
    index: &'b Index<'a>,
    unreadable: &'b BTreeSet<ObjectKey>,
    partial: bool,
    cluster: &'a Manifest,
    problems: Diagnostics,
    /// What anything refers to, by its address.
    used: &'b mut HashMap<usize, &'a Manifest>,
}

impl<'a> Follower<'a, '_> {
    fn inputs(&mut self) -> Inputs {
        let instance_profile = self.follow("/spec/sgInstanceProfile", "SGInstanceProfile");
        let postgres_config = self.follow("/spec/configurations/sgPostgresConfig", "SGPostgresConfig");
        let pooling = self.cluster.object.get("/spec/pods/disableConnectionPooling") != Some(&Value::Bool(true));
        let pooling_config = if pooling { self.follow("/spec/configurations/sgPoolingConfig", "SGPoolingConfig") } else { None };
        let count = |pointer: &str| self.cluster.object.get(pointer).and_then(Value::as_array).map_or(0, Vec::len);
        let (scripts, backups) = (count("/spec/managedSql/scripts"), count("/spec/configurations/backups"));
        let scripts: Vec<Manifest> =
            (0..scripts).filter_map(|index| self.follow(&format!("/spec/managedSql/scripts/{index}/sgScript"), "SGScript")).collect();
        let mut others = BTreeMap::new();
        for index in 0..backups {
            if let Some(storage) = self.follow(&format!("/spec/configurations/backups/{index}/sgObjectStorage"), "SGObjectStorage") {
                others.insert(storage.key(), storage);
            }
        }
        let mut config_maps = config_maps_of(&self.cluster.object);
        config_maps.extend(scripts.iter().flat_map(|script: &Manifest| config_maps_of(&script.object)));
        for name in config_maps {
            if let Some(manifest) = self.find("ConfigMap", &name) {
                others.insert(manifest.key(), manifest.clone());
            }
        }
        let source = self.follow("/spec/replicateFrom/instance/sgCluster", "SGCluster");
        Inputs { cluster: self.cluster.clone(), instance_profile, postgres_config, pooling_config, scripts, source, others }
    }

    fn namespace(&self) -> &'a str {
        self.cluster.object.namespace().unwrap_or_default()
    }

    /// A manifest of the cluster's namespace, which is used then.
    fn find(&mut self, kind: &str, name: &str) -> Option<&'a Manifest> {
        let manifest = *self.index.get(&(kind, self.namespace(), name))?;
        self.used.insert(manifest.object.address(), manifest);
        Some(manifest)
    }

    fn follow(&mut self, pointer: &str, kind: &str) -> Option<Manifest> {
        let (name, namespace) = (self.cluster.object.text(pointer)?, self.namespace());
        if let Some(manifest) = self.find(kind, name) {
            return Some(manifest.clone());
        }
        let is_it = |key: &ObjectKey| key.kind == kind && key.namespace.as_deref().unwrap_or_default() == namespace && key.name == name;
        let problem = if self.unreadable.iter().any(is_it) {
            Diagnostic::error("broken-reference", format!("the {kind} {name} has errors of its own"))
                .help("correct it first; the cluster keeps what it runs")
        } else {
            let mut names: Vec<&str> =
                self.index.keys().filter(|other| other.0 == kind && other.1 == namespace).map(|other| other.2).collect();
            names.sort_unstable();
            let problem = missing(kind, name, namespace, names.iter().copied(), self.partial);
            match nearest(name, names.iter().copied()).and_then(|near| self.index.get(&(kind, namespace, near))) {
                Some(meant) => problem.related(meant.locate("/metadata/name"), "perhaps this one is meant"),
                None => problem,
            }
        };
        self.problems.push(problem.at(self.cluster.locate(pointer)).path(pointer));
        None
    }
}

/// Names of the ConfigMaps that an SGCluster's pods use (custom volumes and environment), or that an SGScript takes its SQL from.
pub fn config_maps_of(object: &Object) -> BTreeSet<String> {
    fn walk(value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, child) in map {
                    if matches!(key.as_str(), "configMap" | "configMapRef" | "configMapKeyRef")
                        && let Some(name) = child.get("name").and_then(Value::as_str)
                    {
                        names.insert(name.to_owned());
                    }
                    walk(child, names);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    let part = if object.kind() == "SGScript" { "/spec/scripts" } else { "/spec/pods" };
    if let Some(part) = object.get(part) {
        walk(part, &mut names);
    }
    names
}
