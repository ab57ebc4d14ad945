//! The sources of the fleets: one look at a time each, in the background, at its own interval.
//!
//! In: fleets. Out: the last good [`News`] of each, and why a newer one could not be had. Invariant: a slow or broken source
//! holds up neither a pass nor another fleet; what could not be read is unknown, so the last good revision stays in force.

use super::events::tell;
use super::look_again::LOOK_AGAIN;
use super::settings_of::{Place, Unusable, place_of};
use crate::engine::files::{Files, short};
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{NamespacedName, Object};
use crate::source::{ChildProcess, Class, CredentialsDirectory, Event, Poll, Polled, RevisionKey, Source, SourceError, remove_unused};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a pass waits for a look it has just started: the first one, or one into a directory, and any other. Most servers
/// answer sooner, and then nothing is late; a look that takes longer ends with a hint.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_millis(300));

/// What the operator of the controller allows fleets to name.
#[derive(Debug, Clone, Default)]
pub struct SourceOptions {
    /// Folder for copies of repositories. Losing it costs one fetch each.
    pub cache: PathBuf,
    /// Directories that fleets may name, with everything below; none by default, because a fleet's author would otherwise
    /// read the controller's files.
    pub directories: Vec<PathBuf>,
    /// Whether repositories may be paths below those directories.
    pub local_repositories: bool,
    /// Whether unencrypted HTTP without credentials is allowed.
    pub plain_http: bool,
    /// Credentials of the installation, for repositories of fleets that name none.
    pub credentials: Option<CredentialsDirectory>,
    /// How to start the processes that read remote repositories; see [`ChildProcess`].
    pub child: Option<ChildProcess>,
}

/// The content of a source at one revision.
#[derive(Debug, Clone)]
pub(super) struct News {
    /// Commit id, or a digest of a directory's content.
    pub revision: String,
    /// What was followed.
    pub reference: String,
    /// First line of the commit message.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
    /// Who signed it, where the fleet has a signature policy.
    pub signature: Option<String>,
    /// The files and what was refused.
    pub files: Files,
}

/// The result of asking for a fleet's source.
pub(super) struct Answer {
    /// The last good content; none before the first good look.
    pub news: Option<Arc<News>>,
    /// Why there is nothing newer.
    pub problem: Option<Problem>,
}

/// Why a source could not be read.
pub(super) struct Problem {
    /// One word for a condition.
    pub reason: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// All sources.
pub(super) struct Sources {
    options: SourceOptions,
    hints: mpsc::Sender<()>,
    cancel: CancellationToken,
    followed: BTreeMap<NamespacedName, Followed>,
}

struct Followed {
    /// Tells whether the settings are still the same.
    identity: String,
    /// Tells whether the content is still meant: the same place, however it is reached.
    content: String,
    /// Whether the pass at hand asked for it.
    asked: bool,
    place: Arc<Source>,
    looking: Option<JoinHandle<Result<Polled, SourceError>>>,
    watching: Option<JoinHandle<()>>,
    due: Timestamp,
    /// The last wish for a look, and whatever was looked at since has it in it.
    asked_for: Option<String>,
    news: Option<Arc<News>>,
    key: Option<RevisionKey>,
    problem: Option<SourceError>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        for task in [self.looking.as_ref().map(JoinHandle::abort), self.watching.as_ref().map(JoinHandle::abort)] {
            let () = task.unwrap_or_default();
        }
    }
}

impl Sources {
    pub(super) fn new(options: SourceOptions, hints: mpsc::Sender<()>, stop: &CancellationToken) -> Self {
        Self { options, hints, cancel: stop.child_token(), followed: BTreeMap::new() }
    }

    /// Begins a pass: forgets fleets that are gone, with their copies of repositories.
    pub(super) fn keep(&mut self, fleets: &[NamespacedName]) {
        self.followed.retain(|fleet, _| fleets.contains(fleet));
        for followed in self.followed.values_mut() {
            followed.asked = false;
        }
    }

    /// Removes copies of repositories that no fleet of this pass uses.
    pub(super) fn tidy(&self, used: &[PathBuf]) {
        for removed in remove_unused(&self.options.cache, used) {
            tracing::info!(folder = %removed.display(), "removed a copy of a repository that no fleet uses");
        }
    }

    /// Folder for copies of repositories.
    pub(super) fn cache(&self) -> &std::path::Path {
        &self.options.cache
    }

    /// When the next look is due of the sources that this pass asked for. One that is going on ends with a hint.
    pub(super) fn soonest(&self) -> Option<Timestamp> {
        let waiting = self.followed.values().filter(|followed| followed.asked && followed.looking.is_none());
        waiting.map(|followed| followed.due).min()
    }

