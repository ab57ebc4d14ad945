//! The process: triggers, leadership, passes one at a time, an orderly end.

use super::at_once::at_once;
use super::census::Census;
use super::claims;
use super::cluster_pass::{ClusterPass, cluster_pass, write_status};
use super::facts::{CHILDREN, Facts, OURS};
use super::fleet_pass::{FleetPass, drift_of, fleet_pass};
use super::kept::KeptFleets;
use super::looked::Looked;
use super::operations::without_cluster;
use super::own_inputs::OwnInputs;
use super::pod_check::PodChecks;
use super::promotion::Renewals;
use super::reloads::Reloads;
use super::rollout::Rollouts;
use super::secrets::SecretWorks;
use super::settings_of::cache_folder;
use super::source::{SourceOptions, Sources};
use super::strangers::Strangers;
use super::switchover::SwitchoverWorks;
use super::works::Works;
use crate::api::carried_out;
use crate::engine::view::{self, View};
use crate::kubernetes::{Cache, Class, Cluster, KubernetesError, Leadership, lead, resource, watch};
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::plan::Plan;
use crate::resolve::Settings;
use crate::rollout::Drift;
use crate::status::Condition;
use futures::StreamExt as _;
use futures::future::BoxFuture;
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

/// How long the first pass waits for what the watches list; afterwards it asks for what is missing by itself.
const LISTED: Duration = Duration::from_secs(10);

/// Label of upstream's operator.
const OTHER_OPERATOR: &str = "app=stackgres-operator";

/// Shortest and longest pause between two passes. A commit or a live edit that comes in a pause waits for its end.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

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
    /// The last plan of each fleet that held a change; kept only where somebody looks at it.
    plans: BTreeMap<NamespacedName, Arc<Plan>>,
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
    /// What follows from the sources of the fleets.
    kept: KeptFleets,
    /// What the inputs of clusters without a fleet say.
    own_inputs: OwnInputs,
    /// Clusters that were looked at.
    looked: Looked,
}

