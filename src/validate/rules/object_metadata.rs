//! Labels and annotations that a cluster gives to the objects made for it.
//!
//! Source: Kubernetes documentation, "Labels and Selectors" and "Annotations".

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};
use crate::model::labels::{is_annotation_key, is_key, is_label_value};
use crate::model::pointer::join;
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[Rule {
    code: Code::error(
        "bad-object-metadata",
        "a label or annotation for the cluster's objects has not the required form",
        "Keys are an optional DNS prefix and a name of at most 63 characters; label values have at most 63 characters of letters, digits, dots, dashes and underscores. The API server would refuse every object of the cluster.",
    ),
    check: Check::Cluster(entries),
}];

fn entries(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for section in ["labels", "annotations"] {
        let pointer = format!("/spec/metadata/{section}");
        let scopes = context.inputs.cluster.object.get(&pointer).and_then(Value::as_object);
        for (scope, entries) in scopes.into_iter().flatten() {
            let pointer = join(&pointer, scope);
            for (key, value) in entries.as_object().into_iter().flatten() {
                let value = value.as_str().unwrap_or_default();
                let is_key = if section == "labels" { is_key(key) } else { is_annotation_key(key) };
                let message = if !is_key {
                    format!("`{key}` is no valid key")
                } else if section == "labels" && !is_label_value(value) {
                    format!("`{value}` is no valid label value")
                } else {
                    continue;
                };
                let help = if is_key { "put free text into an annotation" } else { "write PREFIX/NAME or NAME" };
                problems.push(context.at(&join(&pointer, key), Diagnostic::error("bad-object-metadata", message).help(help)));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

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
}
