//! The StatefulSet controller: pods in order, volumes once, a hash of the template.
//!
//! Source: Kubernetes documentation, "StatefulSets". With the update strategy `OnDelete` a changed template reaches a pod only
//! when somebody deletes it; with `RollingUpdate` the highest outdated pod is replaced when all are ready.

use super::{all, is_ready, make, text, write};
use crate::model::Digest;
use crate::sandbox::resources::{Resource, of_kind};
use crate::sandbox::store::{Key, State};
use serde_json::{Value, json};

const MANAGER: &str = "kube-controller-manager";

pub(super) fn step(state: &mut State) {
    let (Some(sets), Some(pods), Some(claims)) = (of_kind("StatefulSet"), of_kind("Pod"), of_kind("PersistentVolumeClaim")) else { return };
    for set in all(state, sets) {
        let (namespace, name) = (text(&set, "/metadata/namespace").to_owned(), text(&set, "/metadata/name").to_owned());
        let wanted = set.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
        let hash = revision(&set);
        let parallel = text(&set, "/spec/podManagementPolicy") == "Parallel";
        let pod_of = |state: &State, index: u64| state.get(&Key::new(pods, &namespace, &format!("{name}-{index}")));
        for index in 0..wanted {
            if let Some(pod) = pod_of(state, index) {
                // Since Kubernetes 1.27: its claim may have ended after it was made.
                if text(&pod, "/spec/nodeName").is_empty() {
                    let _ = make_claims(state, claims, &set, index);
                }
                if !parallel && !is_ready(&pod) {
                    break;
                }
                continue;
            }
            if !make_claims(state, claims, &set, index) {
                continue;
            }
            make(state, pods, &namespace, MANAGER, pod(&set, &name, index, &hash));
            if !parallel {
                break;
            }
        }
        let existing: Vec<u64> = (0..wanted + 64).filter(|index| pod_of(state, *index).is_some()).collect();
        if let Some(surplus) = existing.iter().rev().find(|index| **index >= wanted) {
            super::remove(state, &Key::new(pods, &namespace, &format!("{name}-{surplus}")));
        }
        let current: Vec<_> = existing.iter().filter_map(|index| pod_of(state, *index)).collect();
        let is_new = |pod: &Value| text(pod, "/metadata/labels/controller-revision-hash") == hash;
        let rolling = text(&set, "/spec/updateStrategy/type") == "RollingUpdate";
        if rolling
            && current.iter().all(|pod| is_ready(pod))
            && let Some(outdated) = current.iter().rev().find(|pod| !is_new(pod))
        {
            super::remove(state, &Key::new(pods, &namespace, text(outdated, "/metadata/name")));
        }
        let ready = current.iter().filter(|pod| is_ready(pod)).count();
        let updated = current.iter().filter(|pod| is_new(pod)).count();
        let before = text(&set, "/status/currentRevision");
        let settled = updated == current.len() || before.is_empty();
        let status = json!({
            "observedGeneration": set["metadata"]["generation"], "replicas": current.len(), "readyReplicas": ready, "availableReplicas": ready,
            "currentReplicas": if settled { updated } else { current.len() - updated }, "updatedReplicas": updated,
            "currentRevision": if settled { hash.as_str() } else { before }, "updateRevision": hash, "collisionCount": 0,
        });
        write(state, sets, &namespace, &name, MANAGER, "status", json!({ "status": status }));
    }
}

/// Makes the claims of a pod that are not there; false while one is still ending, because then no pod is made.
fn make_claims(state: &mut State, claims: &'static Resource, set: &Value, index: u64) -> bool {
    let (namespace, name) = (text(set, "/metadata/namespace"), text(set, "/metadata/name"));
    let mut all_stay = true;
    for claim in set.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array).into_iter().flatten() {
        let claim_name = format!("{}-{name}-{index}", text(claim, "/metadata/name"));
        if let Some(claim) = state.get(&Key::new(claims, namespace, &claim_name)) {
            all_stay &= claim.pointer("/metadata/deletionTimestamp").is_none();
        } else {
            let object = json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": claim_name, "labels": set.pointer("/spec/selector/matchLabels"), "annotations": claim["metadata"].get("annotations")},
                "spec": claim["spec"],
            });
            make(state, claims, namespace, MANAGER, object);
        }
    }
    all_stay
}

fn revision(set: &Value) -> String {
    format!("{}-{}", text(set, "/metadata/name"), &Digest::of(&set["spec"]["template"]).short()[..10])
}

fn pod(set: &Value, name: &str, index: u64, hash: &str) -> Value {
    let mut pod = set["spec"]["template"].clone();
    let pod_name = format!("{name}-{index}");
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!(pod_name);
    for (label, value) in [
        ("statefulset.kubernetes.io/pod-name", pod_name.as_str()),
        ("controller-revision-hash", hash),
        ("apps.kubernetes.io/pod-index", &index.to_string()),
    ] {
        pod["metadata"]["labels"][label] = json!(value);
    }
    pod["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "StatefulSet", "name": name, "uid": set["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    }]);
    let volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    let claimed = set.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array).into_iter().flatten().map(|claim| {
        let volume = text(claim, "/metadata/name");
        json!({"name": volume, "persistentVolumeClaim": {"claimName": format!("{volume}-{pod_name}")}})
    });
    pod["spec"]["volumes"] = volumes.into_iter().chain(claimed).collect();
    pod["spec"]["hostname"] = json!(pod_name);
    pod["spec"]["subdomain"] = set["spec"]["serviceName"].clone();
    pod
}
