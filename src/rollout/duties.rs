//! What instances may do, brought to the pods.
//!
//! Patroni knows it from its tags; a Service knows it from a label, which nobody but this program puts on a pod.

use super::change::Action;
use super::cluster::{Decision, Situation, Step, Wait};
use super::instances::successor;
use super::licence::wait_for_hold;
use super::observed::template;
use super::pause::wait_for_its_end;
use crate::model::Object;
use crate::render::MADE_FROM;
use crate::render::revision::Revision;
use crate::resolve::Effective;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Label by which the Service for reads tells instances apart.
const LABEL: &str = "noloadbalance";

/// Labels to put on pods. They come before the objects: the Service may ask for the label only when every pod that shall serve
/// has it (DESIGN §8, rule 3).
pub(super) fn labels(situation: &Situation<'_>, target: &Revision) -> Vec<Step> {
    let effective = &target.effective;
    let asked_for = effective.some_serve_no_reads();
    let pods = situation.live.values().filter(|object| object.kind() == "Pod");
    pods.filter_map(|pod| {
        let wanted = if effective.duty(effective.ordinal(pod.name())?).noloadbalance { "true" } else { "false" };
        // Where nothing tells instances apart, only what an earlier role left is put right.
        let differs = pod.label(LABEL).map_or(asked_for, |label| label != wanted);
        differs.then(|| Step::Label { key: pod.key(), name: LABEL, value: wanted })
    })
    .collect()
}

/// Labels and annotations of pods that are not those of the template: they change without a new pod. What an earlier template gave
/// and this one does not is taken away.
pub(super) fn dress(situation: &Situation<'_>, target: &Revision) -> Vec<Step> {
    let metadata = |revision: &Revision, field: &str| -> BTreeMap<String, Value> {
        let found = template(revision).and_then(|template| template.pointer(&format!("/metadata/{field}"))?.as_object());
        found.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let pods = situation.live.values().filter(|object| object.kind() == "Pod" && object.get("/metadata/deletionTimestamp").is_none());
    pods.filter_map(|pod| {
        target.effective.ordinal(pod.name())?;
        let mut patch = json!({});
        for field in ["labels", "annotations"] {
            let wanted = metadata(target, field);
            let has = |name: &str| pod.get(&format!("/metadata/{field}"))?.get(name);
            for (name, value) in wanted.iter().filter(|(name, value)| name.as_str() != MADE_FROM && has(name) != Some(*value)) {
                patch[field][name] = value.clone();
            }
            let former = situation.running.map(|running| metadata(running, field)).unwrap_or_default();
            for name in former.keys().filter(|name| !wanted.contains_key(*name) && has(name).is_some()) {
                patch[field][name] = Value::Null;
            }
        }
        let differs = patch.as_object().is_some_and(|patch| !patch.is_empty());
        differs.then(|| Step::Dress { key: pod.key(), uid: pod.uid().unwrap_or_default().to_owned(), metadata: patch })
    })
    .collect()
}

/// A primary that shall no longer be one hands over. Patroni itself leaves a leader with the tag `nofailover` where it is.
pub(super) fn relieve(situation: &Situation<'_>, target: &Revision, decision: &mut Decision) {
    let effective = &target.effective;
    if decision.wait.is_some() || !situation.has_data {
        return;
    }
    let barred = |name: &str| effective.ordinal(name).is_some_and(|ordinal| effective.duty(ordinal).nofailover);
    let Some(leader) = situation.seen.existing.iter().find(|instance| instance.leads() && barred(&instance.name)) else { return };
    let what = format!("{} leads and shall not: it hands over", leader.name);
    if situation.seen.paused {
        decision.wait = Some(wait_for_its_end(&what));
        return;
    }
    if let Some(held) = wait_for_hold(&what, situation.cluster, situation.now) {
        decision.wait = Some(held);
        return;
    }
    let candidate = successor(leader, situation.seen, |instance| {
        effective.ordinal(&instance.name).filter(|ordinal| !effective.duty(*ordinal).nofailover)
    });
    decision.wait = Some(match candidate {
        Ok(candidate) => {
            decision.action = switch_over(effective, &leader.name, &candidate);
            Wait { what: format!("{what} to {candidate}"), ends: "Patroni has handed over".to_owned() }
        }
        Err(ends) => Wait { what: format!("{what}, and none of those that may lead can take over yet"), ends: ends.to_owned() },
    });
}

/// A hand-over outside of a change, which is carried out as one of a change is: with what it waits for, and behind the pooler.
pub(super) fn switch_over(effective: &Effective, leader: &str, candidate: &str) -> Option<Action> {
    let ordinal = |name: &str| effective.ordinal(name).and_then(|ordinal| u32::try_from(ordinal).ok());
    Some(Action::SwitchOver { leader: ordinal(leader)?, candidate: ordinal(candidate)?, relieves: true })
}

/// Pods whose Patroni does not know its tags yet: it must read its files again. The file reaches the pod by itself, some time
/// after the object has changed, so this is asked until Patroni's own note says what is wanted.
pub fn unaware<'a>(effective: &Effective, barred: Option<u32>, pods: impl Iterator<Item = &'a Object>) -> Vec<&'a Object> {
    pods.filter(|pod| {
        let Some(ordinal) = effective.ordinal(pod.name()) else { return false };
        let Some(note) = pod.annotation("status").and_then(|note| serde_json::from_str::<serde_json::Value>(note).ok()) else {
            return false;
        };
        let tag = |name: &str| note.pointer(&format!("/tags/{name}")).and_then(serde_json::Value::as_bool).unwrap_or(false);
        let duty = effective.duty(ordinal);
        let nosync = barred.is_some_and(|barred| u64::from(barred) == ordinal);
        tag("nosync") != nosync || tag("nofailover") != duty.nofailover || tag("noloadbalance") != duty.noloadbalance
    })
    .collect()
}
