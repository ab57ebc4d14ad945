//! The whole way: files, custom resources, revisions, children. Every test of `shared` runs on the in-memory API and, where one
//! is given, on a real API server: a fake is trusted only where the same suite passes on the real thing.

mod deployed;
mod holds;
mod operations;
mod pods;
mod promotion;
mod secrets;
mod shared;
mod signatures;
mod ssh;
mod standby_clusters;
mod troubles;
mod volumes;
mod webhooks;

use crate::real_cluster::{Server, beside_others_on_the_real_server, install, on_the_real_server, resource};
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use stackgres::api::{KINDS, crd};
use stackgres::engine::controller::{RunOptions, SourceOptions, State, run};
use stackgres::kubernetes::Cluster;
use stackgres::resolve::Settings;
use stackgres::sandbox::{Sandbox, SandboxOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A fleet in namespaces of its own, its source in a temporary folder, and a controller that can be stopped and started.
struct Fleet {
    client: kube::Client,
    controller: kube::Client,
    only: Vec<String>,
    folder: tempfile::TempDir,
    namespace: String,
    running: Option<(CancellationToken, tokio::task::JoinHandle<()>)>,
    state: Arc<State>,
    kubeconfig: std::path::PathBuf,
    /// Whether instances get ready and take orders, without a PostgreSQL.
    simulated: bool,
    settings: Settings,
}

impl Fleet {
    async fn new(server: &Server, namespace: &str, drift: &str) -> Self {
        if server.folder.is_none() {
            install(&server.admin).await;
        }
        crate::real_cluster::namespace(&server.admin, namespace).await;
        let folder = tempfile::tempdir().unwrap();
        let (client, controller) = (server.admin.clone(), server.controller.clone());
        let (namespace, kubeconfig) = (namespace.to_owned(), server.kubeconfig.clone());
        let fleet = Self {
            client,
            controller,
            only: if server.shared { vec![namespace.clone()] } else { Vec::new() },
            folder,
            namespace,
            running: None,
            state: Arc::default(),
            kubeconfig,
            simulated: false,
            settings: Settings::default(),
        };
        let namespace = fleet.namespace.as_str();
        fleet
            .apply(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "stackgres-fleet", "namespace": namespace}}))
            .await;
        fleet
            .apply(json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "fleet-content", "namespace": namespace},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "stackgres-fleet"},
                "subjects": [{"kind": "ServiceAccount", "name": "stackgres-fleet", "namespace": namespace}],
            }))
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
        self.write(&format!("{name}.yaml"), &smallest(name, more));
    }

    /// Waits until the parameter `work_mem` of the custom resource `a` is as its repository says.
    async fn work_mem_becomes(&self, wanted: &str) {
        for _ in 0..200 {
            if self.work_mem().await.as_deref() == Some(wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("work_mem is not {wanted}: {}", self.fleet().await["status"]);
    }

    async fn work_mem(&self) -> Option<String> {
        let live = self.clusters().get_opt("a").await.unwrap()?;
        Some(live.data.pointer("/spec/configurations/postgres/postgresql.conf/work_mem")?.as_str()?.to_owned())
    }

    /// Another source for the fleet.
    async fn source(&self, source: Value) {
        let object = json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "fleet", "namespace": self.namespace},
            "spec": {"source": source}});
        self.apply(object).await;
    }

    /// Runs the program as a person with the rights of an administrator; gives its exit code and what it printed.
    fn asked(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_stackgres"));
        let output = command.args(arguments).env("KUBECONFIG", &self.kubeconfig).output().unwrap();
        (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
    }

    fn start(&mut self) {
        let stop = CancellationToken::new();
        let options = RunOptions {
            settings: self.settings.clone(),
            namespace: self.namespace.clone(),
            lease: None,
            identity: "test".to_owned(),
            interval: Duration::from_millis(100),
            sources: SourceOptions {
                directories: vec![std::env::temp_dir()],
                cache: self.folder.path().join("cache"),
                child: Some(crate::source::child()),
                ..SourceOptions::default()
            },
            simulated: self.simulated,
            view: false,
        };
        let api = Cluster::new(self.controller.clone(), Duration::from_secs(20)).within(self.only.clone());
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
        // Two dozen controllers and API servers share the processors.
        for _ in 0..1_800 {
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

/// The smallest cluster, with some parameters.
fn smallest(name: &str, more: &str) -> String {
    format!(
        "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: {name}}}\nspec:\n  instances: 1\n  postgres: {{version: '17'}}\n  pods: {{persistentVolume: {{size: 5Gi}}}}\n{more}"
    )
}

/// The cluster `a` with this `work_mem`.
fn with_work_mem(work_mem: &str) -> String {
    smallest("a", &format!("  configurations: {{postgres: {{postgresql.conf: {{work_mem: {work_mem}}}}}}}\n"))
}

fn condition(object: &Value, kind: &str) -> (String, String) {
    let found =
        object["status"]["conditions"].as_array().unwrap().iter().find(|condition| condition["type"] == kind).cloned().unwrap_or_default();
    (found["status"].as_str().unwrap_or_default().to_owned(), found["reason"].as_str().unwrap_or_default().to_owned())
}

/// A client of an in-memory API whose pods take their time.
pub(crate) async fn sandbox(pace: Duration) -> (Sandbox, kube::Client) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let sandbox = Sandbox::start(SandboxOptions { pace, ..SandboxOptions::default() }).await.unwrap();
    let kubeconfig = kube::config::Kubeconfig::from_yaml(&sandbox.kubeconfig()).unwrap();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    (sandbox, client)
}

fn on_the_sandbox(test: impl AsyncFnOnce(Server)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // As without a node: pods are made and never become ready.
        let (sandbox, client) = sandbox(Duration::from_hours(1)).await;
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
        test(Server { admin: client.clone(), controller: client, folder: None, kubeconfig, shared: false }).await;
    });
}

macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_a_real_api_server {
            $(#[test] fn $name() { super::beside_others_on_the_real_server(stringify!($name), super::shared::$name); })*
        }
        mod on_the_in_memory_api {
            $(#[test] fn $name() { super::on_the_sandbox(super::shared::$name); })*
        }
    };
}

on_both!(
    a_file_becomes_a_cluster_and_a_second_pass_writes_nothing,
    a_bad_commit_blocks_its_cluster_and_a_vanished_file_deletes_nothing,
    a_smaller_volume_is_refused_and_a_restart_waits,
    live_edits_are_put_back_or_reported_as_the_fleet_says,
    a_wiped_status_changes_no_child,
    a_shared_configuration_edited_live_reaches_no_cluster_and_two_fleets_do_not_share_one,
    a_cluster_without_a_fleet_releases_itself_and_foreign_objects_are_left_alone,
    a_push_over_https_becomes_a_cluster_and_an_outage_changes_nothing,
    nothing_is_released_while_a_fleet_is_held_or_suspended,
    history_tells_what_was_and_a_live_plan_what_would_be,
    a_hold_is_set_seen_and_taken_away,
    a_paused_reconciliation_does_nothing,
    an_object_that_is_no_longer_rendered_is_removed_and_nothing_else,
    a_new_cluster_of_a_held_fleet_is_not_released,
    a_lost_status_releases_no_live_edit,
    an_unknown_revision_is_found_again_or_waits,
    pods_that_kubernetes_refuses_stop_a_release,
    duties_reach_pods_before_the_service_asks_for_them,
    a_pod_that_no_longer_hands_over_can_be_evicted,
    neither_instances_nor_the_leader_lock_are_taken_away,
    a_cluster_moves_between_fleets_and_out_of_them,
    revisions_stay_bounded_while_a_change_waits,
    scripts_wait_for_a_primary_and_are_part_of_a_release,
    given_credentials_are_waited_for_and_certificates_made_again,
    an_upgrade_of_the_controller_changes_nothing_until_it_is_promoted,
    a_held_fleet_promotes_nothing,
    a_push_is_seen_at_once,
    a_push_over_ssh_becomes_a_cluster,
    an_untrusted_commit_is_not_released,
);
