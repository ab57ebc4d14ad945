//! Releases: a revision of every cluster whose inputs are in place, named in the cluster's status.

use super::claims::{self, Claim};
use super::cluster_pass::{store, store_secret, write_status};
use super::events::tell;
use super::fleet_pass::{Findings, FleetPass};
use super::operations::newest;
use super::source::News;
use crate::diagnostics::Diagnostic;
use crate::engine::offline::{Report, Successor, inseparable, successor};
use crate::kubernetes::KubernetesError;
use crate::load::Manifest;
use crate::model::ObjectKey;
use crate::render::revision::{Revision, from_commit, inputs_digest};
use crate::status::{Condition, seconds};
use crate::validate::ValidCluster;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Releases what `in_place` allows. Equal inputs are no new release, so a new version of this program changes no running cluster.
pub(super) async fn release(
    pass: &FleetPass<'_>,
    report: &Report,
    snapshot: &News,
    in_place: &BTreeSet<ObjectKey>,
    findings: &mut Findings,
) -> Result<(), KubernetesError> {
    for valid in report.clusters.values() {
        if (pass.halt)() {
            break;
        }
        if !valid.inputs().manifests().map(Manifest::key).all(|key| in_place.contains(&key)) {
            continue;
        }
        match one(pass, valid, snapshot, findings).await {
            Err(error) if error.is_general() => return Err(error),
            Err(error) => {
                let place = valid.inputs().cluster.locate("");
                findings.problems.push(Diagnostic::error("release-failed", error.to_string()).at(place));
            }
            Ok(()) => {}
        }
    }
    Ok(())
}

async fn one(pass: &FleetPass<'_>, valid: &ValidCluster, snapshot: &News, findings: &mut Findings) -> Result<(), KubernetesError> {
    let FleetPass { api, fleet, facts, settings, now, .. } = *pass;
    let key = valid.inputs().cluster.key();
    let Some(live) = api.get(&key).await? else { return Ok(()) };
    if claims::claim_of(api, facts, &live, fleet) != Claim::Ours {
        return Ok(());
    }
    let name = valid.inputs().name();
    let named = live.text("/status/release/revision").unwrap_or_default();
    if live.text("/status/release/digest") == Some(inputs_digest(valid).as_str()) {
        // A revision that was lost and comes out the same can be put back; another one would be a release by itself.
        if facts.revision(&name, named).is_none() {
            let revision = Revision::freeze(valid, &snapshot.revision);
            if named == revision.name() {
                store(api, &revision).await?;
            }
        }
        let Some(newest) = newest(facts, &live, valid, settings, &snapshot.revision, now) else { return Ok(()) };
        let (release, revision) = newest.release(Some(named), now);
        if let Some(revision) = &revision {
            store(api, revision).await?;
        }
        let patch = json!({"metadata": {"resourceVersion": live.resource_version()}, "status": {"release": release}});
        return api.patch_status(&key, &patch, "stackgres-release").await.map(drop);
    }
    let (revision, note) = match facts.revision(&name, named).map(|released| successor(&released, valid, &snapshot.revision, settings)) {
        Some(Successor::Same) => return Ok(()),
        Some(Successor::Other { revision, note }) => (*revision, note),
        Some(Successor::Inseparable(why)) => {
            findings.problems.push(inseparable(valid, &why));
            return Ok(());
        }
        None => (Revision::freeze(valid, &snapshot.revision), None),
    };
    store_secret(api, &from_commit(&revision, &snapshot.subject, &snapshot.author)).await?;
    let by = format!("fleet {}", fleet.namespaced_name());
    let release = release_record(&revision, &by, note.as_deref(), now);
    let patch = json!({"metadata": {"resourceVersion": live.resource_version()}, "status": {"release": release}});
    api.patch_status(&key, &patch, "stackgres-release").await.map(drop)
}

/// What `status.release` says of a revision.
pub(super) fn release_record(revision: &Revision, by: &str, note: Option<&str>, now: Timestamp) -> Value {
    let commit = Some(&revision.commit).filter(|commit| !commit.is_empty());
    json!({
        "revision": revision.name(), "digest": revision.digest, "releasedAt": seconds(now), "by": by, "commit": commit, "rendering": note,
    })
}

/// Clusters of this fleet that left the source: reported, kept running, untouched. What cannot be read hides nobody.
pub(super) async fn orphans(
    pass: &FleetPass<'_>,
    report: &Report,
    unreadable: bool,
    findings: &mut Findings,
) -> Result<(), KubernetesError> {
    let FleetPass { api, fleet, facts, now, .. } = *pass;
    for cluster in facts.of_kind("SGCluster").filter(|cluster| claims::is_ours(cluster, fleet)) {
        let name = cluster.namespaced_name();
        let present = report.clusters.contains_key(&name) || report.blocked.contains_key(&name);
        let orphaned = match (present, unreadable) {
            (true, _) => Some(false),
            (false, true) => None,
            (false, false) => Some(true),
        };
        if orphaned == Some(true) {
            findings.orphaned += 1;
        }
        let (reason, message) = match orphaned {
            Some(true) => ("LeftTheSource", "no longer in the source: kept running, untouched"),
            Some(false) => ("InTheSource", ""),
            None => ("SourceNotReadable", "a part of the source cannot be read, so it is not known whether the cluster is still in it"),
        };
        if cluster.condition("Orphaned").is_some() || orphaned != Some(false) {
            match write_status(api, cluster, json!({}), &[Condition::new("Orphaned", orphaned, reason, message)], now).await {
                Err(error) if error.is_general() => return Err(error),
                Err(error) => tracing::warn!(%error, "the state of the cluster could not be told"),
                Ok(()) => {}
            }
            if orphaned == Some(true) {
                tell(api, cluster, true, "Orphaned", message, now).await;
            }
        }
    }
    Ok(())
}
