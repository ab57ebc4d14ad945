//! The cluster loop: from the released revision to its objects.

use super::claims;
use super::events::tell;
use super::facts::Facts;
use super::managed_sql::managed_sql;
use super::operations::{Operations, Seen, newest};
use super::pod_check::PodChecks;
use super::pod_events;
use super::promotion::{Renewals, promote};
use super::release::release_record;
use super::reloads::{self, Reloads};
use super::rollout::{self, Change, Rollouts};
use super::secrets::{Given, SecretWorks, keep_secrets};
use super::strangers::Strangers;
use super::switchover::{SwitchoverWorks, carry_out_request, spare_no_longer};
use super::works::Works;
use crate::apply::carry_out;
use crate::diagnostics::Diagnostic;
use crate::diff::effective_in_words;
use crate::engine::offline::{Report, Successor, frozen, inseparable, judged, successor};
use crate::health::{Instance, Instances, instances};
use crate::kubernetes::{Class, Cluster, KubernetesError};
use crate::model::{Hold, NamespacedName, Object, ObjectKey};
use crate::postgres::PUBLISHER;
use crate::render::revision::{Revision, to_prune, to_secret};
use crate::render::secret_names;
use crate::resolve::{Effective, Settings};
use crate::rollout::{
    Decision, Drift, PAUSED, RECONCILIATION_PAUSE, ROLLBACK, Situation, Step, Wait, credential_problem, is_reconciliation_paused, licence,
    next,
};
use crate::status::{Condition, licence_conditions, merge, replacing, seconds, would_change};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Field manager of statuses.
pub(super) const STATUS_MANAGER: &str = "stackgres-status";

/// Who releases a cluster without a fleet.
const OWN_INPUTS: &str = "its own inputs";

/// Revisions kept beside those in use.
const HISTORY: usize = 2;

/// What a pass over one cluster works with.
pub(super) struct ClusterPass<'a> {
    /// The API server.
    pub api: &'a Cluster,
    /// The cluster.
    pub cluster: &'a Object,
    /// What was read at the beginning of the pass.
    pub facts: &'a Facts,
    /// What the live manifests say, for clusters without a fleet.
    pub live: &'a Report,
    /// What happens to live edits.
    pub drift: Drift,
    /// Scripts under way.
    pub scripts: &'a Works,
    /// Certificates and credentials that change.
    pub secrets: &'a SecretWorks,
    /// Switchovers under way.
    pub switchovers: &'a SwitchoverWorks,
    /// Calls to Patroni that are due.
    pub reloads: &'a Reloads,
    /// Revisions whose pods the API server would take.
    pub pod_checks: &'a PodChecks,
    /// Steps of changes that are under way.
    pub rollouts: &'a Rollouts,
    /// Images and versions.
    pub settings: &'a Settings,
    /// What this program makes of released revisions.
    pub renewals: &'a Renewals,
    /// Objects of others.
    pub strangers: &'a Strangers,
    /// The time.
    pub now: Timestamp,
}

