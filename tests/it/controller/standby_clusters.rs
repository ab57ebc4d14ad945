//! A source and the cluster that follows it, on simulated instances.

use super::operations::{World, run};
use super::*;

async fn cluster(world: &World, name: &str, connections: u32, more: Value) {
    let mut spec = json!({
        "instances": 2, "postgres": {"version": "17"},
        "pods": {"persistentVolume": {"size": "5Gi"}, "updateStrategy": {"type": "Always"}},
        "configurations": {"postgres": {"postgresql.conf": {"max_connections": connections.to_string()}}},
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    let metadata = json!({"name": name, "namespace": world.fleet.namespace});
    world.fleet.apply(json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": metadata, "spec": spec})).await;
}

async fn runs(world: &World, name: &str, connections: u32) {
    world
        .until(&format!("{name} runs with {connections}"), async || {
            let status = world.fleet.get(name).await["status"].clone();
            let released = status["effective"].to_string().contains(&format!("\"{connections}\""));
            let running = status["running"]["revision"] == status["release"]["revision"] && status["waiting"].is_null();
            released && running && status["readyInstances"] == 2
        })
        .await;
}

/// A source that gets more than its standby cluster has ends the replay there until every instance was restarted, all of them at once.
#[test]
fn a_source_waits_for_its_standby_cluster() {
    run(async || {
        let mut world = World::new("outgrown", 0).await;
        let follows = json!({"replicateFrom": {"instance": {"sgCluster": "a"}}});
        cluster(&world, "a", 100, json!({})).await;
        cluster(&world, "copy", 100, follows.clone()).await;
        world.fleet.start();
        runs(&world, "a", 100).await;
        runs(&world, "copy", 100).await;

        cluster(&world, "a", 200, json!({})).await;
        let waits = async || world.fleet.get("a").await["status"]["waiting"].to_string();
        world.until("the source waits", async || waits().await.contains("copy has max_connections = 100 and not 200")).await;
        assert!(waits().await.contains("as much is released for copy"), "{}", waits().await);
        world.fleet.passes(5).await;
        assert_eq!(world.steps().await, [""; 0], "nothing of it is begun");

        cluster(&world, "copy", 200, follows).await;
        runs(&world, "copy", 200).await;
        runs(&world, "a", 200).await;
        let steps = world.steps().await;
        let order = ["PostgreSQL restarts on copy-1", "copy-0 hands over to copy-1", "PostgreSQL restarts on a-1", "a-0 hands over to a-1"];
        assert_eq!(steps, order, "the whole standby cluster before its source");

        // Where the copy matters less than the source a person says so.
        cluster(&world, "a", 300, json!({})).await;
        world.until("it waits again", async || waits().await.contains("copy has max_connections = 200 and not 300")).await;
        let released = world.fleet.get("a").await["status"]["release"]["revision"].clone();
        let patch = json!({"metadata": {"annotations": {"stackgres.io/accept-replication-stop": released}}});
        world.fleet.clusters().patch("a", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
        runs(&world, "a", 300).await;
        world.fleet.stop().await;
    });
}
