//! What a changed field of a rendered object does.

use super::{Disturbance, Finding, Risk};
use crate::diff::objects::{ObjectAction, ObjectChange};

/// Findings of the object changes. Configuration that holds effective values is judged by those values, not here.
pub(super) fn findings(objects: &[ObjectChange]) -> Vec<Finding> {
    objects.iter().flat_map(one).collect()
}

fn one(object: &ObjectChange) -> Vec<Finding> {
    let subject = format!("{} {}", object.kind, object.name);
    match (object.kind.as_str(), object.action) {
        ("StatefulSet", ObjectAction::Changed) => {
            object.fields.iter().filter_map(|change| stateful_set(&subject, &change.pointer, &change.path)).collect()
        }
        ("Service", ObjectAction::Changed) => {
            object.fields.iter().filter_map(|change| service(&subject, &change.pointer, &change.path)).collect()
        }
        ("Service", ObjectAction::Removed) => {
            vec![Finding::new(Disturbance::Nothing, subject, "clients that use this Service lose their address").risk(Risk::Availability)]
        }
        _ => Vec::new(),
    }
}

fn stateful_set(subject: &str, pointer: &str, path: &str) -> Option<Finding> {
    let subject = format!("{subject} {path}");
    if pointer == "/spec/replicas" || pointer.starts_with("/metadata/") {
        return None;
    }
    Some(if pointer.starts_with("/spec/template/") {
        Finding::new(Disturbance::PodRecreation, subject, "part of the pod template, which only new pods take")
    } else if pointer.starts_with("/spec/volumeClaimTemplates") {
        Finding::new(Disturbance::Storage, subject, "the StatefulSet is made again around its running pods")
    } else {
        Finding::new(Disturbance::Nothing, subject, "the StatefulSet is made again around its running pods where the field cannot change")
    })
}

fn service(subject: &str, pointer: &str, path: &str) -> Option<Finding> {
    let subject = format!("{subject} {path}");
    if pointer.starts_with("/spec/ports")
        || matches!(pointer, "/spec/type" | "/spec/clusterIP" | "/spec/loadBalancerClass" | "/spec/externalName")
    {
        return Some(Finding::new(Disturbance::Nothing, subject, "the address or port that clients use changes").risk(Risk::Availability));
    }
    None
}