/// One look at one cluster.
pub(super) async fn cluster_pass(pass: &ClusterPass<'_>) -> Result<(), KubernetesError> {
    let ClusterPass { api, cluster, facts, drift, now, .. } = *pass;
    let name = cluster.namespaced_name();
    let mut patch = json!({});
    let mut conditions = Vec::new();
    let mut released_name = cluster.text("/status/release/revision").map(str::to_owned);
    let mut fresh: Option<Revision> = None;
    let operations = Operations::of(facts, cluster, now);
    let manager = manager(pass, &mut patch, &mut conditions);
    if manager == Manager::Itself {
        match release_own_inputs(pass, &mut patch).await? {
            Ok(Some(revision)) => {
                released_name = Some(revision.name());
                fresh = Some(revision);
            }
            Ok(None) => {}
            Err(condition) => conditions.push(condition),
        }
    }
    let Some(released_name) = released_name else {
        let message = match manager {
            Manager::Itself => "its inputs do not pass",
            Manager::Fleet => "the fleet has not released it yet",
            Manager::Unknown => {
                "it came from a fleet and no fleet claims it now: describe it in a fleet's source, or annotate it with stackgres.io/fleet=none to manage it without one"
            }
        };
        conditions.push(Condition::new("Ready", Some(false), "NotReleased", message));
        conditions.push(Condition::new("Reconciling", Some(false), "NotReleased", message));
        operations.wait(pass, message).await?;
        return write_status(api, cluster, patch, &conditions, now).await;
    };
    let Some(mut released) = fresh.or_else(|| facts.revision(&name, &released_name)) else {
        let message =
            format!("the revision {released_name} is missing or damaged: what runs stays as it is, and nothing is released by itself");
        conditions.push(Condition::new("Stalled", Some(true), "RevisionMissing", message.clone()));
        operations.wait(pass, &message).await?;
        conditions.push(Condition::new("Ready", Some(false), "RevisionMissing", message));
        return write_status(api, cluster, patch, &conditions, now).await;
    };
    let mut released_name = released_name;
    if manager != Manager::Unknown
        && let Some(promoted) = promote(pass, &released_name, &released, &mut patch, &mut conditions).await?
    {
        released_name = promoted.name();
        released = promoted;
    }
    // Of its own, so that what is opened of them is forgotten after the look.
    let mut children: BTreeMap<ObjectKey, Object> =
        facts.children.get(&name).into_iter().flatten().map(|(key, child)| (key.clone(), child.closed())).collect();
    find_unlabelled(pass, &released, &mut children).await?;
    let has_data = children.keys().any(|key| key.kind == "PersistentVolumeClaim");
    let running_name = cluster.text("/status/running/revision").map(str::to_owned);
    let running = match &running_name {
        Some(running) if *running == released_name => Some(released.clone()),
        Some(running) => facts.revision(&name, running),
        None => None,
    };
    let running = running.or_else(|| if has_data { facts.revision_in_place(&name, &children) } else { None });
    // What is rolled back stands as released until other inputs are; it is only not carried out.
    let rolled_back = cluster.annotation(ROLLBACK) == Some(&released_name);
    let released = match &running {
        Some(running) if rolled_back => running.clone(),
        _ => released,
    };
    let effect = running.as_ref().filter(|running| **running != released).map(|running| judged(&frozen(running), &frozen(&released)));
    let mut seen = instances(children.values());
    pod_events::name_troubles(api, &children, &mut seen, now).await;
    if !pass.rollouts.works().look(&name).1 && !pass.switchovers.works.look(&name).1 {
        spare_no_longer(api, &children).await?;
    }
    let licence = licence(cluster, &released.effective, manager == Manager::Fleet, operations.under_way(), now);
    conditions.extend(licence_conditions(&licence, Hold::of(cluster).as_ref(), now));
    let wanted = operations.wanted(cluster, &children);
    let mut change = match &running {
        Some(running) if has_data => rollout::look(pass, &released, running, &children, &seen, &licence, &wanted).await?,
        _ => None,
    };
    let mut decision = next(&Situation {
        cluster,
        released: &released,
        running: running.as_ref(),
        impact: effect.as_ref(),
        live: &children,
        seen: &seen,
        has_data,
        drift,
        accepted: cluster.annotation("stackgres.io/accept-release") == Some(&released_name),
        absent_kinds: &facts.absent_kinds,
        sees_nodes: pass.rollouts.sees_nodes(),
        facts: change.as_ref().and_then(|change| change.facts.as_ref()),
        now,
    });
    if let Some(other) = another_database(cluster, &seen) {
        decision.steps.clear();
        decision.stop = Some(other);
    }
    if is_reconciliation_paused(cluster) {
        decision.steps.clear();
        decision.stop = Some(format!("the annotation {RECONCILIATION_PAUSE} is set: nothing is done until it is taken away"));
    }
    refuse_pods(pass, &released, running.as_ref(), &mut decision, &mut conditions).await?;
    let settled = running.as_ref() == Some(&released) && change.is_none();
    // Labels come with each new pod, and are no drift.
    let reverted = decision.steps.iter().filter(|step| !matches!(step, Step::Label { .. } | Step::Dress { .. })).count();
    if settled && reverted > 0 {
        let what = format!("{reverted} objects differed from the running revision and were put back");
        tell(api, cluster, true, "DriftReverted", &what, now).await;
    }
    // Without a revision whose objects are in place there is nothing to keep.
    let carried_out = if decision.brings_released() { Some(&released) } else { running.as_ref() };
    if let Some(revision) = carried_out.filter(|_| decision.stop.is_none()) {
        let given = Given::read(api, &revision.effective).await?;
        let values = given_values(&given, &revision.effective, &mut decision);
        carry_out(api, &decision.steps, &values).await?;
        keep_secrets(pass, revision, &children, &seen, &given, &mut conditions).await?;
        reloads::tell(pass, revision, &children, decision.progress.as_ref().and_then(|progress| progress.barred));
    }
    if change.is_none() && decision.action.is_some() {
        change = Some(Change::at_rest(&released, now));
    }
    if let Some(change) = &mut change {
        proceed(pass, change, &mut decision, &released, &children).await?;
        change.look_ahead();
        if let Some(changes) = change.patch(decision.is_finished()) {
            patch["rollout"] = changes;
        }
    }
    let mut in_use = vec![released_name.clone()];
    if decision.stop.is_none() && decision.carries_out_released {
        // A name is a digest of every object: it is made only where it is not known.
        let now_running = if rolled_back { released.name() } else { released_name.clone() };
        if running_name.as_deref() != Some(&now_running) {
            patch["running"] = json!({"revision": now_running, "digest": released.digest, "since": seconds(now)});
            tell(api, cluster, false, "Released", &format!("runs revision {now_running}"), now).await;
        }
        in_use.push(now_running);
    } else if let Some(running) = &running {
        let running_now = running.name();
        if running_name.as_ref() != Some(&running_now) {
            patch["running"] = json!({"revision": running_now, "digest": running.digest, "since": seconds(now)});
        }
        in_use.push(running_now);
    } else {
        in_use.extend(running_name);
    }
    in_use.extend(patch.pointer("/promotion/revision").and_then(Value::as_str).map(str::to_owned));
    in_use.extend(change.iter().flat_map(|change| change.memory.superseded.iter().cloned()));
    prune(api, &name, facts, &in_use).await?;
    // Where nothing may be done at all, no script runs either.
    let may_run = running.as_ref().filter(|_| decision.stop.is_none());
    managed_sql(pass, may_run, &seen, &mut conditions).await;
    if has_data {
        let asked = operations.under_way().map(|operation| format!("{} asks for it", operation.text()));
        let undone = asked.as_deref().unwrap_or("a change that was taken back is undone");
        let summary = effect.as_ref().map_or(undone, |impact| impact.summary.as_str());
        conditions.push(rollout::condition(change.as_ref(), &decision, summary));
    }
    if rolled_back && decision.wait.is_none() {
        decision.wait = Some(Wait {
            what: format!("{released_name} is released and was rolled back"),
            ends: format!("other inputs are released, or the annotation {ROLLBACK} is taken away"),
        });
    }
    // One thing at a time: what a person asks for waits for the step of a change.
    let may_act = may_run.filter(|_| change.as_ref().is_none_or(|change| change.memory.memory.step.is_none()));
    carry_out_request(pass, may_act, &seen, &mut patch, &mut conditions);
    describe(&mut patch, &mut conditions, cluster, &released, &decision, &seen, now);
    if decision.wait.is_some() {
        patch["waiting"]["until"] = json!(rollout::waits_until(change.as_ref(), &decision, &licence));
    }
    let known = Seen { children: &children, instances: &seen, change: change.as_ref(), decision: &decision, conditions: &conditions };
    operations.carry_on(pass, &known, &mut patch).await?;
    write_status(api, cluster, patch, &conditions, now).await
}

