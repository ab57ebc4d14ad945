//! Patroni's dynamic configuration: what is the same on every instance.

use crate::postgres::{PATRONI_SYNCHRONOUS, canonical, patroni_defaults};
use crate::resolve::{Effective, IDENTITIES};
use serde_json::{Map, Value, json};

/// Keys a user cannot set: the program decides them from other fields.
const OURS: &[&str] = &["postgresql", "standby_cluster"];

/// The dynamic configuration. Source: Patroni documentation, "Dynamic Configuration Settings".
pub(super) fn dynamic_configuration(effective: &Effective) -> Value {
    let mut configuration: Map<String, Value> = effective
        .patroni
        .get("dynamicConfig")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(key, _)| !OURS.contains(&key.as_str()) && !PATRONI_SYNCHRONOUS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for (key, value) in patroni_defaults() {
        configuration.entry(key).or_insert(value);
    }
    let mode = effective.replication.mode.value.as_str();
    let instances = effective.instances.value;
    let all = mode.ends_with("sync-all");
    let synchronous = mode != "async" && (!all || instances > 1);
    let count = if all && instances > 1 { instances - 1 } else { effective.replication.sync_instances.value };
    configuration.insert("synchronous_mode".to_owned(), json!(synchronous));
    configuration.insert("synchronous_mode_strict".to_owned(), json!(synchronous && mode.starts_with("strict")));
    configuration.insert("synchronous_node_count".to_owned(), json!(count));
    let parameters: Map<String, Value> = effective
        .postgres
        .parameters
        .iter()
        // Patroni passes these to the server itself, from its own settings.
        .filter(|(name, _)| !["listen_addresses", "port", "unix_socket_directories"].contains(&name.as_str()))
        // One spelling for one meaning, or every respelling would be a change of the objects.
        .map(|(name, value)| (name.clone(), json!(canonical(effective.postgres.major, name, &value.value))))
        .collect();
    let mut postgresql = json!({
        "use_pg_rewind": true,
        "use_slots": true,
        "remove_data_directory_on_rewind_failure": false,
        "remove_data_directory_on_diverged_timelines": false,
        "pg_hba": effective.postgres.host_based_authentication,
        "parameters": parameters,
    });
    // Maps of user names: ours, and those for the user's own lines of `pg_hba.conf`.
    let maps = effective.patroni.pointer("/dynamicConfig/postgresql/pg_ident").and_then(Value::as_array);
    let maps: Vec<Value> = IDENTITIES.iter().map(|line| json!(line)).chain(maps.into_iter().flatten().cloned()).collect();
    postgresql["pg_ident"] = json!(maps);
    configuration.insert("postgresql".to_owned(), postgresql);
    Value::Object(configuration)
}
