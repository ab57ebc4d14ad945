//! How the instances of a cluster are reached, as it is now: addresses, what to trust, and the credentials that work.

use super::facts::OURS;
use super::secrets::PREVIOUS;
use crate::health::{Instances, dynamic_configuration, instances};
use crate::instance::{Endpoint, Login, POSTGRES_PORT};
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{NamespacedName, Object, ObjectKey, SecretText};
use crate::render::revision::Revision;
use crate::render::{certificate_secret, credentials_in_use};
use crate::rollout::{AUTHORITY, CHAIN};
use serde_json::Value;
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
    /// Whether PostgreSQL is told to use TLS: it is a parameter that is read again.
    ssl: bool,
}

impl Reach {
    /// Reads it; a text says what is missing.
    pub(super) async fn read(
        api: &Cluster,
        cluster: &NamespacedName,
        revision: &Revision,
    ) -> Result<Result<Self, String>, KubernetesError> {
        let labels = format!("{OURS},stackgres.io/cluster-name={}", cluster.name);
        let mut objects = api.list("Pod", Some(&cluster.namespace), &labels).await?;
        // The leader's lock says who leads.
        objects.extend(api.list("Endpoints", Some(&cluster.namespace), &labels).await?);
        for name in [cluster.name.clone(), credentials_in_use(&revision.effective), certificate_secret(&cluster.name)] {
            objects.extend(api.get(&ObjectKey::new("v1", "Secret", Some(&cluster.namespace), &name)).await?);
        }
        Ok(Self::of(&objects, revision))
    }

    /// Finds it among objects of the cluster.
    pub(super) fn of<'a>(objects: impl IntoIterator<Item = &'a Object> + Clone, revision: &Revision) -> Result<Self, String> {
        let cluster = &revision.cluster;
        let secret = |name: &str| {
            let found = objects.clone().into_iter().find(|object| object.kind() == "Secret" && object.name() == name);
            found.cloned().ok_or_else(|| format!("there is no Secret {name}"))
        };
        let credentials = secret(&cluster.name)?;
        let in_use = secret(&credentials_in_use(&revision.effective)).ok();
        let pods: Vec<Object> = objects.clone().into_iter().filter(|object| object.kind() == "Pod").cloned().collect();
        let served = pods.iter().any(|pod| volumes(pod).any(|volume| volume["name"] == "ssl"));
        let authority = if revision.effective.postgres.ssl.enabled.value || served {
            let certificate = secret(&certificate_secret(&cluster.name))?;
            let missing = || format!("the Secret {} has no certificate authority", certificate.name());
            // A given certificate may be for other names: the very one that we put there is trusted as it is, and the one of before,
            // which an instance may still serve.
            let served = [CHAIN, PREVIOUS].iter().filter_map(|entry| certificate.secret_text(entry));
            let authority = certificate.secret_text(AUTHORITY).ok_or_else(missing)?;
            Some(std::iter::once(authority).chain(served).collect::<Vec<_>>().join("\n"))
        } else {
            None
        };
        let server_name = format!("{}.{}", revision.effective.scope(), cluster.namespace);
        let configuration = dynamic_configuration(objects.clone());
        // PostgreSQL's own default is off.
        let ssl = match configuration.pointer("/postgresql/parameters") {
            Some(parameters) => parameters["ssl"] == "on",
            None => revision.effective.postgres.ssl.enabled.value,
        };
        Ok(Self { seen: instances(objects), pods, credentials, in_use, server_name, authority, ssl })
    }

    /// Where PostgreSQL of a pod listens; `None` while it has no address.
    pub(super) fn endpoint(&self, pod: &str) -> Option<Endpoint> {
        let pod = self.pods.iter().find(|object| object.name() == pod)?;
        let address: IpAddr = pod.text("/status/podIP")?.parse().ok()?;
        // While TLS is switched on or off some pods have a certificate and some have none.
        let has_certificate = volumes(pod).any(|volume| volume["name"] == "ssl");
        let patroni = self.authority.clone().filter(|_| has_certificate);
        let authority = patroni.clone().filter(|_| self.ssl);
        Some(Endpoint { address, port: POSTGRES_PORT, server_name: self.server_name.clone(), authority, patroni })
    }

    /// An entry of the credentials that work.
    pub(super) fn working(&self, entry: &str) -> Option<String> {
        self.in_use.as_ref().and_then(|secret| secret.secret_text(entry)).or_else(|| self.credentials.secret_text(entry))
    }

    /// The value that works, and the one that is wanted: which an instance knows now is not known.
    pub(super) fn both(&self, entry: &str) -> Vec<SecretText> {
        let mut values: Vec<String> = [self.working(entry), self.credentials.secret_text(entry)].into_iter().flatten().collect();
        values.dedup();
        values.into_iter().map(SecretText::new).collect()
    }

    /// The superuser's login that works.
    pub(super) fn superuser(&self, database: &str) -> Result<Login, String> {
        let (Some(user), Some(password)) = (self.working("superuser-username"), self.working("superuser-password")) else {
            return Err(format!("the Secret {} has no superuser", self.credentials.name()));
        };
        Ok(Login { user, password: SecretText::new(password), database: database.to_owned() })
    }
}

fn volumes(pod: &Object) -> impl Iterator<Item = &Value> {
    pod.get("/spec/volumes").and_then(Value::as_array).into_iter().flatten()
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
