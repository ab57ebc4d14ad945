//! What a cluster wants to be run, as its revision says.

use super::progress::Progress;
use crate::model::{Digest, Object};
use serde_json::{Value, json};

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

pub(super) fn entry(value: &Value) -> Entry {
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

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Position of the script.
    pub script: usize,
    /// Position of the entry in it.
    pub entry: usize,
}
