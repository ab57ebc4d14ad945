//! What has to be in force: what an instance comes back with that restarts at this moment (DESIGN §8, rule 1).

use super::back::{down, is_back};
use super::facts::{Amount, Facts, InstanceFacts, Permission};
use super::next::{Force, may_repair, unknown};
use super::rules::{Rule, Rules};
use super::stage::{How, Stage};
use super::step::Action;
use std::collections::BTreeSet;

/// What is in force. What nobody has tried yet is so only when it may be tried.
pub(super) fn force(rules: Rules, facts: &Facts, stage: Option<&Stage>) -> Force {
    let begun = facts.memory.step.as_ref().is_some_and(|step| !matches!(step.action, Action::SwitchOver { .. }));
    let anyway = begun || facts.target.goes_back || !rules.keep(Rule::TemplateWaitsForPermission);
    let Some(stage) = stage else {
        // Whoever is not seen may come back with it, and has not tried it yet.
        let all = |instance: &InstanceFacts| {
            has_pod(instance) && instance.overridden.is_empty() && instance.behind.as_ref().is_some_and(BTreeSet::is_empty)
        };
        // Where ALTER SYSTEM keeps every server from it, nobody has tried it either.
        let tried = facts.instances.iter().all(|instance| instance.overridden.is_empty()) || facts.permission == Permission::Granted;
        let known = anyway || proven(rules, facts, all, all) || unknown(facts).is_none() && tried;
        return if known { Force::Released { held: BTreeSet::new() } } else { Force::Reloadable };
    };
    // Nothing of what would come with it may be new to the one that proves it.
    let has = |instance: &InstanceFacts| {
        stage.has(instance) == Some(true)
            && instance.overridden.is_empty()
            && (matches!(stage.how, How::Grow | How::Shrink) || instance.amounts == Amount::Same)
            && instance.behind.as_ref().is_some_and(|behind| behind.is_subset(&stage.held))
    };
    // Giving memory back is the last round: whoever took over with the rest has proven that.
    let took = |instance: &InstanceFacts| {
        let rest = instance.pod == Some(true) && instance.overridden.is_empty() && instance.behind.as_ref().is_some_and(BTreeSet::is_empty);
        has(instance) || stage.how == How::Shrink && rest
    };
    let licensed = facts.permission == Permission::Granted && (down(facts).is_empty() || may_repair(rules, facts));
    if licensed || anyway || proven(rules, facts, has, took) {
        Force::Released { held: stage.held.clone() }
    } else if stage.how == How::Restart && facts.instances.iter().all(has_pod) {
        // Every pod is the released one already: to go back would be another change. Only what needs a restart waits.
        let behind = facts.instances.iter().filter_map(|instance| instance.behind.as_ref()).flatten().cloned();
        Force::Released { held: stage.held.iter().cloned().chain(behind).collect() }
    } else {
        Force::Reloadable
    }
}

/// Whether an instance serves with it. Who was lowered to it or has taken over with it has proven it, whatever became of that
/// instance since: to flip back because it is down at this moment would restart it with something else.
fn proven(rules: Rules, facts: &Facts, has: impl Fn(&InstanceFacts) -> bool, took: impl Fn(&InstanceFacts) -> bool) -> bool {
    let takes_over = facts.memory.step.as_ref().and_then(|step| match step.action {
        Action::SwitchOver { candidate, relieves: false, .. } => Some(candidate),
        _ => None,
    });
    let gone = |instance: &InstanceFacts| !is_back(rules, instance) && instance.behind.is_none() && instance.pod != Some(false);
    let took_over = facts.memory.switched_to.or(takes_over).and_then(|ordinal| facts.instance(ordinal));
    facts.memory.lowered_at.is_some()
        || facts.instances.iter().any(|instance| has(instance) && is_back(rules, instance))
        || took_over.is_some_and(|instance| took(instance) || gone(instance))
}

/// Whether its pod is the released one, amounts and all.
fn has_pod(instance: &InstanceFacts) -> bool {
    instance.pod == Some(true) && instance.amounts == Amount::Same
}
