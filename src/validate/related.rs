//! The other place of a finding that is about two: the first of two items, the object that a reference leads to.
//!
//! A rule says what is wrong where it is; which other place that is about follows from its code, and so it is told in one way for all.

use crate::api::find_kind;
use crate::api::schema::{Schema, Shape};
use crate::diagnostics::Diagnostic;
use crate::load::Manifest;
use crate::model::pointer::{from_path, join, segments};
use crate::resolve::Inputs;
use serde_json::Value;

/// Findings on the second of two items of a list with the same value.
const TWICE: &[&str] = &["duplicate-container", "duplicate-script-id", "extension-twice", "script-named-twice"];

/// Names that differ in case alone.
const SAME_NAME: &str = "duplicate-parameter";

/// Adds the other place to a finding on a manifest, of a cluster with its inputs.
pub(super) fn with_other_place(problem: Diagnostic, manifest: &Manifest, inputs: Option<&Inputs>) -> Diagnostic {
    let code = problem.code.as_str();
    let other = if TWICE.contains(&code) {
        from_path(&problem.path).and_then(|pointer| first_item(manifest, &pointer)).map(|first| (manifest, first, "the first one"))
    } else if code == SAME_NAME {
        from_path(&problem.path).and_then(|pointer| same_name(manifest, &pointer)).map(|first| (manifest, first, "the other one"))
    } else if code == "duplicate-item" {
        from_path(&problem.path).and_then(|pointer| same_keys(manifest, &pointer)).map(|first| (manifest, first, "the first one"))
    } else {
        inputs.and_then(|inputs| referred_to(code, inputs))
    };
    match other {
        Some((manifest, pointer, message)) => problem.related(manifest.locate(&pointer), message),
        None => problem,
    }
}

/// What a reference that does not fit leads to.
fn referred_to<'a>(code: &str, inputs: &'a Inputs) -> Option<(&'a Manifest, String, &'static str)> {
    let (manifest, pointer, message) = match code {
        "configuration-for-another-major" => (inputs.postgres_config.as_ref(), "/spec/postgresVersion", "the SGPostgresConfig says which"),
        "replication-source-does-not-fit" => (inputs.source.as_ref(), "/spec/postgres/version", "the source"),
        "side-containers-exceed-profile" => (inputs.instance_profile.as_ref(), "/spec", "the profile"),
        _ => return None,
    };
    Some((manifest?, pointer.to_owned(), message))
}

/// The first item of the list around a field that has the same value in it.
fn first_item(manifest: &Manifest, pointer: &str) -> Option<String> {
    let (item, field) = pointer.rsplit_once('/')?;
    let (list, index) = item.rsplit_once('/')?;
    let value = manifest.object.get(pointer)?;
    let items = manifest.object.get(list).and_then(Value::as_array)?;
    let first = items.iter().take(index.parse().ok()?).position(|item| item.get(field) == Some(value))?;
    Some(format!("{list}/{first}/{field}"))
}

/// The first item of a list that has the same keys as this one.
fn same_keys(manifest: &Manifest, pointer: &str) -> Option<String> {
    let (list, index) = pointer.rsplit_once('/')?;
    let root: &Schema = &find_kind(manifest.object.kind())?.schema;
    let schema = segments(list).try_fold(root, |schema, segment| schema.child(&segment))?;
    let Shape::Array { map_keys, .. } = &schema.shape else { return None };
    let item = manifest.object.get(pointer)?;
    let items = manifest.object.get(list).and_then(Value::as_array)?;
    let same = |other: &Value| map_keys.iter().all(|key| other.get(key) == item.get(key));
    Some(format!("{list}/{}", items.iter().take(index.parse().ok()?).position(same)?))
}

/// A name beside this one that differs in case alone.
fn same_name(manifest: &Manifest, pointer: &str) -> Option<String> {
    let (parent, _) = pointer.rsplit_once('/')?;
    let name = segments(pointer).last()?;
    let siblings = manifest.object.get(parent).and_then(Value::as_object)?;
    let other = siblings.keys().find(|other| **other != name && other.eq_ignore_ascii_case(&name))?;
    Some(join(parent, other))
}

#[cfg(test)]
mod tests {
    use crate::diagnostics::Diagnostics;
    use crate::load::{LoadOptions, SourceFile, load};
    use crate::resolve::{Settings, resolve};
    use crate::validate::{check_cluster, check_manifest};
    use std::collections::BTreeSet;

    fn related(text: &str, code: &str) -> Vec<String> {
        let options = LoadOptions { default_namespace: Some("n".to_owned()), ..LoadOptions::default() };
        let loaded = load(&[SourceFile { path: "a.yaml".to_owned(), content: text.as_bytes().into() }], &options);
        let mut found: Diagnostics = loaded.manifests.iter().flat_map(check_manifest).collect();
        for inputs in resolve(&loaded.manifests, &[], &BTreeSet::new(), false).clusters {
            found.extend(check_cluster(inputs, &Settings::default()).1);
        }
        let places = found.0.iter().filter(|problem| problem.code == code).flat_map(|problem| &problem.related);
        places.map(|related| format!("{} {}", related.location, related.message)).collect()
    }

    const CLUSTER: &str =
        "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a}\nspec:\n  instances: 2\n  postgres: {version: '17'}\n";

    /// Who is shown one of two places has to search for the other in a file of a thousand lines.
    #[test]
    fn the_first_of_two_and_what_is_referred_to() {
        let pods = "  pods: {persistentVolume: {size: 5Gi}}\n";
        let twice = format!(
            "{CLUSTER}{pods}  managedSql:\n    scripts:\n    - {{sgScript: x}}\n    - {{sgScript: y}}\n    - {{sgScript: x}}\n---\napiVersion: stackgres.io/v1\nkind: SGScript\nmetadata: {{name: x}}\nspec: {{scripts: [{{script: SELECT 1}}]}}\n---\napiVersion: stackgres.io/v1\nkind: SGScript\nmetadata: {{name: y}}\nspec: {{scripts: [{{script: SELECT 1}}]}}\n"
        );
        assert_eq!(related(&twice, "script-named-twice"), ["a.yaml:10:8 the first one"]);
        let config = "apiVersion: stackgres.io/v1\nkind: SGPostgresConfig\nmetadata: {name: c}\nspec:\n  postgresVersion: '16'\n  postgresql.conf:\n    work_mem: 4MB\n    Work_mem: 4MB\n";
        let other = format!("{CLUSTER}{pods}  configurations: {{sgPostgresConfig: c}}\n---\n{}", config.replace("    Work_mem: 4MB\n", ""));
        assert_eq!(related(&other, "configuration-for-another-major"), ["a.yaml:14:3 the SGPostgresConfig says which"]);
        assert_eq!(related(config, "duplicate-parameter").len(), 1);
        let script = "apiVersion: stackgres.io/v1\nkind: SGScript\nmetadata: {name: x}\nspec:\n  scripts:\n  - id: 1\n    script: SELECT 1\n  - id: 1\n    script: SELECT 2\n";
        assert!(
            related(script, "duplicate-script-id")
                .iter()
                .chain(&related(script, "duplicate-item"))
                .any(|place| place.starts_with("a.yaml:6:"))
        );
    }
}
