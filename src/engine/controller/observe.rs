//! Looks without touching: what the page shows of a cluster that another process controls.

use super::run::{State, now};
use crate::engine::view::{self, View};
use crate::kubernetes::{Cluster, KubernetesError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Reads fleets, clusters and events again and again, with the rights of whoever asks, until it is told to stop. The first look must
/// succeed; later a failure leaves the last one in place.
pub async fn observe(api: &Cluster, state: &Arc<State>, interval: Duration, stop: &CancellationToken) -> Result<(), KubernetesError> {
    show(api, state).await?;
    state.ready.store(true, Ordering::Relaxed);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(interval) => {}
        }
        if let Err(error) = show(api, state).await {
            tracing::warn!(%error, "the page shows what was seen before");
        }
    }
}

async fn show(api: &Cluster, state: &State) -> Result<(), KubernetesError> {
    let (fleets, clusters) = (api.list("SGFleet", None, "").await?, api.list("SGCluster", None, "").await?);
    // Events are a help, and not everybody may read them.
    let events = api.list("Event", None, "").await.unwrap_or_default();
    // A plan is the controller's, which keeps it to itself.
    let fresh = View {
        fleets: fleets.iter().map(|fleet| view::fleet(fleet, None)).collect(),
        clusters: clusters.iter().map(view::cluster).collect(),
        events: view::events(&events),
    };
    state.keep_view(fresh);
    state.ended.store(now().as_second(), Ordering::Relaxed);
    Ok(())
}
