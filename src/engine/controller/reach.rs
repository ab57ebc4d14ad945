//! How the instances of a cluster are reached, as it is now: addresses, what to trust, and the credentials that work.

use super::facts::OURS;
use super::secrets::PREVIOUS;
use crate::health::{Instances, instances};
use crate::instance::{Endpoint, Login, POSTGRES_PORT};
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{NamespacedName, Object, ObjectKey, SecretText};
use crate::render::credentials_in_use;
use crate::render::revision::Revision;
use std::net::IpAddr;

/// The instances of a cluster.
pub(super) struct Reach {
    /// How they are.
    pub(super) seen: Instances,
    /// Their pods.
    pub(super) pods: Vec<Object>,
    /// The Secret of the cluster.
    pub(super) credentials: Object,
    /// The Secret with the credentials that were proved to work, if there is one.
    pub(super) in_use: Option<Object>,
    server_name: String,
    authority: Option<String>,
}

impl Reach {
    /// Reads it; a text says what is missing.
    pub(super) async fn read(
        api: &Cluster,
        cluster: &NamespacedName,
        revision: &Revision,
    ) -> Result<Result<Self, String>, KubernetesError> {
        let labels = format!("{OURS},stackgres.io/cluster-name={}", cluster.name);
        let pods = api.list("Pod", Some(&cluster.namespace), &labels).await?;
        // The leader's lock says who leads.
        let endpoints = api.list("Endpoints", Some(&cluster.namespace), &labels).await?;
        let seen = instances(pods.iter().chain(&endpoints));
        let secret = async |name: &str| api.get(&ObjectKey::new("v1", "Secret", Some(&cluster.namespace), name)).await;
        let Some(credentials) = secret(&cluster.name).await? else { return Ok(Err(format!("there is no Secret {}", cluster.name))) };
        let in_use = secret(&credentials_in_use(&revision.effective)).await?;
        let authority = if revision.effective.postgres.ssl.enabled.value {
            let name = format!("{}-ssl", cluster.name);
            let Some(certificate) = secret(&name).await? else { return Ok(Err(format!("there is no Secret {name}"))) };
            let Some(authority) = certificate.secret_text("ca.crt") else {
                return Ok(Err(format!("the Secret {name} has no certificate authority")));
            };
            // A given certificate may be for other names: the very one that we put there is trusted as it is.
            let served = ["tls.crt", PREVIOUS].iter().filter_map(|entry| certificate.secret_text(entry));
            Some(std::iter::once(authority).chain(served).collect::<Vec<_>>().join("\n"))
        } else {
            None
        };
        let server_name = format!("{}.{}", revision.effective.scope(), cluster.namespace);
        Ok(Ok(Self { seen, pods, credentials, in_use, server_name, authority }))
    }

    /// Where PostgreSQL of a pod listens; `None` while it has no address.
    pub(super) fn endpoint(&self, pod: &str) -> Option<Endpoint> {
        let pod = self.pods.iter().find(|object| object.name() == pod)?;
        let address: IpAddr = pod.text("/status/podIP")?.parse().ok()?;
        Some(Endpoint { address, port: POSTGRES_PORT, server_name: self.server_name.clone(), authority: self.authority.clone() })
    }

    /// An entry of the credentials that work.
    pub(super) fn working(&self, entry: &str) -> Option<String> {
        self.in_use.as_ref().and_then(|secret| secret.secret_text(entry)).or_else(|| self.credentials.secret_text(entry))
    }

    /// The superuser's login that works.
    pub(super) fn superuser(&self, database: &str) -> Result<Login, String> {
        let (Some(user), Some(password)) = (self.working("superuser-username"), self.working("superuser-password")) else {
            return Err(format!("the Secret {} has no superuser", self.credentials.name()));
        };
        Ok(Login { user, password: SecretText::new(password), database: database.to_owned() })
    }
}

/// Why nothing can be asked of the primary now.
pub(super) fn not_ready(seen: &Instances) -> Option<String> {
    match seen.primary() {
        None => Some("no instance is the primary".to_owned()),
        Some(primary) if !primary.ready => Some(format!("the primary {} is not ready", primary.name)),
        Some(_) => None,
    }
}

/// Address of the primary and the superuser's login.
pub(super) async fn primary(
    api: &Cluster,
    cluster: &NamespacedName,
    revision: &Revision,
    database: &str,
) -> Result<Result<(Endpoint, Login), String>, KubernetesError> {
    let reach = match Reach::read(api, cluster, revision).await? {
        Ok(reach) => reach,
        Err(why) => return Ok(Err(why)),
    };
    if let Some(why) = not_ready(&reach.seen) {
        return Ok(Err(why));
    }
    let Some(endpoint) = reach.seen.primary().and_then(|primary| reach.endpoint(&primary.name)) else {
        return Ok(Err("the primary has no address yet".to_owned()));
    };
    Ok(reach.superuser(database).map(|login| (endpoint, login)))
}
