//! Custom resources mirror the commit at once; what waits is the release.

use super::at_once::at_once;
use super::claims::{self, Claim};
use super::drift::{drifted_paths, removal_patch};
use super::events::tell;
use super::fleet_pass::{Findings, FleetPass};
use super::kept::Kept;
use crate::diagnostics::Diagnostic;
use crate::diff::would_change;
use crate::engine::SOURCE_MANAGER;
use crate::kubernetes::{Account, Apply, KubernetesError};
use crate::load::Manifest;
use crate::model::{Object, ObjectKey};
use crate::rollout::Drift;
use crate::validate::transition;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use std::collections::{BTreeMap, BTreeSet};

/// Applies every manifest in the name of the fleet's account. Gives the objects that are in place with that account's rights:
/// nothing else may be released, because the right to write to a repository is not the right to every namespace.
pub(super) async fn mirror(pass: &FleetPass<'_>, kept: &Kept, findings: &mut Findings) -> Result<BTreeSet<ObjectKey>, KubernetesError> {
    let account = pass.account();
    let mut waves: BTreeMap<u8, Vec<&Manifest>> = BTreeMap::new();
    for manifest in kept.report.applied() {
        let wave = match manifest.object.kind() {
            "Namespace" => 0,
            "ConfigMap" => 1,
            "SGCluster" => 3,
            // What is done to a cluster is done to the one that this commit describes.
            "SGDbOps" => 4,
            _ => 2,
        };
        waves.entry(wave).or_default().push(manifest);
    }
    let mut in_place = BTreeSet::new();
    for manifests in waves.into_values() {
        let look = |manifest| -> BoxFuture<'_, _> {
            let account = &account;
            Box::pin(async move {
                if (pass.halt)() {
                    return (manifest, None);
                }
                let mut findings = Findings::default();
                let result = one(pass, kept, manifest, account, &mut findings).await;
                (manifest, Some((result, findings)))
            })
        };
        let mut unclaimed = Vec::new();
        let mut results = at_once(manifests, look);
        while let Some((manifest, result)) = results.next().await {
            let Some((result, found)) = result else { return Ok(in_place) };
            findings.extend(found);
            match result {
                Ok(Placed::There) => drop(in_place.insert(manifest.key())),
                Ok(Placed::Unclaimed(live)) => unclaimed.push((manifest, live)),
                Ok(Placed::Not) => {}
                Err(error) => failed(error, manifest, &account, findings)?,
            }
        }
        // What every cluster shall be comes first, and whose it is afterwards.
        let claim = |(manifest, live): (_, Object)| -> BoxFuture<'_, _> {
            Box::pin(async move { (manifest, claims::claim(pass.api, &live, pass.fleet).await) })
        };
        let mut results = at_once(unclaimed, claim);
        while let Some((manifest, result)) = results.next().await {
            match result {
                Ok(()) => drop(in_place.insert(manifest.key())),
                Err(error) => failed(error, manifest, &account, findings)?,
            }
        }
    }
    Ok(in_place)
}

/// Where an object is.
enum Placed {
    /// Where its source wants it.
    There,
    /// There, without the claim of the fleet.
    Unclaimed(Object),
    /// Not there, for a reason that was told.
    Not,
}

/// Tells of an object that could not be applied. Where the API server as a whole is the trouble the next one would fare no better.
fn failed(error: KubernetesError, manifest: &Manifest, account: &Account, findings: &mut Findings) -> Result<(), KubernetesError> {
    if error.is_general() {
        return Err(error);
    }
    tracing::warn!(%error, "not applied");
    findings.failed += 1;
    let problem = Diagnostic::error("apply-failed", error.to_string()).at(manifest.locate("")).help(help(&manifest.key(), account));
    findings.problems.push(problem);
    Ok(())
}

fn help(key: &ObjectKey, account: &Account) -> String {
    let Account { namespace, name } = account;
    let how = match key.kind.as_str() {
        "Namespace" => "the ClusterRole stackgres-fleet-namespaces, bound with a ClusterRoleBinding, gives it".to_owned(),
        _ => format!(
            "the ClusterRole stackgres-fleet, bound with a RoleBinding in {}, gives it",
            key.namespace.as_deref().unwrap_or("its namespace")
        ),
    };
    format!("the ServiceAccount {namespace}/{name} needs the right to create, get and patch it; {how}")
}

