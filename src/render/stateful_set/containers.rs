//! The containers.

use super::{custom, patroni_container};
use crate::resolve::Effective;
use serde_json::{Value, json};

/// Every container of the pod: the database first.
pub(super) fn containers(effective: &Effective) -> Value {
    let mut containers = vec![patroni_container::patroni(effective)];
    if effective.pooling.is_some() {
        containers.push(finish(effective, pgbouncer(effective)));
    }
    if effective.exporter.is_some() {
        containers.push(finish(effective, exporter(effective)));
    }
    if effective.postgres_util.value {
        containers.push(finish(effective, postgres_util(effective)));
    }
    if effective.has_pooler_exporter() {
        // The last to start, as it ends when it does not find the pooler.
        containers.push(finish(effective, pooler_exporter(effective)));
    }
    containers.extend(custom::containers(effective, "customContainers"));
    Value::Array(containers)
}

/// What every container of ours has: image, rights, size, the user's own additions.
pub(super) fn finish(effective: &Effective, mut container: Value) -> Value {
    let name = container["name"].as_str().unwrap_or_default().to_owned();
    container["imagePullPolicy"] = json!(effective.image_pull_policy);
    container["securityContext"] = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": true,
        "runAsNonRoot": true,
    });
    if let Some(amounts) = effective.resources.get(&name) {
        container["resources"] = json!(amounts);
    }
    custom::decorate(effective, &name, false, &mut container);
    container
}

/// The image of a component.
pub(super) fn image(effective: &Effective, component: &str) -> Value {
    json!(effective.images.get(component).cloned().unwrap_or_default())
}

fn pgbouncer(effective: &Effective) -> Value {
    let mut mounts = vec![
        json!({"name": "run", "mountPath": "/var/run/postgresql"}),
        json!({"name": "pgbouncer-configuration", "mountPath": "/etc/stackgres/pgbouncer", "readOnly": true}),
        json!({"name": "pgbouncer-users", "mountPath": "/etc/stackgres/pgbouncer-users", "readOnly": true}),
    ];
    if effective.postgres.ssl.enabled.value {
        mounts.push(json!({"name": "ssl", "mountPath": "/etc/stackgres/ssl", "readOnly": true}));
    }
    json!({
        "name": "pgbouncer",
        "image": image(effective, "pgbouncer"),
        "command": ["pgbouncer", "/etc/stackgres/pgbouncer/pgbouncer.ini"],
        "ports": [{"name": "pgport", "containerPort": 6432, "protocol": "TCP"}],
        "livenessProbe": {"tcpSocket": {"port": "pgport"}, "periodSeconds": 20, "failureThreshold": 6, "timeoutSeconds": 5},
        "readinessProbe": {"tcpSocket": {"port": "pgport"}, "periodSeconds": 10, "timeoutSeconds": 5},
        "volumeMounts": mounts,
    })
}

fn exporter(effective: &Effective) -> Value {
    // Off by default: the age of the oldest transaction id, which stops writes when it runs out, and who holds it back.
    let mut arguments = vec!["--collector.database_wraparound", "--collector.long_running_transactions", "--log.format=json"];
    if effective.postgres.major >= 17 {
        // A view of 17; older servers have its columns in pg_stat_bgwriter.
        arguments.push("--collector.stat_checkpointer");
    }
    let mut mounts = vec![json!({"name": "run", "mountPath": "/var/run/postgresql"})];
    if effective.exporter.as_ref().is_some_and(|exporter| !exporter.queries.is_null()) {
        arguments.push("--extend.query-path=/etc/stackgres/exporter/queries.yaml");
        mounts.push(json!({"name": "exporter-queries", "mountPath": "/etc/stackgres/exporter", "readOnly": true}));
    }
    json!({
        "name": "prometheus-postgres-exporter",
        "image": image(effective, "exporter"),
        "args": arguments,
        "env": [
            {"name": "DATA_SOURCE_NAME", "value": "host=/var/run/postgresql user=postgres dbname=postgres sslmode=disable"},
        ],
        "ports": [{"name": "pgexporter", "containerPort": 9187, "protocol": "TCP"}],
        "livenessProbe": {"httpGet": {"path": "/", "port": "pgexporter"}, "periodSeconds": 30, "failureThreshold": 6, "timeoutSeconds": 10},
        "volumeMounts": mounts,
    })
}

/// The pooler's metrics, from its console over the socket. PgBouncer lets the user `pgbouncer` in without a password there, if the
/// client runs as the pooler's own operating system user; so this container needs no secret, and its way is the one by which the
/// other exporter reaches PostgreSQL. Source: PgBouncer documentation, "Admin console".
fn pooler_exporter(effective: &Effective) -> Value {
    json!({
        "name": "prometheus-pgbouncer-exporter",
        "image": image(effective, "exporter"),
        "command": ["prometheus-pgbouncer-exporter"],
        "args": [
            "--pgBouncer.connectionString=host=/var/run/postgresql port=6432 user=pgbouncer dbname=pgbouncer sslmode=disable",
            // The process of another container is not to be seen from here.
            "--pgBouncer.pid-file=",
            "--log.format=json",
        ],
        "ports": [{"name": "poolexporter", "containerPort": 9127, "protocol": "TCP"}],
        "livenessProbe": {"httpGet": {"path": "/", "port": "poolexporter"}, "periodSeconds": 30, "failureThreshold": 6, "timeoutSeconds": 10},
        "volumeMounts": [{"name": "run", "mountPath": "/var/run/postgresql"}],
    })
}

fn postgres_util(effective: &Effective) -> Value {
    json!({
        "name": "postgres-util",
        "image": image(effective, "util"),
        "command": ["/bin/sh", "-c", "trap 'exit 0' TERM INT; while true; do sleep 3600 & wait $!; done"],
        "volumeMounts": [
            {"name": "run", "mountPath": "/var/run/postgresql"},
            {"name": "temporary", "mountPath": "/tmp"},
        ],
    })
}
