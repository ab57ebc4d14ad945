//! PgBouncer settings of a cluster.

use super::effective::{EffectiveValue, Origin, PoolingSettings};
use super::fill_parameters::whole;
use super::inputs::Inputs;
use crate::load::Manifest;
use crate::model::pointer::join;
use crate::postgres::{POOLER_BLOCKED, POOLER_DEFAULTS, PoolerSetting, Size, pooler_forced, pooler_number, sessions};
use serde_json::Value;
use std::collections::BTreeMap;

/// Server connections left to the pooler's look-ups of passwords, to other users of the same database and to people.
const LEFT_BY_A_POOL: i64 = 12;

/// Server connections left by all pools of a database together: look-ups of passwords for other databases.
const LEFT_BY_A_DATABASE: i64 = 4;

/// Defaults, then the SGPoolingConfig, then the cluster's own, then what the program sets; later wins.
pub(super) fn pooling(inputs: &Inputs, parameters: &BTreeMap<String, EffectiveValue<String>>, size: Size, ssl: bool) -> PoolingSettings {
    let mut settings = PoolingSettings {
        parameters: POOLER_DEFAULTS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), EffectiveValue { value: (*value).to_owned(), origin: Origin::Default }))
            .collect(),
        databases: BTreeMap::new(),
        users: BTreeMap::new(),
    };
    if let Some(config) = &inputs.pooling_config {
        section(config, "/spec/pgBouncer/pgbouncer.ini", &mut settings);
    }
    section(&inputs.cluster, "/spec/configurations/pooling/pgBouncer/pgbouncer.ini", &mut settings);
    pools(parameters, size, &mut settings);
    for (name, value) in pooler_forced(ssl) {
        settings.parameters.insert(name.to_owned(), EffectiveValue { value: value.to_owned(), origin: Origin::Forced });
    }
    settings
}

