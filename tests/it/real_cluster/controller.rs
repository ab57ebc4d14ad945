//! The whole way: files, custom resources, revisions, children, on a real API server, with the rights of `deploy/` where they matter.

use super::{install, resource, with_client};
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use stackgres::engine::controller::{RunOptions, SourceOptions, State, run};
use stackgres::kubernetes::Cluster;
use stackgres::resolve::Settings;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A fleet in namespaces of its own, its source in a temporary folder, and a controller that can be stopped and started.
struct Fleet {
    client: kube::Client,
    folder: tempfile::TempDir,
    namespace: String,
    running: Option<(CancellationToken, tokio::task::JoinHandle<()>)>,
    state: Arc<State>,
}

impl Fleet {
    async fn new(client: kube::Client, namespace: &str, drift: &str) -> Self {
        install(&client).await;
        // What an earlier run left would be taken for this one's.
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource("v1", "Namespace"));
        if api.get_opt(namespace).await.unwrap().is_some() {
            drop(api.delete(namespace, &kube::api::DeleteParams::default()).await.unwrap());
            for _ in 0..300 {
                if api.get_opt(namespace).await.unwrap().is_none() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        super::namespace(&client, namespace).await;
        let folder = tempfile::tempdir().unwrap();
        let fleet = Self { client, folder, namespace: namespace.to_owned(), running: None, state: Arc::default() };
        let rights = |kind: &str, more: Value| {
            let mut value = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": "fleet-content", "namespace": namespace}});
            value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            value
        };
        fleet
            .apply(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "stackgres-fleet", "namespace": namespace}}))
            .await;
        fleet
            .apply(rights(
                "Role",
                json!({"rules": [{"apiGroups": ["stackgres.io"], "resources": ["*"], "verbs": ["get", "create", "patch", "update"]}]}),
            ))
            .await;
        fleet
            .apply(rights(
                "RoleBinding",
                json!({
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "fleet-content"},
                    "subjects": [{"kind": "ServiceAccount", "name": "stackgres-fleet", "namespace": namespace}],
                }),
            ))
            .await;
        fleet
            .apply(json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "fleet", "namespace": namespace},
                "spec": {"source": {"directory": {"path": fleet.folder.path()}}, "drift": drift}}))
            .await;
        fleet
    }

    async fn apply(&self, object: Value) {
        let api = self.api(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
        api.patch(object["metadata"]["name"].as_str().unwrap(), &PatchParams::apply("test").force(), &Patch::Apply(&object)).await.unwrap();
    }

    fn api(&self, version: &str, kind: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource(version, kind))
    }

    fn clusters(&self) -> Api<DynamicObject> {
        self.api("stackgres.io/v1", "SGCluster")
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join(file), text).unwrap();
    }

    /// The smallest cluster, with some parameters.
    fn cluster(&self, name: &str, more: &str) {
        self.write(
            &format!("{name}.yaml"),
            &format!("apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: {name}}}\nspec:\n  instances: 1\n  postgres: {{version: '17'}}\n  pods: {{persistentVolume: {{size: 5Gi}}}}\n{more}"),
        );
    }

    fn start(&mut self) {
        let stop = CancellationToken::new();
        let options = RunOptions {
            settings: Settings::default(),
            namespace: self.namespace.clone(),
            lease: None,
            identity: "test".to_owned(),
            interval: Duration::from_millis(500),
            sources: SourceOptions { directories: vec![std::env::temp_dir()], ..SourceOptions::default() },
        };
        let api = Cluster::new(self.client.clone(), Duration::from_secs(20));
        let (token, state) = (stop.clone(), self.state.clone());
        let task = tokio::spawn(async move { run(api, options, state, token).await.unwrap() });
        self.running = Some((stop, task));
    }

    async fn stop(&mut self) {
        if let Some((stop, task)) = self.running.take() {
            stop.cancel();
            task.await.unwrap();
        }
    }

    /// Waits for whole passes that begin after now, so that what was just done is seen.
    async fn passes(&self, count: u64) {
        let wanted = self.state.passes.load(std::sync::atomic::Ordering::Relaxed) + count + 1;
        for _ in 0..600 {
            if self.state.passes.load(std::sync::atomic::Ordering::Relaxed) >= wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the controller stands still");
    }

    async fn get(&self, name: &str) -> Value {
        serde_json::to_value(self.clusters().get(name).await.unwrap()).unwrap()
    }

    async fn fleet(&self) -> Value {
        serde_json::to_value(self.api("stackgres.io/v1alpha1", "SGFleet").get("fleet").await.unwrap()).unwrap()
    }

    /// resourceVersion of every object the controller writes.
    async fn versions(&self) -> BTreeMap<String, String> {
        let mut versions = BTreeMap::new();
        for (version, kind) in [
            ("stackgres.io/v1", "SGCluster"),
            ("stackgres.io/v1", "SGPostgresConfig"),
            ("stackgres.io/v1alpha1", "SGFleet"),
            ("apps/v1", "StatefulSet"),
            ("v1", "ConfigMap"),
            ("v1", "Service"),
            ("v1", "Secret"),
            ("v1", "ServiceAccount"),
            ("policy/v1", "PodDisruptionBudget"),
            ("rbac.authorization.k8s.io/v1", "Role"),
        ] {
            let api = match kind {
                "PodDisruptionBudget" => Api::namespaced_with(
                    self.client.clone(),
                    &self.namespace,
                    &kube::core::ApiResource::from_gvk_with_plural(
                        &kube::core::GroupVersionKind::gvk("policy", "v1", kind),
                        "poddisruptionbudgets",
                    ),
                ),
                _ => self.api(version, kind),
            };
            for object in api.list(&ListParams::default()).await.unwrap() {
                let name = object.metadata.name.unwrap();
                versions.insert(format!("{kind} {name}"), object.metadata.resource_version.unwrap());
            }
        }
        versions
    }
}

