//! Codes of the rules in the schemas, which the API server evaluates as well.

use crate::diagnostics::Code;

/// Every code of a rule in a schema that no other list has.
pub const SCHEMA_CODES: &[Code] = &[
    Code::error(
        "storage-without-type",
        "the storage does not say what it is",
        "`type` names the section that holds bucket and credentials. There is no default: a backup that goes somewhere else than expected is none.",
    ),
    Code::error(
        "storage-credentials",
        "the storage has no credentials",
        "Either Secret keys are named, or the role of the pods is used (`useIAMRole`, `fetchCredentialsFromMetadataService`). Without both no backup can be written.",
    ),
    Code::error(
        "storage-encryption",
        "the section of the encryption method is missing, or another one is there",
        "`method` names the section that holds the key: `sodium` or `openpgp`, and exactly that one is filled.",
    ),
    Code::error(
        "storage-section",
        "the section of the storage's type is missing, or another one is there",
        "`type` names the section that holds bucket and credentials; exactly that one must be filled.",
    ),
    Code::error(
        "unknown-operation",
        "there is no such operation",
        "`op` names what is done. The API takes any text in it; one that means nothing would never be carried out.",
    ),
    Code::error(
        "operation-section",
        "a section of the operation does not fit it",
        "An SGDbOps is one operation. Only the section of that name may be there; what another section asks for would not be done.",
    ),
    Code::error(
        "script-source",
        "an entry needs exactly one source of SQL",
        "Write either `script` or `scriptFrom`; in `scriptFrom` either a Secret key or a ConfigMap key.",
    ),
    Code::error(
        "script-transaction",
        "the entry's transaction settings contradict each other",
        "`storeStatusInDatabase` records the outcome in the same transaction, so it needs `wrapInTransaction`.",
    ),
    Code::error(
        "incomplete-certificate",
        "a certificate without its key, or the other way round",
        "Give both selectors, or neither to have a certificate made.",
    ),
    Code::error(
        "incomplete-binding",
        "a user of the binding without its password, or the other way round",
        "The Secret for applications holds a user and that user's password. Give both, or neither to have the superuser's.",
    ),
    Code::error(
        "too-few-instances",
        "there are fewer instances than replication needs",
        "A synchronous commit waits for `syncInstances` standbys, so there must be one instance more than that. Groups take their instances out of `spec.instances`, and the first group needs at least one.",
    ),
    Code::error(
        "bad-toleration",
        "Kubernetes would refuse this toleration",
        "A toleration has the operator Equal or Exists; without a key it needs Exists, with Exists it has no value; the effect is NoSchedule, PreferNoSchedule or NoExecute; `tolerationSeconds` goes with NoExecute only. No pod would be made.",
    ),
    Code::error(
        "incomplete-operation",
        "the operation lacks what it needs",
        "Which version an upgrade goes to, or which queries a benchmark runs, has no default: the operation would fail when its time comes.",
    ),
    Code::error(
        "link-and-clone",
        "data files cannot be linked and cloned",
        "`pg_upgrade` takes the old files over in one way: hard links (`link`), clones of the file system (`clone`), or copies.",
    ),
    Code::error(
        "incomplete-restore",
        "the backup to restore is not said",
        "A restore names its SGBackup, and a moment where it shall stop at one. A cluster that is meant to hold data and starts empty is worse than none.",
    ),
    Code::error(
        "incomplete-autoscaling",
        "the bounds of autoscaling are missing",
        "`horizontal` changes the number of instances between `minInstances` and `maxInstances`, `vertical` their size between `minAllowed` and `maxAllowed`; `all`, which an absent `mode` is, does both. Without bounds a cluster could grow until nothing else has room.",
    ),
    Code::error(
        "stream-section",
        "the section of the stream's type is missing, or another one is there",
        "`type` names where changes come from, or where they go; exactly the section that belongs to it is filled.",
    ),
    Code::error(
        "stream-tables",
        "tables are included and excluded",
        "A stream captures the tables of `includes`, or all but those of `excludes`.",
    ),
    Code::error("incomplete-stream", "the stream lacks what it needs", "A role comes with its password, and an endpoint with its address."),
    Code::error(
        "sharding-type",
        "it is not said what shards the data",
        "`type` decides how data are spread over the shards, and cannot change. There is no default.",
    ),
    Code::error(
        "sharding-sphere",
        "the settings of the proxy contradict each other",
        "ShardingSphere runs as one proxy that keeps what it knows in memory (`Standalone`), or as several that share a store (`Cluster`).",
    ),
    Code::error(
        "several-recovery-targets",
        "more than one point to stop a recovery at is given",
        "PostgreSQL stops at one point: a name, a transaction, a position in the WAL or a moment. It refuses to start with two of them (PostgreSQL documentation, \"Recovery Target\").",
    ),
];

#[cfg(test)]
mod tests {
    use crate::load::Manifest;
    use crate::model::Object;
    use crate::validate::structural;
    use serde_json::{Value, json};

