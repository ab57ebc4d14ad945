//! `stackgres run`.

use super::stop_on_signal;
use crate::cli::{CommandError, RunArguments};
use crate::engine::controller::{LookAgain, RunError, RunOptions, SourceOptions, State, now, run};
use crate::hooks::{Hooks, SecretsFile};
use crate::kubernetes::Cluster;
use crate::postgres::Catalogue;
use crate::resolve::Settings;
use crate::source::{ChildProcess, CredentialsDirectory};
use crate::telemetry;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Runs the controller until it is told to stop.
pub fn controller(arguments: &RunArguments) -> Result<(), CommandError> {
    // A plan is millions of small values, and what is kept of it lies scattered: in pages of 2 MiB all of it would stay. Where a kernel
    // cannot do so, more memory is used.
    #[cfg(target_os = "linux")]
    let _as_before = rustix::thread::disable_transparent_huge_pages(true);
    telemetry::install(&arguments.log, !arguments.log_text);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| CommandError::failure(format!("cannot start: {error}")))?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: &RunArguments) -> Result<(), CommandError> {
    let api = Cluster::connect(arguments.kubeconfig.as_deref(), Duration::from_secs(30))
        .await
        .map_err(|error| CommandError::failure(error.to_string()).hint("give --kubeconfig, or run inside a Kubernetes cluster"))?;
    let api = api.within(arguments.namespaces.iter().filter(|name| !name.is_empty()).cloned().collect());
    let state = Arc::new(State::default());
    let stop = CancellationToken::new();
    let listener = tokio::net::TcpListener::bind(&arguments.listen).await.map_err(|error| {
        CommandError::failure(format!("cannot listen on {}: {error}", arguments.listen)).hint("choose another address with --listen")
    })?;
    let address = listener.local_addr().map_or_else(|_| arguments.listen.clone(), |address| address.to_string());
    tracing::info!(address, "tells health and metrics");
    let stopping = stop.clone();
    let server = axum::serve(listener, crate::web::router(state.clone())).with_graceful_shutdown(async move { stopping.cancelled().await });
    let server = tokio::spawn(async move { server.await });
    let webhook = webhook(arguments, &api, &stop).await?;
    stop_on_signal(stop.clone());
    let options = RunOptions {
        settings: settings(arguments)?,
        namespace: arguments.namespace.clone(),
        lease: (!arguments.no_lease).then(|| arguments.lease_name.clone()),
        identity: arguments.identity.clone(),
        interval: Duration::from_secs(arguments.interval_seconds),
        sources: SourceOptions {
            cache: arguments.cache_directory.clone(),
            directories: arguments.directories.clone(),
            local_repositories: !arguments.directories.is_empty(),
            plain_http: arguments.plain_http,
            credentials: arguments.git_credentials_directory.clone().map(CredentialsDirectory::new),
            child: Some(child(arguments)?),
        },
        simulated: false,
        view: false,
    };
    let result = run(api, options, state, stop.clone()).await;
    stop.cancel();
    drop(server.await);
    if let Some(webhook) = webhook {
        drop(webhook.await);
    }
    result.map_err(|error| match error {
        RunError::AnotherOperator(_) => CommandError::refused(error.to_string())
            .hint("two operators of one API group undo each other's work: remove the other one first"),
        other => CommandError::failure(other.to_string()),
    })
}

/// Remote repositories are read by this same program in processes of their own.
fn child(arguments: &RunArguments) -> Result<ChildProcess, CommandError> {
    let program = std::env::current_exe().map_err(|error| CommandError::failure(format!("cannot find this program: {error}")))?;
    let places = Arc::new(Semaphore::new(usize::from(arguments.git_processes)));
    Ok(ChildProcess { program, memory_bytes: u64::from(arguments.git_memory_mebibytes) << 20, places })
}

/// Takes webhooks, where that is wanted. Without a secret that holds nothing starts.
async fn webhook(arguments: &RunArguments, api: &Cluster, stop: &CancellationToken) -> Result<Option<JoinHandle<()>>, CommandError> {
    let (Some(address), Some(file)) = (&arguments.webhook_listen, &arguments.webhook_secret_file) else { return Ok(None) };
    let secrets = SecretsFile::new(file.clone());
    secrets.read().await.map_err(|error| CommandError::failure(error.to_string()).hint(error.hint()))?;
    let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| {
        CommandError::failure(format!("cannot listen on {address}: {error}")).hint("choose another address with --webhook-listen")
    })?;
    let address = listener.local_addr().map_or_else(|_| address.clone(), |address| address.to_string());
    let hooks = Hooks::new(secrets, LookAgain::new(api.clone()), now);
    tracing::info!(address, "takes webhooks at /webhook");
    Ok(Some(tokio::spawn(crate::hooks::serve(listener, Arc::new(hooks), stop.clone()))))
}

fn settings(arguments: &RunArguments) -> Result<Settings, CommandError> {
    let pull_secrets = arguments.image_pull_secrets.iter().filter(|name| !name.is_empty()).cloned().collect();
    let mut catalogue = Catalogue { prefix: arguments.image_prefix.clone(), pull_secrets, ..Catalogue::default() };
    if let Some(path) = &arguments.catalogue {
        catalogue = crate::cli::with_images(catalogue, path)?;
    }
    Ok(Settings { catalogue: Arc::new(catalogue), cluster_domain: arguments.cluster_domain.clone(), ..Settings::default() })
}
