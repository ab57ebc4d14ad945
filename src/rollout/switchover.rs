//! What must be so before a primary stops, planned (DESIGN §8, rule 9).
//!
//! A clean stop waits for the checkpoint, for everyone who takes WAL and for the archiver, and writers wait with it. So what would take
//! long is waited for before, while nobody stands still, and named.

use crate::model::{Activity, FollowerKind, Object};
use std::collections::BTreeSet;

/// Annotation of an SGCluster by which a person asks for a switchover: the name of the pod that shall lead, or `any`.
pub const SWITCHOVER: &str = "stackgres.io/switchover";

/// Annotation of an SGCluster by which a person asks for a restart of PostgreSQL in one pod, which stays: the name of the pod.
pub const RESTART: &str = "stackgres.io/restart";

/// Annotation of an SGCluster that names the logical slots, with commas between, whose consumers may lose their position when another
/// instance leads: a person made sure that they begin anew, or are gone.
pub const ACCEPT_SLOT_LOSS: &str = "stackgres.io/accept-slot-loss";

/// The logical slots of a cluster whose loss a person accepted.
pub fn slots_accepted(cluster: &Object) -> BTreeSet<String> {
    let names = cluster.annotation(ACCEPT_SLOT_LOSS).unwrap_or_default().split(',');
    names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Seconds a transaction may have been open. The pooler holds back new transactions until the open ones end, and everybody waits for the
/// longest, at most five seconds; one that is older than this is not about to end.
const OLDEST_TRANSACTION: i64 = 3;

/// Seconds since a transaction was prepared. It goes over to the next primary with its locks; what is older has been forgotten by its
/// manager, which a person should look at before anything moves.
const OLDEST_PREPARED: i64 = 300;

/// Bytes of WAL that somebody who takes it may be behind: the stop waits until everyone has all. 16 MiB is one file of WAL, which a slow
/// disk or network takes within a second.
const BEHIND: i64 = 16 << 20;

/// Bytes that the candidate may be behind by replay: it replays the rest before it takes writes. Patroni's own bound for a candidate
/// (`maximum_lag_on_failover`) is the same MiB.
const CANDIDATE_BEHIND: i64 = 1 << 20;

/// Files of WAL that may wait for the archiver, which the stop waits for. 16 MiB each.
const TO_ARCHIVE: i64 = 8;

/// What is to be done about a switchover or restart that a person asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchoverWish {
    /// Nothing.
    None,
    /// One was begun and has no end: it is to be ended.
    Begun {
        /// Pod that led.
        leader: String,
        /// Pod that shall lead.
        candidate: String,
    },
    /// A switchover is to be begun: the pod that shall lead, or `any`.
    Asked(String),
    /// A restart is to be begun: the pod.
    Restart(String),
}

impl SwitchoverWish {
    /// How it stands in the status once it is answered; `None` for one that was begun by a process before.
    pub fn asked(&self) -> Option<String> {
        match self {
            Self::Asked(candidate) => Some(candidate.clone()),
            Self::Restart(pod) => Some(format!("restart {pod}")),
            Self::None | Self::Begun { .. } => None,
        }
    }
}

/// Reads the wish, and what stands in the status of it. A wish that was answered is none until its annotation was taken away, or says
/// something else.
pub fn switchover_wish(cluster: &Object) -> SwitchoverWish {
    let record = |field: &str| cluster.text(&format!("/status/switchover/{field}"));
    if record("state") == Some("under-way") {
        let name = |field: &str| record(field).unwrap_or_default().to_owned();
        return SwitchoverWish::Begun { leader: name("leader"), candidate: name("candidate") };
    }
    let said = |annotation: &str| cluster.annotation(annotation).map(|text| text.trim().to_owned());
    let switchover =
        said(SWITCHOVER).map(|candidate| SwitchoverWish::Asked(if candidate.is_empty() { "any".to_owned() } else { candidate }));
    let restart = said(RESTART).map(SwitchoverWish::Restart);
    let open = |wish: &SwitchoverWish| wish.asked().as_deref() != record("asked");
    switchover.or(restart).filter(open).unwrap_or(SwitchoverWish::None)
}

