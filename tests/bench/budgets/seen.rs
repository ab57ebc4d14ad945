//! What a watch sees of one kind, with a way to wait for something.

use futures::StreamExt as _;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::watcher::{Config, Event};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Objects by namespace and name.
type Objects = BTreeMap<String, Value>;

/// A watch.
pub(crate) struct Seen {
    objects: Arc<Mutex<Objects>>,
    news: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Seen {
    /// Watches every object of a kind with these labels.
    pub(crate) fn new(client: kube::Client, group: &str, version: &str, kind: &str, plural: &str, labels: &str) -> Self {
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        let api: Api<DynamicObject> = Api::all_with(client, &resource);
        let (objects, news) = (Arc::new(Mutex::new(Objects::new())), Arc::new(Notify::new()));
        let (kept, told) = (objects.clone(), news.clone());
        let config = Config::default().labels(labels);
        let task = tokio::spawn(async move {
            let mut events = std::pin::pin!(kube::runtime::watcher(api, config));
            while let Some(event) = events.next().await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let name = |object: &DynamicObject| {
                    let part = |part: &Option<String>| part.clone().unwrap_or_default();
                    format!("{}/{}", part(&object.metadata.namespace), part(&object.metadata.name))
                };
                match event {
                    Ok(Event::InitApply(object) | Event::Apply(object)) => {
                        let name = name(&object);
                        kept.insert(name, serde_json::to_value(object).unwrap());
                    }
                    Ok(Event::Delete(object)) => drop(kept.remove(&name(&object))),
                    _ => {}
                }
                told.notify_waiters();
            }
        });
        Self { objects, news, task }
    }

    /// Waits until what is seen is as wanted; gives how long that took.
    pub(crate) async fn until(&self, what: &str, patience: Duration, wanted: impl Fn(&Objects) -> bool) -> Duration {
        let began = Instant::now();
        loop {
            let news = self.news.notified();
            let mut news = std::pin::pin!(news);
            news.as_mut().enable();
            if wanted(&self.objects.lock().unwrap_or_else(PoisonError::into_inner)) {
                return began.elapsed();
            }
            assert!(began.elapsed() < patience, "waited too long for {what}");
            drop(tokio::time::timeout(Duration::from_secs(1), news).await);
        }
    }

    /// How many are seen.
    pub(crate) fn count(&self) -> usize {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.task.abort();
    }
}
