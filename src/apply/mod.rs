//! Carries out the steps of one decision, in their order.
//!
//! In: steps. Out: how many were done, or the first failure. Invariant: no choice is made here; a random value is made once and
//! written with a plain create, so that nothing ever replaces it. Why: deciding and doing fail for different reasons.

mod certificate;
mod material;

pub use certificate::{CertificateError, MadeCertificate, make_authority, sign};
pub use material::{data, make, random_text, secret_of};

use crate::kubernetes::{Apply, Class, Cluster, KubernetesError};
use crate::rollout::{MANAGER, Step};
use std::collections::BTreeMap;

/// Does every step; stops at the first that fails, because later ones may need it.
/// `given` holds users' own values for entries of Secrets that are made.
pub async fn carry_out(cluster: &Cluster, steps: &[Step], given: &BTreeMap<String, String>) -> Result<usize, KubernetesError> {
    for step in steps {
        match step {
            Step::Apply(object) => {
                let how = Apply { manager: MANAGER.to_owned(), force: true, ..Apply::default() };
                match cluster.apply(object, &how).await {
                    // A kind that is not installed (PodMonitor) is found out here and left out.
                    Err(error) if error.is_not_found() && crate::render::policy(&object.key()).optional => {}
                    other => drop(other?),
                }
            }
            Step::Generate(secret) => match cluster.create(&make(secret, given)).await {
                Err(error) if error.class == Class::AlreadyExists => {}
                other => drop(other?),
            },
            Step::Dress { key, uid, metadata } => {
                let mut metadata = metadata.clone();
                metadata["uid"] = serde_json::json!(uid);
                match cluster.merge(key, &serde_json::json!({"metadata": metadata}), MANAGER, None).await {
                    // The pod went meanwhile; the next one is made from the template.
                    Err(error) if error.is_not_found() || error.class == Class::Conflict => {}
                    other => drop(other?),
                }
            }
            Step::Label { key, name, value } => {
                let label = serde_json::json!({"metadata": {"labels": {*name: value}}});
                match cluster.merge(key, &label, MANAGER, None).await {
                    // The pod went meanwhile; the next one is labelled when it is seen.
                    Err(error) if error.is_not_found() => {}
                    other => drop(other?),
                }
            }
            Step::Grow { key, to } => {
                let size = serde_json::json!({"spec": {"resources": {"requests": {"storage": to}}}});
                drop(cluster.merge(key, &size, MANAGER, None).await?);
            }
            Step::Orphan { key, uid } => cluster.delete_orphaning(key, uid).await?,
            Step::Remove { key, uid } => cluster.delete(key, Some(uid)).await?,
        }
    }
    Ok(steps.len())
}
