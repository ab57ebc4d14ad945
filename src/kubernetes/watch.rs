//! Watches that only say "look again".

use super::kinds::Resource;
use futures::StreamExt as _;
use kube::api::{ApiResource, DynamicObject};
use kube::core::{GroupVersionKind, ObjectMeta, PartialObjectMeta};
use kube::runtime::watcher::{Config, Event};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use serde_json::Value;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use tokio::sync::mpsc;

/// What Patroni writes at every heartbeat and nothing depends on.
///
/// Source: Patroni documentation, "Using Kubernetes objects"; the leader's Endpoints are renewed every `loop_wait` (10 s), and
/// each pod carries its position in the WAL.
const HEARTBEAT: &[&str] = &["renewTime", "optime", "status", "slots", "retain_slots", "failsafe", "ttl"];

/// Sends a hint when an object of a kind with these labels comes, goes or changes in a way that matters, in one namespace or in
/// all, until the receiver goes away. No more than metadata is read, except of pods, whose readiness counts; so no broken object
/// can stop it. After a failure it begins again with a growing delay.
pub async fn watch(client: Client, found: Resource, namespace: Option<String>, labels: &'static str, hints: mpsc::Sender<()>) {
    let (group, version) = found.api_version.split_once('/').unwrap_or(("", found.api_version));
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, found.kind), found.plural);
    let config = Config::default().labels(labels);
    let seen = Seen { kind: found.kind, known: BTreeMap::new(), fresh: None };
    if found.kind == "Pod" {
        let pods: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(client, &namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let events = watcher(pods, config).default_backoff();
        follow(events, seen, |pod| (&pod.metadata, readiness(&pod.data)), hints).await;
    } else {
        let objects: Api<PartialObjectMeta<DynamicObject>> = match namespace {
            Some(namespace) => Api::namespaced_with(client, &namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let events = watcher(objects, config).default_backoff();
        follow(events, seen, |object| (&object.metadata, 0), hints).await;
    }
}

async fn follow<K, E>(
    events: impl futures::Stream<Item = Result<Event<K>, E>>,
    mut seen: Seen,
    read: impl Fn(&K) -> (&ObjectMeta, u64),
    hints: mpsc::Sender<()>,
) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        let matters = match &event {
            Ok(Event::Init) => seen.begin(),
            Ok(Event::InitApply(object)) => seen.listed(read(object)),
            Ok(Event::InitDone) => seen.complete(),
            Ok(Event::Apply(object)) => seen.changed(read(object)),
            Ok(Event::Delete(object)) => seen.gone(read(object).0),
            Err(_) => false,
        };
        // A full channel already holds a hint.
        if matters && matches!(hints.try_send(()), Err(mpsc::error::TrySendError::Closed(()))) {
            return;
        }
    }
}

/// What matters of each object, as a number.
struct Seen {
    kind: &'static str,
    known: BTreeMap<String, u64>,
    /// The list that is being read.
    fresh: Option<BTreeMap<String, u64>>,
}

impl Seen {
    fn begin(&mut self) -> bool {
        self.fresh = Some(BTreeMap::new());
        false
    }

    fn listed(&mut self, (metadata, more): (&ObjectMeta, u64)) -> bool {
        let print = fingerprint(self.kind, metadata, more);
        if let Some(fresh) = &mut self.fresh {
            fresh.insert(identity(metadata), print);
        }
        false
    }

    fn complete(&mut self) -> bool {
        let fresh = self.fresh.take().unwrap_or_default();
        let matters = fresh != self.known;
        self.known = fresh;
        matters
    }

    fn changed(&mut self, (metadata, more): (&ObjectMeta, u64)) -> bool {
        let print = fingerprint(self.kind, metadata, more);
        self.known.insert(identity(metadata), print) != Some(print)
    }

    fn gone(&mut self, metadata: &ObjectMeta) -> bool {
        self.known.remove(&identity(metadata)).is_some()
    }
}

fn identity(metadata: &ObjectMeta) -> String {
    format!("{}/{}", metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
}

/// A number that changes when something changes that a decision may depend on. Where the server counts generations, a write to
/// the status alone changes nothing; Patroni's heartbeat never does.
fn fingerprint(kind: &str, metadata: &ObjectMeta, more: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    metadata.uid.hash(&mut hasher);
    metadata.labels.hash(&mut hasher);
    metadata.deletion_timestamp.is_some().hash(&mut hasher);
    metadata.finalizers.hash(&mut hasher);
    let owners = metadata.owner_references.iter().flatten().map(|owner| owner.uid.as_str());
    owners.for_each(|owner| owner.hash(&mut hasher));
    let annotations = metadata.annotations.iter().flatten().filter(|(name, _)| !HEARTBEAT.contains(&name.as_str()));
    annotations.for_each(|annotation| annotation.hash(&mut hasher));
    match (metadata.generation, kind) {
        (Some(generation), _) => generation.hash(&mut hasher),
        (None, "Endpoints" | "Pod") => {}
        (None, _) => metadata.resource_version.hash(&mut hasher),
    }
    more.hash(&mut hasher);
    hasher.finish()
}

/// What a decision reads of a pod's status.
fn readiness(pod: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    pod.pointer("/status/phase").and_then(Value::as_str).hash(&mut hasher);
    for condition in pod.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten() {
        for field in ["type", "status", "reason"] {
            condition.get(field).and_then(Value::as_str).hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(value: Value) -> ObjectMeta {
        serde_json::from_value(value).unwrap()
    }

    /// A thousand clusters renew their leader locks a hundred times a second; if each were a hint, passes would never end.
    #[test]
    fn a_heartbeat_is_no_news_and_a_new_leader_is() {
        let endpoints = |renewed: &str, leader: &str, version: &str| {
            metadata(json!({"name": "a", "namespace": "n", "uid": "1", "resourceVersion": version,
                "annotations": {"renewTime": renewed, "optime": renewed, "leader": leader}}))
        };
        let mut seen = Seen { kind: "Endpoints", known: BTreeMap::new(), fresh: None };
        assert!(seen.changed((&endpoints("1", "a-0", "1"), 0)));
        assert!(!seen.changed((&endpoints("2", "a-0", "2"), 0)));
        assert!(seen.changed((&endpoints("3", "a-1", "3"), 0)));
        assert!(seen.gone(&endpoints("3", "a-1", "3")));
        let pod = |ready: &str| json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}});
        assert_ne!(readiness(&pod("True")), readiness(&pod("False")));
    }

    /// After a dropped watch everything is listed again; only a difference is news, an object that vanished meanwhile included.
    #[test]
    fn a_list_that_says_the_same_is_no_news() {
        let object = |name: &str, generation: i64| metadata(json!({"name": name, "namespace": "n", "generation": generation}));
        let mut seen = Seen { kind: "SGCluster", known: BTreeMap::new(), fresh: None };
        let mut list = |objects: &[ObjectMeta]| {
            seen.begin();
            for object in objects {
                seen.listed((object, 0));
            }
            seen.complete()
        };
        assert!(list(&[object("a", 1), object("b", 1)]));
        assert!(!list(&[object("b", 1), object("a", 1)]));
        assert!(list(&[object("a", 1)]));
        assert!(list(&[object("a", 2)]));
    }
}
