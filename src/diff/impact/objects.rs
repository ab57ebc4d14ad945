//! What a changed field of a rendered object does.

use super::{Disturbance, Finding, Risk};
use crate::diff::Version;
use crate::diff::compare::FieldChange;
use crate::diff::objects::{ObjectAction, ObjectChange};
use serde_json::Value;

/// Annotation of the pod template that tells pods apart which were made from different ones.
const MADE_FROM: &str = "made-from";

/// Annotation of the pod template that stands for what Patroni reads only when it starts.
const AT_START: &str = "start-configuration";

/// Findings of the object changes. Configuration that holds effective values is judged by those values, not here.
pub(super) fn findings(before: &Version, after: &Version, objects: &[ObjectChange], others: &[Finding]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = objects.iter().flat_map(one).collect();
    // What Patroni reads only when it starts is not read again.
    let at_start = objects.iter().flat_map(|object| &object.fields).any(|change| change.pointer.contains(AT_START));
    if others.is_empty() && !at_start && !respelled(before, after) {
        findings.extend(objects.iter().filter_map(unexplained));
    }
    findings
}

/// Whether only the text of parameters differs, so that the configuration says the same in other words.
fn respelled(before: &Version, after: &Version) -> bool {
    let values = |version: &Version| -> Vec<(String, String)> {
        version.effective.postgres.parameters.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect()
    };
    values(before) != values(after)
}

/// A configuration that differs though no value does: another version of the program renders it otherwise.
fn unexplained(object: &ObjectChange) -> Option<Finding> {
    let content = object.fields.iter().any(|change| !is_label(change));
    (matches!(object.kind.as_str(), "ConfigMap" | "Endpoints") && object.action == ObjectAction::Changed && content).then(|| {
        let subject = format!("{} {}", object.kind, object.name);
        Finding::new(Disturbance::Reload, subject, "read again: this version of the program writes it in another way")
    })
}

fn is_label(change: &FieldChange) -> bool {
    change.pointer.starts_with("/metadata/labels")
        || (change.pointer.starts_with("/metadata/annotations") && change.path != "metadata.annotations.config")
}

fn one(object: &ObjectChange) -> Vec<Finding> {
    let subject = format!("{} {}", object.kind, object.name);
    match (object.kind.as_str(), object.action) {
        ("StatefulSet", ObjectAction::Changed) => object.fields.iter().filter_map(|change| stateful_set(&subject, change)).collect(),
        ("Service", ObjectAction::Changed) => object.fields.iter().filter_map(|change| service(&subject, change)).collect(),
        ("Service", ObjectAction::Removed) => {
            vec![Finding::new(Disturbance::Nothing, subject, "clients that use this Service lose their address").risk(Risk::Availability)]
        }
        ("Service", ObjectAction::Created) => vec![Finding::new(Disturbance::Nothing, subject, "a further address for clients")],
        // How many have to stay follows the number of instances: one may go, before and after.
        ("PodDisruptionBudget", ObjectAction::Changed)
            if object.fields.iter().any(|change| change.pointer.starts_with("/spec/") && change.pointer != "/spec/minAvailable") =>
        {
            vec![Finding::new(Disturbance::Nothing, subject, "which pods a drain of a node may evict changes")]
        }
        _ => Vec::new(),
    }
}

fn stateful_set(subject: &str, change: &FieldChange) -> Option<Finding> {
    let pointer = change.pointer.as_str();
    let subject = format!("{subject} {}", change.path);
    if pointer == "/spec/replicas" || pointer.starts_with("/metadata/") {
        return None;
    }
    Some(if pointer.contains(AT_START) {
        Finding::new(Disturbance::PodRecreation, subject, "changes what Patroni reads only when it starts")
    } else if pointer.contains(MADE_FROM) {
        // It follows from what is told of the rest.
        return None;
    } else if pointer.starts_with("/spec/template/metadata/") {
        Finding::new(Disturbance::Nothing, subject, "running pods get it as they are")
    } else if pointer.starts_with("/spec/template/spec/containers/") && pointer.contains("/resources/") && is_amount(change) {
        Finding::new(Disturbance::Resize, subject, "changes in the running pod where the node can do it; otherwise a new pod brings it")
    } else if pointer.starts_with("/spec/template/") {
        Finding::new(Disturbance::PodRecreation, subject, "part of the pod template, which only new pods take")
    } else if pointer.starts_with("/spec/volumeClaimTemplates") {
        Finding::new(Disturbance::Storage, subject, "the StatefulSet is made again around its running pods")
    } else {
        Finding::new(Disturbance::Nothing, subject, "the StatefulSet is made again around its running pods where the field cannot change")
    })
}

