//! What controllers, nodes and Patroni do in a real cluster, simulated.
//!
//! In: the stored objects. Out: pods that become ready, bound volumes, a leader. Invariant: only what the real components write
//! is written, under their own manager names. Why: the program under test must find the same facts it would find there.

mod collect;
mod patroni;
mod pods;
mod stateful_set;
mod volumes;

pub(super) use collect::{delete, end, remove};

use super::own::Validation;
use super::resources::Resource;
use super::server::Server;
use super::store::State;
use super::write::{PatchKind, Write};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Runs until the server stops: at every change, and from time to time because pods get ready by waiting.
pub(super) async fn run(server: Arc<Server>, pace: Duration) {
    let mut changes = server.store.changes();
    loop {
        changes.borrow_and_update();
        server.store.write(|state| {
            collect::step(state);
            stateful_set::step(state);
            volumes::step(state);
            pods::step(state, pace);
            patroni::step(state);
        });
        tokio::select! {
            () = server.stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                // Several writes in a row are one step.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// A write of a simulated component. What it cannot write it tries again at the next step.
fn write(state: &mut State, resource: &'static Resource, namespace: &str, name: &str, manager: &str, subresource: &str, patch: Value) {
    let write = Write { resource, namespace, name, subresource, manager, force: true, dry_run: false, validation: Validation::Lenient };
    if let Err(failure) = write.patch(state, PatchKind::Merge, patch) {
        tracing::debug!(name, message = failure.message(), "a simulated component could not write");
    }
}

/// Makes an object unless it is there.
fn make(state: &mut State, resource: &'static Resource, namespace: &str, manager: &str, object: Value) {
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let write =
        Write { resource, namespace, name: &name, subresource: "", manager, force: true, dry_run: false, validation: Validation::Lenient };
    if let Err(failure) = write.create(state, object) {
        tracing::debug!(name, message = failure.message(), "a simulated component could not create");
    }
}

/// Everything of a kind, as it is now.
fn all(state: &State, resource: &Resource) -> Vec<Arc<Value>> {
    state.list(resource, None).map(|(_, object)| object.clone()).collect()
}

/// A text of an object.
fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a pod is ready.
fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
