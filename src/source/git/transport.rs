//! The byte carrier below libgit2.
//!
//! libgit2 keeps the Git protocol, negotiation and pack indexing; only bytes travel through here, over `reqwest` or through `ssh`.
//! A transport factory is global to the process and is given only the remote, so what belongs to one conversation
//! (address, deadline, credentials) stands in a table under a number, and libgit2 is shown `git-session://NUMBER`.
//! Neither an address nor a secret enters libgit2, and its own transports are replaced by refusals.

use super::http_wire::HttpWire;
use super::session::{Exchange, Wire};
use super::ssh::SshProcess;
use crate::source::SourceError;
use bytes::{Buf, Bytes};
use git2::ConfigLevel;
use git2::transport::{self, Service, SmartSubtransport, SmartSubtransportStream, Transport};
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// The largest object that deltas may build, in bytes. Bytes on the wire do not bound memory: a few kilobytes of nested
/// deltas can ask for gigabytes.
const LARGEST_OBJECT: usize = 64 << 20;

/// How long the rest of a good answer is read, so that the connection can serve the next request.
const DRAIN: Duration = Duration::from_millis(500);

static SESSIONS: LazyLock<Mutex<HashMap<u64, Arc<Exchange>>>> = LazyLock::new(Mutex::default);

/// A lock whose holder panicked is still good: what it protects is replaced whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn register(number: u64, exchange: Arc<Exchange>) {
    lock(&SESSIONS).insert(number, exchange);
}

pub(super) fn forget(number: u64) {
    lock(&SESSIONS).remove(&number);
}

/// Prepares libgit2 for the whole process: our carrier, refusals for every other scheme, a cap on objects, and no
/// configuration from the machine. Everything of this module calls it; a program that also uses `git2` directly calls it first.
pub fn install() -> Result<(), SourceError> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    DONE.get_or_init(|| install_once().map_err(|error| error.message().to_owned())).clone().map_err(|reason| {
        SourceError::refused(format!("libgit2 cannot be prepared: {reason}"), "another part of the process has registered Git transports")
    })
}

fn install_once() -> Result<(), git2::Error> {
    #[expect(
        unsafe_code,
        reason = "process-wide settings of libgit2 are not synchronised; this runs once, before this program makes any other use of it"
    )]
    unsafe {
        transport::register("git-session", |remote| {
            let number = remote.url().ok().and_then(|url| url.split_once("://")?.1.parse::<u64>().ok());
            let exchange = number.and_then(|number| lock(&SESSIONS).get(&number).cloned());
            let stateless = !exchange.as_ref().is_some_and(|exchange| matches!(exchange.wire, Wire::Ssh(_)));
            Transport::smart(remote, stateless, Carrier(exchange)) // an error here would lose its text
        })?;
        for scheme in ["http", "https", "git", "file", "ssh"] {
            transport::register(scheme, |remote| Transport::smart(remote, true, Carrier(None)))?;
        }
        let option = libgit2_sys::GIT_OPT_SET_PACK_MAX_OBJECT_SIZE.cast_signed();
        libgit2_sys::git_libgit2_opts(option, LARGEST_OBJECT);
        for level in [ConfigLevel::ProgramData, ConfigLevel::System, ConfigLevel::Global, ConfigLevel::XDG] {
            git2::opts::set_search_path(level, "")?;
        }
        // The owner check keeps programs named in a foreign configuration from running. libgit2 runs none, and containers
        // often read a checkout of another user.
        git2::opts::set_verify_owner_validation(false)?;
    }
    Ok(())
}

type Opened = Result<Box<dyn SmartSubtransportStream>, git2::Error>;

/// `None` stands before a scheme that stays closed.
struct Carrier(Option<Arc<Exchange>>);

impl SmartSubtransport for Carrier {
    fn action(&self, _url: &str, service: Service) -> Opened {
        let Some(exchange) = &self.0 else {
            return Err(git2::Error::from_str("this scheme is closed"));
        };
        let flow = match (&exchange.wire, service) {
            (_, Service::ReceivePackLs | Service::ReceivePack) => Err("nothing is ever pushed from here".to_owned()),
            (Wire::Http(http), Service::UploadPackLs) => {
                exchange.note(http.advertisement(exchange)).map(|response| Flow::http(Some(response), true))
            }
            (Wire::Http(_), Service::UploadPack) => Ok(Flow::http(None, false)),
            (Wire::Ssh(ssh), _) => exchange.note(ssh.start(exchange)).map(Flow::Ssh),
        };
        let flow = flow.map_err(|text| git2::Error::from_str(&text))?;
        Ok(Box::new(Stream { exchange: exchange.clone(), flow }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(()) // may come more than once; streams clean up when dropped
    }
}

/// What libgit2 reads from and writes to.
struct Stream {
    exchange: Arc<Exchange>,
    flow: Flow,
}

enum Flow {
    /// One exchange of smart HTTP: the answer to `info/refs`, or a POST that is sent when first read from.
    Http {
        request: Vec<u8>, // what is wanted and what is there: a few kilobytes
        response: Option<reqwest::Response>,
        chunk: Bytes,
        advertisement: bool,
    },
    /// The whole conversation.
    Ssh(SshProcess),
}

impl Flow {
    const fn http(response: Option<reqwest::Response>, advertisement: bool) -> Self {
        Self::Http { request: Vec::new(), response, chunk: Bytes::new(), advertisement }
    }
}

impl Stream {
    fn pull(&mut self, buffer: &mut [u8]) -> Result<usize, SourceError> {
        let Self { exchange, flow } = self;
        match (flow, &exchange.wire) {
            (Flow::Http { request, response, chunk, advertisement }, Wire::Http(http)) => {
                let response = match response {
                    Some(response) => response,
                    empty => empty.insert(http.upload_pack(exchange, std::mem::take(request))?),
                };
                if chunk.is_empty() {
                    *chunk = HttpWire::chunk(exchange, response)?.unwrap_or_default(); // empty: the end of the body
                    exchange.count(chunk.len(), *advertisement)?;
                }
                let length = chunk.len().min(buffer.len());
                chunk.copy_to_slice(&mut buffer[..length]);
                Ok(length)
            }
            (Flow::Ssh(process), _) => process.read(exchange, buffer),
            (Flow::Http { .. }, Wire::Ssh(_)) => Err(exchange.protocol("an answer over HTTP to a question over SSH")),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let pulled = self.pull(buffer);
        self.exchange.note(pulled).map_err(io::Error::other)
    }
}

impl Write for Stream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match &mut self.flow {
            Flow::Http { request, .. } => request.extend_from_slice(data),
            Flow::Ssh(process) => process.write(&self.exchange, data),
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        match &mut self.flow {
            // libgit2 stops at the last packet; only a body read to its end leaves the connection to the next request.
            Flow::Http { response, .. } => {
                if let Some(response) = response.take() {
                    HttpWire::drain(&self.exchange, response, DRAIN);
                }
            }
            Flow::Ssh(process) => process.end(&self.exchange, DRAIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// libgit2 opens these by itself, with no deadline, no cap and no check of the address.
    #[test]
    fn every_other_scheme_is_closed() {
        install().unwrap();
        for url in ["http://127.0.0.1:9/r", "https://127.0.0.1:9/r", "git://127.0.0.1:9/r", "file:///nowhere", "ssh://127.0.0.1/r", "a@b:c"]
        {
            let mut remote = git2::Remote::create_detached(url).unwrap();
            let error = remote.connect(git2::Direction::Fetch).unwrap_err();
            assert!(error.message().contains("closed"), "{url}: {error}");
        }
    }
}
