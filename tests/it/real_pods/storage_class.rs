//! Data move to another storage class while an application works: on real volumes, with the real provisioner.

use super::clients::Clients;
use super::{Database, NAME, on_real_nodes, until};
use serde_json::Value;

const SECOND: &str = "local-path-second";

fn spec(class: &str) -> String {
    format!(
        "  pods: {{persistentVolume: {{size: 1Gi, storageClass: {class}}}, updateStrategy: {{type: Always}}}}\n  configurations: {{pooling: {{pgBouncer: {{pgbouncer.ini: {{pgbouncer: {{pool_mode: transaction}}}}}}}}}}\n"
    )
}

fn items(text: &str) -> Vec<Value> {
    let list: Value = serde_json::from_str(text).unwrap();
    list["items"].as_array().cloned().unwrap_or_default()
}

/// Two instances, because one more joins meanwhile and the test cluster has three nodes. No transaction may fail, every row must be
/// on every instance afterwards, and what was given up must still be there.
#[test]
fn data_move_to_another_storage_class() {
    on_real_nodes("data_move_to_another_storage_class", |nodes| {
        nodes.apply(&format!(
            "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: {SECOND}, annotations: {{defaultVolumeType: local}}}}\nprovisioner: rancher.io/local-path\nvolumeBindingMode: WaitForFirstConsumer\nallowVolumeExpansion: true\n"
        ));
        let database = Database::new(nodes, "classes", 2, &spec("local-path"));
        database.sql("CREATE TABLE kept AS SELECT i, md5(i::text) AS t FROM generate_series(1, 200000) i");
        let identifier = database.status("/systemIdentifier");
        let clients = Clients::begin(&database, 7);
        database.spec(2, &spec(SECOND));
        until("it is released", 60, || database.status("/effective").to_string().contains(SECOND));
        until(&format!("it is carried out: {}", database.status("/waiting")), 420, || {
            let status = database.status("");
            status["running"]["revision"] == status["release"]["revision"]
                && status["waiting"]["for"].is_null()
                && status["readyInstances"] == 2
        });
        until("the extra instance has left", 120, || items(&database.kubectl(&["get", "pods", "-o", "json"])).len() == 2);
        let outcome = clients.end(&database);
        eprintln!("{outcome:?}");
        assert!(outcome.failed.is_empty() && outcome.lost == 0, "{outcome:?}");
        assert!(outcome.transactions > 50, "{outcome:?}");
        database.ready(2);

        let claims = items(&database.kubectl(&["get", "pvc", "-o", "json"]));
        assert_eq!(claims.len(), 3, "those of two instances and of the one that left");
        assert!(claims.iter().all(|claim| claim["spec"]["storageClassName"] == SECOND), "{claims:?}");
        let labels =
            format!("stackgres.io/replaced=true,stackgres.io/cluster-name={NAME},stackgres.io/cluster-namespace={}", database.namespace);
        let volumes = items(&database.kubectl(&["get", "pv", "-l", &labels, "-o", "json"]));
        assert_eq!(volumes.len(), 2, "{volumes:?}");
        for volume in &volumes {
            assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Retain");
            assert_eq!(volume["spec"]["storageClassName"], "local-path");
            assert_eq!(volume["status"]["phase"], "Released");
        }

        assert_eq!(database.status("/systemIdentifier"), identifier, "it is the same database");
        let pods = [database.replicas(), vec![database.primary()]].concat();
        assert_eq!(pods.len(), 2);
        let sums = "SELECT count(*), md5(string_agg(t, '' ORDER BY i)) FROM kept";
        let rows: Vec<String> = pods.iter().map(|pod| database.inside(pod, sums)).collect();
        assert!(rows[0].starts_with("200000|") && rows.iter().all(|row| *row == rows[0]), "{rows:?}");
        until("every commit is on every instance", 60, || {
            let numbers: Vec<String> = pods.iter().map(|pod| database.inside(pod, "SELECT count(*) FROM worked")).collect();
            numbers.iter().all(|number| *number == numbers[0])
        });

        // What is kept is the user's to delete: the policy Delete takes volume and data away.
        for volume in &volumes {
            let name = volume["metadata"]["name"].as_str().unwrap();
            database.kubectl(&["patch", "pv", name, "-p", r#"{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}"#]);
        }
        until("they are gone with their data", 120, || items(&database.kubectl(&["get", "pv", "-l", &labels, "-o", "json"])).is_empty());
    });
}
