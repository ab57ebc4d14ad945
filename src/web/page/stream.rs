//! Server-sent events: the content of a page, whenever it changes.

use super::{Faces, cluster, fleet};
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream};
use std::convert::Infallible;
use std::sync::Arc;

type Updates = Sse<axum::response::sse::KeepAliveStream<std::pin::Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>>>>;

pub(super) async fn overview(State(faces): State<Arc<Faces>>) -> Updates {
    updates(faces, |view| fleet::content(view).into_string())
}

pub(super) async fn one_cluster(State(faces): State<Arc<Faces>>, Path((namespace, name)): Path<(String, String)>) -> Updates {
    updates(faces, move |view| match cluster::content(view, &namespace, &name) {
        Some(content) => content.into_string(),
        None => "<p>The cluster is gone.</p>".to_owned(),
    })
}

/// The first content at once, then each that differs from the one before.
fn updates(faces: Arc<Faces>, show: impl Fn(&crate::engine::view::View) -> String + Send + 'static) -> Updates {
    let changes = faces.state.view.subscribe();
    let begin = (changes, String::new(), true, show);
    let events = stream::unfold(begin, |(mut changes, mut last, mut first, show)| async move {
        loop {
            if !first {
                changes.changed().await.ok()?;
            }
            first = false;
            let view = changes.borrow_and_update().clone();
            let content = show(&view);
            if content != last {
                last.clone_from(&content);
                return Some((Ok(Event::default().data(content)), (changes, last, first, show)));
            }
        }
    });
    let boxed: std::pin::Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>> = Box::pin(events);
    Sse::new(boxed).keep_alive(KeepAlive::default())
}
