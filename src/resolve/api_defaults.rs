//! The defaults of the API this implements against ours: each is the same, or differs for a reason that stands here.

use super::{Effective, Inputs, Settings, effective};
use crate::load::Manifest;
use crate::model::Object;
use serde_json::{Value, json};

fn smallest() -> Effective {
    let spec = json!({"instances": 2, "postgres": {"version": "17"}, "pods": {"persistentVolume": {"size": "5Gi"}}});
    let object =
        json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": "demo", "namespace": "n"}, "spec": spec});
    let (cluster, others) = (Manifest::live(Object::new(object)), [].into());
    let (scripts, source) = (Vec::new(), None);
    let inputs = Inputs { cluster, instance_profile: None, postgres_config: None, pooling_config: None, scripts, source, others };
    effective(&inputs, &Settings::default()).unwrap()
}

/// Where the value is, what the API says, and why ours is another one.
type Row = (&'static str, &'static str, Option<(&'static str, &'static str)>);

const TUNED: &str = "follows the size of the instance";

/// Source: the published defaults of SGCluster and of the SGInstanceProfile, SGPostgresConfig and SGPoolingConfig made for it.
const ROWS: &[Row] = &[
    ("profile", "production", None),
    ("postgres.flavor", "vanilla", None),
    ("postgres.ssl.enabled", "true", None),
    ("postgres.ssl.duration", "P365D", Some(("P90D", "a certificate is renewed by a reload, so it may be short"))),
    ("replication.mode", "async", None),
    ("replication.role", "ha-read", None),
    ("replication.syncInstances", "1", None),
    ("primaryService.enabled", "true", None),
    ("primaryService.type", "ClusterIP", None),
    ("replicasService.enabled", "true", None),
    ("replicasService.type", "ClusterIP", None),
    ("postgresUtil", "true", None),
    ("podAntiAffinity", "true", None),
    ("podManagementPolicy", "OrderedReady", Some(("Parallel", "a cold start must not wait for an instance that lacks the newest data"))),
    ("terminationGracePeriodSeconds", "60", Some(("90", "the shutdown checkpoint follows the memory"))),
    ("storage.fsGroupChangePolicy", "Always", Some(("OnRootMismatch", "a large volume is not walked at every start"))),
    ("updateStrategy.method", "InPlace", None),
    ("postgres.parameters.superuser_reserved_connections", "8", None),
    ("postgres.parameters.max_prepared_transactions", "32", None),
    ("postgres.parameters.work_mem", "10MB", None),
    ("postgres.parameters.maintenance_work_mem", "2GB", Some(("128MB", TUNED))),
    ("postgres.parameters.huge_pages", "off", None),
    ("postgres.parameters.fsync", "on", None),
    ("postgres.parameters.checkpoint_completion_target", "0.9", None),
    ("postgres.parameters.checkpoint_timeout", "15min", None),
    ("postgres.parameters.min_wal_size", "1GB", Some(("128MB", "follows the volume"))),
    ("postgres.parameters.max_wal_size", "2GB", Some(("512MB", "follows the volume"))),
    ("postgres.parameters.max_wal_senders", "20", None),
    ("postgres.parameters.max_replication_slots", "20", None),
    ("postgres.parameters.wal_level", "logical", None),
    ("postgres.parameters.wal_compression", "on", None),
    ("postgres.parameters.track_commit_timestamp", "on", None),
    ("postgres.parameters.default_statistics_target", "200", None),
    ("postgres.parameters.random_page_cost", "1.5", None),
    ("postgres.parameters.enable_partitionwise_aggregate", "on", None),
    ("postgres.parameters.enable_partitionwise_join", "on", None),
    ("postgres.parameters.max_locks_per_transaction", "128", None),
    ("postgres.parameters.max_pred_locks_per_transaction", "128", None),
    ("postgres.parameters.autovacuum_max_workers", "3", None),
    ("postgres.parameters.autovacuum_vacuum_cost_delay", "2", None),
    ("postgres.parameters.autovacuum_work_mem", "512MB", Some(("64MB", TUNED))),
    ("postgres.parameters.log_autovacuum_min_duration", "0", None),
    ("postgres.parameters.log_min_duration_statement", "1000", None),
    ("postgres.parameters.log_checkpoints", "on", None),
    ("postgres.parameters.log_connections", "on", None),
    ("postgres.parameters.log_disconnections", "on", None),
    ("postgres.parameters.log_lock_waits", "on", None),
    ("postgres.parameters.log_temp_files", "0", None),
    ("postgres.parameters.log_statement", "none", None),
    ("postgres.parameters.log_line_prefix", "%t [%p]: db=%d,user=%u,app=%a,client=%h ", None),
    ("postgres.parameters.track_activity_query_size", "4096", None),
    ("postgres.parameters.track_functions", "pl", None),
    ("postgres.parameters.track_io_timing", "on", None),
    ("postgres.parameters.shared_preload_libraries", "pg_stat_statements, auto_explain", None),
    ("postgres.parameters.pg_stat_statements.track_utility", "off", None),
    ("postgres.parameters.jit_inline_above_cost", "-1", None),
    ("postgres.parameters.wal_keep_size", "1536MB", Some(("256MB", "follows the volume"))),
    ("postgres.parameters.default_toast_compression", "lz4", None),
    ("postgres.parameters.archive_mode", "on", None),
    ("postgres.parameters.archive_command", "/bin/true", None),
    ("postgres.parameters.wal_log_hints", "on", None),
    ("postgres.parameters.lc_messages", "C", None),
    ("postgres.parameters.port", "5432", None),
    (
        "postgres.parameters.logging_collector",
        "off",
        Some(("on", "log lines are JSON, which only the collector writes; they go to the container's output")),
    ),
    ("postgres.parameters.log_destination", "stderr", Some(("jsonlog", "log lines are JSON"))),
    ("pooling.parameters.pool_mode", "session", None),
    ("pooling.parameters.max_client_conn", "1000", None),
    ("pooling.parameters.default_pool_size", "1000", Some(("80", "the server has no more: clients wait instead of being refused"))),
    ("pooling.parameters.max_db_connections", "0", Some(("88", "several users of a database together never ask for more than there is"))),
    ("pooling.parameters.max_user_connections", "0", None),
    ("pooling.parameters.application_name_add_host", "1", None),
    ("pooling.parameters.ignore_startup_parameters", "extra_float_digits", None),
    ("pooling.parameters.server_check_query", ";", None),
    ("pooling.parameters.auth_type", "md5", Some(("scram-sha-256", "a stronger one that every supported client speaks"))),
    ("pooling.parameters.admin_users", "pgbouncer_admin", None),
    ("pooling.parameters.stats_users", "pgbouncer_stats", None),
    ("pooling.parameters.listen_port", "6432", None),
    ("resources.patroni.limits.cpu", "1", None),
    ("resources.patroni.limits.memory", "2Gi", None),
    ("resources.pgbouncer.requests.cpu", "250m", None),
    ("resources.pgbouncer.requests.memory", "64Mi", None),
    ("resources.prometheus-postgres-exporter.requests.cpu", "63m", None),
    ("resources.prometheus-postgres-exporter.requests.memory", "256Mi", None),
    ("resources.postgres-util.requests.cpu", "63m", None),
    ("resources.postgres-util.requests.memory", "64Mi", None),
];

