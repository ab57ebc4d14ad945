//! One look at a repository: is there anything new, and if so, what.

use super::address::{Address, Reference};
use super::blobs::Blobs;
use super::cache::Cache;
use super::history::{Ancestry, ancestry};
use super::http_wire::HttpWire;
use super::local::LocalRepository;
use super::session::{Advertised, Conversation, Exchange, Session, Wire};
use super::signature::Verifier;
use super::ssh::SshWire;
use super::tree::{Store, damaged};
use super::{GitSettings, Ready};
use crate::source::patience::Patience;
use crate::source::snapshot::{RevisionKey, folder_parts};
use crate::source::{Event, Poll, Polled, SourceError};
use git2::{Commit, Oid, Repository};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// How many names of branches a message lists.
pub(super) const SHOWN: usize = 10;
/// How many commits back a moved branch is fetched, to tell a push from a rewrite.
const HISTORY: i32 = 64;
/// The one reference of the cache; it keeps what was fetched last known to the next negotiation.
const CURRENT: &str = "refs/stackgres/current";

/// What one look needs.
pub(super) struct Look<'a> {
    pub(super) ready: &'a Ready,
    pub(super) known: Option<&'a RevisionKey>,
    /// Contents that need not be read.
    pub(super) blobs: &'a Blobs,
    pub(super) patience: &'a Patience,
    pub(super) runtime: &'a Arc<Runtime>,
}

/// The commit that the setting means now.
struct Target {
    commit: Oid,
    reference: Option<String>,
    /// The annotated tag that names it.
    tag: Option<Oid>,
}

