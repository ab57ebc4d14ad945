//! The process: triggers, leadership, passes one at a time, an orderly end.

use super::census::Census;
use super::claims;
use super::cluster_pass::{ClusterPass, cluster_pass, write_status};
use super::facts::{CHILDREN, Facts, OURS};
use super::fleet_pass::{FleetPass, drift_of, fleet_pass};
use super::operations::without_cluster;
use super::pod_check::PodChecks;
use super::promotion::Renewals;
use super::reloads::Reloads;
use super::rollout::Rollouts;
use super::secrets::SecretWorks;
use super::settings_of::cache_folder;
use super::source::{SourceOptions, Sources};
use super::switchover::SwitchoverWorks;
use super::works::Works;
use crate::api::KINDS;
use crate::engine::offline::{Options, Report, check_manifests};
use crate::engine::view::{self, View};
use crate::kubernetes::{Class, Cluster, KubernetesError, Leadership, lead, resource, watch};
use crate::load::Manifest;
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::resolve::{Settings, config_maps_of};
use crate::rollout::Drift;
use crate::status::Condition;
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// How to run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Images and versions.
    pub settings: Settings,
    /// Namespace of the lease.
    pub namespace: String,
    /// Name of the lease; `None` runs without an election.
    pub lease: Option<String>,
    /// This replica's name.
    pub identity: String,
    /// Longest time between two passes.
    pub interval: Duration,
    /// What fleets may name as their source.
    pub sources: SourceOptions,
    /// Whether the instances are simulated, so that there is no PostgreSQL to ask.
    pub simulated: bool,
    /// Whether to keep the read model of the page; it needs the right to list events.
    pub view: bool,
}

/// Why the process had to end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The API server said no at the start.
    #[error(transparent)]
    Kubernetes(#[from] KubernetesError),
    /// Another operator manages these kinds.
    #[error("another operator of stackgres.io runs here: the Deployment {0}")]
    AnotherOperator(ObjectKey),
    /// The lease could no longer be kept.
    #[error("the leadership task ended")]
    LeaseLost,
}

/// What the health endpoints tell.
#[derive(Debug, Default)]
pub struct State {
    /// Whether the API server was read at least once.
    pub ready: AtomicBool,
    /// Whether this replica leads.
    pub leads: AtomicBool,
    /// Passes done.
    pub passes: AtomicU64,
    /// Passes that failed as a whole.
    pub failures: AtomicU64,
    /// Fleets and clusters by state, as the last pass saw them.
    pub census: std::sync::Mutex<Census>,
    /// When the pass at hand began, in seconds since 1970; 0 between passes.
    pub began: AtomicI64,
    /// When the last pass that succeeded ended, in seconds since 1970; 0 before it.
    pub ended: AtomicI64,
    /// What the last pass saw; empty unless [`RunOptions::view`] is set.
    pub view: tokio::sync::watch::Sender<Arc<View>>,
}

impl State {
    /// Shows this from now on, and wakes up whoever looks, if it differs.
    pub(super) fn keep_view(&self, fresh: View) {
        self.view.send_if_modified(|old| {
            let differs = **old != fresh;
            if differs {
                *old = Arc::new(fresh);
            }
            differs
        });
    }

    /// Whether a pass hangs, so that the process had better begin anew.
    pub fn hangs(&self) -> bool {
        let began = self.began.load(Ordering::Relaxed);
        began != 0 && now().as_second() - began > HUNG
    }
}

/// First and longest delay after a failure of one object.
const BACKOFF: (u64, u64) = (2, 300);

/// Shortest and longest pause between two passes.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Until the API server is asked again whether this process may begin.
const AGAIN: Duration = Duration::from_secs(2);

/// A pass that takes longer hangs: every request has a deadline.
const HUNG: i64 = 1_800;

/// How long a script may go on when the process is asked to end.
const SCRIPTS_END: Duration = Duration::from_secs(10);

