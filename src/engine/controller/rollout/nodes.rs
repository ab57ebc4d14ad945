//! Nodes that take no pods any more.

use crate::kubernetes::{Class, Cluster};
use crate::model::ObjectKey;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// How long an answer holds. Who empties a node tries the eviction of the primary again every five seconds (`kubectl drain`).
const HOLDS: SignedDuration = SignedDuration::from_secs(5);

/// What was answered lately, so that many clusters on a node ask once.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    known: Mutex<BTreeMap<String, (Timestamp, bool)>>,
    forbidden: AtomicBool,
}

impl Nodes {
    /// Whether they may be read: an installation for some namespaces has no right to.
    pub(super) fn are_seen(&self) -> bool {
        !self.forbidden.load(Ordering::Relaxed)
    }

    /// Whether a node takes no pods any more. Where nodes may not be read nothing is known, and nothing is done about it.
    pub(super) async fn is_cordoned(&self, api: &Cluster, name: &str, now: Timestamp) -> bool {
        let lately = |at: Timestamp| at <= now && now < at + HOLDS;
        if let Some(cordoned) =
            self.known.lock().ok().and_then(|known| known.get(name).filter(|(at, _)| lately(*at)).map(|(_, said)| *said))
        {
            return cordoned;
        }
        let node = api.get(&ObjectKey::new("v1", "Node", None, name)).await;
        match &node {
            Ok(_) => self.forbidden.store(false, Ordering::Relaxed),
            Err(error) if error.class == Class::Forbidden => self.forbidden.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        let cordoned = matches!(node, Ok(Some(node)) if node.get("/spec/unschedulable") == Some(&Value::Bool(true)));
        if let Ok(mut known) = self.known.lock() {
            known.retain(|_, (at, _)| lately(*at));
            known.insert(name.to_owned(), (now, cordoned));
        }
        cordoned
    }
}
