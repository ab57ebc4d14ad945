//! A data volume without a free byte.
//!
//! The volumes of the test cluster are folders of one disk, so this test brings its own: memory of a fixed size, mounted on each node.

use super::told;
use crate::real_pods::{Database, until, when_drawn};
use std::fmt::Write as _;

const STORAGE_CLASS: &str = "fixed-size";
const MEBIBYTES: u32 = 400;

/// WAL and data share the volume, as the API has one volume only: a full one stops both.
#[test]
fn a_full_volume_refuses_and_recovers() {
    when_drawn("a_full_volume_refuses_and_recovers", |nodes| {
        let folder = |node: u32| nodes.folder.join(format!("node{node}/fixed")).to_string_lossy().into_owned();
        let mut objects = format!(
            "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: {STORAGE_CLASS}}}\nprovisioner: kubernetes.io/no-provisioner\nvolumeBindingMode: WaitForFirstConsumer\n"
        );
        for node in 1..=3 {
            let (path, number) = (folder(node), node.to_string());
            nodes.harness(&["node", "run", &number, "mkdir", "-p", &path]);
            nodes.harness(&["node", "run", &number, "mount", "-t", "tmpfs", "-o", &format!("size={MEBIBYTES}m"), "tmpfs", &path]);
            let _ = write!(
                objects,
                "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: fixed-{node}}}\nspec:\n  capacity: {{storage: {MEBIBYTES}Mi}}\n  accessModes: [ReadWriteOnce]\n  persistentVolumeReclaimPolicy: Retain\n  storageClassName: {STORAGE_CLASS}\n  local: {{path: {path}}}\n  nodeAffinity: {{required: {{nodeSelectorTerms: [{{matchExpressions: [{{key: kubernetes.io/hostname, operator: In, values: [node{node}]}}]}}]}}}}\n"
            );
        }
        nodes.apply(&objects);
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let pods = format!("  pods: {{persistentVolume: {{size: {MEBIBYTES}Mi, storageClass: {STORAGE_CLASS}}}}}\n");
            let database = Database::new(nodes, "full", 3, &pods);
            fill(&database);
        }));
        nodes.ok(&["delete", "pv", "fixed-1", "fixed-2", "fixed-3", "--wait=false"]);
        for node in 1..=3 {
            // A pod may still end.
            until("the volume is given back", 120, || {
                let mut command = std::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/node"));
                command.env("STACKGRES_CLUSTER_DIR", &nodes.folder).args(["run", &node.to_string(), "umount", &folder(node)]);
                command.output().unwrap().status.success()
            });
        }
        nodes.ok(&["delete", "storageclass", STORAGE_CLASS]);
        if let Err(panic) = tried {
            std::panic::resume_unwind(panic);
        }
    });
}

fn fill(database: &Database<'_>) {
    let identifier = database.status("/systemIdentifier");
    let primary = database.primary();
    database.sql("create table ballast as select repeat('x', 1000) from generate_series(1, 1000)");
    let writer = database.writer(240);
    std::thread::sleep(std::time::Duration::from_secs(3));
    // A file that is not PostgreSQL's takes all but the last MiB, so that the next segment of WAL has no room.
    let blocks = "df -k /var/lib/postgresql | tail -n 1 | while read -r _ _ _ free _; do echo $((free - 1024)); done";
    database.patroni(&primary, &format!("dd if=/dev/zero of=/var/lib/postgresql/ballast bs=1024 count=$({blocks}) 2>&1"));
    let mut refused = String::new();
    until("writes are refused", 120, || {
        let output =
            database.try_sql(crate::real_pods::NAME, "insert into ballast select repeat('x', 1000) from generate_series(1, 20000)");
        refused = crate::real_pods::said(&output);
        !output.status.success()
    });
    eprintln!("full: the client is told: {}", refused.trim());
    std::thread::sleep(std::time::Duration::from_secs(30));
    eprintln!("full, 30 s later: primary {} (was {primary})\n{}", database.primary(), database.conditions());
    database.kubectl(&["get", "pods"]).lines().for_each(|line| eprintln!("full: {line}"));
    database.patroni(&primary, "rm /var/lib/postgresql/ballast");
    let began = std::time::Instant::now();
    until("writes go on", 120, || database.try_sql(crate::real_pods::NAME, "insert into ballast values ('room')").status.success());
    eprintln!("full: writes go on {:.1} s after there is room", began.elapsed().as_secs_f64());
    let outcome = writer.stop(database);
    told("the primary's volume is full", &outcome);
    assert_eq!(outcome.lost, [0; 0], "lost");
    database.sound(3);
    assert_eq!(database.status("/systemIdentifier"), identifier);
}
