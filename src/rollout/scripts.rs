//! Managed SQL: which entry runs next.
//!
//! An entry runs once per version. With `managedVersions` (the default) a version is what the entry says: its digest is over
//! database, user, isolation level, `storeStatusInDatabase`, written version and text, the text of a Secret or ConfigMap included.
//! Digest and version stand in the status of the SGCluster; nothing is written into a `spec`.
//!
//! What was begun and has no recorded end is settled before anything else: a wrapped entry left a marker in its database or did
//! not run; of one without a transaction nobody knows, and it runs again only where a person asks.

use crate::diff::mask_text;
use crate::model::{Digest, Object};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Annotation of an SGCluster that asks for a run: `SCRIPT/ID`, several with commas. Each is answered once; taking it away and
/// writing it again asks again.
pub const RUN_SCRIPT: &str = "stackgres.io/run-script";

/// Annotation of an SGCluster that takes an entry as done without running it: `SCRIPT/ID`, several with commas.
pub const SCRIPT_DONE: &str = "stackgres.io/script-done";

/// First and longest pause before a failed entry with `retryOnError` is tried again.
const BACKOFF: (i64, i64) = (10, 300);

/// Isolation level of the transaction around an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// `read-committed`.
    ReadCommitted,
    /// `repeatable-read`.
    RepeatableRead,
    /// `serializable`.
    Serializable,
}

impl Isolation {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "read-committed" => Some(Self::ReadCommitted),
            "repeatable-read" => Some(Self::RepeatableRead),
            "serializable" => Some(Self::Serializable),
            _ => None,
        }
    }

    /// As SQL writes it.
    pub fn sql(self) -> &'static str {
        match self {
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }
}

/// Where an entry's SQL stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In the SGScript.
    Inline(String),
    /// In a key of a Secret of the same namespace.
    Secret(String, String),
    /// In a key of a ConfigMap of the same namespace.
    ConfigMap(String, String),
}

/// One entry of an SGScript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number: as written, or given by [`ManagedSql::number`].
    pub id: i64,
    /// Whether the number is written.
    pub numbered: bool,
    /// Version as written.
    pub version: Option<i64>,
    /// Database it runs in.
    pub database: String,
    /// User it runs as; `None`: the superuser.
    pub user: Option<String>,
    /// Transaction around it.
    pub isolation: Option<Isolation>,
    /// Whether the record in the database decides whether it ran.
    pub store_status: bool,
    /// Whether it is tried again after a failure.
    pub retry: bool,
    /// Where its SQL stands.
    pub source: Source,
    /// Digest of what it says; `None` while its source cannot be read.
    pub digest: Option<Digest>,
    /// Why its source cannot be read.
    pub problem: Option<String>,
}

impl Entry {
    /// Takes the text of the entry in.
    pub fn take(&mut self, text: Result<&str, String>) {
        match text {
            Ok(text) => {
                let isolation = self.isolation.map(Isolation::sql);
                let content = json!([
                    self.database,
                    self.user,
                    isolation,
                    self.store_status,
                    self.version.unwrap_or(0),
                    Digest::of_bytes(text.as_bytes())
                ]);
                self.digest = Some(Digest::of(&content));
                self.problem = None;
            }
            Err(problem) => {
                self.digest = None;
                self.problem = Some(problem);
            }
        }
    }
}

/// One SGScript as the cluster refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Number of the reference.
    pub id: i64,
    /// Name of the SGScript.
    pub name: String,
    /// Whether a changed entry gets a new version by itself.
    pub managed_versions: bool,
    /// Whether later entries run although an earlier one failed.
    pub continue_on_error: bool,
    /// The entries, in order.
    pub entries: Vec<Entry>,
}

/// Everything a cluster wants to be run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManagedSql {
    /// Whether later scripts run although an earlier one failed.
    pub continue_on_error: bool,
    /// The scripts, in order.
    pub scripts: Vec<Script>,
}

