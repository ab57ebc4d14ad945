//! Why webhooks cannot be taken.

use std::path::PathBuf;

/// Why there is no secret to check deliveries with.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The file cannot be read.
    #[error("the webhook secret {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no secret in it.
    #[error("the webhook secret {} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A secret can be guessed.
    #[error("line {line} of the webhook secret {} has {length} characters, and {at_least} are the least", path.display())]
    Short {
        /// The file.
        path: PathBuf,
        /// Which line.
        line: usize,
        /// Its length in bytes.
        length: usize,
        /// The least there may be.
        at_least: usize,
    },
}

impl HookError {
    /// What to do.
    pub const fn hint(&self) -> &'static str {
        "write a secret of 32 random bytes into the file, for example with `openssl rand -hex 32`, and the same into the forge"
    }
}
