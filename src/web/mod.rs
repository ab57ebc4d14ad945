//! The HTTP face: health, metrics and, where it is wanted, a read-only page.
//!
//! In: the state of the engine. Out: answers. Invariant: reads only; it holds no client. Why: a face that cannot write cannot
//! do harm when it is reached by the wrong person.

mod page;

use crate::engine::controller::State;
use crate::engine::view::View;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What the handlers share.
#[derive(Debug)]
struct Faces {
    state: Arc<State>,
}

impl Faces {
    fn view(&self) -> Arc<View> {
        self.state.view.borrow().clone()
    }
}

/// Every route. The page shows the fleets to everybody who reaches it, so it is for loopback addresses only.
pub fn router(state: Arc<State>, with_page: bool) -> Router {
    let index = || async { Json(serde_json::json!({"name": "stackgres", "paths": ["/healthz", "/readyz", "/metrics"]})) };
    let pages = if with_page { page::router() } else { Router::new().route("/", get(index)) };
    pages
        .route("/healthz", get(|| async { (StatusCode::OK, "ok") }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Arc::new(Faces { state }))
}

async fn ready(Shared(faces): Shared<Arc<Faces>>) -> (StatusCode, &'static str) {
    if faces.state.ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the API server has not been read yet")
    }
}

/// Text exposition format of Prometheus.
async fn metrics(Shared(faces): Shared<Arc<Faces>>) -> String {
    let state = &faces.state;
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
