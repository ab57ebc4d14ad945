//! The listening end.

use super::http::answer;
use super::own::Validation;
use super::resources::of_kind;
use super::store::{State, Store};
use super::workloads;
use super::write::Write;
use crate::api::{KINDS, crd};
use axum::Router;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How the simulated nodes behave.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Address to listen on; loopback only.
    pub listen: SocketAddr,
    /// How long a pod takes to be scheduled, and again to be ready.
    pub pace: Duration,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), pace: Duration::from_millis(800) }
    }
}

/// Why it could not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address is taken.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// Anybody who reaches it may do everything, so it stays on this machine.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
}

/// A running API. It ends when dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    stop: CancellationToken,
    server: Arc<Server>,
    _tasks: JoinSet<()>,
}

/// What requests share.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) store: Store,
    pub(super) stop: CancellationToken,
}

impl Sandbox {
    /// Starts it with a node, the usual namespaces and our definitions.
    pub async fn start(options: SandboxOptions) -> Result<Self, SandboxError> {
        if !options.listen.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(options.listen));
        }
        let failed = |error| SandboxError::Listen(options.listen, error);
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = CancellationToken::new();
        let server = Arc::new(Server { store: Store::new(), stop: stop.clone() });
        furnish(&server.store);
        let mut tasks = JoinSet::new();
        let (shared, stopping) = (server.clone(), stop.clone());
        let router = Router::new().fallback(move |request| answer(shared.clone(), request));
        tasks.spawn(async move {
            let serving = axum::serve(listener, router).with_graceful_shutdown(async move { stopping.cancelled().await });
            if let Err(error) = serving.await {
                tracing::error!(%error, "the in-memory API ended");
            }
        });
        tasks.spawn(workloads::run(server.clone(), options.pace));
        Ok(Self { address, stop, server, _tasks: tasks })
    }

    /// `http://HOST:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig for it.
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: stackgres-demo\n  cluster:\n    server: {}\nusers:\n- name: demo\n  user: {{}}\ncontexts:\n- name: stackgres-demo\n  context:\n    cluster: stackgres-demo\n    user: demo\ncurrent-context: stackgres-demo\n",
            self.url()
        )
    }

    /// Forgets what changed so far, as the store of an API server does from time to time: who asks for it gets `410 Expired`.
    pub fn forget_changes(&self) {
        self.server.store.write(State::forget);
    }

    /// Ends it.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What every cluster has.
fn furnish(store: &Store) {
    let mut objects: Vec<Value> = ["default", "kube-system", "stackgres"]
        .iter()
        .map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
        .collect();
    objects
        .push(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "labels": {"kubernetes.io/hostname": "node-1"}}}));
    objects.push(json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "standard",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "stackgres.io/simulated", "allowVolumeExpansion": true,
    }));
    objects.extend(KINDS.iter().map(|kind| crd(kind)));
    store.write(|state| {
        for object in objects {
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let Some(resource) = object["kind"].as_str().and_then(of_kind) else { continue };
            let write = Write {
                resource,
                namespace: "",
                name: &name,
                subresource: "",
                manager: "stackgres-demo",
                force: true,
                dry_run: false,
                validation: Validation::Lenient,
            };
            if let Err(failure) = write.create(state, object) {
                tracing::error!(%name, message = failure.message(), "not furnished");
            }
        }
    });
}
