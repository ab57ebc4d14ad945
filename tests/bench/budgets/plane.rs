//! A control plane of its own: etcd, API server and controller manager without nodes, taken down at the end.

use super::content;
use futures::StreamExt as _;
use serde_json::{Value, json};
use stackgres::kubernetes::{Apply, Cluster};
use stackgres::model::Object;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Requests under way at once, as many as the controller has.
pub(crate) const AT_ONCE: usize = 16;

/// A running control plane.
pub(crate) struct Plane {
    folder: tempfile::TempDir,
    /// How an administrator reaches it.
    pub(crate) kubeconfig: PathBuf,
    /// An administrator.
    pub(crate) admin: Cluster,
}

impl Plane {
    /// Starts one and installs `deploy/` as its README says, without the Deployment: the controller is a process here.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = control(folder.path(), "up");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let kubeconfig = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim().lines().last().unwrap());
        let admin = Cluster::connect(Some(&kubeconfig), Duration::from_mins(1)).await.unwrap();
        let plane = Self { folder, kubeconfig, admin };
        let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");
        // Custom resources and policies that name them need a moment after their definitions.
        for left in (0..40).rev() {
            let applied = plane.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", deploy]);
            if applied.status.success() {
                break;
            }
            assert!(left > 0, "{}", String::from_utf8_lossy(&applied.stderr));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        plane.kubectl(&["-n", "stackgres", "delete", "deployment", "--all", "--wait=false"]);
        plane
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.kubeconfig.with_file_name("kubectl"));
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments).output().unwrap()
    }

    /// Writes a kubeconfig of the controller's own account.
    pub(crate) fn account(&self) -> PathBuf {
        let output = self.kubectl(&["create", "token", "stackgres", "--namespace", "stackgres", "--duration", "2h"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let admin = std::fs::read_to_string(&self.kubeconfig).unwrap();
        let users = admin.lines().find(|line| line.starts_with("users:")).unwrap();
        let token = String::from_utf8(output.stdout).unwrap();
        let path = self.folder.path().join("account.kubeconfig");
        std::fs::write(&path, admin.replace(users, &format!("users: [{{name: u, user: {{token: {}}}}}]", token.trim()))).unwrap();
        path
    }

    /// Applies an object as the administrator; gives up after some tries.
    pub(crate) async fn apply(&self, object: Value) {
        apply(&self.admin, &Object::new(object)).await;
    }

    /// The namespaces of a fleet, with the rights of the account that its content is applied as.
    pub(crate) async fn namespaces(&self, clusters: usize) -> Vec<String> {
        let names: Vec<String> =
            (0..clusters.div_ceil(content::TOGETHER)).map(|number| content::namespace(number * content::TOGETHER)).collect();
        for name in &names {
            self.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})).await;
            self.apply(json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "fleet-content", "namespace": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "stackgres-fleet"},
                "subjects": [{"kind": "ServiceAccount", "name": "stackgres-fleet", "namespace": "team-000"}],
            }))
            .await;
        }
        self.apply(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "stackgres-fleet", "namespace": "team-000"}}))
            .await;
        names
    }

    /// What the API server counted, by verb, resource and subresource, without watches and leases, events of others included.
    pub(crate) fn requests(&self) -> std::collections::BTreeMap<String, f64> {
        let output = self.kubectl(&["get", "--raw", "/metrics"]);
        let text = String::from_utf8_lossy(&output.stdout);
        let mut counts = std::collections::BTreeMap::new();
        for line in text.lines().filter_map(|line| line.strip_prefix("apiserver_request_total{")) {
            let Some((labels, count)) = line.rsplit_once("} ") else { continue };
            let label = |name: &str| {
                let from = labels.find(&format!("{name}=\""))? + name.len() + 2;
                labels[from..].split('"').next().map(str::to_owned)
            };
            let (verb, resource) = (label("verb").unwrap_or_default(), label("resource").unwrap_or_default());
            if verb != "WATCH" && resource != "leases" && !resource.is_empty() {
                let name = [Some(verb), Some(resource), label("subresource").filter(|part| !part.is_empty())];
                let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
                *counts.entry(name).or_insert(0.0) += count.parse::<f64>().unwrap_or_default();
            }
        }
        counts
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        drop(control(self.folder.path(), "down"));
    }
}

fn control(folder: &Path, command: &str) -> Output {
    let program = format!("{}/tests/cluster/{command}", env!("CARGO_MANIFEST_DIR"));
    Command::new(program).env("STACKGRES_CLUSTER_NODES", "0").env("STACKGRES_CLUSTER_DIR", folder).output().unwrap()
}

async fn apply(api: &Cluster, object: &Object) {
    let how = Apply { manager: "bench".to_owned(), force: true, ..Apply::default() };
    for left in (0..40).rev() {
        match api.apply(object, &how).await {
            Ok(_) => return,
            // Rights and definitions become known to every part of the API server within moments.
            Err(error) => assert!(left > 0, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Applies objects and nothing else, some at once; gives how many went through in a second.
pub(crate) async fn raw(api: &Cluster, objects: &[Object]) -> f64 {
    let how = Apply { manager: "bench".to_owned(), force: true, ..Apply::default() };
    let began = Instant::now();
    let mut done = futures::stream::iter(objects).map(|object| api.apply(object, &how)).buffer_unordered(AT_ONCE);
    while let Some(result) = done.next().await {
        result.unwrap();
    }
    objects.len() as f64 / began.elapsed().as_secs_f64()
}
