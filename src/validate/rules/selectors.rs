//! References to keys of Secrets and ConfigMaps.

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use crate::model::pointer::join;
use serde_json::Value;

const EMPTY: Code = Code::error(
    "empty-selector",
    "a reference to a key of a Secret or ConfigMap is empty",
    "It leads nowhere: the pod would wait for an object that can never exist.",
);

pub(super) const RULES: &[Rule] = &[Rule { code: EMPTY, check: Check::Every(empty) }];

fn empty(manifest: &Manifest) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if let Some(spec) = manifest.object.get("/spec") {
        walk("/spec", spec, manifest, &mut problems);
    }
    problems
}

/// Whatever has exactly a name and a key is such a reference.
fn walk(pointer: &str, value: &Value, manifest: &Manifest, problems: &mut Vec<Diagnostic>) {
    match value {
        Value::Object(map) => {
            if map.contains_key("name")
                && map.contains_key("key")
                && map.keys().all(|key| ["name", "key", "optional"].contains(&key.as_str()))
            {
                for field in ["name", "key"].into_iter().filter(|field| map.get(*field).and_then(Value::as_str) == Some("")) {
                    let problem = Diagnostic::error("empty-selector", format!("the {field} is empty"));
                    problems.push(at(manifest, &join(pointer, field), problem.help("name the object and its key")));
                }
            }
            map.iter().for_each(|(key, child)| walk(&join(pointer, key), child, manifest, problems));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| walk(&format!("{pointer}/{index}"), item, manifest, problems));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{examine, findings};

    #[test]
    fn a_reference_names_something() {
        let ssl = |name: &str| {
            findings(&format!(
                "  pods: {{persistentVolume: {{size: 5Gi}}, customEnv: {{patroni: [{{name: A, valueFrom: {{secretKeyRef: {{name: '{name}', key: k}}}}}}]}}}}"
            ))
        };
        assert_eq!(ssl(""), ["empty-selector /spec/pods/customEnv/patroni/0/valueFrom/secretKeyRef/name"]);
        assert_eq!(ssl("a"), [""; 0]);
        let script = "apiVersion: stackgres.io/v1\nkind: SGScript\nmetadata: {name: a}\nspec: {scripts: [{scriptFrom: {secretKeyRef: {name: a, key: ''}}}]}\n";
        assert_eq!(examine(script).0, ["empty-selector /spec/scripts/0/scriptFrom/secretKeyRef/key"]);
        let stream = "apiVersion: stackgres.io/v1alpha1\nkind: SGStream\nmetadata: {name: a}\nspec: {source: {type: Postgres, postgres: {host: h, username: {name: u, key: k}, password: {name: '', key: k}}}, target: {type: CloudEvent, cloudEvent: {http: {url: 'https://e'}}}, pods: {persistentVolume: {size: 1Gi}}}\n";
        assert!(examine(stream).0.contains(&"empty-selector /spec/source/postgres/password/name".to_owned()));
    }
}
