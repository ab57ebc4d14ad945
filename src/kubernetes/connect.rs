//! Reaching the API server.

use super::error::{Class, KubernetesError};
use super::requests::Cluster;
use std::path::Path;
use std::time::Duration;

impl Cluster {
    /// Connects as a kubeconfig says, or as the environment or the pod does. Nothing is sent yet.
    pub async fn connect(kubeconfig: Option<&Path>, timeout: Duration) -> Result<Self, KubernetesError> {
        // A second installation is refused and harmless: there is one provider.
        drop(rustls::crypto::ring::default_provider().install_default());
        let failed = |error: String| KubernetesError::new("connect to", "the API server", Class::Unavailable, error);
        let mut config = match kubeconfig {
            Some(path) => {
                let kubeconfig = kube::config::Kubeconfig::read_from(path).map_err(|error| failed(error.to_string()))?;
                let options = kube::config::KubeConfigOptions::default();
                kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| failed(error.to_string()))?
            }
            None => kube::Config::infer().await.map_err(|error| failed(error.to_string()))?,
        };
        // Every request has a deadline of its own; the client would try for minutes.
        config.default_retry = false;
        let client = kube::Client::try_from(config).map_err(|error| failed(error.to_string()))?;
        Ok(Self::new(client, timeout))
    }
}
