//! A fleet of a few clusters and two commits, run over an API that breaks.
//!
//! The first commit makes the clusters `a` (two instances, with a password of the user's own) and `b`; the second changes `a` so
//! that its instances must be made again, adds `c` and takes `b` away. In between somebody edits objects by hand.

use super::layer::{Faults, Plan};
use super::picture::{self, Picture, differences};
use super::process::{Process, Program};
use super::record::Record;
use crate::real_cluster::{Server, install, namespace};
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A password that must be seen nowhere but in Secrets.
const PLANTED: &str = "planted-X7-password";

/// Longest time to get where a run without faults gets in some seconds; a busy machine takes its time.
const LONG: Duration = Duration::from_mins(10);

/// The states after each commit.
pub(super) struct Stages {
    pub(super) first: Picture,
    pub(super) second: Picture,
}

/// What came of a run.
pub(super) struct Outcome {
    pub(super) stages: Stages,
    pub(super) record: Record,
    pub(super) requests: u64,
    pub(super) writes: u64,
    pub(super) lives: u64,
    pub(super) passes: u64,
    pub(super) violations: Vec<String>,
}

/// Runs it. `wanted` is what a run without faults came to; without it the run waits until nothing changes any more.
pub(super) async fn play(server: &Server, name: &str, simulated: bool, plan: Plan, wanted: Option<&Stages>) -> Outcome {
    let client = server.admin.clone();
    if server.folder.is_none() {
        install(&client).await;
    }
    namespace(&client, name).await;
    let folder = tempfile::tempdir().unwrap();
    prepare(&client, name, folder.path()).await;
    first_commit(folder.path());
    let faults = Faults::new(plan);
    let account = server.kubeconfig.parent().unwrap().join("controller.kubeconfig");
    let kubeconfig = if server.folder.is_some() { account } else { server.kubeconfig.clone() };
    let program = Program {
        kubeconfig: kube::config::Kubeconfig::read_from(kubeconfig).unwrap(),
        namespace: name.to_owned(),
        folder: folder.path().to_owned(),
        simulated,
        alone: !server.shared,
    };
    let process = Process::start(program, faults.clone());
    let mut violations = Vec::new();
    let first = arrive(&client, name, simulated, "the first commit", wanted.map(|stages| &stages.first), &faults, &mut violations).await;
    if wanted.is_none() {
        // A write that changes nothing leaves no trace in the state, and costs the API server one for each cluster each time all the same.
        let before = faults.requests().1;
        tokio::time::sleep(Duration::from_secs(4)).await;
        let written = faults.requests().1 - before;
        violations.extend((written > 0).then(|| format!("{written} writes at rest")));
    }
    by_hand(&client, name).await;
    second_commit(folder.path(), simulated);
    let second = arrive(&client, name, simulated, "the second commit", wanted.map(|stages| &stages.second), &faults, &mut violations).await;
    faults.stop();
    if process.failed.load(Ordering::Relaxed) {
        violations.push("the process ended by itself".to_owned());
    }
    let (lives, passes) = (process.lives.clone(), process.passes.clone());
    let logs = tokio::task::spawn_blocking(move || process.stop()).await.unwrap();
    if let Ok(path) = std::env::var("STACKGRES_TEST_FAULT_LOG") {
        std::fs::write(path, &logs).unwrap();
    }
    let record = faults.record();
    let (requests, writes) = faults.requests();
    violations.extend(record.violations());
    violations.extend(leaks(&client, name, &logs).await);
    Outcome {
        stages: Stages { first, second },
        requests,
        writes,
        record,
        lives: lives.load(Ordering::Relaxed),
        passes: passes.load(Ordering::Relaxed),
        violations,
    }
}

/// Waits until the state is the wanted one, or until it stays as it is.
async fn arrive(
    client: &kube::Client,
    name: &str,
    simulated: bool,
    what: &str,
    wanted: Option<&Picture>,
    faults: &Arc<Faults>,
    violations: &mut Vec<String>,
) -> Picture {
    let begun = tokio::time::Instant::now();
    let mut last = Picture::new();
    let mut same = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = picture::take(client, name).await;
        match wanted {
            Some(wanted) if differences(wanted, &now).is_empty() => return now,
            // A fault near the end must not be the last word: the rest of the time nothing is broken.
            Some(wanted) if begun.elapsed() > LONG => {
                let all = differences(wanted, &now);
                violations.push(format!(
                    "{what}: {} differences from the run without faults: {}",
                    all.len(),
                    all.iter().take(12).cloned().collect::<Vec<_>>().join("; ")
                ));
                return now;
            }
            Some(_) if begun.elapsed() > LONG / 4 => faults.stop(),
            Some(_) => {}
            None if begun.elapsed() > LONG => panic!(
                "{what}: not settled: {}",
                serde_json::to_string(&now.iter().find(|(key, _)| key.starts_with("SGCluster")).map(|(_, value)| &value["status"]))
                    .unwrap()
            ),
            None => {
                same = if now == last && is_settled(&now, simulated) { same + 1 } else { 0 };
                if same >= 8 {
                    return now;
                }
                last = now;
            }
        }
    }
}

