//! Why a source could not be read.

use super::describe::join_some;
use super::git::Signature;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The kinds of failure a caller treats differently; also the closed set of metric labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The other side did not answer, or not as a Git server does. Trying again may help.
    Unreachable,
    /// The other side wants other credentials.
    Unauthorized,
    /// Repository, reference, revision or folder does not exist.
    NotFound,
    /// This program refuses to do it; only another setting or another repository helps.
    Refused,
    /// A cap was met.
    TooLarge,
    /// The deadline passed.
    Timeout,
    /// Somebody asked to stop.
    Cancelled,
    /// Stored objects cannot be read.
    Corrupt,
    /// A commit that no trusted key signed.
    Untrusted,
}

impl Class {
    /// The word for metrics, logs and conditions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not-found",
            Self::Refused => "refused",
            Self::TooLarge => "too-large",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Corrupt => "corrupt",
            Self::Untrusted => "untrusted",
        }
    }
}

/// A source could not be read. What it holds is then *unknown*: nothing may be concluded from it.
///
/// No message holds a credential: addresses with user information are refused before anything else, and text of the
/// other side is escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum SourceError {
    /// No answer, or the connection broke.
    #[error("cannot reach {address}: {reason}")]
    Unreachable {
        /// Repository address.
        address: String,
        /// What the network said.
        reason: String,
    },
    /// The certificate of the server is not accepted.
    #[error("the certificate of {address} is not accepted: {reason}")]
    Certificate {
        /// Repository address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server cannot be told apart from somebody who poses as it.
    #[error("the host key of {address} is not accepted: {reason}")]
    HostKey {
        /// Repository address.
        address: String,
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
    /// The server answered with a status that is not about this request.
    #[error("{address} answered with HTTP status {status}")]
    Status {
        /// Repository address.
        address: String,
        /// HTTP status.
        status: u16,
    },
    /// Something answered that is not a Git server, or breaks its protocol.
    #[error("{address} does not answer as a Git server: {reason}")]
    Protocol {
        /// Repository address.
        address: String,
        /// What was wrong.
        reason: String,
    },
    /// Credentials are missing or wrong.
    #[error("{address} refuses access ({})", if *.sent { "the credentials were not accepted" } else { "it wants credentials" })]
    Unauthorized {
        /// Repository address.
        address: String,
        /// Whether credentials were sent.
        sent: bool,
    },
    /// No repository at this address or path.
    #[error("no repository at {address}")]
    RepositoryNotFound {
        /// Address or path.
        address: String,
    },
    /// A repository without a single commit.
    #[error("the repository at {address} is empty")]
    EmptyRepository {
        /// Address or path.
        address: String,
    },
    /// The configured branch, tag or reference does not exist.
    #[error("{reference} does not exist in {address}{}", join_some(" any more; last seen at ", .last.as_ref()))]
    ReferenceNotFound {
        /// What was looked for.
        reference: String,
        /// Address or path.
        address: String,
        /// The commit it named before it vanished.
        last: Option<String>,
        /// Some names that do exist.
        available: Vec<String>,
    },
    /// A revision named on the command line or in a setting does not exist.
    #[error("revision {revision} not found in {address}")]
    RevisionNotFound {
        /// What was asked for.
        revision: String,
        /// Address or path.
        address: String,
        /// Whether the repository is a shallow clone, the usual reason in CI.
        shallow: bool,
    },
    /// The configured folder does not exist.
    #[error("folder {path} does not exist in {place}")]
    FolderNotFound {
        /// Folder, relative to the root of the source.
        path: String,
        /// Commit or directory.
        place: String,
    },
    /// Refused by this program.
    #[error("{reason}")]
    Refused {
        /// What is refused.
        reason: String,
        /// What to do instead.
        hint: String,
    },
    /// A cap was met.
    #[error("{what} exceeds the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The cap, with its unit.
        limit: String,
    },
    /// The deadline passed.
    #[error("{what} did not end before the deadline")]
    Timeout {
        /// What was waited for.
        what: String,
    },
    /// Cancelled from outside.
    #[error("{what} was cancelled")]
    Cancelled {
        /// What was going on.
        what: String,
    },
    /// Stored objects are missing or damaged.
    #[error("{place} is damaged: {reason}")]
    Corrupt {
        /// Repository or cache folder.
        place: String,
        /// What could not be read.
        reason: String,
    },
    /// A commit that no trusted key signed, where a signature is required.
    #[error("commit {revision} by {author} is not trusted: {signature}")]
    Untrusted {
        /// Commit id.
        revision: String,
        /// Who wrote it, by its own account.
        author: String,
        /// What is known of its signature.
        signature: Signature,
    },
    /// The process that reads a repository ended without an answer.
    #[error("the process that reads {address} ended unexpectedly: {reason}")]
    Crashed {
        /// Repository address.
        address: String,
        /// How it ended.
        reason: String,
    },
    /// The operating system refused a file operation.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// Path on this machine.
        path: String,
        /// What the system said.
        reason: String,
    },
}