fn condition(object: &Value, kind: &str) -> (String, String) {
    let found =
        object["status"]["conditions"].as_array().unwrap().iter().find(|condition| condition["type"] == kind).cloned().unwrap_or_default();
    (found["status"].as_str().unwrap_or_default().to_owned(), found["reason"].as_str().unwrap_or_default().to_owned())
}

/// From a file to its custom resource, revision and children; then nothing is written any more.
#[test]
fn a_file_becomes_a_cluster_and_a_second_pass_writes_nothing() {
    with_client("a_file_becomes_a_cluster_and_a_second_pass_writes_nothing", async |client| {
        let mut fleet = Fleet::new(client, "stackgres-flow", "revert").await;
        fleet.cluster("one", "  configurations: {sgPostgresConfig: shared}\n");
        fleet.write("shared.yaml", "apiVersion: stackgres.io/v1\nkind: SGPostgresConfig\nmetadata: {name: shared}\nspec: {postgresVersion: '17', postgresql.conf: {work_mem: 8MB}}\n");
        fleet.start();
        fleet.passes(3).await;
        let cluster = fleet.get("one").await;
        let released = cluster["status"]["release"]["revision"].as_str().unwrap().to_owned();
        assert_eq!(cluster["status"]["running"]["revision"], released.as_str());
        assert_eq!(condition(&cluster, "Stalled").0, "False");
        assert_eq!(
            condition(&cluster, "Ready").1,
            "InstancesNotReady",
            "without a node no instance can be ready, and nothing pretends it is"
        );
        assert!(cluster["status"]["postgresVersion"].as_str().unwrap().starts_with("17."));
        let secret = fleet.api("v1", "Secret").get(&released).await.unwrap();
        assert_eq!(secret.data["type"], "stackgres.io/revision");
        assert!(secret.metadata.owner_references.is_none(), "a revision outlives its cluster");
        let set = fleet.api("apps/v1", "StatefulSet").get("one").await.unwrap();
        assert_eq!(set.metadata.owner_references.unwrap()[0].uid, cluster["metadata"]["uid"].as_str().unwrap());
        let fleet_status = fleet.fleet().await;
        assert_eq!(fleet_status["status"]["clusters"]["total"], 1);
        assert_eq!(fleet_status["status"]["problemCount"], 0);

        fleet.passes(2).await;
        let before = fleet.versions().await;
        assert!(before.len() > 12, "{before:?}");
        fleet.passes(3).await;
        assert_eq!(fleet.versions().await, before, "a pass that finds no difference must write nothing");

        // A controller that begins with nothing on its disk sees the same.
        fleet.stop().await;
        fleet.start();
        fleet.passes(2).await;
        assert_eq!(fleet.versions().await, before, "a restart must write nothing");
        fleet.stop().await;
    });
}

