//! PgBouncer settings of a cluster.

use super::effective::{EffectiveValue, Origin, PoolingSettings};
use super::inputs::Inputs;
use crate::load::Manifest;
use crate::model::pointer::join;
use crate::postgres::{POOLER_BLOCKED, POOLER_DEFAULTS, PoolerSetting, number_of, pooler_forced};
use serde_json::Value;
use std::collections::BTreeMap;

/// Server connections left to replication, monitoring and people.
const RESERVED: i64 = 20;

/// Defaults, then the SGPoolingConfig, then the cluster's own, then what the program sets; later wins.
pub(super) fn pooling(inputs: &Inputs, parameters: &BTreeMap<String, EffectiveValue<String>>, major: u32, ssl: bool) -> PoolingSettings {
    let mut settings = PoolingSettings {
        parameters: POOLER_DEFAULTS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), EffectiveValue { value: (*value).to_owned(), origin: Origin::Default }))
            .collect(),
        databases: BTreeMap::new(),
        users: BTreeMap::new(),
    };
    let written = parameters.get("max_connections").and_then(|value| number_of(major, "max_connections", &value.value));
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 262143 (PostgreSQL documentation, section 20.3)")]
    let connections = written.unwrap_or(100.0) as i64;
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

/// Takes a manifest's sections over. What could not stand in one line of the file is left out here as well as refused by
/// `validate`, so that no way leads from a value to a setting of its own.
fn section(manifest: &Manifest, pointer: &str, settings: &mut PoolingSettings) {
    let entries = |name: &str| manifest.object.get(&join(pointer, name)).and_then(Value::as_object).into_iter().flatten();
    let fits = |name: &str, value: &str| PoolerSetting::fits_one_line(name) && PoolerSetting::fits_one_line(value);
    for (name, value) in entries("pgbouncer").filter(|(name, _)| !POOLER_BLOCKED.contains(&name.as_str())) {
        let origin = Origin::Manifest(manifest.locate(&join(&join(pointer, "pgbouncer"), name)));
        let value = PoolerSetting::text_of(name, value);
        if fits(name, &value) {
            settings.parameters.insert(name.clone(), EffectiveValue { value, origin });
        }
    }
    for (into, name, allowed) in [
        (&mut settings.databases, "databases", PoolerSetting::DATABASE_OPTIONS),
        (&mut settings.users, "users", PoolerSetting::USER_OPTIONS),
    ] {
        for (entry, options) in entries(name).filter(|(entry, _)| !entry.is_empty() && PoolerSetting::fits_one_line(entry)) {
            let options = options
                .as_object()
                .into_iter()
                .flatten()
                .map(|(option, value)| (option.clone(), PoolerSetting::text_of(option, value)))
                .filter(|(option, value)| allowed.contains(&option.as_str()) && !value.is_empty() && fits(option, value))
                .collect();
            into.insert(entry.clone(), options);
        }
    }
}
