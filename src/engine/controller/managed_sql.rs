//! Managed SQL of one cluster, carried out.
//!
//! A script takes as long as it takes, so it runs beside the passes: a pass decides and starts one task a cluster, which runs one
//! entry after another and reads everything again before each. Before an entry runs, its start stands in the status, under the
//! object's version, and its session holds a lock in the database; so of two controllers one runs it, and a run whose controller
//! died is waited for before it is judged.

use super::cluster_pass::{ClusterPass, STATUS_MANAGER};
use super::events::tell;
use super::reach::{not_ready, primary};
use super::run::now;
use super::script_session::{Ran, Session, run_entry, what_became};
use super::works::{Note, SharedNote};
use crate::health::Instances;
use crate::instance::{InstanceError, Limits};
use crate::kubernetes::{Class, Cluster, KubernetesError};
use crate::model::{NamespacedName, Object, ObjectKey, SecretText};
use crate::render::revision::Revision;
use crate::rollout::{ManagedSql, NextScript, Outcome, Place, Progress, Requests, Source, State, failure_message, next_script};
use crate::status::Condition;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often one task tries to write what somebody else wrote meanwhile.
const CONFLICTS: usize = 20;

/// One look at the managed SQL of a cluster: says how it is, and begins what is due. Only the running revision counts.
pub(super) async fn managed_sql(pass: &ClusterPass<'_>, running: Option<&Revision>, seen: &Instances, conditions: &mut Vec<Condition>) {
    let ClusterPass { api, cluster, scripts, now, .. } = *pass;
    let name = cluster.namespaced_name();
    let recorded = cluster.text("/status/running/revision");
    let Some(running) = running.filter(|running| recorded == Some(running.name().as_str())) else { return };
    if ManagedSql::of(&running.manifests).scripts.is_empty() {
        scripts.forget(&name);
        if cluster.condition("ManagedSql").is_some() {
            conditions.push(Condition::new("ManagedSql", Some(true), "NoScripts", ""));
        }
        return;
    }
    if running.effective.replicate_from.is_some() {
        scripts.forget(&name);
        let message =
            "a standby cluster takes no writes: what the source ran comes with its data, and entries run here after the promotion";
        return say(conditions, cluster, Some(false), "StandbyCluster", message.to_owned());
    }
    let (left, busy) = scripts.look(&name);
    if busy {
        under_way(conditions, cluster, &left);
        return;
    }
    // What cannot be read holds back the scripts, and nothing else of the cluster.
    let view = match View::read(api, cluster, running, now).await {
        Ok(Ok(view)) => view,
        Ok(Err(problem)) => return say(conditions, cluster, Some(false), "StatusUnreadable", problem),
        Err(error) => return say(conditions, cluster, Some(false), "Waiting", error.to_string()),
    };
    match &view.next {
        NextScript::Done if !view.untidy => {
            scripts.forget(&name);
            say(conditions, cluster, Some(true), "Applied", String::new());
            return;
        }
        NextScript::Wait { reason, what, until, ends } if !view.untidy => {
            scripts.rest(&name, *until);
            say(conditions, cluster, Some(false), reason, format!("{what}; {ends}"));
            return;
        }
        _ => {}
    }
    if let Some(why) = not_ready(seen) {
        scripts.forget(&name);
        say(conditions, cluster, Some(false), "PrimaryNotReady", format!("scripts wait: {why}"));
        return;
    }
    under_way(conditions, cluster, &left);
    if left.may_try(now) {
        let note = SharedNote::after(left);
        let task = Task {
            api: api.clone(),
            key: cluster.key(),
            uid: cluster.uid().unwrap_or_default().to_owned(),
            revision: running.clone(),
            limits: scripts.limits.clone(),
            note: note.clone(),
            ending: scripts.ending.clone(),
        };
        scripts.start(&name, note, task.carry_on());
    }
}

fn under_way(conditions: &mut Vec<Condition>, cluster: &Object, note: &Note) {
    let (reason, message) = match note {
        Note { doing: Some(entry), .. } => ("Running", format!("the entry {entry} runs")),
        Note { trouble: Some(trouble), .. } => ("Waiting", trouble.clone()),
        Note { .. } => ("Running", "scripts are about to run".to_owned()),
    };
    say(conditions, cluster, Some(false), reason, message);
}

/// Says how managed SQL is. The first full success stays said.
fn say(conditions: &mut Vec<Condition>, cluster: &Object, status: Option<bool>, reason: &str, message: String) {
    conditions.push(Condition::new("ManagedSql", status, reason, message.clone()));
    if !cluster.is_true("InitialScriptsApplied") {
        conditions.push(Condition::new("InitialScriptsApplied", status, reason, message));
    }
}