impl ManagedSql {
    /// Reads it from the manifests of a revision, the SGCluster first.
    pub fn of(manifests: &[Object]) -> Self {
        let Some(wanted) = manifests.first().and_then(|cluster| cluster.get("/spec/managedSql")) else { return Self::default() };
        let references = wanted.get("scripts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut ids = Numbers::of(references);
        let mut scripts: Vec<Script> = Vec::new();
        for (position, reference) in references.iter().enumerate() {
            let id = written_id(reference).unwrap_or_else(|| ids.give(position));
            let Some(name) = reference.get("sgScript").and_then(Value::as_str) else { continue };
            let found = manifests.iter().find(|object| object.kind() == "SGScript" && object.name() == name);
            // A script that is named twice is one script.
            if let Some(object) = found.filter(|_| !scripts.iter().any(|script| script.name == name)) {
                scripts.push(script(id, object));
            }
        }
        Self { continue_on_error: wanted.get("continueOnSGScriptError") == Some(&Value::Bool(true)), scripts }
    }

    /// Numbers the entries without a written id. One that says what a recorded one said is that one, wherever it stands now: an
    /// entry put in front of others must not make them run again. The others are numbered by position.
    pub fn number(&mut self, progress: &Progress) {
        for script in &mut self.scripts {
            let records = progress.find(script).map(|record| record.scripts.as_slice()).unwrap_or_default();
            let mut used: Vec<i64> = script.entries.iter().filter(|entry| entry.numbered).map(|entry| entry.id).collect();
            let mut open = Vec::new();
            for (position, entry) in script.entries.iter_mut().enumerate().filter(|(_, entry)| !entry.numbered) {
                let same =
                    records.iter().find(|record| record.digest == entry.digest && entry.digest.is_some() && !used.contains(&record.id));
                match same {
                    Some(record) => {
                        entry.id = record.id;
                        used.push(record.id);
                    }
                    None => open.push(position),
                }
            }
            for position in open {
                let wanted = i64::try_from(position).unwrap_or(i64::MAX);
                let id = if used.contains(&wanted) { used.iter().max().map_or(0, |most| most + 1) } else { wanted };
                script.entries[position].id = id;
                used.push(id);
            }
        }
    }

    /// An entry by its place.
    pub fn at(&self, place: Place) -> (&Script, &Entry) {
        let script = &self.scripts[place.script];
        (script, &script.entries[place.entry])
    }
}

/// A moment in whole seconds, as Kubernetes writes it.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn script(id: i64, object: &Object) -> Script {
    let list = object.get("/spec/scripts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Script {
        id,
        name: object.name().to_owned(),
        managed_versions: object.get("/spec/managedVersions") != Some(&Value::Bool(false)),
        continue_on_error: object.get("/spec/continueOnError") == Some(&Value::Bool(true)),
        entries: list.iter().map(entry).collect(),
    }
}

fn entry(value: &Value) -> Entry {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let flag = |key: &str| value.get(key) == Some(&Value::Bool(true));
    let key = |kind: &str| Some((text(&format!("/scriptFrom/{kind}/name"))?, text(&format!("/scriptFrom/{kind}/key"))?));
    let source = match (key("secretKeyRef"), key("configMapKeyRef")) {
        (Some((name, key)), _) => Source::Secret(name, key),
        (None, Some((name, key))) => Source::ConfigMap(name, key),
        (None, None) => Source::Inline(text("/script").unwrap_or_default()),
    };
    let id = written_id(value);
    Entry {
        id: id.unwrap_or_default(),
        numbered: id.is_some(),
        version: value.get("version").and_then(Value::as_i64),
        database: text("/database").unwrap_or_else(|| "postgres".to_owned()),
        user: text("/user"),
        isolation: text("/wrapInTransaction").and_then(|word| Isolation::parse(&word)),
        store_status: flag("storeStatusInDatabase"),
        retry: flag("retryOnError"),
        source,
        digest: None,
        problem: None,
    }
}

/// -1 asks for a number, as an absent id does.
fn written_id(value: &Value) -> Option<i64> {
    value.get("id").and_then(Value::as_i64).filter(|id| *id >= 0)
}

