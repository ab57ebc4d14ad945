//! Requests side by side.

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

/// Objects that are looked at or written at once. An API server answers more requests side by side than one after the other, and by
/// default it lets all its clients together have 600 (`--max-requests-inflight`, `--max-mutating-requests-inflight`).
const AT_ONCE: usize = 16;

/// Does the same with each item; the results come in the order of the items. Whoever stops asking for them stops what is under way.
pub(super) fn at_once<'a, T: Send + 'a, R: Send + 'a>(items: Vec<T>, each: impl Fn(T) -> BoxFuture<'a, R> + Send + 'a) -> BoxStream<'a, R> {
    futures::stream::iter(items).map(each).buffered(AT_ONCE).boxed()
}
