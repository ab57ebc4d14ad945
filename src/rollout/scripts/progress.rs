//! What is recorded of the scripts of a cluster, in its status.

use super::requests::Requests;
use super::wanted::{Entry, ManagedSql, Place, Script};
use crate::model::{Digest, Object, seconds};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// First and longest pause before a failed entry with `retryOnError` is tried again.
const BACKOFF: (i64, i64) = (10, 300);

/// How far an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It began; its end is not recorded.
    Started,
    /// It did its work.
    Done,
    /// It failed.
    Failed,
    /// Nobody knows whether it ran to its end.
    #[default]
    Unknown,
    /// It began and left nothing behind.
    NotRun,
}

/// What is recorded of one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    /// Number of the entry.
    pub id: i64,
    /// Version that ran.
    pub version: i64,
    /// How often this version was tried.
    pub intents: i64,
    /// How far it is.
    pub state: State,
    /// Digest of what ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Database it began in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Whether it began inside of a transaction that leaves a marker.
    #[serde(skip_serializing_if = "is_false")]
    pub wrapped: bool,
    /// Whether the annotation that asks for a run was answered.
    #[serde(skip_serializing_if = "is_false")]
    pub asked: bool,
    /// SQLSTATE of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<String>,
    /// Message of the failure, without values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Record {
    /// What tells this run from every other of the entry, as the marker in the database holds it.
    pub fn run(&self) -> String {
        format!("{}#{}", self.started_at.as_deref().unwrap_or_default(), self.intents)
    }

    pub(super) fn retry_at(&self) -> Option<Timestamp> {
        let ended: Timestamp = self.ended_at.as_deref()?.parse().ok()?;
        let doublings = u32::try_from((self.intents - 1).clamp(0, 10)).unwrap_or(0);
        let pause = (BACKOFF.0 << doublings).min(BACKOFF.1);
        ended.checked_add(SignedDuration::from_secs(pause)).ok()
    }
}

/// What is recorded of one SGScript.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScriptRecord {
    /// Number of the reference.
    pub id: i64,
    /// Name of the SGScript.
    pub sg_script: String,
    /// When its first entry began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When anything of it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// When an entry failed; absent once none is failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<String>,
    /// When its last entry was done; absent while one is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// Its entries.
    pub scripts: Vec<Record>,
}

/// `status.managedSql`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// The scripts, in the order of the cluster.
    pub scripts: Vec<ScriptRecord>,
}

impl Progress {
    /// Reads the status. What cannot be read is an error and not an empty one: nothing would be known to have run.
    pub fn read(cluster: &Object) -> Result<Self, String> {
        match cluster.get("/status/managedSql").filter(|value| !value.is_null()) {
            Some(value) => serde_json::from_value(value.clone()).map_err(|error| format!("status.managedSql cannot be read: {error}")),
            None => Ok(Self::default()),
        }
    }

    /// As it is written.
    pub fn to_value(&self) -> Value {
        json!({"scripts": self.scripts})
    }

    /// By name, or, where a reference was renamed, by a record of the same number whose name is no longer used.
    pub(super) fn find(&self, script: &Script) -> Option<&ScriptRecord> {
        let named = self.scripts.iter().find(|record| record.sg_script == script.name);
        named.or_else(|| self.scripts.iter().find(|record| record.id == script.id && record.sg_script.is_empty()))
    }

    /// The record of an entry.
    pub fn record(&self, script: &Script, entry: &Entry) -> Option<&Record> {
        self.find(script)?.scripts.iter().find(|record| record.id == entry.id)
    }

    /// Without what is no longer referred to, and with answered requests forgotten that nobody makes any more.
    #[must_use]
    pub fn tidied(&self, sql: &ManagedSql, requests: &Requests) -> Self {
        let scripts = sql.scripts.iter().filter_map(|script| {
            let mut record = self.find(script)?.clone();
            record.id = script.id;
            record.sg_script.clone_from(&script.name);
            record.scripts.retain(|record| script.entries.iter().any(|entry| entry.id == record.id));
            for record in &mut record.scripts {
                record.asked &= requests.asks(&script.name, record.id);
            }
            Some(record)
        });
        Self { scripts: scripts.collect() }
    }

    /// With one entry's record replaced.
    fn with(&self, script: &Script, record: Record, now: Timestamp) -> Self {
        let mut all = self.clone();
        let at = seconds(now);
        let known = all.scripts.iter().position(|known| known.sg_script == script.name);
        let index = known.unwrap_or_else(|| {
            let started_at = Some(at.clone());
            all.scripts.push(ScriptRecord { id: script.id, sg_script: script.name.clone(), started_at, ..ScriptRecord::default() });
            all.scripts.len() - 1
        });
        let list = &mut all.scripts[index];
        list.updated_at = Some(at.clone());
        let failed = record.state == State::Failed;
        match list.scripts.iter_mut().find(|known| known.id == record.id) {
            Some(known) => *known = record,
            None => list.scripts.push(record),
        }
        if failed {
            list.failed_at = Some(at.clone());
        } else if !list.scripts.iter().any(|record| record.state == State::Failed) {
            list.failed_at = None;
        }
        let done = |entry: &Entry| list.scripts.iter().any(|record| record.id == entry.id && record.state == State::Done);
        list.completed_at = if script.entries.iter().all(done) { Some(at) } else { None };
        all
    }

    /// An entry begins.
    #[must_use]
    pub fn started(&self, sql: &ManagedSql, place: Place, version: i64, asked: bool, now: Timestamp) -> Self {
        let (script, entry) = sql.at(place);
        let before = self.record(script, entry);
        let again = before.filter(|before| before.version == version && before.digest == entry.digest);
        let record = Record {
            id: entry.id,
            version,
            intents: again.map_or(0, |before| before.intents) + 1,
            state: State::Started,
            digest: entry.digest.clone(),
            started_at: Some(seconds(now)),
            database: Some(entry.database.clone()),
            wrapped: entry.isolation.is_some(),
            asked: asked || before.is_some_and(|before| before.asked),
            ..Record::default()
        };
        self.with(script, record, now)
    }

    /// An entry ended, or what became of it was found out. Counts for the run that is recorded as begun.
    #[must_use]
    pub fn ended(&self, sql: &ManagedSql, place: Place, outcome: Outcome, now: Timestamp) -> Self {
        let (script, entry) = sql.at(place);
        let before = self.record(script, entry).cloned().unwrap_or(Record { id: entry.id, ..Record::default() });
        let (state, failure_code, failure) = match outcome {
            Outcome::Done => (State::Done, None, None),
            Outcome::Failed { code, message } => (State::Failed, Some(code), Some(message)),
            Outcome::Unknown => (State::Unknown, None, None),
            Outcome::NotRun => (State::NotRun, None, None),
        };
        let record = Record { state, failure_code, failure, ended_at: Some(seconds(now)), database: None, wrapped: false, ..before };
        self.with(script, record, now)
    }
}

/// How an entry ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did its work.
    Done,
    /// The server says that it failed.
    Failed {
        /// SQLSTATE.
        code: String,
        /// Message, without values.
        message: String,
    },
    /// Nobody knows.
    Unknown,
    /// It left nothing behind.
    NotRun,
}