/// Numbers for what has none.
struct Numbers(Vec<i64>);

impl Numbers {
    fn of(list: &[Value]) -> Self {
        Self(list.iter().filter_map(written_id).collect())
    }

    fn give(&mut self, position: usize) -> i64 {
        let wanted = i64::try_from(position).unwrap_or(i64::MAX);
        let id = if self.0.contains(&wanted) { self.0.iter().max().map_or(0, |most| most + 1) } else { wanted };
        self.0.push(id);
        id
    }
}

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

    fn retry_at(&self) -> Option<Timestamp> {
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
    fn find(&self, script: &Script) -> Option<&ScriptRecord> {
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

/// What a person asks for by annotations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    run: Vec<(String, i64)>,
    done: Vec<(String, i64)>,
}

impl Requests {
    /// Reads the annotations of an SGCluster. What is no `SCRIPT/ID` asks for nothing.
    pub fn of(cluster: &Object) -> Self {
        let read = |annotation: &str| {
            let text = cluster.annotation(annotation).unwrap_or_default();
            let parts = text.split(',').filter_map(|part| part.trim().split_once('/'));
            parts.filter_map(|(name, id)| Some((name.to_owned(), id.parse().ok()?))).collect()
        };
        Self { run: read(RUN_SCRIPT), done: read(SCRIPT_DONE) }
    }

    fn asks(&self, script: &str, id: i64) -> bool {
        self.run.iter().any(|(name, number)| name == script && *number == id)
    }

    fn takes_as_done(&self, script: &str, id: i64) -> bool {
        self.done.iter().any(|(name, number)| name == script && *number == id)
    }
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Position of the script.
    pub script: usize,
    /// Position of the entry in it.
    pub entry: usize,
}

/// What to do about managed SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextScript {
    /// Run this entry.
    Run {
        /// Which.
        place: Place,
        /// As which version.
        version: i64,
        /// Whether a person asked for it.
        asked: bool,
    },
    /// Find out what became of this entry.
    Settle(Place),
    /// A person says that this entry is done.
    TakeAsDone(Place),
    /// Nothing now.
    Wait {
        /// One word for programs.
        reason: &'static str,
        /// What for.
        what: String,
        /// When to look again; absent: when something changes.
        until: Option<Timestamp>,
        /// Who or what ends it.
        ends: String,
    },
    /// Every entry did its work.
    Done,
}

/// The next step. Entries are numbered and their sources read before.
pub fn next_script(sql: &ManagedSql, progress: &Progress, requests: &Requests, now: Timestamp) -> NextScript {
    // What was begun is settled first, wherever it stands: two entries never run at once.
    for place in places(sql) {
        let (script, entry) = sql.at(place);
        if progress.record(script, entry).is_some_and(|record| record.state == State::Started) {
            return NextScript::Settle(place);
        }
    }
    let mut first: Option<NextScript> = None;
    let mut soonest: Option<Timestamp> = None;
    for (index, script) in sql.scripts.iter().enumerate() {
        let mut stopped = false;
        for (position, entry) in script.entries.iter().enumerate() {
            let place = Place { script: index, entry: position };
            let record = progress.record(script, entry);
            let blocked = match judge(script, entry, record, requests, now) {
                Judgement::Done => continue,
                Judgement::Run { version, asked } => return NextScript::Run { place, version, asked },
                Judgement::TakeAsDone => return NextScript::TakeAsDone(place),
                Judgement::Blocked { reason, what, until, ends } => NextScript::Wait { reason, what, until, ends },
            };
            if let NextScript::Wait { until: Some(until), .. } = &blocked {
                soonest = Some(soonest.map_or(*until, |soonest| soonest.min(*until)));
            }
            first.get_or_insert(blocked);
            stopped = true;
            if !script.continue_on_error {
                break;
            }
        }
        if stopped && !sql.continue_on_error {
            break;
        }
    }
    match first {
        Some(NextScript::Wait { reason, what, ends, .. }) => NextScript::Wait { reason, what, until: soonest, ends },
        Some(other) => other,
        None => NextScript::Done,
    }
}

