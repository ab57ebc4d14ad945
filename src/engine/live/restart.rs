//! Makes an SGDbOps that restarts a cluster, and follows it.

use super::{LiveError, asked, now};
use crate::kubernetes::Cluster;
use crate::model::{NamespacedName, Object, ObjectKey};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(300);

/// What kind of restart is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestartWish {
    /// `InPlace` or `ReducedImpact`; `None` is the method of the cluster.
    pub method: Option<String>,
    /// Whether only instances are meant that wait for a restart.
    pub only_pending: bool,
    /// Name of the SGDbOps; `None` is the cluster's with the time.
    pub name: Option<String>,
}

/// How a restart ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restarted {
    /// It was done.
    Done(String),
    /// It was not, or not wholly.
    Failed(String),
    /// It has not ended yet: what it waits for. It goes on.
    Waiting(String),
}

/// Makes the operation and tells each new state, for as long as the patience lasts. Gives its name and how it ended.
pub fn restart(
    kubeconfig: Option<&Path>,
    cluster: &NamespacedName,
    wish: &RestartWish,
    patience: Duration,
    mut tell: impl FnMut(&str),
) -> Result<(String, Restarted), LiveError> {
    asked(kubeconfig, async |api| {
        let key = ObjectKey::new("stackgres.io/v1", "SGCluster", Some(&cluster.namespace), &cluster.name);
        if api.get(&key).await?.is_none() {
            return Err(LiveError::NoCluster(cluster.clone()));
        }
        let wanted = operation(cluster, wish, &now().strftime("%Y%m%d-%H%M%S").to_string());
        let name = wanted.name().to_owned();
        api.create(&wanted).await?;
        tell(&format!("made the SGDbOps {}/{name}", cluster.namespace));
        let end = Instant::now() + patience;
        let mut told = String::new();
        loop {
            let (says, ended) = look(&api, &wanted.key()).await?;
            if let Some(done) = ended {
                return Ok((name, if done { Restarted::Done(says) } else { Restarted::Failed(says) }));
            }
            if !says.is_empty() && says != told {
                tell(&says);
                told = says;
            }
            if Instant::now() > end {
                return Ok((name, Restarted::Waiting(told)));
            }
            sleep(LOOK).await;
        }
    })
}

/// What an operation says, and whether it is done; `None` while it goes on.
async fn look(api: &Cluster, key: &ObjectKey) -> Result<(String, Option<bool>), LiveError> {
    let Some(live) = api.get(key).await? else { return Ok(("it was deleted".to_owned(), Some(false))) };
    let says = live.condition("Running").and_then(|condition| condition["message"].as_str()).unwrap_or_default().to_owned();
    let ended = if live.is_true("Completed") { Some(true) } else { live.is_true("Failed").then_some(false) };
    Ok((says, ended))
}

/// The object. A name of our own is that of the cluster, cut so that it fits, and the time.
fn operation(cluster: &NamespacedName, wish: &RestartWish, time: &str) -> Object {
    // 57 characters, less `-restart-` and a time of 15.
    let stem: String = cluster.name.chars().take(33).collect();
    let name = wish.name.clone().unwrap_or_else(|| format!("{stem}-restart-{time}"));
    let mut restart = json!({});
    if let Some(method) = &wish.method {
        restart["method"] = json!(method);
    }
    if wish.only_pending {
        restart["onlyPendingRestart"] = json!(true);
    }
    Object::new(json!({
        "apiVersion": "stackgres.io/v1", "kind": "SGDbOps", "metadata": {"name": name, "namespace": cluster.namespace},
        "spec": {"sgCluster": cluster.name, "op": "restart", "restart": restart},
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Manifest;
    use crate::validate::check_manifest;

    /// An object that the API server refuses is no restart.
    #[test]
    fn what_is_made_passes() {
        let cluster = NamespacedName::new("shop", "a".repeat(52));
        let wish = RestartWish { method: Some("ReducedImpact".to_owned()), only_pending: true, name: None };
        for wish in [RestartWish::default(), wish] {
            let made = operation(&cluster, &wish, "20261128-030000");
            let found = check_manifest(&Manifest::live(made.clone()));
            assert!(found.iter().next().is_none(), "{found:?}");
            assert!(made.name().len() <= 57 && made.name().ends_with("-restart-20261128-030000"), "{}", made.name());
        }
    }
}
