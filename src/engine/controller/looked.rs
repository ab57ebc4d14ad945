//! Which clusters a pass looks at: those of which something changed, those that have work under way, and each from time to time.
//!
//! In: facts. Out: names. Invariant: a cluster whose objects, configurations, fleet or neighbours in replication changed is looked at in
//! the next pass, every other one within the interval. Why: one live edit among a thousand clusters is answered at once, and not after
//! a look at the thousand.

use super::claims;
use super::facts::Facts;
use super::look_again::LOOK_AGAIN;
use crate::model::{NamespacedName, Object};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

/// Clusters without news that a pass looks at, at the least: all of them within the interval, and not all of them at once.
const AT_LEAST: usize = 20;

/// When each cluster was looked at, and what was there then. Losing it costs a look at each.
#[derive(Default)]
pub(super) struct Looked(BTreeMap<NamespacedName, (Timestamp, u64)>);

/// What a pass is to look at.
pub(super) struct Turn {
    /// The clusters.
    pub(super) clusters: BTreeSet<NamespacedName>,
    /// Whether others are overdue.
    pub(super) more: bool,
    prints: BTreeMap<NamespacedName, u64>,
}

impl Looked {
    /// Whose turn it is.
    pub(super) fn turn(&self, facts: &Facts, busy: impl Fn(&NamespacedName) -> bool, interval: Duration, now: Timestamp) -> Turn {
        let around = Around::of(facts);
        let interval = SignedDuration::try_from(interval).unwrap_or(SignedDuration::from_secs(30));
        let mut turn = Turn { clusters: BTreeSet::new(), more: false, prints: BTreeMap::new() };
        let mut overdue = Vec::new();
        for cluster in facts.of_kind("SGCluster") {
            let name = cluster.namespaced_name();
            let print = around.print(facts, cluster, &name);
            match self.0.get(&name) {
                Some((at, known)) if *known == print && !busy(&name) => {
                    if now.duration_since(*at) >= interval {
                        overdue.push((*at, name.clone()));
                    }
                }
                _ => drop(turn.clusters.insert(name.clone())),
            }
            turn.prints.insert(name, print);
        }
        overdue.sort();
        let most = AT_LEAST.max(turn.prints.len() / 10);
        turn.more = overdue.len() > most;
        turn.clusters.extend(overdue.into_iter().take(most).map(|(_, name)| name));
        turn
    }

    /// Remembers a look; what could not be looked at well is looked at again.
    pub(super) fn note(&mut self, turn: &Turn, name: &NamespacedName, well: bool, now: Timestamp) {
        match turn.prints.get(name).filter(|_| well) {
            Some(print) => drop(self.0.insert(name.clone(), (now, *print))),
            None => drop(self.0.remove(name)),
        }
    }

    /// Forgets clusters that are gone.
    pub(super) fn keep(&mut self, known: impl Fn(&NamespacedName) -> bool) {
        self.0.retain(|name, _| known(name));
    }
}

/// What clusters of one namespace have in common.
struct Around<'a> {
    /// By namespace: configurations, scripts, operations; and every cluster where one follows another.
    shared: BTreeMap<&'a str, u64>,
}

impl<'a> Around<'a> {
    fn of(facts: &'a Facts) -> Self {
        let mut shared: BTreeMap<&str, DefaultHasher> = BTreeMap::new();
        let follows = |object: &&Object| object.get("/spec/replicateFrom").is_some();
        let linked: BTreeSet<&str> = facts.of_kind("SGCluster").filter(follows).filter_map(Object::namespace).collect();
        for object in facts.own.values() {
            let namespace = object.namespace().unwrap_or_default();
            match object.kind() {
                "SGFleet" => {}
                "SGCluster" if !linked.contains(namespace) => {}
                _ => written(object).hash(shared.entry(namespace).or_default()),
            }
        }
        Self { shared: shared.into_iter().map(|(namespace, hasher)| (namespace, hasher.finish())).collect() }
    }

