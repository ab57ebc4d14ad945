//! Server-sent events: a word whenever there is something new. What is new a page reads at its own address.

use super::Faces;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, KeepAliveStream, Sse};
use futures::stream::{self, Stream};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

type Words = Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>>;

/// Shortest time between two words: a page that is read by a person needs no more.
const CALM: Duration = Duration::from_millis(500);

pub(super) async fn changes(State(faces): State<Arc<Faces>>) -> Sse<KeepAliveStream<Words>> {
    let mut view = faces.state.view.subscribe();
    view.mark_unchanged();
    let words = stream::unfold((view, true), |(mut view, first)| async move {
        if !first {
            view.changed().await.ok()?;
            tokio::time::sleep(CALM).await;
            view.mark_unchanged();
        }
        Some((Ok(Event::default().data(if first { "connected" } else { "changed" })), (view, false)))
    });
    let words: Words = Box::pin(words);
    Sse::new(words).keep_alive(KeepAlive::default())
}
