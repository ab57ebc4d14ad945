//! Keeps the pod of an instance that hands over from being evicted before the clients of its pooler have gone.
//!
//! A drain evicts as soon as a budget lets it, and a pooler that is told to end answers whoever begins a transaction with
//! "server shutting down". So the pod has a label while it hands over, which a budget of its own asks for.

use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{Object, ObjectKey};
use crate::render::HANDS_OVER;
use crate::rollout::MANAGER;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Does the work while the pod has the label.
pub(in crate::engine::controller) async fn spared<T>(api: &Cluster, namespace: &str, pod: &str, work: impl Future<Output = T>) -> T {
    let key = ObjectKey::new("v1", "Pod", Some(namespace), pod);
    // Without it the hand-over goes as well, but for a drain in just that moment.
    if let Err(error) = label(api, &key, json!("true")).await {
        tracing::warn!(%error, pod, "the pod of an instance that hands over can be evicted");
    }
    let done = work.await;
    if let Err(error) = label(api, &key, Value::Null).await {
        tracing::warn!(%error, pod, "the pod of an instance that has handed over cannot be evicted yet");
    }
    done
}

/// Takes the label from pods that nobody works on: a process that is gone left it, and no drain would end. To be called while no
/// hand-over of the cluster is under way here.
pub(in crate::engine::controller) async fn spare_no_longer(
    api: &Cluster,
    children: &BTreeMap<ObjectKey, Object>,
) -> Result<(), KubernetesError> {
    for pod in children.values().filter(|object| object.kind() == "Pod" && object.label(HANDS_OVER).is_some()) {
        label(api, &pod.key(), Value::Null).await?;
    }
    Ok(())
}

async fn label(api: &Cluster, key: &ObjectKey, value: Value) -> Result<(), KubernetesError> {
    match api.merge(key, &json!({"metadata": {"labels": {HANDS_OVER: value}}}), MANAGER, None).await {
        Err(error) if error.is_not_found() => Ok(()),
        other => other.map(drop),
    }
}
