//! Watches, which say what there is and when to look again.

use super::cache::Cache;
use super::kinds::Resource;
use crate::model::Object;
use futures::StreamExt as _;
use kube::api::{ApiResource, DynamicObject};
use kube::core::{GroupVersionKind, ObjectMeta, PartialObjectMeta};
use kube::runtime::watcher;
use kube::runtime::watcher::{Config, Event};
use kube::{Api, Client};
use serde_json::Value;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What Patroni writes at every heartbeat and nothing depends on.
///
/// Source: Patroni documentation, "Using Kubernetes objects"; the leader's Endpoints are renewed every `loop_wait` (10 s), and
/// each pod carries its position in the WAL.
const HEARTBEAT: &[&str] = &["renewTime", "optime", "status", "slots", "retain_slots", "failsafe", "ttl"];

/// Shortest and longest pause after a failure, and how often to look whether a kind was installed.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
const INSTALLED: Duration = Duration::from_secs(5);

/// Keeps objects of a kind with these labels, in one namespace or in all, in a cache, and sends a hint when one of them comes, goes or
/// changes in a way that matters, until the receiver goes away. After a failure it lists again, with a growing delay. Of definitions
/// no more than their metadata is read.
pub async fn watch(
    client: Client,
    cache: Arc<Cache>,
    (found, labels, namespace): (Resource, &'static str, Option<String>),
    hints: mpsc::Sender<()>,
) {
    let (group, version) = found.api_version.split_once('/').unwrap_or(("", found.api_version));
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, found.kind), found.plural);
    let mut seen = Seen { kind: found.kind, known: BTreeMap::new(), fresh: None };
    let mut pause = PAUSE.0;
    loop {
        if cache.is_absent(&found) {
            tokio::time::sleep(INSTALLED).await;
            continue;
        }
        let mut follow = Follow { cache: &cache, found: &found, namespace: namespace.as_deref(), seen: &mut seen, hints: &hints };
        let config = Config::default().labels(labels);
        let ended = if found.kind == "CustomResourceDefinition" {
            let objects: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(client.clone(), &resource);
            follow.events(watcher(objects, config), |object| (&object.metadata, 0)).await
        } else {
            let objects: Api<DynamicObject> = match &namespace {
                Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
                None => Api::all_with(client.clone(), &resource),
            };
            let more = if found.kind == "Pod" { readiness } else { |_: &Value| 0 };
            follow.events(watcher(objects, config), |object| (&object.metadata, more(&object.data))).await
        };
        cache.doubts(found.kind, namespace.as_deref());
        pause = match ended {
            Ended::NobodyListens => return,
            Ended::Failed { listed: true } => PAUSE.0,
            Ended::Failed { listed: false } => (pause * 2).min(PAUSE.1),
        };
        tokio::time::sleep(pause).await;
    }
}

/// Why a watch ended.
enum Ended {
    NobodyListens,
    Failed { listed: bool },
}

/// Where the events of a watch go.
struct Follow<'a> {
    cache: &'a Cache,
    found: &'a Resource,
    namespace: Option<&'a str>,
    seen: &'a mut Seen,
    hints: &'a mpsc::Sender<()>,
}

impl Follow<'_> {
    /// Takes events until one is a failure: what a watch missed meanwhile is known from a new list only.
    async fn events<K: serde::Serialize, E>(
        &mut self,
        events: impl futures::Stream<Item = Result<Event<K>, E>>,
        read: impl Fn(&K) -> (&ObjectMeta, u64),
    ) -> Ended {
        let mut events = std::pin::pin!(events);
        let (kind, namespace) = (self.found.kind, self.namespace);
        let mut listed = false;
        while let Some(event) = events.next().await {
            let matters = match &event {
                Ok(Event::Init) => {
                    self.cache.begins(kind, namespace);
                    self.seen.begin()
                }
                Ok(Event::InitApply(object)) => {
                    self.cache.listed(kind, namespace, self.object(object));
                    self.seen.listed(read(object))
                }
                Ok(Event::InitDone) => {
                    self.cache.ends(kind, namespace);
                    listed = true;
                    self.seen.complete()
                }
                Ok(Event::Apply(object)) => {
                    self.cache.changed(kind, namespace, self.object(object));
                    self.seen.changed(read(object))
                }
                Ok(Event::Delete(object)) => {
                    self.cache.gone(kind, namespace, &self.object(object));
                    self.seen.gone(read(object).0)
                }
                Err(_) => return Ended::Failed { listed },
            };
            // A full channel already holds a hint.
            if matters && matches!(self.hints.try_send(()), Err(mpsc::error::TrySendError::Closed(()))) {
                return Ended::NobodyListens;
            }
        }
        Ended::Failed { listed }
    }

    /// Items of a list do not say what they are.
    fn object(&self, object: &impl serde::Serialize) -> Object {
        let mut value = serde_json::to_value(object).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.insert("apiVersion".to_owned(), self.found.api_version.into());
            map.insert("kind".to_owned(), self.found.kind.into());
        }
        Object::new(value)
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
