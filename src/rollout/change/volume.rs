//! When the data of an instance move to a volume of the released storage class.
//!
//! The old volume is kept, but nothing here relies on that: its claim goes only while other instances hold everything that it holds.
//! One instance more comes first, so that a volume of the new class has been filled before any old one is given up.

use super::back::{is_back, is_up};
use super::facts::{Facts, InstanceFacts};
use super::rules::{Rule, Rules};

/// The data volume of an instance that is not the one it shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldVolume {
    /// Identity of its claim.
    pub claim: String,
    /// Whether it never held a copy of the data.
    pub blank: bool,
}

/// Whether the data of an instance that stays have to move.
pub(super) fn moves(facts: &Facts) -> bool {
    facts.instances.iter().any(|instance| instance.old_volume.is_some())
}

/// Whether it is an instance more than are wanted, on an old volume: its volume comes first, because nobody misses it.
pub(super) fn is_surplus(facts: &Facts, instance: &InstanceFacts) -> bool {
    instance.old_volume.is_some() && instance.ordinal >= facts.target.instances
}

/// The claim that goes with the pod of an instance which runs; `None` where its volume stays. The volume of a leader stays, whatever
/// becomes of its pod.
pub(super) fn goes_with_the_pod(instance: &InstanceFacts) -> Option<String> {
    instance.old_volume.as_ref().filter(|_| !instance.leads).map(|old| old.claim.clone())
}

/// Whether as many instances hold everything without this one as are wanted, two of them at most: the leader, and one that could
/// take over from it while this one copies.
pub(super) fn is_spared(rules: Rules, facts: &Facts, instance: &InstanceFacts) -> bool {
    if !rules.keep(Rule::VolumeIsSpared) {
        return true;
    }
    let others = || facts.instances.iter().filter(|other| other.ordinal != instance.ordinal);
    let replicated = facts.target.instances > 1 && !is_surplus(facts, instance);
    others().any(|other| other.leads && is_up(other)) && (!replicated || others().any(|other| !other.leads && is_back(rules, other)))
}

/// The claim that goes with the pod of an instance which is down. Never that of the most advanced copy: a leader runs, and this one
/// has less or never had anything. One that only starts is given its time.
pub(super) fn goes_with_a_repair(rules: Rules, facts: &Facts, instance: &InstanceFacts) -> Option<String> {
    let leader = facts.leader().filter(|leader| is_up(leader) && leader.ordinal != instance.ordinal)?;
    let behind = matches!((instance.position, leader.position), (Some(own), Some(leaders)) if own <= leaders);
    let old = instance.old_volume.as_ref()?;
    (old.blank || behind && instance.trouble.is_some() || !rules.keep(Rule::VolumeIsSpared)).then(|| old.claim.clone())
}

/// Leaves the volume of an instance alone that goes in the end, unless it is the one that has to show that volumes of the released
/// class serve.
pub fn leave_surplus(instances: &mut [InstanceFacts], wanted: u32) {
    let stays = |instance: &InstanceFacts| instance.ordinal < wanted.max(1);
    let needed = instances.iter().any(|instance| stays(instance) && instance.old_volume.is_some())
        && instances.iter().all(|instance| instance.old_volume.is_some());
    for instance in instances.iter_mut().filter(|instance| !stays(instance) && !needed) {
        instance.old_volume = None;
    }
}

/// Whether only an extra instance can take over from a leader on an old volume: none of those that stay may ever lead.
pub(super) fn surplus_may_lead(facts: &Facts) -> bool {
    let stay = |other: &InstanceFacts| !other.leads && other.ordinal < facts.target.instances && !other.nofailover;
    facts.leader().is_some_and(|leader| leader.old_volume.is_some()) && !facts.instances.iter().any(stay)
}