fn find<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    let mut node = root;
    let mut rest = path;
    while !rest.is_empty() {
        // A parameter's name may hold a dot, so the whole rest is tried first.
        if let Some(found) = node.get(rest) {
            return Some(found);
        }
        let (step, after) = rest.split_once('.')?;
        (node, rest) = (node.get(step)?, after);
    }
    Some(node)
}

/// A manifest that relies on a default of the API would mean something else here, without a word.
#[test]
fn defaults_are_those_of_the_api_or_differ_for_a_reason() {
    let shown = serde_json::to_value(smallest()).unwrap();
    for (path, theirs, ours) in ROWS {
        let found = find(&shown, path).unwrap_or_else(|| panic!("{path} is not among the effective values"));
        let value = if let (Some(value), Some(origin)) = (found.get("value"), found.get("origin")) {
            assert!(!origin.is_null(), "{path}");
            value
        } else {
            found
        };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert_eq!(text, ours.map_or(*theirs, |(value, _)| value), "{path}; {}", ours.map_or("as the API", |(_, reason)| reason));
        assert!(ours.is_none_or(|(value, reason)| value != *theirs && !reason.is_empty()), "{path}");
    }
}

/// 10,000 clusters must fit into etcd, and the status of each holds these values.
#[test]
fn effective_values_are_small() {
    let size = serde_json::to_string(&smallest()).unwrap().len();
    assert!(size < 16_384, "{size} bytes");
}
