//! `stackgres page`, and where a page listens.

use super::stop_on_signal;
use crate::cli::{CommandError, PageArguments};
use crate::engine::controller::{State, observe};
use crate::engine::view::Reader;
use crate::kubernetes::Cluster;
use crate::telemetry;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Shows the page until it is told to stop.
pub fn page(arguments: &PageArguments) -> Result<(), CommandError> {
    telemetry::install(&arguments.log, false);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| CommandError::failure(format!("cannot start: {error}")))?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: &PageArguments) -> Result<(), CommandError> {
    let api = Cluster::connect(arguments.kubeconfig.as_deref(), Duration::from_secs(10))
        .await
        .map_err(|error| CommandError::failure(error.to_string()).hint("give --kubeconfig"))?;
    let api = api.within(arguments.namespaces.iter().filter(|name| !name.is_empty()).cloned().collect());
    let (state, stop) = (Arc::new(State::default()), CancellationToken::new());
    let (listener, address) = listen(&arguments.listen).await?;
    let router = crate::web::router_with_page(state.clone(), Reader::new(api.clone()));
    stop_on_signal(stop.clone());
    super::demo::say(&format!("the page: {address}\nEnd it with Ctrl-C."));
    let interval = Duration::from_secs(arguments.interval_seconds);
    let looked = tokio::select! {
        looked = observe(&api, &state, interval, &stop) => looked,
        // It ends with the looking.
        _ = async { axum::serve(listener, router).await } => Ok(()),
    };
    looked.map_err(|error| {
        CommandError::failure(error.to_string()).hint("the page needs the right to list sgfleets and sgclusters; see --namespaces")
    })
}

/// The address that was asked for, or any free one if it is taken.
pub(super) async fn listen(wanted: &str) -> Result<(TcpListener, String), CommandError> {
    let failed = |error: std::io::Error| {
        CommandError::failure(format!("cannot listen on {wanted}: {error}"))
            .hint("choose another address with --listen, such as 127.0.0.1:0")
    };
    let listener = match TcpListener::bind(wanted).await {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => TcpListener::bind("127.0.0.1:0").await.map_err(failed)?,
        other => other.map_err(failed)?,
    };
    let address = listener.local_addr().map_err(failed)?;
    if !address.ip().is_loopback() {
        return Err(CommandError::refused(format!("the page stays on this machine; {address} is not a loopback address")));
    }
    Ok((listener, format!("http://localhost:{}", address.port())))
}
