//! Documents that do not fit the cluster they are about: what neither says alone.

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use crate::postgres::major;
use serde_json::Value;
use std::collections::HashMap;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "operation-does-not-fit",
            "the operation cannot be done to its cluster",
            "A minor upgrade stays inside the major version of the cluster, a major upgrade goes to a newer one; pg_repack must be among the extensions of the cluster; shards can be moved where Citus holds them. It would begin, and fail.",
        ),
        check: Check::Every(|_| Vec::new()),
    },
    Rule {
        code: Code::error(
            "backup-does-not-fit",
            "the cluster has no backups of this kind",
            "ShardingSphere has no restore point that all parts share, so a sharded cluster of that type cannot be backed up as one.",
        ),
        check: Check::Every(|_| Vec::new()),
    },
];

/// What does not fit, of all documents of a set.
pub fn misfits<'a>(all: impl Iterator<Item = &'a Manifest> + Clone) -> Vec<Diagnostic> {
    let asking = |kind: &str| ["SGDbOps", "SGShardedDbOps", "SGShardedBackup"].contains(&kind);
    if !all.clone().any(|manifest| asking(manifest.object.kind())) {
        return Vec::new();
    }
    let place = |manifest: &'a Manifest| (manifest.object.kind(), manifest.object.namespace().unwrap_or_default(), manifest.object.name());
    let clusters: HashMap<(&str, &str, &str), &Manifest> =
        all.clone().filter(|manifest| manifest.object.kind().ends_with("Cluster")).map(|manifest| (place(manifest), manifest)).collect();
    let of = |manifest: &'a Manifest, kind: &'static str, pointer: &str| {
        clusters.get(&(kind, manifest.object.namespace().unwrap_or_default(), manifest.object.text(pointer)?)).copied()
    };
    let misfit = |manifest: &'a Manifest| match manifest.object.kind() {
        "SGDbOps" => operation(manifest, of(manifest, "SGCluster", "/spec/sgCluster")?),
        "SGShardedDbOps" => resharding(manifest, of(manifest, "SGShardedCluster", "/spec/sgShardedCluster")?),
        "SGShardedBackup" => backup(manifest, of(manifest, "SGShardedCluster", "/spec/sgShardedCluster")?),
        _ => None,
    };
    all.filter_map(misfit).collect()
}

fn operation(operation: &Manifest, cluster: &Manifest) -> Option<Diagnostic> {
    let problem = |pointer: &str, message: String, help: &str| {
        Some(at(operation, pointer, Diagnostic::error("operation-does-not-fit", message).help(help)))
    };
    let name = cluster.object.name();
    let op = operation.object.text("/spec/op")?;
    let running = cluster.object.text("/spec/postgres/version").and_then(major);
    let pointer = format!("/spec/{op}/postgresVersion");
    match (op, operation.object.text(&pointer).and_then(major), running) {
        ("minorVersionUpgrade", Some(wanted), Some(running)) if wanted != running => {
            let help = "write a version of that major; a newer major is the operation majorVersionUpgrade";
            problem(&pointer, format!("the cluster {name} runs PostgreSQL {running}"), help)
        }
        ("majorVersionUpgrade", Some(wanted), Some(running)) if wanted <= running => {
            problem(&pointer, format!("the cluster {name} runs PostgreSQL {running} already"), "write a newer major version")
        }
        ("repack", _, _) => {
            let extensions = cluster.object.get("/spec/postgres/extensions").and_then(Value::as_array);
            let has = extensions.into_iter().flatten().any(|extension| extension.get("name").and_then(Value::as_str) == Some("pg_repack"));
            if has {
                return None;
            }
            problem(
                "/spec/op",
                format!("the cluster {name} has not the extension pg_repack"),
                "add it to spec.postgres.extensions of the cluster",
            )
        }
        _ => None,
    }
}

fn resharding(operation: &Manifest, cluster: &Manifest) -> Option<Diagnostic> {
    let is_citus = cluster.object.text("/spec/type").is_none_or(|kind| kind == "citus");
    if is_citus || operation.object.text("/spec/op") != Some("resharding") {
        return None;
    }
    let problem = Diagnostic::error("operation-does-not-fit", format!("the cluster {} is not sharded by Citus", cluster.object.name()));
    Some(at(operation, "/spec/op", problem.help("move the data with SQL")))
}

fn backup(backup: &Manifest, cluster: &Manifest) -> Option<Diagnostic> {
    if cluster.object.text("/spec/type") != Some("shardingsphere") {
        return None;
    }
    let problem = Diagnostic::error("backup-does-not-fit", format!("the cluster {} is sharded by ShardingSphere", cluster.object.name()));
    Some(at(backup, "/spec/sgShardedCluster", problem.help("back its parts up one by one")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Object;
    use serde_json::json;

    fn manifest(kind: &str, name: &str, spec: Value) -> Manifest {
        Manifest::live(Object::new(
            json!({"apiVersion": "stackgres.io/v1", "kind": kind, "metadata": {"name": name, "namespace": "n"}, "spec": spec}),
        ))
    }

    /// An operation that cannot be done would stop the cluster first and fail then.
    #[test]
    fn operations_fit_their_cluster() {
        let of = |extensions: Value, spec: Value| {
            let all = [
                manifest("SGCluster", "a", json!({"postgres": {"version": "17", "extensions": extensions}})),
                manifest("SGDbOps", "o", spec),
            ];
            misfits(all.iter()).into_iter().map(|problem| format!("{} {}", problem.code, problem.path)).collect::<Vec<_>>()
        };
        let upgrade = |op: &str, version: &str| of(json!([]), json!({"sgCluster": "a", "op": op, op: {"postgresVersion": version}}));
        assert_eq!(upgrade("minorVersionUpgrade", "17.12"), [""; 0]);
        assert_eq!(upgrade("minorVersionUpgrade", "18.1"), ["operation-does-not-fit spec.minorVersionUpgrade.postgresVersion"]);
        assert_eq!(upgrade("majorVersionUpgrade", "18"), [""; 0]);
        assert_eq!(upgrade("majorVersionUpgrade", "17"), ["operation-does-not-fit spec.majorVersionUpgrade.postgresVersion"]);
        let repack = |extensions: Value| of(extensions, json!({"sgCluster": "a", "op": "repack"}));
        assert_eq!(repack(json!([{"name": "pg_repack"}])), [""; 0]);
        assert_eq!(repack(json!([])), ["operation-does-not-fit spec.op"]);
        assert_eq!(of(json!([]), json!({"sgCluster": "b", "op": "repack"})), [""; 0], "a cluster that is not there is told otherwise");
    }

    #[test]
    fn sharded_clusters_differ_in_what_they_can() {
        let of = |kind: &str, asks: &str, spec: Value| {
            let all = [manifest("SGShardedCluster", "a", json!({"type": kind})), manifest(asks, "o", spec)];
            misfits(all.iter()).into_iter().map(|problem| problem.code).collect::<Vec<_>>()
        };
        let reshard = || json!({"sgShardedCluster": "a", "op": "resharding"});
        assert_eq!(of("citus", "SGShardedDbOps", reshard()), [""; 0]);
        assert_eq!(of("ddp", "SGShardedDbOps", reshard()), ["operation-does-not-fit"]);
        assert_eq!(of("ddp", "SGShardedBackup", json!({"sgShardedCluster": "a"})), [""; 0]);
        assert_eq!(of("shardingsphere", "SGShardedBackup", json!({"sgShardedCluster": "a"})), ["backup-does-not-fit"]);
    }
}
