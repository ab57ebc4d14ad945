//! Revisions: one frozen set of inputs, effective values and rendered objects of one cluster.
//!
//! In: a valid cluster. Out: a [`Revision`] and its Secret. Invariant: the digest is of the inputs' meaning, so neither spelling
//! nor a new version of this program changes it; a Secret's content never enters a revision.
//! Why: what was planned and approved is what runs, whatever happens to shared configurations or to this program meanwhile.

mod history;
mod normal_form;
mod secret;

pub use history::to_prune;
pub use secret::{COMMIT_AUTHOR, COMMIT_SUBJECT, REVISION_TYPE, RevisionError, from_commit, from_secret, to_secret};

use super::from_effective;
use crate::load::Manifest;
use crate::model::{Digest, NamespacedName, Object};
use crate::resolve::Effective;
use crate::validate::ValidCluster;

/// One frozen set.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// The cluster.
    pub cluster: NamespacedName,
    /// Digest of the inputs in their normal form.
    pub digest: Digest,
    /// Commit the inputs came from; empty for live inputs.
    pub commit: String,
    /// Inputs as written, the cluster first.
    pub manifests: Vec<Object>,
    /// Effective values.
    pub effective: Effective,
    /// Rendered objects.
    pub objects: Vec<Object>,
}

impl Revision {
    /// Freezes a valid cluster.
    pub fn freeze(cluster: &ValidCluster, commit: &str) -> Self {
        let effective = cluster.effective();
        let manifests: Vec<Object> = cluster.inputs().manifests().map(|manifest| normal_form::as_written(&manifest.object)).collect();
        Self {
            cluster: cluster.inputs().name(),
            digest: inputs_digest(cluster),
            commit: commit.to_owned(),
            manifests,
            objects: from_effective(&effective).objects,
            effective,
        }
    }

    /// Name of its Secret: a function of cluster and digest of the inputs and of what was rendered from them.
    pub fn name(&self) -> String {
        let objects: Vec<&serde_json::Value> = self.objects.iter().map(Object::value).collect();
        format!("{}-revision-{}", self.cluster.name, Digest::of_list(&(&self.digest, objects)).short())
    }
}

/// Digest of the inputs of a valid cluster.
pub fn inputs_digest(cluster: &ValidCluster) -> Digest {
    digest(cluster.inputs().manifests(), cluster.major())
}

/// Digest of inputs in their normal form.
pub fn digest<'a>(manifests: impl Iterator<Item = &'a Manifest>, major: u32) -> Digest {
    let mut forms: Vec<serde_json::Value> = manifests.map(|manifest| normal_form::normal_form(&manifest.object, major)).collect();
    forms.sort_by_cached_key(ToString::to_string);
    Digest::of_list(&forms)
}