    /// The newest content of a fleet's source, with a look if one is due.
    pub(super) async fn ask(&mut self, api: &Cluster, fleet: &Object, now: Timestamp) -> Result<Answer, KubernetesError> {
        let name = fleet.namespaced_name();
        let place = match place_of(api, fleet, &self.options).await? {
            Ok(place) => place,
            Err(Unusable { reason, message }) => {
                let news = self.followed.get(&name).and_then(|followed| followed.news.clone());
                return Ok(Answer { news, problem: Some(Problem { reason, message }) });
            }
        };
        let Place { identity, content, source, interval, timeout } = place;
        if self.followed.get(&name).is_none_or(|followed| followed.identity != identity) {
            // Another password or interval leaves the last good content in force.
            let before = self.followed.get(&name).filter(|followed| followed.content == content);
            let (news, key) = before.map_or((None, None), |followed| (followed.news.clone(), followed.key.clone()));
            let source = match source() {
                Ok(source) => Arc::new(source),
                Err(error) => return Ok(Answer { news, problem: Some(problem(&error)) }),
            };
            let watching = self.watch(&source);
            let fresh = Followed {
                identity,
                content,
                asked: true,
                place: source,
                looking: None,
                watching,
                due: now,
                asked_for: None,
                news,
                key,
                problem: None,
            };
            self.followed.insert(name.clone(), fresh);
        }
        let Some(followed) = self.followed.get_mut(&name) else { return Ok(Answer { news: None, problem: None }) };
        followed.asked = true;
        let local = matches!(*followed.place, Source::Directory(_));
        let mut patience = Duration::ZERO;
        // A look that is going on may have begun before the push: there is another one after it.
        let wish = fleet.annotation(LOOK_AGAIN);
        if followed.looking.is_none() && followed.asked_for.as_deref() != wish {
            followed.asked_for = wish.map(str::to_owned);
            followed.due = followed.due.min(now);
        }
        if followed.looking.is_none() && (local || followed.due <= now) {
            patience = if local || followed.news.is_none() { PATIENCE.0 } else { PATIENCE.1 };
            let (place, key, hints, cancel) = (followed.place.clone(), followed.key.clone(), self.hints.clone(), self.cancel.clone());
            followed.looking = Some(tokio::spawn(async move {
                let result = place.latest(key.as_ref(), tokio::time::Instant::now() + timeout, &cancel).await;
                if !local {
                    let _already_told = hints.try_send(());
                }
                result
            }));
        }
        if let Some(looking) = &mut followed.looking
            && let Ok(ended) = tokio::time::timeout(patience, looking).await
        {
            followed.looking = None;
            let step = jiff::SignedDuration::try_from(interval).unwrap_or(jiff::SignedDuration::from_mins(1));
            followed.due = now.checked_add(step).unwrap_or(now);
            let result = ended.unwrap_or_else(|_| Err(SourceError::Cancelled { what: "reading the source".to_owned() }));
            for event in followed.note(result) {
                tell(api, fleet, true, event.reason(), &event.to_string(), now).await;
            }
        }
        let problem = followed.problem.as_ref().map(problem);
        Ok(Answer { news: followed.news.clone(), problem })
    }

    /// A directory tells when it changes; that is a hint for a pass, nothing more.
    fn watch(&self, source: &Source) -> Option<JoinHandle<()>> {
        let mut changes = match source.changes()? {
            Ok(changes) => changes,
            Err(error) => {
                tracing::info!(%error, "changes of the directory are seen at the next interval only");
                return None;
            }
        };
        let hints = self.hints.clone();
        Some(tokio::spawn(async move {
            while changes.next().await {
                let _already_told = hints.try_send(());
            }
        }))
    }
}

impl Followed {
    fn note(&mut self, result: Result<Polled, SourceError>) -> Vec<Event> {
        let polled = match result {
            Ok(polled) => polled,
            Err(error) => {
                tracing::warn!(%error, class = error.class().as_str(), "the source could not be read");
                self.problem = Some(error);
                return Vec::new();
            }
        };
        self.problem = None;
        match polled.poll {
            Poll::Unchanged => {}
            Poll::SameContent(revision) => {
                self.key = Some(revision.key());
                if let Some(news) = &mut self.news {
                    let files = Files { revision: short(&revision).to_owned(), ..news.files.clone() };
                    *news = Arc::new(news_of(&revision, files));
                }
            }
            Poll::Changed(snapshot) => {
                self.key = Some(snapshot.revision.key());
                self.news = Some(Arc::new(news_of(&snapshot.revision, Files::of(&snapshot))));
            }
        }
        polled.events
    }
}

fn news_of(revision: &crate::source::Revision, files: Files) -> News {
    let id = if revision.reference.is_some() || revision.author.is_some() { revision.id.clone() } else { short(revision).to_owned() };
    News {
        revision: id,
        reference: revision.reference.clone().unwrap_or_default(),
        subject: revision.subject.clone().unwrap_or_default(),
        author: revision.author.clone().unwrap_or_default(),
        signature: revision.signature.as_ref().map(ToString::to_string),
        files,
    }
}

fn problem(error: &SourceError) -> Problem {
    let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let reason = if error.class() == Class::Untrusted { "CommitNotTrusted" } else { "SourceUnreadable" };
    Problem { reason, message: format!("{error}{hint}") }
}
