//! The scale subresource.

use super::answer::{Failure, respond};
use super::server::Server;
use super::store::Key;
use super::write::{PatchKind, Write};
use axum::body::Body;
use axum::http::{Method, Response};
use serde_json::{Value, json};

/// Reads or writes the number of replicas of an object.
pub(super) fn answer(
    server: &Server,
    write: &Write<'_>,
    method: &Method,
    parse: impl Fn() -> Result<Value, Failure>,
) -> Result<Response<Body>, Failure> {
    let own = write.resource.own.and_then(|kind| kind.scale);
    let pointer = |path: &str| path.replace('.', "/");
    let spec = own.map_or_else(|| "/spec/replicas".to_owned(), |scale| pointer(scale.spec));
    let status = own.map_or_else(|| "/status/replicas".to_owned(), |scale| pointer(scale.status));
    let view = |object: &Value| {
        let selector = match own {
            Some(scale) => scale.selector.and_then(|path| object.pointer(&pointer(path))?.as_str().map(str::to_owned)),
            None => labels_of(object),
        };
        let mut view = json!({
            "apiVersion": "autoscaling/v1", "kind": "Scale",
            "metadata": {"name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"], "uid": object["metadata"]["uid"],
                "resourceVersion": object["metadata"]["resourceVersion"], "creationTimestamp": object["metadata"]["creationTimestamp"]},
            "spec": {}, "status": {"replicas": object.pointer(&status).cloned().unwrap_or_else(|| json!(0))},
        });
        // Zero is what is left out.
        if let Some(replicas) = object.pointer(&spec).filter(|replicas| **replicas != 0) {
            view["spec"]["replicas"] = replicas.clone();
        }
        if let Some(selector) = selector {
            view["status"]["selector"] = json!(selector);
        }
        view
    };
    let key = Key::new(write.resource, write.namespace, write.name);
    let live = server.store.read().get(&key).ok_or_else(|| Failure::not_found(write.resource, write.name))?;
    if *method == Method::GET {
        return Ok(respond(200, &view(&live)));
    }
    let body = parse()?;
    let mut patch = body.pointer("/spec/replicas").cloned().unwrap_or_else(|| json!(0));
    for name in spec.trim_start_matches('/').split('/').rev() {
        patch = json!({ name: patch });
    }
    if let Some(revision) = body.pointer("/metadata/resourceVersion") {
        patch["metadata"]["resourceVersion"] = revision.clone();
    }
    let plain = Write { subresource: "", ..write.clone() };
    let made = server.store.write(|state| plain.patch(state, PatchKind::Merge, patch))?;
    Ok(respond(200, &view(&made)))
}

/// The selector of a built-in kind as text.
fn labels_of(object: &Value) -> Option<String> {
    let labels = object.pointer("/spec/selector/matchLabels")?.as_object()?;
    let all: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    Some(all.join(","))
}
