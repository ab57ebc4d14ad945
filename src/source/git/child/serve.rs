//! The child: one request, one look, one answer.

use super::super::blobs::Blobs;
use super::super::{GRACE, GitSource, cache, poll};
use super::{limits, wire};
use crate::source::patience::Patience;
use crate::source::{Polled, SourceError};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Answers the one request on standard input, and ends when that closes: whoever asked has given up, or is gone.
pub fn serve_child() -> std::io::Result<()> {
    let mut input = std::io::stdin();
    let request = wire::Request::read(&mut input)?;
    let blobs = Blobs::read(&mut input, request.blobs)?;
    limits::take(request.memory_bytes);
    let cancel = CancellationToken::new();
    let given_up = cancel.clone();
    std::thread::spawn(move || {
        let _closed_or_broken = input.read(&mut [0]);
        given_up.cancel();
        // libgit2 may be computing and not listen. The parent has gone on.
        std::thread::sleep(GRACE);
        #[expect(
            clippy::exit,
            clippy::disallowed_methods,
            reason = "nobody waits for an answer, and nothing is half-written but the cache"
        )]
        std::process::exit(1);
    });
    let result = look(request, &blobs, cancel);
    wire::write(result, &blobs, &mut std::io::stdout().lock())
}

fn look(request: wire::Request, blobs: &Blobs, cancel: CancellationToken) -> Result<Polled, SourceError> {
    let (known, afresh) = (request.known.clone(), request.afresh);
    let deadline = request.milliseconds.map(|milliseconds| Instant::now() + Duration::from_millis(milliseconds));
    let patience = Patience { deadline, cancel };
    let source = GitSource::new(request.settings())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = Arc::new(runtime.map_err(|error| SourceError::unreadable(std::path::Path::new("a runtime"), &error))?);
    let ready = &source.ready;
    if afresh {
        cache::Cache::open(&ready.settings.cache, &ready.address, &patience)?.wipe()?;
    }
    poll::Look { ready, known: known.as_ref(), blobs, patience: &patience, runtime: &runtime }.run()
}
