//! What parent and child tell each other. Both are the same program, so the form may change with every version.

use crate::model::SecretText;
use crate::source::git::blobs::Blobs;
use crate::source::git::{Credentials, GitSettings, Proxy, Reference, SignaturePolicy};
use crate::source::snapshot::{File, Limits, RevisionKey};
use crate::source::{Poll, Polled, SourceError};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// Longest request in bytes: settings, a certificate bundle and keys.
const LONGEST_REQUEST: u64 = 4 << 20;

/// The question. It holds secrets, so it goes through a pipe and has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) address: String,
    pub(super) reference: Reference,
    pub(super) path: String,
    pub(super) credentials: Login,
    pub(super) certificate_authority: Option<String>,
    pub(super) proxy: Option<String>,
    pub(super) proxy_login: Option<(String, String)>,
    pub(super) plain_http: bool,
    pub(super) signatures: Option<SignaturePolicy>,
    pub(super) limits: Limits,
    pub(super) cache: PathBuf,
    pub(super) known: Option<RevisionKey>,
    pub(super) milliseconds: Option<u64>,
    pub(super) memory_bytes: u64,
    /// How many contents the parent has: their ids and lengths follow.
    pub(super) blobs: usize,
    /// Whether the copy from last time is to be thrown away first: the last child ended by an accident, and its copy may be the cause.
    pub(super) afresh: bool,
}

/// [`Credentials`], which must not be written by accident.
#[derive(Serialize, Deserialize)]
pub(super) enum Login {
    None,
    Basic { username: String, password: String },
    Bearer(String),
    Ssh { identity: String, known_hosts: String },
}

impl Login {
    fn of(credentials: &Credentials) -> Self {
        match credentials {
            Credentials::None => Self::None,
            Credentials::Basic { username, password } => Self::Basic { username: username.clone(), password: password.expose().to_owned() },
            Credentials::Bearer(token) => Self::Bearer(token.expose().to_owned()),
            Credentials::Ssh { identity, known_hosts } => {
                Self::Ssh { identity: identity.expose().to_owned(), known_hosts: known_hosts.clone() }
            }
        }
    }

    fn credentials(self) -> Credentials {
        match self {
            Self::None => Credentials::None,
            Self::Basic { username, password } => Credentials::Basic { username, password: SecretText::new(password) },
            Self::Bearer(token) => Credentials::Bearer(SecretText::new(token)),
            Self::Ssh { identity, known_hosts } => Credentials::Ssh { identity: SecretText::new(identity), known_hosts },
        }
    }
}

impl Request {
    pub(super) fn of(
        settings: &GitSettings,
        known: Option<&RevisionKey>,
        blobs: &Blobs,
        milliseconds: Option<u64>,
        memory_bytes: u64,
        afresh: bool,
    ) -> Self {
        let proxy_login = settings.proxy.as_ref().and_then(|proxy| proxy.credentials.as_ref());
        Self {
            address: settings.address.clone(),
            reference: settings.reference.clone(),
            path: settings.path.clone(),
            credentials: Login::of(&settings.credentials),
            certificate_authority: settings.certificate_authority.clone(),
            proxy: settings.proxy.as_ref().map(|proxy| proxy.address.clone()),
            proxy_login: proxy_login.map(|(user, password)| (user.clone(), password.expose().to_owned())),
            plain_http: settings.plain_http,
            signatures: settings.signatures.clone(),
            limits: settings.limits.clone(),
            cache: settings.cache.clone(),
            known: known.cloned(),
            milliseconds,
            memory_bytes,
            blobs: blobs.len(),
            afresh,
        }
    }

    /// The settings again. A path of this machine is never among them: those are read by the controller itself.
    pub(super) fn settings(self) -> GitSettings {
        let login = self.proxy_login.map(|(user, password)| (user, SecretText::new(password)));
        GitSettings {
            address: self.address,
            reference: self.reference,
            path: self.path,
            credentials: self.credentials.credentials(),
            certificate_authority: self.certificate_authority,
            proxy: self.proxy.map(|address| Proxy { address, credentials: login }),
            plain_http: self.plain_http,
            local: false,
            signatures: self.signatures,
            limits: self.limits,
            cache: self.cache,
            child: None,
        }
    }

    /// Its bytes: a length of eight bytes, little end first, JSON, and the ids that are known.
    pub(super) fn bytes(&self, blobs: &Blobs) -> serde_json::Result<Vec<u8>> {
        let text = serde_json::to_vec(self)?;
        let mut bytes = [&(text.len() as u64).to_le_bytes()[..], &text].concat();
        blobs.write(&mut bytes);
        Ok(bytes)
    }

    pub(super) fn read(input: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 8];
        input.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_REQUEST {
            return Err(io::Error::other("the request is too long"));
        }
        let mut text = Vec::new();
        input.by_ref().take(length).read_to_end(&mut text)?;
        serde_json::from_slice(&text).map_err(|_| io::Error::other("the request cannot be read"))
    }
}

/// The answer without the contents of the files, which follow it in the order of the files.
#[derive(Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) result: Result<Polled, SourceError>,
    /// Bytes of each file that follow; none for a content that the parent has.
    pub(super) lengths: Vec<Option<u64>>,
}

/// The files of an answer.
pub(super) fn files(result: &mut Result<Polled, SourceError>) -> &mut [File] {
    match result {
        Ok(Polled { poll: Poll::Changed(snapshot), .. }) => &mut snapshot.files,
        _ => &mut [],
    }
}

/// Writes an answer: a length of eight bytes, JSON, the contents.
pub(super) fn write(mut result: Result<Polled, SourceError>, blobs: &Blobs, output: &mut impl Write) -> io::Result<()> {
    let new = |file: &File| blobs.named(&file.id).is_none().then(|| file.content.clone());
    let contents: Vec<_> = files(&mut result).iter().map(new).collect();
    let lengths = contents.iter().map(|content| content.as_ref().map(|content| content.len() as u64)).collect();
    let answer = Answer { result, lengths };
    let text = serde_json::to_vec(&answer).map_err(io::Error::other)?;
    output.write_all(&(text.len() as u64).to_le_bytes())?;
    output.write_all(&text)?;
    for content in contents.into_iter().flatten() {
        output.write_all(&content)?;
    }
    output.flush()
}