/// Carries out what is to be done to an instance, when everything that has to be in force before is, and remembers it.
async fn proceed(
    pass: &ClusterPass<'_>,
    change: &mut Change,
    decision: &mut Decision,
    released: &Revision,
    children: &BTreeMap<ObjectKey, Object>,
) -> Result<(), KubernetesError> {
    rollout::remember(pass, change, decision, children).await;
    if decision.stop.is_some() {
        return Ok(());
    }
    if let Some(action) = decision.action.clone().filter(|_| decision.steps.is_empty()) {
        rollout::begin(pass, change, &action, decision, released, children).await?;
    }
    rollout::look_again(pass, change, decision);
    Ok(())
}

/// Users' own values for Secrets that are to be made. Where one is missing nothing is made: a cluster would begin with a password
/// that nobody wanted.
fn given_values(given: &Given, effective: &Effective, decision: &mut Decision) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    if !decision.steps.iter().any(|step| matches!(step, Step::Generate(_))) {
        return values;
    }
    for (entry, value) in given.credentials(effective) {
        let value =
            value.and_then(|value| credential_problem(&entry, &value).map_or(Ok(value), |problem| Err(format!("{entry}: {problem}"))));
        match value {
            Ok(value) => drop(values.insert(entry, value)),
            Err(problem) => {
                decision.steps.clear();
                decision.carries_out_released = false;
                decision.wait =
                    Some(Wait { what: format!("given credentials: {problem}"), ends: "put the value into its Secret".to_owned() });
                return BTreeMap::new();
            }
        }
    }
    values
}