    fn found(kind: &str, version: &str, spec: &Value) -> Vec<String> {
        let object = json!({"apiVersion": format!("stackgres.io/{version}"), "kind": kind, "metadata": {"name": "a"}, "spec": spec});
        structural(&Manifest::live(Object::new(object))).iter().map(|finding| format!("{} {}", finding.code, finding.path)).collect()
    }

    fn cluster(more: &Value) -> Vec<String> {
        let mut spec = json!({"instances": 2, "postgres": {"version": "17"}, "pods": {"persistentVolume": {"size": "5Gi"}}});
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        found("SGCluster", "v1", &spec)
    }

    /// A toleration that Kubernetes refuses is found out when no pod is made.
    #[test]
    fn tolerations_as_kubernetes_takes_them() {
        let of = |toleration: Value| {
            cluster(&json!({"pods": {"persistentVolume": {"size": "5Gi"}, "scheduling": {"tolerations": [toleration]}}}))
        };
        let place = "bad-toleration spec.pods.scheduling.tolerations[0]";
        for fine in [
            json!({"operator": "Exists"}),
            json!({"key": "a", "operator": "", "value": "b", "effect": "NoSchedule"}),
            json!({"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3}),
        ] {
            assert_eq!(of(fine.clone()), [""; 0], "{fine}");
        }
        assert_eq!(of(json!({"key": "a", "operator": "Equals"})), [format!("{place}.operator")]);
        assert_eq!(of(json!({"effect": "NoSchedule"})), [place]);
        assert_eq!(of(json!({"key": "a", "operator": "Exists", "value": "b"})), [format!("{place}.value")]);
        assert_eq!(of(json!({"key": "a", "effect": "Never"})), [format!("{place}.effect")]);
        assert_eq!(of(json!({"key": "a", "effect": "NoSchedule", "tolerationSeconds": 3})), [format!("{place}.tolerationSeconds")]);
    }

    /// Commits that wait for a standby that cannot be there stop every writer.
    #[test]
    fn instances_are_enough_for_what_replication_wants() {
        let of = |instances: u32, replication: Value| cluster(&json!({"instances": instances, "replication": replication}));
        let few = ["too-few-instances spec.instances"];
        assert_eq!(of(2, json!({"mode": "sync"})), [""; 0]);
        assert_eq!(of(1, json!({"mode": "sync"})), few);
        assert_eq!(of(2, json!({"mode": "strict-sync", "syncInstances": 2})), few);
        assert_eq!(of(1, json!({"mode": "sync-all"})), [""; 0]);
        assert_eq!(of(0, json!({"mode": "sync", "syncInstances": 2, "groups": [{"role": "ha", "instances": 3}]})), [""; 0]);
        assert_eq!(of(3, json!({"groups": [{"role": "ha", "instances": 2}]})), [""; 0]);
        assert_eq!(of(2, json!({"groups": [{"role": "ha", "instances": 1}, {"role": "ha", "instances": 1}]})), few);
        let group = json!({"groups": [{"role": "ha", "instances": 1, "minInstances": 2}]});
        assert_eq!(of(3, group), ["too-few-instances spec.replication.groups[0].minInstances"]);
    }

    /// What one section leaves out and another one says would not be done.
    #[test]
    fn sections_belong_to_their_word() {
        let stream = |source: Value| {
            let target = json!({"type": "PgLambda", "pgLambda": {"script": "x"}});
            found("SGStream", "v1alpha1", &json!({"source": source, "target": target, "pods": {"persistentVolume": {"size": "1Gi"}}}))
        };
        assert_eq!(stream(json!({"type": "SGCluster", "sgCluster": {"name": "a", "includes": ["x"]}})), [""; 0]);
        assert_eq!(stream(json!({"type": "SGCluster"})), ["stream-section spec.source.sgCluster"]);
        assert_eq!(stream(json!({"type": "sgcluster"})), ["unknown-choice spec.source.type"]);
        let both = json!({"type": "SGCluster", "sgCluster": {"name": "a"}, "postgres": {"host": "h"}});
        assert_eq!(stream(both), ["stream-section spec.source.postgres"]);
        let tables = json!({"type": "SGCluster", "sgCluster": {"name": "a", "includes": ["x"], "excludes": ["y"]}});
        assert_eq!(stream(tables), ["stream-tables spec.source.sgCluster"]);
        let operation = |spec: Value| found("SGDbOps", "v1", &spec);
        let link = json!({"sgCluster": "a", "op": "majorVersionUpgrade",
            "majorVersionUpgrade": {"postgresVersion": "18", "sgPostgresConfig": "c", "link": true, "clone": true}});
        assert_eq!(operation(link), ["link-and-clone spec.majorVersionUpgrade"]);
        assert_eq!(operation(json!({"sgCluster": "a", "op": "benchmark"})), ["operation-section spec.benchmark"]);
    }
}
