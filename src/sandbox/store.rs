//! The objects, their revisions, and what happened to them lately.

use super::resources::Resource;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Changes a watch may still ask for.
const REMEMBERED: usize = 20_000;

/// Which object: group, plural, namespace (empty for cluster-wide ones), name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) group: &'static str,
    pub(super) plural: &'static str,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Key {
    pub(super) fn new(resource: &Resource, namespace: &str, name: &str) -> Self {
        let namespace = if resource.namespaced { namespace } else { "" };
        Self { group: resource.group, plural: resource.plural, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub(super) fn is_of(&self, resource: &Resource) -> bool {
        self.group == resource.group && self.plural == resource.plural
    }
}

/// One change.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) revision: u64,
    pub(super) key: Key,
    pub(super) before: Option<Arc<Value>>,
    pub(super) after: Option<Arc<Value>>,
}

/// Everything, behind one lock: a write is one step.
#[derive(Debug)]
pub(super) struct Store {
    state: Mutex<State>,
    latest: watch::Sender<u64>,
}

/// What the lock guards.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) revision: u64,
    pub(super) objects: BTreeMap<Key, Arc<Value>>,
    pub(super) changes: VecDeque<Change>,
    pub(super) forgotten: u64,
    /// Objects with owners that were written since the collector looked.
    pub(super) owned: BTreeSet<Key>,
}

impl Store {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), latest: watch::channel(0).0 }
    }

    /// Looks at everything.
    pub(super) fn read(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something and wakes every watch.
    pub(super) fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.read();
        let result = change(&mut state);
        let revision = state.revision;
        drop(state);
        self.latest.send_if_modified(|latest| std::mem::replace(latest, revision) != revision);
        result
    }

    /// Wakes at every change.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }
}

impl State {
    pub(super) fn get(&self, key: &Key) -> Option<Arc<Value>> {
        self.objects.get(key).cloned()
    }

    /// Keeps an object under the next revision.
    pub(super) fn put(&mut self, key: Key, mut object: Value) -> Value {
        self.revision += 1;
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        let shared = Arc::new(object.clone());
        let before = self.objects.insert(key.clone(), shared.clone());
        self.note(Change { revision: self.revision, key, before, after: Some(shared) });
        object
    }

    /// Removes an object and gives its last state.
    pub(super) fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let last = self.objects.remove(key)?;
        self.revision += 1;
        self.note(Change { revision: self.revision, key: key.clone(), before: Some(last.clone()), after: None });
        Some(last)
    }

    /// Forgets every change so far; watches that have seen them all go on.
    pub(super) fn forget(&mut self) {
        self.changes.clear();
        self.forgotten = self.revision;
    }

    fn note(&mut self, change: Change) {
        self.changes.push_back(change);
        while self.changes.len() > REMEMBERED {
            if let Some(old) = self.changes.pop_front() {
                self.forgotten = old.revision;
            }
        }
    }

    /// The same as they were at a revision; `None` if that is forgotten.
    pub(super) fn list_at(&self, resource: &Resource, namespace: Option<&str>, revision: u64) -> Option<Vec<(Key, Arc<Value>)>> {
        if revision < self.forgotten {
            return None;
        }
        let now = self.list(resource, namespace).map(|(key, object)| (key.clone(), object.clone()));
        if revision == self.revision {
            return Some(now.collect());
        }
        let mut then: BTreeMap<Key, Arc<Value>> = now.collect();
        let fits = |key: &Key| key.is_of(resource) && namespace.is_none_or(|namespace| key.namespace == namespace);
        for change in self.changes.iter().rev().take_while(|change| change.revision > revision).filter(|change| fits(&change.key)) {
            match &change.before {
                Some(before) => drop(then.insert(change.key.clone(), before.clone())),
                None => drop(then.remove(&change.key)),
            }
        }
        Some(then.into_iter().collect())
    }

    /// Objects of a resource, in all namespaces or one.
    pub(super) fn list<'a>(
        &'a self,
        resource: &'a Resource,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> {
        self.objects.iter().filter(move |(key, _)| key.is_of(resource) && namespace.is_none_or(|namespace| key.namespace == namespace))
    }
}
