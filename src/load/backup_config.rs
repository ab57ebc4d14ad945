//! The kind SGBackupConfig, whose content stands in two places since StackGres 1.3: an SGObjectStorage has the storage, and
//! `spec.configurations.backups` of each SGCluster says when and how.
//!
//! Source: StackGres documentation, "Upgrade via Helm", 1.3.0 and 1.2.0; CustomResourceDefinitions of SGBackupConfig (v1beta1, v1) and
//! StackGresBackupConfig (v1alpha1).

use crate::api::find_kind;
use crate::diagnostics::{Diagnostic, mask_text};
use serde_json::{Map, Value, json};

/// Parts of `spec.baseBackups` that are written as they were.
const KEPT: &[&str] = &["cronSchedule", "retention", "compression"];

/// Limits of a backup, with the misspelt names that they had before 1.2.
const PERFORMANCE: &[(&str, &str)] = &[
    ("maxNetworkBandwitdh", "maxNetworkBandwidth"),
    ("maxDiskBandwitdh", "maxDiskBandwidth"),
    ("maxNetworkBandwidth", "maxNetworkBandwidth"),
    ("maxDiskBandwidth", "maxDiskBandwidth"),
    ("uploadDiskConcurrency", "uploadDiskConcurrency"),
    ("uploadConcurrency", "uploadConcurrency"),
    ("downloadConcurrency", "downloadConcurrency"),
];

/// The refusal, with what to write in its place.
pub(super) fn refused(value: &Value) -> Diagnostic {
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
    let problem =
        Diagnostic::error("kind-no-longer-served", format!("{kind} is not served any more: its content stands in two places now"));
    let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("NAME");
    match (serde_yaml::to_string(&storage(value, name)), serde_yaml::to_string(&backups(value, name))) {
        (Ok(storage), Ok(backups)) => {
            let text =
                format!("{}\n---\n# in each SGCluster that names {name} as sgBackupConfig\n{}", storage.trim_end(), backups.trim_end());
            problem.help(format!("write an SGObjectStorage, and its use in the SGCluster\n{}", mask_text(&text)))
        }
        _ => problem.help("write an SGObjectStorage, and spec.configurations.backups of the SGCluster with its `sgObjectStorage`"),
    }
}

/// The SGObjectStorage. A `path` beside the bucket stands behind its name now.
fn storage(value: &Value, name: &str) -> Value {
    let mut spec = value.pointer("/spec/storage").cloned().unwrap_or_else(|| json!({"type": "s3"}));
    for section in spec.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let Some(section) = section.as_object_mut() else { continue };
        let path = section.remove("path");
        let path = path.as_ref().and_then(Value::as_str).unwrap_or_default().trim_matches('/').to_owned();
        if let Some(Value::String(bucket)) = section.get_mut("bucket")
            && !path.is_empty()
        {
            *bucket = format!("{}/{path}", bucket.trim_end_matches('/'));
        }
    }
    let mut metadata = Map::from_iter([("name".to_owned(), Value::from(name))]);
    if let Some(namespace) = value.pointer("/metadata/namespace").filter(|namespace| namespace.is_string()) {
        metadata.insert("namespace".to_owned(), namespace.clone());
    }
    let version = find_kind("SGObjectStorage").map(crate::api::Kind::api_version).unwrap_or_default();
    json!({"apiVersion": version, "kind": "SGObjectStorage", "metadata": metadata, "spec": spec})
}

/// The part of the SGCluster.
fn backups(value: &Value, name: &str) -> Value {
    let mut entry = Map::from_iter([("sgObjectStorage".to_owned(), Value::from(name))]);
    let written = |pointer: &str| value.pointer(pointer).filter(|value| !value.is_null()).cloned();
    for field in KEPT {
        entry.extend(written(&format!("/spec/baseBackups/{field}")).map(|value| ((*field).to_owned(), value)));
    }
    // Names of v1alpha1.
    for (old, new) in [("fullSchedule", "cronSchedule"), ("retention", "retention"), ("compressionMethod", "compression")] {
        entry.extend(written(&format!("/spec/{old}")).map(|value| (new.to_owned(), value)));
    }
    let limits =
        PERFORMANCE.iter().filter_map(|(old, new)| Some(((*new).to_owned(), written(&format!("/spec/baseBackups/performance/{old}"))?)));
    let limits: Map<String, Value> = limits.collect();
    if !limits.is_empty() {
        entry.insert("performance".to_owned(), Value::Object(limits));
    }
    json!({"spec": {"configurations": {"backups": [entry]}}})
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path that gets lost would look for the old backups in an empty place; a schedule that gets lost makes none.
    #[test]
    fn what_to_write_holds_everything() {
        let old = json!({"apiVersion": "stackgres.io/v1", "kind": "SGBackupConfig", "metadata": {"name": "b", "namespace": "n"}, "spec": {
            "baseBackups": {"cronSchedule": "0 5 * * *", "retention": 3, "compression": "lz4", "performance": {"maxDiskBandwitdh": 26_214_400}},
            "storage": {"type": "s3Compatible", "s3Compatible": {"bucket": "stackgres", "path": "/old/", "endpoint": "http://minio:9000",
                "awsCredentials": {"secretKeySelectors": {"accessKeyId": {"name": "minio", "key": "accesskey"}}}}}}});
        let help = refused(&old).help.unwrap();
        let mut documents = help.split_once('\n').unwrap().1.split("---\n");
        let storage: Value = serde_yaml::from_str(documents.next().unwrap()).unwrap();
        assert_eq!(
            (&storage["kind"], &storage["metadata"], &storage["spec"]["s3Compatible"]["bucket"], &storage["spec"]["s3Compatible"]["path"]),
            (&json!("SGObjectStorage"), &json!({"name": "b", "namespace": "n"}), &json!("stackgres/old"), &Value::Null)
        );
        assert_eq!(
            storage["spec"]["s3Compatible"]["awsCredentials"]["secretKeySelectors"]["accessKeyId"],
            json!({"name": "minio", "key": "accesskey"}),
            "names of Secrets are no secrets"
        );
        let cluster: Value = serde_yaml::from_str(documents.next().unwrap()).unwrap();
        assert_eq!(
            cluster["spec"]["configurations"]["backups"][0],
            json!({"sgObjectStorage": "b", "cronSchedule": "0 5 * * *", "retention": 3, "compression": "lz4", "performance": {"maxDiskBandwidth": 26_214_400}})
        );
        assert!(refused(&json!({"kind": "SGBackupConfig", "spec": 1})).help.is_some(), "an empty one is refused as well");
    }
}
