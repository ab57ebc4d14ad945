//! Patroni's static configuration: what an instance needs to find the others.
//!
//! It is copied when a pod starts, so a change of it is a change of the pod template ([`start_digest`]).

use super::dynamic_configuration::dynamic_configuration;
use super::metadata::{patroni as labels, scope};
use super::scripts;
use crate::model::Digest;
use crate::postgres::pooler_needs_restart;
use crate::resolve::Effective;
use serde_json::{Map, Value, json};

/// Where the data directory is: below the volume's root, so that an upgrade has room beside it on one file system.
pub(super) const DATA_DIRECTORY: &str = "/var/lib/postgresql/data";

/// Keys of the user's static configuration that pass through.
const PASSED: &[&str] = &["log", "tags", "watchdog"];

/// Callbacks a user may give. Source: Patroni documentation, "YAML Configuration Settings", `postgresql.callbacks`.
const CALLBACKS: &[&str] = &["on_reload", "on_restart", "on_role_change", "on_start", "on_stop"];

/// The static configuration as YAML (JSON is YAML). Credentials and the pod's own address are added at start from files.
pub(super) fn static_configuration(effective: &Effective) -> Value {
    let mut configuration = for_every_start(effective);
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
    Value::Object(configuration)
}

/// Digest of what a pod reads when it starts and never again: the static configuration without its part for the very first
/// start, the start script, and the pooler's settings that only a new process takes. It stands in the pod template, so that a
/// change of these shows as what it is. What is reloaded (dynamic configuration, pg_hba, other pooler settings) is not in it.
pub(super) fn start_digest(effective: &Effective) -> String {
    let pooler: Map<String, Value> = effective
        .pooling
        .iter()
        .flat_map(|pooling| &pooling.parameters)
        .filter(|(name, _)| pooler_needs_restart(name))
        .map(|(name, value)| (name.clone(), json!(value.value)))
        .collect();
    Digest::of_list(&(for_every_start(effective), scripts::START_PATRONI, scripts::LAUNCH_PATRONI, pooler)).short().to_owned()
}

/// Everything but the part for the very first start.
fn for_every_start(effective: &Effective) -> Map<String, Value> {
    let user = effective.patroni.get("initialConfig").and_then(Value::as_object);
    let mut configuration: Map<String, Value> = user
        .into_iter()
        .flatten()
        .filter(|(key, _)| PASSED.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    log_as_json(&mut configuration);
    // No pod has a watchdog device; what holds instead is the leader lock's expiry and `failsafe_mode`.
    configuration.entry("watchdog".to_owned()).or_insert_with(|| json!({"mode": "off"}));
    configuration.insert("scope".to_owned(), json!(scope(effective)));
    configuration.insert(
        "kubernetes".to_owned(),
        json!({
            "namespace": effective.cluster.namespace,
            "labels": labels(effective),
            "scope_label": "stackgres.io/cluster-scope",
            "role_label": "role",
            // Without this a standby cluster's first instance would be labelled as a primary.
            "standby_leader_label_value": "standby_leader",
            "use_endpoints": true,
            "ports": ports(effective),
        }),
    );
    configuration.insert("postgresql".to_owned(), postgresql(effective));
    if effective.postgres.ssl.enabled.value {
        configuration
            .insert("restapi".to_owned(), json!({"certfile": "/etc/stackgres/ssl/tls.crt", "keyfile": "/etc/stackgres/ssl/tls.key"}));
        // Instances and `patronictl` call one another by address, and a pod's address is in no certificate. Nobody listens in, and
        // the controller, which knows the certificate, checks it.
        configuration.insert("ctl".to_owned(), json!({"insecure": true}));
    }
    configuration
}

/// Patroni's lines as JSON, with the names that PostgreSQL has for the same things, unless the user says how they look.
fn log_as_json(configuration: &mut Map<String, Value>) {
    let log = configuration.entry("log".to_owned()).or_insert_with(|| json!({}));
    let Some(log) = log.as_object_mut() else { return };
    if ["type", "format"].iter().any(|key| log.get(*key).is_some_and(|value| !value.is_null())) {
        return;
    }
    log.insert("type".to_owned(), json!("json"));
    log.insert("format".to_owned(), json!([{"asctime": "timestamp"}, {"levelname": "error_severity"}, "message"]));
    log.entry("static_fields".to_owned()).or_insert_with(|| json!({"backend_type": "patroni"}));
}

/// Ports that Patroni publishes with the leader's address. The primary Service has no selector, so a port that is not here leads
/// nowhere; names match those of the Service.
fn ports(effective: &Effective) -> Value {
    let port = if effective.pooling.is_some() { 6432 } else { 5432 };
    let mut ports = vec![json!({"name": "pgport", "port": port}), json!({"name": "pgreplication", "port": 5432})];
    for (name, custom) in super::services::custom_ports(&effective.primary_service) {
        if let Some((_, number)) = effective.target_port(custom) {
            let protocol = custom.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
            ports.push(json!({"name": name, "port": number, "protocol": protocol}));
        }
    }
    Value::Array(ports)
}

fn postgresql(effective: &Effective) -> Value {
    let mut postgresql = json!({
        "data_dir": DATA_DIRECTORY,
        "use_unix_socket": true,
        "use_unix_socket_repl": true,
        "parameters": {"unix_socket_directories": "/var/run/postgresql"},
        "pgpass": "/run/stackgres/pgpass",
    });
    let user = |field: &str| effective.patroni.pointer(&format!("/initialConfig/postgresql/{field}")).filter(|value| !value.is_null());
    for field in ["before_stop", "pg_ctl_timeout", "pre_promote"] {
        if let Some(value) = user(field) {
            postgresql[field] = value.clone();
        }
    }
    let mut callbacks: Map<String, Value> = user("callbacks")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(name, value)| CALLBACKS.contains(&name.as_str()) && value.is_string())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if effective.pooling.is_some() {
        // Patroni runs one command a callback; ours runs the user's after its own work.
        let own = "/etc/stackgres/scripts/role-changed";
        let both = callbacks.get("on_role_change").and_then(Value::as_str).map_or_else(|| own.to_owned(), |user| format!("{own} {user}"));
        callbacks.insert("on_role_change".to_owned(), json!(both));
    }
    if !callbacks.is_empty() {
        postgresql["callbacks"] = Value::Object(callbacks);
    }
    postgresql
}
