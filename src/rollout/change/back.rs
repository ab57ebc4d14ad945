//! Whether an instance serves.

use super::facts::{Facts, InstanceFacts};
use super::rules::{Rule, Rules};

/// Whether it is up: ready, and following where it does not lead.
pub(super) fn is_up(instance: &InstanceFacts) -> bool {
    !instance.terminating && instance.ready && (instance.leads || instance.streaming)
}

/// Whether it could stand in for another one: up, and with everything replayed.
pub(super) fn is_back(rules: Rules, instance: &InstanceFacts) -> bool {
    is_up(instance) && (instance.leads || instance.caught_up || !rules.keep(Rule::CaughtUpBeforeTheNext))
}

/// Numbers of instances that should be there and are not up.
pub(super) fn down(facts: &Facts) -> Vec<u32> {
    (0..facts.asked_for).filter(|ordinal| !facts.instance(*ordinal).is_some_and(is_up)).collect()
}