/// Two instances, one of which shall take over from the other.
#[derive(Debug)]
pub struct HandOver<'a> {
    /// Name of the pod that leads.
    pub leader: &'a str,
    /// What it is busy with.
    pub leading: &'a Activity,
    /// Name of the pod that shall lead.
    pub candidate: &'a str,
    /// What it is busy with.
    pub following: &'a Activity,
    /// Whether its tags let it lead.
    pub may_lead: bool,
    /// Whether Patroni waits for synchronous standbys, so that only one of them has every commit.
    pub synchronous: bool,
    /// Logical slots whose consumers may lose their position.
    pub slots_accepted: &'a BTreeSet<String>,
}

/// Why an instance had better not stop now; `Ok` where nothing holds it.
pub fn holds_stop(name: &str, activity: &Activity) -> Result<(), String> {
    if let Some(backup) = activity.followers.iter().find(|follower| follower.kind == FollowerKind::Backup) {
        return Err(format!("a base backup ({}) takes files from {name}", backup.name));
    }
    if let Some(open) = activity.oldest.as_ref().filter(|open| open.seconds > OLDEST_TRANSACTION) {
        return Err(format!(
            "a transaction on {name} has been open for {} s: process {}, user {}, database {}, application `{}`",
            open.seconds, open.pid, open.user, open.database, open.application
        ));
    }
    if let Some(prepared) = activity.prepared.as_ref().filter(|prepared| prepared.seconds > OLDEST_PREPARED) {
        return Err(format!(
            "the transaction {} of {} was prepared {} s ago and waits for the second half of its commit",
            prepared.identifier, prepared.owner, prepared.seconds
        ));
    }
    // Who does not say how far it is (a new connection) has its say before the stop as well.
    if let Some(slow) = activity.followers.iter().find(|follower| follower.behind.is_none_or(|behind| behind > BEHIND)) {
        let behind =
            slow.behind.map_or_else(|| "does not say how far it is".to_owned(), |behind| format!("is {} MiB behind", behind >> 20));
        return Err(format!("{} takes WAL from {name} and {behind}; the stop would wait for it", slow.name));
    }
    if activity.to_archive > TO_ARCHIVE {
        return Err(format!("{} files of WAL on {name} wait to be archived; the stop would wait for them", activity.to_archive));
    }
    Ok(())
}

