//! Objects of the names a cluster needs that do not carry its labels: somebody else's.
//!
//! In: a key. Out: the object, where one of that name is there. Invariant: what was there when the pass began is seen. Why: a new
//! cluster needs two dozen objects, and one question for each of them would be as much work as making them; whoever has no such label
//! in a namespace is asked once for each kind.

use super::facts::OURS;
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{Object, ObjectKey};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::Mutex;

/// What one pass found, by kind and namespace.
#[derive(Default)]
pub(super) struct Strangers(Mutex<BTreeMap<(String, String), BTreeSet<String>>>);

impl Strangers {
    /// The object of a key that no watch of ours sees, if it exists.
    pub(super) async fn get(&self, api: &Cluster, key: &ObjectKey) -> Result<Option<Object>, KubernetesError> {
        let namespace = key.namespace.clone().unwrap_or_default();
        let place = (key.kind.clone(), namespace);
        let mut known = self.0.lock().await;
        if !known.contains_key(&place) {
            let (name, value) = OURS.split_once('=').unwrap_or((OURS, ""));
            let names = api.names_in(&key.kind, &place.1, &format!("{name}!={value}")).await?;
            known.insert(place.clone(), names);
        }
        let is_there = known.get(&place).is_some_and(|names| names.contains(&key.name));
        drop(known);
        if is_there { api.get(key).await } else { Ok(None) }
    }
}