impl SourceError {
    /// How a caller should treat the failure.
    pub fn class(&self) -> Class {
        match self {
            Self::Unreachable { .. }
            | Self::Certificate { .. }
            | Self::HostKey { .. }
            | Self::Status { .. }
            | Self::Protocol { .. }
            | Self::Unreadable { .. } => Class::Unreachable,
            Self::Unauthorized { .. } => Class::Unauthorized,
            Self::RepositoryNotFound { .. }
            | Self::EmptyRepository { .. }
            | Self::ReferenceNotFound { .. }
            | Self::RevisionNotFound { .. }
            | Self::FolderNotFound { .. } => Class::NotFound,
            Self::Refused { .. } => Class::Refused,
            Self::TooLarge { .. } => Class::TooLarge,
            Self::Timeout { .. } => Class::Timeout,
            Self::Cancelled { .. } => Class::Cancelled,
            Self::Corrupt { .. } | Self::Crashed { .. } => Class::Corrupt,
            Self::Untrusted { .. } => Class::Untrusted,
        }
    }

    /// What would make it work, kept apart from the message.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreachable { .. } => "check address, DNS, network policy and proxy; it is tried again".to_owned(),
            Self::Certificate { .. } => {
                "if the server uses a private certificate authority, give its certificate as the source's CA bundle".to_owned()
            }
            Self::HostKey { .. } => {
                "compare the server's key with the one its owner publishes, then write it into known_hosts of the Secret (`ssh-keyscan HOST`)"
                    .to_owned()
            }
            Self::Status { status: 407, .. } => "the proxy wants credentials: set them beside the proxy address".to_owned(),
            Self::Status { .. } => "the server or a proxy before it is in trouble; it is tried again".to_owned(),
            Self::Protocol { .. } => "the address must be the one that `git clone` takes, not that of a web page".to_owned(),
            Self::Unauthorized { sent: true, .. } => "renew the token or password; it needs the right to read the repository".to_owned(),
            Self::Unauthorized { sent: false, .. } => "set credentials for this source".to_owned(),
            Self::RepositoryNotFound { .. } => {
                "check the address; a private repository also looks like this to whoever lacks the right to read it".to_owned()
            }
            Self::EmptyRepository { .. } => "push a first commit".to_owned(),
            Self::ReferenceNotFound { available, .. } if available.is_empty() => {
                "push the branch or tag, or change the source's reference".to_owned()
            }
            Self::ReferenceNotFound { available, .. } => {
                format!("push the branch or tag, or change the source's reference; there are {}", available.join(", "))
            }
            Self::RevisionNotFound { shallow: true, .. } => {
                "this is a shallow clone: `git fetch --unshallow`, or let the CI check out the whole history".to_owned()
            }
            Self::RevisionNotFound { shallow: false, .. } => {
                "check the name; a branch of the remote is written origin/NAME and needs a `git fetch` before".to_owned()
            }
            Self::FolderNotFound { .. } => "the path is relative to the root of the repository or directory".to_owned(),
            Self::Refused { hint, .. } => hint.clone(),
            Self::TooLarge { .. } => "point the source's path at the folder of the manifests, or move what is large elsewhere".to_owned(),
            Self::Timeout { .. } => "the last good revision stays in force; it is tried again".to_owned(),
            Self::Cancelled { .. } => return None,
            Self::Corrupt { .. } => "`git fsck` tells what is missing; a partial clone needs a full one".to_owned(),
            Self::Untrusted { signature: Signature::Unknown { .. }, .. } => {
                "if the signer is to be trusted, put the public key into a Secret of signaturePolicy".to_owned()
            }
            Self::Untrusted { .. } => {
                "sign it with a key of signaturePolicy (`git commit --amend -S`) and push".to_owned()
            }
            Self::Crashed { .. } => "it is tried again, from an empty copy; the last good revision stays in force".to_owned(),
            Self::Unreadable { .. } => "check that the path exists and that this process may read it".to_owned(),
        })
    }

    pub(super) fn refused(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into(), hint: hint.into() }
    }

    pub(super) fn unreadable(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Unreadable { path: path.display().to_string(), reason: error.to_string() }
    }
}
