//! The newest images of the version that runs: what a security upgrade releases.
//!
//! A release names its images once and for all (DESIGN §6), so newer ones are another release of the same inputs. It is made where every
//! release of the cluster is made: by its fleet, or by the cluster itself.

use super::Operations;
use crate::engine::controller::facts::Facts;
use crate::model::{Object, seconds};
use crate::render::revision::Revision;
use crate::resolve::Settings;
use crate::rollout::{Operation, OperationKind};
use crate::validate::{ValidCluster, check_cluster};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

/// What a security upgrade asks to be released.
pub(in crate::engine::controller) struct Newest {
    /// The part of the release that says whom it answers.
    answer: Value,
    /// For people.
    by: String,
    /// The revision with the newest images; `None` where there is none, for the reason in the answer.
    revision: Option<Revision>,
}

impl Newest {
    /// What `status.release` gets of it, and the revision to be stored where another one than `named` is released.
    pub(in crate::engine::controller) fn release(self, named: Option<&str>, now: Timestamp) -> (Value, Option<Revision>) {
        let mut release = json!({"operation": self.answer});
        let revision = self.revision.filter(|revision| named != Some(&revision.name()));
        if let Some(revision) = &revision {
            release["revision"] = json!(revision.name());
            release["releasedAt"] = json!(seconds(now));
            release["by"] = json!(self.by);
        }
        (release, revision)
    }
}

/// What the security upgrade that is under way asks for; `None` where none is, or it was answered. The version stays the one that was
/// released, whatever an alias such as `17` stands for by now.
pub(in crate::engine::controller) fn newest(
    facts: &Facts,
    cluster: &Object,
    valid: &ValidCluster,
    settings: &Settings,
    commit: &str,
    now: Timestamp,
) -> Option<Newest> {
    let operations = Operations::of(facts, cluster, now);
    let operation = operations.under_way().filter(|operation| operation.kind == OperationKind::SecurityUpgrade)?;
    if is_answered(cluster, operation) {
        return None;
    }
    let released = cluster.text("/status/release/revision").and_then(|name| facts.revision(&cluster.namespaced_name(), name))?;
    let version = &released.effective.postgres.version.value;
    let settings = Settings { catalogue: Arc::new((*settings.catalogue).clone().only(version)), ..settings.clone() };
    let (valid, findings) = check_cluster(valid.inputs().clone(), &settings);
    let problem = valid.is_none().then(|| {
        let why = findings.iter().find(|finding| finding.is_error()).map_or_else(String::new, |finding| finding.message.clone());
        format!("PostgreSQL {version} has no newer images: {why}")
    });
    Some(Newest {
        answer: json!({"uid": operation.uid, "problem": problem}),
        by: operation.text(),
        revision: valid.map(|valid| Revision::freeze(&valid, commit)),
    })
}

/// Whether the newest images were released for an operation.
pub(super) fn is_answered(cluster: &Object, operation: &Operation) -> bool {
    cluster.text("/status/release/operation/uid") == Some(&operation.uid)
}

/// Why an operation gets no images.
pub(super) fn problem<'a>(cluster: &'a Object, operation: &Operation) -> Option<&'a str> {
    let answered = operation.kind == OperationKind::SecurityUpgrade && is_answered(cluster, operation);
    cluster.text("/status/release/operation/problem").filter(|_| answered)
}
