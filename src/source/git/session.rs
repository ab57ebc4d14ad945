//! One conversation with a remote repository.

use super::http;
use super::transport::{self, lock};
use crate::model::SecretText;
use crate::source::SourceError;
use crate::source::describe::{bytes, tame};
use crate::source::patience::Patience;
use crate::source::snapshot::Limits;
use git2::{AutotagOption, Direction, ErrorClass, FetchOptions, Oid, RemoteCallbacks, RemoteConnection, Repository};
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;
use url::Url;

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
}

impl Credentials {
    pub(super) fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }
}

/// What carrier and conversation share. It belongs to one thread; the table of sessions is why it must be `Sync`.
pub(super) struct Exchange {
    pub(super) address: Url,
    pub(super) credentials: Credentials,
    pub(super) client: reqwest::Client,
    pub(super) runtime: Arc<Runtime>,
    pub(super) patience: Patience,
    pub(super) limits: Limits,
    received: AtomicU64,
    base: Mutex<Option<Url>>, // the repository's address after a redirect
    failure: Mutex<Option<SourceError>>,
}

impl Exchange {
    pub(super) fn new(
        address: Url,
        credentials: Credentials,
        client: reqwest::Client,
        runtime: Arc<Runtime>,
        patience: Patience,
        limits: Limits,
    ) -> Self {
        let (received, base, failure) = Default::default();
        Self { address, credentials, client, runtime, patience, limits, received, base, failure }
    }

    fn what(&self) -> String {
        format!("the exchange with {}", self.address)
    }

    fn wait<T>(&self, step: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
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

    pub(super) fn advertisement(&self) -> Result<reqwest::Response, SourceError> {
        let response = self.request("info/refs", None)?;
        let mut base = response.url().clone();
        let Some(path) = base.path().strip_suffix("/info/refs").map(str::to_owned) else {
            return Err(self.protocol("it redirects to something that is not a repository"));
        };
        base.set_path(&path);
        base.set_query(None);
        *lock(&self.base) = Some(base);
        Ok(response)
    }

    pub(super) fn upload_pack(&self, body: Vec<u8>) -> Result<reqwest::Response, SourceError> {
        self.request("git-upload-pack", Some(body))
    }

    pub(super) fn chunk(&self, response: &mut reqwest::Response) -> Result<Option<bytes::Bytes>, SourceError> {
        self.wait(async { response.chunk().await.map_err(|error| http::failure(self.address.as_str(), error)) })
    }

    /// Reads and drops the rest of a good answer.
    pub(super) fn drain(&self, mut response: reqwest::Response, at_most: Duration) {
        if lock(&self.failure).is_none() {
            let rest = async { while let Ok(Some(_)) = response.chunk().await {} };
            let _late = self.runtime.block_on(async { tokio::time::timeout(at_most, rest).await });
        }
    }

    fn request(&self, suffix: &str, body: Option<Vec<u8>>) -> Result<reqwest::Response, SourceError> {
        let mut url = lock(&self.base).as_ref().unwrap_or(&self.address).clone();
        url.set_path(&format!("{}/{suffix}", url.path().trim_end_matches('/')));
        let kind = if body.is_some() { "application/x-git-upload-pack-result" } else { "application/x-git-upload-pack-advertisement" };
        let mut request = if let Some(body) = body {
            self.client.post(url.clone()).header(CONTENT_TYPE, "application/x-git-upload-pack-request").body(body)
        } else {
            url.set_query(Some("service=git-upload-pack"));
            self.client.get(url.clone())
        };
        if url.origin() == self.address.origin() {
            request = match &self.credentials {
                Credentials::None => request,
                Credentials::Basic { username, password } => request.basic_auth(username, Some(password.expose())),
                Credentials::Bearer(token) => request.bearer_auth(token.expose()),
            };
        }
        let sending = request.header(ACCEPT, kind).send();
        let response = self.wait(async { sending.await.map_err(|error| http::failure(self.address.as_str(), error)) })?;
        let headers = response.headers();
        let expected = headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes() == kind.as_bytes());
        let address = self.address.to_string();
        match response.status().as_u16() {
            200 if expected && !headers.contains_key(CONTENT_ENCODING) => Ok(response),
            200 => Err(self.protocol("the answer has another content type")),
            401 | 403 => Err(SourceError::Unauthorized { address, sent: self.credentials.is_some() }),
            404 | 410 => Err(SourceError::RepositoryNotFound { address }),
            status => Err(SourceError::Status { address, status }),
        }
    }

    fn protocol(&self, reason: &str) -> SourceError {
        SourceError::Protocol { address: self.address.to_string(), reason: tame(reason) }
    }

    /// The cause of a failure that libgit2 reports.
    fn cause(&self, error: &git2::Error) -> SourceError {
        if let Some(known) = lock(&self.failure).take() {
            return known;
        }
        match error.class() {
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
        self.exchange.address.to_string()
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