/// Stops a release whose pods the API server would not take: no pod would come, or the next one that is made would be the last.
async fn refuse_pods(
    pass: &ClusterPass<'_>,
    released: &Revision,
    running: Option<&Revision>,
    decision: &mut Decision,
    conditions: &mut Vec<Condition>,
) -> Result<(), KubernetesError> {
    let Some(words) = pass.pod_checks.refusal(pass.api, released, running).await? else { return Ok(()) };
    let message = format!("Kubernetes would refuse the pods, so nothing of this release is applied: {words}");
    if decision.brings_released() {
        decision.steps.clear();
        decision.action = None;
        decision.stop.get_or_insert(message);
    } else if decision.stop.is_none() {
        // What runs is looked after as before.
        conditions.push(Condition::new("Stalled", Some(true), "PodsRefused", message.clone()));
        decision.wait = Some(Wait { what: message, ends: "other inputs are released".to_owned() });
    }
    Ok(())
}

/// Says so where the instances hold another database than the one that was made for this cluster (DESIGN §8, rule 15).
fn another_database(cluster: &Object, seen: &Instances) -> Option<String> {
    let made = cluster.text("/status/systemIdentifier")?;
    let found = seen.system_identifier.as_deref().filter(|found| *found != made)?;
    Some(format!(
        "the instances hold the database {found}, and this cluster was made with {made}: nothing is done; bring the volumes with {made} back, or make a new SGCluster"
    ))
}

/// Who releases a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    /// The fleet that claims it.
    Fleet,
    /// No fleet: its own inputs are released.
    Itself,
    /// A fleet made it, and none claims it: a lost status must not release what somebody edited live.
    Unknown,
}