/// Why the candidate cannot take over now; `Ok` where nothing is against it.
pub fn holds_candidate(hand_over: &HandOver<'_>) -> Result<(), String> {
    let HandOver { leader, leading, candidate, following, .. } = *hand_over;
    if leading.in_recovery {
        return Err(format!("{leader} takes no writes itself"));
    }
    if !hand_over.may_lead {
        return Err(format!("{candidate} is barred from leading (nofailover)"));
    }
    if !following.in_recovery {
        return Err(format!("{candidate} follows nobody"));
    }
    if following.replay_paused {
        return Err(format!("the replay of {candidate} is paused"));
    }
    let Some(link) = leading.followers.iter().find(|follower| follower.name == candidate && follower.state == "streaming") else {
        return Err(format!("{candidate} does not stream from {leader}"));
    };
    if link.behind.is_none_or(|behind| behind > CANDIDATE_BEHIND) {
        let behind = link.behind.map_or_else(|| "an unknown amount".to_owned(), |behind| format!("{behind} bytes"));
        return Err(format!("{candidate} has {behind} of WAL still to replay"));
    }
    if hand_over.synchronous && !link.synchronous {
        return Err(format!("{candidate} is no synchronous standby, and only one of them has every commit"));
    }
    // PostgreSQL would not promote it: its own value is checked against the one in the WAL of the primary.
    let lower = leading.hot_standby.iter().find(|(name, value)| following.hot_standby.get(*name).is_none_or(|own| own < *value));
    if let Some((name, value)) = lower {
        let own = following.hot_standby.get(name).map_or_else(|| "unknown".to_owned(), ToString::to_string);
        return Err(format!("{name} is {own} on {candidate} and {value} on {leader}: PostgreSQL would stop instead of leading"));
    }
    let lacking = leading.logical_slots.difference(&following.logical_slots).filter(|slot| !hand_over.slots_accepted.contains(*slot));
    let lacking: Vec<&str> = lacking.map(String::as_str).collect();
    if !lacking.is_empty() {
        return Err(format!(
            "{candidate} lacks the logical slots {}: their consumers would lose their position (drop them, make them with `failover`, or \
             annotate the SGCluster with {ACCEPT_SLOT_LOSS}={})",
            lacking.join(", "),
            lacking.join(",")
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Follower, OpenTransaction, PreparedTransaction};

    fn follower(name: &str) -> Follower {
        Follower { name: name.to_owned(), kind: FollowerKind::Physical, state: "streaming".to_owned(), behind: Some(0), synchronous: false }
    }

    fn leading() -> Activity {
        let hot_standby = [("max_connections".to_owned(), 100)].into();
        Activity { followers: vec![follower("a-1"), follower("a-2")], hot_standby, ..Activity::default() }
    }

    fn following() -> Activity {
        Activity { in_recovery: true, hot_standby: [("max_connections".to_owned(), 100)].into(), ..Activity::default() }
    }

    fn stop(change: impl FnOnce(&mut Activity)) -> Result<(), String> {
        let mut activity = leading();
        change(&mut activity);
        holds_stop("a-0", &activity)
    }

    fn candidate(change: impl FnOnce(&mut Activity, &mut Activity, &mut HandOver<'_>)) -> Result<(), String> {
        let (mut leading, mut following) = (leading(), following());
        let none = Activity::default();
        let mut hand_over = HandOver {
            leader: "a-0",
            leading: &none,
            candidate: "a-1",
            following: &none,
            may_lead: true,
            synchronous: false,
            slots_accepted: &BTreeSet::new(),
        };
        change(&mut leading, &mut following, &mut hand_over);
        holds_candidate(&HandOver { leading: &leading, following: &following, ..hand_over })
    }

    fn names(held: &Result<(), String>, what: &str) -> bool {
        held.as_ref().is_err_and(|why| why.contains(what))
    }

    /// A wish that is carried out twice hands over and back; one that was begun and is forgotten leaves a pooler paused.
    #[test]
    fn a_wish_is_answered_once_and_ended_always() {
        let wish = |annotation: Option<&str>, record: serde_json::Value| {
            let annotations = annotation.map(|asked| serde_json::json!({SWITCHOVER: asked}));
            switchover_wish(&Object::new(serde_json::json!({"metadata": {"annotations": annotations}, "status": {"switchover": record}})))
        };
        let (asked, none) = (|name: &str| SwitchoverWish::Asked(name.to_owned()), serde_json::Value::Null);
        assert_eq!(wish(None, none.clone()), SwitchoverWish::None);
        assert_eq!(wish(Some("a-1"), none.clone()), asked("a-1"));
        assert_eq!(wish(Some(""), none), asked("any"));
        let done = serde_json::json!({"state": "done", "asked": "a-1"});
        assert_eq!(wish(Some("a-1"), done.clone()), SwitchoverWish::None);
        assert_eq!(wish(Some("a-0"), done), asked("a-0"));
        assert_eq!(wish(Some("a-1"), serde_json::json!({"state": "done"})), asked("a-1"), "taken away and set again");
        let restart = serde_json::json!({"metadata": {"annotations": {RESTART: "a-0"}}, "status": {"switchover": {"asked": "a-0"}}});
        assert_eq!(switchover_wish(&Object::new(restart)), SwitchoverWish::Restart("a-0".to_owned()), "another wish of the same name");
        let begun = serde_json::json!({"state": "under-way", "asked": "a-1", "leader": "a-0", "candidate": "a-1"});
        let ended = SwitchoverWish::Begun { leader: "a-0".to_owned(), candidate: "a-1".to_owned() };
        assert_eq!((wish(None, begun.clone()), wish(Some("a-1"), begun)), (ended.clone(), ended));
    }

    /// Each of these makes the clean stop wait, and every writer with it.
    #[test]
    fn what_would_make_the_stop_wait_is_named() {
        assert_eq!(stop(|_| {}), Ok(()));
        let open = |seconds| {
            let text = |text: &str| text.to_owned();
            Some(OpenTransaction { pid: 77, user: text("app"), application: text("report"), database: text("shop"), seconds })
        };
        assert_eq!(stop(|activity| activity.oldest = open(2)), Ok(()));
        assert!(names(&stop(|activity| activity.oldest = open(60)), "process 77, user app, database shop, application `report`"));
        let prepared = |seconds| Some(PreparedTransaction { identifier: "gid".to_owned(), owner: "app".to_owned(), seconds });
        assert_eq!(stop(|activity| activity.prepared = prepared(10)), Ok(()));
        assert!(names(&stop(|activity| activity.prepared = prepared(3_600)), "gid"));
        assert!(names(&stop(|activity| activity.followers[1].behind = Some(64 << 20)), "a-2 takes WAL from a-0 and is 64 MiB behind"));
        assert!(names(&stop(|activity| activity.followers[1].behind = None), "a-2"));
        assert!(names(&stop(|activity| activity.followers[0].kind = FollowerKind::Backup), "base backup"));
        assert!(names(&stop(|activity| activity.to_archive = 9), "9 files"));
    }

    /// Each of these ends as no primary at all, as lost commits, or as a refusal in the middle.
    #[test]
    fn what_keeps_a_candidate_from_leading_is_named() {
        assert_eq!(candidate(|_, _, _| {}), Ok(()));
        let raised = || [("max_connections".to_owned(), 150)].into();
        assert!(names(&candidate(|leading, _, _| leading.in_recovery = true), "takes no writes"));
        assert!(names(&candidate(|_, _, hand_over| hand_over.may_lead = false), "nofailover"));
        assert!(names(&candidate(|_, following, _| following.in_recovery = false), "follows nobody"));
        assert!(names(&candidate(|_, following, _| following.replay_paused = true), "paused"));
        assert!(names(&candidate(|leading, _, _| leading.followers[0].state = "catchup".to_owned()), "does not stream"));
        assert!(names(&candidate(|leading, _, _| leading.followers[0].behind = Some(2 << 20)), "still to replay"));
        assert!(names(&candidate(|_, _, hand_over| hand_over.synchronous = true), "no synchronous standby"));
        let synchronous = candidate(|leading, _, hand_over| {
            leading.followers[0].synchronous = true;
            hand_over.synchronous = true;
        });
        assert_eq!(synchronous, Ok(()));
        assert!(names(&candidate(|leading, _, _| leading.hot_standby = raised()), "max_connections is 100"));
        let more = candidate(|_, following, _| following.hot_standby = raised());
        assert_eq!(more, Ok(()), "a standby may have more");
        let slot = |activity: &mut Activity| activity.logical_slots = ["cdc".to_owned()].into();
        assert!(names(&candidate(|leading, _, _| slot(leading)), "cdc"));
        let there = candidate(|leading, following, _| {
            slot(leading);
            slot(following);
        });
        assert_eq!(there, Ok(()));
        let cluster = |names: &str| Object::new(serde_json::json!({"metadata": {"annotations": {ACCEPT_SLOT_LOSS: names}}}));
        let accepted = |names: &str| {
            let accepted = slots_accepted(&cluster(names));
            let mut leading = leading();
            slot(&mut leading);
            let (leading, following, slots_accepted) = (&leading, &following(), &accepted);
            let (leader, candidate, may_lead, synchronous) = ("a-0", "a-1", true, false);
            holds_candidate(&HandOver { leader, leading, candidate, following, may_lead, synchronous, slots_accepted })
        };
        assert_eq!(accepted("other, cdc"), Ok(()));
        assert!(names(&accepted("other"), "stackgres.io/accept-slot-loss=cdc"), "what was accepted for one slot holds for that one");
    }
}
