//! PostgreSQL parameters and client authentication of a cluster.

use super::effective::{EffectiveValue, Origin};
use super::inputs::Inputs;
use crate::load::Manifest;
use crate::model::pointer::join;
use crate::postgres::{BLOCKED, Because, Size, defaults, forced};
use serde_json::Value;
use std::collections::BTreeMap;

/// Defaults, then the SGPostgresConfig, then the cluster's own, then what the program sets; later wins.
pub(super) fn parameters(inputs: &Inputs, size: Size, ssl: bool) -> BTreeMap<String, EffectiveValue<String>> {
    let mut parameters: BTreeMap<String, EffectiveValue<String>> = defaults(size)
        .into_iter()
        .map(|(name, (value, because))| {
            let origin = match because {
                Because::Always => Origin::Default,
                Because::Of(what) => Origin::Tuned(what),
            };
            (name.to_owned(), EffectiveValue { value, origin })
        })
        .collect();
    if let Some(config) = &inputs.postgres_config {
        written(config, "/spec/postgresql.conf", &mut parameters);
    }
    written(&inputs.cluster, "/spec/configurations/postgres/postgresql.conf", &mut parameters);
    for (name, value) in forced(ssl) {
        parameters.insert(name.to_owned(), EffectiveValue { value, origin: Origin::Forced });
    }
    parameters
}

fn written(manifest: &Manifest, pointer: &str, parameters: &mut BTreeMap<String, EffectiveValue<String>>) {
    for (name, value) in manifest.object.get(pointer).and_then(Value::as_object).into_iter().flatten() {
        let lower = name.to_ascii_lowercase();
        if let Some(value) = value.as_str()
            && !BLOCKED.contains(&lower.as_str())
        {
            parameters
                .insert(lower, EffectiveValue { value: value.to_owned(), origin: Origin::Manifest(manifest.locate(&join(pointer, name))) });
        }
    }
}

/// `pg_hba.conf`: what the program needs, then the user's lines, then the default. First match wins in PostgreSQL, so a
/// user's `reject` can never lock out replication or the pooler.
pub(super) fn host_based_authentication(inputs: &Inputs, ssl: bool) -> Vec<String> {
    let host = if ssl { "hostssl" } else { "host" };
    let mut lines = vec![
        "local all postgres peer".to_owned(),
        "local all all scram-sha-256".to_owned(),
        "host all authenticator 127.0.0.1/32 scram-sha-256".to_owned(),
        "host all authenticator ::1/128 scram-sha-256".to_owned(),
        format!("{host} replication replicator all scram-sha-256"),
        format!("{host} postgres replicator all scram-sha-256"),
    ];
    let user = inputs.cluster.object.get("/spec/configurations/patroni/dynamicConfig/postgresql/pg_hba").and_then(Value::as_array);
    lines.extend(user.into_iter().flatten().filter_map(|line| line.as_str().map(str::to_owned)));
    lines.push("host all all all scram-sha-256".to_owned());
    lines
}