/// What a decision is made from.
struct View {
    sql: ManagedSql,
    texts: BTreeMap<(usize, usize), SecretText>,
    progress: Progress,
    /// Whether the progress differs from what the status holds.
    untidy: bool,
    next: NextScript,
}

impl View {
    /// Reads sources and status; a status that cannot be read is told as a problem.
    async fn read(api: &Cluster, cluster: &Object, revision: &Revision, now: Timestamp) -> Result<Result<Self, String>, KubernetesError> {
        let before = match Progress::read(cluster) {
            Ok(before) => before,
            Err(problem) => return Ok(Err(problem)),
        };
        let mut sql = ManagedSql::of(&revision.manifests);
        let mut texts = BTreeMap::new();
        for (index, script) in sql.scripts.iter_mut().enumerate() {
            for (position, entry) in script.entries.iter_mut().enumerate() {
                match source(api, cluster.namespace().unwrap_or_default(), revision, &entry.source).await? {
                    Ok(text) if text.expose().contains('\0') => entry.take(Err("it holds a character that no SQL holds (NUL)".to_owned())),
                    Ok(text) => {
                        entry.take(Ok(text.expose()));
                        texts.insert((index, position), text);
                    }
                    Err(problem) => entry.take(Err(problem)),
                }
            }
        }
        sql.number(&before);
        let requests = Requests::of(cluster);
        let progress = before.tidied(&sql, &requests);
        let next = next_script(&sql, &progress, &requests, now);
        Ok(Ok(Self { untidy: progress != before, sql, texts, progress, next }))
    }

    fn text(&self, place: Place) -> SecretText {
        self.texts.get(&(place.script, place.entry)).cloned().unwrap_or_else(|| SecretText::new(""))
    }

    fn name(&self, place: Place) -> String {
        let (script, entry) = self.sql.at(place);
        format!("{}/{}", script.name, entry.id)
    }
}

/// The text of an entry. A ConfigMap that the revision holds is taken from there: what was released is what runs. Secrets are in no
/// revision and are read live, as are other ConfigMaps.
async fn source(
    api: &Cluster,
    namespace: &str,
    revision: &Revision,
    source: &Source,
) -> Result<Result<SecretText, String>, KubernetesError> {
    let (kind, name, key) = match source {
        Source::Inline(text) => return Ok(Ok(SecretText::new(text.clone()))),
        Source::Secret(name, key) => ("Secret", name, key),
        Source::ConfigMap(name, key) => ("ConfigMap", name, key),
    };
    let frozen = revision.manifests.iter().find(|object| kind == "ConfigMap" && object.kind() == kind && object.name() == name);
    let object = match frozen {
        Some(object) => Some(object.clone()),
        None => api.get(&ObjectKey::new("v1", kind, Some(namespace), name)).await?,
    };
    let Some(object) = object else { return Ok(Err(format!("there is no {kind} {name}"))) };
    let Some(text) = object.get("/data").and_then(|data| data.get(key)).and_then(Value::as_str) else {
        return Ok(Err(format!("the {kind} {name} has no key {key}")));
    };
    if kind == "ConfigMap" {
        return Ok(Ok(SecretText::new(text)));
    }
    Ok(object.secret_text(key).map(SecretText::new).ok_or_else(|| format!("the key {key} of the Secret {name} is no UTF-8 text")))
}

/// The work on one cluster.
struct Task {
    api: Cluster,
    key: ObjectKey,
    uid: String,
    revision: Revision,
    limits: Limits,
    note: SharedNote,
    ending: Arc<AtomicBool>,
}

/// What comes after a step.
enum After {
    /// Look again at once.
    Again,
    /// Leave it to a later pass, with the reason.
    Later(Option<String>),
}

