//! Fields of older versions of the API, and the edit that brings them where they live now.

use super::Findings;
use crate::api::{self, Moved};
use crate::diagnostics::{Diagnostic, Diagnostics, mask_text};
use crate::load::Manifest;
use crate::model::pointer::to_path;
use serde_json::Value;

/// Gives findings about fields that an older version had the edit to make. What the edits fill in is not missing.
pub(super) fn with_edits(kind: &str, value: &Value, findings: &mut Findings) {
    let mut filled: Vec<String> = Vec::new();
    for (pointer, problem) in findings.iter_mut() {
        let Some(moved) = api::moved(kind, pointer).filter(|_| matches!(problem.code.as_str(), "unknown-field" | "wrong-type")) else {
            continue;
        };
        // Where any name may be the old field, a slip of a new one is likelier.
        let slip = problem.help.as_deref().is_some_and(|help| help.starts_with("did you mean"));
        if slip && moved.old().contains('*') {
            continue;
        }
        let name = pointer.rsplit('/').next().unwrap_or_default();
        if problem.code == "unknown-field" {
            problem.message = format!("there is no field `{name}` here any more; {} had it", moved.until());
        }
        let old = value.pointer(pointer).unwrap_or(&Value::Null);
        *problem = problem.clone().help(edit(moved, pointer, old));
        if moved.edit(pointer, old).is_some() {
            filled.extend(moved.new_place(pointer));
        }
    }
    findings.retain(|(pointer, problem)| {
        let below = |place: &String| place.strip_prefix(pointer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        problem.code != "missing-field" || !filled.iter().any(below)
    });
}

/// What to do about a field of a kind, with the text to write.
fn edit(moved: &Moved, pointer: &str, value: &Value) -> String {
    let text = moved.edit(pointer, value).and_then(|edit| serde_yaml::to_string(&edit).ok());
    match (moved.words(), text, moved.new_place(pointer)) {
        (Some(words), ..) => words.to_owned(),
        (None, Some(text), _) => format!("take it out and write\n{}", mask_text(text.trim_end())),
        (None, None, new) => format!("it lives at {} now", to_path(&new.unwrap_or_default())),
    }
}

/// Fields that are still taken and live elsewhere now. One with its default says nothing, and so does one that the new place repeats.
pub fn deprecated(manifest: &Manifest) -> Diagnostics {
    let object = &manifest.object;
    let mut found = Diagnostics::new();
    for moved in api::deprecated(object.kind()) {
        let pointer = moved.old();
        let says_nothing = |value: &Value| match value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(items) => items.is_empty(),
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        let Some(value) = object.get(pointer).filter(|value| !says_nothing(value)) else { continue };
        if moved.new_place(pointer).is_some_and(|new| object.get(&new) == Some(value)) {
            continue;
        }
        let problem = Diagnostic::warning("deprecated-field", format!("`{}` is deprecated", to_path(pointer)));
        found.push(problem.at(manifest.locate(pointer)).path(pointer).help(edit(moved, pointer, value)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::structural;
    use super::*;
    use crate::model::Object;
    use serde_json::json;

    fn manifest(kind: &str, version: &str, spec: Value) -> Manifest {
        let api_version = format!("stackgres.io/{version}");
        Manifest::live(Object::new(
            json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "namespace": "n"}, "spec": spec}),
        ))
    }

    fn found(kind: &str, spec: Value) -> Vec<(String, String, String)> {
        let problems = structural(&manifest(kind, "v1", spec));
        problems.into_iter().map(|problem| (problem.code, problem.path, problem.help.unwrap_or_default())).collect()
    }

    /// Whoever moves a repository here makes each edit once, and is not told that something lacks which the edit brings.
    #[test]
    fn an_old_cluster_is_told_each_edit_and_nothing_else() {
        let spec = json!({"instances": 1, "postgresVersion": "12.2", "pods": {"persistentVolume": {"size": "5Gi"}, "metadata": {"labels": {"a": "b"}}},
            "configurations": {"sgBackupConfig": "b"}, "initialData": {"restore": {"fromBackup": "d7e660a9-377c-11ea-b04b-0242ac110004"}},
            "prometheusAutobind": true});
        let found = found("SGCluster", spec);
        let paths: Vec<(&str, &str)> = found.iter().map(|(code, path, _)| (code.as_str(), path.as_str())).collect();
        for expected in [
            ("unknown-field", "spec.postgresVersion"),
            ("unknown-field", "spec.pods.metadata"),
            ("unknown-field", "spec.configurations.sgBackupConfig"),
            ("unknown-field", "spec.prometheusAutobind"),
            ("wrong-type", "spec.initialData.restore.fromBackup"),
        ] {
            assert!(paths.contains(&expected), "{expected:?}: {paths:?}");
        }
        assert_eq!(paths.len(), 5, "{paths:?}");
        let help = |path: &str| &found.iter().find(|(_, found, _)| found == path).unwrap().2;
        assert_eq!(help("spec.postgresVersion"), "take it out and write\nspec:\n  postgres:\n    version: '12.2'");
        assert!(help("spec.initialData.restore.fromBackup").contains("fromBackup: {name: NAME}"));
    }

    /// A field that is missing all the same is told.
    #[test]
    fn an_edit_fills_its_own_place_alone() {
        let found = found("SGCluster", json!({"instances": 1, "volumeSize": "5Gi"}));
        let codes: Vec<(&str, &str)> = found.iter().map(|(code, path, _)| (code.as_str(), path.as_str())).collect();
        assert_eq!(codes, [("missing-field", "spec.postgres"), ("unknown-field", "spec.volumeSize")]);
    }

    #[test]
    fn a_slip_in_a_new_name_is_no_old_field() {
        let ini = |key: &str| found("SGPoolingConfig", json!({"pgBouncer": {"pgbouncer.ini": {key: {}}}}));
        assert_eq!(ini("databses")[0].2, "did you mean `databases`?");
        assert!(
            ini("pool_mode")[0]
                .2
                .starts_with("take it out and write\nspec:\n  pgBouncer:\n    pgbouncer.ini:\n      pgbouncer:\n        pool_mode:")
        );
    }

    /// An export of upstream's operator writes every default; a warning on each would hide the others.
    #[test]
    fn what_is_deprecated_is_told_where_it_says_something() {
        let told = |pods: Value, observability: Value| {
            let spec = json!({"pods": pods, "configurations": {"observability": observability}});
            deprecated(&manifest("SGCluster", "v1", spec)).into_iter().map(|problem| problem.help.unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(
            told(json!({"disableMetricsExporter": true}), json!({})),
            ["take it out and write\nspec:\n  configurations:\n    observability:\n      disableMetrics: true"]
        );
        assert_eq!(told(json!({"disableMetricsExporter": false}), json!({})), [""; 0]);
        assert_eq!(told(json!({"disableMetricsExporter": true}), json!({"disableMetrics": true})), [""; 0]);
    }

    /// A script may set a password.
    #[test]
    fn an_edit_shows_no_secret() {
        let ini = found("SGPoolingConfig", json!({"pgBouncer": {"pgbouncer.ini": {"auth_password": "hunter2"}}}));
        assert!(!ini.iter().any(|(_, _, help)| help.contains("hunter2")), "{ini:?}");
    }
}
