//! The read-only page: fleets, clusters, the last plan, events. Complete without scripts; with them it stays up to date.

mod cluster;
mod fleet;
mod stream;

use super::Faces;
use crate::engine::view::{EventView, View};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};
use std::sync::Arc;

/// Every route of the page.
pub(super) fn router() -> Router<Arc<Faces>> {
    Router::new()
        .route("/", get(overview))
        .route("/clusters/{namespace}/{name}", get(one_cluster))
        .route("/stream", get(stream::overview))
        .route("/stream/{namespace}/{name}", get(stream::one_cluster))
        .route("/api/view", get(json))
        .route("/style.css", get(|| async { asset("text/css", include_str!("style.css")) }))
        .route("/page.js", get(|| async { asset("text/javascript", include_str!("page.js")) }))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    (headers, text).into_response()
}

async fn json(State(faces): State<Arc<Faces>>) -> Json<View> {
    Json(faces.view().as_ref().clone())
}

async fn overview(State(faces): State<Arc<Faces>>) -> Html<String> {
    document("stackgres", "/stream", &fleet::content(&faces.view()))
}

async fn one_cluster(State(faces): State<Arc<Faces>>, Path((namespace, name)): Path<(String, String)>) -> Response {
    match cluster::content(&faces.view(), &namespace, &name) {
        Some(content) => {
            let stream = format!("/stream/{namespace}/{name}");
            document(&format!("{namespace}/{name} · stackgres"), &stream, &content).into_response()
        }
        None => {
            (StatusCode::NOT_FOUND, document("stackgres", "", &html! { p { "There is no cluster " code { (namespace) "/" (name) } "." } }))
                .into_response()
        }
    }
}

fn document(title: &str, stream: &str, content: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/style.css";
                script src="/page.js" defer {}
            }
            body data-stream=(stream) {
                header { a href="/" { "stackgres" } span.live title="The page is up to date while this is lit" { "live" } }
                main { (content) }
            }
        }
    };
    Html(page.into_string())
}

/// A state as a word; the colour only repeats it.
fn state(ready: &str, reason: &str) -> Markup {
    let class = match (ready, reason) {
        ("True", _) => "good",
        (_, "InstancesNotReady" | "ClustersNotReady" | "ReadingSource" | "ChangeWaits" | "NotReleased") => "busy",
        ("False", _) => "bad",
        _ => "unknown",
    };
    let word = if reason.is_empty() { "not known yet" } else { reason };
    html! { span.state.(class) { (word) } }
}

fn event_list<'a>(events: impl Iterator<Item = &'a EventView>) -> Markup {
    let events: Vec<&EventView> = events.take(20).collect();
    html! {
        section {
            h2 { "Events" }
            @if events.is_empty() { p.quiet { "Nothing happened yet." } }
            ul.events {
                @for event in events {
                    li.warning[event.r#type == "Warning"] {
                        time { (event.at.get(11..19).unwrap_or_default()) }
                        b { (event.reason) }
                        span.about { (event.kind) " " (event.about) }
                        pre { (event.note) }
                    }
                }
            }
        }
    }
}

fn short(revision: &str) -> &str {
    revision.get(..12).unwrap_or(revision)
}