/// Applies one object where that is due.
async fn one(
    pass: &FleetPass<'_>,
    kept: &Kept,
    manifest: &Manifest,
    account: &Account,
    findings: &mut Findings,
) -> Result<Placed, KubernetesError> {
    let FleetPass { api, fleet, facts, .. } = *pass;
    let key = manifest.key();
    let live = match facts.own.get(&key) {
        Some(live) => Some(live.clone()),
        None => api.seen_one(&key).await?,
    };
    if live.as_ref().is_some_and(|live| kept.is_in_place(&key, &manifest.object, live)) {
        return Ok(Placed::There);
    }
    if key.kind == "SGCluster" {
        if !may_apply(pass, kept, manifest, live.as_ref(), findings) {
            return Ok(Placed::Not);
        }
        let applied = apply(pass, manifest, live.as_ref(), account, findings).await?;
        if let (Some(live), None, true) = (&live, &applied, findings.is_empty())
            && claims::claim_of(api, facts, live, fleet) == Claim::Ours
        {
            kept.found_in_place(key, &manifest.object, live);
            return Ok(Placed::There);
        }
        let current = applied.as_ref().or(live.as_ref());
        let unproven = applied.is_none() && live.as_ref().is_some_and(|live| claims::claim_of(api, facts, live, fleet) != Claim::Ours);
        if unproven {
            // Nothing differs, so nothing was written in the account's name: whether it could have been is asked for.
            let how = Apply { manager: SOURCE_MANAGER.to_owned(), force: true, dry_run: true, account: Some(account.clone()) };
            drop(api.apply(&manifest.object, &how).await?);
        }
        return Ok(current.map_or(Placed::There, |current| Placed::Unclaimed(current.clone())));
    }
    if let Some(live) = &live
        && let Some(other) = claims::other_owner(api, facts, live, fleet)
    {
        if drifted_paths(&manifest.object, live).is_empty() {
            return Ok(Placed::There);
        }
        findings.problems.push(
            Diagnostic::error("claimed-by-another-fleet", format!("the {} belongs to the fleet {other}", key.kind))
                .at(manifest.locate(""))
                .help("one object has one fleet: take it out of one of the two, or give it another name"),
        );
        return Ok(Placed::Not);
    }
    let refused = live.as_ref().map(|live| transition(live, manifest)).unwrap_or_default();
    if !refused.is_empty() {
        findings.blocked += 1;
        findings.problems.extend(refused);
        return Ok(Placed::Not);
    }
    let applied = apply(pass, manifest, live.as_ref(), account, findings).await?;
    if let (Some(live), None, true) = (&live, &applied, findings.is_empty()) {
        kept.found_in_place(key, &manifest.object, live);
        return Ok(Placed::There);
    }
    // A Namespace may be described by every fleet that uses it, as long as they agree.
    if let Some(applied) = applied.filter(|_| key.kind != "Namespace") {
        claims::mark(api, &applied, &fleet.namespaced_name(), account).await?;
    }
    Ok(Placed::There)
}

fn may_apply(pass: &FleetPass<'_>, kept: &Kept, manifest: &Manifest, live: Option<&Object>, findings: &mut Findings) -> bool {
    let name = manifest.object.namespaced_name();
    let Some(valid) = kept.report.clusters.get(&name) else { return false };
    if let Some(Claim::Other(other)) = live.map(|live| claims::claim_of(pass.api, pass.facts, live, pass.fleet)) {
        findings.blocked += 1;
        findings.problems.push(
            Diagnostic::error("claimed-by-another-fleet", format!("the cluster belongs to the fleet {other}"))
                .at(manifest.locate(""))
                .help("one cluster has one fleet: take it out of the other source first; that fleet gives it up then"),
        );
        return false;
    }
    let refused = pass.refusals(valid, kept);
    let allowed = refused.is_empty();
    if !allowed {
        findings.blocked += 1;
    }
    findings.problems.extend(refused);
    allowed
}

/// Applies one object if it differs; gives the object as it is then, or `None` where nothing was written.
async fn apply(
    pass: &FleetPass<'_>,
    manifest: &Manifest,
    live: Option<&Object>,
    account: &Account,
    findings: &mut Findings,
) -> Result<Option<Object>, KubernetesError> {
    let FleetPass { api, now, .. } = *pass;
    let how = Apply { manager: SOURCE_MANAGER.to_owned(), force: true, dry_run: false, account: Some(account.clone()) };
    let Some(live) = live else {
        return api.apply(&manifest.object, &how).await.map(Some);
    };
    let drifted = drifted_paths(&manifest.object, live);
    let differs = would_change(&manifest.object, live, SOURCE_MANAGER);
    if drifted.is_empty() && !differs {
        return Ok(None);
    }
    // What the commit did not change and is different all the same was edited live.
    let edited = !drifted.is_empty() && unchanged_by_the_commit(pass, manifest, live);
    if edited {
        findings.drifted += 1;
        if pass.drift == Drift::Report {
            tell(api, live, true, "Drifted", &format!("edited live and left so: {}", drifted.join(", ")), now).await;
            return Ok(None);
        }
        tell(api, live, true, "DriftReverted", &format!("edited live and put back: {}", drifted.join(", ")), now).await;
    }
    let mut current = live.clone();
    if differs {
        current = api.apply(&manifest.object, &how).await?;
    }
    if let Some(patch) = removal_patch(&manifest.object, &current) {
        current = api.merge(&current.key(), &patch, SOURCE_MANAGER, Some(account)).await?;
    }
    Ok(Some(current))
}

/// Whether the released revision of a cluster that uses the object holds it just as the source has it.
fn unchanged_by_the_commit(pass: &FleetPass<'_>, manifest: &Manifest, live: &Object) -> bool {
    let facts = pass.facts;
    let key = manifest.key();
    let clusters: Vec<&Object> = if key.kind == "SGCluster" {
        vec![live]
    } else {
        facts.of_kind("SGCluster").filter(|cluster| cluster.namespace() == live.namespace()).collect()
    };
    clusters.into_iter().any(|cluster| {
        let revision = cluster.text("/status/release/revision").and_then(|revision| facts.revision(&cluster.namespaced_name(), revision));
        let frozen = revision.and_then(|revision| revision.manifests.into_iter().find(|frozen| frozen.key() == key));
        frozen.is_some_and(|frozen| drifted_paths(&manifest.object, &frozen).is_empty())
    })
}