/// Whether an amount becomes another one. One that comes or goes may change how the kubelet ranks the pod, which a running pod keeps.
/// Source: Kubernetes documentation, "Resize CPU and Memory Resources assigned to Containers", section "Limitations".
fn is_amount(change: &FieldChange) -> bool {
    change.before.is_some() && change.after.is_some() && ["/cpu", "/memory"].iter().any(|end| change.pointer.ends_with(end))
}

fn service(subject: &str, change: &FieldChange) -> Option<Finding> {
    let pointer = change.pointer.as_str();
    let finding = |reason: &str| Finding::new(Disturbance::Nothing, format!("{subject} {}", change.path), reason);
    let lost = |reason: &str| Some(finding(reason).risk(Risk::Availability));
    if pointer.starts_with("/spec/ports") {
        // The pods' own ports change their names with the pooler; what answers behind a custom port is the user's.
        return if pointer.ends_with("/targetPort") && !change.path.contains("[custom-") {
            Some(finding("the same port for clients, answered by another one of the pod"))
        } else if change.before.is_none() {
            Some(finding("a further port for clients"))
        } else if change.after.is_none() && pointer.ends_with("/nodePort") {
            lost("clients outside of Kubernetes may lose this port: another one is given")
        } else if change.after.is_none() {
            lost("clients that use this port lose it")
        } else {
            lost("the port that clients use changes")
        };
    }
    match pointer {
        "/spec/type" => {
            if reach(change.after.as_ref()) > reach(change.before.as_ref()) {
                Some(finding("reachable from further places; the address inside of Kubernetes stays"))
            } else {
                lost("clients outside of Kubernetes lose their address")
            }
        }
        "/spec/clusterIP" | "/spec/externalName" => lost("the address that clients use changes"),
        "/spec/loadBalancerClass" | "/spec/loadBalancerIP" => lost("another load balancer: its address changes"),
        "/spec/externalTrafficPolicy" | "/spec/internalTrafficPolicy" if change.after == Some(Value::from("Local")) => {
            lost("only nodes that run the instance answer")
        }
        "/spec/publishNotReadyAddresses" if change.after == Some(Value::Bool(true)) => {
            Some(finding("connections also reach instances that are not ready"))
        }
        _ if pointer.starts_with("/spec/loadBalancerSourceRanges") => {
            let narrower = change.after.is_none() != (pointer == "/spec/loadBalancerSourceRanges");
            let reason = "which clients the load balancer lets in changes";
            if narrower || (change.before.is_some() && change.after.is_some()) { lost(reason) } else { Some(finding(reason)) }
        }
        _ => None,
    }
}

/// From how far a Service can be reached. Source: Kubernetes documentation, "Service", section "Publishing Services": each type
/// keeps what the one before it has.
fn reach(kind: Option<&Value>) -> u8 {
    match kind.and_then(Value::as_str) {
        Some("LoadBalancer") => 2,
        Some("NodePort") => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(pointer: &str, before: Value, after: Value) -> FieldChange {
        let some = |value: Value| (!value.is_null()).then_some(value);
        FieldChange { pointer: pointer.to_owned(), path: pointer.to_owned(), before: some(before), after: some(after) }
    }

    /// An alarm about what harms nobody is read once; the next one is not read.
    #[test]
    fn only_what_clients_lose_is_a_risk() {
        for (pointer, before, after, risk) in [
            ("/spec/ports/2", Value::Null, json!({"port": 6000}), false),
            ("/spec/ports/2", json!({"port": 6000}), Value::Null, true),
            ("/spec/ports/0/port", json!(5432), json!(6000), true),
            ("/spec/ports/0/targetPort", json!("pgport"), json!("pgreplication"), false),
            ("/spec/ports/0/nodePort", Value::Null, json!(30000), false),
            ("/spec/type", json!("ClusterIP"), json!("LoadBalancer"), false),
            ("/spec/type", json!("ClusterIP"), json!("NodePort"), false),
            ("/spec/type", json!("NodePort"), json!("LoadBalancer"), false),
            ("/spec/type", json!("LoadBalancer"), json!("ClusterIP"), true),
            ("/spec/clusterIP", Value::Null, json!("None"), true),
            ("/spec/loadBalancerSourceRanges", Value::Null, json!(["10.0.0.0/8"]), true),
            ("/spec/loadBalancerSourceRanges/1", Value::Null, json!("10.0.0.0/8"), false),
            ("/spec/loadBalancerSourceRanges/1", json!("10.0.0.0/8"), Value::Null, true),
        ] {
            let found = service("Service a", &field(pointer, before, after)).unwrap();
            assert_eq!(found.risks.contains(&Risk::Availability), risk, "{found:?}");
        }
        assert!(service("Service a", &field("/spec/sessionAffinity", Value::Null, json!("ClientIP"))).is_none());
    }
}
