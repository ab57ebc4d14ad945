//! A signal that a directory may have changed.

use super::SourceError;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::path::Path;
use tokio::sync::mpsc;

/// Says that something may have changed; several changes in a row are one. A hint only: events may be lost, so look from
/// time to time all the same.
pub struct Changes {
    _watcher: RecommendedWatcher,
    changed: mpsc::Receiver<()>,
}

impl Changes {
    pub(super) fn of(root: &Path) -> Result<Self, SourceError> {
        let (sender, changed) = mpsc::channel(1);
        let fail = |error: notify::Error| SourceError::Unreadable { path: root.display().to_string(), reason: error.to_string() };
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading a file is an event too, and the reader is this program.
            if event.is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            let _already_told = sender.try_send(());
        })
        .map_err(fail)?;
        watcher.watch(root, RecursiveMode::Recursive).map_err(fail)?;
        Ok(Self { _watcher: watcher, changed })
    }

    /// Waits for the next change. `false` when there will be none any more.
    pub async fn next(&mut self) -> bool {
        self.changed.recv().await.is_some()
    }
}
