//! Tells Patroni to read its files again where it does not know the tags of its instance's role yet.
//!
//! The file comes into the pod by itself, seconds to minutes after its ConfigMap has changed, and Patroni reads it when told. So
//! it is told again and again until its own note on the pod says what is wanted; a pass starts the calls and waits for none.

use super::cluster_pass::ClusterPass;
use super::reach::trusted;
use crate::instance::{Endpoint, Limits, PATRONI_PORT, Patroni};
use crate::model::{NamespacedName, Object, ObjectKey, SecretText};
use crate::render::credentials_in_use;
use crate::render::revision::Revision;
use crate::rollout::unaware;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// First and longest pause, in seconds, between two calls for one cluster.
const PAUSES: (i64, i64) = (3, 30);

/// When each cluster is due again, and the pause before. Losing it costs a call too many.
#[derive(Default)]
pub(super) struct Reloads {
    limits: Limits,
    due: Mutex<BTreeMap<NamespacedName, (Timestamp, i64)>>,
}

impl Reloads {
    /// When the soonest call is due.
    pub(super) fn soonest(&self) -> Option<Timestamp> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).values().map(|(due, _)| *due).min()
    }

    /// Forgets clusters that are gone.
    pub(super) fn keep(&self, known: impl Fn(&NamespacedName) -> bool) {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| known(name));
    }

    /// Whether a cluster may be called now; plans the next call.
    fn is_due(&self, name: &NamespacedName, now: Timestamp) -> bool {
        let mut all = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = match all.get(name) {
            Some((due, _)) if *due > now => return false,
            // A file takes a minute at most, as a rule; a pod that does not answer for hours costs little.
            Some((_, pause)) => (pause + 1).min(PAUSES.1),
            None => PAUSES.0,
        };
        all.insert(name.clone(), (now + SignedDuration::from_secs(pause), pause));
        true
    }

    fn forget(&self, name: &NamespacedName) {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// One look at the tags of a cluster's instances.
pub(super) fn tell(pass: &ClusterPass<'_>, reloads: &Reloads, target: &Revision, children: &BTreeMap<ObjectKey, Object>) {
    let name = pass.cluster.namespaced_name();
    let pods = unaware(&target.effective, children.values().filter(|object| object.kind() == "Pod"));
    if pods.is_empty() {
        reloads.forget(&name);
        return;
    }
    let secret = |name: &str| children.get(&ObjectKey::new("v1", "Secret", Some(&target.cluster.namespace), name));
    let credentials = secret(&credentials_in_use(&target.effective)).or_else(|| secret(&name.name));
    let text = |key: &str| credentials.and_then(|secret| secret.secret_text(key));
    let certificate = secret(&format!("{}-ssl", name.name)).filter(|_| target.effective.postgres.ssl.enabled.value);
    let authority = certificate.and_then(|certificate| Some(trusted(certificate, &certificate.secret_text("ca.crt")?)));
    let (Some(user), Some(password)) = (text("restapi-username"), text("restapi-password")) else { return };
    if !reloads.is_due(&name, pass.now) {
        return;
    }
    for pod in pods {
        let Some(address) = pod.text("/status/podIP").and_then(|address| address.parse().ok()) else { continue };
        let server_name = format!("{}.{}", target.effective.scope(), name.namespace);
        let endpoint = Endpoint { address, port: PATRONI_PORT, server_name, authority: authority.clone() };
        let patroni = Patroni::new(reloads.limits.clone()).with_credentials(user.clone(), SecretText::new(password.clone()));
        let pod = pod.name().to_owned();
        tokio::spawn(async move {
            match patroni.reload(&endpoint).await {
                Ok(()) => tracing::debug!(pod, "told to read its files again"),
                Err(error) => tracing::debug!(pod, %error, "could not be told to read its files again; it is tried again"),
            }
        });
    }
}