    fn print(&self, facts: &Facts, cluster: &Object, name: &NamespacedName) -> u64 {
        let mut hasher = DefaultHasher::new();
        written(cluster).hash(&mut hasher);
        for child in facts.children.get(name).into_iter().flat_map(BTreeMap::values) {
            written(child).hash(&mut hasher);
        }
        self.shared.get(name.namespace.as_str()).hash(&mut hasher);
        facts.absent_kinds.hash(&mut hasher);
        // A fleet's status says how its clusters are: it changes with them.
        let fleet = claims::fleet_of(facts, cluster);
        fleet.map(|fleet| (fleet.uid(), fleet.get("/metadata/generation").map(ToString::to_string))).hash(&mut hasher);
        // That somebody pushed concerns the source, and no cluster before its own content changes.
        fleet.into_iter().flat_map(Object::annotations).filter(|(name, _)| *name != LOOK_AGAIN).for_each(|one| one.hash(&mut hasher));
        hasher.finish()
    }
}

/// One state of one object.
fn written(object: &Object) -> (Option<&str>, Option<&str>) {
    (object.uid(), object.resource_version())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(kind: &str, name: &str, version: u64, spec: &serde_json::Value) -> Object {
        Object::new(json!({"apiVersion": "stackgres.io/v1", "kind": kind, "spec": spec,
            "metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": version.to_string()}}))
    }

    fn facts(objects: Vec<Object>) -> Facts {
        Facts { own: objects.into_iter().map(|object| (object.key(), object)).collect(), ..Facts::default() }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn names(turn: &Turn) -> Vec<&str> {
        turn.clusters.iter().map(|name| name.name.as_str()).collect()
    }

    const EVERY: Duration = Duration::from_secs(30);

    fn all_looked_at(facts: &Facts) -> Looked {
        let mut looked = Looked::default();
        let turn = looked.turn(facts, |_| false, EVERY, at(0));
        for name in &turn.clusters {
            looked.note(&turn, name, true, at(0));
        }
        looked
    }

    /// A change that reaches no look would wait for the interval, and one that reaches every look would make a fleet slow.
    #[test]
    fn what_changed_is_looked_at_and_nothing_else() {
        let none = json!({});
        let before = [object("SGCluster", "a", 1, &none), object("SGCluster", "b", 1, &none), object("SGScript", "s", 1, &none)];
        let looked = all_looked_at(&facts(before.to_vec()));
        let again = |objects: Vec<Object>, busy: &str, now: i64| {
            let facts = facts(objects);
            names(&looked.turn(&facts, |name| name.name == busy, EVERY, at(now))).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(again(before.to_vec(), "", 1), Vec::<String>::new());
        assert_eq!(again(before.to_vec(), "b", 1), ["b"], "its work is under way");
        assert_eq!(again(before.to_vec(), "", 30), ["a", "b"], "the interval is over");
        let mut edited = before.to_vec();
        edited[0] = object("SGCluster", "a", 2, &none);
        assert_eq!(again(edited, "", 1), ["a"]);
        let mut shared = before.to_vec();
        shared[2] = object("SGScript", "s", 2, &none);
        assert_eq!(again(shared, "", 1), ["a", "b"], "what they share");
    }

    /// A standby cluster waits for its source, and the other way round.
    #[test]
    fn clusters_that_follow_one_another_are_looked_at_together() {
        let standby = object("SGCluster", "b", 1, &json!({"replicateFrom": {"instance": {"sgCluster": "a"}}}));
        let before = [object("SGCluster", "a", 1, &json!({})), standby];
        let looked = all_looked_at(&facts(before.to_vec()));
        let mut edited = before.to_vec();
        edited[0] = object("SGCluster", "a", 2, &json!({}));
        let facts = facts(edited);
        assert_eq!(names(&looked.turn(&facts, |_| false, EVERY, at(1))), ["a", "b"]);
    }

    /// A thousand looks at once would make one live edit wait for all of them.
    #[test]
    fn those_without_news_take_turns() {
        let facts = facts((0..100).map(|number| object("SGCluster", &format!("c{number:03}"), 1, &json!({}))).collect());
        let mut looked = all_looked_at(&facts);
        let mut seen = 0;
        loop {
            let turn = looked.turn(&facts, |_| false, EVERY, at(30));
            assert!(turn.clusters.len() <= AT_LEAST);
            for name in &turn.clusters {
                looked.note(&turn, name, true, at(30));
            }
            seen += turn.clusters.len();
            if !turn.more {
                break;
            }
        }
        assert_eq!(seen, 100, "each once");
        let turn = looked.turn(&facts, |_| false, EVERY, at(30));
        let failed = NamespacedName::new("n", "c000");
        looked.note(&turn, &failed, false, at(30));
        assert_eq!(names(&looked.turn(&facts, |_| false, EVERY, at(31))), ["c000"], "it failed");
    }
}
