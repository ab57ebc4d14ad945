//! What a restart can bring, and what it cannot: a value that somebody set with `ALTER SYSTEM` stands in `postgresql.auto.conf`, which
//! is read after everything that Patroni writes (DESIGN §8, rule 8).

use super::facts::{Facts, InstanceFacts};
use super::rules::{Rule, Rules};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The facts without what no restart brings, and a text for each instance that keeps another value.
pub(super) fn attainable(rules: Rules, facts: &Facts) -> (Cow<'_, Facts>, Vec<String>) {
    let kept = |instance: &InstanceFacts| -> BTreeSet<String> {
        instance.behind.iter().flatten().filter(|name| instance.overridden.contains(*name)).cloned().collect()
    };
    if !rules.keep(Rule::AlterSystemIsNotAwaited) || facts.instances.iter().all(|instance| kept(instance).is_empty()) {
        return (Cow::Borrowed(facts), Vec::new());
    }
    // It stays in `overridden`: who runs with another value shows nothing about the released one.
    let (mut attainable, mut reports) = (facts.clone(), Vec::new());
    for instance in &mut attainable.instances {
        let kept = kept(instance);
        if kept.is_empty() {
            continue;
        }
        let names = kept.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let name = facts.name(instance.ordinal);
        reports.push(format!(
            "{name} keeps what ALTER SYSTEM set there for {names}; ALTER SYSTEM RESET and a restart bring the released value"
        ));
        if let Some(behind) = &mut instance.behind {
            behind.retain(|name| !kept.contains(name));
        }
    }
    (Cow::Owned(attainable), reports)
}
