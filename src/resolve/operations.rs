//! Operations and the cluster each is done to.

use crate::diagnostics::{Diagnostic, Severity, nearest};
use crate::load::Manifest;
use crate::model::ObjectKey;
use std::collections::BTreeSet;

/// SGDbOps whose cluster is not in their namespace, each with what is wrong. A cluster that cannot be read is there.
pub(super) fn without_cluster<'a>(
    manifests: &'a [Manifest],
    flawed: &'a [Manifest],
    unreadable: &BTreeSet<ObjectKey>,
    partial: bool,
) -> Vec<(ObjectKey, Diagnostic)> {
    const POINTER: &str = "/spec/sgCluster";
    let live = manifests.iter().chain(flawed).map(Manifest::key);
    let clusters: BTreeSet<ObjectKey> = live.chain(unreadable.iter().cloned()).filter(|key| key.kind == "SGCluster").collect();
    let lacks = |operation: &Manifest| {
        let (name, namespace) = (operation.object.text(POINTER)?.to_owned(), operation.object.namespace().unwrap_or_default().to_owned());
        let beside =
            || clusters.iter().filter(|key| key.namespace.as_deref().unwrap_or_default() == namespace).map(|key| key.name.as_str());
        if beside().any(|cluster| cluster == name) {
            return None;
        }
        let severity = if partial { Severity::Warning } else { Severity::Error };
        let help = nearest(&name, beside())
            .map_or_else(|| "an operation is done to a cluster of its own namespace".to_owned(), |near| format!("did you mean {near}?"));
        let problem = Diagnostic::new(severity, "missing-reference", format!("there is no SGCluster {name} in the namespace {namespace}"));
        Some((operation.key(), problem.at(operation.locate(POINTER)).path(POINTER).help(help)))
    };
    manifests.iter().filter(|manifest| manifest.object.kind() == "SGDbOps").filter_map(lacks).collect()
}
