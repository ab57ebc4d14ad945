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
    let scheme = if effective.postgres.ssl.enabled.value { "HTTPS" } else { "HTTP" };
    let grace = effective.termination_grace_period_seconds.value.to_string();
    let mut lifecycle = json!({"preStop": {"exec": {"command": ["/bin/sh", "/etc/stackgres/scripts/pre-stop", grace]}}});
    if effective.pooling.is_some() {
        lifecycle["postStart"] = json!({"exec": {"command": ["/bin/sh", "/etc/stackgres/scripts/post-start"]}});
    }
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
            "startupProbe": probe(scheme, "/liveness", 2, 300, None),
            "livenessProbe": liveness(scheme, effective.pods.get("livenessProbe")),
            "readinessProbe": probe(scheme, "/readiness", 3, 3, effective.pods.get("readinessProbe")),
            "lifecycle": lifecycle,
            "volumeMounts": mounts,
        }),
    )
}

/// The kubelet is the watchdog that a pod has no device for.
///
/// A Patroni that stands still gives its PostgreSQL no order to stop, and the lock can be another's as early as `ttl` - `loop_wait`
/// = 20 s later. So it has to be killed before: 4 failures, one every 3 s, the last with its timeout of 3 s, are 15 s at most;
/// the hook before the stop and the wait for a process that takes no signal share the grace of 1 s, which the kubelet makes 3 s.
/// Patroni answers this from a thread of its own, whatever PostgreSQL does: recovery and cloning are no failure.
fn liveness(scheme: &str, user: Option<&Value>) -> Value {
    let mut probe = probe(scheme, "/liveness", 3, 4, None);
    probe["timeoutSeconds"] = json!(3);
    probe["terminationGracePeriodSeconds"] = json!(1);
    overlay(&mut probe, user);
    probe
}

/// A probe of Patroni's REST API; the user's timing wins. The kubelet checks no certificate.
fn probe(scheme: &str, path: &str, period: u32, failures: u32, user: Option<&Value>) -> Value {
    let mut probe: Map<String, Value> = Map::new();
    probe.insert("httpGet".to_owned(), json!({"path": path, "port": "patroniport", "scheme": scheme}));
    probe.insert("periodSeconds".to_owned(), json!(period));
    probe.insert("failureThreshold".to_owned(), json!(failures));
    probe.insert("timeoutSeconds".to_owned(), json!(5));
    let mut probe = Value::Object(probe);
    overlay(&mut probe, user);
    probe
}

fn overlay(probe: &mut Value, user: Option<&Value>) {
    for (field, value) in user.and_then(Value::as_object).into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        probe[field] = value.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::patroni_defaults;

    /// A standing Patroni that is killed later lets two primaries acknowledge commits at once.
    #[test]
    fn a_standing_patroni_is_killed_before_its_lock_can_be_anothers() {
        let (probe, defaults) = (liveness("HTTP", None), patroni_defaults());
        let of = |field: &str| probe[field].as_u64().unwrap();
        let setting = |name: &str| defaults.iter().find(|(key, _)| *key == name).and_then(|(_, value)| value.as_u64()).unwrap();
        // The kubelet gives the hook the whole grace, and at least 2 s to what is left. Source: Kubernetes 1.34, `killContainer`.
        let killed = of("periodSeconds") * of("failureThreshold") + of("timeoutSeconds") + of("terminationGracePeriodSeconds") + 2;
        assert!(killed < setting("ttl") - setting("loop_wait"), "{killed} s");
        // What a user sets is the user's.
        assert_eq!(liveness("HTTP", Some(&json!({"periodSeconds": 30, "timeoutSeconds": null})))["periodSeconds"], 30);
    }
}