#[test]
fn a_bad_commit_blocks_its_cluster_and_a_vanished_file_deletes_nothing() {
    with_client("a_bad_commit_blocks_its_cluster_and_a_vanished_file_deletes_nothing", async |client| {
        let mut fleet = Fleet::new(client, "stackgres-blocked", "revert").await;
        fleet.cluster("good", "");
        fleet.cluster("bad", "");
        fleet.cluster("gone", "");
        fleet.start();
        fleet.passes(3).await;
        let released = fleet.get("bad").await["status"]["release"].clone();

        fleet.cluster("bad", "  configurations: {postgres: {postgresql.conf: {work_mem: 1gb}}}\n");
        fleet.cluster("good", "  configurations: {postgres: {postgresql.conf: {work_mem: 9MB}}}\n");
        std::fs::remove_file(fleet.folder.path().join("gone.yaml")).unwrap();
        fleet.passes(3).await;
        assert_eq!(fleet.get("bad").await["status"]["release"], released, "a blocked cluster keeps its release");
        let good = fleet.get("good").await;
        assert_eq!(good["spec"]["configurations"]["postgres"]["postgresql.conf"]["work_mem"], "9MB");
        assert_eq!(good["status"]["running"]["revision"], good["status"]["release"]["revision"], "a reload is carried out at once");
        let gone = fleet.get("gone").await;
        assert_eq!(condition(&gone, "Orphaned").0, "True");
        drop(fleet.api("apps/v1", "StatefulSet").get("gone").await.unwrap());
        let status = fleet.fleet().await["status"].clone();
        assert_eq!(status["clusters"]["orphaned"], 1);
        assert_eq!(status["problems"][0]["code"], "bad-parameter-value");
        assert!(status["problems"][0]["at"].as_str().unwrap().starts_with("bad.yaml:8:"));

        // A source that cannot be read completely says nothing about who left it.
        fleet.write("broken.yaml", "a: [\n");
        std::fs::remove_file(fleet.folder.path().join("good.yaml")).unwrap();
        fleet.passes(3).await;
        assert_eq!(condition(&fleet.get("good").await, "Orphaned").0, "Unknown");
        fleet.stop().await;
    });
}

#[test]
fn a_smaller_volume_is_refused_and_a_restart_waits() {
    with_client("a_smaller_volume_is_refused_and_a_restart_waits", async |client| {
        let mut fleet = Fleet::new(client, "stackgres-refused", "revert").await;
        fleet.cluster("shrink", "");
        fleet.cluster("restart", "");
        fleet.start();
        fleet.passes(4).await;
        let template = fleet.api("apps/v1", "StatefulSet").get("restart").await.unwrap().data["spec"]["template"].clone();
        let text = std::fs::read_to_string(fleet.folder.path().join("shrink.yaml")).unwrap();
        fleet.write("shrink.yaml", &text.replace("5Gi", "4Gi"));
        fleet.cluster("restart", "  metadata: {labels: {clusterPods: {a: b}}}\n");
        fleet.passes(3).await;
        assert_eq!(fleet.get("shrink").await["spec"]["pods"]["persistentVolume"]["size"], "5Gi");
        assert_eq!(fleet.fleet().await["status"]["problems"][0]["code"], "storage-shrinks");
        let restart = fleet.get("restart").await;
        assert_ne!(restart["status"]["running"]["revision"], restart["status"]["release"]["revision"]);
        assert!(restart["status"]["waiting"]["for"].as_str().unwrap().contains("pod re-creation"), "{}", restart["status"]["waiting"]);
        let now = fleet.api("apps/v1", "StatefulSet").get("restart").await.unwrap().data["spec"]["template"].clone();
        assert_eq!(now, template, "until the rollout is licensed an instance that restarts must come back as it was");
        fleet.stop().await;
    });
}

