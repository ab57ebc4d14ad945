//! Standby clusters of a source that gets more of a hot-standby parameter (DESIGN §8, rule 7).
//!
//! A standby that reads in the WAL that its primary has more than it has pauses its replay, and must be started anew with as much.
//! Source: PostgreSQL documentation, "Hot Standby", "Administrator's Overview". Patroni does that (4.0.7, "Resuming paused WAL replay"),
//! on every instance of a standby cluster at once. So whoever follows a source gets it first, one by one.

use super::change::Facts;
use super::restart_parameters::hot_standby;
use crate::render::revision::Revision;
use std::collections::{BTreeMap, BTreeSet};

/// Annotation of a source that names the released revision which a person takes although standby clusters stop replaying.
pub const ACCEPT_REPLICATION_STOP: &str = "stackgres.io/accept-replication-stop";

/// What standby clusters have too little of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgrown {
    /// Who has how much, and how much is to come.
    pub why: String,
    /// What ends it.
    pub ends: String,
}

/// The hot-standby parameters that the leader of a source has less of than is released.
pub fn raised(facts: &Facts) -> BTreeMap<&str, i64> {
    // Whose own leader replays takes these values from further up.
    let Some(leader) = facts.leader().filter(|_| !facts.follows) else { return BTreeMap::new() };
    let more = |(name, released): (&String, &i64)| leader.hot_standby.get(name).is_some_and(|runs| runs < released);
    facts.target.hot_standby.iter().filter(|(name, released)| more((name, released))).map(|(name, value)| (name.as_str(), *value)).collect()
}

/// What another cluster of the namespace may run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Other {
    /// SGClusters that it follows.
    follows: BTreeSet<String>,
    /// The least that an instance of it may have of each hot-standby parameter.
    least: BTreeMap<String, i64>,
    /// What it shall have.
    released: BTreeMap<String, i64>,
}

impl Other {
    /// From the revisions that its instances may run, the released one last.
    pub fn of(revisions: &[Revision]) -> Self {
        let follows = |revision: &Revision| revision.effective.replicate_from.as_ref().and_then(|from| from.cluster.clone());
        let mut other = Self { follows: revisions.iter().filter_map(follows).collect(), ..Self::default() };
        for revision in revisions {
            other.released = hot_standby(revision);
            for (name, value) in &other.released {
                let least = other.least.entry(name.clone()).or_insert(*value);
                *least = (*least).min(*value);
            }
        }
        other
    }
}

/// Whether a cluster that follows this one, or follows one that does, would stop replaying.
pub fn outgrown(facts: &Facts, others: &BTreeMap<String, Other>) -> Option<Outgrown> {
    let raised = raised(facts);
    let (mut short, mut unwritten) = (Vec::new(), BTreeSet::new());
    for (name, other) in followers(&facts.cluster, others) {
        for (parameter, wanted) in &raised {
            let Some(least) = other.least.get(*parameter).filter(|least| *least < wanted) else { continue };
            short.push(format!("{name} has {parameter} = {least} and not {wanted}"));
            if other.released.get(*parameter).is_some_and(|released| released < wanted) {
                unwritten.insert(name);
            }
        }
    }
    let names = unwritten.into_iter().collect::<Vec<_>>().join(" and ");
    let ends = if names.is_empty() { "that is carried out there".to_owned() } else { format!("as much is released for {names}") };
    (!short.is_empty()).then(|| Outgrown { why: format!("a standby cluster would stop replaying: {}", short.join(", ")), ends })
}

/// Clusters that get the WAL of this one, from it or from one another.
fn followers<'a>(source: &str, others: &'a BTreeMap<String, Other>) -> BTreeMap<&'a str, &'a Other> {
    let mut found: BTreeMap<&str, &Other> = BTreeMap::new();
    loop {
        let follows = |other: &Other| other.follows.iter().any(|from| from == source || found.contains_key(from.as_str()));
        let next = others.iter().filter(|(name, other)| !found.contains_key(name.as_str()) && follows(other));
        let next: Vec<(&str, &Other)> = next.map(|(name, other)| (name.as_str(), other)).collect();
        if next.is_empty() {
            return found;
        }
        found.extend(next);
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::tests::connections;
    use super::*;

    fn other(follows: &str, least: i64, released: i64) -> Other {
        let values = |value| [("max_connections".to_owned(), value)].into();
        Other { follows: [follows.to_owned()].into(), least: values(least), released: values(released) }
    }

    fn why(from: i64, to: i64, others: &[(&str, Other)]) -> Option<(String, String)> {
        let facts = Facts { cluster: "a".to_owned(), ..connections(3, from, to) };
        let others = others.iter().map(|(name, other)| ((*name).to_owned(), other.clone())).collect();
        outgrown(&facts, &others).map(|found| (found.why, found.ends))
    }

    /// Without it a raised source ends the replay of its standby clusters: nothing arrives there until somebody restarts them.
    #[test]
    fn whoever_follows_a_source_gets_more_first() {
        let (why_not, ends) = why(100, 200, &[("b", other("a", 100, 200))]).unwrap();
        assert_eq!(why_not, "a standby cluster would stop replaying: b has max_connections = 100 and not 200");
        assert_eq!(ends, "that is carried out there");
        assert_eq!(why(100, 200, &[("b", other("a", 100, 150))]).unwrap().1, "as much is released for b");
        assert_eq!(why(100, 200, &[("b", other("a", 200, 200))]), None);
        assert_eq!(why(100, 200, &[("b", other("z", 100, 100))]), None, "it follows somebody else");
        assert_eq!(why(200, 100, &[("b", other("a", 150, 150))]), None, "lowered: the source goes first");
        assert_eq!(why(200, 200, &[("b", other("a", 100, 100))]), None, "what it has already stops nobody any more");
        let cascade = [("b", other("a", 200, 200)), ("c", other("b", 120, 120))];
        assert!(why(100, 200, &cascade).unwrap().0.contains("c has max_connections = 120"));
    }

    /// The leader of a standby cluster writes no WAL, so nobody can be outgrown by it: waiting there would be a deadlock in a chain.
    #[test]
    fn a_standby_cluster_may_have_more_than_its_own_followers() {
        let facts = Facts { cluster: "a".to_owned(), follows: true, ..connections(3, 100, 200) };
        assert_eq!(outgrown(&facts, &[("b".to_owned(), other("a", 100, 100))].into()), None);
    }
}
