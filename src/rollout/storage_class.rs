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
    let mut old = claims.filter(|claim| {
        // Without a class is a class of its own, as in a claim that was bound to a given volume.
        let has = claim.text("/spec/storageClassName").unwrap_or_default();
        // It goes with its pod: it was deleted for a change that was taken back since.
        is_ending(claim) || class(released).is_some_and(|wanted| wanted != has)
    });
    let claim = old.next()?;
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
