//! How long a caller is willing to wait.

use super::SourceError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A deadline and a way to stop earlier.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    pub(super) deadline: Option<Instant>,
    pub(super) cancel: CancellationToken,
}

impl Patience {
    pub(super) fn until(deadline: Instant, cancel: CancellationToken) -> Self {
        Self { deadline: Some(deadline), cancel }
    }

    /// For work on this machine that a person waits for.
    pub(super) fn endless() -> Self {
        Self { deadline: None, cancel: CancellationToken::new() }
    }

    /// Fails when there is none left.
    pub(super) fn check(&self, what: &str) -> Result<(), SourceError> {
        if self.cancel.is_cancelled() {
            return Err(SourceError::Cancelled { what: what.to_owned() });
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(SourceError::Timeout { what: what.to_owned() });
        }
        Ok(())
    }

    /// Waits for a future as long as there is some left.
    pub(super) async fn wait<T>(&self, what: &str, step: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
        let too_late = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { biased;
            () = self.cancel.cancelled() => Err(SourceError::Cancelled { what: what.to_owned() }),
            () = too_late => Err(SourceError::Timeout { what: what.to_owned() }),
            result = step => result,
        }
    }
}
