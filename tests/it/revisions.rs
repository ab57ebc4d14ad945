//! What a revision's digest depends on, and that it can be read back.

use proptest::prelude::*;
use serde_json::Value;
use stackgres::engine::offline::{LoadOptions, Options, SourceFile, check};
use stackgres::model::Object;
use stackgres::render::revision::{Revision, from_secret, to_prune, to_secret};

const BASE: &str = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a, namespace: n}\nspec:\n  instances: 2\n  postgres: {version: '17'}\n  pods: {persistentVolume: {size: 2Gi}, resources: {containers: {pgbouncer: {limits: {memory: 256Mi}}}}, customVolumes: [{name: seed, configMap: {name: seed}}], scheduling: {nodeSelector: {memory: 1024Ki}, podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: a, labelSelector: {matchLabels: {b: c}}}}]}}}\n  sgInstanceProfile: p\n  configurations: {postgres: {postgresql.conf: {work_mem: 16MB, fsync: 'on'}}, pooling: {pgBouncer: {pgbouncer.ini: {pgbouncer: {max_client_conn: 100, application_name_add_host: true}, databases: {app: {pool_size: 5}}}}}}\n  metadata: {labels: {clusterPods: {size: 1024Ki}}}\n---\napiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {name: p, namespace: n}\nspec: {cpu: '1', memory: 2Gi}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: seed, namespace: n}\ndata: {size: 1024Ki}\nbinaryData: {a: QQ==}\n";

fn freeze(text: &str) -> Revision {
    let options = Options { load: LoadOptions::default(), ..Options::default() };
    let report = check(&[SourceFile { path: "a.yaml".to_owned(), content: text.as_bytes().into() }], &options);
    assert!(!report.diagnostics.has_errors(), "{:?}", report.diagnostics);
    Revision::freeze(report.clusters.values().next().unwrap(), "c0ffee")
}

/// A respelled file must not make fifty clusters wait for a release of nothing.
#[test]
fn spelling_does_not_change_the_digest() {
    let digest = freeze(BASE).digest;
    for (from, to) in [
        ("size: 2Gi", "size: 2048Mi"),
        ("memory: 2Gi", "memory: 2048Mi"),
        ("cpu: '1'", "cpu: \"1000m\""),
        ("work_mem: 16MB", "work_mem: 16384kB"),
        ("fsync: 'on'", "fsync: 'true'"),
        ("instances: 2", "instances: 2.0"),
        ("{name: a, namespace: n}", "{namespace: n, name: a, labels: {x: y}}"),
        ("work_mem: 16MB", "WORK_MEM: 16MB"),
        ("max_client_conn: 100", "max_client_conn: '100'"),
        ("application_name_add_host: true", "application_name_add_host: 1"),
        ("pool_size: 5", "pool_size: '5'"),
        ("limits: {memory: 256Mi}", "limits: {memory: 262144Ki}"),
        ("  instances: 2\n  postgres: {version: '17'}\n", "  postgres: {version: \"17\"}\n  instances: 2\n  replication: {}\n"),
    ] {
        assert!(BASE.contains(from));
        assert_eq!(freeze(&BASE.replace(from, to)).digest, digest, "{from} and {to}");
    }
}

/// A change that keeps its digest would be released without anybody having approved it.
#[test]
fn meaning_changes_the_digest() {
    let digest = freeze(BASE).digest;
    for (from, to) in [
        ("size: 2Gi", "size: 3Gi"),
        ("memory: 2Gi", "memory: 4Gi"),
        ("work_mem: 16MB", "work_mem: 17MB"),
        ("fsync: 'on'", "fsync: 'off'"),
        ("instances: 2", "instances: 3"),
        ("version: '17'", "version: '15'"),
        ("version: '17'", "version: '17', ssl: {enabled: false}"),
        ("topologyKey: a,", "topologyKey: a, namespaceSelector: {},"),
        ("scheduling: {", "scheduling: {topologySpreadConstraints: [], "),
        ("size: 1024Ki", "size: 1Mi"),
        ("memory: 1024Ki", "memory: 1Mi"),
        ("binaryData: {a: QQ==}", "binaryData: {a: Qg==}"),
        ("data: {size: 1024Ki}", "data: {size: 1Mi}"),
        ("pool_size: 5", "pool_size: 6"),
        ("{app: {pool_size: 5}}", "{app: {pool_size: 5}, other: {}}"),
    ] {
        assert!(BASE.contains(from));
        assert_ne!(freeze(&BASE.replace(from, to)).digest, digest, "{from} and {to}");
    }
}

#[test]
fn a_revision_survives_its_secret_and_is_small() {
    let revision = freeze(BASE);
    let secret = to_secret(&revision);
    println!("{} bytes a revision", secret.value().to_string().len());
    assert!(secret.value().to_string().len() < 16_384, "10,000 clusters with three revisions each must fit into etcd");
    assert_eq!(secret.value().to_string(), to_secret(&freeze(BASE)).value().to_string(), "equal inputs give equal bytes");
    assert_eq!(from_secret(&secret), Ok(revision));
    let mut damaged = secret.clone();
    damaged.value_mut()["data"]["revision"] = Value::from("AAAA");
    assert!(from_secret(&damaged).is_err());
}

#[test]
fn revisions_in_use_are_never_pruned() {
    let secret = |name: &str, time: &str| Object::new(serde_json::json!({"metadata": {"name": name, "creationTimestamp": time}}));
    let all = [secret("a", "2026-01-01"), secret("b", "2026-01-02"), secret("c", "2026-01-03"), secret("d", "2026-01-04")];
    assert_eq!(to_prune(&all, &["a"], 1), ["c", "b"]);
    assert!(to_prune(&all, &["a"], 3).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_size_has_one_digest_however_it_is_written(gibibytes in 1_u32..200) {
        let written = |size: String| freeze(&BASE.replace("size: 2Gi", &format!("size: {size}"))).digest;
        prop_assert_eq!(written(format!("{gibibytes}Gi")), written(format!("{}Mi", gibibytes * 1024)));
        prop_assert_ne!(written(format!("{gibibytes}Gi")), written(format!("{}Mi", gibibytes * 1024 + 1)));
    }
}
