//! Asks the API server whether it would take the pods, before a StatefulSet gets a new template.
//!
//! The API server checks little of a StatefulSet's template: a mistake in it shows only when its controller makes pods, and none
//! comes. A PodTemplate holds the same template and is checked as a pod is; creating one in a dry run stores nothing, and the
//! right to create PodTemplates lets nobody run anything, which the right to create pods would. What only the making of a pod asks
//! (pod security, quota, limit ranges, whether a priority class exists) is not asked here, and shows as events of the StatefulSet.

use crate::kubernetes::{Class, Cluster, KubernetesError};
use crate::model::{NamespacedName, Object};
use crate::render::revision::Revision;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Revisions whose pods were accepted. Losing it costs a question; what was refused is asked again at each look.
#[derive(Default)]
pub(super) struct PodChecks(Mutex<BTreeMap<NamespacedName, String>>);

impl PodChecks {
    /// Forgets clusters that are gone.
    pub(super) fn keep(&self, known: impl Fn(&NamespacedName) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| known(name));
    }

    /// Why the API server would not take the pods of a revision; `None` where it would, and where they are those that run.
    pub(super) async fn refusal(
        &self,
        api: &Cluster,
        released: &Revision,
        running: Option<&Revision>,
    ) -> Result<Option<String>, KubernetesError> {
        let Some(template) = pod_template(released) else { return Ok(None) };
        let name = released.name();
        let accepted = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&released.cluster) == Some(&name);
        if accepted || running.and_then(pod_template).is_some_and(|running| running == template) {
            return Ok(None);
        }
        match api.create_in_dry_run(&template).await {
            Err(error) if error.class == Class::Invalid => return Ok(Some(error.message)),
            // A policy, a quota of objects or a missing right: it speaks of this question, not of the pods.
            Err(error) if matches!(error.class, Class::Forbidden | Class::NotFound) => {
                tracing::warn!(%error, "not known whether the API server would take the pods");
            }
            // One of that name is there: the template was accepted before the name was looked up.
            Err(error) if error.class == Class::AlreadyExists => {}
            other => drop(other?),
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(released.cluster.clone(), name);
        Ok(None)
    }
}

/// The template of a revision's pods as an object of its own, with the volumes that the StatefulSet controller adds to the first.
fn pod_template(revision: &Revision) -> Option<Object> {
    let set = revision.objects.iter().find(|object| object.kind() == "StatefulSet")?;
    let mut template = set.get("/spec/template")?.clone();
    let claims = set.get("/spec/volumeClaimTemplates").and_then(Value::as_array).into_iter().flatten();
    let claimed = claims
        .filter_map(|claim| claim.pointer("/metadata/name")?.as_str())
        .map(|claim| json!({"name": claim, "persistentVolumeClaim": {"claimName": format!("{claim}-{}-0", set.name())}}));
    if let Some(volumes) = template.pointer_mut("/spec/volumes").and_then(Value::as_array_mut) {
        volumes.extend(claimed);
    }
    Some(Object::new(json!({
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": set.name(), "namespace": set.namespace()},
        "template": template,
    })))
}
