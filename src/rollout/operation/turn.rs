//! Whose turn it is.

use super::Operation;
use crate::model::seconds;
use jiff::Timestamp;

/// What is to be done about one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: it has ended.
    Ended,
    /// Nothing yet, for this reason.
    Waits(String),
    /// It begins.
    Begins,
    /// It is the one that is under way.
    UnderWay,
    /// It has taken longer than it may.
    TimedOut,
}

/// The turn of each, in their order. `held`: why none may begin now, for people. What was begun goes on: a hold that comes later is
/// asked for before each disturbance.
pub fn operation_turns(operations: &[Operation], held: Option<&str>, now: Timestamp) -> Vec<Turn> {
    let open = |operation: &&Operation| operation.outcome.is_none();
    // Two that were begun are none of ours; the first goes on.
    let under_way = operations
        .iter()
        .filter(open)
        .filter(|operation| operation.started.is_some())
        .min_by_key(|operation| (operation.started, &operation.name));
    let due = |operation: &&Operation| operation.run_at.is_none_or(|at| at <= now);
    let next = operations.iter().filter(open).filter(|operation| operation.started.is_none()).filter(due);
    let next = next.min_by_key(|operation| (operation.run_at.max(operation.created), &operation.name));
    let is = |one: Option<&Operation>, other: &Operation| one.is_some_and(|one| one.uid == other.uid);
    let turn = |operation: &Operation| {
        if operation.outcome.is_some() {
            return Turn::Ended;
        }
        if operation.started.is_some() && operation.is_late(now) {
            return Turn::TimedOut;
        }
        if is(under_way, operation) {
            return Turn::UnderWay;
        }
        if let Some(at) = operation.run_at.filter(|at| *at > now) {
            return Turn::Waits(format!("it does not begin before {}", seconds(at)));
        }
        if let Some(other) = under_way {
            return Turn::Waits(format!("{} is under way, and there is one at a time", other.text()));
        }
        match (is(next, operation), held) {
            (true, None) => Turn::Begins,
            (true, Some(why)) => Turn::Waits(why.to_owned()),
            (false, _) => Turn::Waits(next.map_or_else(String::new, |next| format!("{} comes first", next.text()))),
        }
    };
    operations.iter().map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{OperationKind, OperationOutcome};
    use super::*;
    use std::collections::BTreeSet;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn one(name: &str, created: i64) -> Operation {
        Operation {
            name: name.to_owned(),
            uid: format!("uid-{name}"),
            kind: OperationKind::Restart,
            method: None,
            only_pending: false,
            run_at: None,
            timeout: None,
            max_retries: 0,
            created: Some(at(created)),
            started: None,
            retries: 0,
            outcome: None,
            initial_pods: BTreeSet::new(),
        }
    }

    /// Two restarts at once would take two instances away.
    #[test]
    fn one_at_a_time_the_oldest_first() {
        let waits = |turn: &Turn, part: &str| matches!(turn, Turn::Waits(why) if why.contains(part));
        let both = [one("b", 1), one("a", 2)];
        let found = operation_turns(&both, None, at(10));
        assert!(found[0] == Turn::Begins && waits(&found[1], "the operation b comes first"), "{found:?}");
        let held = operation_turns(&both, Some("held: index build"), at(10));
        assert!(waits(&held[0], "index build") && waits(&held[1], "comes first"), "{held:?}");
        let begun = [Operation { started: Some(at(5)), ..one("b", 1) }, one("a", 0)];
        let found = operation_turns(&begun, Some("held: index build"), at(10));
        assert!(found[0] == Turn::UnderWay && waits(&found[1], "the operation b is under way"), "a hold does not end it: {found:?}");
        let ended = [Operation { outcome: Some(OperationOutcome::Failed), started: Some(at(5)), ..one("b", 1) }, one("a", 2)];
        assert_eq!(operation_turns(&ended, None, at(10)), [Turn::Ended, Turn::Begins]);
        let two = [Operation { started: Some(at(6)), ..one("a", 1) }, Operation { started: Some(at(5)), ..one("b", 1) }];
        assert!(waits(&operation_turns(&two, None, at(10))[0], "under way") && operation_turns(&two, None, at(10))[1] == Turn::UnderWay);
    }

    /// One that is for the night must not hold up the one that is for now.
    #[test]
    fn a_moment_is_waited_for_and_a_limit_ends_it() {
        let later = [Operation { run_at: Some(at(100)), ..one("a", 1) }, one("b", 2)];
        let found = operation_turns(&later, None, at(10));
        assert_eq!(found[1], Turn::Begins);
        assert_eq!(found[0], Turn::Waits("it does not begin before 1970-01-01T00:01:40Z".to_owned()));
        assert_eq!(operation_turns(&later[..1], None, at(100)), [Turn::Begins]);
        let limited = |now| {
            let timeout = Some(jiff::SignedDuration::from_secs(60));
            operation_turns(&[Operation { started: Some(at(100)), timeout, ..one("a", 1) }], None, at(now))
        };
        assert_eq!((limited(159), limited(160)), (vec![Turn::UnderWay], vec![Turn::TimedOut]));
        let never_begun = Operation { timeout: Some(jiff::SignedDuration::ZERO), ..one("a", 1) };
        assert_eq!(operation_turns(&[never_begun], None, at(10)), [Turn::Begins], "its time begins with it");
    }
}
