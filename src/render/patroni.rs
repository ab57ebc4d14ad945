//! Patroni's static configuration: what an instance needs to find the others.

use super::dynamic_configuration::dynamic_configuration;
use super::metadata::{patroni as labels, scope};
use crate::resolve::Effective;
use serde_json::{Map, Value, json};

/// Where the data directory is: below the volume's root, so that an upgrade has room beside it on one file system.
pub(super) const DATA_DIRECTORY: &str = "/var/lib/postgresql/data";

/// Keys of the user's static configuration that pass through.
const PASSED: &[&str] = &["log", "tags", "watchdog"];

/// The static configuration as YAML (JSON is YAML). Credentials and the pod's own address are added at start from files.
pub(super) fn static_configuration(effective: &Effective) -> Value {
    let user = effective.patroni.get("initialConfig").and_then(Value::as_object);
    let mut configuration: Map<String, Value> = user
        .into_iter()
        .flatten()
        .filter(|(key, _)| PASSED.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    configuration.insert("scope".to_owned(), json!(scope(effective)));
    configuration.insert("namespace".to_owned(), json!("/service/"));
    let (port, pooled) = if effective.pooling.is_some() { (6432, true) } else { (5432, false) };
    configuration.insert(
        "kubernetes".to_owned(),
        json!({
            "namespace": effective.cluster.namespace,
            "labels": labels(effective),
            "scope_label": "stackgres.io/cluster-scope",
            "role_label": "role",
            "use_endpoints": true,
            "ports": [{"name": "pgport", "port": port}, {"name": "pgreplication", "port": 5432}],
        }),
    );
    let mut initdb = vec![
        json!({"auth-host": "scram-sha-256"}),
        json!({"auth-local": "scram-sha-256"}),
        json!({"encoding": "UTF8"}),
        json!({"locale": "C.UTF-8"}),
        json!("data-checksums"),
    ];
    if let Some(options) = effective.patroni.pointer("/initialConfig/bootstrap/initdb").and_then(Value::as_array) {
        initdb.clone_from(options);
    }
    configuration.insert(
        "bootstrap".to_owned(),
        json!({"dcs": dynamic_configuration(effective), "initdb": initdb, "post_bootstrap": "/etc/stackgres/scripts/post-bootstrap"}),
    );
    let mut postgresql = json!({
        "data_dir": DATA_DIRECTORY,
        "use_unix_socket": true,
        "use_unix_socket_repl": true,
        "parameters": {"unix_socket_directories": "/var/run/postgresql"},
        "pgpass": "/run/stackgres/pgpass",
    });
    if let Some(timeout) = effective.patroni.pointer("/initialConfig/postgresql/pg_ctl_timeout") {
        postgresql["pg_ctl_timeout"] = timeout.clone();
    }
    if pooled {
        postgresql["callbacks"] = json!({"on_role_change": "/etc/stackgres/scripts/role-changed"});
    }
    configuration.insert("postgresql".to_owned(), postgresql);
    Value::Object(configuration)
}
