//! The StatefulSet: pods and volumes.
//!
//! In: effective values. Out: one object. Invariant: restricted pod security; Kubernetes never restarts a pod by itself
//! (`OnDelete`). Why: when and in which order instances restart is decided by the rollout rules.

mod affinity;
mod containers;
mod custom;
mod patroni_container;
mod volumes;

use super::metadata::{generic, merged, metadata, pods};
use super::patroni::start_digest;
use crate::model::{Digest, Object};
use crate::resolve::Effective;
use serde_json::{Map, Value, json};

/// User and group of every process: `postgres` in the images.
const USER: i64 = 999;

/// The StatefulSet of a cluster.
pub(super) fn stateful_set(effective: &Effective) -> Object {
    let name = &effective.cluster.name;
    let mut labels = pods(effective);
    labels.extend(generic(effective));
    let mut claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": format!("{name}-data"), "labels": pods(effective)},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": effective.storage.size.value}}, "volumeMode": "Filesystem"},
    });
    if let Some(class) = &effective.storage.storage_class {
        claim["spec"]["storageClassName"] = json!(class);
    }
    let pod = pod(effective);
    let mut set = json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(effective, name, labels, &[]),
        "spec": {
            "replicas": effective.instances.value,
            "serviceName": name,
            "podManagementPolicy": effective.pod_management_policy.value,
            "updateStrategy": {"type": "OnDelete"},
            "selector": {"matchLabels": pods(effective)},
            // Data outlive the cluster and a smaller number of instances.
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "template": {"metadata": template_metadata(effective, &pod)},
        },
    });
    // Moved into their places: the macro would copy them.
    set["spec"]["template"]["spec"] = pod;
    set["spec"]["volumeClaimTemplates"] = Value::Array(vec![claim]);
    Object::new(set)
}

/// Annotation of the template, and so of every pod, that says what a pod was made from: its specification without the amounts of
/// processor and memory, which change in place, and what it reads at its start only. Labels and other annotations change in place
/// as well. What Kubernetes and admission add to a pod does not count.
pub const MADE_FROM: &str = "stackgres.io/made-from";

fn made_from(pod: &Value, start: &str) -> String {
    let mut pod = pod.clone();
    for list in ["containers", "initContainers"] {
        for container in pod.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            container.as_object_mut().map(|container| container.remove("resources"));
        }
    }
    Digest::of_list(&(pod, start)).short().to_owned()
}

/// Annotation of the template that stands for what a pod reads when it starts and never again.
const AT_START: &str = "stackgres.io/start-configuration";

/// Marks a StatefulSet that was put together from two rendered ones, of which `before` is the one in force: pods made from it are
/// other pods than those of `before` exactly where they differ.
pub fn mark(set: &mut Object, before: &Object) {
    const ANNOTATIONS: &str = "/spec/template/metadata/annotations";
    let annotation = |set: &Object, name: &str| -> Option<String> { Some(set.get(ANNOTATIONS)?.get(name)?.as_str()?.to_owned()) };
    let pod = |set: &Object| set.get("/spec/template/spec").cloned().unwrap_or_default();
    let (old, new) = (annotation(before, AT_START).unwrap_or_default(), annotation(set, AT_START).unwrap_or_default());
    // Where they differ it is the start of neither of the two.
    let start = if new == old { new } else { Digest::of(&json!([old, new])).short().to_owned() };
    // The mark that running pods carry stays theirs, however this program would have made it.
    let same = made_from(&pod(set), &start) == made_from(&pod(before), &old);
    let mark = annotation(before, MADE_FROM).filter(|_| same).unwrap_or_else(|| made_from(&pod(set), &start));
    if let Some(annotations) = set.value_mut().pointer_mut(ANNOTATIONS).and_then(Value::as_object_mut) {
        annotations.insert(AT_START.to_owned(), json!(start));
        annotations.insert(MADE_FROM.to_owned(), json!(mark));
    }
}

fn template_metadata(effective: &Effective, pod: &Value) -> Value {
    let mut labels = merged(&effective.labels, &["clusterPods"]);
    labels.extend(pods(effective));
    let mut annotations = merged(&effective.annotations, &["clusterPods"]);
    annotations.insert("kubectl.kubernetes.io/default-container".to_owned(), "patroni".to_owned());
    let start = start_digest(effective);
    annotations.insert(MADE_FROM.to_owned(), made_from(pod, &start));
    annotations.insert(AT_START.to_owned(), start);
    // Patroni writes these itself, from its first breath on.
    labels.remove("role");
    annotations.remove("status");
    json!({"labels": labels, "annotations": annotations})
}

fn pod(effective: &Effective) -> Value {
    let mut spec = Map::new();
    let mut set = |name: &str, value: Value| {
        spec.insert(name.to_owned(), value);
    };
    set("serviceAccountName", json!(format!("{}-patroni", effective.cluster.name)));
    set("automountServiceAccountToken", json!(false));
    set("enableServiceLinks", json!(false));
    set("terminationGracePeriodSeconds", json!(effective.termination_grace_period_seconds.value));
    set(
        "securityContext",
        json!({
            "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
            "fsGroupChangePolicy": effective.storage.fs_group_change_policy.value,
            "seccompProfile": {"type": "RuntimeDefault"},
        }),
    );
    if !effective.image_pull_secrets.is_empty() {
        set("imagePullSecrets", json!(effective.image_pull_secrets.iter().map(|name| json!({"name": name})).collect::<Vec<_>>()));
    }
    for (field, value) in affinity::scheduling(effective) {
        set(field, value);
    }
    set("containers", containers::containers(effective));
    let init = custom::containers(effective, "customInitContainers");
    if !init.is_empty() {
        set("initContainers", json!(init));
    }
    set("volumes", volumes::volumes(effective));
    Value::Object(spec)
}
