//! PgBouncer settings of a cluster.

use super::effective::{EffectiveValue, Origin, PoolingSettings};
use super::inputs::Inputs;
use crate::load::Manifest;
use crate::model::pointer::join;
use crate::postgres::{POOLER_BLOCKED, POOLER_DEFAULTS, pooler_forced};
use serde_json::Value;
use std::collections::BTreeMap;

/// Server connections left to replication, monitoring and people.
const RESERVED: i64 = 20;

/// Defaults, then the SGPoolingConfig, then the cluster's own, then what the program sets; later wins.
pub(super) fn pooling(inputs: &Inputs, parameters: &BTreeMap<String, EffectiveValue<String>>, ssl: bool) -> PoolingSettings {
    let mut settings = PoolingSettings {
        parameters: POOLER_DEFAULTS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), EffectiveValue { value: (*value).to_owned(), origin: Origin::Default }))
            .collect(),
        databases: BTreeMap::new(),
        users: BTreeMap::new(),
    };
    let connections = parameters.get("max_connections").and_then(|value| value.value.trim().parse::<i64>().ok()).unwrap_or(100);
    settings.parameters.insert(
        "default_pool_size".to_owned(),
        EffectiveValue {
            value: (connections - RESERVED).max(1).to_string(),
            origin: Origin::Tuned(format!("max_connections {connections}")),
        },
    );
    if let Some(config) = &inputs.pooling_config {
        section(config, "/spec/pgBouncer/pgbouncer.ini", &mut settings);
    }
    section(&inputs.cluster, "/spec/configurations/pooling/pgBouncer/pgbouncer.ini", &mut settings);
    for (name, value) in pooler_forced(ssl) {
        settings.parameters.insert(name.to_owned(), EffectiveValue { value: value.to_owned(), origin: Origin::Forced });
    }
    settings
}

/// A value as PgBouncer's file has it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => u8::from(*flag).to_string(),
        other => other.to_string(),
    }
}

fn section(manifest: &Manifest, pointer: &str, settings: &mut PoolingSettings) {
    let entries = |name: &str| manifest.object.get(&join(pointer, name)).and_then(Value::as_object).into_iter().flatten();
    for (name, value) in entries("pgbouncer").filter(|(name, _)| !POOLER_BLOCKED.contains(&name.as_str())) {
        let origin = Origin::Manifest(manifest.locate(&join(&join(pointer, "pgbouncer"), name)));
        settings.parameters.insert(name.clone(), EffectiveValue { value: plain(value), origin });
    }
    for (into, name) in [(&mut settings.databases, "databases"), (&mut settings.users, "users")] {
        for (entry, options) in entries(name) {
            let options = options.as_object().into_iter().flatten().map(|(option, value)| (option.clone(), plain(value))).collect();
            into.insert(entry.clone(), options);
        }
    }
}
