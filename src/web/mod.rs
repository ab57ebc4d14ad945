//! The HTTP face: health, metrics and, where it is wanted, a read-only page.
//!
//! In: the state of the engine, and for the page a reader of single clusters. Out: answers. Invariant: reads only; what it holds
//! cannot write. Why: a face that cannot write cannot do harm when it is reached by the wrong person.

mod metrics;
mod page;

use crate::engine::controller::State;
use crate::engine::view::{Reader, View};
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
    /// Reads what the page shows of one cluster alone.
    reader: Option<Reader>,
}

impl Faces {
    fn view(&self) -> Arc<View> {
        self.state.view.borrow().clone()
    }
}

/// Every route of the controller: health and metrics, which name no cluster.
pub fn router(state: Arc<State>) -> Router {
    let index = || async { Json(serde_json::json!({"name": "stackgres", "paths": ["/healthz", "/readyz", "/metrics"]})) };
    with_health(Router::new().route("/", get(index))).with_state(Arc::new(Faces { state, reader: None }))
}

/// The same with the page in place of the index. It shows everything to everybody who reaches it, so it is for loopback addresses
/// only, and answers only to their names.
pub fn router_with_page(state: Arc<State>, reader: Reader) -> Router {
    with_health(page::router()).layer(from_fn(page::guard)).with_state(Arc::new(Faces { state, reader: Some(reader) }))
}

fn with_health(routes: Router<Arc<Faces>>) -> Router<Arc<Faces>> {
    routes.route("/healthz", get(alive)).route("/readyz", get(ready)).route("/metrics", get(self::metrics))
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