impl Look<'_> {
    /// Looks once. A key of other settings counts as none.
    pub(super) fn run(mut self) -> Result<Polled, SourceError> {
        self.known = self.known.filter(|known| known.scope == self.ready.scope);
        if let (Reference::Commit(id), Some(known)) = (&self.settings().reference, self.known)
            && *id == known.revision
        {
            return Ok(Polled::unchanged(0)); // what a commit id names never changes
        }
        let credentials = || self.settings().credentials.clone();
        match (&self.ready.address, &self.ready.client) {
            (Address::Http(url), Some(client)) => self.remote(&|| Wire::Http(HttpWire::new(url.clone(), credentials(), client.clone()))),
            (Address::Ssh(address), _) => {
                self.remote(&|| Wire::Ssh(SshWire::new(address.clone(), credentials(), self.settings().cache.clone())))
            }
            (Address::Http(url), None) => Err(SourceError::Unreachable { address: url.to_string(), reason: "no HTTP client".to_owned() }),
            (Address::Local(path), _) => {
                let local = LocalRepository::open_exactly(path)?;
                let (commit, reference, tag) = local.target(&self.settings().reference, self.known.map(|known| known.revision.as_str()))?;
                if self.known.is_some_and(|known| known.revision == commit.id().to_string()) {
                    return Ok(Polled::unchanged(0));
                }
                self.compare(&local.store(), &commit, reference, tag)
            }
        }
    }

    /// Whether everything is there that is going to be read.
    fn has_all(&self, repository: &Repository, target: &Target) -> bool {
        let tag = target.tag.filter(|_| self.settings().signatures.is_some());
        has(repository, target.commit) && tag.is_none_or(|tag| repository.find_tag(tag).is_ok())
    }

    fn settings(&self) -> &GitSettings {
        &self.ready.settings
    }

    fn remote(&self, wire: &dyn Fn() -> Wire) -> Result<Polled, SourceError> {
        let cache = Cache::open(&self.settings().cache, &self.ready.address, self.patience)?;
        let session = || {
            let (address, limits) = (self.ready.address.to_string(), self.settings().limits.clone());
            Session::new(Exchange::new(address, wire(), self.runtime.clone(), self.patience.clone(), limits))
        };
        match self.remote_once(&cache, &session) {
            Err(SourceError::Corrupt { reason, .. }) => {
                cache.wipe()?;
                let mut polled = self.remote_once(&cache, &session)?;
                polled.events.push(Event::CacheRebuilt { reason });
                Ok(polled)
            }
            other => other,
        }
    }

    fn remote_once(&self, cache: &Cache, session: &dyn Fn() -> Session) -> Result<Polled, SourceError> {
        let mut repository = cache.repository()?;
        let mut received = 0;
        let pinned = match &self.settings().reference {
            Reference::Commit(id) => Oid::from_str(id).ok(),
            _ => None,
        };
        let target = if let Some(commit) = pinned {
            if !has(&repository, commit) {
                received = self.fetch_pinned(&repository, commit, session)?;
            }
            Target { commit, reference: None, tag: None }
        } else {
            let first = session();
            let target = first.converse(&repository, |conversation| {
                let (target, source) = self.choose(conversation)?;
                let seen = self.known.is_some_and(|known| known.revision == target.commit.to_string());
                if !seen && !self.has_all(&repository, &target) && !cache.is_worn() {
                    conversation.fetch(&[format!("+{source}:{CURRENT}")], self.depth(&target))?;
                }
                Ok(Some(target).filter(|_| !seen))
            })?;
            received += first.received();
            let Some(target) = target else { return Ok(Polled::unchanged(received)) };
            if !self.has_all(&repository, &target) && cache.is_worn() {
                cache.wipe()?;
                repository = cache.repository()?;
                let again = session();
                again.converse(&repository, |conversation| {
                    let (target, source) = self.choose(conversation)?;
                    conversation.fetch(&[format!("+{source}:{CURRENT}")], self.depth(&target))
                })?;
                received += again.received();
            }
            target
        };
        if !self.has_all(&repository, &target) {
            let reason = "it does not send the commit it offers".to_owned();
            return Err(SourceError::Protocol { address: self.ready.address.to_string(), reason });
        }
        let fail = damaged(cache.place());
        let commit = repository.find_commit(target.commit).map_err(&fail)?;
        repository.reference(CURRENT, target.commit, true, "").map_err(&fail)?;
        let store = Store { repository: &repository, place: cache.place() };
        Ok(Polled { received, ..self.compare(&store, &commit, target.reference, target.tag)? })
    }

    /// Depth 1 is enough for the files; a branch that moved is fetched deeper.
    fn depth(&self, target: &Target) -> i32 {
        let is_tag = target.reference.as_ref().is_some_and(|name| name.starts_with("refs/tags/"));
        if self.known.is_some() && !is_tag { HISTORY } else { 1 }
    }

    /// The reference that the setting means, and what to ask the server for.
    fn choose(&self, conversation: &Conversation<'_, '_, '_>) -> Result<(Target, String), SourceError> {
        let find = |name: &str| conversation.advertised.iter().find(|offered| offered.name == name);
        for name in self.settings().reference.candidates() {
            if let Some(Advertised { id, symbolic, .. }) = find(&name) {
                // An annotated tag is offered twice: as itself, and as what it points at.
                let peeled = find(&format!("{name}^{{}}")).map(|peeled| peeled.id);
                let (commit, tag) = (peeled.unwrap_or(*id), peeled.map(|_| *id));
                let reference = Some(symbolic.clone().unwrap_or_else(|| name.clone()));
                return Ok((Target { commit, reference, tag }, name));
            }
        }
        if conversation.advertised.is_empty() {
            return Err(SourceError::EmptyRepository { address: conversation.address() });
        }
        let branches = conversation.advertised.iter().filter_map(|offered| offered.name.strip_prefix("refs/heads/"));
        Err(SourceError::ReferenceNotFound {
            reference: self.settings().reference.to_string(),
            address: conversation.address(),
            last: self.known.map(|known| known.revision.clone()),
            available: branches.take(SHOWN).map(crate::source::describe::tame).collect(),
        })
    }

    /// A commit that no reference may name: by a reference that does, by its id if the server allows that, else with everything.
    fn fetch_pinned(&self, repository: &Repository, commit: Oid, session: &dyn Fn() -> Session) -> Result<u64, SourceError> {
        let first = session();
        let by_name_or_id = first.converse(repository, |conversation| {
            let offered = conversation.advertised.iter().find(|offered| offered.id == commit && !offered.name.ends_with("^{}"));
            let source = offered.map_or_else(|| commit.to_string(), |offered| offered.name.clone());
            conversation.fetch(&[format!("+{source}:{CURRENT}")], 1)
        });
        let mut received = first.received();
        match by_name_or_id {
            Ok(()) => {}
            Err(SourceError::Protocol { .. }) => {
                let second = session();
                let everything = ["heads", "tags"].map(|kind| format!("+refs/{kind}/*:refs/stackgres/all/{kind}/*"));
                second.converse(repository, |conversation| conversation.fetch(&everything, 0))?;
                received += second.received();
            }
            Err(other) => return Err(other),
        }
        if has(repository, commit) {
            return Ok(received);
        }
        Err(SourceError::RevisionNotFound { revision: commit.to_string(), address: self.ready.address.to_string(), shallow: false })
    }

    /// Compares a commit with what the caller knows, and reads its files if the folder differs.
    fn compare(&self, store: &Store<'_>, commit: &Commit<'_>, reference: Option<String>, tag: Option<Oid>) -> Result<Polled, SourceError> {
        let folder = folder_parts(&self.settings().path)?;
        let mut events = self.events(store, commit.id(), reference.as_deref())?;
        let mut revision = store.revision(commit, &folder, reference, &self.ready.scope)?;
        if let Some(policy) = &self.settings().signatures {
            let (folder, place) = (self.settings().cache.as_path(), store.place);
            let verifier = Verifier { policy, folder, place, patience: self.patience, runtime: self.runtime };
            let signature = verifier.verify(store.repository, commit, tag)?;
            let (id, author) = (revision.id.clone(), revision.author.clone().unwrap_or_default());
            if policy.required && !signature.is_good() {
                return Err(SourceError::Untrusted { revision: id, author, signature });
            }
            if !signature.is_good() {
                events.push(Event::NotTrusted { revision: id, author, signature: signature.clone() });
            }
            revision.signature = Some(signature);
        }
        let poll = if self.known.is_some_and(|known| known.content == revision.content) {
            Poll::SameContent(revision)
        } else {
            Poll::Changed(store.snapshot(commit, &folder, revision, &self.settings().limits, self.blobs, self.patience)?)
        };
        Ok(Polled { poll, events, received: 0 })
    }

    fn events(&self, store: &Store<'_>, to: Oid, reference: Option<&str>) -> Result<Vec<Event>, SourceError> {
        let Some((known, earlier)) = self.known.and_then(|known| Some((known, Oid::from_str(&known.revision).ok()?))) else {
            return Ok(Vec::new());
        };
        if matches!(self.settings().reference, Reference::Commit(_)) {
            return Ok(Vec::new());
        }
        let name = reference.unwrap_or("HEAD").to_owned();
        let (from, later) = (known.revision.clone(), to.to_string());
        if name.starts_with("refs/tags/") {
            return Ok(vec![Event::TagMoved { reference: name, from, to: later }]);
        }
        let relate = |earlier, later| ancestry(store.repository, earlier, later).map_err(damaged(store.place));
        let event = match relate(earlier, to)? {
            Ancestry::Contains => return Ok(Vec::new()),
            Ancestry::Unknown => Event::HistoryUnknown { reference: name, from, to: later },
            Ancestry::Apart if has(store.repository, earlier) && relate(to, earlier)? == Ancestry::Contains => {
                Event::Rewound { reference: name, from, to: later }
            }
            Ancestry::Apart => Event::HistoryRewritten { reference: name, from, to: later },
        };
        Ok(vec![event])
    }
}

fn has(repository: &Repository, commit: Oid) -> bool {
    repository.find_commit(commit).is_ok()
}
