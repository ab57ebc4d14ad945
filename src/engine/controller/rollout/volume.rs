//! An instance gives its data volume up: the volume is kept, then its claim goes.
//!
//! In: the instance, and the identities of its pod and claim. Invariant: no claim is deleted whose PersistentVolume does not say
//! `Retain`, nor one that the leader uses. Why: whatever goes wrong afterwards, the data of before are there. Each request may be
//! the last one before the controller ends: all of them are made again in the same order, and each is fine to repeat.

use crate::kubernetes::{Class, Cluster, KubernetesError};
use crate::model::{InstanceRole, NamespacedName, Object, ObjectKey};
use crate::render::revision::Revision;
use crate::rollout::MANAGER;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Label of a volume that an instance gave up; with it stand those of its cluster.
const REPLACED: &str = "stackgres.io/replaced";

/// The instance whose data are to move.
pub(super) struct Moving<'a> {
    pub(super) cluster: &'a NamespacedName,
    pub(super) instance: u32,
    /// Identity of its pod.
    pub(super) pod: &'a str,
    /// Identity of the claim that goes.
    pub(super) claim: &'a str,
}

/// What comes before the claim may go.
pub(super) enum Kept {
    /// Everything is prepared.
    Yes,
    /// The facts are not those of the decision any more: it is made again.
    Another,
    /// The volume cannot be kept, or the instance leads by now: why, and what ends it.
    No { why: String, ends: &'static str },
}

impl Moving<'_> {
    fn pod_name(&self) -> String {
        format!("{}-{}", self.cluster.name, self.instance)
    }

    fn key(&self, kind: &str, name: &str) -> ObjectKey {
        ObjectKey::new("v1", kind, Some(&self.cluster.namespace), name)
    }

    /// The claim as it stands there now; `None` where it has gone already.
    async fn claim(&self, api: &Cluster, known: &BTreeMap<ObjectKey, Object>) -> Result<Option<Object>, KubernetesError> {
        let is_it = |object: &&Object| object.kind() == "PersistentVolumeClaim" && object.uid() == Some(self.claim);
        let Some(claim) = known.values().find(is_it) else { return Ok(None) };
        Ok(api.get(&claim.key()).await?.filter(|claim| claim.uid() == Some(self.claim)))
    }

    /// Sees to it that the volume outlives its claim, and that nothing speaks against deleting that.
    pub(super) async fn keep(
        &self,
        api: &Cluster,
        released: &Revision,
        known: &BTreeMap<ObjectKey, Object>,
    ) -> Result<Kept, KubernetesError> {
        if !has_released_claims(released, known) {
            // The StatefulSet controller would make the same claim again.
            return Ok(Kept::Another);
        }
        // What was seen is some moments old. Patroni's label is what the Service for writes goes by.
        let pod = api.get(&self.key("Pod", &self.pod_name())).await?;
        let Some(pod) = pod.filter(|pod| pod.uid() == Some(self.pod)) else { return Ok(Kept::Another) };
        let role = pod.label("role").map(InstanceRole::read);
        if matches!(role, Some(InstanceRole::Primary | InstanceRole::StandbyLeader)) {
            return Ok(Kept::Another);
        }
        let Some(claim) = self.claim(api, known).await? else { return Ok(Kept::Yes) };
        // A claim that was never given a volume holds nothing.
        let Some(volume) = claim.text("/spec/volumeName") else { return Ok(Kept::Yes) };
        match self.retain(api, &claim, volume).await {
            Ok(None) => Ok(Kept::Yes),
            Ok(Some(why)) => Ok(Kept::No { why, ends: "the PersistentVolume is put right" }),
            Err(error) if matches!(error.class, Class::Forbidden | Class::Invalid) => Ok(Kept::No {
                why: format!("its volume cannot be kept: {error}"),
                ends: "the controller may get and patch PersistentVolumes, or the old storage class is released again",
            }),
            Err(error) => Err(error),
        }
    }

    /// Sets the reclaim policy `Retain`, and says whose the volume was. `Some` says why that is not so.
    /// Source: Kubernetes documentation, "Change the Reclaim Policy of a PersistentVolume".
    async fn retain(&self, api: &Cluster, claim: &Object, name: &str) -> Result<Option<String>, KubernetesError> {
        let key = ObjectKey::new("v1", "PersistentVolume", None, name);
        let Some(volume) = api.get(&key).await? else { return Ok(Some(format!("its volume {name} does not exist"))) };
        if volume.text("/spec/claimRef/uid") != Some(self.claim) {
            return Ok(Some(format!("the volume {name} does not belong to the claim {}", claim.name())));
        }
        if is_kept(&volume) {
            return Ok(None);
        }
        let patch = json!({
            "metadata": {
                "resourceVersion": volume.resource_version(),
                "labels": {
                    REPLACED: "true",
                    "stackgres.io/cluster-name": self.cluster.name,
                    "stackgres.io/cluster-namespace": self.cluster.namespace,
                },
                "annotations": {"stackgres.io/instance": self.pod_name()},
            },
            "spec": {"persistentVolumeReclaimPolicy": "Retain"},
        });
        let volume = api.merge(&key, &patch, MANAGER, None).await?;
        Ok((!is_kept(&volume)).then(|| format!("the volume {name} does not take the reclaim policy Retain")))
    }

    /// Deletes the claim; it stays until its pod has ended (the finalizer `kubernetes.io/pvc-protection`).
    pub(super) async fn give_up(&self, api: &Cluster, known: &BTreeMap<ObjectKey, Object>) -> Result<(), KubernetesError> {
        match self.claim(api, known).await? {
            Some(claim) if claim.get("/metadata/deletionTimestamp").is_none() => api.delete(&claim.key(), Some(self.claim)).await,
            _ => Ok(()),
        }
    }
}

fn is_kept(volume: &Object) -> bool {
    volume.text("/spec/persistentVolumeReclaimPolicy") == Some("Retain") && volume.label(REPLACED) == Some("true")
}

/// Whether a claim that the StatefulSet controller makes now is of the released class.
fn has_released_claims(released: &Revision, known: &BTreeMap<ObjectKey, Object>) -> bool {
    let classes = |set: &Object| -> Vec<Option<Value>> {
        let templates = set.get("/spec/volumeClaimTemplates").and_then(Value::as_array);
        templates.into_iter().flatten().map(|template| template.pointer("/spec/storageClassName").cloned()).collect()
    };
    let wanted = released.objects.iter().find(|object| object.kind() == "StatefulSet");
    let live = known.values().find(|object| object.kind() == "StatefulSet");
    matches!((wanted, live), (Some(wanted), Some(live)) if classes(wanted) == classes(live))
}