impl Task {
    async fn carry_on(self) {
        let mut conflicts = 0;
        loop {
            if self.ending.load(Ordering::Relaxed) {
                return;
            }
            match Box::pin(self.step()).await {
                Ok(After::Again) => {}
                Ok(After::Later(trouble)) => {
                    return self.note.change(|note| match trouble {
                        Some(trouble) => note.trouble(trouble),
                        None => *note = Note::default(),
                    });
                }
                // A pass wrote the status meanwhile.
                Err(error) if error.class == Class::Conflict && conflicts < CONFLICTS => {
                    conflicts += 1;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "scripts are left to a later pass");
                    return self.note.change(|note| note.trouble(error.to_string()));
                }
            }
        }
    }

    async fn step(&self) -> Result<After, KubernetesError> {
        let Some(cluster) = self.api.get(&self.key).await? else { return Ok(After::Later(None)) };
        let same = cluster.uid() == Some(&self.uid) && cluster.text("/status/running/revision") == Some(&self.revision.name());
        if !same || cluster.get("/metadata/deletionTimestamp").is_some() {
            return Ok(After::Later(None));
        }
        let Ok(view) = View::read(&self.api, &cluster, &self.revision, now()).await? else { return Ok(After::Later(None)) };
        match view.next {
            NextScript::Run { place, version, asked } => self.run(&cluster, &view, place, version, asked).await,
            NextScript::Settle(place) => self.settle(&cluster, &view, place).await,
            NextScript::TakeAsDone(place) => {
                let version = view.progress.record(view.sql.at(place).0, view.sql.at(place).1).map_or(0, |record| record.version);
                let began = view.progress.started(&view.sql, place, version, false, now());
                self.write(&cluster, &began.ended(&view.sql, place, Outcome::Done, now())).await?;
                Ok(After::Again)
            }
            NextScript::Wait { .. } | NextScript::Done => {
                if view.untidy {
                    self.write(&cluster, &view.progress).await?;
                }
                Ok(After::Later(None))
            }
        }
    }

    async fn run(&self, cluster: &Object, view: &View, place: Place, version: i64, asked: bool) -> Result<After, KubernetesError> {
        let (script, entry) = view.sql.at(place);
        let began = view.progress.started(&view.sql, place, version, asked, now());
        let text = view.text(place);
        let session = match self.session(&entry.database).await? {
            Ok(session) => session,
            Err(error) => return self.not_begun(cluster, view, place, &began, error).await,
        };
        match session.take_lock().await {
            Ok(None) => {}
            Ok(Some(why)) => return Ok(After::Later(Some(format!("{} waits: {why}", view.name(place))))),
            Err(error) => return self.not_begun(cluster, view, place, &began, error).await,
        }
        if entry.isolation.is_some() {
            let marked = match session.markers().await {
                Ok(()) if entry.store_status && !asked => session.ran_before(script, entry).await,
                Ok(()) => Ok(false),
                Err(error) => Err(error),
            };
            match marked {
                Ok(false) => {}
                Ok(true) => {
                    session.close().await;
                    self.write(cluster, &began.ended(&view.sql, place, Outcome::Done, now())).await?;
                    return Ok(After::Again);
                }
                Err(error) => return self.not_begun(cluster, view, place, &began, error).await,
            }
        }
        let cluster = match self.write(cluster, &began).await {
            Ok(cluster) => cluster,
            Err(error) => {
                // In good order: the next try wants the lock.
                session.close().await;
                return Err(error);
            }
        };
        let Some(record) = began.record(script, entry) else { return Ok(After::Later(None)) };
        self.note.change(|note| note.doing(view.name(place)));
        tracing::info!(entry = %view.name(place), version, database = %entry.database, "script begins");
        let ran = run_entry(&session, script, entry, record, text.expose()).await;
        let outcome = match ran {
            Ran::Done => Outcome::Done,
            Ran::Failed { code, message, position } => {
                let line = position.map(|position| {
                    text.expose().chars().take(position.saturating_sub(1)).filter(|character| *character == '\n').count() + 1
                });
                Outcome::Failed { message: failure_message(entry, &code, &message, line), code }
            }
            Ran::Lost(error) => {
                tracing::warn!(entry = %view.name(place), %error, "the connection to a script was lost");
                return Ok(After::Later(Some(format!("the connection to {} was lost: {error}", view.name(place)))));
            }
        };
        // The lock is held until the end is recorded: nobody settles what is known here.
        let after = self.record_end(view, place, &record.run(), outcome, &cluster).await;
        session.close().await;
        after
    }

    /// The entry cannot even begin. What only waits for the server is no failure of the entry.
    async fn not_begun(
        &self,
        cluster: &Object,
        view: &View,
        place: Place,
        began: &Progress,
        error: InstanceError,
    ) -> Result<After, KubernetesError> {
        let InstanceError::Failed { code, message, .. } = &error else {
            return Ok(After::Later(Some(format!("{} waits: {error}", view.name(place)))));
        };
        if error.is_passing() {
            return Ok(After::Later(Some(format!("{} waits: {error}", view.name(place)))));
        }
        let entry = view.sql.at(place).1;
        let outcome = Outcome::Failed { code: code.clone(), message: failure_message(entry, code, message, None) };
        self.tell_failure(cluster, view, place, &outcome).await;
        self.write(cluster, &began.ended(&view.sql, place, outcome, now())).await?;
        Ok(After::Again)
    }

    /// Finds out what became of an entry that began and has no recorded end.
    async fn settle(&self, cluster: &Object, view: &View, place: Place) -> Result<After, KubernetesError> {
        let (script, entry) = view.sql.at(place);
        let Some(record) = view.progress.record(script, entry) else { return Ok(After::Later(None)) };
        let later = |why: String| Ok(After::Later(Some(format!("what became of {}: {why}", view.name(place)))));
        let session = match self.session(record.database.as_deref().unwrap_or(&entry.database)).await? {
            Ok(session) => session,
            // The database is gone, and the marker with it.
            Err(InstanceError::Failed { code, .. }) if code == "3D000" => {
                let outcome = if record.wrapped { Outcome::NotRun } else { Outcome::Unknown };
                return self.record_end(view, place, &record.run(), outcome, cluster).await;
            }
            Err(error) => return later(error.to_string()),
        };
        match session.take_lock().await {
            Ok(None) => {}
            Ok(Some(why)) => return later(why),
            Err(error) => return later(error.to_string()),
        }
        let outcome = match what_became(&session, script, record).await {
            Ok(outcome) => outcome,
            Err(error) => return later(error.to_string()),
        };
        tracing::info!(entry = %view.name(place), ?outcome, "a script without a recorded end is settled");
        let after = self.record_end(view, place, &record.run(), outcome, cluster).await;
        session.close().await;
        after
    }

    /// Records the end of a run, however often the status changes meanwhile. An end that cannot be recorded is settled later.
    async fn record_end(&self, view: &View, place: Place, run: &str, outcome: Outcome, cluster: &Object) -> Result<After, KubernetesError> {
        let (script, entry) = view.sql.at(place);
        let mut pause = Duration::from_millis(50);
        for _ in 0..200 {
            let live = match self.api.get(&self.key).await {
                Ok(Some(live)) => live,
                Ok(None) => return Ok(After::Later(None)),
                Err(error) => {
                    tracing::warn!(%error, "the end of a script is not recorded yet");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                    continue;
                }
            };
            let Ok(progress) = Progress::read(&live) else { return Ok(After::Later(None)) };
            // Another controller may have recorded it while this one waited for the lock.
            let ours = progress.record(script, entry).is_some_and(|record| record.state == State::Started && record.run() == run);
            if live.uid() != Some(&self.uid) || !ours {
                return Ok(After::Later(None));
            }
            match self.write(&live, &progress.ended(&view.sql, place, outcome.clone(), now())).await {
                Ok(_) => {
                    self.tell_failure(cluster, view, place, &outcome).await;
                    return Ok(After::Again);
                }
                Err(error) if error.class == Class::NotLeading => return Err(error),
                Err(error) if error.class == Class::Conflict => {}
                Err(error) => tracing::warn!(%error, "the end of a script is not recorded yet"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
        Ok(After::Later(Some(format!("the end of {} cannot be recorded", view.name(place)))))
    }

    async fn tell_failure(&self, cluster: &Object, view: &View, place: Place, outcome: &Outcome) {
        let name = view.name(place);
        match outcome {
            Outcome::Failed { code, message } => {
                tell(&self.api, cluster, true, "ScriptFailed", &format!("the entry {name} failed: {code} {message}"), now()).await;
            }
            Outcome::Unknown => {
                let note = format!("the entry {name} began, and its end is not known; it is not run again unasked");
                tell(&self.api, cluster, true, "ScriptUnknown", &note, now()).await;
            }
            Outcome::Done | Outcome::NotRun => {}
        }
    }

    /// Writes the progress, if nobody wrote the object meanwhile.
    async fn write(&self, cluster: &Object, progress: &Progress) -> Result<Object, KubernetesError> {
        let patch = json!({"metadata": {"resourceVersion": cluster.resource_version()}, "status": {"managedSql": progress.to_value()}});
        self.api.patch_status(&self.key, &patch, STATUS_MANAGER).await
    }

    /// A session of the superuser on the primary.
    async fn session(&self, database: &str) -> Result<Result<Session, InstanceError>, KubernetesError> {
        let name = NamespacedName::new(self.key.namespace.as_deref().unwrap_or_default(), &self.key.name);
        let (endpoint, login) = match primary(&self.api, &name, &self.revision, database).await? {
            Ok(found) => found,
            Err(reason) => return Ok(Err(InstanceError::Unreachable { address: "the primary".to_owned(), reason })),
        };
        Ok(Session::open(&self.limits, &endpoint, &login).await)
    }
}
