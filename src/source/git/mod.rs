//! Git repositories, remote and local.
//!
//! In: settings and the last key. Out: [`Polled`], or why not.
//! Invariant: libgit2 never sees an address, a secret or any other text of a user but a checked reference name; every
//! exchange with the network ends at its deadline; nothing is checked out.
//! Why: remote repositories are read in a process of their own (`child`), local ones, which the operator of this machine named, in a thread
//! of their own: libgit2 blocks and cannot be interrupted while it computes, so it never holds a thread of the runtime.

mod address;
mod blobs;
mod cache;
mod child;
mod history;
mod http;
mod http_wire;
mod local;
mod poll;
mod private_files;
mod session;
mod signature;
mod ssh;
mod transport;
mod tree;

pub use address::Reference;
pub use cache::remove_unused;
pub use child::{ChildProcess, serve_child};
pub use local::LocalRepository;
pub use session::Credentials;
pub use signature::{Signature, SignaturePolicy};
pub use transport::install;

use super::patience::Patience;
use super::snapshot::{Limits, RevisionKey, folder_parts};
use super::{Poll, Polled, SourceError};
use crate::model::{Digest, SecretText};
use address::{Address, Allowed};
use blobs::Blobs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long after deadline or cancellation the thread may take to say so, before the caller gives up on it.
const GRACE: Duration = Duration::from_millis(500);

/// A proxy for HTTP and HTTPS. Proxies named in the environment are ignored.
#[derive(Clone)]
pub struct Proxy {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub address: String,
    /// User and password.
    pub credentials: Option<(String, SecretText)>,
}

/// What to read from where.
#[derive(Clone)]
pub struct GitSettings {
    /// Repository address as `git clone` takes it.
    pub address: String,
    /// Which commit.
    pub reference: Reference,
    /// Folder of the manifests; empty for the whole repository.
    pub path: String,
    /// How to authenticate.
    pub credentials: Credentials,
    /// Certificates in PEM form that are trusted beside those of the system.
    pub certificate_authority: Option<String>,
    /// Proxy to go through.
    pub proxy: Option<Proxy>,
    /// Allows `http://`, without credentials only.
    pub plain_http: bool,
    /// Allows a path or `file://`, which is read in place.
    pub local: bool,
    /// Which commits are trusted; without it all of them.
    pub signatures: Option<SignaturePolicy>,
    /// Caps.
    pub limits: Limits,
    /// Folder for the bare copy of a remote repository, used by this source alone. Losing it costs one fetch.
    pub cache: PathBuf,
    /// How to start the process that reads a remote repository. Without it that is done in a thread of this process, where nothing bounds its
    /// memory: for the child itself, and for repositories that the same person made.
    pub child: Option<ChildProcess>,
}

impl GitSettings {
    /// Default settings for an address and a cache folder.
    pub fn new(address: impl Into<String>, cache: impl Into<PathBuf>) -> Self {
        Self {
            address: address.into(),
            reference: Reference::Default,
            path: String::new(),
            credentials: Credentials::None,
            certificate_authority: None,
            proxy: None,
            plain_http: false,
            local: false,
            signatures: None,
            limits: Limits::default(),
            cache: cache.into(),
            child: None,
        }
    }
}

/// Checked settings.
struct Ready {
    settings: GitSettings,
    address: Address,
    client: Option<reqwest::Client>,
    scope: String,
}

/// One look that was asked for.
struct Job {
    known: Option<RevisionKey>,
    blobs: Arc<Blobs>,
    patience: Patience,
    reply: oneshot::Sender<Result<Polled, SourceError>>,
}

/// A Git repository as a source, with a thread of its own from the first look on.
pub struct GitSource {
    ready: Arc<Ready>,
    worker: Mutex<Option<mpsc::Sender<Job>>>,
    /// What the last snapshot holds.
    blobs: Mutex<Arc<Blobs>>,
    /// Whether the last child ended without an answer.
    accident: AtomicBool,
}

