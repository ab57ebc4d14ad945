//! The revisions of a cluster.

use super::{LiveError, asked};
use crate::engine::offline::{Plan, frozen, plan_text};
use crate::engine::rehearsals::rehearse_changes;
use crate::kubernetes::Cluster;
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::plan::{Before, PlanInput, build};
use crate::render::revision::{COMMIT_AUTHOR, COMMIT_SUBJECT, REVISION_TYPE, Revision, from_secret};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The revisions of one cluster, newest first.
#[derive(Debug, Serialize)]
pub struct History {
    /// The cluster.
    pub cluster: String,
    /// Its revisions.
    pub revisions: Vec<Entry>,
}

/// One revision.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Name of its Secret.
    pub name: String,
    /// When it was made.
    pub created: String,
    /// Commit its inputs came from; empty for live inputs.
    pub commit: String,
    /// First line of that commit's message, where it is known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// Who wrote that commit, where it is known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// Digest of the meaning of its inputs.
    pub digest: String,
    /// Whether the cluster shall run it.
    pub released: bool,
    /// Whether its objects are in place.
    pub running: bool,
    /// Why it cannot be read; then the rest is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damaged: Option<String>,
    /// What it changed against the one before; absent for the oldest that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Its inputs as they were.
    pub manifests: Vec<serde_json::Value>,
}

impl Entry {
    /// What it changed against the one before, as text.
    pub fn changes(&self) -> Option<String> {
        self.plan.as_ref().map(|plan| plan_text(plan, false))
    }
}

/// Reads the revisions of a cluster. They outlive it: a cluster that is gone still has a history.
pub fn history(kubeconfig: Option<&Path>, cluster: &NamespacedName) -> Result<History, LiveError> {
    asked(kubeconfig, async |api| read_history(&api, cluster).await)
}

/// The same over a connection that is there already.
pub(in crate::engine) async fn read_history(api: &Cluster, cluster: &NamespacedName) -> Result<History, LiveError> {
    let key = ObjectKey::new("stackgres.io/v1", "SGCluster", Some(&cluster.namespace), &cluster.name);
    let live = api.get(&key).await?;
    let labels = format!("stackgres.io/revision=true,stackgres.io/cluster-name={}", cluster.name);
    let mut secrets = api.list("Secret", Some(&cluster.namespace), &labels).await?;
    secrets.retain(|secret| secret.text("/type") == Some(REVISION_TYPE));
    if live.is_none() && secrets.is_empty() {
        return Err(LiveError::NoCluster(cluster.clone()));
    }
    let made = |secret: &Object| (secret.text("/metadata/creationTimestamp").unwrap_or_default().to_owned(), secret.name().to_owned());
    secrets.sort_by_key(made);
    let named = |field: &str| live.as_ref().and_then(|live| live.text(&format!("/status/{field}/revision")).map(str::to_owned));
    let (released, running) = (named("release"), named("running"));
    let mut revisions: Vec<Entry> = Vec::new();
    let mut before: Option<Revision> = None;
    for secret in &secrets {
        let (created, name) = made(secret);
        let is = |wanted: &Option<String>| wanted.as_ref() == Some(&name);
        let mut entry = Entry {
            created,
            released: is(&released),
            running: is(&running),
            name: name.clone(),
            commit: String::new(),
            subject: noted(secret, COMMIT_SUBJECT),
            author: noted(secret, COMMIT_AUTHOR),
            digest: String::new(),
            damaged: None,
            plan: None,
            manifests: Vec::new(),
        };
        match from_secret(secret) {
            Ok(revision) => {
                entry.commit.clone_from(&revision.commit);
                entry.digest = revision.digest.to_string();
                entry.manifests = revision.manifests.iter().map(|manifest| manifest.value().clone()).collect();
                entry.plan = before.as_ref().map(|before| change(before, &revision));
                before = Some(revision);
            }
            Err(error) => {
                entry.damaged = Some(error.to_string());
                before = None;
            }
        }
        revisions.push(entry);
    }
    revisions.reverse();
    Ok(History { cluster: cluster.to_string(), revisions })
}

fn noted(secret: &Object, annotation: &str) -> String {
    secret.annotation(annotation).unwrap_or_default().to_owned()
}

fn change(before: &Revision, after: &Revision) -> Plan {
    let mut input = PlanInput { base: before.name(), head: after.name(), ..PlanInput::default() };
    input.before.insert(before.cluster.clone(), Before::Known(Box::new(frozen(before))));
    input.after.insert(after.cluster.clone(), frozen(after));
    rehearse_changes(&mut input, &BTreeMap::new());
    build(input)
}
