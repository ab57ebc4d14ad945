//! Remote repositories are read in a process of their own.
//!
//! In: checked settings and the last key. Out: what [`super::poll`] finds there. Invariant: whatever a repository or its server sends costs at
//! most the child's memory and the caller's deadline, and the child ends with the look that it was started for, however that ends.
//! Why: libgit2 has no limit on memory that holds and cannot be interrupted while it computes; a few kilobytes of nested deltas would
//! otherwise take the controller down with everything it runs. A process for each look, because none keeps a state then.

mod limits;
mod parent;
mod serve;
mod wire;

pub use serve::serve_child;

pub(super) use limits::no_memory;
pub(super) use parent::look;

use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How the process is started that reads a remote repository.
#[derive(Debug, Clone)]
pub struct ChildProcess {
    /// This program: it is started with the one argument [`ChildProcess::ARGUMENT`].
    pub program: PathBuf,
    /// Most bytes of memory it may hold for data (`RLIMIT_DATA`, getrlimit(2)); files that it maps do not count.
    pub memory_bytes: u64,
    /// How many may run at a time: with `memory_bytes` this bounds what reading takes in all.
    pub places: Arc<Semaphore>,
}

impl ChildProcess {
    /// The hidden verb of the program that calls [`serve_child`].
    pub const ARGUMENT: &'static str = "git-child";
}
