//! Tells Patroni to read its files again where it does not know the tags of its instance's role yet.
//!
//! The file comes into the pod by itself, seconds to minutes after its ConfigMap has changed, and Patroni reads it when told. So
//! it is told again and again until its own note on the pod says what is wanted; a pass starts the calls and waits for none.

use super::cluster_pass::ClusterPass;
use super::reach::Reach;
use super::secrets::reload_patroni;
use crate::instance::Limits;
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::render::revision::Revision;
use crate::rollout::unaware;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

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

    /// Whether a cluster waits for a call that is due.
    pub(super) fn waits(&self, name: &NamespacedName, now: Timestamp) -> bool {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).get(name).is_some_and(|(due, _)| *due <= now)
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
pub(super) fn tell(pass: &ClusterPass<'_>, target: &Revision, children: &BTreeMap<ObjectKey, Object>, barred: Option<u32>) {
    let ClusterPass { reloads, now, .. } = *pass;
    let name = pass.cluster.namespaced_name();
    let pods = unaware(&target.effective, barred, children.values().filter(|object| object.kind() == "Pod"));
    if pods.is_empty() {
        reloads.forget(&name);
        return;
    }
    let Ok(reach) = Reach::of(children.values(), target) else { return };
    if !reloads.is_due(&name, now) {
        return;
    }
    let reach = Arc::new(reach);
    for pod in pods {
        let Some(endpoint) = reach.endpoint(pod.name()) else { continue };
        let (reach, limits, pod) = (reach.clone(), reloads.limits.clone(), pod.name().to_owned());
        tokio::spawn(async move {
            match Box::pin(reload_patroni(&limits, &reach, &endpoint)).await {
                Ok(()) => tracing::debug!(pod, "told to read its files again"),
                Err(error) => tracing::debug!(pod, %error, "could not be told to read its files again; it is tried again"),
            }
        });
    }
}
