//! Volumes of the pod.

use super::custom;
use crate::render::certificate_secret;
use crate::render::config_maps::exporter_configuration;
use crate::resolve::Effective;
use serde_json::{Value, json};

/// Every volume but the data volume, which comes from the claim template.
///
/// The backup volumes are there from the first day and may be empty, so that enabling backups makes no new pods.
pub(super) fn volumes(effective: &Effective) -> Value {
    let name = &effective.cluster.name;
    let mut volumes = vec![
        json!({"name": "run", "emptyDir": {}}),
        json!({"name": "runtime", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}),
        json!({"name": "shared-memory", "emptyDir": {"medium": "Memory"}}),
        json!({"name": "temporary", "emptyDir": {}}),
        json!({"name": "patroni-configuration", "configMap": {"name": name, "defaultMode": 0o444}}),
        json!({"name": "scripts", "configMap": {"name": format!("{name}-templates"), "defaultMode": 0o555}}),
        json!({"name": "credentials", "secret": {"secretName": name, "defaultMode": 0o440}}),
        json!({"name": "backup-configuration", "configMap": {"name": format!("{name}-backup"), "defaultMode": 0o444, "optional": true}}),
        json!({"name": "backup-credentials", "secret": {"secretName": format!("{name}-backup"), "defaultMode": 0o440, "optional": true}}),
        json!({"name": "backup-spool", "emptyDir": {}}),
        json!({"name": "token", "projected": {"defaultMode": 0o440, "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
        ]}}),
    ];
    for size in huge_pages(effective) {
        volumes.push(json!({"name": format!("hugepages-{}", size.to_lowercase()), "emptyDir": {"medium": format!("HugePages-{size}")}}));
    }
    if effective.postgres.ssl.enabled.value {
        volumes.push(certificate(effective));
    }
    if effective.pooling.is_some() {
        volumes.push(json!({"name": "pgbouncer-configuration", "configMap": {"name": format!("{name}-connection-pooling-config"), "defaultMode": 0o444}}));
        volumes.push(json!({"name": "pgbouncer-users", "secret": {"secretName": name, "defaultMode": 0o440, "items": [{"key": "pgbouncer-users", "path": "userlist.txt"}]}}));
    }
    if effective.exporter.as_ref().is_some_and(|exporter| !exporter.queries.is_null()) {
        let map = json!({"name": exporter_configuration(effective), "defaultMode": 0o444});
        volumes.push(json!({"name": "exporter-queries", "configMap": map}));
    }
    volumes.extend(custom::volumes(effective));
    Value::Array(volumes)
}

/// Sizes of the huge pages of the database container. Each needs a volume of its medium to be used through files; the server's own
/// shared memory takes them without. Source: Kubernetes documentation, "Manage HugePages".
pub(super) fn huge_pages(effective: &Effective) -> Vec<&'static str> {
    let limits = effective.resources.get("patroni").map(|amounts| &amounts.limits);
    ["2Mi", "1Gi"].into_iter().filter(|size| limits.is_some_and(|limits| limits.contains_key(&format!("hugepages-{size}")))).collect()
}

/// Certificate and key of whatever origin. PostgreSQL refuses a key that others may read; 0440 is right for a key owned by root
/// whose group is the server's.
fn certificate(effective: &Effective) -> Value {
    json!({"name": "ssl", "secret": {"secretName": certificate_secret(&effective.cluster.name), "defaultMode": 0o440}})
}