impl GitSource {
    /// Checks the settings; contacts nobody.
    pub fn new(settings: GitSettings) -> Result<Self, SourceError> {
        install()?;
        let address = Address::parse(&settings.address, Allowed { plain_http: settings.plain_http, local: settings.local })?;
        settings.reference.check()?;
        let folder = folder_parts(&settings.path)?.join("/");
        let client = match &address {
            Address::Local(_) => None,
            Address::Http(url) if url.scheme() == "http" && settings.credentials.is_some() => {
                let hint = "use https://, or take the credentials out";
                return Err(SourceError::refused("credentials are not sent over unencrypted HTTP", hint));
            }
            Address::Http(_) if matches!(settings.credentials, Credentials::Ssh { .. }) => {
                let hint = "write the ssh:// address of the same repository, or give user name and password";
                return Err(SourceError::refused("a key is for SSH, and the address is not", hint));
            }
            Address::Http(_) => Some(http::client(&settings)?),
            Address::Ssh(_) => {
                ssh::check(&settings)?;
                None
            }
        };
        // What other keys vouched for says nothing about these.
        let signatures = settings.signatures.as_ref().map(|policy| format!("\n{policy:?}")).unwrap_or_default();
        let identity = format!("git\n{address}\n{:?}\n{folder}{signatures}", settings.reference);
        let scope = Digest::of_bytes(identity.as_bytes()).short().to_owned();
        // The child makes its own.
        let client = client.filter(|_| settings.child.is_none());
        Ok(Self {
            ready: Arc::new(Ready { settings, address, client, scope }),
            worker: Mutex::default(),
            blobs: Mutex::default(),
            accident: AtomicBool::default(),
        })
    }

    /// Repository address; it holds no credentials.
    pub fn address(&self) -> String {
        self.ready.address.to_string()
    }

    /// Looks whether there is anything new. Dropping the future cancels it.
    pub async fn latest(&self, known: Option<&RevisionKey>, deadline: Instant, cancel: &CancellationToken) -> Result<Polled, SourceError> {
        let cancel = cancel.child_token();
        let _cancel_when_dropped = cancel.clone().drop_guard();
        let patience = Patience::until(deadline, cancel);
        let blobs = transport::lock(&self.blobs).clone();
        let polled = self.look(known, blobs, &patience).await?;
        if let Poll::Changed(snapshot) = &polled.poll {
            *transport::lock(&self.blobs) = Arc::new(Blobs::of(&snapshot.files));
        }
        Ok(polled)
    }

    async fn look(&self, known: Option<&RevisionKey>, blobs: Arc<Blobs>, patience: &Patience) -> Result<Polled, SourceError> {
        if let (Some(child), Address::Http(_) | Address::Ssh(_)) = (&self.ready.settings.child, &self.ready.address) {
            return child::look(child, &self.ready, known, &blobs, patience, &self.accident).await;
        }
        let (reply, answer) = oneshot::channel();
        self.send(Job { known: known.cloned(), blobs, patience: patience.clone(), reply })?;
        let what = format!("reading {}", self.ready.address);
        let given_up = async {
            let stopped = patience.wait(&what, std::future::pending::<Result<(), SourceError>>()).await;
            tokio::time::sleep(GRACE).await;
            stopped
        };
        tokio::select! { biased;
            answer = answer => answer.unwrap_or_else(|_| Err(stopped_thread())),
            stopped = given_up => Err(stopped.err().unwrap_or_else(stopped_thread)),
        }
    }

    /// Hands a job to the thread, starting it if there is none or if it has died.
    fn send(&self, job: Job) -> Result<(), SourceError> {
        let mut worker = transport::lock(&self.worker);
        let job = match worker.as_ref() {
            Some(sender) => match sender.send(job) {
                Ok(()) => return Ok(()),
                Err(mpsc::SendError(job)) => job,
            },
            None => job,
        };
        self.start(&mut worker, job)
    }

    fn start(&self, worker: &mut Option<mpsc::Sender<Job>>, job: Job) -> Result<(), SourceError> {
        let (sender, jobs) = mpsc::channel();
        let ready = self.ready.clone();
        let started = std::thread::Builder::new().name("git".to_owned()).spawn(move || work(&ready, &jobs));
        started.map_err(|error| SourceError::Unreadable { path: "a new thread".to_owned(), reason: error.to_string() })?;
        sender.send(job).map_err(|_| stopped_thread())?;
        *worker = Some(sender);
        Ok(())
    }
}

fn stopped_thread() -> SourceError {
    SourceError::Corrupt { place: "the Git thread".to_owned(), reason: "it ended unexpectedly".to_owned() }
}

/// The thread: one look after the other, until the source is dropped. It has a runtime of its own, so that it neither
/// depends on another one nor outlives it.
fn work(ready: &Ready, jobs: &mpsc::Receiver<Job>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => {
            tracing::error!(%error, "no runtime for a Git thread");
            return;
        }
    };
    for Job { known, blobs, patience, reply } in jobs {
        if reply.is_closed() {
            continue; // whoever asked has given up meanwhile
        }
        let result = poll::Look { ready, known: known.as_ref(), blobs: &blobs, patience: &patience, runtime: &runtime }.run();
        let _nobody_waits = reply.send(result);
    }
}