#[test]
fn live_edits_are_put_back_or_reported_as_the_fleet_says() {
    with_client("live_edits_are_put_back_or_reported_as_the_fleet_says", async |client| {
        for (namespace, policy) in [("stackgres-revert", "revert"), ("stackgres-report", "report")] {
            let mut fleet = Fleet::new(client.clone(), namespace, policy).await;
            fleet.cluster("a", "");
            fleet.start();
            fleet.passes(4).await;
            let edit = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
            let merge = json!({"spec": {"instances": 2, "profile": "testing"}});
            fleet.clusters().patch("a", &edit, &Patch::Merge(&merge)).await.unwrap();
            let config = fleet.api("v1", "ConfigMap");
            config.patch("a-templates", &edit, &Patch::Merge(&json!({"data": {"pre-stop": "#!/bin/sh\n"}}))).await.unwrap();
            fleet.passes(3).await;
            let (live, script) = (fleet.get("a").await, config.get("a-templates").await.unwrap().data["data"]["pre-stop"].clone());
            if policy == "revert" {
                assert_eq!(live["spec"]["instances"], 1, "the value is put back");
                assert!(live["spec"]["profile"].is_null(), "a field that another manager added is taken away");
                assert!(script.as_str().unwrap().contains("CHECKPOINT"));
            } else {
                assert_eq!(live["spec"]["instances"], 2);
                assert_eq!(script, "#!/bin/sh\n");
                assert_eq!(condition(&live, "Drifted").0, "True");
                assert_eq!(fleet.fleet().await["status"]["clusters"]["drifted"], 1);
                let set = fleet.api("apps/v1", "StatefulSet").get("a").await.unwrap();
                assert_eq!(set.data["spec"]["replicas"], 1, "a live edit of a fleet's cluster is not released");
            }
            fleet.stop().await;
        }
    });
}

/// Law: nothing is released, and nothing running changes, because a status was lost.
#[test]
fn a_wiped_status_changes_no_child() {
    with_client("a_wiped_status_changes_no_child", async |client| {
        let mut fleet = Fleet::new(client, "stackgres-wiped", "revert").await;
        fleet.cluster("a", "");
        fleet.start();
        fleet.passes(4).await;
        let children =
            |versions: BTreeMap<String, String>| versions.into_iter().filter(|(key, _)| !key.starts_with("SG")).collect::<BTreeMap<_, _>>();
        let before = children(fleet.versions().await);
        let api = fleet.clusters();
        let mut live = api.get("a").await.unwrap();
        live.data["status"] = json!({});
        api.replace_status("a", &kube::api::PostParams::default(), &live).await.unwrap();
        fleet.passes(4).await;
        assert_eq!(children(fleet.versions().await), before);
        assert_eq!(fleet.get("a").await["status"]["claim"]["fleet"], "stackgres-wiped/fleet");
        fleet.stop().await;
    });
}

