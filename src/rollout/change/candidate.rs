//! Who takes over from the leader (DESIGN §8, rule 9).

use super::back::is_back;
use super::facts::{Facts, InstanceFacts, Synchronous};
use super::rules::{Rule, Rules};
use super::volume::surplus_may_lead;

/// The instance that takes over: the first of those that Patroni would take and that lose nothing. An error says what would make
/// one fit. `ready_for` tells whether one has what the rollout brings.
pub(super) fn candidate(rules: Rules, facts: &Facts, ready_for: impl Fn(&InstanceFacts) -> bool) -> Result<u32, String> {
    let Some(leader) = facts.leader() else { return Err("an instance leads".to_owned()) };
    let strict = rules.keep(Rule::CandidateFits);
    let isolated = |instance: &InstanceFacts| instance.isolated && rules.keep(Rule::IsolatedIsWaitedFor);
    if isolated(leader) {
        return Err(format!("Patroni on {} reaches the API server", facts.name(leader.ordinal)));
    }
    if strict && leader.behind.is_none() {
        // Its slots and its values are not known.
        return Err(format!("{} shows what it runs", facts.name(leader.ordinal)));
    }
    let others = || facts.instances.iter().filter(|instance| instance.ordinal != leader.ordinal);
    let synchronous = facts.target.synchronous != Synchronous::Off && others().any(|instance| instance.synchronous);
    let fit = |instance: &&InstanceFacts| {
        let may = !instance.terminating && instance.ready && ready_for(instance);
        let safe = is_back(rules, instance)
            && stays(facts, instance)
            && !instance.nofailover
            && !instance.cordoned
            && !instance.replay_paused
            && !isolated(instance)
            && (!synchronous || instance.synchronous)
            // With less than its control data a server ends when it is promoted. Source: measured on PostgreSQL 14 to 18.
            // The leader of a standby cluster is none that is promoted.
            && (facts.follows && rules.keep(Rule::SourceWritesTheParameters)
                || leader.hot_standby.iter().all(|(name, value)| instance.hot_standby.get(name).is_none_or(|own| own >= value)));
        may && (safe || !strict)
    };
    let keeps = |instance: &&InstanceFacts| !rules.keep(Rule::SlotsAreKept) || leader.slots.is_subset(&instance.slots);
    match others().filter(fit).filter(keeps).map(|instance| instance.ordinal).min() {
        Some(ordinal) => Ok(ordinal),
        None if others().any(|instance| fit(&instance)) => {
            let slots = leader.slots.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            Err(format!(
                "a replica that may lead has the logical slots of {} as well ({slots}), or they are dropped, or their loss is accepted \
                 (stackgres.io/accept-slot-loss)",
                facts.name(leader.ordinal)
            ))
        }
        None if synchronous => Err("a synchronous replica streams, has replayed everything, and may lead".to_owned()),
        None => Err("a replica streams, has replayed everything, and may lead".to_owned()),
    }
}

/// Whether an instance is one of those that stay. The extra one leaves at the end: it would have to hand over again. A single
/// instance has no other.
fn stays(facts: &Facts, instance: &InstanceFacts) -> bool {
    instance.ordinal < facts.target.instances.max(1) || facts.target.instances == 1 || surplus_may_lead(facts)
}

/// Whether there is nobody who could ever take over.
pub(super) fn is_alone(facts: &Facts) -> bool {
    let may = |instance: &InstanceFacts| !instance.leads && !instance.nofailover && stays(facts, instance);
    facts.asked_for <= 1 && facts.instances.len() <= 1 || !facts.instances.iter().any(may)
}
