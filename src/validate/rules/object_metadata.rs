//! Labels and annotations for the objects that are made of one of ours.
//!
//! Source: Kubernetes documentation, "Labels and Selectors" and "Annotations".

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use crate::model::labels::{is_annotation_key, is_key, is_label_value};
use crate::model::pointer::{join, places};
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[Rule {
    code: Code::error(
        "bad-object-metadata",
        "a label or annotation for what is made of the object has not the required form",
        "Keys are an optional DNS prefix and a name of at most 63 characters; label values have at most 63 characters of letters, digits, dots, dashes and underscores. The API server would refuse whatever is made with it.",
    ),
    check: Check::Every(entries),
}];

/// Sections with labels and annotations by scope.
const BY_SCOPE: &[&str] = &["/spec/metadata", "/spec/coordinator/metadata", "/spec/shards/metadata", "/spec/shards/overrides/*/metadata"];

/// A section with labels and annotations of one object: the service that runs a function of a stream.
const OF_ONE: &str = "/spec/target/pgLambda/knative";

fn entries(manifest: &Manifest) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for field in ["labels", "annotations"] {
        let by_scope = BY_SCOPE.iter().map(|section| format!("{section}/{field}/*"));
        for path in by_scope.chain([format!("{OF_ONE}/{field}")]) {
            for (pointer, entries) in places(manifest.object.value(), &path) {
                for (key, value) in entries.as_object().into_iter().flatten() {
                    problems.extend(problem(field, key, value).map(|problem| at(manifest, &join(&pointer, key), problem)));
                }
            }
        }
    }
    problems
}

fn problem(field: &str, key: &str, value: &Value) -> Option<Diagnostic> {
    let value = value.as_str().unwrap_or_default();
    let is_key = if field == "labels" { is_key(key) } else { is_annotation_key(key) };
    let message = if !is_key {
        format!("`{key}` is no valid key")
    } else if field == "labels" && !is_label_value(value) {
        format!("`{value}` is no valid label value")
    } else {
        return None;
    };
    let help = if is_key { "put free text into an annotation" } else { "write PREFIX/NAME or NAME" };
    Some(Diagnostic::error("bad-object-metadata", message).help(help))
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{examine, findings};

    #[test]
    fn keys_and_values() {
        let of = |text: &str| findings(&format!("  metadata: {{{text}}}"));
        assert_eq!(of("labels: {clusterPods: {a.b/c: d_e, x: ''}}, annotations: {services: {a: 'b c'}}"), [""; 0]);
        assert_eq!(of("labels: {clusterPods: {'a b': c}}"), ["bad-object-metadata /spec/metadata/labels/clusterPods/a b"]);
        assert_eq!(of("annotations: {services: {A.b/c: d}}"), [""; 0]);
        assert_eq!(of("labels: {services: {A.b/c: d}}"), ["bad-object-metadata /spec/metadata/labels/services/A.b/c"]);
        assert_eq!(of("labels: {services: {a: 'b c'}}"), ["bad-object-metadata /spec/metadata/labels/services/a"]);
        assert_eq!(
            of("annotations: {services: {'/a': b}}"),
            ["bad-object-metadata /spec/metadata/annotations/services/~1a"]
                .map(|_| "bad-object-metadata /spec/metadata/annotations/services//a")
        );
    }

    /// Every kind that makes objects gives them labels, the parts of a sharded cluster too.
    #[test]
    fn of_other_kinds() {
        let of = |text: &str| examine(text).0.iter().filter(|found| found.starts_with("bad-object-metadata")).cloned().collect::<Vec<_>>();
        let logs = |key: &str| {
            of(&format!(
                "apiVersion: stackgres.io/v1\nkind: SGDistributedLogs\nmetadata: {{name: a}}\nspec: {{persistentVolume: {{size: 5Gi}}, metadata: {{annotations: {{services: {{'{key}': b}}}}}}}}\n"
            ))
        };
        assert_eq!(logs("a"), [""; 0]);
        assert_eq!(logs("a b"), ["bad-object-metadata /spec/metadata/annotations/services/a b"]);
        let shard = "apiVersion: stackgres.io/v1alpha1\nkind: SGShardedCluster\nmetadata: {name: a}\nspec: {type: citus, database: a, postgres: {version: '17'}, coordinator: {instances: 1, pods: {persistentVolume: {size: 5Gi}}}, shards: {clusters: 1, instancesPerCluster: 1, pods: {persistentVolume: {size: 5Gi}}, overrides: [{index: 0, metadata: {labels: {clusterPods: {a: 'b c'}}}}]}}\n";
        assert_eq!(of(shard), ["bad-object-metadata /spec/shards/overrides/0/metadata/labels/clusterPods/a"]);
    }
}
