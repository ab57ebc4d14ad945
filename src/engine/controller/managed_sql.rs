//! Managed SQL of one cluster, carried out.
//!
//! A script takes as long as it takes, so it runs beside the passes: a pass decides and starts one task a cluster, which runs one
//! entry after another and reads everything again before each. Before an entry runs, its start stands in the status, under the
//! object's version, and its session holds a lock in the database; so of two controllers one runs it, and a run whose controller
//! died is waited for before it is judged.

use super::cluster_pass::{ClusterPass, STATUS_MANAGER};
use super::events::tell;
use super::facts::OURS;
use super::run::now;
use super::script_session::{Ran, Session, run_entry, what_became};
use crate::health::{Instances, instances};
use crate::instance::{Endpoint, InstanceError, Limits, Login, POSTGRES_PORT};
use crate::kubernetes::{Class, Cluster, KubernetesError};
use crate::model::{NamespacedName, Object, ObjectKey, SecretText};
use crate::render::revision::Revision;
use crate::rollout::{ManagedSql, NextScript, Outcome, Place, Progress, Requests, Source, State, failure_message, next_script};
use crate::status::Condition;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

/// First and longest pause, in seconds, before a primary that could not be asked is asked again.
const AGAIN: (i64, i64) = (5, 300);

/// How often one task tries to write what somebody else wrote meanwhile.
const CONFLICTS: usize = 20;

/// Runs under way. Losing them costs a look: what decides stands in statuses and databases.
pub(super) struct Scripts {
    hints: mpsc::Sender<()>,
    limits: Limits,
    works: Mutex<BTreeMap<NamespacedName, Work>>,
    ending: Arc<AtomicBool>,
}

struct Work {
    task: JoinHandle<()>,
    note: Arc<Mutex<Note>>,
}

/// What a task tells the passes.
#[derive(Debug, Clone, Default)]
struct Note {
    /// The entry that runs.
    doing: Option<String>,
    /// Why nothing was begun.
    trouble: Option<String>,
    /// When to look again.
    due: Option<Timestamp>,
    /// How many times in a row nothing was begun.
    troubles: u32,
}

impl Note {
    /// Nothing was begun, again: the pause doubles.
    fn trouble(&mut self, why: String) {
        let pause = (AGAIN.0 << self.troubles.min(10)).min(AGAIN.1);
        *self = Self {
            doing: None,
            trouble: Some(why),
            due: Some(now() + SignedDuration::from_secs(pause)),
            troubles: self.troubles.saturating_add(1),
        };
    }
}

impl Drop for Scripts {
    fn drop(&mut self) {
        for work in self.works.get_mut().unwrap_or_else(PoisonError::into_inner).values() {
            work.task.abort();
        }
    }
}

impl Scripts {
    /// None yet; the end of a task is a hint.
    pub(super) fn new(hints: mpsc::Sender<()>) -> Self {
        Self { hints, limits: Limits::default(), works: Mutex::default(), ending: Arc::default() }
    }

    /// When the soonest look is due, of those that became due after this moment: what was due before was looked at, or waits for
    /// something else.
    pub(super) fn soonest(&self, after: Timestamp) -> Option<Timestamp> {
        let works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        works.values().filter_map(|work| note_of(work).due).filter(|due| *due > after).min()
    }

