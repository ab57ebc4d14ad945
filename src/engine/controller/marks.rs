//! The label that keeps namespaces and definitions in use from being deleted.
//!
//! The admission policy `stackgres-keep-what-holds-clusters` refuses to delete what carries it; this keeps it where clusters are
//! and takes it away where none is left.

use super::facts::Facts;
use crate::api::{KINDS, crd_name};
use crate::kubernetes::{Class, Cluster, KubernetesError};
use crate::model::ObjectKey;
use serde_json::json;
use std::collections::BTreeSet;

const LABEL: &str = "stackgres.io/in-use";
const MANAGER: &str = "stackgres-marks";

/// Marks what holds clusters, and only that. An installation for some namespaces marks nothing: it does not see what holds others.
pub(super) async fn keep(api: &Cluster, facts: &Facts) -> Result<(), KubernetesError> {
    if api.namespaces() != [None] {
        return Ok(());
    }
    let namespaces: BTreeSet<String> = facts.of_kind("SGCluster").filter_map(|cluster| cluster.namespace().map(str::to_owned)).collect();
    let definitions: BTreeSet<String> =
        if namespaces.is_empty() { BTreeSet::new() } else { KINDS.iter().map(|kind| crd_name(kind)).collect() };
    for (version, kind, wanted) in [("v1", "Namespace", namespaces), ("apiextensions.k8s.io/v1", "CustomResourceDefinition", definitions)] {
        let marked = match api.names(kind, (LABEL, "true")).await {
            Ok(names) => names,
            Err(error) if error.class == Class::Forbidden => continue,
            Err(error) => return Err(error),
        };
        let change = |name: &String, value: Option<&str>| {
            (ObjectKey::new(version, kind, None, name), json!({"metadata": {"labels": {LABEL: value}}}))
        };
        let added = wanted.difference(&marked).map(|name| change(name, Some("true")));
        let removed = marked.difference(&wanted).map(|name| change(name, None));
        for (key, patch) in added.chain(removed) {
            match api.merge(&key, &patch, MANAGER, None).await {
                Err(error) if !error.is_not_found() => tracing::warn!(%error, "the mark of what is in use could not be changed"),
                _ => {}
            }
        }
    }
    Ok(())
}
