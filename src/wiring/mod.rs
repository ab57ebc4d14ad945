//! The one place where settings, adapters, the engine and the faces meet.
//!
//! In: arguments of the command line. Out: a running program. Invariant: nothing is decided here. Why: everything else can
//! be tested without the rest.

mod controller;
mod demo;
mod page;

pub use controller::controller;
pub use demo::{EXAMPLE, demo};
pub use page::page;

use crate::cli::CommandError;
use tokio_util::sync::CancellationToken;

/// `stackgres git-child`: the process that reads a remote repository for the controller.
pub fn git_child() -> Result<(), CommandError> {
    crate::source::serve_child().map_err(|error| {
        CommandError::failure(format!("no question of a controller: {error}"))
            .hint("`stackgres run` starts this; it is of no use by itself")
    })
}

/// Cancels a token on SIGTERM or SIGINT.
fn stop_on_signal(stop: CancellationToken) {
    tokio::spawn(async move {
        let terminate = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => drop(signal.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = terminate => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("stopping after the object at hand");
        stop.cancel();
    });
}
