//! Brings the instances to what the Secrets hold, and proves it.
//!
//! The kubelet renews mounted files within a minute or two, at once when the pod changes: so the pod gets an annotation that asks for
//! it. Patroni reads its files at a reload and shows the version of the credentials as a tag; certificates are looked at in a handshake.

use super::super::reach::Reach;
use super::MANAGER;
use crate::health::read_der;
use crate::instance::{Console, Endpoint, Greeting, InstanceError, Limits, PATRONI_PORT, POOLER_PORT, Patroni, served_certificate};
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{Object, SecretText};
use crate::render::VERSION;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// Annotation that asks the kubelet to look at the mounted files.
const ASKED: &str = "stackgres.io/secrets-asked";
/// Annotation that says what was proved to be in use.
const LOADED: &str = "stackgres.io/secrets-in-use";

/// Time for files to reach the pods and to be read: the kubelet's own period is a minute, its cache another.
const PATIENCE: Duration = Duration::from_mins(3);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(2);

/// What instances must have read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Fingerprint of the certificate; `None` without TLS.
    pub(super) certificate: Option<String>,
    /// Version of the credentials.
    pub(super) version: String,
}

impl Wanted {
    fn word(&self) -> String {
        format!("{}/{}", self.certificate.as_deref().unwrap_or("-"), self.version)
    }
}

/// Names of the pods that run and were not proved to have read this. A pod that is not ready reads it when it starts.
pub(super) fn not_loaded<'a>(pods: &'a [Object], wanted: &Wanted) -> Vec<&'a str> {
    let word = wanted.word();
    let waits = |pod: &&Object| pod.is_true("Ready") && pod.text("/status/podIP").is_some() && pod.annotation(LOADED) != Some(&word);
    pods.iter().filter(waits).map(Object::name).collect()
}

/// Brings every pod that runs to it. A text says which did not come and why.
pub(super) async fn load(
    api: &Cluster,
    limits: &Limits,
    reach: &Reach,
    wanted: &Wanted,
    pooling: bool,
) -> Result<Result<(), String>, KubernetesError> {
    let end = Instant::now() + PATIENCE;
    let mut pending = not_loaded(&reach.pods, wanted);
    let mut asked = false;
    loop {
        let mut missing = Vec::new();
        let mut still = Vec::new();
        for pod in pending {
            let Some(endpoint) = reach.endpoint(pod) else { continue };
            match Box::pin(missing_at(limits, &endpoint, wanted, pooling)).await {
                Ok(None) => note(api, reach, pod, LOADED, wanted).await?,
                Ok(Some(what)) => (missing.push(format!("{pod}: {what}")), still.push(pod)).1,
                Err(error) => (missing.push(format!("{pod}: {error}")), still.push(pod)).1,
            }
        }
        if still.is_empty() {
            return Ok(Ok(()));
        }
        if Instant::now() > end {
            return Ok(Err(missing.join("; ")));
        }
        for pod in &still {
            if !asked {
                note(api, reach, pod, ASKED, wanted).await?;
            }
            if let Some(endpoint) = reach.endpoint(pod) {
                Box::pin(ask(limits, reach, &endpoint, pooling)).await;
            }
        }
        asked = true;
        pending = still;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn note(api: &Cluster, reach: &Reach, pod: &str, annotation: &str, wanted: &Wanted) -> Result<(), KubernetesError> {
    let Some(pod) = reach.pods.iter().find(|object| object.name() == pod) else { return Ok(()) };
    let patch = json!({"metadata": {"uid": pod.uid(), "annotations": {annotation: wanted.word()}}});
    match api.merge(&pod.key(), &patch, MANAGER, None).await {
        // It is another pod by now, or none.
        Err(error) if error.is_not_found() || error.class == crate::kubernetes::Class::Conflict => Ok(()),
        other => other.map(drop),
    }
}

/// What an instance has not read yet.
async fn missing_at(limits: &Limits, endpoint: &Endpoint, wanted: &Wanted, pooling: bool) -> Result<Option<String>, InstanceError> {
    if let Some(certificate) = &wanted.certificate {
        let pooler = pooling.then_some((POOLER_PORT, Greeting::Postgres, "PgBouncer"));
        let places = [(PATRONI_PORT, Greeting::Tls, "Patroni"), (endpoint.port, Greeting::Postgres, "PostgreSQL")];
        for (port, greeting, who) in places.into_iter().chain(pooler) {
            let served = served_certificate(limits, &endpoint.at(port), greeting).await?;
            if read_der(&served).ok().is_none_or(|facts| facts.fingerprint != *certificate) {
                return Ok(Some(format!("{who} serves another certificate")));
            }
        }
    }
    let report = Patroni::new(limits.clone()).report(&endpoint.at(PATRONI_PORT)).await?;
    let read = report.tags.get(VERSION).is_some_and(|version| *version == wanted.version);
    Ok((!read).then(|| "Patroni has not read the credentials".to_owned()))
}

/// Asks Patroni and the pooler to read their files. Which password each knows now is not known: both are tried.
async fn ask(limits: &Limits, reach: &Reach, endpoint: &Endpoint, pooling: bool) {
    let both = |entry: &str| {
        let values = [reach.working(entry), reach.credentials.secret_text(entry)];
        let mut values: Vec<SecretText> = values.into_iter().flatten().map(SecretText::new).collect();
        values.dedup_by(|one, two| one.expose() == two.expose());
        values
    };
    for password in both("restapi-password") {
        let user = reach.working("restapi-username").unwrap_or_default();
        let patroni = Patroni::new(limits.clone()).with_credentials(user, password);
        match patroni.reload(&endpoint.at(PATRONI_PORT)).await {
            Ok(()) => break,
            Err(error) => tracing::debug!(%error, "Patroni was not asked to reload"),
        }
    }
    for password in both("pgbouncer-admin-password").into_iter().filter(|_| pooling) {
        let console = Console::connect(limits, &endpoint.at(POOLER_PORT), "pgbouncer_admin", password).await;
        let reloaded = match console {
            Ok(console) => {
                let reloaded = console.reload().await;
                console.close().await;
                reloaded
            }
            Err(error) => Err(error),
        };
        match reloaded {
            Ok(()) => break,
            Err(error) => tracing::debug!(%error, "the pooler was not asked to reload"),
        }
    }
}
