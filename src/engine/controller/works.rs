//! Work that takes longer than a pass: one task a cluster, beside the passes.
//!
//! A pass decides and starts a task; the task reads everything again before each step, so that losing it costs a look: what decides
//! stands in the API server and in the databases.

use super::run::now;
use crate::instance::Limits;
use crate::model::NamespacedName;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

/// First and longest pause, in seconds, before something that could not be reached is tried again.
const AGAIN: (i64, i64) = (5, 300);

/// Tasks of one kind, by cluster.
pub(super) struct Works {
    /// Word for the log.
    kind: &'static str,
    hints: mpsc::Sender<()>,
    /// How instances are asked.
    pub(super) limits: Limits,
    works: Mutex<BTreeMap<NamespacedName, Work>>,
    /// Whether the process ends.
    pub(super) ending: Arc<AtomicBool>,
}

struct Work {
    task: JoinHandle<()>,
    note: SharedNote,
}

/// What a task tells the passes.
#[derive(Debug, Clone, Default)]
pub(super) struct Note {
    /// What is being done.
    pub(super) doing: Option<String>,
    /// Why nothing was begun.
    pub(super) trouble: Option<String>,
    /// When to look again.
    pub(super) due: Option<Timestamp>,
    /// How many times in a row nothing was begun.
    troubles: u32,
}

impl Note {
    /// Nothing was begun, again: the pause doubles.
    pub(super) fn trouble(&mut self, why: String) {
        let pause = (AGAIN.0 << self.troubles.min(10)).min(AGAIN.1);
        *self = Self {
            doing: None,
            trouble: Some(why),
            due: Some(now() + SignedDuration::from_secs(pause)),
            troubles: self.troubles.saturating_add(1),
        };
    }

    /// Something is being done.
    pub(super) fn doing(&mut self, what: String) {
        // What did not go three times in a row is not tried more often because a fourth try began.
        *self = Self { doing: Some(what), troubles: self.troubles, ..Self::default() };
    }

    /// Whether the pause after a trouble is over; true without one. The end of a pause between two tries that somebody else made is
    /// found by the decision itself.
    pub(super) fn may_try(&self, now: Timestamp) -> bool {
        self.trouble.is_none() || self.due.is_none_or(|due| due <= now)
    }
}

/// The note of a task, which the passes read.
#[derive(Clone, Default)]
pub(super) struct SharedNote(Arc<Mutex<Note>>);

impl SharedNote {
    /// Goes on from what is known; the pause is over.
    pub(super) fn after(note: Note) -> Self {
        Self(Arc::new(Mutex::new(Note { due: None, ..note })))
    }

    /// Changes it.
    pub(super) fn change(&self, change: impl FnOnce(&mut Note)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn read(&self) -> Note {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Works {
    fn drop(&mut self) {
        for work in self.works.get_mut().unwrap_or_else(PoisonError::into_inner).values() {
            work.task.abort();
        }
    }
}

impl Works {
    /// None yet; the end of a task is a hint.
    pub(super) fn new(kind: &'static str, hints: mpsc::Sender<()>) -> Self {
        Self { kind, hints, limits: Limits::default(), works: Mutex::default(), ending: Arc::default() }
    }

    /// When the soonest look is due, of those that became due after this moment: what was due before was looked at, or waits for
    /// something else.
    pub(super) fn soonest(&self, after: Timestamp) -> Option<Timestamp> {
        let works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        works.values().filter_map(|work| work.note.read().due).filter(|due| *due > after).min()
    }

    /// Whether a cluster's task runs, or wants a look now.
    pub(super) fn is_due(&self, name: &NamespacedName, now: Timestamp) -> bool {
        let works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        works.get(name).is_some_and(|work| !work.task.is_finished() || work.note.read().due.is_none_or(|due| due <= now))
    }

    /// Forgets clusters that are gone.
    pub(super) fn keep(&self, known: impl Fn(&NamespacedName) -> bool) {
        self.works.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| known(name));
    }

    /// Begins nothing any more, and waits a while for what runs.
    pub(super) async fn end(&self, patience: Duration) {
        self.ending.store(true, Ordering::Relaxed);
        let works = std::mem::take(&mut *self.works.lock().unwrap_or_else(PoisonError::into_inner));
        let (stops, tasks): (Vec<_>, Vec<_>) = works.into_values().map(|work| (work.task.abort_handle(), work.task)).unzip();
        drop(tokio::time::timeout(patience, futures::future::join_all(tasks)).await);
        stops.iter().for_each(tokio::task::AbortHandle::abort);
    }

    /// What is known of a cluster's task, and whether it runs.
    pub(super) fn look(&self, name: &NamespacedName) -> (Note, bool) {
        let works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        works.get(name).map_or_else(Default::default, |work| (work.note.read(), !work.task.is_finished()))
    }

    /// Starts the task of a cluster.
    pub(super) fn start(&self, name: &NamespacedName, note: SharedNote, task: impl Future<Output = ()> + Send + 'static) {
        if self.ending.load(Ordering::Relaxed) {
            return;
        }
        let span = tracing::info_span!(parent: None, "work", kind = self.kind, cluster = %name);
        let hints = self.hints.clone();
        let work = async move {
            Box::pin(task).await;
            // A full channel holds a hint already.
            let _already_told = hints.try_send(());
        };
        let work = Work { task: tokio::spawn(work.instrument(span)), note };
        self.works.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), work);
    }

    /// Nothing is to be done before this moment.
    pub(super) fn rest(&self, name: &NamespacedName, until: Option<Timestamp>) {
        let Some(due) = until else { return self.forget(name) };
        let note = SharedNote::default();
        note.change(|note| note.due = Some(due));
        let work = Work { task: tokio::spawn(async {}), note };
        self.works.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), work);
    }

    /// Nothing is known of a cluster.
    pub(super) fn forget(&self, name: &NamespacedName) {
        self.works.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}
