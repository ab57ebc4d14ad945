//! Which field has which form, by kind. `*` is any key or position. What depends on another field is a rule of the schema.
//!
//! Sources: the published behaviour of the API this implements; documentation of Debezium ("PostgreSQL connector", "JDBC sink connector",
//! "Debezium Engine"), of pgbench, and of the OpenTelemetry and cert-manager operators for an SGConfig.

use super::value_forms::Form::{
    self, Address, AtLeast, Between, Cron, Duration, Elsewhere, Expression, Filled, GoDuration, Length, Moment, Needed, OneOf, Retention,
    Size, Slot, Withdrawn,
};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A row: a path and its form.
type Row = (&'static str, Form);

const PROFILES: Form = OneOf(&["production", "testing", "development"]);
const MODES: Form = OneOf(&["async", "sync", "strict-sync", "sync-all", "strict-sync-all"]);
const PORT: Form = Between(1.0, 65_535.0);

/// Of SGCluster and SGShardedCluster alike, below `spec`.
const OF_CLUSTERS: &[Row] = &[
    ("/postgres/version", Filled),
    ("/replication/initialization/mode", OneOf(&["FromPrimary", "FromReplica", "FromExistingBackup", "FromNewlyCreatedBackup"])),
    ("/replication/initialization/backupNewerThan", Duration),
    ("/replication/initialization/backupRestorePerformance/maxNetworkBandwidth", AtLeast(1.0)),
    ("/replication/initialization/backupRestorePerformance/maxDiskBandwidth", AtLeast(1.0)),
    ("/configurations/backups/*/cronSchedule", Cron),
    ("/configurations/backups/*/sgObjectStorage", Filled),
    ("/configurations/backups/*/timeout", AtLeast(0.0)),
    ("/configurations/backups/*/reconciliationTimeout", AtLeast(0.0)),
    ("/configurations/backups/*/performance/maxNetworkBandwidth", AtLeast(1.0)),
    ("/configurations/backups/*/performance/maxDiskBandwidth", AtLeast(1.0)),
    ("/initialData/restore/fromBackup/pointInTimeRecovery/restoreToTimestamp", Moment),
    ("/distributedLogs/sgDistributedLogs", Elsewhere),
    ("/distributedLogs/retention", Retention),
    ("/replicateFrom/storage/performance/maxNetworkBandwidth", AtLeast(1.0)),
    ("/replicateFrom/storage/performance/maxDiskBandwidth", AtLeast(1.0)),
];

/// Of an SGCluster alone, below `spec`. What is carried out has rules of its own.
const OF_ONE: &[Row] = &[
    ("/autoscaling/horizontal/replicasConnectionsUsageMetricType", OneOf(&["AverageValue", "Value"])),
    ("/autoscaling/horizontal/cooldownPeriod", AtLeast(0.0)),
    ("/autoscaling/horizontal/pollingInterval", AtLeast(1.0)),
    ("/configurations/backups/*/maxRetries", AtLeast(0.0)),
    ("/managedSql/scripts/*/sgScript", Needed),
    ("/initialData/restore/fromBackup/uid", Withdrawn),
    ("/initialData/restore/fromBackup/target", OneOf(&["immediate"])),
    ("/initialData/scripts", Withdrawn),
    ("/replicateFrom/storage/path", Filled),
];

/// Of an SGShardedCluster alone, below `spec`.
const OF_SHARDED: &[Row] = &[
    ("/profile", PROFILES),
    ("/database", Filled),
    ("/postgres/flavor", OneOf(&["vanilla", "babelfish"])),
    ("/postgres/ssl/duration", Length),
    ("/replication/mode", MODES),
    ("/replicateFrom/instance/external/hosts/*", Filled),
    ("/replicateFrom/instance/external/ports/*", PORT),
    ("/replicateFrom/storage/paths/*", Filled),
    ("/nonProductionOptions/enabledFeatureGates/*", OneOf(&["babelfish-flavor"])),
    ("/coordinator/configurations/shardingSphere/authority/privilege/type", OneOf(&["ALL_PERMITTED", "DATABASE_PERMITTED"])),
];

/// Of the coordinator, of the shards and of one shard.
const OF_PARTS: &[Row] = &[
    ("/replication/mode", MODES),
    ("/replication/initialization/mode", OneOf(&["FromPrimary", "FromReplica", "FromExistingBackup", "FromNewlyCreatedBackup"])),
    ("/replication/initialization/backupNewerThan", Duration),
    ("/managedSql/scripts/*/sgScript", Needed),
    ("/pods/managementPolicy", OneOf(&["OrderedReady", "Parallel"])),
    ("/pods/persistentVolume/fsGroupChangePolicy", OneOf(&["OnRootMismatch", "Always"])),
    ("/pods/updateStrategy/type", OneOf(&["Always", "Schedule", "OnlyDbOps", "Never"])),
    ("/pods/updateStrategy/method", OneOf(&["InPlace", "ReducedImpact"])),
    ("/pods/updateStrategy/schedule/*/cron", Cron),
    ("/pods/updateStrategy/schedule/*/duration", Length),
];

/// Where those parts are, below `spec`.
const PARTS: &[&str] = &["/coordinator", "/shards", "/shards/overrides/*"];

/// Of an SGBackup and an SGShardedBackup, below `spec`.
const OF_BACKUPS: &[Row] = &[("/timeout", AtLeast(0.0)), ("/reconciliationTimeout", AtLeast(0.0)), ("/maxRetries", AtLeast(0.0))];

const OF_OPERATIONS: &[Row] = &[
    ("/benchmark/sampling/targetDatabase", Filled),
    ("/benchmark/sampling/topQueriesCollectDuration", Length),
    ("/benchmark/sampling/samplingDuration", Length),
    ("/benchmark/sampling/topQueriesFilter", Expression),
    ("/benchmark/sampling/topQueriesPercentile", Between(0.0, 99.0)),
    ("/benchmark/sampling/topQueriesMin", AtLeast(0.0)),
    ("/benchmark/sampling/queries", AtLeast(1.0)),
    ("/benchmark/sampling/samplingMinInterval", AtLeast(0.0)),
    ("/benchmark/pgbench/databaseSize", Size),
    ("/benchmark/pgbench/duration", Length),
    ("/benchmark/pgbench/concurrentClients", AtLeast(1.0)),
    ("/benchmark/pgbench/threads", AtLeast(1.0)),
    ("/benchmark/pgbench/samplingRate", Between(0.000_1, 1.0)),
    ("/benchmark/pgbench/partitions", AtLeast(0.0)),
    ("/benchmark/pgbench/fillfactor", Between(10.0, 100.0)),
    ("/benchmark/pgbench/custom/scripts/*/builtin", OneOf(&["tpcb-like", "simple-update", "select-only"])),
    ("/benchmark/pgbench/custom/scripts/*/replay", AtLeast(0.0)),
    ("/benchmark/pgbench/custom/scripts/*/weight", AtLeast(0.0)),
    ("/repack/waitTimeout", Duration),
    ("/repack/databases/*/waitTimeout", Duration),
    ("/minorVersionUpgrade/postgresVersion", Filled),
    ("/majorVersionUpgrade/postgresVersion", Filled),
    ("/majorVersionUpgrade/sgPostgresConfig", Filled),
    ("/majorVersionUpgrade/maxErrorsAfterUpgrade", AtLeast(0.0)),
];

const OF_SHARDED_OPERATIONS: &[Row] =
    &[("/runAt", Moment), ("/timeout", Duration), ("/maxRetries", AtLeast(0.0)), ("/resharding/citus/threshold", Between(0.0, 1.0))];

const OF_DISTRIBUTED_LOGS: &[Row] = &[("/profile", PROFILES), ("/persistentVolume/size", Needed), ("/persistentVolume/size", Size)];

const OF_STREAMS: &[Row] = &[
    ("/maxRetries", AtLeast(-1.0)),
    ("/pods/persistentVolume/size", Size),
    ("/source/sgCluster/name", Filled),
    ("/source/postgres/host", Filled),
    ("/source/postgres/port", PORT),
    ("/target/sgCluster/name", Filled),
    ("/target/sgCluster/ddlImportRoleSkipFilter", Expression),
    ("/target/sgCluster/debeziumProperties/insertMode", OneOf(&["insert", "upsert", "update"])),
    ("/target/sgCluster/debeziumProperties/primaryKeyMode", OneOf(&["none", "record_key", "record_value", "record_header"])),
    ("/target/sgCluster/debeziumProperties/schemaEvolution", OneOf(&["none", "basic"])),
    ("/target/sgCluster/debeziumProperties/batchSize", AtLeast(1.0)),
    ("/target/sgCluster/debeziumProperties/connectionPoolMin_size", AtLeast(0.0)),
    ("/target/sgCluster/debeziumProperties/connectionPoolMax_size", AtLeast(1.0)),
    ("/target/sgCluster/debeziumProperties/connectionPoolAcquire_increment", AtLeast(1.0)),
    ("/target/sgCluster/debeziumProperties/connectionPoolTimeout", AtLeast(0.0)),
    ("/target/sgCluster/debeziumProperties/flushMaxRetries", AtLeast(0.0)),
    ("/target/sgCluster/debeziumProperties/flushRetryDelayMs", AtLeast(0.0)),
    ("/debeziumEngineProperties/offsetFlushIntervalMs", AtLeast(0.0)),
    ("/debeziumEngineProperties/offsetFlushTimeoutMs", AtLeast(0.0)),
    ("/debeziumEngineProperties/errorsMaxRetries", AtLeast(-1.0)),
    ("/debeziumEngineProperties/errorsRetryDelayInitialMs", AtLeast(0.0)),
    ("/debeziumEngineProperties/errorsRetryDelayMaxMs", AtLeast(0.0)),
    ("/debeziumEngineProperties/recordProcessingThreads", AtLeast(1.0)),
    ("/debeziumEngineProperties/recordProcessingOrder", OneOf(&["ORDERED", "UNORDERED"])),
    ("/debeziumEngineProperties/recordProcessingShutdownTimeoutMs", AtLeast(0.0)),
    ("/debeziumEngineProperties/taskManagementTimeoutMs", AtLeast(0.0)),
];

/// Requests of a stream, below the section of the target.
const OF_REQUESTS: &[Row] = &[
    ("/http/url", Address),
    ("/http/connectTimeout", Duration),
    ("/http/readTimeout", Duration),
    ("/http/retryLimit", AtLeast(0.0)),
    ("/http/retryBackoffDelay", AtLeast(0.0)),
];

/// What a stream captures, below the section of the source.
const OF_SOURCES: &[Row] = &[
    ("/includes/*", Expression),
    ("/excludes/*", Expression),
    ("/debeziumProperties/pluginName", OneOf(&["pgoutput", "decoderbufs"])),
    ("/debeziumProperties/slotName", Slot),
    ("/debeziumProperties/slotMaxRetries", AtLeast(0.0)),
    ("/debeziumProperties/slotRetryDelayMs", AtLeast(0.0)),
    ("/debeziumProperties/statusUpdateIntervalMs", AtLeast(0.0)),
    ("/debeziumProperties/publicationAutocreateMode", OneOf(&["all_tables", "disabled", "filtered", "no_tables"])),
    (
        "/debeziumProperties/snapshotMode",
        OneOf(&["always", "initial", "initial_only", "no_data", "never", "when_needed", "configuration_based", "custom"]),
    ),
    ("/debeziumProperties/snapshotIsolationMode", OneOf(&["serializable", "repeatable_read", "read_committed", "read_uncommitted"])),
    ("/debeziumProperties/snapshotLockingMode", OneOf(&["none", "shared", "custom"])),
    ("/debeziumProperties/snapshotQueryMode", OneOf(&["select_all", "custom"])),
    ("/debeziumProperties/snapshotIncludeCollectionList/*", Expression),
    ("/debeziumProperties/snapshotFetchSize", AtLeast(1.0)),
    ("/debeziumProperties/snapshotMaxThreads", AtLeast(1.0)),
    ("/debeziumProperties/snapshotDelayMs", AtLeast(0.0)),
    ("/debeziumProperties/streamingDelayMs", AtLeast(0.0)),
    ("/debeziumProperties/incrementalSnapshotChunkSize", AtLeast(1.0)),
    ("/debeziumProperties/incrementalSnapshotWatermarkingStrategy", OneOf(&["insert_insert", "insert_delete"])),
    ("/debeziumProperties/skippedOperations/*", OneOf(&["c", "u", "d", "t", "none"])),
    ("/debeziumProperties/schemaRefreshMode", OneOf(&["columns_diff", "columns_diff_exclude_unchanged_toast"])),
    ("/debeziumProperties/schemaNameAdjustmentMode", OneOf(&["none", "avro", "avro_unicode"])),
    ("/debeziumProperties/fieldNameAdjustmentMode", OneOf(&["none", "avro", "avro_unicode"])),
    (
        "/debeziumProperties/timePrecisionMode",
        OneOf(&["adaptive", "adaptive_time_microseconds", "connect", "isostring", "microseconds", "nanoseconds"]),
    ),
    ("/debeziumProperties/decimalHandlingMode", OneOf(&["precise", "double", "string"])),
    ("/debeziumProperties/hstoreHandlingMode", OneOf(&["map", "json"])),
    ("/debeziumProperties/intervalHandlingMode", OneOf(&["numeric", "string"])),
    ("/debeziumProperties/binaryHandlingMode", OneOf(&["bytes", "base64", "base64-url-safe", "hex"])),
    ("/debeziumProperties/columnTruncateToLengthChars/*", Expression),
    ("/debeziumProperties/columnMaskWithLengthChars/*", Expression),
    ("/debeziumProperties/columnPropagateSourceType/*", Expression),
    ("/debeziumProperties/datatypePropagateSourceType/*", Expression),
    ("/debeziumProperties/messagePrefixIncludeList/*", Expression),
    ("/debeziumProperties/messagePrefixExcludeList/*", Expression),
    ("/debeziumProperties/maxBatchSize", AtLeast(1.0)),
    ("/debeziumProperties/maxQueueSize", AtLeast(1.0)),
    ("/debeziumProperties/maxQueueSizeInBytes", AtLeast(0.0)),
    ("/debeziumProperties/pollIntervalMs", AtLeast(1.0)),
    ("/debeziumProperties/heartbeatIntervalMs", AtLeast(0.0)),
    ("/debeziumProperties/eventProcessingFailureHandlingMode", OneOf(&["fail", "warn", "skip", "ignore"])),
    ("/debeziumProperties/errorsMaxRetries", AtLeast(-1.0)),
    ("/debeziumProperties/guardrailCollectionsMax", AtLeast(0.0)),
    ("/debeziumProperties/guardrailCollectionsLimitAction", OneOf(&["warn", "fail"])),
];

const OF_SETTINGS: &[Row] = &[
    ("/imagePullPolicy", OneOf(&["Always", "IfNotPresent", "Never"])),
    ("/operator/port", PORT),
    ("/operator/internalHttpPort", PORT),
    ("/operator/internalHttpsPort", PORT),
    ("/adminui/service/type", OneOf(&["ClusterIP", "NodePort", "LoadBalancer"])),
    ("/adminui/service/nodePort", PORT),
    ("/collector/receivers/exporters", AtLeast(1.0)),
    ("/collector/receivers/deployments/*/sgClusters/*/indexes/*", AtLeast(0.0)),
    ("/authentication/type", OneOf(&["jwt", "oidc"])),
    ("/authentication/oidc/tlsVerification", OneOf(&["required", "certificate-validation", "none"])),
    ("/authentication/oidc/authServerUrl", Address),
    ("/cert/certDuration", AtLeast(1.0)),
    ("/cert/webCertDuration", AtLeast(1.0)),
    ("/cert/webRsaDuration", AtLeast(1.0)),
    ("/cert/collectorCertDuration", AtLeast(1.0)),
    ("/cert/certManager/duration", GoDuration),
    ("/cert/certManager/renewBefore", GoDuration),
    ("/cert/certManager/encoding", OneOf(&["PKCS1", "PKCS8"])),
    ("/cert/certManager/size", AtLeast(2_048.0)),
    ("/grafana/schema", OneOf(&["http", "https"])),
    ("/extensions/repositoryUrls/*", Address),
    ("/extensions/cache/preloadedExtensions/*", Expression),
    ("/extensions/cache/persistentVolume/size", Size),
    ("/developer/logLevel", OneOf(&["ERROR", "WARN", "INFO", "DEBUG", "TRACE"])),
    ("/developer/externalOperatorPort", PORT),
    ("/developer/externalRestApiPort", PORT),
];

/// The rows of a kind.
pub(super) fn rows(kind: &str) -> &'static [(String, Form)] {
    static ROWS: LazyLock<BTreeMap<&str, Vec<(String, Form)>>> = LazyLock::new(|| {
        let below = |place: &str, rows: &[Row]| rows.iter().map(|(path, form)| (format!("/spec{place}{path}"), *form)).collect::<Vec<_>>();
        let sharded = PARTS.iter().flat_map(|part| below(part, OF_PARTS));
        let names = |field: &'static str| below("", &[(field, Needed), (field, Elsewhere)]);
        BTreeMap::from([
            ("SGBackup", [names("/sgCluster"), below("", OF_BACKUPS)].concat()),
            ("SGCluster", [below("", OF_CLUSTERS), below("", OF_ONE)].concat()),
            ("SGConfig", below("", OF_SETTINGS)),
            ("SGDbOps", below("", OF_OPERATIONS)),
            ("SGDistributedLogs", below("", OF_DISTRIBUTED_LOGS)),
            ("SGShardedBackup", [names("/sgShardedCluster"), below("", OF_BACKUPS)].concat()),
            ("SGShardedCluster", [below("", OF_CLUSTERS), below("", OF_SHARDED), sharded.collect()].concat()),
            ("SGShardedDbOps", below("", OF_SHARDED_OPERATIONS)),
            (
                "SGStream",
                [
                    below("", OF_STREAMS),
                    below("/target/cloudEvent", OF_REQUESTS),
                    below("/target/pgLambda/knative", OF_REQUESTS),
                    below("/source/sgCluster", OF_SOURCES),
                    below("/source/postgres", OF_SOURCES),
                ]
                .concat(),
            ),
        ])
    });
    ROWS.get(kind).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::examine;
    use super::*;
    use crate::api::KINDS;
    use crate::api::schema::Shape;

    /// A row whose path leads nowhere checks nothing, and nobody would notice.
    #[test]
    fn every_path_is_one_of_the_schema() {
        let mut count = 0;
        for kind in KINDS {
            for (path, form) in rows(kind.kind) {
                let mut schema = &*kind.schema;
                for step in path.split('/').skip(1) {
                    let step = if step == "*" { "" } else { step };
                    schema = schema.child(step).unwrap_or_else(|| panic!("{} has no {path}", kind.kind));
                }
                let fits = match form {
                    Between(..) | AtLeast(_) => matches!(schema.shape, Shape::Integer { .. } | Shape::Number { .. }),
                    Needed | Withdrawn => true,
                    _ => matches!(schema.shape, Shape::Text(_)),
                };
                assert!(fits, "{}: {path} has another type than {form:?}", kind.kind);
                count += 1;
            }
        }
        assert!(count > 250, "{count}");
    }

    /// All mistakes of a kind that nothing carries out are told at once, beside the one that it is not.
    #[test]
    fn a_kind_that_waits_is_checked_all_the_same() {
        let of = |kind: &str, version: &str, spec: &str| {
            let text = format!("apiVersion: stackgres.io/{version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{{spec}}}\n");
            let known = ["kind-not-supported-yet /kind"];
            examine(&text).0.into_iter().filter(|found| !known.contains(&found.as_str())).collect::<Vec<_>>()
        };
        assert_eq!(of("SGBackup", "v1", "sgCluster: n.a, timeout: 0, maxRetries: 0"), [""; 0]);
        assert_eq!(of("SGBackup", "v1", "timeout: -1"), ["number-out-of-range /spec/timeout", "needed-field /spec/sgCluster"]);
        assert_eq!(of("SGBackup", "v1", "sgCluster: a.b.c"), ["bad-object-reference /spec/sgCluster"]);
        assert_eq!(of("SGConfig", "v1", "authentication: {type: oidc}, cert: {certManager: {duration: 2160h}}"), [""; 0]);
        assert_eq!(of("SGConfig", "v1", "authentication: {type: ldap}"), ["unknown-choice /spec/authentication/type"]);
        assert_eq!(of("SGConfig", "v1", "cert: {certManager: {duration: P90D}}"), ["bad-duration /spec/cert/certManager/duration"]);
        assert_eq!(of("SGDistributedLogs", "v1", "persistentVolume: {size: 5Gi}"), [""; 0]);
        assert_eq!(of("SGDistributedLogs", "v1", "persistentVolume: {}"), ["needed-field /spec/persistentVolume/size"]);
        let stream = |more: &str| {
            let text = format!(
                "source: {{type: Postgres, postgres: {{host: h, {more}}}}}, target: {{type: CloudEvent, cloudEvent: {{http: {{url: 'https://e'}}}}}}, pods: {{persistentVolume: {{size: 1Gi}}}}"
            );
            of("SGStream", "v1alpha1", &text)
        };
        assert_eq!(stream("port: 5432, includes: ['shop\\..*']"), [""; 0]);
        assert_eq!(stream("port: 0"), ["number-out-of-range /spec/source/postgres/port"]);
        assert_eq!(stream("excludes: ['(a']"), ["bad-regular-expression /spec/source/postgres/excludes/0"]);
        let operation = |timeout: &str| of("SGShardedDbOps", "v1", &format!("sgShardedCluster: a, op: restart, timeout: {timeout}"));
        assert_eq!(operation("PT2H"), [""; 0]);
        assert_eq!(operation("2h"), ["bad-duration /spec/timeout"]);
    }
}
