//! `stackgres demo`: everything in one process, without a cluster, without root, without a network.

mod display;
mod example;
mod repository;
mod script;

pub use example::EXAMPLE;

use super::stop_on_signal;
use crate::cli::terminal::Output;
use crate::cli::{CommandError, DemoArguments};
use crate::engine::controller::{RunOptions, SourceOptions, State, run};
use crate::engine::view::Reader;
use crate::kubernetes::{Apply, Cluster};
use crate::model::Object;
use crate::resolve::Settings;
use crate::sandbox::{Sandbox, SandboxOptions};
use display::Display;
use repository::DemoRepository;
pub(super) use script::say;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Runs the demo until its script ends (`--once`) or somebody stops it.
pub fn demo(arguments: &DemoArguments) -> Result<(), CommandError> {
    crate::telemetry::install(&arguments.log, false);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| CommandError::failure(format!("cannot start: {error}")))?;
    let folder = Folder::make()?;
    runtime.block_on(serve(arguments, &folder.0))
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, CommandError> {
        let path = std::env::temp_dir().join(format!("stackgres-demo-{}", std::process::id()));
        let failed = |error: std::io::Error| CommandError::failure(format!("cannot make {}: {error}", path.display()));
        std::fs::create_dir(&path).map_err(failed)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "the demo's folder is left behind");
        }
    }
}

async fn serve(arguments: &DemoArguments, folder: &Path) -> Result<(), CommandError> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let failed = |what: &str, error: &dyn std::fmt::Display| CommandError::failure(format!("{what}: {error}"));
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone());

    let sandbox = Sandbox::start(SandboxOptions::default()).await.map_err(|error| failed("the in-memory API", &error))?;
    let kubeconfig = folder.join("kubeconfig");
    #[expect(clippy::disallowed_methods, reason = "the demo writes a kubeconfig into the folder it made")]
    std::fs::write(&kubeconfig, sandbox.kubeconfig()).map_err(|error| failed(&kubeconfig.display().to_string(), &error))?;
    let repository = DemoRepository::make(&folder.join("fleet")).map_err(|error| failed("the repository", &error))?;

    let state = Arc::new(State::default());
    let api = Cluster::connect(Some(&kubeconfig), Duration::from_secs(10)).await.map_err(|error| failed("the in-memory API", &error))?;
    let (listener, page) = super::page::listen(&arguments.listen).await?;
    let (stopping, router) = (stop.clone(), crate::web::router_with_page(state.clone(), Reader::new(api.clone())));
    let server = tokio::spawn(async move {
        // Streams of open pages never end by themselves.
        tokio::select! {
            () = stopping.cancelled() => {}
            result = axum::serve(listener, router) => drop(result),
        }
    });

    for object in fleet(repository.folder()) {
        let how = Apply { manager: "demo".to_owned(), force: true, ..Apply::default() };
        api.apply(&object, &how).await.map_err(|error| failed("the fleet", &error))?;
    }
    let options = RunOptions {
        settings: Settings::default(),
        namespace: "stackgres".to_owned(),
        lease: None,
        identity: "demo".to_owned(),
        interval: Duration::from_secs(5),
        sources: SourceOptions {
            cache: folder.join("cache"),
            directories: vec![folder.to_owned()],
            local_repositories: true,
            plain_http: false,
        },
        simulated: true,
        view: true,
    };
    let controller = tokio::spawn(run(api, options, state.clone(), stop.clone()));

    let intro = script::Intro { page: &page, api: &sandbox.url(), kubeconfig: &kubeconfig, repository: repository.folder() };
    let mut display = Display::new(Output::of_stdout());
    let played = tokio::select! {
        () = stop.cancelled() => Ok(()),
        played = script::play(&intro, &repository, state.view.subscribe(), &mut display) => played,
    };
    if played.is_ok() && !arguments.once && !stop.is_cancelled() {
        display.say("\nThe demo goes on until Ctrl-C: commit something of your own, and watch the page.");
        tokio::select! {
            () = stop.cancelled() => {}
            () = script::watch_on(state.view.subscribe(), &mut display) => {}
        }
    }
    // The cursor comes back before anything else is said.
    drop(display);
    stop.cancel();
    drop(controller.await);
    drop(server.await);
    sandbox.stop();
    played.map_err(CommandError::failure)
}

/// The fleet and the account its content is applied as.
fn fleet(repository: &Path) -> Vec<Object> {
    vec![
        Object::new(
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "stackgres-fleet", "namespace": "stackgres"}}),
        ),
        Object::new(json!({
            "apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "example", "namespace": "stackgres"},
            "spec": {
                "source": {"git": {"url": format!("file://{}", repository.display()), "ref": {"branch": "main"}, "interval": "1s"}},
                "namespaces": ["billing", "platform", "shop"],
            },
        })),
    ]
}
