//! Which data volumes are not of the released storage class.
//!
//! What counts is the class that stands at the claim, which the API server filled in where none was asked for. A revision without a
//! class asks for none, so it moves no data: which class the default is may change at any time. And data move only in a change that
//! is about the class, so that a plan has told it: an older claim of another class is none of the business of a change of something
//! else.

use super::change::OldVolume;
use crate::model::{Object, ObjectKey};
use crate::render::revision::Revision;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;

/// How much older than its pod a claim may be that was made for it: the StatefulSet controller makes one after the other.
const TOGETHER: SignedDuration = SignedDuration::from_secs(30);

/// The class that a revision asks for.
pub(super) fn class(revision: &Revision) -> Option<&str> {
    revision.effective.storage.storage_class.as_deref()
}

/// Whether a change from these revisions to the released one is about the class.
pub(super) fn is_in_question<'a>(released: &Revision, mut others: impl Iterator<Item = &'a Revision>) -> bool {
    others.any(|other| class(other) != class(released))
}

/// The data volume of a pod that is to be replaced. `position` is where its copy of the data is in the WAL.
pub(super) fn old_volume(
    released: &Revision,
    live: &BTreeMap<ObjectKey, Object>,
    pod: &Object,
    position: Option<u64>,
) -> Option<OldVolume> {
    let set = released.objects.iter().find(|object| object.kind() == "StatefulSet")?;
    let templates = set.get("/spec/volumeClaimTemplates")?.as_array()?;
    let claims = templates.iter().filter_map(|template| live.get(&claim_of(template, pod)?));
    let mut old = claims.filter_map(|claim| replaced(class(released), claim, pod, position));
    old.next()
}

/// What a claim is where it is to be replaced by one of a class.
fn replaced(wanted: Option<&str>, claim: &Object, pod: &Object, position: Option<u64>) -> Option<OldVolume> {
    // Without a class is a class of its own, as in a claim that was bound to a given volume.
    let has = claim.text("/spec/storageClassName").unwrap_or_default();
    // One that is ending goes with its pod: it was deleted for a change that was taken back since.
    if !is_ending(claim) && wanted.is_none_or(|wanted| wanted == has) {
        return None;
    }
    let made = |object: &Object| object.text("/metadata/creationTimestamp")?.parse::<Timestamp>().ok();
    let together = matches!((made(claim), made(pod)), (Some(claim), Some(pod)) if claim + TOGETHER >= pod);
    let blank = claim.text("/spec/volumeName").is_none() || position.is_none() && together;
    Some(OldVolume { claim: claim.uid()?.to_owned(), blank })
}

fn is_ending(object: &Object) -> bool {
    object.get("/metadata/deletionTimestamp").is_some()
}

/// The claim that the StatefulSet controller makes of a template for a pod.
fn claim_of(template: &Value, pod: &Object) -> Option<ObjectKey> {
    let name = template.pointer("/metadata/name")?.as_str()?;
    Some(ObjectKey::new("v1", "PersistentVolumeClaim", pod.namespace(), &format!("{name}-{}", pod.name())))
}

/// Takes over the classes of another StatefulSet: volumes that are made meanwhile are those that are in force.
pub(super) fn keep_classes(set: &mut Object, of: &Object) {
    let class = |name: &Value| {
        let templates = of.get("/spec/volumeClaimTemplates").and_then(Value::as_array).into_iter().flatten();
        let template = templates.into_iter().find(|template| template.pointer("/metadata/name") == Some(name))?;
        Some(template.pointer("/spec/storageClassName").cloned())
    };
    let templates = set.value_mut().pointer_mut("/spec/volumeClaimTemplates").and_then(Value::as_array_mut);
    for template in templates.into_iter().flatten() {
        let Some(class) = class(&template["metadata"]["name"]) else { continue };
        let Some(spec) = template["spec"].as_object_mut() else { continue };
        match class {
            Some(class) => drop(spec.insert("storageClassName".to_owned(), class)),
            None => drop(spec.remove("storageClassName")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(kind: &str, minute: u32, spec: Value) -> Object {
        let made = format!("2026-01-01T00:{minute:02}:00Z");
        Object::new(json!({"kind": kind, "metadata": {"name": "a", "uid": "u", "creationTimestamp": made}, "spec": spec}))
    }

    /// Data that move although nobody asked for it cost hours and a second copy; those that stay although somebody did cost trust.
    #[test]
    fn the_class_at_the_claim_counts() {
        let pod = object("Pod", 30, json!({}));
        let old = |wanted: Option<&str>, claim: &Object| replaced(wanted, claim, &pod, Some(1)).is_some();
        let slow = object("PersistentVolumeClaim", 0, json!({"storageClassName": "slow", "volumeName": "v"}));
        assert!(old(Some("fast"), &slow));
        assert!(!old(Some("slow"), &slow), "an unset class that became this one by default is this one");
        assert!(!old(None, &slow), "no class asks for none");
        assert!(old(Some(""), &slow));
        let bound_by_hand = object("PersistentVolumeClaim", 0, json!({"volumeName": "v"}));
        assert!(!old(Some(""), &bound_by_hand) && old(Some("fast"), &bound_by_hand));
        let mut ending = slow;
        ending.value_mut()["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:40:00Z");
        assert!(old(Some("slow"), &ending) && old(None, &ending), "it goes with its pod, whatever is released now");
    }

    /// A volume counts as blank only where nothing can be on it: otherwise the last copy could be given up.
    #[test]
    fn what_never_held_a_copy_is_blank() {
        let blank =
            |claim: &Object, pod: u32, position| replaced(Some("fast"), claim, &object("Pod", pod, json!({})), position).unwrap().blank;
        let pending = object("PersistentVolumeClaim", 0, json!({"storageClassName": "bad"}));
        assert!(blank(&pending, 30, None));
        let bound = object("PersistentVolumeClaim", 30, json!({"storageClassName": "bad", "volumeName": "v"}));
        assert!(blank(&bound, 30, None), "made for this pod, which has shown nothing yet");
        assert!(!blank(&bound, 30, Some(1)) && !blank(&bound, 31, None), "an earlier pod may have filled it");
    }

    /// A volume that is made while a change waits for its window must not be of the class that waits.
    #[test]
    fn classes_in_force_are_kept() {
        let set = |size: &str, class: Value| {
            object(
                "StatefulSet",
                0,
                json!({"volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": {"size": size, "storageClassName": class}}]}),
            )
        };
        let mut new = set("2Gi", json!("fast"));
        keep_classes(&mut new, &set("1Gi", json!("slow")));
        assert_eq!(new, set("2Gi", json!("slow")));
        let mut without = set("1Gi", json!("slow"));
        without.value_mut()["spec"]["volumeClaimTemplates"][0]["spec"].as_object_mut().unwrap().remove("storageClassName");
        keep_classes(&mut new, &without);
        assert!(new.get("/spec/volumeClaimTemplates/0/spec/storageClassName").is_none());
    }
}
