//! Volumes that grow, and a StatefulSet whose fields cannot change: it is made again around its pods.
//!
//! Source: Kubernetes documentation, "StatefulSets", and the API server's own answer: "updates to statefulset spec for fields other
//! than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and
//! 'minReadySeconds' are forbidden".

use super::cluster::{Situation, Step};
use crate::diff::same_meaning;
use crate::model::{Object, Quantity};
use serde_json::Value;

/// Fields of a StatefulSet that change in place.
const CHANGEABLE: &[&str] = &[
    "minReadySeconds",
    "ordinals",
    "persistentVolumeClaimRetentionPolicy",
    "replicas",
    "revisionHistoryLimit",
    "template",
    "updateStrategy",
];

/// What makes the volumes as large as they are to be. One that somebody made larger stays so: a volume never shrinks. One that is
/// replaced by a larger one (`replaced`) need not grow, and its class may not be able to.
pub(super) fn growth(situation: &Situation<'_>, set: &Object, replaced: bool) -> Vec<Step> {
    let instances = situation.facts.filter(|_| replaced).map(|facts| facts.instances.as_slice()).unwrap_or_default();
    let goes = |claim: &Object| {
        let uid = claim.uid().unwrap_or_default();
        instances.iter().any(|instance| instance.old_volume.as_ref().is_some_and(|old| old.claim == uid))
    };
    let templates = set.get("/spec/volumeClaimTemplates").and_then(Value::as_array).into_iter().flatten();
    let mut steps = Vec::new();
    for template in templates {
        let Some(name) = template.pointer("/metadata/name").and_then(Value::as_str) else { continue };
        let Some(wanted) = size(template.pointer("/spec")) else { continue };
        let prefix = format!("{name}-{}-", set.name());
        let of_it = |claim: &&Object| {
            claim.kind() == "PersistentVolumeClaim"
                && claim.name().strip_prefix(&prefix).is_some_and(|number| number.parse::<u32>().is_ok())
        };
        for claim in situation.live.values().filter(of_it) {
            if size(claim.get("/spec")).is_some_and(|has| has.milli() < wanted.milli()) && !goes(claim) {
                let to = template.pointer("/spec/resources/requests/storage").and_then(Value::as_str).unwrap_or_default().to_owned();
                steps.push(Step::Grow { key: claim.key(), to });
            }
        }
    }
    steps
}

fn size(spec: Option<&Value>) -> Option<Quantity> {
    Quantity::parse(spec?.pointer("/resources/requests/storage")?.as_str()?)
}

/// Whether a StatefulSet has to be made again: a field that cannot change differs.
pub(super) fn must_be_made_again(wanted: &Object, live: &Object) -> bool {
    let fields = wanted.get("/spec").and_then(Value::as_object).into_iter().flatten();
    fields.filter(|(name, _)| !CHANGEABLE.contains(&name.as_str())).any(|(name, value)| {
        let has = live.get(&format!("/spec/{name}"));
        match name.as_str() {
            "volumeClaimTemplates" => !same_claims(value, has),
            _ => has.is_none_or(|has| !same_meaning(&format!("/spec/{name}"), value, has)),
        }
    })
}

/// What the API server adds to a claim's template is no difference.
fn same_claims(wanted: &Value, live: Option<&Value>) -> bool {
    let (wanted, live) = (wanted.as_array().map(Vec::as_slice).unwrap_or_default(), live.and_then(Value::as_array));
    let live = live.map(Vec::as_slice).unwrap_or_default();
    wanted.len() == live.len()
        && wanted.iter().zip(live).all(|(wanted, live)| {
            let same = |pointer: &str| wanted.pointer(pointer) == live.pointer(pointer);
            let sizes = (size(wanted.pointer("/spec")).map(Quantity::milli), size(live.pointer("/spec")).map(Quantity::milli));
            same("/metadata/name")
                && same("/metadata/labels")
                && same("/spec/accessModes")
                && sizes.0 == sizes.1
                && same("/spec/storageClassName")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(size: &str, policy: &str, image: &str) -> Object {
        Object::new(json!({"kind": "StatefulSet", "metadata": {"name": "a"}, "spec": {
            "podManagementPolicy": policy, "replicas": 3, "template": {"image": image},
            "volumeClaimTemplates": [{"metadata": {"name": "a-data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}}]}}))
    }

    /// An apply that the API server refuses would be tried for ever; one that it takes needs no new StatefulSet.
    #[test]
    fn only_what_cannot_change_makes_it_again() {
        let mut live = set("1Gi", "Parallel", "x");
        live.value_mut()["spec"]["volumeClaimTemplates"][0]["status"] = json!({"phase": "Pending"});
        live.value_mut()["spec"]["volumeClaimTemplates"][0]["spec"]["volumeMode"] = json!("Filesystem");
        assert!(!must_be_made_again(&set("1024Mi", "Parallel", "y"), &live));
        assert!(must_be_made_again(&set("2Gi", "Parallel", "x"), &live));
        assert!(must_be_made_again(&set("1Gi", "OrderedReady", "x"), &live));
        // The API server fills no class into a template: one that is not wanted any more would be given to every new volume.
        live.value_mut()["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = json!("fast");
        assert!(must_be_made_again(&set("1Gi", "Parallel", "x"), &live));
    }
}
