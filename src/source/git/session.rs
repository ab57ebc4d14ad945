//! One conversation with a remote repository.

use super::child::no_memory;
use super::http_wire::HttpWire;
use super::ssh::SshWire;
use super::transport::{self, lock};
use crate::model::{Digest, SecretText};
use crate::source::SourceError;
use crate::source::describe::{bytes, tame};
use crate::source::patience::Patience;
use crate::source::snapshot::Limits;
use git2::{AutotagOption, Direction, ErrorClass, FetchOptions, Oid, RemoteCallbacks, RemoteConnection, Repository};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// How a source proves who it is.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Not at all.
    #[default]
    None,
    /// User and password; most forges take a token as the password.
    Basic {
        /// User name; forges that look at the token only take any.
        username: String,
        /// Password or token.
        password: SecretText,
    },
    /// A token in an `Authorization: Bearer` header.
    Bearer(SecretText),
    /// A key, for SSH.
    Ssh {
        /// Private key as `ssh-keygen` writes it, without a passphrase.
        identity: SecretText,
        /// Lines of a `known_hosts` file: the keys by which the server is known. Another one is refused.
        known_hosts: String,
    },
}

impl Credentials {
    /// From the keys of a Secret or the files of a folder. Without a kind it is what there is. Says what is missing.
    pub fn of_keys(kind: Option<&str>, mut key: impl FnMut(&str) -> Option<String>) -> Result<Self, String> {
        let mut need = |name: &str| key(name).filter(|text| !text.is_empty()).ok_or_else(|| format!("has no key {name}"));
        let kind = match kind {
            Some(kind) => kind,
            None if need("token").is_ok() => "bearer",
            None if need("known_hosts").is_ok() => "ssh",
            None => "basic",
        };
        Ok(match kind {
            "bearer" => Self::Bearer(SecretText::new(need("token")?)),
            "ssh" => {
                // Kubernetes' own type of Secret for a key has another name for it.
                let identity = need("identity").or_else(|missing| need("ssh-privatekey").map_err(|_| missing))?;
                Self::Ssh { identity: SecretText::new(identity), known_hosts: need("known_hosts")? }
            }
            _ => Self::Basic { username: need("username")?, password: SecretText::new(need("password")?) },
        })
    }

    /// Changes when the credentials do; tells nothing of them.
    pub fn digest(&self) -> String {
        let parts = match self {
            Self::None => Vec::new(),
            Self::Basic { username, password } => vec![username.as_str(), password.expose()],
            Self::Bearer(token) => vec![token.expose()],
            Self::Ssh { identity, known_hosts } => vec![identity.expose(), known_hosts.as_str()],
        };
        Digest::of_bytes(parts.join("\0").as_bytes()).short().to_owned()
    }

    pub(super) fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }
}

/// How bytes travel.
pub(super) enum Wire {
    /// A request and its answer, twice.
    Http(HttpWire),
    /// One connection for the whole conversation.
    Ssh(SshWire),
}

/// What carrier and conversation share. It belongs to one thread; the table of sessions is why it must be `Sync`.
pub(super) struct Exchange {
    pub(super) address: String,
    pub(super) wire: Wire,
    pub(super) runtime: Arc<Runtime>,
    pub(super) patience: Patience,
    pub(super) limits: Limits,
    received: AtomicU64,
    failure: Mutex<Option<SourceError>>,
}

impl Exchange {
    pub(super) fn new(address: String, wire: Wire, runtime: Arc<Runtime>, patience: Patience, limits: Limits) -> Self {
        let (received, failure) = Default::default();
        Self { address, wire, runtime, patience, limits, received, failure }
    }

    fn what(&self) -> String {
        format!("the exchange with {}", self.address)
    }

    /// Waits for a step no longer than there is patience.
    pub(super) fn wait<T>(&self, step: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
        self.runtime.block_on(self.patience.wait(&self.what(), step))
    }

    /// Remembers the first cause. What passes through libgit2 is its text, in a form that escapes NUL, on which `git2` would
    /// end the process.
    pub(super) fn note<T>(&self, result: Result<T, SourceError>) -> Result<T, String> {
        result.map_err(|cause| {
            let text = format!("{cause:?}");
            lock(&self.failure).get_or_insert(cause);
            text
        })
    }