/// Finds out who manages the cluster; says so where its fleet is gone, and takes the claim away where a person wants that.
fn manager(pass: &ClusterPass<'_>, patch: &mut Value, conditions: &mut Vec<Condition>) -> Manager {
    let ClusterPass { api, cluster, facts, .. } = *pass;
    let set_free = claims::is_set_free(cluster);
    let Some(fleet) = claims::named(cluster) else {
        return if claims::came_from_a_fleet(cluster) && !set_free { Manager::Unknown } else { Manager::Itself };
    };
    let gone = claims::is_gone(api, facts, fleet);
    if set_free && (gone || claims::is_orphaned(cluster)) {
        patch["claim"] = Value::Null;
        conditions.push(Condition::new("Orphaned", Some(false), "WithoutFleet", "managed without a fleet"));
        return Manager::Itself;
    }
    if gone {
        let message = format!(
            "its fleet {fleet} does not exist any more: kept running, untouched; another fleet may describe it, or annotate it with {}=none to manage it without one",
            claims::FLEET
        );
        conditions.push(Condition::new("Orphaned", Some(true), "FleetGone", message));
    }
    Manager::Fleet
}

/// A cluster without a fleet releases its own inputs; with a problem it keeps what was released.
async fn release_own_inputs(pass: &ClusterPass<'_>, patch: &mut Value) -> Result<Result<Option<Revision>, Condition>, KubernetesError> {
    let ClusterPass { api, cluster, facts, live, settings, now, .. } = *pass;
    let name = cluster.namespaced_name();
    let refused = |problems: &[Diagnostic]| {
        let message = problems.iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect::<Vec<_>>().join("; ");
        let message = if message.is_empty() { "its inputs do not pass".to_owned() } else { message };
        Condition::new("Stalled", Some(true), "Invalid", message)
    };
    let Some(valid) = live.clusters.get(&name) else {
        return Ok(Err(refused(live.blocked.get(&name).map(Vec::as_slice).unwrap_or_default())));
    };
    let released = cluster.text("/status/release/revision").and_then(|released| facts.revision(&name, released));
    let Some(released) = released else {
        let revision = Revision::freeze(valid, "");
        // The same inputs rendered by another version of this program are no new release.
        if cluster.text("/status/release/digest") == Some(revision.digest.as_str()) {
            if cluster.text("/status/release/revision") != Some(&revision.name()) {
                return Ok(Ok(None));
            }
            store(api, &revision).await?;
            return Ok(Ok(Some(revision)));
        }
        store(api, &revision).await?;
        patch["release"] = release_record(&revision, OWN_INPUTS, None, now);
        return Ok(Ok(Some(revision)));
    };
    let (revision, note) = match successor(&released, valid, "", settings) {
        Successor::Same => {
            let Some(newest) = newest(facts, cluster, valid, settings, "", now) else { return Ok(Ok(None)) };
            let (release, revision) = newest.release(cluster.text("/status/release/revision"), now);
            if let Some(revision) = &revision {
                store(api, revision).await?;
            }
            patch["release"] = release;
            return Ok(Ok(revision));
        }
        Successor::Other { revision, note } => (*revision, note),
        Successor::Inseparable(why) => return Ok(Err(refused(&[inseparable(valid, &why)]))),
    };
    let problems = super::fleet_pass::refused(Some(&released), cluster, valid);
    if !problems.is_empty() {
        return Ok(Err(refused(&problems)));
    }
    store(api, &revision).await?;
    patch["release"] = release_record(&revision, OWN_INPUTS, note.as_deref(), now);
    Ok(Ok(Some(revision)))
}

/// Keeps a revision; one that is there already is the same, because its name is a digest of its content.
pub(super) async fn store(api: &Cluster, revision: &Revision) -> Result<(), KubernetesError> {
    store_secret(api, &to_secret(revision)).await
}

