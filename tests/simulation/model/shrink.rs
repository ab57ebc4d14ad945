//! A failing scenario with everything left out that it does not need.

use super::invariants::Invariant;
use super::run::run;
use super::scenario::Scenario;
use crate::change::{Method, Rules, Synchronous};

fn fails(scenario: &Scenario, rules: Rules, invariant: Invariant) -> bool {
    run(scenario, rules, false).violations.iter().any(|violation| violation.invariant == invariant)
}

pub(crate) fn shrink(scenario: &Scenario, rules: Rules, invariant: Invariant) -> Scenario {
    let mut best = scenario.clone();
    let mut smaller = true;
    while smaller {
        smaller = false;
        let mut tries: Vec<Scenario> = Vec::new();
        for index in 0..best.happenings.len() {
            let mut other = best.clone();
            other.happenings.remove(index);
            tries.push(other);
        }
        let mut with = |change: &dyn Fn(&mut Scenario)| {
            let mut other = best.clone();
            change(&mut other);
            if other != best {
                tries.push(other);
            }
        };
        with(&|scenario| scenario.setup.instances = (scenario.setup.instances - 1).max(1));
        with(&|scenario| scenario.setup.synchronous = Synchronous::Off);
        with(&|scenario| scenario.setup.method = Method::InPlace);
        with(&|scenario| scenario.setup.nofailover = None);
        with(&|scenario| scenario.setup.slots = super::scenario::Slots::None);
        with(&|scenario| scenario.setup.failsafe = true);
        if let Some(found) = tries.into_iter().find(|other| fails(other, rules, invariant)) {
            best = found;
            smaller = true;
        }
    }
    best
}
