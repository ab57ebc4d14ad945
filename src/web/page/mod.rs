//! The read-only page: fleets, clusters, plans, differences, events, history. Complete without scripts; with them it stays up to date.

mod cluster;
mod clusters;
mod diff;
mod document;
mod events;
mod fleet;
mod history;
mod overview;
mod parts;
mod plan;
mod settings;
mod stream;
mod visible;

use super::Faces;
use crate::engine::controller::now;
use crate::engine::live::History;
use crate::engine::view::{ClusterView, FleetView, View};
use crate::model::NamespacedName;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use document::{Document, Section};
use maud::Markup;
use std::sync::Arc;

/// Every route of the page.
pub(super) fn router() -> Router<Arc<Faces>> {
    Router::new()
        .route("/", get(overview_page))
        .route("/clusters", get(clusters_page))
        .route("/events", get(events_page))
        .route("/fleets/{namespace}/{name}", get(fleet_page))
        .route("/fleets/{namespace}/{name}/plan", get(fleet_plan))
        .route("/fleets/{namespace}/{name}/events", get(events_of_fleet))
        .route("/clusters/{namespace}/{name}", get(cluster_page))
        .route("/clusters/{namespace}/{name}/plan", get(cluster_plan))
        .route("/clusters/{namespace}/{name}/diff", get(cluster_diff))
        .route("/clusters/{namespace}/{name}/events", get(events_of_cluster))
        .route("/clusters/{namespace}/{name}/history", get(history_page))
        .route("/clusters/{namespace}/{name}/history/{revision}", get(revision_page))
        .route("/stream", get(stream::changes))
        .route("/api/view", get(json))
        .route("/style.css", get(|| async { asset("text/css; charset=utf-8", include_str!("style.css")) }))
        .route("/page.js", get(|| async { asset("text/javascript; charset=utf-8", include_str!("page.js")) }))
        .route("/icon.svg", get(|| async { asset("image/svg+xml", document::ICON) }))
        .fallback(|| async { missing("There is no such page", "The address is not one of this page's.") })
        .method_not_allowed_fallback(|| async {
            Document::error(StatusCode::METHOD_NOT_ALLOWED, "The page only reads", "Nothing can be changed here.").answer(now())
        })
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    (headers, text).into_response()
}

fn missing(title: &str, help: &str) -> Response {
    Document::error(StatusCode::NOT_FOUND, title, help).answer(now())
}

type Place = Path<(String, String)>;
type Shared = State<Arc<Faces>>;

async fn json(State(faces): Shared) -> Json<View> {
    Json(faces.view().as_ref().clone())
}

async fn overview_page(State(faces): Shared) -> Response {
    let now = now();
    Document::new("Overview", Section::Overview, overview::content(&faces.view(), now)).answer(now)
}

async fn clusters_page(State(faces): Shared, Query(filter): Query<clusters::Filter>) -> Response {
    Document::new("Clusters", Section::Clusters, clusters::content(&faces.view(), &filter)).answer(now())
}

async fn events_page(State(faces): Shared, Query(filter): Query<events::EventFilter>) -> Response {
    let now = now();
    Document::new("Events", Section::Events, events::content(&faces.view(), &filter, now)).answer(now)
}

/// A page about a fleet.
fn about_fleet((namespace, name): (String, String), view: &View, what: &str, show: impl FnOnce(&FleetView) -> Markup) -> Response {
    match fleet::find(view, &namespace, &name) {
        Some(found) => Document::new(format!("{what} {namespace}/{name}"), Section::Overview, show(found)).answer(now()),
        None => missing(&format!("There is no fleet {namespace}/{name}"), "It may have been deleted, or you have no right to see it."),
    }
}

/// A page about a cluster.
fn about_cluster((namespace, name): (String, String), view: &View, what: &str, show: impl FnOnce(&ClusterView) -> Markup) -> Response {
    match cluster::find(view, &namespace, &name) {
        Some(found) => Document::new(format!("{what} {namespace}/{name}"), Section::Clusters, show(found)).answer(now()),
        None => missing(&format!("There is no cluster {namespace}/{name}"), "It may have been deleted, or you have no right to see it."),
    }
}