fn places(sql: &ManagedSql) -> impl Iterator<Item = Place> {
    let entries = |(script, found): (usize, &Script)| (0..found.entries.len()).map(move |entry| Place { script, entry });
    sql.scripts.iter().enumerate().flat_map(entries)
}

enum Judgement {
    Done,
    Run { version: i64, asked: bool },
    TakeAsDone,
    Blocked { reason: &'static str, what: String, until: Option<Timestamp>, ends: String },
}

fn judge(script: &Script, entry: &Entry, record: Option<&Record>, requests: &Requests, now: Timestamp) -> Judgement {
    let name = format!("{}/{}", script.name, entry.id);
    let written = entry.version.unwrap_or(0);
    let Some(digest) = &entry.digest else {
        // What it says is unknown, so nothing says that it changed.
        if record.is_some_and(|record| record.state == State::Done) {
            return Judgement::Done;
        }
        let problem = entry.problem.as_deref().unwrap_or("its source is not read");
        let what = format!("the entry {name} cannot be read: {problem}");
        return Judgement::Blocked {
            reason: "SourceMissing",
            what,
            until: None,
            ends: "make the source, or correct the reference".to_owned(),
        };
    };
    let Some(record) = record else {
        return if requests.takes_as_done(&script.name, entry.id) {
            Judgement::TakeAsDone
        } else {
            Judgement::Run { version: written, asked: false }
        };
    };
    let same = record.digest.as_ref() == Some(digest);
    let version = match (script.managed_versions, same) {
        (true, true) => record.version,
        (true, false) => written.max(record.version + 1),
        (false, _) => written,
    };
    if requests.asks(&script.name, entry.id) && !record.asked {
        return Judgement::Run { version: version.max(record.version), asked: true };
    }
    let current = match (record.state, script.managed_versions) {
        // Without managed versions a change of the text alone is no wish to run it again; a version never falls.
        (State::Done, false) => written <= record.version,
        (State::Failed | State::Unknown, false) => same && written <= record.version,
        (_, true) => same,
        (State::Started | State::NotRun, false) => false,
    };
    if !current {
        return Judgement::Run { version, asked: false };
    }
    if record.state != State::Done && requests.takes_as_done(&script.name, entry.id) {
        return Judgement::TakeAsDone;
    }
    match record.state {
        State::Done => Judgement::Done,
        State::NotRun => Judgement::Run { version, asked: false },
        State::Started | State::Unknown => Judgement::Blocked {
            reason: "Unknown",
            what: format!(
                "it is not known whether the entry {name} ran to its end: it has no transaction around it, and its end was not recorded"
            ),
            until: None,
            ends: format!(
                "look at the database {}, then annotate the SGCluster with {RUN_SCRIPT}={name} to run it again, or with {SCRIPT_DONE}={name}",
                entry.database
            ),
        },
        State::Failed => {
            let message = record.failure.as_deref().unwrap_or_default();
            let what = format!("the entry {name} failed: {} {message}", record.failure_code.as_deref().unwrap_or_default());
            if !entry.retry {
                let ends = format!("change the script, or annotate the SGCluster with {RUN_SCRIPT}={name} to run it again");
                return Judgement::Blocked { reason: "Failed", what, until: None, ends };
            }
            match record.retry_at().filter(|due| *due > now) {
                Some(due) => {
                    Judgement::Blocked { reason: "Failed", what, until: Some(due), ends: format!("it is tried again at {}", seconds(due)) }
                }
                None => Judgement::Run { version, asked: false },
            }
        }
    }
}

/// A failure as it may be shown: the server's primary message without what may be a value.
///
/// Syntax errors and errors of class 22 quote the text or a value; the place in the text is told instead. Of an entry from a Secret
/// nothing is quoted at all.
pub fn failure_message(entry: &Entry, code: &str, message: &str, line: Option<usize>) -> String {
    let secret = matches!(entry.source, Source::Secret(..));
    let text = match code {
        // Raised by the script itself: its own words.
        "P0001" if secret => "(hidden)".to_owned(),
        _ if secret || code == "42601" || code.starts_with("22") => hide_quoted(message),
        _ => mask_text(message),
    };
    let text: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(300).collect();
    line.map_or(text.clone(), |line| format!("{text} (line {line})"))
}

/// Everything between the first and the last quotation mark, because a value may hold one itself.
fn hide_quoted(message: &str) -> String {
    let mark = |character: char| matches!(character, '"' | '\'' | '«' | '»' | '„' | '“' | '”');
    match (message.find(mark), message.rfind(mark)) {
        (Some(first), Some(last)) if first < last => {
            let after = message[last..].chars().next().map_or(0, char::len_utf8);
            format!("{}(hidden){}", &message[..first], &message[last + after..])
        }
        (Some(first), _) => format!("{}(hidden)", &message[..first]),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// A cluster that refers to scripts, and the scripts, from YAML.
    fn manifests(text: &str) -> Vec<Object> {
        let documents: Vec<Value> = text.split("---\n").map(|document| serde_yaml::from_str(document).unwrap()).collect();
        documents.into_iter().map(Object::new).collect()
    }

    fn wanted(cluster: &str, script: &str) -> ManagedSql {
        let text = format!(
            "kind: SGCluster\nmetadata: {{name: c}}\nspec: {{managedSql: {{{cluster} scripts: [{{sgScript: a}}, {{sgScript: b}}]}}}}\n---\nkind: SGScript\nmetadata: {{name: a}}\nspec: {{{script}}}\n---\nkind: SGScript\nmetadata: {{name: b}}\nspec: {{scripts: [{{script: last}}]}}\n"
        );
        let mut sql = ManagedSql::of(&manifests(&text));
        for entry in sql.scripts.iter_mut().flat_map(|script| &mut script.entries) {
            match entry.source.clone() {
                Source::Inline(text) => entry.take(Ok(&text)),
                Source::Secret(name, _) | Source::ConfigMap(name, _) => entry.take(Err(format!("there is no {name}"))),
            }
        }
        sql
    }

    /// The world: what is wanted, what is recorded, the time.
    struct World {
        sql: ManagedSql,
        progress: Progress,
        requests: Requests,
        now: i64,
    }

    impl World {
        fn new(sql: ManagedSql) -> Self {
            Self { sql, progress: Progress::default(), requests: Requests::default(), now: 0 }
        }

        fn want(&mut self, mut sql: ManagedSql) {
            sql.number(&self.progress);
            self.progress = self.progress.tidied(&sql, &self.requests);
            self.sql = sql;
        }

        fn ask(&mut self, annotation: &str, value: &str) {
            let cluster = json!({"kind": "SGCluster", "metadata": {"annotations": {annotation: value}}});
            self.requests = Requests::of(&Object::new(cluster));
            self.progress = self.progress.tidied(&self.sql, &self.requests);
        }

        fn next(&self) -> NextScript {
            next_script(&self.sql, &self.progress, &self.requests, at(self.now))
        }

        fn begin(&mut self) -> (String, i64, Place) {
            let NextScript::Run { place, version, asked } = self.next() else { panic!("{:?}", self.next()) };
            self.progress = self.progress.started(&self.sql, place, version, asked, at(self.now));
            // What is written is what is read.
            let status = json!({"status": {"managedSql": self.progress.to_value()}});
            assert_eq!(Progress::read(&Object::new(status)).as_ref(), Ok(&self.progress));
            let (script, entry) = self.sql.at(place);
            (format!("{}/{}", script.name, entry.id), version, place)
        }

        /// Runs the next entry; gives its name and version.
        fn run(&mut self, outcome: Outcome) -> (String, i64) {
            let (name, version, place) = self.begin();
            self.progress = self.progress.ended(&self.sql, place, outcome, at(self.now));
            (name, version)
        }

        /// Runs everything that is due, each with success.
        fn run_all(&mut self) -> Vec<String> {
            let mut ran = Vec::new();
            while matches!(self.next(), NextScript::Run { .. }) {
                let (name, version) = self.run(Outcome::Done);
                ran.push(format!("{name} v{version}"));
                assert!(ran.len() < 20, "{ran:?}");
            }
            ran
        }

        fn waits(&self) -> (&'static str, Option<Timestamp>, String) {
            match self.next() {
                NextScript::Wait { reason, until, what, ends } => (reason, until, format!("{what}; {ends}")),
                other => panic!("{other:?}"),
            }
        }
    }

    fn failed() -> Outcome {
        Outcome::Failed { code: "42P01".to_owned(), message: "relation \"x\" does not exist".to_owned() }
    }

    const TWO: &str = "scripts: [{id: 0, script: one}, {id: 5, script: two}]";

    #[test]
    fn entries_run_in_order_and_once() {
        let mut world = World::new(wanted("", TWO));
        assert_eq!(world.run_all(), ["a/0 v0", "a/5 v0", "b/0 v0"]);
        assert_eq!(world.next(), NextScript::Done);
        let list = &world.progress.scripts[0];
        assert!(list.completed_at.is_some() && list.failed_at.is_none() && list.scripts[0].intents == 1);
    }

    #[test]
    fn a_changed_entry_runs_again_and_no_other() {
        let mut world = World::new(wanted("", TWO));
        world.run_all();
        world.want(wanted("", "scripts: [{id: 0, script: one}, {id: 5, script: two again}]"));
        assert_eq!(world.run_all(), ["a/5 v1"]);
        world.want(wanted("", "scripts: [{id: 0, script: one, database: other}, {id: 5, script: two again, user: me}]"));
        assert_eq!(world.run_all(), ["a/0 v1", "a/5 v2"]);
        world.want(wanted("", "scripts: [{id: 0, script: one, database: other, wrapInTransaction: serializable}, {id: 5, script: two again, user: me, version: 9}]"));
        assert_eq!(world.run_all(), ["a/0 v2", "a/5 v9"]);
        // Whether to try again after a failure says nothing about what was done.
        world.want(wanted("", "continueOnError: true, scripts: [{id: 0, script: one, database: other, wrapInTransaction: serializable, name: x}, {id: 5, script: two again, user: me, version: 9, retryOnError: true}]"));
        assert_eq!(world.run_all(), [""; 0]);
    }

    /// Written versions alone decide where a person manages them; a text that was edited in between is no wish.
    #[test]
    fn without_managed_versions_a_raised_version_runs_again() {
        let unmanaged = |entry: &str| wanted("", &format!("managedVersions: false, scripts: [{{id: 0, {entry}}}]"));
        let mut world = World::new(unmanaged("version: 3, script: one"));
        assert_eq!(world.run_all()[0], "a/0 v3");
        world.want(unmanaged("version: 3, script: changed"));
        assert_eq!(world.run_all(), [""; 0]);
        world.want(unmanaged("version: 2, script: changed"));
        assert_eq!(world.run_all(), [""; 0], "versions only rise");
        world.want(unmanaged("version: 4, script: changed"));
        assert_eq!(world.run_all(), ["a/0 v4"]);
        // Handed over to managed versions: what ran is known by its digest.
        world.want(wanted("", "scripts: [{id: 0, version: 4, script: changed}]"));
        assert_eq!(world.run_all(), [""; 0]);
    }

    /// An insert at the front must not run every entry behind it again.
    #[test]
    fn entries_without_ids_keep_their_records_when_others_come_before_them() {
        let mut world = World::new(wanted("", "scripts: [{script: one}, {script: two}]"));
        world.want(world.sql.clone());
        assert_eq!(world.run_all(), ["a/0 v0", "a/1 v0", "b/0 v0"]);
        world.want(wanted("", "scripts: [{script: new}, {script: one}, {script: two}]"));
        assert_eq!(world.run_all(), ["a/2 v0"]);
        world.want(wanted("", "scripts: [{script: two}, {script: new}, {script: one edited}]"));
        assert_eq!(world.run_all(), ["a/3 v0"], "edited and moved at once: nobody can know that it was the same");
        world.want(wanted("", "scripts: [{script: two edited}]"));
        assert_eq!(world.run_all(), ["a/0 v0"]);
        world.want(wanted("", "scripts: [{script: two edited}, {id: 0, script: written}]"));
        let ids: Vec<i64> = world.sql.scripts[0].entries.iter().map(|entry| entry.id).collect();
        assert_eq!(ids[1], 0);
        assert_ne!(ids[0], 0, "a written id is nobody else's");
    }

    #[test]
    fn a_failure_stops_what_comes_after_it() {
        let mut world = World::new(wanted("", TWO));
        world.run(failed());
        let (reason, until, text) = world.waits();
        assert_eq!((reason, until), ("Failed", None));
        assert!(text.contains("a/0 failed: 42P01") && text.contains("stackgres.io/run-script=a/0"), "{text}");
        assert!(world.progress.scripts[0].failed_at.is_some() && world.progress.scripts[0].completed_at.is_none());
        // New content is what it waits for.
        world.want(wanted("", "scripts: [{id: 0, script: one corrected}, {id: 5, script: two}]"));
        assert_eq!(world.run_all(), ["a/0 v1", "a/5 v0", "b/0 v0"]);
        assert_eq!(world.progress.scripts[0].failed_at, None);
    }

    #[test]
    fn a_failure_is_passed_over_where_the_flags_say_so() {
        let mut world = World::new(wanted("", &format!("continueOnError: true, {TWO}")));
        world.run(failed());
        assert_eq!(world.run_all(), ["a/5 v0"], "the next script waits for its own flag");
        assert_eq!(world.waits().0, "Failed");

        let mut world = World::new(wanted("continueOnSGScriptError: true,", TWO));
        world.run(failed());
        assert_eq!(world.run_all(), ["b/0 v0"], "the entries behind it wait for their own flag");
        assert_eq!(world.waits().0, "Failed", "a failure is not forgotten because others went on");
    }

    #[test]
    fn a_failed_entry_is_tried_again_with_longer_and_longer_pauses() {
        let mut world = World::new(wanted("", "scripts: [{id: 0, script: one, retryOnError: true}]"));
        for pause in [10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(world.run(failed()), ("a/0".to_owned(), 0));
            assert_eq!(world.waits().1, Some(at(world.now + pause)));
            world.now += pause - 1;
            world.waits();
            world.now += 1;
        }
        assert_eq!(world.run_all(), ["a/0 v0", "b/0 v0"]);
        let record = &world.progress.scripts[0].scripts[0];
        assert_eq!((record.intents, &record.failure, &record.failure_code), (8, &None, &None));
    }

    /// The process died in the middle: what began is settled before anything else runs.
    #[test]
    fn what_began_is_settled_first() {
        for (entry, wrapped) in [("script: one", false), ("script: one, wrapInTransaction: read-committed", true)] {
            let mut world =
                World::new(wanted("", &format!("continueOnError: true, scripts: [{{id: 0, {entry}}}, {{id: 1, script: two}}]")));
            let (_, _, place) = world.begin();
            assert_eq!(world.next(), NextScript::Settle(place));
            let record = &world.progress.scripts[0].scripts[0];
            assert_eq!((record.wrapped, record.database.as_deref()), (wrapped, Some("postgres")));
            // Changed meanwhile: first it must be known what became of the old one.
            world.want(wanted("", &format!("scripts: [{{id: 0, {entry} x}}, {{id: 1, script: two}}]").replace(" x}", ", database: x}")));
            assert_eq!(world.next(), NextScript::Settle(place));
        }
    }

    #[test]
    fn an_unknown_end_is_not_run_again_unasked() {
        let mut world = World::new(wanted("", TWO));
        world.run(Outcome::Unknown);
        let (reason, until, text) = world.waits();
        assert_eq!((reason, until), ("Unknown", None));
        assert!(text.contains("stackgres.io/run-script=a/0") && text.contains("stackgres.io/script-done=a/0"), "{text}");
        world.now += 100_000;
        world.waits();
        // Asked for, it runs once, however long the annotation stays.
        world.ask(RUN_SCRIPT, "other/0, a/0");
        assert_eq!(world.run(failed()).0, "a/0");
        assert_eq!(world.waits().0, "Failed");
        world.ask("nothing", "");
        world.ask(RUN_SCRIPT, "a/0");
        assert_eq!(world.run_all(), ["a/0 v0", "a/5 v0", "b/0 v0"]);
        assert_eq!(world.next(), NextScript::Done);
    }

    #[test]
    fn a_person_may_say_that_an_unknown_one_is_done() {
        let mut world = World::new(wanted("", TWO));
        world.run(Outcome::Unknown);
        world.ask(SCRIPT_DONE, "a/0");
        let NextScript::TakeAsDone(place) = world.next() else { panic!("{:?}", world.next()) };
        world.progress = world.progress.ended(&world.sql, place, Outcome::Done, at(0));
        assert_eq!(world.run_all(), ["a/5 v0", "b/0 v0"]);
    }

    #[test]
    fn one_that_left_nothing_behind_runs_again() {
        let mut world = World::new(wanted("", "scripts: [{id: 0, script: one, wrapInTransaction: read-committed}]"));
        world.run(Outcome::NotRun);
        let first = world.progress.scripts[0].scripts[0].run();
        assert_eq!(world.run(Outcome::Done).0, "a/0");
        assert_ne!(world.progress.scripts[0].scripts[0].run(), first, "the marker of one run is not that of another");
    }

    /// A Secret that cannot be read is unknown, never changed and never empty.
    #[test]
    fn a_source_that_is_missing_is_waited_for() {
        let secret = "scripts: [{id: 0, scriptFrom: {secretKeyRef: {name: s, key: k}}}]";
        let mut world = World::new(wanted("", secret));
        assert_eq!(world.waits().0, "SourceMissing");
        world.sql.scripts[0].entries[0].take(Ok("one"));
        assert_eq!(world.run_all(), ["a/0 v0", "b/0 v0"]);
        world.want(wanted("", secret));
        assert_eq!(world.next(), NextScript::Done);
    }

    #[test]
    fn what_is_no_longer_referred_to_is_forgotten() {
        let mut world = World::new(wanted("", TWO));
        world.run_all();
        world.want(wanted("", "scripts: [{id: 5, script: two}]"));
        assert_eq!(world.progress.scripts[0].scripts.len(), 1);
        assert!(Progress::read(&Object::new(json!({"status": {"managedSql": {"scripts": 1}}}))).is_err(), "unreadable is not empty");
    }

    /// Statuses and events are read by more people than scripts are.
    #[test]
    fn failures_show_no_values() {
        let of = |script: &str| entry(&serde_yaml::from_str(script).unwrap());
        let inline = of("script: a");
        let secret = of("scriptFrom: {secretKeyRef: {name: a, key: b}}");
        for (entry, code, message, shown) in [
            (&inline, "42P01", "relation \"x\" does not exist", "relation \"x\" does not exist (line 3)"),
            (
                &inline,
                "42601",
                "unterminated quoted string at or near \"'hunter2\"",
                "unterminated quoted string at or near (hidden) (line 3)",
            ),
            (
                &inline,
                "22P02",
                "invalid input syntax for type integer: \"hunter2\"",
                "invalid input syntax for type integer: (hidden) (line 3)",
            ),
            (&inline, "P0001", "password=hunter2", "password=(hidden) (line 3)"),
            (&secret, "42P01", "relation \"hunter2\" does not exist", "relation (hidden) does not exist (line 3)"),
            (&secret, "P0001", "hunter2", "(hidden) (line 3)"),
        ] {
            assert_eq!(failure_message(entry, code, message, Some(3)), shown);
        }
    }
}