    /// Counts what arrived.
    pub(super) fn count(&self, length: usize, advertisement: bool) -> Result<(), SourceError> {
        let total = self.received.fetch_add(length as u64, Relaxed) + length as u64;
        let (what, limit) = if advertisement {
            ("the list of references", self.limits.advertisement_bytes)
        } else {
            ("what the server sends", self.limits.fetch_bytes)
        };
        if total > limit { Err(SourceError::TooLarge { what: what.to_owned(), limit: bytes(limit) }) } else { Ok(()) }
    }

    /// Whether something failed already.
    pub(super) fn has_failed(&self) -> bool {
        lock(&self.failure).is_some()
    }

    pub(super) fn protocol(&self, reason: &str) -> SourceError {
        SourceError::Protocol { address: self.address.clone(), reason: tame(reason) }
    }

    /// The cause of a failure that libgit2 reports.
    fn cause(&self, error: &git2::Error) -> SourceError {
        if let Some(known) = lock(&self.failure).take() {
            return known;
        }
        match error.class() {
            ErrorClass::NoMemory => no_memory(),
            // Said when the fetched reference is written.
            ErrorClass::Reference if error.message().contains("target OID") => self.protocol("it does not send the commit it offers"),
            ErrorClass::Net | ErrorClass::Http | ErrorClass::Ssl | ErrorClass::Callback | ErrorClass::Invalid | ErrorClass::Indexer => {
                self.protocol(error.message())
            }
            _ => SourceError::Corrupt { place: "the cache".to_owned(), reason: tame(error.message()) },
        }
    }
}

/// One name that the remote repository offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Advertised {
    pub(super) name: String,
    pub(super) id: Oid,
    pub(super) symbolic: Option<String>,
}

/// A registered exchange; forgotten when dropped.
pub(super) struct Session {
    number: u64,
    exchange: Arc<Exchange>,
}

impl Session {
    pub(super) fn new(exchange: Exchange) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (number, exchange) = (NEXT.fetch_add(1, Relaxed), Arc::new(exchange));
        transport::register(number, exchange.clone());
        Self { number, exchange }
    }

    /// Bytes that arrived so far.
    pub(super) fn received(&self) -> u64 {
        self.exchange.received.load(Relaxed)
    }

    /// Connects, hands the references to `step`, and lets it fetch over the same connection.
    pub(super) fn converse<T>(
        &self,
        repository: &Repository,
        step: impl FnOnce(&mut Conversation<'_, '_, '_>) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        let remote = repository.remote_anonymous(&format!("git-session://{}", self.number));
        let mut remote = remote.map_err(|error| self.exchange.cause(&error))?;
        let connected = remote.connect_auth(Direction::Fetch, None, None);
        let connection = connected.map_err(|error| self.exchange.cause(&error))?;
        let listed = connection.list().map_err(|error| self.exchange.cause(&error))?;
        let advertised = listed
            .iter()
            .map(|head| Advertised { name: head.name().to_owned(), id: head.oid(), symbolic: head.symref_target().map(str::to_owned) })
            .collect();
        step(&mut Conversation { exchange: &self.exchange, connection, advertised })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        transport::forget(self.number);
    }
}

/// A connected remote repository.
pub(super) struct Conversation<'a, 'repository, 'connection> {
    exchange: &'a Exchange,
    connection: RemoteConnection<'repository, 'connection, 'connection>,
    pub(super) advertised: Vec<Advertised>,
}

impl Conversation<'_, '_, '_> {
    /// Address of the repository, for messages.
    pub(super) fn address(&self) -> String {
        self.exchange.address.clone()
    }

    /// Fetches into the repository; ends the connection. Depth 0 asks for everything new.
    pub(super) fn fetch(&mut self, refspecs: &[String], depth: i32) -> Result<(), SourceError> {
        let exchange = self.exchange;
        let mut callbacks = RemoteCallbacks::new();
        callbacks.transfer_progress(|progress| {
            // Also called while deltas are resolved, when no step of input would notice the deadline.
            let limit = exchange.limits.fetch_objects;
            let state = if progress.total_objects() > limit {
                Err(SourceError::TooLarge { what: "the number of objects in a fetch".to_owned(), limit: limit.to_string() })
            } else {
                exchange.patience.check(&exchange.what())
            };
            exchange.note(state).is_ok()
        });
        let mut options = FetchOptions::new();
        options.remote_callbacks(callbacks).depth(depth).update_fetchhead(false).download_tags(AutotagOption::None);
        self.connection.remote().fetch(refspecs, Some(&mut options), None).map_err(|error| exchange.cause(&error))
    }
}
