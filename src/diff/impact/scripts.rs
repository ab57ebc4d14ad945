//! SQL that runs because of a change.

use super::{Disturbance, Finding};
use crate::load::Manifest;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What tells one entry of a cluster's scripts from another: the SGScript, and the number or the position.
type Key = (String, String);

/// Each new and each changed entry: it runs once on the primary.
pub(super) fn findings(before: &[Manifest], after: &[Manifest]) -> Vec<Finding> {
    let (old, new) = (entries(before), entries(after));
    let mut findings = Vec::new();
    for (key, entry) in &new {
        let before = old.get(key);
        let managed = entry["managed"] != Value::Bool(false);
        let changed = before.is_some_and(|before| {
            let version = |entry: &Value| entry["version"].as_i64().unwrap_or(0);
            if managed { before["says"] != entry["says"] || version(before) != version(entry) } else { version(entry) > version(before) }
        });
        // Without ids, an entry that only moved says what another one said.
        let moved = key.1.starts_with("at ") && old.iter().any(|(other, before)| other.0 == key.0 && before["says"] == entry["says"]);
        if moved || (before.is_some() && !changed) {
            continue;
        }
        let database = entry["says"]["database"].as_str().unwrap_or("postgres");
        let reason = match before {
            Some(_) => format!("changed: it runs again on the primary, in the database {database}"),
            None => format!("new: it runs once on the primary, in the database {database}"),
        };
        findings.push(Finding::new(Disturbance::Nothing, format!("SQL of {} entry {}", key.0, key.1), reason));
    }
    findings
}

/// Every entry of the scripts a cluster refers to: what it says, its version, and who manages that.
fn entries(manifests: &[Manifest]) -> BTreeMap<Key, Value> {
    let cluster = manifests.iter().find(|manifest| manifest.object.kind() == "SGCluster");
    let references = cluster.and_then(|cluster| cluster.object.get("/spec/managedSql/scripts")).and_then(Value::as_array);
    let mut found = BTreeMap::new();
    for name in references.into_iter().flatten().filter_map(|reference| reference["sgScript"].as_str()) {
        let Some(script) = manifests.iter().find(|manifest| manifest.object.kind() == "SGScript" && manifest.object.name() == name) else {
            continue;
        };
        let managed = script.object.get("/spec/managedVersions").cloned().unwrap_or(Value::Bool(true));
        let list = script.object.get("/spec/scripts").and_then(Value::as_array);
        for (position, entry) in list.into_iter().flatten().enumerate() {
            let id = entry["id"].as_i64().filter(|id| *id >= 0).map_or_else(|| format!("at {position}"), |id| id.to_string());
            let mut says: Map<String, Value> = entry.as_object().cloned().unwrap_or_default();
            for other in ["id", "name", "version", "retryOnError"] {
                says.remove(other);
            }
            let content = entry["scriptFrom"]["configMapKeyRef"]["name"].as_str().and_then(|name| {
                let map = manifests.iter().find(|manifest| manifest.object.kind() == "ConfigMap" && manifest.object.name() == name)?;
                map.object.get("/data")?.get(entry["scriptFrom"]["configMapKeyRef"]["key"].as_str()?).cloned()
            });
            says.insert("content".to_owned(), content.unwrap_or_default());
            found.insert((name.to_owned(), id), json!({"says": says, "version": entry["version"], "managed": managed}));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Object;

    fn manifests(spec: Value) -> Vec<Manifest> {
        let cluster = json!({"kind": "SGCluster", "metadata": {"name": "c"}, "spec": {"managedSql": {"scripts": [{"sgScript": "a"}]}}});
        let script = json!({"kind": "SGScript", "metadata": {"name": "a"}, "spec": spec});
        let others = json!({"kind": "SGScript", "metadata": {"name": "b"}, "spec": {"scripts": [{"script": spec.to_string()}]}});
        [cluster, script, others].into_iter().map(|value| Manifest::live(Object::new(value))).collect()
    }

    fn judged(before: Value, after: Value) -> Vec<String> {
        let found = findings(&manifests(before), &manifests(after));
        found.iter().map(|finding| format!("{}: {}", finding.subject, finding.reason)).collect()
    }

    #[test]
    fn new_and_changed_entries_are_told() {
        let one = json!({"scripts": [{"id": 0, "script": "one"}, {"script": "two"}]});
        assert_eq!(judged(one.clone(), one.clone()), [""; 0]);
        assert_eq!(
            judged(
                one,
                json!({"scripts": [{"id": 0, "script": "one", "database": "shop"}, {"id": 4, "script": "new"}, {"script": "two"}]})
            ),
            [
                "SQL of a entry 0: changed: it runs again on the primary, in the database shop",
                "SQL of a entry 4: new: it runs once on the primary, in the database postgres"
            ]
        );
    }

    #[test]
    fn what_runs_nothing_is_not_told() {
        let entry = |fields: Value| {
            let mut entry = json!({"id": 0, "script": "one"});
            entry.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            json!({"scripts": [entry]})
        };
        assert_eq!(judged(entry(json!({})), entry(json!({"name": "x", "retryOnError": true, "version": 0}))), [""; 0]);
        assert_eq!(judged(entry(json!({})), entry(json!({"version": 1}))).len(), 1);
        let unmanaged =
            |script: &str, version: i64| json!({"managedVersions": false, "scripts": [{"id": 0, "script": script, "version": version}]});
        assert_eq!(judged(unmanaged("one", 2), unmanaged("two", 1)), [""; 0]);
        assert_eq!(judged(unmanaged("one", 2), unmanaged("one", 3)).len(), 1);
    }
}
