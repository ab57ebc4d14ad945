//! Asks the controller for a switchover, and follows it.

use super::{LiveError, asked};
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::rollout::{ACCEPT_SLOT_LOSS, SWITCHOVER, slots_accepted};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Field manager of the request.
const MANAGER: &str = "stackgres-cli";
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(300);

/// How a switchover ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switched {
    /// Another instance leads.
    Done(String),
    /// It was not begun and will not be.
    Refused(String),
    /// It was begun and did not come to its end in time.
    Unfinished(String),
    /// It is not answered yet, for this reason; the request stands.
    Waiting(String),
}

/// Asks for it and tells each new state, for as long as the patience lasts. The request is an annotation of the SGCluster and is taken away
/// once it is answered.
pub fn switchover(
    kubeconfig: Option<&Path>,
    cluster: &NamespacedName,
    candidate: Option<&str>,
    accepted: &[String],
    patience: Duration,
    mut tell: impl FnMut(&str),
) -> Result<Switched, LiveError> {
    asked(kubeconfig, async |api| {
        let key = ObjectKey::new("stackgres.io/v1", "SGCluster", Some(&cluster.namespace), &cluster.name);
        let wanted = candidate.unwrap_or("any");
        let end = Instant::now() + patience;
        // One that was answered stands in the way of the same again.
        if read(&api, &key, cluster).await?.annotation(SWITCHOVER).is_some() {
            annotate(&api, &key, None).await?;
        }
        while read(&api, &key, cluster).await?.text("/status/switchover/asked").is_some() && Instant::now() < end {
            sleep(LOOK).await;
        }
        if !accepted.is_empty() {
            let mut slots = slots_accepted(&read(&api, &key, cluster).await?);
            slots.extend(accepted.iter().cloned());
            let slots = slots.into_iter().collect::<Vec<_>>().join(",");
            api.merge(&key, &json!({"metadata": {"annotations": {ACCEPT_SLOT_LOSS: slots}}}), MANAGER, None).await?;
        }
        annotate(&api, &key, Some(wanted)).await?;
        let mut told = String::new();
        loop {
            let live = read(&api, &key, cluster).await?;
            let record = |field: &str| live.text(&format!("/status/switchover/{field}")).unwrap_or_default().to_owned();
            if record("asked") == wanted && record("state") != "under-way" {
                annotate(&api, &key, None).await?;
                let message = record("message");
                return Ok(match record("state").as_str() {
                    "done" => Switched::Done(message),
                    "refused" => Switched::Refused(message),
                    _ => Switched::Unfinished(message),
                });
            }
            // How an earlier one ended stands there until this one begins.
            let condition =
                live.condition("Switchover").filter(|condition| condition["reason"] != "Done" && condition["reason"] != "Failed");
            let says = condition.and_then(|condition| condition["message"].as_str()).unwrap_or_default().to_owned();
            if !says.is_empty() && says != told {
                tell(&says);
                told = says;
            }
            if Instant::now() > end {
                return Ok(Switched::Waiting(told));
            }
            sleep(LOOK).await;
        }
    })
}

async fn read(api: &Cluster, key: &ObjectKey, cluster: &NamespacedName) -> Result<Object, LiveError> {
    api.get(key).await?.ok_or_else(|| LiveError::NoCluster(cluster.clone()))
}

async fn annotate(api: &Cluster, key: &ObjectKey, value: Option<&str>) -> Result<(), KubernetesError> {
    api.merge(key, &json!({"metadata": {"annotations": {SWITCHOVER: value}}}), MANAGER, None).await.map(drop)
}
