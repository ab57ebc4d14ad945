//! The listener: what is on the internet has bounds for everything.

use super::{Hooks, router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections at once; more wait unaccepted.
const CONNECTIONS: usize = 64;

/// Longest time the head of a request may take.
const HEAD: Duration = Duration::from_secs(5);

/// Largest head of a request, in bytes; hyper's smallest bound.
const LARGEST_HEAD: usize = 8 << 10;

/// Longest life of a connection. Forges open one for each delivery.
const LIFE: Duration = Duration::from_mins(1);

/// Takes deliveries until told to stop. What is under way then is finished.
pub async fn serve(listener: TcpListener, hooks: Arc<Hooks>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let service = TowerToHyperService::new(router(hooks));
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, stream) = tokio::select! {
            (place, stream) = accepted => (place, stream),
            () = stop.cancelled() => break,
        };
        let (Ok(place), Ok((stream, _))) = (place, stream) else {
            // No more files for this process, for example: those of others are closed meanwhile.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let service = service.clone();
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .max_buf_size(LARGEST_HEAD)
                .serve_connection(TokioIo::new(stream), service);
            match tokio::time::timeout(LIFE, connection).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a connection of a webhook broke off"),
                Err(_) => tracing::debug!("a connection of a webhook was closed after its longest life"),
            }
            drop(place);
        });
    }
    // Whoever still works holds a place.
    let everybody = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
    drop(tokio::time::timeout(HEAD, places.acquire_many(everybody)).await);
}
