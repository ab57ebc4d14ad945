//! Where manifests come from: a commit of a Git repository, or a directory.
//!
//! In: settings of a source and the key of what was seen last. Out: [`Polled`]: nothing new, or a [`Snapshot`] of files with
//! the [`Revision`] they belong to, and [`Event`]s worth telling.
//! Invariant: what cannot be read is an error or a [`Refused`] entry, never a missing file: a failure never yields an empty
//! snapshot. Nothing of a repository is executed, checked out or followed out of its root; every reading has caps, a deadline
//! and a way to stop.
//! Why: keys, because equal tree ids mean equal files, so a push elsewhere in a large repository costs no reading and no work.

mod credentials_directory;
mod describe;
mod directory;
mod error;
mod git;
mod patience;
mod snapshot;
mod watch;

pub use credentials_directory::CredentialsDirectory;
pub use directory::{DirectorySettings, DirectorySource};
pub use error::{Class, SourceError};
pub use git::{
    ChildProcess, Credentials, GitSettings, GitSource, LocalRepository, Proxy, Reference, Signature, SignaturePolicy, install,
    remove_unused, serve_child,
};
pub use snapshot::{File, Limits, Refusal, Refused, Revision, RevisionKey, Snapshot, may_hold_manifests};
pub use watch::Changes;

use serde::{Deserialize, Serialize};
use std::fmt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A configured source.
pub enum Source {
    /// A Git repository.
    Git(GitSource),
    /// A directory of this machine.
    Directory(DirectorySource),
}

impl Source {
    /// Looks whether there is anything new since `known`. Dropping the future cancels it.
    pub async fn latest(&self, known: Option<&RevisionKey>, deadline: Instant, cancel: &CancellationToken) -> Result<Polled, SourceError> {
        match self {
            Self::Git(git) => git.latest(known, deadline, cancel).await,
            Self::Directory(directory) => directory.latest(known, deadline, cancel).await,
        }
    }

    /// A signal that something may have changed; only directories have one. It is a hint: look from time to time all the same.
    pub fn changes(&self) -> Option<Result<Changes, SourceError>> {
        match self {
            Self::Git(_) => None,
            Self::Directory(directory) => Some(directory.changes()),
        }
    }
}

/// The result of one look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polled {
    /// What is new.
    pub poll: Poll,
    /// What is worth telling.
    pub events: Vec<Event>,
    /// Bytes that came over the network.
    pub received: u64,
}

impl Polled {
    pub(crate) fn unchanged(received: u64) -> Self {
        Self { poll: Poll::Unchanged, events: Vec::new(), received }
    }
}

/// What is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Poll {
    /// Nothing: the same revision.
    Unchanged,
    /// Another revision, in which the configured folder is the same, file for file.
    SameContent(Revision),
    /// Another content of the folder.
    Changed(Snapshot),
}

/// Something worth telling that is not an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The branch was set back to an earlier commit.
    Rewound {
        /// Reference name.
        reference: String,
        /// Commit seen before.
        from: String,
        /// Commit seen now.
        to: String,
    },
    /// The branch no longer contains what was seen before.
    HistoryRewritten {
        /// Reference name.
        reference: String,
        /// Commit seen before.
        from: String,
        /// Commit seen now.
        to: String,
    },
    /// The branch moved so far that the shallow copy cannot tell whether it contains what was seen before.
    HistoryUnknown {
        /// Reference name.
        reference: String,
        /// Commit seen before.
        from: String,
        /// Commit seen now.
        to: String,
    },
    /// A tag names another commit than before.
    TagMoved {
        /// Reference name.
        reference: String,
        /// Commit seen before.
        from: String,
        /// Commit seen now.
        to: String,
    },
    /// A commit is taken although no trusted key signed it, because the policy only asks to be told.
    NotTrusted {
        /// Commit id.
        revision: String,
        /// Who wrote it, by its own account.
        author: String,
        /// What is known of its signature.
        signature: Signature,
    },
    /// The cached copy was damaged and has been fetched anew.
    CacheRebuilt {
        /// What was wrong.
        reason: String,
    },
}

impl Event {
    /// A name for reasons of Kubernetes events and for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Rewound { .. } => "BranchRewound",
            Self::HistoryRewritten { .. } => "HistoryRewritten",
            Self::HistoryUnknown { .. } => "HistoryUnknown",
            Self::TagMoved { .. } => "TagMoved",
            Self::NotTrusted { .. } => "CommitNotTrusted",
            Self::CacheRebuilt { .. } => "CacheRebuilt",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rewound { reference, from, to } => write!(f, "{reference} was set back from {from} to the earlier commit {to}"),
            Self::HistoryRewritten { reference, from, to } => write!(f, "{reference} was rewritten: {to} does not contain {from}"),
            Self::HistoryUnknown { reference, from, to } => {
                write!(f, "{reference} moved from {from} to {to}, too far to tell whether it was rewritten")
            }
            Self::TagMoved { reference, from, to } => write!(f, "{reference} was moved from {from} to {to}"),
            Self::NotTrusted { revision, author, signature } => {
                write!(f, "commit {revision} by {author} is taken although no trusted key signed it: {signature}")
            }
            Self::CacheRebuilt { reason } => write!(f, "the cached copy was damaged ({reason}) and has been fetched anew"),
        }
    }
}