/// One SGPostgresConfig serves many clusters; an edit of the live object must not reach any of them.
#[test]
fn a_shared_configuration_edited_live_reaches_no_cluster_and_two_fleets_do_not_share_one() {
    with_client("a_shared_configuration_edited_live_reaches_no_cluster_and_two_fleets_do_not_share_one", async |client| {
        let mut fleet = Fleet::new(client, "stackgres-shared", "report").await;
        let shared = "apiVersion: stackgres.io/v1\nkind: SGPostgresConfig\nmetadata: {name: shared}\nspec: {postgresVersion: '17', postgresql.conf: {work_mem: 8MB}}\n";
        fleet.write("shared.yaml", shared);
        for name in ["a", "b"] {
            fleet.cluster(name, "  configurations: {sgPostgresConfig: shared}\n");
        }
        fleet.start();
        fleet.passes(4).await;
        let releases =
            async |fleet: &Fleet| (fleet.get("a").await["status"]["release"].clone(), fleet.get("b").await["status"]["release"].clone());
        let before = releases(&fleet).await;
        let edit = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
        fleet
            .api("stackgres.io/v1", "SGPostgresConfig")
            .patch("shared", &edit, &Patch::Merge(&json!({"spec": {"postgresql.conf": {"work_mem": "99MB"}}})))
            .await
            .unwrap();
        fleet.passes(3).await;
        assert_eq!(releases(&fleet).await, before);

        let other = tempfile::tempdir().unwrap();
        std::fs::copy(fleet.folder.path().join("a.yaml"), other.path().join("a.yaml")).unwrap();
        std::fs::write(other.path().join("shared.yaml"), shared).unwrap();
        fleet
            .apply(json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "second", "namespace": "stackgres-shared"},
                "spec": {"source": {"directory": {"path": other.path()}}, "drift": "report"}}))
            .await;
        fleet.passes(3).await;
        let second = fleet.api("stackgres.io/v1alpha1", "SGFleet").get("second").await.unwrap();
        assert_eq!(second.data["status"]["problems"][0]["code"], "claimed-by-another-fleet");
        assert_eq!(fleet.get("a").await["status"]["claim"]["fleet"], "stackgres-shared/fleet");
        fleet.stop().await;
    });
}

/// A cluster made with kubectl alone, without any fleet or Git, works.
#[test]
fn a_cluster_without_a_fleet_releases_itself_and_foreign_objects_are_left_alone() {
    with_client("a_cluster_without_a_fleet_releases_itself_and_foreign_objects_are_left_alone", async |client| {
        let mut fleet = Fleet::new(client, "stackgres-alone", "revert").await;
        let cluster = |name: &str| {
            json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": name, "namespace": "stackgres-alone"},
            "spec": {"instances": 1, "postgres": {"version": "17"}, "pods": {"persistentVolume": {"size": "5Gi"}}}})
        };
        fleet.apply(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "foreign-rest", "namespace": "stackgres-alone"}, "spec": {"ports": [{"port": 1}]}})).await;
        fleet.apply(cluster("alone")).await;
        fleet.apply(cluster("foreign")).await;
        fleet.start();
        fleet.passes(4).await;
        let alone = fleet.get("alone").await;
        assert_eq!(alone["status"]["release"]["by"], "its own inputs");
        assert_eq!(alone["status"]["running"]["revision"], alone["status"]["release"]["revision"]);
        drop(fleet.api("apps/v1", "StatefulSet").get("alone").await.unwrap());
        let foreign = fleet.get("foreign").await;
        assert_eq!(condition(&foreign, "Stalled"), ("True".to_owned(), "Refused".to_owned()));
        assert!(fleet.api("apps/v1", "StatefulSet").get_opt("foreign").await.unwrap().is_none());
        assert_eq!(fleet.api("v1", "Service").get("foreign-rest").await.unwrap().data["spec"]["ports"][0]["port"], 1);

        // A pooler that is switched off takes its configuration with it; credentials stay.
        let edit = json!({"spec": {"pods": {"disableConnectionPooling": true}}});
        fleet.clusters().patch("alone", &PatchParams::default(), &Patch::Merge(&edit)).await.unwrap();
        fleet.passes(3).await;
        let waiting = fleet.get("alone").await["status"]["waiting"]["for"].as_str().unwrap_or_default().to_owned();
        assert!(waiting.contains("pod re-creation"), "{waiting}");
        assert!(fleet.api("v1", "ConfigMap").get_opt("alone-connection-pooling-config").await.unwrap().is_some());
        assert!(Path::new(fleet.folder.path()).exists());
        fleet.stop().await;
    });
}
