//! What the command line asks a running Kubernetes cluster: a plan against it, a promotion, the history of a cluster, a switchover, a
//! restart, a hold.
//!
//! In: a kubeconfig and files or a name. Out: plans, histories, how a switchover or a restart ended. Invariant: nothing is written but
//! the annotation, or the SGDbOps, by which a person asks for something by name; any other write that is asked for is a dry run. Why: what a person sees
//! before a push is what the controller would do, judged by the same API server.

mod history;
mod hold;
mod plan;
mod promotion;
mod restart;
mod rollout;
mod switchover;

pub(in crate::engine) use history::read_history;
pub use history::{Entry, History, history};
pub use hold::{End, HoldChange, hold, release};
pub use plan::{LivePlan, live_plan};
pub use promotion::{promote, promotion_plan};
pub use restart::{RestartWish, Restarted, restart};
pub use rollout::{RolloutWish, wish};
pub use switchover::{Switched, switchover};

use crate::kubernetes::{Class, Cluster, KubernetesError};
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::render::revision::{Revision, from_secret};
use std::path::Path;
use std::time::Duration;

/// Why an answer could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// No runtime.
    #[error("cannot start: {0}")]
    Start(#[from] std::io::Error),
    /// The API server said no, or nothing.
    #[error(transparent)]
    Kubernetes(#[from] KubernetesError),
    /// There is no such cluster.
    #[error("there is no SGCluster {0}")]
    NoCluster(NamespacedName),
    /// What was asked for is no hold.
    #[error("this is no hold: {0}")]
    NoHold(String),
}

#[expect(clippy::disallowed_methods, reason = "the engine is where the clock is read")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The cluster of a name.
async fn find(api: &Cluster, cluster: &NamespacedName) -> Result<Object, LiveError> {
    let key = ObjectKey::new("stackgres.io/v1", "SGCluster", Some(&cluster.namespace), &cluster.name);
    api.get(&key).await?.ok_or_else(|| LiveError::NoCluster(cluster.clone()))
}

/// A revision of a cluster; a text says why it cannot be had.
async fn read_revision(api: &Cluster, cluster: &NamespacedName, name: &str) -> Result<Result<Revision, String>, KubernetesError> {
    let secret = ObjectKey::new("v1", "Secret", Some(&cluster.namespace), name);
    match api.get(&secret).await {
        Ok(Some(secret)) => Ok(from_secret(&secret).map_err(|error| format!("the revision {name} cannot be read: {error}"))),
        Ok(None) => Ok(Err(format!("the revision {name} is missing"))),
        Err(error) if error.class == Class::Forbidden => Ok(Err(format!("no right to read the Secret {name}"))),
        Err(error) => Err(error),
    }
}

/// Runs one question to its end.
fn asked<T>(kubeconfig: Option<&Path>, question: impl AsyncFnOnce(Cluster) -> Result<T, LiveError>) -> Result<T, LiveError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { question(Cluster::connect(kubeconfig, Duration::from_secs(20)).await?).await })
}
