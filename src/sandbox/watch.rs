//! Watches: one line of JSON per change.

use super::answer::Failure;
use super::http::{Form, Query, formed, viewed};
use super::resources::{Resource, stored};
use super::selector::Selector;
use super::server::Server;
use super::store::Change;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response};
use futures::stream;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How often a quiet watch says up to where it has seen everything.
const BOOKMARK: Duration = Duration::from_secs(30);
/// Longest watch without `timeoutSeconds`.
const LONGEST: Duration = Duration::from_mins(30);

struct Watching {
    server: Arc<Server>,
    resource: &'static Resource,
    namespace: Option<String>,
    selector: Selector,
    form: Form,
    bookmarks: bool,
    seen: u64,
    ready: VecDeque<Value>,
    until: tokio::time::Instant,
}

/// Starts a watch.
pub(super) fn answer(
    server: &Arc<Server>,
    resource: &'static Resource,
    namespace: Option<String>,
    form: Form,
    query: &Query,
) -> Result<Response<Body>, Failure> {
    let selector = Selector::parse(resource, query.get("labelSelector"), query.get("fieldSelector"))?;
    let initial = query.get("sendInitialEvents");
    let matching = query.get("resourceVersionMatch");
    if !initial.is_empty() && matching != "NotOlderThan" {
        let why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return Err(Failure::invalid_options("ListOptions", "resourceVersionMatch", why));
    }
    if initial.is_empty() && !matching.is_empty() {
        let why = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        return Err(Failure::invalid_options("ListOptions", "resourceVersionMatch", why));
    }
    let timeout = query.get("timeoutSeconds").parse().map_or(LONGEST, Duration::from_secs);
    let mut watching = Watching {
        server: server.clone(),
        resource,
        namespace,
        selector,
        form,
        bookmarks: query.get("allowWatchBookmarks") == "true",
        seen: 0,
        ready: VecDeque::new(),
        until: tokio::time::Instant::now() + timeout,
    };
    let from = query.get("resourceVersion");
    if from.is_empty() || from == "0" || initial == "true" {
        watching.everything();
        if initial == "true" && watching.bookmarks {
            let mut mark = watching.bookmark();
            mark["object"]["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
            watching.ready.push_back(mark);
        }
    } else {
        watching.seen = from.parse().map_err(|_| Failure::bad_request(format!("invalid resource version: {from}")))?;
        if watching.seen < server.store.read().forgotten {
            return Err(Failure::expired());
        }
    }
    let lines = stream::unfold(watching, |mut watching| async move {
        let event = watching.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(format!("{event}\n"))), watching))
    });
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    Ok(response)
}

impl Watching {
    fn everything(&mut self) {
        let state = self.server.store.read();
        self.seen = state.revision;
        let objects: Vec<Value> = state
            .list(stored(self.resource), self.namespace.as_deref())
            .map(|(_, object)| viewed(self.resource, object.as_ref().clone()))
            .filter(|object| self.selector.matches(object))
            .collect();
        drop(state);
        self.ready.extend(objects.into_iter().map(|object| json!({"type": "ADDED", "object": formed(self.resource, object, self.form)})));
    }

    fn bookmark(&self) -> Value {
        let (version, kind) = match self.form {
            Form::Whole => (self.resource.api_version(), self.resource.kind),
            Form::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadata"),
            Form::Table => ("meta.k8s.io/v1".to_owned(), "Table"),
        };
        json!({"type": "BOOKMARK", "object": {"apiVersion": version, "kind": kind, "metadata": {"resourceVersion": self.seen.to_string()}}})
    }

    async fn next(&mut self) -> Option<Value> {
        let mut changes = self.server.store.changes();
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            changes.borrow_and_update();
            if !self.catch_up() {
                let failure = Failure::expired().to_value();
                self.until = tokio::time::Instant::now();
                return Some(json!({"type": "ERROR", "object": failure}));
            }
            if !self.ready.is_empty() {
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep_until(self.until) => return None,
                () = self.server.stop.cancelled() => return None,
                changed = changes.changed() => changed.ok()?,
                () = tokio::time::sleep(BOOKMARK), if self.bookmarks => self.ready.push_back(self.bookmark()),
            }
        }
    }

    /// Takes over what happened since. `false` if some of it is forgotten.
    fn catch_up(&mut self) -> bool {
        let state = self.server.store.read();
        if self.seen < state.forgotten {
            return false;
        }
        let begin = state.changes.partition_point(|change| change.revision <= self.seen);
        let events: Vec<Value> = state.changes.iter().skip(begin).filter_map(|change| self.event(change)).collect();
        self.seen = state.revision;
        drop(state);
        self.ready.extend(events);
        true
    }

    /// What a change means to this watch: an object that stops matching is deleted for it.
    fn event(&self, change: &Change) -> Option<Value> {
        let kept = stored(self.resource);
        if !change.key.is_of(kept) || self.namespace.as_ref().is_some_and(|namespace| change.key.namespace != *namespace) {
            return None;
        }
        let view = |object: &Arc<Value>| viewed(self.resource, object.as_ref().clone());
        let matches = |object: &Option<Value>| object.as_ref().is_some_and(|object| self.selector.matches(object));
        let (mut before, after) = (change.before.as_ref().map(view), change.after.as_ref().map(view));
        let (kind, object) = match (matches(&before), matches(&after)) {
            (false, true) => ("ADDED", after),
            (true, true) => ("MODIFIED", after),
            // As it was when it was still seen, with the revision of what took it away.
            (true, false) => {
                if let Some(before) = &mut before {
                    before["metadata"]["resourceVersion"] = json!(change.revision.to_string());
                }
                ("DELETED", before)
            }
            (false, false) => return None,
        };
        Some(json!({"type": kind, "object": formed(self.resource, object?, self.form)}))
    }
}
