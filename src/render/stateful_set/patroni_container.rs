//! The container that runs Patroni and PostgreSQL as one unprivileged process tree.

use super::containers::{finish, image};
use super::volumes::huge_pages;
use crate::resolve::Effective;
use serde_json::{Map, Value, json};

/// The database container.
pub(super) fn patroni(effective: &Effective) -> Value {
    let mut mounts = vec![
        json!({"name": format!("{}-data", effective.cluster.name), "mountPath": "/var/lib/postgresql"}),
        json!({"name": "run", "mountPath": "/var/run/postgresql"}),
        json!({"name": "runtime", "mountPath": "/run/stackgres"}),
        json!({"name": "shared-memory", "mountPath": "/dev/shm"}),
        json!({"name": "temporary", "mountPath": "/tmp"}),
        json!({"name": "patroni-configuration", "mountPath": "/etc/stackgres/patroni", "readOnly": true}),
        json!({"name": "scripts", "mountPath": "/etc/stackgres/scripts", "readOnly": true}),
        json!({"name": "credentials", "mountPath": "/etc/stackgres/credentials", "readOnly": true}),
        json!({"name": "backup-configuration", "mountPath": "/etc/stackgres/backup", "readOnly": true}),
        json!({"name": "backup-credentials", "mountPath": "/etc/stackgres/backup-credentials", "readOnly": true}),
        json!({"name": "backup-spool", "mountPath": "/var/spool/stackgres"}),
        json!({"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}),
    ];
    for size in huge_pages(effective) {
        mounts.push(json!({"name": format!("hugepages-{}", size.to_lowercase()), "mountPath": format!("/hugepages-{size}")}));
    }
    if effective.postgres.ssl.enabled.value {
        mounts.push(json!({"name": "ssl", "mountPath": "/etc/stackgres/ssl", "readOnly": true}));
    }
    let mut ports = vec![
        json!({"name": "pgreplication", "containerPort": 5432, "protocol": "TCP"}),
        json!({"name": "patroniport", "containerPort": 8009, "protocol": "TCP"}),
    ];
    if effective.pooling.is_none() {
        // The same port under the name that the Services use for clients.
        ports[0]["name"] = json!("pgport");
    }
    let grace = effective.termination_grace_period_seconds.value.to_string();
    let field = |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}});
    finish(
        effective,
        json!({
            "name": "patroni",
            "image": image(effective, "postgres"),
            "command": ["/bin/sh", "/etc/stackgres/scripts/start-patroni"],
            "env": [field("POD_NAME", "metadata.name"), field("POD_IP", "status.podIP")],
            "ports": ports,
            // Patroni's answer, not PostgreSQL's: a standby in recovery is alive, however long it takes.
            // Asked often: a new pod counts as alive as soon as it is.
            "startupProbe": probe(effective, "/liveness", 2, 300, None),
            "livenessProbe": probe(effective, "/liveness", 10, 6, effective.pods.get("livenessProbe")),
            "readinessProbe": probe(effective, "/readiness", 3, 3, effective.pods.get("readinessProbe")),
            "lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "/etc/stackgres/scripts/pre-stop", grace]}}},
            "volumeMounts": mounts,
        }),
    )
}

/// A probe of Patroni's REST API; the user's timing wins. The kubelet checks no certificate.
fn probe(effective: &Effective, path: &str, period: u32, failures: u32, user: Option<&Value>) -> Value {
    let mut probe: Map<String, Value> = Map::new();
    let scheme = if effective.postgres.ssl.enabled.value { "HTTPS" } else { "HTTP" };
    probe.insert("httpGet".to_owned(), json!({"path": path, "port": "patroniport", "scheme": scheme}));
    probe.insert("periodSeconds".to_owned(), json!(period));
    probe.insert("failureThreshold".to_owned(), json!(failures));
    probe.insert("timeoutSeconds".to_owned(), json!(5));
    for (field, value) in user.and_then(Value::as_object).into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        probe.insert(field.clone(), value.clone());
    }
    Value::Object(probe)
}
