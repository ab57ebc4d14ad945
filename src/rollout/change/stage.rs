//! What is to be done to every instance now, of all that has to be done.
//!
//! A released revision may ask for several things that may not be done at once. The stage is found from what the instances run, not
//! from what was planned: so a change that comes in the middle of another one, and one that is taken back, are nothing special.

use super::facts::{Amount, Facts, InstanceFacts};
use super::rules::{Rule, Rules};
use std::collections::BTreeSet;

/// What is done to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Its pod is made anew: image, template, and every parameter that needs a restart travel along.
    Recreate,
    /// Its pod gets more processor and memory while it runs.
    Grow,
    /// Its pod gives memory back while it runs.
    Shrink,
    /// PostgreSQL restarts in its pod.
    Restart,
}

/// One round over the instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What is done to each.
    pub how: How,
    /// Whether the leader comes first, in place: hot-standby parameters go down.
    pub leader_first: bool,
    /// Parameters whose released value is not in force yet.
    pub held: BTreeSet<String>,
    /// Parameters that this round brings.
    pub brings: BTreeSet<String>,
}

impl Stage {
    /// Whether an instance has what this round brings; `None` where that cannot be seen.
    pub fn has(&self, instance: &InstanceFacts) -> Option<bool> {
        match self.how {
            How::Recreate if instance.old_volume.is_some() => Some(false),
            // A pod that is new and does not run with everything yet came before the last of it was released.
            How::Recreate => match (instance.pod, &instance.behind) {
                (Some(true), Some(behind)) => Some(behind.is_disjoint(&self.brings)),
                (pod, _) => pod,
            },
            How::Grow => Some(instance.amounts != Amount::More),
            How::Shrink => Some(instance.amounts != Amount::Less),
            How::Restart => instance.behind.as_ref().map(|behind| behind.is_disjoint(&self.brings)),
        }
    }
}

/// Hot-standby parameters that some instance runs with a higher value of than is released, and that its leader writes into the WAL.
fn lowered(rules: Rules, facts: &Facts) -> BTreeSet<String> {
    if facts.follows && rules.keep(Rule::SourceWritesTheParameters) {
        return BTreeSet::new();
    }
    let higher = |name: &&String| {
        let released = facts.target.hot_standby[*name];
        facts.instances.iter().any(|instance| instance.hot_standby.get(*name).is_some_and(|value| *value > released))
    };
    facts.target.hot_standby.keys().filter(higher).cloned().collect()
}

/// Parameters that some instance lacks the released value of, or may lack: one that cannot be seen may lack all of them.
fn missing(facts: &Facts) -> BTreeSet<String> {
    let of = |instance: &InstanceFacts| instance.behind.clone().unwrap_or_else(|| facts.target.restarts.clone());
    facts.instances.iter().flat_map(of).collect()
}

/// The round that is due; `None` when every instance has everything.
pub fn stage(rules: Rules, facts: &Facts) -> Option<Stage> {
    let any = |test: &dyn Fn(&InstanceFacts) -> bool| facts.instances.iter().any(test);
    let behind: BTreeSet<String> = facts.instances.iter().filter_map(|instance| instance.behind.as_ref()).flatten().cloned().collect();
    let lowered = lowered(rules, facts);
    // With one instance there is no standby that could have less than its primary.
    let lowered = if facts.instances.len().max(facts.asked_for as usize) > 1 && rules.keep(Rule::LoweredOnPrimaryFirst) {
        lowered
    } else {
        BTreeSet::new()
    };
    // A pod that ends is not an old one any more: the one after it may come with everything.
    let other = any(&|instance| instance.pod == Some(false) && !instance.terminating);
    let moves = any(&|instance| instance.old_volume.is_some() && !instance.terminating);
    // To copy data may take hours: pods that can grow where they are do so before, and have room for what comes with the new ones.
    let grows_first = !other && any(&|instance| instance.amounts == Amount::More);
    if other || moves && !grows_first {
        let late = if rules.keep(Rule::ImageBeforeItsConfiguration) { facts.target.late.clone() } else { BTreeSet::new() };
        let mut held: BTreeSet<String> = lowered.union(&late).cloned().collect();
        if !rules.keep(Rule::OneDisturbanceEach) {
            // Two rounds where one does.
            held.extend(behind.iter().cloned());
        }
        if any(&|instance| instance.amounts == Amount::More && (instance.pod == Some(true) || instance.old_volume.is_some())) {
            // Those that this round does not make anew have no room yet for what needs it; nor have those whose data move, for hours.
            held.extend(missing(facts));
        }
        let brings = behind.difference(&held).cloned().collect();
        return Some(Stage { how: How::Recreate, leader_first: false, held, brings });
    }
    if any(&|instance| instance.amounts == Amount::More) {
        // A server that restarts before its pod has grown must not come back with what needs the room.
        let held = lowered.union(&missing(facts)).cloned().collect();
        return Some(Stage { how: How::Grow, leader_first: false, held, brings: BTreeSet::new() });
    }
    let first: BTreeSet<String> = behind.difference(&lowered).cloned().collect();
    if !first.is_empty() {
        let leader_first = !rules.keep(Rule::RaisedOnReplicasFirst);
        return Some(Stage { how: How::Restart, leader_first, held: lowered, brings: first });
    }
    if !behind.is_empty() {
        return Some(Stage { how: How::Restart, leader_first: true, held: BTreeSet::new(), brings: behind });
    }
    if any(&|instance| instance.amounts == Amount::Less) {
        return Some(Stage { how: How::Shrink, leader_first: false, held: BTreeSet::new(), brings: BTreeSet::new() });
    }
    None
}
