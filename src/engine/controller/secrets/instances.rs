//! Brings the instances to what their files hold, and proves it.
//!
//! The kubelet renews mounted files within a minute or two, at once when the pod changes: so the pod gets an annotation that asks for
//! it. Patroni reads its files at a reload and shows the version of the credentials as a tag; the pooler shows a mark of its file; certificates are looked at in a handshake.

use super::super::reach::Reach;
use super::MANAGER;
use crate::health::read_der;
use crate::instance::{Console, Endpoint, Greeting, InstanceError, Limits, PATRONI_PORT, POOLER_PORT, Patroni, served_certificate};
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::Object;
use crate::render::{MARKED, VERSION, pooler_mark};
use crate::resolve::Effective;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// Annotation that asks the kubelet to look at the mounted files.
const ASKED: &str = "stackgres.io/secrets-asked";
/// Annotation that says what was proved to be in use.
const LOADED: &str = "stackgres.io/secrets-in-use";

/// What the client library says of a server that answers a request for TLS with `N`. Source: tokio-postgres 0.7, `connect_tls.rs`.
const NO_TLS: &str = "server does not support TLS";

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
    /// Mark of the pooler's file; `None` without a pooler.
    pub(super) pooler: Option<String>,
}

impl Wanted {
    /// What the instances of a cluster must have read: this certificate, what its Secret holds, and what is rendered.
    pub(super) fn of(effective: &Effective, certificate: Option<String>, credentials: &Object) -> Self {
        let version = credentials.secret_text(VERSION).unwrap_or_default();
        Self { certificate, version, pooler: effective.pooling.as_ref().map(pooler_mark) }
    }

    fn word(&self) -> String {
        let or_none = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
        format!("{}/{}/{}", or_none(&self.certificate), self.version, or_none(&self.pooler))
    }
}

/// Names of the pods that run and were not proved to have read this. A pod that is not ready reads it when it starts.
pub(super) fn not_loaded<'a>(pods: impl IntoIterator<Item = &'a Object>, wanted: &Wanted) -> Vec<&'a str> {
    let word = wanted.word();
    let waits = |pod: &&Object| pod.is_true("Ready") && pod.text("/status/podIP").is_some() && pod.annotation(LOADED) != Some(&word);
    pods.into_iter().filter(waits).map(Object::name).collect()
}

/// Brings every pod that runs to it. A text says which did not come and why.
pub(super) async fn load(api: &Cluster, limits: &Limits, reach: &Reach, wanted: &Wanted) -> Result<Result<(), String>, KubernetesError> {
    let end = Instant::now() + PATIENCE;
    let mut pending = not_loaded(&reach.pods, wanted);
    let mut asked = false;
    loop {
        let mut missing = Vec::new();
        let mut still = Vec::new();
        for pod in pending {
            let Some(endpoint) = reach.endpoint(pod) else { continue };
            match Box::pin(missing_at(limits, reach, &endpoint, wanted)).await {
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
                Box::pin(ask(limits, reach, &endpoint, wanted.pooler.is_some())).await;
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
async fn missing_at(limits: &Limits, reach: &Reach, endpoint: &Endpoint, wanted: &Wanted) -> Result<Option<String>, InstanceError> {
    if let Some(certificate) = &wanted.certificate {
        let pooler = wanted.pooler.is_some().then_some((POOLER_PORT, Greeting::Postgres, "PgBouncer"));
        let places = [(PATRONI_PORT, Greeting::Tls, "Patroni"), (endpoint.port, Greeting::Postgres, "PostgreSQL")];
        for (port, greeting, who) in places.into_iter().chain(pooler) {
            let served = served_certificate(limits, &endpoint.at(port), greeting).await?;
            if read_der(&served).ok().is_none_or(|facts| facts.fingerprint != *certificate) {
                return Ok(Some(format!("{who} serves another certificate")));
            }
        }
    }
    let report = Patroni::new(limits.clone()).report(&endpoint.at(PATRONI_PORT)).await?;
    if report.tags.get(VERSION).is_none_or(|version| *version != wanted.version) {
        return Ok(Some("Patroni has not read the credentials".to_owned()));
    }
    let Some(mark) = &wanted.pooler else { return Ok(None) };
    let console = console(limits, reach, endpoint).await?;
    let settings = console.settings().await;
    console.close().await;
    let read = settings?.get(MARKED).and_then(|setting| setting.value.clone()).is_some_and(|value| value.contains(mark.as_str()));
    Ok((!read).then(|| "PgBouncer has not read its file".to_owned()))
}

/// The pooler's console, with whichever password it knows now.
pub(in crate::engine::controller) async fn console(limits: &Limits, reach: &Reach, endpoint: &Endpoint) -> Result<Console, InstanceError> {
    let mut last = no_password(endpoint, "the console");
    for password in reach.both("pgbouncer-admin-password") {
        match Console::connect(limits, &endpoint.at(POOLER_PORT), "pgbouncer_admin", password).await {
            Ok(console) => return Ok(console),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The console to ask for a reload alone. A pooler that was started before TLS was switched on answers without it until it has read its
/// file again, so it could never be told to. The password does not travel in the clear (SCRAM), and a reload brings what the file says.
async fn console_to_reload(limits: &Limits, reach: &Reach, endpoint: &Endpoint) -> Result<Console, InstanceError> {
    match console(limits, reach, endpoint).await {
        Err(InstanceError::NotUnderstood { reason, .. }) if reason.contains(NO_TLS) => {
            console(limits, reach, &Endpoint { authority: None, ..endpoint.clone() }).await
        }
        other => other,
    }
}

/// Asks Patroni to read its files, with whichever password it knows now.
pub(in crate::engine::controller) async fn reload_patroni(
    limits: &Limits,
    reach: &Reach,
    endpoint: &Endpoint,
) -> Result<(), InstanceError> {
    let mut last = no_password(endpoint, "Patroni's interface");
    for patroni in patroni_clients(limits, reach) {
        match patroni.reload(&endpoint.at(PATRONI_PORT)).await {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Clients of Patroni's interface, one for each password that it may know now.
pub(in crate::engine::controller) fn patroni_clients(limits: &Limits, reach: &Reach) -> Vec<Patroni> {
    let user = reach.working("restapi-username").unwrap_or_default();
    let client = |password| Patroni::new(limits.clone()).with_credentials(user.clone(), password);
    reach.both("restapi-password").into_iter().map(client).collect()
}

fn no_password(endpoint: &Endpoint, of: &str) -> InstanceError {
    InstanceError::Refused { address: endpoint.to_string(), reason: format!("no password of {of} is known") }
}

/// Asks Patroni and the pooler to read their files.
async fn ask(limits: &Limits, reach: &Reach, endpoint: &Endpoint, pooling: bool) {
    if let Err(error) = reload_patroni(limits, reach, endpoint).await {
        tracing::debug!(%error, "Patroni was not asked to reload");
    }
    if !pooling {
        return;
    }
    let reloaded = match console_to_reload(limits, reach, endpoint).await {
        Ok(console) => {
            let reloaded = console.reload().await;
            console.close().await;
            reloaded
        }
        Err(error) => Err(error),
    };
    if let Err(error) = reloaded {
        tracing::debug!(%error, "the pooler was not asked to reload");
    }
}