/// Keeps the Secret of a revision.
pub(super) async fn store_secret(api: &Cluster, secret: &Object) -> Result<(), KubernetesError> {
    match api.create(secret).await {
        Err(error) if error.class == Class::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

/// Objects of the names we need that do not carry our labels: somebody else's.
async fn find_unlabelled(
    pass: &ClusterPass<'_>,
    revision: &Revision,
    children: &mut BTreeMap<ObjectKey, Object>,
) -> Result<(), KubernetesError> {
    let ClusterPass { api, facts, strangers, .. } = *pass;
    let namespace = &revision.effective.cluster.namespace;
    let secrets = secret_names(&revision.effective).into_iter().map(|name| ObjectKey::new("v1", "Secret", Some(namespace), &name));
    let missing = |key: &ObjectKey| !children.contains_key(key) && !facts.absent_kinds.contains(&key.kind);
    let keys: Vec<ObjectKey> = revision.objects.iter().map(Object::key).chain(secrets).filter(missing).collect();
    for key in keys {
        let found = match facts.labelled(&key) {
            Some(object) => Some(object.clone()),
            None => strangers.get(api, &key).await?,
        };
        if let Some(object) = found {
            children.insert(key, object);
        }
    }
    Ok(())
}

/// Removes old revisions, also while a change waits: a commit a minute must not fill the API server.
async fn prune(api: &Cluster, name: &NamespacedName, facts: &Facts, in_use: &[String]) -> Result<(), KubernetesError> {
    let in_use: Vec<&str> = in_use.iter().map(String::as_str).collect();
    let revisions: Vec<Object> = facts
        .children
        .get(name)
        .into_iter()
        .flat_map(BTreeMap::values)
        .filter(|object| object.kind() == "Secret" && object.label("stackgres.io/revision") == Some("true"))
        .cloned()
        .collect();
    for old in to_prune(&revisions, &in_use, HISTORY) {
        api.delete(&ObjectKey::new("v1", "Secret", Some(&name.namespace), &old), None).await?;
    }
    Ok(())
}

/// The extensions asked for, as the images of the running revision have them; nothing where none is asked for.
fn extensions(effective: &Effective) -> Value {
    let image = effective.images.get("postgres").cloned().unwrap_or_default();
    let version = &effective.postgres.version.value;
    let list: Vec<Value> = effective
        .postgres
        .extensions
        .iter()
        .map(|extension| {
            json!({"name": extension.name, "version": extension.version, "publisher": PUBLISHER, "repository": image, "postgresVersion": version})
        })
        .collect();
    if list.is_empty() { Value::Null } else { Value::Array(list) }
}

fn describe(
    patch: &mut Value,
    conditions: &mut Vec<Condition>,
    cluster: &Object,
    released: &Revision,
    decision: &Decision,
    seen: &Instances,
    now: Timestamp,
) {
    let wanted = released.effective.instances.value as usize;
    patch["instances"] = json!(seen.existing.len());
    patch["readyInstances"] = json!(seen.ready());
    let group = |instance: &Instance| Some(released.effective.duty(released.effective.ordinal(&instance.name)?).group);
    let one = |instance: &Instance| instance.status(seen.lag_mebibytes(instance), group(instance));
    patch["podStatuses"] = seen.existing.iter().map(one).collect();
    patch["lagMebibytes"] = json!(seen.existing.iter().filter_map(|instance| seen.lag_mebibytes(instance)).max());
    patch["primary"] = json!(seen.primary().map(|primary| &primary.name));
    // Set once: another identity is another database, which the rollout must find out.
    if let Some(identifier) = seen.system_identifier.as_ref().filter(|_| cluster.text("/status/systemIdentifier").is_none()) {
        patch["systemIdentifier"] = json!(identifier);
    }
    patch["labelSelector"] = json!(format!("app=StackGresCluster,stackgres.io/cluster=true,stackgres.io/cluster-name={}", cluster.name()));
    patch["postgresVersion"] = json!(released.effective.postgres.version.value);
    patch["extensions"] = extensions(&released.effective);
    let (shown, effective) = (cluster.effective(), effective_in_words(&released.effective));
    let effective = replacing(shown.as_deref(), effective);
    // What is unset is null here and absent there, which is no difference.
    if would_change(shown.as_deref(), &effective) {
        patch["effective"] = effective;
    }
    if let Some(reason) = &decision.stop {
        conditions.push(Condition::new("Stalled", Some(true), "Refused", reason.clone()));
    } else if let (Some(_), Some(wait)) = (&decision.failure, &decision.wait) {
        conditions.push(Condition::new("Stalled", Some(true), "RolloutStopped", wait.what.clone()));
    } else if !conditions.iter().any(|condition| condition.r#type == "Stalled") {
        conditions.push(Condition::new("Stalled", Some(false), "Fine", ""));
    }
    let drifted: Vec<String> = decision.drifted.iter().map(ToString::to_string).collect();
    conditions.push(Condition::new(
        "Drifted",
        Some(!drifted.is_empty()),
        if drifted.is_empty() { "Fine" } else { "LiveEdit" },
        drifted.join(", "),
    ));
    let since = |what: &str| {
        let same = cluster.text("/status/waiting/for") == Some(what);
        if same { cluster.text("/status/waiting/since").map(str::to_owned) } else { None }.unwrap_or_else(|| seconds(now))
    };
    match &decision.wait {
        Some(wait) => {
            patch["waiting"] = json!({"for": wait.what, "since": since(&wait.what), "by": wait.ends});
            patch["pending"] = json!([wait.what]);
        }
        None if seen.existing.is_empty() && wanted > 0 => {
            let what = "pods: none exists yet, so nothing is known of PostgreSQL";
            patch["waiting"] = json!({"for": what, "since": since(what), "until": "the pods are there", "by": "the StatefulSet controller and the scheduler"});
            patch["pending"] = Value::Null;
        }
        None => {
            patch["waiting"] = Value::Null;
            patch["pending"] = Value::Null;
        }
    }
    if seen.paused || cluster.condition("PatroniPaused").is_some() {
        let (reason, message) = if seen.paused { ("Paused", PAUSED) } else { ("Running", "") };
        conditions.push(Condition::new("PatroniPaused", Some(seen.paused), reason, message));
    }
    let leads = wanted == 0 || seen.existing.iter().any(Instance::leads);
    let complete = seen.ready() == wanted && seen.existing.len() == wanted;
    // A replica is ready for readers before it streams; until then a failover would lose what it has not got.
    let streams = |instance: &Instance| instance.is_primary() || instance.role.is_none() || instance.does() == Some("streaming");
    let replicated = seen.existing.iter().all(streams);
    // A change that waits for its window takes nothing away from a cluster that serves.
    let healthy = decision.stop.is_none() && complete && leads && replicated;
    let reason = match &decision.stop {
        Some(_) => "Stalled",
        None if healthy => "Healthy",
        None if complete && leads && seen.leader().is_some_and(|leader| !streams(leader)) => "NotFollowingSource",
        None if complete && leads => "ReplicasNotStreaming",
        None if complete => "NoPrimary",
        None => "InstancesNotReady",
    };
    let mut message = format!("{} of {wanted} instances ready", seen.ready());
    for instance in &seen.existing {
        if let Some(trouble) = &instance.trouble {
            let _ = write!(message, "; {}: {trouble}", instance.name);
        }
    }
    conditions.push(Condition::new("Ready", Some(healthy), reason, message));
    let waits = decision.wait.is_some();
    let reason = if waits { "ChangeWaits" } else { reason };
    conditions.push(Condition::new("Reconciling", Some((waits || !healthy) && decision.stop.is_none()), reason, ""));
}

/// Writes the status if it differs.
pub(super) async fn write_status(
    api: &Cluster,
    object: &Object,
    mut patch: Value,
    conditions: &[Condition],
    now: Timestamp,
) -> Result<(), KubernetesError> {
    let generation = object.get("/metadata/generation").and_then(Value::as_i64);
    patch["conditions"] = merge(object.get("/status/conditions"), conditions, generation, now);
    patch["observedGeneration"] = json!(generation);
    if would_change(object.get("/status"), &patch) {
        api.patch_status(&object.key(), &json!({"status": patch}), STATUS_MANAGER).await?;
    }
    Ok(())
}
