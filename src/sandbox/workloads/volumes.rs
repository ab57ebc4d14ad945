//! Provisioner and protection of volumes: a claim gets a volume of its class, and goes only when no pod uses it.
//!
//! Source: Kubernetes documentation, "Persistent Volumes", sections "Provisioning", "Storage Object in Use Protection" and
//! "Reclaiming".

use super::{all, remove, text, write};
use crate::sandbox::resources::of_kind;
use crate::sandbox::store::{Key, State};
use serde_json::{Value, json};

const MANAGER: &str = "kube-controller-manager";

/// The finalizer of a claim that a pod may use.
const PROTECTED: &str = "kubernetes.io/pvc-protection";

pub(super) fn step(state: &mut State) {
    let (Some(claims), Some(volumes)) = (of_kind("PersistentVolumeClaim"), of_kind("PersistentVolume")) else { return };
    for claim in all(state, claims) {
        let (namespace, name) = (text(&claim, "/metadata/namespace"), text(&claim, "/metadata/name"));
        let finalizers = claim.pointer("/metadata/finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
        if claim.pointer("/metadata/deletionTimestamp").is_some() {
            if !is_used(state, namespace, name) {
                let left: Vec<Value> = finalizers.into_iter().filter(|finalizer| finalizer != PROTECTED).collect();
                write(state, claims, namespace, name, MANAGER, "", json!({"metadata": {"finalizers": left}}));
            }
            continue;
        }
        if !finalizers.iter().any(|finalizer| finalizer == PROTECTED) {
            let all: Vec<Value> = finalizers.into_iter().chain([json!(PROTECTED)]).collect();
            write(state, claims, namespace, name, MANAGER, "", json!({"metadata": {"finalizers": all}}));
        }
        if text(&claim, "/status/phase") != "Bound" {
            bind(state, &claim);
        }
    }
    for volume in all(state, volumes) {
        let name = text(&volume, "/metadata/name");
        let claim = Key::new(claims, text(&volume, "/spec/claimRef/namespace"), text(&volume, "/spec/claimRef/name"));
        if state.get(&claim).is_some_and(|claim| claim.pointer("/metadata/uid") == volume.pointer("/spec/claimRef/uid")) {
            continue;
        }
        if text(&volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" {
            remove(state, &Key::new(volumes, "", name));
        } else if text(&volume, "/status/phase") != "Released" {
            write(state, volumes, "", name, MANAGER, "status", json!({"status": {"phase": "Released"}}));
        }
    }
}

/// Gives a claim a volume, where its class exists; one that asks for no class gets the default one.
fn bind(state: &mut State, claim: &Value) {
    let (Some(claims), Some(volumes), Some(classes)) =
        (of_kind("PersistentVolumeClaim"), of_kind("PersistentVolume"), of_kind("StorageClass"))
    else {
        return;
    };
    let default = |class: &Value| text(class, "/metadata/annotations/storageclass.kubernetes.io~1is-default-class") == "true";
    let asked = claim.pointer("/spec/storageClassName").and_then(Value::as_str);
    let of = |class: &Value| asked.map_or_else(|| default(class), |asked| text(class, "/metadata/name") == asked);
    let Some(class) = all(state, classes).into_iter().find(|class| of(class)) else { return };
    let (namespace, name, class_name) = (text(claim, "/metadata/namespace"), text(claim, "/metadata/name"), text(&class, "/metadata/name"));
    let volume = format!("pvc-{}", text(claim, "/metadata/uid"));
    let size = claim.pointer("/spec/resources/requests/storage").cloned();
    let policy = class.pointer("/reclaimPolicy").cloned().unwrap_or_else(|| json!("Delete"));
    let object = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume},
        "spec": {
            "accessModes": claim["spec"]["accessModes"], "capacity": {"storage": size}, "storageClassName": class_name,
            "persistentVolumeReclaimPolicy": policy,
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name, "uid": claim["metadata"]["uid"]},
        },
    });
    super::make(state, volumes, "", MANAGER, object);
    write(state, volumes, "", &volume, MANAGER, "status", json!({"status": {"phase": "Bound"}}));
    write(state, claims, namespace, name, MANAGER, "", json!({"spec": {"volumeName": volume, "storageClassName": class_name}}));
    let status = json!({"status": {"phase": "Bound", "accessModes": claim["spec"]["accessModes"], "capacity": {"storage": size}}});
    write(state, claims, namespace, name, MANAGER, "status", status);
}

/// Names of the claims of a pod.
pub(super) fn claims_of(pod: &Value) -> impl Iterator<Item = &str> {
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
    volumes.filter_map(|volume| volume.pointer("/persistentVolumeClaim/claimName")?.as_str())
}

/// Whether a pod that a node has taken uses a claim; one that waits for a node does not hold it.
fn is_used(state: &State, namespace: &str, claim: &str) -> bool {
    let pods = of_kind("Pod").map(|kind| all(state, kind)).unwrap_or_default();
    pods.iter().any(|pod| {
        let of_it = text(pod, "/metadata/namespace") == namespace && claims_of(pod).any(|name| name == claim);
        of_it && !text(pod, "/spec/nodeName").is_empty()
    })
}

/// Whether a node can take a pod: each of its claims is there, bound, and stays.
pub(super) fn are_there(state: &State, pod: &Value) -> bool {
    let Some(claims) = of_kind("PersistentVolumeClaim") else { return true };
    claims_of(pod).all(|name| {
        let claim = state.get(&Key::new(claims, text(pod, "/metadata/namespace"), name));
        claim.is_some_and(|claim| text(&claim, "/status/phase") == "Bound" && claim.pointer("/metadata/deletionTimestamp").is_none())
    })
}
