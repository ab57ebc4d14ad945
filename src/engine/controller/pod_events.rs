//! What the StatefulSet controller and the kubelets tell in events and nowhere else: why a pod is not made, and why one that has a node
//! does not come to start its containers.

use crate::health::Instances;
use crate::kubernetes::Cluster;
use crate::model::{Object, ObjectKey};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// What the StatefulSet controller says while the claim that goes with a pod is still ending; it tries again by itself.
/// Source: Kubernetes, `pkg/controller/statefulset/stateful_pod_control.go`, `createPersistentVolumeClaims`.
const CLAIM_ENDS: &str = "is being deleted";

/// How long a pod on a node is given before anybody is asked why it does not start: volumes attach and mount within seconds as a rule,
/// and a first try that fails is repeated soon.
const MOUNTS: SignedDuration = SignedDuration::from_secs(20);

/// Reasons of events about volumes, of the attach/detach controller and the kubelet. Source: Kubernetes,
/// `pkg/kubelet/events/event.go`.
const VOLUMES: [&str; 3] = ["FailedAttachVolume", "FailedMount", "FailedMapVolume"];

/// Where the network or the runtime has no place for a pod. What it says names another sandbox at each try.
const SANDBOX: &str = "FailedCreatePodSandBox";

/// When an event was told last: recorders of the kubelet count in the fields of the first API, others in a series.
fn last(event: &Object) -> Option<Timestamp> {
    let times = ["/series/lastObservedTime", "/deprecatedLastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    times.iter().find_map(|pointer| event.text(pointer)?.parse().ok())
}

/// Why the StatefulSet controller does not make a pod since a moment: pod security, quotas and admission speak only to it.
pub(super) async fn not_made(api: &Cluster, cluster: &Object, pod: &str, since: Timestamp) -> Option<String> {
    let events = api.list("Event", cluster.namespace(), "").await.ok()?;
    let of_it = events.iter().filter(|event| {
        event.text("/reason") == Some("FailedCreate")
            && event.text("/regarding/name") == Some(cluster.name())
            && event.text("/note").is_some_and(|note| note.contains(pod) && !note.contains(CLAIM_ENDS))
            && last(event).is_some_and(|at| at >= since)
    });
    of_it.max_by_key(|event| last(event)).and_then(|event| event.text("/note")).map(str::to_owned)
}

/// Whether a pod has had a node for a while and its sandbox is not there, which comes after its volumes. Source: Kubernetes, KEP-3085,
/// condition `PodReadyToStartContainers`; where the kubelet does not set it nothing is said.
fn is_stuck(pod: &Object, now: Timestamp) -> bool {
    let scheduled = pod.condition("PodScheduled").filter(|scheduled| scheduled["status"] == "True");
    let since = scheduled.and_then(|scheduled| scheduled["lastTransitionTime"].as_str()?.parse::<Timestamp>().ok());
    let waits = pod.condition("PodReadyToStartContainers").is_some_and(|ready| ready["status"] == "False");
    waits && pod.get("/metadata/deletionTimestamp").is_none() && since.is_some_and(|since| now >= since + MOUNTS)
}

/// Names the trouble of pods that have a node and cannot start there: a volume that does not attach or mount, a Secret that is missing.
pub(super) async fn name_troubles(api: &Cluster, children: &BTreeMap<ObjectKey, Object>, seen: &mut Instances, now: Timestamp) {
    let mut events: Option<Vec<Object>> = None;
    for instance in seen.existing.iter_mut().filter(|instance| !instance.ready && instance.trouble.is_none()) {
        let pod = children.values().find(|object| object.kind() == "Pod" && object.name() == instance.name);
        let Some(pod) = pod.filter(|pod| is_stuck(pod, now)) else { continue };
        if events.is_none() {
            events = Some(api.list("Event", pod.namespace(), "").await.unwrap_or_default());
        }
        instance.trouble = events.as_deref().and_then(|events| trouble(events, pod));
    }
}

/// What events say of a pod. The kubelet tells the cause, and besides it a list of what is not mounted whose order changes; the cause is
/// taken, and of several the first by its letters, so that a status does not change with each try.
fn trouble(events: &[Object], pod: &Object) -> Option<String> {
    let of_it = |event: &&Object| event.text("/regarding/uid").is_some_and(|uid| Some(uid) == pod.uid());
    let told = |event: &Object, reasons: &[&str]| event.text("/reason").is_some_and(|reason| reasons.contains(&reason));
    let of_volumes = events.iter().filter(of_it).filter(|event| told(event, &VOLUMES)).filter_map(|event| event.text("/note"));
    let cause = of_volumes.min_by_key(|note| (note.starts_with("Unable to attach or mount"), note.to_owned()));
    cause.map(|note| format!("its volumes are not there: {note}")).or_else(|| {
        let sandbox = events.iter().filter(of_it).any(|event| told(event, &[SANDBOX]));
        sandbox.then(|| "its node cannot make its sandbox (`kubectl describe pod` shows why)".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(started: &str) -> Object {
        Object::new(json!({
            "kind": "Pod", "metadata": {"name": "db-1", "namespace": "a", "uid": "u1"},
            "status": {"conditions": [
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"},
                {"type": "PodReadyToStartContainers", "status": started},
            ]},
        }))
    }

    fn event(uid: &str, reason: &str, note: &str) -> Object {
        Object::new(json!({"kind": "Event", "reason": reason, "note": note, "regarding": {"uid": uid}}))
    }

    /// Without it a rollout waits half an hour for a pod whose volume is at another node, and then says that it took too long.
    #[test]
    fn a_volume_that_does_not_come_is_named() {
        let attach = "Multi-Attach error for volume \"pvc-1\" Volume is already exclusively attached to one node";
        let unable = "Unable to attach or mount volumes: unmounted volumes=[data]: timed out waiting for the condition";
        let events = [
            event("u1", "FailedMount", unable),
            event("u1", "FailedAttachVolume", attach),
            event("u0", "FailedMount", "another pod's"),
            event("u1", "Scheduled", "Successfully assigned"),
        ];
        assert_eq!(trouble(&events, &pod("False")).unwrap(), format!("its volumes are not there: {attach}"));
        assert_eq!(trouble(&events[..1], &pod("False")).unwrap(), format!("its volumes are not there: {unable}"));
        assert_eq!(trouble(&events[2..], &pod("False")), None);
        let sandbox = [event("u1", SANDBOX, "failed to set up sandbox \"0a1b\"")];
        assert!(trouble(&sandbox, &pod("False")).unwrap().starts_with("its node cannot make its sandbox"));
    }

    /// A pod that pulls its image keeps the events of mounts that failed at first: they must not be taken for what it waits for now.
    #[test]
    fn a_pod_whose_sandbox_is_there_is_not_stuck() {
        let after = |seconds: i64| "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds);
        assert!(is_stuck(&pod("False"), after(20)));
        assert!(!is_stuck(&pod("False"), after(19)), "volumes take a moment");
        assert!(!is_stuck(&pod("True"), after(60)));
        let mut leaving: Value = pod("False").into_value();
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:01Z");
        assert!(!is_stuck(&Object::new(leaving), after(60)));
    }
}
