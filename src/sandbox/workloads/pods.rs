//! Scheduler and node: a pod is bound, started and ready after a while.

use super::{all, is_ready, text, volumes, write};
use crate::sandbox::resources::of_kind;
use crate::sandbox::store::State;
use crate::sandbox::time::{now, stamp};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn step(state: &mut State, pace: Duration) {
    let Some(pods) = of_kind("Pod") else { return };
    for pod in all(state, pods).iter().filter(|pod| !is_ready(pod)) {
        let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
        let made = text(pod, "/metadata/creationTimestamp").parse::<Timestamp>().unwrap_or_else(|_| now());
        let old = now().duration_since(made);
        let pace = jiff::SignedDuration::try_from(pace).unwrap_or_default();
        if text(pod, "/spec/nodeName").is_empty() {
            if !volumes::are_there(state, pod) {
                continue;
            }
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
