//! Whether an instance serves.

use super::facts::{Facts, InstanceFacts};
use super::rules::{Rule, Rules};
use jiff::SignedDuration;

/// Whether it is up: ready, and following where it does not lead.
pub(super) fn is_up(instance: &InstanceFacts) -> bool {
    !instance.terminating && instance.ready && (instance.leads || instance.streaming)
}

/// Whether it could stand in for another one: up, and with everything replayed.
pub(super) fn is_back(rules: Rules, instance: &InstanceFacts) -> bool {
    is_up(instance) && (instance.leads || instance.caught_up || !rules.keep(Rule::CaughtUpBeforeTheNext))
}

/// How long a server has to have run before another one is stopped: one that ends soon after its start would count as back each time it
/// is up for a moment. Kubernetes knows the same as `minReadySeconds`.
pub(super) const STEADY: SignedDuration = SignedDuration::from_secs(10);

/// Whether its server has run for so long; where nobody says for how long, it is taken for so.
pub(super) fn is_steady(rules: Rules, instance: &InstanceFacts) -> bool {
    instance.age.is_none_or(|age| age >= STEADY) || !rules.keep(Rule::StaysUpBeforeTheNext)
}

/// Numbers of instances that should be there and are not up.
pub(super) fn down(facts: &Facts) -> Vec<u32> {
    (0..facts.asked_for).filter(|ordinal| !facts.instance(*ordinal).is_some_and(is_up)).collect()
}
