//! Scheduler, volumes and node: a pod is bound, started and ready after a while.

use super::{all, is_ready, text, write};
use crate::sandbox::resources::of_kind;
use crate::sandbox::store::State;
use crate::sandbox::time::{now, stamp};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn step(state: &mut State, pace: Duration) {
    let (Some(pods), Some(claims)) = (of_kind("Pod"), of_kind("PersistentVolumeClaim")) else { return };
    for claim in all(state, claims).iter().filter(|claim| text(claim, "/status/phase") != "Bound") {
        let (namespace, name) = (text(claim, "/metadata/namespace"), text(claim, "/metadata/name"));
        let volume = format!("pvc-{}", text(claim, "/metadata/uid"));
        write(state, claims, namespace, name, "kube-controller-manager", "", json!({"spec": {"volumeName": volume}}));
        let size = claim.pointer("/spec/resources/requests/storage").cloned();
        let status = json!({"status": {"phase": "Bound", "accessModes": claim["spec"]["accessModes"], "capacity": {"storage": size}}});
        write(state, claims, namespace, name, "kube-controller-manager", "status", status);
    }
    for pod in all(state, pods).iter().filter(|pod| !is_ready(pod)) {
        let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
        let made = text(pod, "/metadata/creationTimestamp").parse::<Timestamp>().unwrap_or_else(|_| now());
        let old = now().duration_since(made);
        let pace = jiff::SignedDuration::try_from(pace).unwrap_or_default();
        if text(pod, "/spec/nodeName").is_empty() {
            write(state, pods, namespace, name, "kube-scheduler", "", json!({"spec": {"nodeName": "node-1"}}));
        }
        if old < pace {
            continue;
        }
        let ready = old >= pace * 2;
        let status = json!({"status": status(pod, ready)});
        write(state, pods, namespace, name, "kubelet", "status", status);
    }
}

fn status(pod: &Value, ready: bool) -> Value {
    let since = stamp(now());
    let condition =
        |name: &str, fine: bool| json!({"type": name, "status": if fine { "True" } else { "False" }, "lastTransitionTime": since});
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let statuses: Vec<Value> = containers
        .into_iter()
        .flatten()
        .map(|container| {
            json!({
                "name": container["name"], "image": container["image"], "imageID": container["image"], "ready": ready, "started": true, "restartCount": 0,
                "state": {"running": {"startedAt": since}},
            })
        })
        .collect();
    // The address follows from the name, so that it stays the same when the pod is made again.
    let digest = crate::model::Digest::of_bytes(format!("{}/{}", text(pod, "/metadata/namespace"), text(pod, "/metadata/name")).as_bytes());
    let byte = |at: usize| u8::from_str_radix(&digest.short()[at..at + 2], 16).unwrap_or(1);
    let address = format!("10.244.{}.{}", byte(0), byte(2).clamp(2, 254));
    json!({
        "phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "hostIP": "192.0.2.1", "startTime": since,
        "conditions": [
            condition("PodScheduled", true), condition("Initialized", true), condition("ContainersReady", ready), condition("Ready", ready),
        ],
        "containerStatuses": statuses,
    })
}