    /// Forgets clusters that are gone.
    pub(super) fn keep(&self, known: impl Fn(&NamespacedName) -> bool) {
        self.works.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| known(name));
    }

    /// Begins no entry any more, and waits a while for those that run.
    pub(super) async fn end(&self, patience: Duration) {
        self.ending.store(true, Ordering::Relaxed);
        let works = std::mem::take(&mut *self.works.lock().unwrap_or_else(PoisonError::into_inner));
        let (stops, tasks): (Vec<_>, Vec<_>) = works.into_values().map(|work| (work.task.abort_handle(), work.task)).unzip();
        drop(tokio::time::timeout(patience, futures::future::join_all(tasks)).await);
        stops.iter().for_each(tokio::task::AbortHandle::abort);
    }

    /// What is known of a cluster's task, and whether it runs.
    fn look(&self, name: &NamespacedName) -> (Note, bool) {
        let works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        works.get(name).map_or_else(Default::default, |work| (note_of(work), !work.task.is_finished()))
    }

    fn start(&self, name: &NamespacedName, task: Task) {
        if self.ending.load(Ordering::Relaxed) {
            return;
        }
        let note = task.note.clone();
        let span = tracing::info_span!(parent: None, "scripts", cluster = %name);
        let hints = self.hints.clone();
        let work = async move {
            Box::pin(task.carry_on()).await;
            // A full channel holds a hint already.
            let _already_told = hints.try_send(());
        };
        let work = Work { task: tokio::spawn(work.instrument(span)), note };
        self.works.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), work);
    }

    /// Nothing is to be done before this moment.
    fn rest(&self, name: &NamespacedName, until: Option<Timestamp>) {
        let Some(due) = until else { return self.forget(name) };
        let work = Work { task: tokio::spawn(async {}), note: Arc::new(Mutex::new(Note { due: Some(due), ..Note::default() })) };
        self.works.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), work);
    }

    fn forget(&self, name: &NamespacedName) {
        self.works.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

fn note_of(work: &Work) -> Note {
    work.note.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

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
    // Only trouble holds back; the end of a pause between two tries is found by the decision itself.
    if left.trouble.is_none() || left.due.is_none_or(|due| due <= now) {
        let task = Task {
            api: api.clone(),
            key: cluster.key(),
            uid: cluster.uid().unwrap_or_default().to_owned(),
            revision: running.clone(),
            limits: scripts.limits.clone(),
            note: Arc::new(Mutex::new(Note { due: None, ..left })),
            ending: scripts.ending.clone(),
        };
        scripts.start(&name, task);
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

/// Why no script can run now.
fn not_ready(seen: &Instances) -> Option<String> {
    match seen.primary() {
        None => Some("no instance is the primary".to_owned()),
        Some(primary) if !primary.ready => Some(format!("the primary {} is not ready", primary.name)),
        Some(_) => None,
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
    note: Arc<Mutex<Note>>,
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
            match self.step().await {
                Ok(After::Again) => {}
                Ok(After::Later(trouble)) => {
                    return self.noted(|note| match trouble {
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
                    return self.noted(|note| note.trouble(error.to_string()));
                }
            }
        }
    }

    fn noted(&self, change: impl FnOnce(&mut Note)) {
        change(&mut self.note.lock().unwrap_or_else(PoisonError::into_inner));
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
        self.noted(|note| *note = Note { doing: Some(view.name(place)), ..Note::default() });
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
        let (endpoint, login) = match reach(&self.api, &name, &self.revision, database).await? {
            Ok(found) => found,
            Err(reason) => return Ok(Err(InstanceError::Unreachable { address: "the primary".to_owned(), reason })),
        };
        Ok(Session::open(&self.limits, &endpoint, &login).await)
    }
}

/// Address of the primary and the superuser's login, as they are now.
async fn reach(
    api: &Cluster,
    cluster: &NamespacedName,
    revision: &Revision,
    database: &str,
) -> Result<Result<(Endpoint, Login), String>, KubernetesError> {
    let labels = format!("{OURS},stackgres.io/cluster-name={}", cluster.name);
    let mut objects = api.list("Pod", Some(&cluster.namespace), &labels).await?;
    // The leader's lock says who leads.
    objects.extend(api.list("Endpoints", Some(&cluster.namespace), &labels).await?);
    let seen = instances(&objects);
    if let Some(why) = not_ready(&seen) {
        return Ok(Err(why));
    }
    let primary = seen.primary().map(|primary| primary.name.as_str());
    let pod = objects.iter().find(|object| object.kind() == "Pod" && Some(object.name()) == primary);
    let Some(address) = pod.and_then(|pod| pod.text("/status/podIP")).and_then(|address| address.parse().ok()) else {
        return Ok(Err("the primary has no address yet".to_owned()));
    };
    let secret = async |name: &str| api.get(&ObjectKey::new("v1", "Secret", Some(&cluster.namespace), name)).await;
    let Some(credentials) = secret(&cluster.name).await? else { return Ok(Err(format!("there is no Secret {}", cluster.name))) };
    let (Some(user), Some(password)) = (credentials.secret_text("superuser-username"), credentials.secret_text("superuser-password"))
    else {
        return Ok(Err(format!("the Secret {} has no superuser", cluster.name)));
    };
    let ssl = &revision.effective.postgres.ssl;
    let authority = if ssl.enabled.value {
        let (name, key) = ssl.certificate.clone().unwrap_or_else(|| (format!("{}-ssl", cluster.name), "ca.crt".to_owned()));
        let Some(certificate) = secret(&name).await? else { return Ok(Err(format!("there is no Secret {name}"))) };
        let Some(authority) = certificate.secret_text("ca.crt").or_else(|| certificate.secret_text(&key)) else {
            return Ok(Err(format!("the Secret {name} has no certificate authority")));
        };
        Some(authority)
    } else {
        None
    };
    let server_name = format!("{}.{}", revision.effective.scope(), cluster.namespace);
    let endpoint = Endpoint { address, port: POSTGRES_PORT, server_name, authority };
    Ok(Ok((endpoint, Login { user, password: SecretText::new(password), database: database.to_owned() })))
}
