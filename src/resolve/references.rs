//! References of everything but an SGCluster, whose references are its inputs.
//!
//! In: every document of a set. Out: what leads nowhere. Invariant: what is there and has errors is there. Why: a misspelt name in an
//! object that waits for its time is found when the time has come.

use crate::diagnostics::{Diagnostic, Severity, nearest};
use crate::load::Manifest;
use crate::model::ObjectKey;
use crate::model::pointer::places;
use std::collections::{BTreeSet, HashMap};

/// Kind, path of the name, kind that it names; `*` is any position. A name with a dot is one of another namespace.
const REFERENCES: &[(&str, &str, &str)] = &[
    ("SGBackup", "/spec/sgCluster", "SGCluster"),
    ("SGShardedBackup", "/spec/sgShardedCluster", "SGShardedCluster"),
    ("SGDbOps", "/spec/majorVersionUpgrade/sgPostgresConfig", "SGPostgresConfig"),
    ("SGDbOps", "/spec/benchmark/pgbench/samplingSGDbOps", "SGDbOps"),
    ("SGShardedDbOps", "/spec/sgShardedCluster", "SGShardedCluster"),
    ("SGStream", "/spec/source/sgCluster/name", "SGCluster"),
    ("SGStream", "/spec/target/sgCluster/name", "SGCluster"),
    ("SGDistributedLogs", "/spec/sgInstanceProfile", "SGInstanceProfile"),
    ("SGDistributedLogs", "/spec/configurations/sgPostgresConfig", "SGPostgresConfig"),
    ("SGCluster", "/spec/replicateFrom/storage/sgObjectStorage", "SGObjectStorage"),
    ("SGCluster", "/spec/distributedLogs/sgDistributedLogs", "SGDistributedLogs"),
    ("SGShardedCluster", "/spec/configurations/backups/*/sgObjectStorage", "SGObjectStorage"),
    ("SGShardedCluster", "/spec/replicateFrom/instance/sgShardedCluster", "SGShardedCluster"),
    ("SGShardedCluster", "/spec/replicateFrom/storage/sgObjectStorage", "SGObjectStorage"),
    ("SGShardedCluster", "/spec/distributedLogs/sgDistributedLogs", "SGDistributedLogs"),
];

/// The same of the parts of an SGShardedCluster.
const OF_PARTS: &[(&str, &str)] = &[
    ("/sgInstanceProfile", "SGInstanceProfile"),
    ("/configurations/sgPostgresConfig", "SGPostgresConfig"),
    ("/configurations/sgPoolingConfig", "SGPoolingConfig"),
    ("/managedSql/scripts/*/sgScript", "SGScript"),
];

const PARTS: &[&str] = &["/spec/coordinator", "/spec/shards", "/spec/shards/overrides/*"];

/// A reference as it is written.
struct Reference<'a> {
    from: &'a Manifest,
    pointer: String,
    kind: &'static str,
    name: &'a str,
}

/// References that lead nowhere. `unreadable` is there; with `partial` the rest may be elsewhere.
pub fn dangling<'a>(all: impl Iterator<Item = &'a Manifest> + Clone, unreadable: &BTreeSet<ObjectKey>, partial: bool) -> Vec<Diagnostic> {
    let references: Vec<Reference<'_>> = all.clone().flat_map(references).collect();
    if references.is_empty() {
        return Vec::new();
    }
    let mut there: HashMap<(String, String), BTreeSet<String>> = HashMap::new();
    for key in all.map(Manifest::key).chain(unreadable.iter().cloned()) {
        there.entry((key.kind, key.namespace.unwrap_or_default())).or_default().insert(key.name);
    }
    let lost = references.into_iter().filter_map(|Reference { from, pointer, kind, name }| {
        let own = from.object.namespace().unwrap_or_default();
        let (namespace, name) = name.split_once('.').unwrap_or((own, name));
        let none = BTreeSet::new();
        let names = there.get(&(kind.to_owned(), namespace.to_owned())).unwrap_or(&none);
        // A copy of a backup of another namespace outlives the cluster there.
        if name.is_empty() || names.contains(name) || namespace != own && pointer != LOGS {
            return None;
        }
        // Logs are no part of what a cluster runs with.
        let is_mild = partial || pointer == LOGS;
        let problem = missing(kind, name, namespace, names.iter().map(String::as_str), is_mild);
        Some(problem.at(from.locate(&pointer)).path(&pointer))
    });
    lost.collect()
}

const LOGS: &str = "/spec/distributedLogs/sgDistributedLogs";

