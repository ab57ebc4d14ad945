//! One leader among the replicas of the controller.

use super::error::{Class, KubernetesError};
use kube::Client;
use kube_lease_manager::{LeaseCreateMode, LeaseManagerBuilder};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Whether this process leads.
#[derive(Debug)]
pub struct Leadership {
    /// True while it leads. Looked at before every write.
    pub leads: watch::Receiver<bool>,
    /// Ends only if the lease can no longer be kept; then the process must end.
    pub task: JoinHandle<()>,
}

/// Takes part in the election.
pub async fn lead(client: Client, namespace: &str, name: &str, identity: &str) -> Result<Leadership, KubernetesError> {
    let failed = |error: kube_lease_manager::LeaseManagerError| KubernetesError::new("lease", name, Class::Unavailable, error.to_string());
    let manager = LeaseManagerBuilder::new(client, name)
        .with_namespace(namespace)
        .with_identity(identity)
        .with_duration(15)
        .with_grace(5)
        .with_create_mode(LeaseCreateMode::AutoCreate)
        .with_field_manager("stackgres-lease")
        .build()
        .await
        .map_err(failed)?;
    let (leads, running) = manager.watch().await;
    let task = tokio::spawn(async move {
        drop(running.await);
    });
    Ok(Leadership { leads, task })
}