/// How many connections the pooler opens, by what the server has for ordinary users.
///
/// A pool is one user in one database, so several users could ask for more than there is, and some would get an error instead of a
/// place in the queue: all pools of a database have a bound of their own. Superusers (Patroni, the exporter, the controller) have
/// `superuser_reserved_connections`; replication has `max_wal_senders` and takes none of these. Source: PostgreSQL documentation,
/// "Connections and Authentication"; PgBouncer documentation, `default_pool_size` and `max_db_connections`.
fn pools(parameters: &BTreeMap<String, EffectiveValue<String>>, size: Size, settings: &mut PoolingSettings) {
    let number = |name: &str| parameters.get(name).and_then(|value| whole(size.major, name, &value.value));
    let ordinary = size.connections - number("superuser_reserved_connections").unwrap_or(3) - number("reserved_connections").unwrap_or(0);
    // Who writes `max_connections` has thought of the memory.
    let is_written = |value: Option<&EffectiveValue<String>>| value.is_some_and(|value| matches!(value.origin, Origin::Manifest(_)));
    let carried = if is_written(parameters.get("max_connections")) { i64::MAX } else { sessions(size) };
    let pool = (ordinary - LEFT_BY_A_POOL).max(1).min(carried);
    // A larger pool that somebody asked for is one as far as the server goes.
    let default = settings.parameters.get("default_pool_size").filter(|value| is_written(Some(value))).map(|value| value.value.as_str());
    let each = settings.databases.values().filter_map(|options| options.get("pool_size")).map(String::as_str);
    let most = each.chain(default).filter_map(pooler_number).max().unwrap_or_default();
    let database = most.clamp(pool + LEFT_BY_A_POOL - LEFT_BY_A_DATABASE, ordinary.max(pool + LEFT_BY_A_POOL));
    let mut because = format!("max_connections {}", size.connections);
    if pool == carried {
        because = format!("memory {}MiB, {because}", size.memory >> 20);
    }
    for (name, value) in [("default_pool_size", pool), ("max_db_connections", database)] {
        let tuned = EffectiveValue { value: value.to_string(), origin: Origin::Tuned(because.clone()) };
        settings.parameters.entry(name.to_owned()).or_insert(tuned);
    }
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

#[cfg(test)]
mod tests {
    use super::super::{Inputs, Settings, effective};
    use crate::load::{LoadOptions, SourceFile, load};
    use std::collections::{BTreeMap, BTreeSet};

    /// Connections of one pool, of one database, what ordinary users have, and where the first comes from.
    fn pools(memory: &str, parameters: &str, pooling: &str) -> (i64, i64, i64, String) {
        let text = format!(
            "apiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {{name: p, namespace: n}}\nspec: {{cpu: '1', memory: {memory}}}\n---\napiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: a, namespace: n}}\nspec: {{instances: 1, postgres: {{version: '17'}}, sgInstanceProfile: p, pods: {{persistentVolume: {{size: 5Gi}}}}, configurations: {{postgres: {{postgresql.conf: {{{parameters}}}}}, pooling: {{pgBouncer: {{pgbouncer.ini: {{{pooling}}}}}}}}}}}\n"
        );
        let files = [SourceFile { path: "a.yaml".to_owned(), content: text.into_bytes().into() }];
        let manifests = load(&files, &LoadOptions::default()).manifests;
        let inputs: Vec<Inputs> = super::super::resolve(&manifests, &[], &BTreeSet::new(), false).clusters;
        let found = effective(&inputs[0], &Settings::default()).unwrap();
        let number = |values: &BTreeMap<String, super::EffectiveValue<String>>, name: &str| values[name].value.parse::<i64>().unwrap();
        let (server, pooler) = (&found.postgres.parameters, &found.pooling.as_ref().unwrap().parameters);
        let ordinary = number(server, "max_connections") - number(server, "superuser_reserved_connections");
        let because = pooler["default_pool_size"].origin.to_string();
        (number(pooler, "default_pool_size"), number(pooler, "max_db_connections"), ordinary, because)
    }

    /// A pooler that opens more connections than there are gives clients an error instead of a place in the queue.
    #[test]
    fn pools_never_open_more_than_the_server_has() {
        for memory in ["256Mi", "384Mi", "512Mi", "2Gi", "1Ti"] {
            for connections in [26, 50, 100, 101, 1_000, 20_000] {
                for more in ["", ", superuser_reserved_connections: '20'"] {
                    let (pool, database, ordinary, _) = pools(memory, &format!("max_connections: '{connections}'{more}"), "");
                    assert!(pool >= 1 && database <= ordinary.max(13), "{memory} {connections}{more}: {pool} and {database} of {ordinary}");
                    assert!(database > pool, "no place for a look-up of passwords: {pool} {database}");
                }
            }
        }
        let tuned = |what: &str| format!("tuned: {what}");
        assert_eq!(pools("2Gi", "", ""), (80, 88, 92, tuned("max_connections 100")));
        let (pool, _, _, because) = pools("256Mi", "", "");
        assert!((25..60).contains(&pool) && because == tuned("memory 256MiB, max_connections 100"), "{pool} {because}");
        assert_eq!(pools("256Mi", "max_connections: '200'", "").0, 180, "who writes it has thought of the memory");
    }

    /// A larger pool that somebody asks for would be cut by a bound that nobody wrote.
    #[test]
    fn a_larger_pool_moves_the_bound() {
        let bound = |pooling: &str| pools("2Gi", "", pooling).1;
        assert_eq!(bound("pgbouncer: {default_pool_size: 90}"), 90);
        assert_eq!(bound("databases: {app: {pool_size: 91}}"), 91);
        assert_eq!(bound("pgbouncer: {default_pool_size: 1000}"), 92, "the server has no more");
        assert_eq!(bound("pgbouncer: {default_pool_size: 5}"), 88);
        assert_eq!(bound("pgbouncer: {max_db_connections: 0}"), 0, "as written");
    }
}
