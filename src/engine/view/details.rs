//! What is read of one cluster when somebody looks at it: its services and volumes, and its revisions.

use crate::engine::live::{History, LiveError, read_history};
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{NamespacedName, Object};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Reads single clusters on demand. It cannot write.
#[derive(Debug, Clone)]
pub struct Reader(Cluster);

/// Services and volumes of one cluster. A text says why something could not be read.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Details {
    /// Addresses clients may use, by name.
    pub services: Result<Vec<ServiceView>, String>,
    /// Claims of the instances' volumes, by name.
    pub volumes: Result<Vec<VolumeView>, String>,
}

/// One Service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ServiceView {
    /// Its name.
    pub name: String,
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    pub r#type: String,
    /// Where it leads: the address outside of the cluster, or the name it stands for; empty for an address inside only.
    pub outside: String,
    /// Its ports, as `NAME NUMBER`.
    pub ports: Vec<String>,
}

/// One claim.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct VolumeView {
    /// Its name.
    pub name: String,
    /// `Bound`, `Pending` or `Lost`.
    pub phase: String,
    /// What it asks for.
    pub wanted: String,
    /// What it has; empty while that is not known.
    pub capacity: String,
    /// Its storage class; empty for the default.
    pub class: String,
}

impl Reader {
    /// A reader with the rights of this connection.
    pub fn new(api: Cluster) -> Self {
        Self(api.fenced(|| false))
    }

    /// Services and volumes of a cluster.
    pub async fn details(&self, cluster: &NamespacedName) -> Details {
        let (services, volumes) = tokio::join!(self.list("Service", cluster), self.list("PersistentVolumeClaim", cluster));
        let said = |error: KubernetesError| error.to_string();
        Details {
            services: services.map(|found| found.iter().filter_map(service).collect()).map_err(said),
            volumes: volumes.map(|found| found.iter().map(volume).collect()).map_err(said),
        }
    }

    /// The revisions of a cluster, newest first.
    pub async fn history(&self, cluster: &NamespacedName) -> Result<History, LiveError> {
        read_history(&self.0, cluster).await
    }

    async fn list(&self, kind: &str, cluster: &NamespacedName) -> Result<Vec<Object>, KubernetesError> {
        let labels = format!("app=StackGresCluster,stackgres.io/cluster-name={}", cluster.name);
        let mut found = self.0.list(kind, Some(&cluster.namespace), &labels).await?;
        found.sort_by(|one, other| one.name().cmp(other.name()));
        Ok(found)
    }
}

fn own(object: &Object, pointer: &str) -> String {
    object.text(pointer).unwrap_or_default().to_owned()
}

/// `None` for a Service without ports: those keep Patroni's records, and nobody connects to them.
fn service(object: &Object) -> Option<ServiceView> {
    let ports = object.get("/spec/ports").and_then(Value::as_array);
    let port = |port: &Value| format!("{} {}", port["name"].as_str().unwrap_or_default(), port["port"].as_i64().unwrap_or_default());
    let ports: Vec<String> = ports.into_iter().flatten().map(|one| port(one).trim().to_owned()).collect();
    let entries = object.get("/status/loadBalancer/ingress").and_then(Value::as_array);
    let entries = entries.into_iter().flatten().filter_map(|entry| entry["ip"].as_str().or_else(|| entry["hostname"].as_str()));
    let outside = object.text("/spec/externalName").map(str::to_owned).into_iter().chain(entries.map(str::to_owned));
    let outside: Vec<String> = outside.collect();
    let r#type = object.text("/spec/type").unwrap_or("ClusterIP").to_owned();
    (!ports.is_empty() || r#type == "ExternalName").then(|| ServiceView {
        name: object.name().to_owned(),
        r#type,
        outside: outside.join(", "),
        ports,
    })
}

fn volume(object: &Object) -> VolumeView {
    VolumeView {
        name: object.name().to_owned(),
        phase: own(object, "/status/phase"),
        wanted: own(object, "/spec/resources/requests/storage"),
        capacity: own(object, "/status/capacity/storage"),
        class: own(object, "/spec/storageClassName"),
    }
}