/// Runs until `stop`.
pub async fn run(api: Cluster, options: RunOptions, state: Arc<State>, stop: CancellationToken) -> Result<(), RunError> {
    // Nothing is done before this is known once. An API server in trouble is waited for: a process that ends is started again later
    // and later.
    while let Err(error) = refuse_beside_another(&api).await {
        match error {
            // Rights that are missing are for a person to give; everything else passes, a list that cannot go on among it (410).
            RunError::Kubernetes(error) if error.class != Class::Forbidden => {
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
    let cache = Arc::new(cache(&api));
    for one in cache.watches() {
        tasks.spawn(watch(api.client(), cache.clone(), one, hints.clone()));
    }
    let api = api.remembering(cache.clone());
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
        kept: KeptFleets::default(),
        own_inputs: OwnInputs::default(),
        looked: Looked::default(),
    };
    let listed = async {
        while !cache.is_complete() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = listed => {}
        () = tokio::time::sleep(LISTED) => tracing::info!("not everything can be watched: what is missing is asked for at each pass"),
    }
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
        let result = pass(&api, &options, &state, &mut memory, &halt).instrument(span).await;
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
                } else {
                    memory.plans.clear();
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
    let fleet = |object: &Object| view::fleet(object, memory.plans.get(&object.namespaced_name()));
    let fresh = View {
        fleets: facts.of_kind("SGFleet").map(fleet).collect(),
        clusters: facts.of_kind("SGCluster").map(view::cluster).collect(),
        events: view::events(&events),
    };
    state.keep_view(fresh);
}

/// Two operators of one API group would undo each other's work.
async fn refuse_beside_another(api: &Cluster) -> Result<(), RunError> {
    match api.seen("Deployment", OTHER_OPERATOR).await {
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

/// Everything that is watched. Of what is cluster-wide nothing is, where some namespaces only are looked into.
fn cache(api: &Cluster) -> Cache {
    let mut kinds: Vec<(&str, &'static str)> = carried_out().map(|kind| (kind.kind, "")).collect();
    kinds.extend(CHILDREN.iter().map(|kind| (*kind, OURS)));
    kinds.push(("Deployment", OTHER_OPERATOR));
    if api.namespaces() == [None] {
        kinds.extend([("Namespace", ""), ("CustomResourceDefinition", "")]);
    }
    // Without the right to see definitions, a watch of a kind that may not be installed would ask for it again and again.
    let optional = |kind: &str| resource(kind).is_some_and(|found| found.foreign_definition().is_some());
    kinds.retain(|(kind, _)| api.namespaces() == [None] || !optional(kind));
    let found: Vec<_> = kinds.into_iter().filter_map(|(kind, labels)| Some((resource(kind)?, labels))).collect();
    Cache::new(&found, &api.namespaces())
}

/// One pass. Gives back when to look again if something failed or a source is due.
async fn pass(
    api: &Cluster,
    options: &RunOptions,
    state: &State,
    memory: &mut Memory,
    halt: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Duration>, KubernetesError> {
    let settings = &options.settings;
    let began = now();
    let mut facts = Facts::read(api).await?;
    state.ready.store(true, Ordering::Relaxed);
    let written = api.writes();
    let Some(fleets) = look_at_fleets(api, settings, &facts, memory, halt).await else { return Ok(None) };
    let Memory { delays, sources, scripts, secrets, switchovers, reloads, pod_checks, rollouts, renewals, own_inputs, looked, .. } = memory;
    // The fleets may have written custom resources and releases.
    if api.writes() != written {
        facts = Facts::read(api).await?;
    }
    let names: BTreeSet<NamespacedName> = facts.of_kind("SGCluster").map(Object::namespaced_name).collect();
    let known = |name: &NamespacedName| names.contains(name);
    scripts.keep(known);
    secrets.works.keep(known);
    rollouts.works().keep(known);
    switchovers.works.keep(known);
    reloads.keep(known);
    pod_checks.keep(known);
    renewals.keep(known);
    looked.keep(known);
    let live = own_inputs.check(api, &facts, settings).await?;
    let busy = |name: &NamespacedName| {
        let works = [&*scripts, &secrets.works, rollouts.works(), &switchovers.works];
        works.iter().any(|works| works.is_due(name, began)) || reloads.waits(name, began)
    };
    let turn = looked.turn(&facts, busy, options.interval, began);
    let due = |cluster: &&Object| cluster.get("/metadata/deletionTimestamp").is_none() && is_due(delays, &cluster.key());
    let of_turn = facts.of_kind("SGCluster").filter(|cluster| turn.clusters.contains(&cluster.namespaced_name()));
    let clusters: Vec<&Object> = of_turn.filter(due).collect();
    let strangers = Strangers::default();
    let look = |cluster| -> BoxFuture<'_, _> {
        let drift = claims::named(cluster).and_then(|fleet| fleets.get(fleet)).copied().unwrap_or(Drift::Revert);
        let (facts, live) = (&facts, &*live);
        let (scripts, secrets, switchovers, reloads) = (&*scripts, &*secrets, &*switchovers, &*reloads);
        let (pod_checks, rollouts, renewals, strangers) = (&*pod_checks, &*rollouts, &*renewals, &strangers);
        Box::pin(async move {
            if halt() {
                return (cluster, None);
            }
            let one = ClusterPass {
                api,
                cluster,
                facts,
                live,
                drift,
                scripts,
                secrets,
                switchovers,
                reloads,
                pod_checks,
                rollouts,
                settings,
                renewals,
                strangers,
                now: now(),
            };
            let name: NamespacedName = cluster.namespaced_name();
            let span = tracing::info_span!("cluster", %name);
            (cluster, Some(Box::pin(cluster_pass(&one)).instrument(span).await))
        })
    };
    let results: Vec<(&Object, Option<Result<(), KubernetesError>>)> = at_once(clusters, look).collect().await;
    for (cluster, result) in results {
        let Some(result) = result else { return Ok(None) };
        looked.note(&turn, &cluster.namespaced_name(), result.is_ok(), began);
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
        .chain(turn.more.then_some(began))
        .min();
    Ok(soonest.map(|due| Duration::try_from(due.duration_since(now())).unwrap_or_default().max(SHORTEST)))
}

/// Looks at every fleet; gives what each does about live edits, or nothing where the pass has to end.
async fn look_at_fleets(
    api: &Cluster,
    settings: &Settings,
    facts: &Facts,
    memory: &mut Memory,
    halt: &(dyn Fn() -> bool + Sync),
) -> Option<BTreeMap<String, Drift>> {
    let Memory { delays, sources, plans, kept, .. } = memory;
    let known: Vec<NamespacedName> = facts.of_kind("SGFleet").map(Object::namespaced_name).collect();
    sources.keep(&known);
    let used: Vec<_> = facts.of_kind("SGFleet").map(|fleet| cache_folder(sources.cache(), fleet)).collect();
    sources.tidy(&used);
    plans.retain(|fleet, _| known.contains(fleet));
    kept.keep(&known);
    delays.retain(|key, _| facts.own.contains_key(key));
    let mut fleets: BTreeMap<String, Drift> = BTreeMap::new();
    for fleet in facts.of_kind("SGFleet") {
        if halt() {
            return None;
        }
        let drift = drift_of(fleet);
        fleets.insert(fleet.namespaced_name().to_string(), drift);
        if fleet.get("/metadata/deletionTimestamp").is_some() || !is_due(delays, &fleet.key()) {
            continue;
        }
        let one = FleetPass { api, fleet, facts, settings, drift, halt, now: now() };
        let span = tracing::info_span!("fleet", name = %fleet.namespaced_name());
        let result = fleet_pass(&one, sources, plans, kept).instrument(span).await;
        note(api, delays, fleet, result).await;
    }
    Some(fleets)
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