/// Whether every cluster runs what it shall.
fn is_settled(now: &Picture, simulated: bool) -> bool {
    let mut clusters = now.iter().filter(|(key, _)| key.starts_with("SGCluster")).map(|(_, cluster)| cluster).peekable();
    clusters.peek().is_some()
        && clusters.all(|cluster| {
            let status = &cluster["status"];
            let conditions = status["conditions"].as_array();
            let ready = conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True");
            status["release"]["revision"].is_string()
                && status["release"]["revision"] == status["running"]["revision"]
                && (ready || !simulated)
        })
}

fn api(client: &kube::Client, name: &str, version: &str, kind: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), name, &crate::real_cluster::resource(version, kind))
}

async fn prepare(client: &kube::Client, name: &str, folder: &Path) {
    let objects = [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "stackgres-fleet", "namespace": name}}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "fleet-content", "namespace": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "stackgres-fleet"},
            "subjects": [{"kind": "ServiceAccount", "name": "stackgres-fleet", "namespace": name}]}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine", "namespace": name}, "stringData": {"p": PLANTED}}),
        json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "fleet", "namespace": name},
            "spec": {"source": {"directory": {"path": folder.join("source")}}}}),
    ];
    std::fs::create_dir(folder.join("source")).unwrap();
    for object in objects {
        let api = api(client, name, object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
        drop(api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap());
    }
}

fn cluster(folder: &Path, name: &str, instances: u32, more: &Value) {
    let mut spec = json!({"instances": instances, "postgres": {"version": "17"}, "pods": {"persistentVolume": {"size": "5Gi"}}});
    for (field, value) in more.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    let text = json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": name}, "spec": spec}).to_string();
    write(folder, name, &text);
}

/// Written beside and put in place, so that no half of it is ever read.
fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join("next"), text).unwrap();
    std::fs::rename(folder.join("next"), folder.join("source").join(format!("{name}.yaml"))).unwrap();
}

fn of_a(more: Value) -> Value {
    let mut configurations = json!({"credentials": {"users": {"superuser": {"password": {"name": "mine", "key": "p"}}}}});
    configurations["postgres"] = json!({"postgresql.conf": more});
    configurations
}

fn first_commit(folder: &Path) {
    cluster(folder, "a", 2, &json!({"configurations": of_a(json!({"work_mem": "8MB"}))}));
    cluster(folder, "b", 1, &json!({}));
}

fn second_commit(folder: &Path, simulated: bool) {
    let mut pods = json!({"persistentVolume": {"size": "5Gi"}});
    // Where no instance ever gets ready none can be made again.
    if simulated {
        pods["customEnv"] = json!({"patroni": [{"name": "A", "value": "b"}]});
    }
    cluster(folder, "a", 2, &json!({"configurations": of_a(json!({"work_mem": "9MB"})), "pods": pods}));
    cluster(folder, "c", 1, &json!({}));
    std::fs::remove_file(folder.join("source/b.yaml")).unwrap();
}

/// What somebody does with `kubectl`.
async fn by_hand(client: &kube::Client, name: &str) {
    let edit = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    let spec = json!({"spec": {"profile": "testing"}});
    drop(api(client, name, "stackgres.io/v1", "SGCluster").patch("a", &edit, &Patch::Merge(&spec)).await.unwrap());
    let script = json!({"data": {"pre-stop": "#!/bin/sh\n"}});
    drop(api(client, name, "v1", "ConfigMap").patch("a-templates", &edit, &Patch::Merge(&script)).await.unwrap());
    let selector = json!({"spec": {"selector": {"role": "nobody"}}});
    drop(api(client, name, "v1", "Service").patch("b-replicas", &edit, &Patch::Merge(&selector)).await.unwrap());
}

/// Where the planted password is seen and must not be.
async fn leaks(client: &kube::Client, name: &str, logs: &str) -> Vec<String> {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(PLANTED);
    let shows = |text: &str| text.contains(PLANTED) || text.contains(&encoded);
    let mut leaks = Vec::new();
    leaks.extend(shows(logs).then(|| "the planted password is in the log".to_owned()));
    for (version, kind) in [
        ("events.k8s.io/v1", "Event"),
        ("stackgres.io/v1", "SGCluster"),
        ("stackgres.io/v1alpha1", "SGFleet"),
        ("v1", "ConfigMap"),
        ("v1", "Pod"),
    ] {
        for object in picture::list(client, name, version, kind).await {
            leaks.extend(shows(&object.to_string()).then(|| format!("the planted password is in {kind} {}", object["metadata"]["name"])));
        }
    }
    leaks
}