async fn fleet_page(State(faces): Shared, Path(place): Place, Query(filter): Query<clusters::Filter>) -> Response {
    let view = faces.view();
    about_fleet(place, &view, "Fleet", |fleet| fleet::content(&view, fleet, &filter, now()))
}

async fn fleet_plan(State(faces): Shared, Path(place): Place) -> Response {
    let view = faces.view();
    about_fleet(place, &view, "Plan of fleet", |one| plan::of_fleet(&view, one))
}

async fn events_of_fleet(State(faces): Shared, Path(place): Place) -> Response {
    let view = faces.view();
    about_fleet(place, &view, "Events of fleet", |one| {
        events::of("SGFleet", &one.namespace, &one.name, &view, fleet::head(one, "/events"), now())
    })
}

async fn events_of_cluster(State(faces): Shared, Path(place): Place) -> Response {
    let view = faces.view();
    about_cluster(place, &view, "Events of", |one| {
        events::of("SGCluster", &one.namespace, &one.name, &view, cluster::head(one, "/events"), now())
    })
}

async fn cluster_page(State(faces): Shared, Path(place): Place) -> Response {
    let view = faces.view();
    let details = match (&faces.reader, cluster::find(&view, &place.0, &place.1)) {
        (Some(reader), Some(found)) => Some(reader.details(&NamespacedName::new(&found.namespace, &found.name)).await),
        _ => None,
    };
    about_cluster(place, &view, "Cluster", |one| cluster::content(&view, one, details.as_ref(), now()))
}

/// The history of a cluster that is seen; a text says why there is none.
async fn read_history(faces: &Faces, view: &View, place: &(String, String)) -> Result<History, String> {
    let found = cluster::find(view, &place.0, &place.1).ok_or("there is no such cluster")?;
    let reader = faces.reader.as_ref().ok_or("this page has no connection of its own")?;
    reader.history(&NamespacedName::new(&found.namespace, &found.name)).await.map_err(|error| error.to_string())
}

/// Shows the last change of a cluster: of its fleet's plan, or else of the revision that was released last.
async fn last_change(
    faces: &Faces,
    place: (String, String),
    what: &str,
    show: impl FnOnce(&ClusterView, Option<&plan::OneChange<'_>>) -> Markup,
) -> Response {
    let view = faces.view();
    let in_fleet = cluster::find(&view, &place.0, &place.1).and_then(|one| plan::in_fleet(&view, one));
    let history = if in_fleet.is_none() { read_history(faces, &view, &place).await.ok() } else { None };
    let of_revision = history.as_ref().and_then(|history| {
        let entry = history.revisions.iter().find(|entry| entry.released)?;
        let plan = entry.plan.as_ref()?.clusters.first()?;
        Some(plan::OneChange { from: format!("What the released revision {} changed", entry.name), plan })
    });
    about_cluster(place, &view, what, |one| show(one, in_fleet.as_ref().or(of_revision.as_ref())))
}

async fn cluster_plan(State(faces): Shared, Path(place): Place) -> Response {
    last_change(&faces, place, "Plan of", plan::of_cluster).await
}

async fn cluster_diff(State(faces): Shared, Path(place): Place) -> Response {
    last_change(&faces, place, "Diff of", plan::diff_of_cluster).await
}

async fn history_page(State(faces): Shared, Path(place): Place) -> Response {
    let view = faces.view();
    let history = read_history(&faces, &view, &place).await;
    about_cluster(place, &view, "History of", |one| history::content(one, &history, now()))
}

async fn revision_page(State(faces): Shared, Path((namespace, name, revision)): Path<(String, String, String)>) -> Response {
    let (view, place) = (faces.view(), (namespace, name));
    let history = read_history(&faces, &view, &place).await;
    let shown = match (cluster::find(&view, &place.0, &place.1), &history) {
        (Some(one), Ok(history)) => history::revision(one, history, &revision, now()),
        _ => None,
    };
    match shown {
        Some(content) => Document::new(format!("Revision {revision} of {}/{}", place.0, place.1), Section::Clusters, content).answer(now()),
        None => missing(
            &format!("There is no revision {revision}"),
            "Old ones are removed: the history of the cluster has those that are kept.",
        ),
    }
}
