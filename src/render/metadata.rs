//! Names, labels and annotations.

use crate::resolve::Effective;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Mark of every object this program owns.
pub(super) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "stackgres");

/// Labels of every object of a cluster.
pub(super) fn generic(effective: &Effective) -> BTreeMap<String, String> {
    labels(&[("app", "StackGresCluster"), ("stackgres.io/cluster-name", &effective.cluster.name), MANAGED_BY])
}

/// Labels by which Patroni finds the objects and pods of its scope.
pub(super) fn patroni(effective: &Effective) -> BTreeMap<String, String> {
    labels(&[("app", "StackGresCluster"), ("stackgres.io/cluster", "true"), ("stackgres.io/cluster-scope", &scope(effective))])
}

/// Labels of the pods, and what the StatefulSet selects by.
pub(super) fn pods(effective: &Effective) -> BTreeMap<String, String> {
    let mut labels = patroni(effective);
    labels.insert("stackgres.io/cluster-name".to_owned(), effective.cluster.name.clone());
    labels.insert("stackgres.io/disruptible".to_owned(), "true".to_owned());
    labels
}

/// Patroni's scope: the name of its leader object and of the primary Service.
pub(super) fn scope(effective: &Effective) -> String {
    effective.scope().to_owned()
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// `metadata` of an object: users' labels and annotations of the given scopes first, ours win.
pub(super) fn metadata(effective: &Effective, name: &str, own: BTreeMap<String, String>, scopes: &[&str]) -> Value {
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(name));
    metadata.insert("namespace".to_owned(), json!(effective.cluster.namespace));
    let mut labels = merged(&effective.labels, scopes);
    labels.extend(own);
    metadata.insert("labels".to_owned(), json!(labels));
    let annotations = merged(&effective.annotations, scopes);
    if !annotations.is_empty() {
        metadata.insert("annotations".to_owned(), json!(annotations));
    }
    Value::Object(metadata)
}

/// Entries of `allResources` and then of each scope; later wins.
pub(super) fn merged(by_scope: &BTreeMap<String, BTreeMap<String, String>>, scopes: &[&str]) -> BTreeMap<String, String> {
    std::iter::once(&"allResources")
        .chain(scopes)
        .filter_map(|scope| by_scope.get(*scope))
        .flatten()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
