//! The HTTP face: health, metrics and, where it is wanted, a read-only page.
//!
//! In: the state of the engine. Out: answers. Invariant: reads only; it holds no client. Why: a face that cannot write cannot
//! do harm when it is reached by the wrong person.

mod guard;
mod metrics;
mod page;

use crate::engine::controller::State;
use crate::engine::view::View;
use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
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
    let all = pages
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(self::metrics))
        .with_state(Arc::new(Faces { state }));
    // Layers after the routes, so that they hold for paths that lead nowhere as well.
    let all = if with_page { all.layer(from_fn(guard::this_machine_only)) } else { all };
    all.layer(from_fn(guard::harden))
}

async fn ready(Shared(faces): Shared<Arc<Faces>>) -> (StatusCode, &'static str) {
    if faces.state.ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the API server has not been read yet")
    }
}

async fn alive(Shared(faces): Shared<Arc<Faces>>) -> (StatusCode, &'static str) {
    if faces.state.hangs() { (StatusCode::SERVICE_UNAVAILABLE, "a pass hangs") } else { (StatusCode::OK, "ok") }
}

async fn metrics(Shared(faces): Shared<Arc<Faces>>) -> ([(header::HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::text(&faces.state))
}
