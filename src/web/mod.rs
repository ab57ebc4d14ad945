//! The HTTP face: health and metrics.
//!
//! In: the state of the engine. Out: answers. Invariant: reads only; it holds no client. Why: a face that cannot write cannot
//! do harm when it is reached by the wrong person.

use crate::engine::controller::State;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Every route.
pub fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { (StatusCode::OK, "ok") }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/", get(|| async { Json(serde_json::json!({"name": "stackgres", "paths": ["/healthz", "/readyz", "/metrics"]})) }))
        .with_state(state)
}

async fn ready(Shared(state): Shared<Arc<State>>) -> (StatusCode, &'static str) {
    if state.ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the API server has not been read yet")
    }
}

/// Text exposition format of Prometheus.
async fn metrics(Shared(state): Shared<Arc<State>>) -> String {
    let lines = [
        ("stackgres_leader", "gauge", "Whether this replica leads.", u64::from(state.leads.load(Ordering::Relaxed))),
        ("stackgres_passes_total", "counter", "Passes over all fleets and clusters.", state.passes.load(Ordering::Relaxed)),
        ("stackgres_pass_failures_total", "counter", "Passes that failed as a whole.", state.failures.load(Ordering::Relaxed)),
        ("stackgres_clusters", "gauge", "Clusters seen in the last pass.", state.clusters.load(Ordering::Relaxed)),
    ];
    lines
        .iter()
        .map(|(name, kind, help, value)| format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"))
        .collect::<Vec<_>>()
        .concat()
}
