//! Watches that only say "look again".

use super::kinds::Resource;
use futures::StreamExt as _;
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use tokio::sync::mpsc;

/// Sends a hint on every event of a kind, in one namespace or in all, until the receiver goes away. Only metadata is read, so no broken object can stop it;
/// after a failure it begins again with a growing delay.
pub async fn watch(client: Client, found: Resource, namespace: Option<String>, hints: mpsc::Sender<()>) {
    let (group, version) = found.api_version.split_once('/').unwrap_or(("", found.api_version));
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, found.kind), found.plural);
    let api: Api<PartialObjectMeta<DynamicObject>> = match namespace {
        Some(namespace) => Api::namespaced_with(client, &namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    let mut events = std::pin::pin!(watcher(api, watcher::Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        // A full channel already holds a hint.
        if event.is_ok() && matches!(hints.try_send(()), Err(mpsc::error::TrySendError::Closed(()))) {
            return;
        }
    }
}