fn references(from: &Manifest) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    let mut follow = |path: &str, kind: &'static str| {
        let names = places(from.object.value(), path).into_iter();
        found.extend(names.filter_map(|(pointer, name)| Some(Reference { from, pointer, kind, name: name.as_str()? })));
    };
    for (_, path, kind) in REFERENCES.iter().filter(|(kind, _, _)| *kind == from.object.kind()) {
        follow(path, kind);
    }
    if from.object.kind() == "SGShardedCluster" {
        for (part, (path, kind)) in PARTS.iter().flat_map(|part| OF_PARTS.iter().map(move |row| (part, row))) {
            follow(&format!("{part}{path}"), kind);
        }
    }
    found
}

/// That something is not there, with the name that may be meant.
pub(super) fn missing<'a>(
    kind: &str,
    name: &str,
    namespace: &str,
    names: impl Iterator<Item = &'a str> + Clone,
    is_mild: bool,
) -> Diagnostic {
    let severity = if is_mild { Severity::Warning } else { Severity::Error };
    let help = match nearest(name, names.clone()) {
        Some(near) => format!("did you mean {near}?"),
        // The name that upstream's operator gives to the defaults it makes.
        None if name.ends_with("-default") => "leave the field out to run with the built-in defaults".to_owned(),
        None if names.clone().next().is_none() => format!("there is no {kind} in the namespace {namespace}"),
        None => format!("in the namespace {namespace} there are {}", names.collect::<Vec<_>>().join(", ")),
    };
    Diagnostic::new(severity, "missing-reference", format!("there is no {kind} {name} in the namespace {namespace}")).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::find_kind;
    use crate::model::Object;
    use serde_json::{Value, json};

    fn manifest(kind: &str, name: &str, spec: Value) -> Manifest {
        Manifest::live(Object::new(
            json!({"apiVersion": "stackgres.io/v1", "kind": kind, "metadata": {"name": name, "namespace": "n"}, "spec": spec}),
        ))
    }

    fn found(all: &[Manifest]) -> Vec<String> {
        let found = dangling(all.iter(), &BTreeSet::new(), false);
        found
            .iter()
            .map(|problem| format!("{} {} {}", problem.severity, problem.path, problem.help.as_deref().unwrap_or_default()))
            .collect()
    }

    /// A row that leads nowhere in the schema follows nothing.
    #[test]
    fn every_path_is_one_of_the_schema() {
        let of_parts =
            PARTS.iter().flat_map(|part| OF_PARTS.iter().map(move |(path, kind)| ("SGShardedCluster", format!("{part}{path}"), *kind)));
        for (kind, path, to) in REFERENCES.iter().map(|(kind, path, to)| (*kind, (*path).to_owned(), *to)).chain(of_parts) {
            let mut schema = &*find_kind(kind).unwrap().schema;
            for step in path.split('/').skip(1) {
                schema = schema.child(if step == "*" { "" } else { step }).unwrap_or_else(|| panic!("{kind} has no {path}"));
            }
            assert!(find_kind(to).is_some(), "{to}");
        }
    }

    /// A stream of a cluster that is not there would hold nothing back and copy nothing, and say so when it is started.
    #[test]
    fn names_lead_somewhere() {
        let cluster = manifest("SGCluster", "shop", json!({}));
        let backup = |of: &str| manifest("SGBackup", "b", json!({"sgCluster": of}));
        assert_eq!(found(&[cluster.clone(), backup("shop")]), [""; 0]);
        assert_eq!(found(&[cluster.clone(), backup("shp")]), ["error spec.sgCluster did you mean shop?"]);
        assert_eq!(found(&[cluster.clone(), backup("elsewhere.gone")]), [""; 0]);
        let stream = manifest("SGStream", "s", json!({"source": {"sgCluster": {"name": "shop"}}, "target": {"sgCluster": {"name": "x"}}}));
        assert_eq!(found(&[cluster, stream]), ["error spec.target.sgCluster.name in the namespace n there are shop"]);
        let logs = manifest("SGCluster", "a", json!({"distributedLogs": {"sgDistributedLogs": "m.logs"}}));
        assert_eq!(found(&[logs]), ["warning spec.distributedLogs.sgDistributedLogs there is no SGDistributedLogs in the namespace m"]);
        let sharded =
            manifest("SGShardedCluster", "c", json!({"shards": {"overrides": [{"managedSql": {"scripts": [{"sgScript": "s-default"}]}}]}}));
        assert_eq!(
            found(&[sharded]),
            ["error spec.shards.overrides[0].managedSql.scripts[0].sgScript leave the field out to run with the built-in defaults"]
        );
    }

    /// What is there and cannot be read is there; what may be elsewhere is a warning.
    #[test]
    fn what_is_not_known_is_not_missing() {
        let backup = [manifest("SGBackup", "b", json!({"sgCluster": "shop"}))];
        let unreadable = BTreeSet::from([manifest("SGCluster", "shop", json!({})).key()]);
        assert_eq!(dangling(backup.iter(), &unreadable, false), []);
        assert!(dangling(backup.iter(), &BTreeSet::new(), true).iter().all(|problem| !problem.is_error()));
    }
}
