//! The process: triggers, leadership, passes one at a time, an orderly end.

use super::cluster_pass::cluster_pass;
use super::facts::Facts;
use super::fleet_pass::{drift_of, fleet_pass};
use super::source::{SourceOptions, Sources};
use crate::api::KINDS;
use crate::engine::offline::{Options, check_manifests};
use crate::engine::view::{self, View};
use crate::kubernetes::{Cluster, KubernetesError, Leadership, lead, resource, watch};
use crate::load::Manifest;
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::resolve::Settings;
use crate::rollout::Drift;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
    /// Clusters seen in the last pass.
    pub clusters: AtomicU64,
    /// What the last pass saw; empty unless [`RunOptions::view`] is set.
    pub view: tokio::sync::watch::Sender<Arc<View>>,
}

/// First and longest delay after a failure of one object.
const BACKOFF: (u64, u64) = (2, 300);

/// Shortest pause between two passes that nothing asked for.
const SHORTEST: Duration = Duration::from_millis(200);

/// What is kept between passes. Losing it costs a look at each source and a try of what failed; it decides nothing.
struct Memory {
    delays: BTreeMap<ObjectKey, (u64, Timestamp)>,
    sources: Sources,
    /// Text of the last plan of each fleet that held a change.
    plans: BTreeMap<NamespacedName, String>,
}

/// Runs until `stop`.
pub async fn run(api: Cluster, options: RunOptions, state: Arc<State>, stop: CancellationToken) -> Result<(), RunError> {
    refuse_beside_another(&api).await?;
    let (hints, mut hinted) = mpsc::channel(1);
    let mut tasks = tokio::task::JoinSet::new();
    let kinds = KINDS.iter().map(|kind| kind.kind).chain([
        "StatefulSet",
        "Pod",
        "Endpoints",
        "Service",
        "ConfigMap",
        "Secret",
        "PodDisruptionBudget",
        "Role",
        "RoleBinding",
        "ServiceAccount",
    ]);
    for found in kinds.filter_map(resource) {
        for namespace in api.namespaces() {
            tasks.spawn(watch(api.client(), found, namespace, hints.clone()));
        }
    }
    let mut leadership: Option<Leadership> = match &options.lease {
        Some(lease) => Some(lead(api.client(), &options.namespace, lease, &options.identity).await?),
        None => None,
    };
    let mut memory =
        Memory { plans: BTreeMap::new(), delays: BTreeMap::new(), sources: Sources::new(options.sources.clone(), hints.clone(), &stop) };
    let mut wait = Duration::ZERO;
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
            _ = hinted.recv() => tokio::time::sleep(Duration::from_millis(100)).await,
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
        wait = options.interval;
        let number = state.passes.fetch_add(1, Ordering::Relaxed);
        let span = tracing::info_span!("pass", number);
        let stop_now = || stop.is_cancelled() || leadership.as_ref().is_some_and(|leadership| !*leadership.leads.borrow());
        match pass(&api, &options.settings, &state, &mut memory, stop_now).instrument(span).await {
            Ok(sooner) => {
                wait = sooner.map_or(wait, |sooner| wait.min(sooner));
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
    let cluster = |object: &Object| {
        let children = facts.children.get(&object.namespaced_name());
        let pods: Vec<Object> = children.into_iter().flat_map(BTreeMap::values).filter(|child| child.kind() == "Pod").cloned().collect();
        view::cluster(object, &pods)
    };
    let fresh = View {
        fleets: facts.of_kind("SGFleet").map(fleet).collect(),
        clusters: facts.of_kind("SGCluster").map(cluster).collect(),
        events: view::events(&events),
    };
    state.view.send_if_modified(|old| {
        let differs = **old != fresh;
        if differs {
            *old = Arc::new(fresh);
        }
        differs
    });
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
fn now() -> Timestamp {
    Timestamp::now()
}

/// One pass. Gives back when to look again if something failed.
async fn pass(
    api: &Cluster,
    settings: &Settings,
    state: &State,
    memory: &mut Memory,
    stop_now: impl Fn() -> bool,
) -> Result<Option<Duration>, KubernetesError> {
    let Memory { delays, sources, plans } = memory;
    let facts = Facts::read(api).await?;
    state.ready.store(true, Ordering::Relaxed);
    sources.keep(&facts.of_kind("SGFleet").map(Object::namespaced_name).collect::<Vec<_>>());
    let mut fleets: BTreeMap<String, Drift> = BTreeMap::new();
    for fleet in facts.of_kind("SGFleet") {
        if stop_now() {
            return Ok(None);
        }
        fleets.insert(fleet.namespaced_name().to_string(), drift_of(fleet));
        if !is_due(delays, &fleet.key()) {
            continue;
        }
        let result = fleet_pass(api, fleet, &facts, sources, plans, settings, now())
            .instrument(tracing::info_span!("fleet", name = %fleet.namespaced_name()))
            .await;
        note(delays, &fleet.key(), result);
    }
    // The fleets may have written custom resources and releases.
    let facts = Facts::read(api).await?;
    let manifests: Vec<Manifest> = facts.own.values().filter(|object| object.kind() != "SGFleet").cloned().map(Manifest::live).collect();
    let options = Options { settings: settings.clone(), ..Options::default() };
    let live = check_manifests(manifests, BTreeSet::new(), &options);
    let mut count = 0;
    for cluster in facts.of_kind("SGCluster") {
        count += 1;
        if stop_now() {
            return Ok(None);
        }
        if cluster.get("/metadata/deletionTimestamp").is_some() || !is_due(delays, &cluster.key()) {
            continue;
        }
        let drift = cluster.text("/status/claim/fleet").and_then(|fleet| fleets.get(fleet)).copied().unwrap_or(Drift::Revert);
        let name: NamespacedName = cluster.namespaced_name();
        let result = cluster_pass(api, cluster, &facts, &live, drift, now()).instrument(tracing::info_span!("cluster", %name)).await;
        note(delays, &cluster.key(), result);
    }
    state.clusters.store(count, Ordering::Relaxed);
    super::marks::keep(api, &facts).await?;
    let soonest = delays.values().map(|(_, due)| *due).chain(sources.soonest()).min();
    Ok(soonest.map(|due| Duration::try_from(due.duration_since(now())).unwrap_or_default().max(SHORTEST)))
}

fn is_due(delays: &BTreeMap<ObjectKey, (u64, Timestamp)>, key: &ObjectKey) -> bool {
    delays.get(key).is_none_or(|(_, due)| *due <= now())
}

/// One object's failure delays that object alone, longer each time.
fn note(delays: &mut BTreeMap<ObjectKey, (u64, Timestamp)>, key: &ObjectKey, result: Result<(), KubernetesError>) {
    match result {
        Ok(()) => {
            delays.remove(key);
        }
        Err(error) => {
            let delay = delays.get(key).map_or(BACKOFF.0, |(delay, _)| (delay * 2).min(BACKOFF.1));
            tracing::warn!(%error, object = %key, delay, "failed; other objects go on");
            let due = now().checked_add(jiff::SignedDuration::from_secs(i64::try_from(delay).unwrap_or(60))).unwrap_or_else(|_| now());
            delays.insert(key.clone(), (delay, due));
        }
    }
}