/// What is kept between passes. Losing it costs a look at each source and a try of what failed; it decides nothing.
struct Memory {
    delays: BTreeMap<ObjectKey, (u64, Timestamp)>,
    sources: Sources,
    /// Text of the last plan of each fleet that held a change.
    plans: BTreeMap<NamespacedName, String>,
    /// Scripts under way.
    scripts: Works,
    /// Certificates and credentials that change.
    secrets: SecretWorks,
    /// Switchovers under way.
    switchovers: SwitchoverWorks,
    /// Calls to Patroni that are due.
    reloads: Reloads,
    /// Revisions whose pods the API server would take.
    pod_checks: PodChecks,
    /// Steps of changes that are under way.
    rollouts: Rollouts,
    /// What this program makes of released revisions.
    renewals: Renewals,
}

/// Runs until `stop`.
pub async fn run(api: Cluster, options: RunOptions, state: Arc<State>, stop: CancellationToken) -> Result<(), RunError> {
    // Nothing is done before this is known once. An API server in trouble is waited for: a process that ends is started again later
    // and later.
    while let Err(error) = refuse_beside_another(&api).await {
        match error {
            RunError::Kubernetes(error) if error.is_general() => {
                tracing::warn!(%error, "not known whether another operator runs here; asked again");
            }
            other => return Err(other),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
    let (hints, mut hinted) = mpsc::channel(1);
    let mut tasks = tokio::task::JoinSet::new();
    let own = KINDS.iter().map(|kind| (kind.kind, ""));
    let children = CHILDREN.iter().filter(|kind| **kind != "PodMonitor").map(|kind| (*kind, OURS));
    for (found, labels) in own.chain(children).filter_map(|(kind, labels)| Some((resource(kind)?, labels))) {
        for namespace in api.namespaces() {
            tasks.spawn(watch(api.client(), found, namespace, labels, hints.clone()));
        }
    }
    let mut leadership: Option<Leadership> = match &options.lease {
        Some(lease) => Some(lead(api.client(), &options.namespace, lease, &options.identity).await?),
        None => None,
    };
    // Asked before every single write: a pass may outlast the lease.
    let api = match &leadership {
        Some(leadership) => {
            let leads = leadership.leads.clone();
            api.fenced(move || *leads.borrow())
        }
        None => api,
    };
    let sources = Sources::new(options.sources.clone(), hints.clone(), &stop);
    let mut memory = Memory {
        plans: BTreeMap::new(),
        delays: BTreeMap::new(),
        sources,
        scripts: Works::new("scripts", hints.clone()),
        secrets: SecretWorks::new(hints.clone(), options.simulated),
        switchovers: SwitchoverWorks::new(hints.clone(), options.simulated),
        reloads: Reloads::default(),
        pod_checks: PodChecks::default(),
        rollouts: Rollouts::new(hints.clone(), options.simulated),
        renewals: Renewals::default(),
    };
    let mut wait = Duration::ZERO;
    let mut pause = SHORTEST;
    loop {
        let lost = async {
            match &mut leadership {
                Some(leadership) => drop((&mut leadership.task).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = lost => return Err(RunError::LeaseLost),
            _ = hinted.recv() => tokio::time::sleep(pause).await,
            () = tokio::time::sleep(wait) => {}
        }
        // Hints that came meanwhile mean the same pass.
        while hinted.try_recv().is_ok() {}
        let leads = leadership.as_ref().is_none_or(|leadership| *leadership.leads.borrow());
        state.leads.store(leads, Ordering::Relaxed);
        if !leads {
            state.ready.store(true, Ordering::Relaxed);
            wait = Duration::from_secs(1);
            continue;
        }
        match refuse_beside_another(&api).await {
            Err(error @ RunError::AnotherOperator(_)) => return Err(error),
            Err(error) => tracing::warn!(%error, "not known whether another operator runs here"),
            Ok(()) => {}
        }
        wait = options.interval;
        let number = state.passes.fetch_add(1, Ordering::Relaxed);
        let span = tracing::info_span!("pass", number);
        let halt = || stop.is_cancelled() || leadership.as_ref().is_some_and(|leadership| !*leadership.leads.borrow());
        let (began, written) = (now(), api.writes());
        state.began.store(began.as_second(), Ordering::Relaxed);
        let result = pass(&api, &options.settings, &state, &mut memory, &halt).instrument(span).await;
        state.began.store(0, Ordering::Relaxed);
        // Half of the time is left to the API server, however many objects there are.
        pause = Duration::try_from(now().duration_since(began)).unwrap_or_default().clamp(SHORTEST, LONGEST_PAUSE);
        match result {
            Ok(sooner) => {
                state.ended.store(now().as_second(), Ordering::Relaxed);
                wait = sooner.map_or(wait, |sooner| wait.min(sooner));
                // What was just written may be what something else waits for.
                if api.writes() != written {
                    wait = wait.min(pause);
                }
                if options.view {
                    show(&api, &state, &memory).await;
                }
            }
            Err(error) => {
                state.failures.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, "the pass failed");
                wait = Duration::from_secs(2);
            }
        }
    }
    tokio::join!(
        memory.scripts.end(SCRIPTS_END),
        memory.secrets.works.end(SCRIPTS_END),
        memory.switchovers.works.end(SCRIPTS_END),
        memory.rollouts.works().end(SCRIPTS_END)
    );
    tasks.shutdown().await;
    Ok(())
}

/// Keeps what the page shows. A failure leaves the last one in place.
async fn show(api: &Cluster, state: &State, memory: &Memory) {
    let read = async {
        let facts = Facts::read(api).await?;
        Ok::<_, KubernetesError>((facts, api.list("Event", None, "").await?))
    };
    let (facts, events) = match read.await {
        Ok(read) => read,
        Err(error) => {
            tracing::debug!(%error, "the view is not renewed");
            return;
        }
    };
    let fleet = |object: &Object| view::fleet(object, memory.plans.get(&object.namespaced_name()).map_or("", String::as_str));
    let fresh = View {
        fleets: facts.of_kind("SGFleet").map(fleet).collect(),
        clusters: facts.of_kind("SGCluster").map(view::cluster).collect(),
        events: view::events(&events),
    };
    state.keep_view(fresh);
}

/// Two operators of one API group would undo each other's work.
async fn refuse_beside_another(api: &Cluster) -> Result<(), RunError> {
    match api.list("Deployment", None, "app=stackgres-operator").await {
        Ok(found) => match found.first() {
            Some(other) => Err(RunError::AnotherOperator(other.key())),
            None => Ok(()),
        },
        Err(error) => Err(error.into()),
    }
}

#[expect(clippy::disallowed_methods, reason = "the engine is where the clock is read; every stage gets it as an argument")]
/// The time.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// One pass. Gives back when to look again if something failed or a source is due.
async fn pass(
    api: &Cluster,
    settings: &Settings,
    state: &State,
    memory: &mut Memory,
    halt: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Duration>, KubernetesError> {
    let Memory { delays, sources, plans, scripts, secrets, switchovers, reloads, pod_checks, rollouts, renewals } = memory;
    let began = now();
    let facts = Facts::read(api).await?;
    state.ready.store(true, Ordering::Relaxed);
    let known: Vec<NamespacedName> = facts.of_kind("SGFleet").map(Object::namespaced_name).collect();
    sources.keep(&known);
    let used: Vec<_> = facts.of_kind("SGFleet").map(|fleet| cache_folder(sources.cache(), fleet)).collect();
    sources.tidy(&used);
    plans.retain(|fleet, _| known.contains(fleet));
    delays.retain(|key, _| facts.own.contains_key(key));
    let mut fleets: BTreeMap<String, Drift> = BTreeMap::new();
    for fleet in facts.of_kind("SGFleet") {
        if halt() {
            return Ok(None);
        }
        let drift = drift_of(fleet);
        fleets.insert(fleet.namespaced_name().to_string(), drift);
        if fleet.get("/metadata/deletionTimestamp").is_some() || !is_due(delays, &fleet.key()) {
            continue;
        }
        let one = FleetPass { api, fleet, facts: &facts, settings, drift, halt, now: now() };
        let span = tracing::info_span!("fleet", name = %fleet.namespaced_name());
        let result = fleet_pass(&one, sources, plans).instrument(span).await;
        note(api, delays, fleet, result).await;
    }
    // The fleets may have written custom resources and releases.
    let facts = Facts::read(api).await?;
    let known = |name: &NamespacedName| facts.of_kind("SGCluster").any(|cluster| cluster.namespaced_name() == *name);
    scripts.keep(known);
    secrets.works.keep(known);
    rollouts.works().keep(known);
    switchovers.works.keep(known);
    reloads.keep(known);
    pod_checks.keep(known);
    renewals.keep(known);
    let live = check_live(api, &facts, settings).await?;
    for cluster in facts.of_kind("SGCluster") {
        if halt() {
            return Ok(None);
        }
        if cluster.get("/metadata/deletionTimestamp").is_some() || !is_due(delays, &cluster.key()) {
            continue;
        }
        let drift = claims::named(cluster).and_then(|fleet| fleets.get(fleet)).copied().unwrap_or(Drift::Revert);
        let name: NamespacedName = cluster.namespaced_name();
        let one = ClusterPass {
            api,
            cluster,
            facts: &facts,
            live: &live,
            drift,
            scripts,
            secrets,
            switchovers,
            reloads,
            pod_checks,
            rollouts,
            settings,
            renewals,
            now: now(),
        };
        let result = Box::pin(cluster_pass(&one)).instrument(tracing::info_span!("cluster", %name)).await;
        note(api, delays, cluster, result).await;
    }
    without_cluster(api, &facts, now()).await?;
    if let Ok(mut census) = state.census.lock() {
        *census = Census::of(&facts);
    }
    super::marks::keep(api, &facts).await?;
    let soonest = delays
        .values()
        .map(|(_, due)| *due)
        .chain(sources.soonest())
        .chain(scripts.soonest(began))
        .chain(secrets.works.soonest(began))
        .chain(rollouts.works().soonest(began))
        .chain(switchovers.works.soonest(began))
        .chain(reloads.soonest())
        .min();
    Ok(soonest.map(|due| Duration::try_from(due.duration_since(now())).unwrap_or_default().max(SHORTEST)))
}

/// What the live manifests say, with the ConfigMaps that clusters without a fleet refer to.
async fn check_live(api: &Cluster, facts: &Facts, settings: &Settings) -> Result<Report, KubernetesError> {
    let mut manifests: Vec<Manifest> =
        facts.own.values().filter(|object| object.kind() != "SGFleet").cloned().map(Manifest::live).collect();
    let mut wanted = BTreeSet::new();
    for cluster in facts.of_kind("SGCluster").filter(|cluster| claims::named(cluster).is_none()) {
        let namespace = cluster.namespace().unwrap_or_default();
        let scripts = facts.of_kind("SGScript").filter(|script| script.namespace() == cluster.namespace());
        let names = std::iter::once(cluster).chain(scripts).flat_map(config_maps_of);
        wanted.extend(names.map(|name| ObjectKey::new("v1", "ConfigMap", Some(namespace), &name)));
    }
    for key in wanted {
        manifests.extend(api.get(&key).await?.map(Manifest::live));
    }
    let options = Options { settings: facts.settings(settings), ..Options::default() };
    Ok(check_manifests(manifests, BTreeSet::new(), &options))
}

fn is_due(delays: &BTreeMap<ObjectKey, (u64, Timestamp)>, key: &ObjectKey) -> bool {
    delays.get(key).is_none_or(|(_, due)| *due <= now())
}

/// One object's failure delays that object alone, longer each time, and is told in its conditions.
async fn note(api: &Cluster, delays: &mut BTreeMap<ObjectKey, (u64, Timestamp)>, object: &Object, result: Result<(), KubernetesError>) {
    let key = object.key();
    let Err(error) = result else {
        delays.remove(&key);
        return;
    };
    let delay = delays.get(&key).map_or(BACKOFF.0, |(delay, _)| (delay * 2).min(BACKOFF.1));
    tracing::warn!(%error, object = %key, delay, "failed; other objects go on");
    let due = now().checked_add(jiff::SignedDuration::from_secs(i64::try_from(delay).unwrap_or(60))).unwrap_or_else(|_| now());
    delays.insert(key, (delay, due));
    // A conflict means that somebody else wrote at the same moment; the next pass looks again.
    if error.is_general() || error.class == Class::Conflict {
        return;
    }
    let message = format!("{error}; it is tried again");
    let conditions = [
        Condition::new("Stalled", Some(true), "RequestFailed", message.clone()),
        Condition::new("Ready", Some(false), "RequestFailed", message),
    ];
    if let Err(error) = write_status(api, object, json!({}), &conditions, now()).await {
        tracing::debug!(%error, "the failure could not be told");
    }
}
