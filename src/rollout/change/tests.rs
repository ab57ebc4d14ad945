//! The order of steps for each class of change, by rehearsal.

use super::*;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A healthy cluster that runs everything; instance 0 leads.
pub(super) fn healthy(count: u32) -> Facts {
    let one = |ordinal: u32| InstanceFacts {
        ordinal,
        uid: format!("u{ordinal}"),
        ready: true,
        leads: ordinal == 0,
        streaming: ordinal != 0,
        caught_up: true,
        pod: Some(true),
        behind: Some(BTreeSet::new()),
        position: Some(100),
        redo: Some(50),
        ..InstanceFacts::default()
    };
    Facts {
        cluster: String::new(),
        target: Target { instances: count, ..Target::default() },
        instances: (0..count).map(one).collect(),
        asked_for: count,
        permission: Permission::Granted,
        memory: Memory::default(),
        under_way: false,
        not_made: None,
        follows: false,
    }
}

fn with(count: u32, change: impl Fn(&mut InstanceFacts)) -> Facts {
    let mut facts = healthy(count);
    facts.instances.iter_mut().for_each(change);
    facts
}

fn new_pods(count: u32) -> Facts {
    with(count, |instance| instance.pod = Some(false))
}

/// `max_connections` from one value to another.
pub(in crate::rollout) fn connections(count: u32, from: i64, to: i64) -> Facts {
    let mut facts = with(count, |instance| {
        instance.hot_standby = [("max_connections".to_owned(), from)].into();
        instance.behind = Some(names(&["max_connections"]));
    });
    facts.target.hot_standby = [("max_connections".to_owned(), to)].into();
    facts
}

/// Steps as short words: `r1` a restart of instance 1, `p1` a new pod, `v1` one on a new volume, `s0>1` a switchover, `c0` a checkpoint, `a3` one more.
pub(super) fn steps(facts: &Facts) -> String {
    let rehearsal = rehearse(facts);
    let word = |action: &Action| match action {
        Action::ReleasePoolers => "release".to_owned(),
        Action::Checkpoint { instance } => format!("c{instance}"),
        Action::Add { instance } => format!("a{instance}"),
        Action::Resize { instance } => format!("z{instance}"),
        Action::Restart { instance, .. } => format!("r{instance}"),
        Action::Recreate { instance, claim: Some(_), .. } => format!("v{instance}"),
        Action::Recreate { instance, .. } => format!("p{instance}"),
        Action::SwitchOver { leader, candidate, .. } => format!("s{leader}>{candidate}"),
    };
    let mut words: Vec<String> = rehearsal.actions.iter().map(word).collect();
    words.extend(rehearsal.waits.map(|what| format!("waits: {what}")));
    words.join(" ")
}

#[test]
fn every_class_of_change_has_its_order() {
    assert_eq!(steps(&healthy(3)), "");
    assert_eq!(steps(&new_pods(3)), "p1 p2 s0>1 p0");
    assert_eq!(steps(&new_pods(1)), "p0");
    assert_eq!(
        steps(&with(3, |instance| instance.behind = Some(names(&["shared_buffers"])))),
        "r1 r2 s0>1",
        "the old primary starts anew as a replica"
    );
    assert_eq!(steps(&connections(3, 100, 200)), "r1 r2 s0>1");
    assert_eq!(steps(&connections(3, 200, 100)), "r0 c0 c1 r1 c2 r2", "lowered: the primary first");
    assert_eq!(steps(&connections(1, 200, 100)), "r0");
    let follows = Facts { follows: true, ..connections(3, 200, 100) };
    assert_eq!(steps(&follows), "r1 r2 s0>1", "in a standby cluster the source's values are in the WAL, and the leader proves nothing");
    assert_eq!(steps(&with(2, |instance| instance.amounts = Amount::More)), "z1 z0");
}

/// Rules 4, 5 and 7: one disturbance each, unless a rule forbids it.
#[test]
fn what_travels_together_and_what_may_not() {
    let mut image = connections(3, 100, 200);
    image.instances.iter_mut().for_each(|instance| instance.pod = Some(false));
    assert_eq!(steps(&image), "p1 p2 s0>1 p0", "an image and a raised value travel together");
    let mut image = connections(3, 200, 100);
    image.instances.iter_mut().for_each(|instance| instance.pod = Some(false));
    assert_eq!(steps(&image), "p1 p2 s0>1 p0 r1 c1 c0 r0 c2 r2", "a lowered one comes after the image, primary first");
    let mut library = new_pods(3);
    library.target.late = names(&["shared_preload_libraries"]);
    library.instances.iter_mut().for_each(|instance| instance.behind = Some(names(&["shared_preload_libraries"])));
    assert_eq!(steps(&library), "p1 p2 s0>1 p0 r2 r1", "the last pod brings the library along, without a second switchover");
    let mut mixed = connections(3, 200, 100);
    for instance in &mut mixed.instances {
        instance.hot_standby.insert("max_wal_senders".to_owned(), 10);
        instance.behind = Some(names(&["max_connections", "max_wal_senders"]));
    }
    mixed.target.hot_standby.insert("max_wal_senders".to_owned(), 20);
    assert_eq!(steps(&mixed), "r1 r2 s0>1 r1 c1 c0 r0 c2 r2");
}

#[test]
fn capacity_and_growth() {
    let mut reduced = new_pods(3);
    reduced.target.method = Method::ReducedImpact;
    assert_eq!(steps(&reduced), "a3 p1 p2 s0>1 p0", "the extra instance never takes over");
    let mut alone = new_pods(1);
    alone.target.method = Method::ReducedImpact;
    assert_eq!(steps(&alone), "a1 s0>1 p0");
    let mut grows = new_pods(1);
    grows.target.instances = 3;
    assert_eq!(steps(&grows), "a1 s0>1 p0", "one more is enough; the rest comes when everything runs");
}

/// A commit must not stand still because its standby restarts.
#[test]
fn a_synchronous_standby_is_replaced_first() {
    let mut facts = new_pods(3);
    facts.target.synchronous = Synchronous::On;
    facts.instances[1].synchronous = true;
    assert_eq!(steps(&facts), "p2 p1 s0>2 p0");
    let first = next_change(Rules::ALL, &facts, Timestamp::UNIX_EPOCH);
    assert!(matches!(first.verdict, Verdict::Do(Action::Recreate { instance: 2, .. })), "{first:?}");
    // With the only other one gone there is nobody to wait for instead.
    let mut two = new_pods(2);
    two.target.synchronous = Synchronous::On;
    two.instances[1].synchronous = true;
    assert_eq!(steps(&two), "p1 s0>1 p0");
}

/// A change that is taken back, and one that comes in the middle of another.
#[test]
fn the_middle_of_a_rollout_is_nothing_special() {
    let mut half = connections(3, 100, 100);
    half.instances[1].hot_standby = [("max_connections".to_owned(), 200)].into();
    for index in [0, 2] {
        half.instances[index].behind = Some(BTreeSet::new());
    }
    assert_eq!(steps(&half), "c0 c1 r1", "one replica was raised already: it goes back, and the primary does not restart");
    let mut pods = new_pods(3);
    pods.instances[1].pod = Some(true);
    assert_eq!(steps(&pods), "p2 s0>1 p0");
    pods.instances[1].leads = true;
    pods.instances[1].streaming = false;
    pods.instances[0].leads = false;
    pods.instances[0].streaming = true;
    assert_eq!(steps(&pods), "p0 p2", "somebody switched over meanwhile");
    let mut more = connections(3, 100, 200);
    more.instances.iter_mut().for_each(|instance| instance.pod = Some(instance.ordinal == 1));
    assert_eq!(steps(&more), "r1 p2 s0>1 p0", "what was released later reaches the one that is new already before it leads");
}

#[test]
fn nothing_new_is_in_force_before_it_is_allowed() {
    let mut facts = new_pods(3);
    facts.permission = Permission::NotNow { why: "window".to_owned(), ends: "sunday".to_owned() };
    let progress = next_change(Rules::ALL, &facts, Timestamp::UNIX_EPOCH);
    assert_eq!(progress.force, Force::Reloadable);
    assert!(matches!(progress.verdict, Verdict::Wait { what, .. } if what == "window"));
    facts.permission = Permission::Granted;
    facts.instances[2].ready = false;
    facts.instances[2].pod = Some(true);
    let progress = next_change(Rules::ALL, &facts, Timestamp::UNIX_EPOCH);
    assert_eq!(progress.force, Force::Reloadable, "the only one that was made from it does not run");
    assert!(matches!(progress.verdict, Verdict::Wait { what, .. } if what.contains("instance 2")));
}

/// The bad image: one pod is down, the others run, and whatever restarts comes back as it was.
#[test]
fn a_step_that_does_not_end_stops_the_rollout() {
    let begun = Timestamp::UNIX_EPOCH;
    let mut facts = new_pods(3);
    let first = next_change(Rules::ALL, &facts, begun);
    let Verdict::Do(action) = first.verdict else { panic!("{first:?}") };
    facts.memory.step = Some(StepRecord { action, since: begun });
    facts.instances[1] = InstanceFacts {
        ordinal: 1,
        uid: "other".to_owned(),
        pod: Some(true),
        trouble: Some("ImagePullBackOff".to_owned()),
        hopeless: true,
        ..InstanceFacts::default()
    };
    let later = |seconds| begun + jiff::SignedDuration::from_secs(seconds);
    assert!(matches!(next_change(Rules::ALL, &facts, later(20)).verdict, Verdict::Wait { .. }));
    let stopped = next_change(Rules::ALL, &facts, later(70));
    let Verdict::Stop(failure) = stopped.verdict else { panic!("{stopped:?}") };
    assert!(failure.cause.contains("ImagePullBackOff") && failure.instance == Some(1));
    assert_eq!(stopped.force, Force::LastGood);
    // The same input is not tried again, whatever the time; the old one repairs the instance that is down.
    facts.memory = Memory { failure: Some(failure), ..Memory::default() };
    assert!(matches!(next_change(Rules::ALL, &facts, later(7_000)).verdict, Verdict::Stop(_)));
    let mut back = healthy(3);
    back.target.goes_back = true;
    back.permission = Permission::NotNow { why: "window".to_owned(), ends: String::new() };
    back.instances[1] = InstanceFacts { pod: Some(false), ..facts.instances[1].clone() };
    let repair = next_change(Rules::ALL, &back, later(7_000));
    assert!(matches!(repair.verdict, Verdict::Do(Action::Recreate { instance: 1, .. })), "{repair:?}");
}

/// A pod that cannot be seen has not grown for all that is known. The repair of another one put `shared_buffers` in force for both, and
/// the first would have been killed for its memory at its next start.
#[test]
fn what_needs_room_waits_for_a_pod_that_cannot_be_seen() {
    let mut facts = with(2, |instance| instance.amounts = Amount::More);
    facts.target.restarts = names(&["shared_buffers"]);
    facts.instances[0] = InstanceFacts { ordinal: 0, uid: "u0".to_owned(), terminating: true, pod: Some(true), ..InstanceFacts::default() };
    facts.instances[1].behind = None;
    let repair = Action::Recreate { instance: 0, uid: "u0".to_owned(), claim: None, leads: true };
    facts.memory.step = Some(StepRecord { action: repair, since: Timestamp::UNIX_EPOCH });
    let progress = next_change(Rules::ALL, &facts, Timestamp::UNIX_EPOCH);
    assert_eq!(progress.force, Force::Released { held: names(&["shared_buffers"]) });
}

/// A hand-over away from a node that is emptied shows nothing about the revision, also when the node takes pods again meanwhile.
#[test]
fn leaving_a_node_proves_nothing_about_what_is_released() {
    let mut facts = new_pods(2);
    facts.permission = Permission::NotNow { why: "window".to_owned(), ends: "sunday".to_owned() };
    facts.instances[1] = InstanceFacts { ordinal: 1, uid: "u1".to_owned(), ..InstanceFacts::default() };
    let moves =
        |relieves| Some(StepRecord { action: Action::SwitchOver { leader: 0, candidate: 1, relieves }, since: Timestamp::UNIX_EPOCH });
    facts.memory.step = moves(true);
    assert_eq!(next_change(Rules::ALL, &facts, Timestamp::UNIX_EPOCH).force, Force::Reloadable);
    facts.memory.step = moves(false);
    assert!(next_change(Rules::ALL, &facts, Timestamp::UNIX_EPOCH).brings_released(), "who takes over with it has it, seen or not");
}

/// A leader that started again, or another one, may have written higher values behind the noted position: a standby that is lowered
/// because of the old note does not start after a crash.
#[test]
fn a_note_of_the_lowering_counts_for_the_server_that_made_it() {
    let mut facts = connections(3, 200, 100);
    facts.instances[0].hot_standby = [("max_connections".to_owned(), 100)].into();
    facts.instances[0].behind = Some(BTreeSet::new());
    facts.instances[0].started = Some(7);
    facts.instances.iter_mut().for_each(|instance| instance.asked = true);
    facts.memory = Memory { lowered_at: Some(50), lowered_by: Some(7), ..Memory::default() };
    let first = |facts: &Facts| next_change(Rules::ALL, facts, Timestamp::UNIX_EPOCH).verdict;
    assert!(matches!(first(&facts), Verdict::Do(Action::Restart { instance: 1, .. })), "{:?}", first(&facts));
    facts.instances[0].started = Some(8);
    assert_eq!(first(&facts), Verdict::Do(Action::Checkpoint { instance: 0 }));
}

/// Waiting for a value that `ALTER SYSTEM` keeps away would never end; taking that server for a proof would put it in force untried.
#[test]
fn a_value_of_alter_system_is_reported_and_proves_nothing() {
    let mut facts = with(3, |instance| instance.behind = Some(names(&["shared_buffers"])));
    facts.instances[1].overridden = names(&["shared_buffers"]);
    assert_eq!(steps(&facts), "r2 s0>1");
    let mut alone = facts.clone();
    alone.instances.retain(|instance| instance.ordinal == 1);
    alone.instances[0] = InstanceFacts { ordinal: 0, leads: true, ..alone.instances[0].clone() };
    (alone.asked_for, alone.target.instances) = (1, 1);
    let progress = next_change(Rules::ALL, &alone, Timestamp::UNIX_EPOCH);
    assert_eq!(progress.verdict, Verdict::Done);
    assert!(progress.reports[0].contains("instance 0") && progress.reports[0].contains("shared_buffers"), "{:?}", progress.reports);
    alone.permission = Permission::NotNow { why: "window".to_owned(), ends: "sunday".to_owned() };
    let progress = next_change(Rules::ALL, &alone, Timestamp::UNIX_EPOCH);
    assert_eq!(progress.force, Force::Reloadable);
    assert!(matches!(progress.verdict, Verdict::Wait { what, .. } if what == "window"));
}

/// A new pod does not bring WAL back, and with one replica gone no other may stop. In a step of ours it stops the rollout.
#[test]
fn a_replica_that_cannot_follow_any_more_is_left_alone() {
    let mut facts = new_pods(3);
    let lost = |instance: &mut InstanceFacts| {
        (instance.streaming, instance.caught_up, instance.cut_off, instance.hopeless) = (false, false, true, true);
        instance.trouble = Some("the WAL is gone".to_owned());
    };
    lost(&mut facts.instances[2]);
    let first = next_change(Rules::ALL, &facts, Timestamp::UNIX_EPOCH).verdict;
    assert!(matches!(&first, Verdict::Wait { what, ends, .. } if what.contains("WAL is gone") && ends.contains("reinit")), "{first:?}");
    facts.instances[2].pod = Some(true);
    let made = Action::Recreate { instance: 2, uid: "before".to_owned(), claim: None, leads: false };
    facts.memory.step = Some(StepRecord { action: made, since: Timestamp::UNIX_EPOCH });
    let stopped = next_change(Rules::ALL, &facts, Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(61)).verdict;
    assert!(matches!(&stopped, Verdict::Stop(failure) if failure.cause.contains("WAL is gone")), "{stopped:?}");
}

/// A switchover to a Patroni that cannot take the lock leaves nobody to write to; one away from a leader whose slots nobody else has
/// loses what consumers of logical changes have not read.
#[test]
fn who_takes_over_reaches_the_api_server_and_has_the_slots() {
    let mut facts = with(3, |instance| instance.pod = Some(instance.ordinal != 0));
    facts.instances[1].isolated = true;
    let first = |facts: &Facts| next_change(Rules::ALL, facts, Timestamp::UNIX_EPOCH).verdict;
    assert!(matches!(first(&facts), Verdict::Wait { what, .. } if what.contains("instance 1 does not reach the API server")));
    facts.instances[1].isolated = false;
    facts.instances[0].slots = names(&["cdc"]);
    assert!(matches!(first(&facts), Verdict::Wait { ends, .. } if ends.contains("cdc")));
    facts.instances[2].slots = names(&["cdc", "other"]);
    assert_eq!(first(&facts), Verdict::Do(Action::SwitchOver { leader: 0, candidate: 2, relieves: false }));
}

/// A leader that lost the API server for some seconds is not ready, holds its lock and is back soon. Its pod was made anew before it had
/// handed over, and every transaction failed for as long as that took.
#[test]
fn a_leader_that_is_away_for_a_moment_is_not_made_anew() {
    let away = Timestamp::UNIX_EPOCH;
    let later = |seconds| away + jiff::SignedDuration::from_secs(seconds);
    let mut facts = healthy(3);
    for instance in &mut facts.instances {
        (instance.pod, instance.turned) = (Some(false), Some(later(-1_000)));
    }
    let leader = &mut facts.instances[0];
    (leader.ready, leader.turned) = (false, Some(away));
    facts.instances[1].streaming = false;
    facts.instances[2].streaming = false;
    let verdict = |facts: &Facts, seconds| next_change(Rules::ALL, facts, later(seconds)).verdict;
    for seconds in [0, 30, 300] {
        assert!(matches!(verdict(&facts, seconds), Verdict::Wait { .. }), "{seconds}");
    }
    // It is back, and the replicas do not follow yet.
    (facts.instances[0].ready, facts.instances[0].turned) = (true, Some(later(310)));
    assert!(matches!(verdict(&facts, 320), Verdict::Wait { .. }));
    // What stays down is repaired, and what Kubernetes calls a trouble at once.
    assert!(matches!(verdict(&facts, 800), Verdict::Do(Action::Recreate { instance: 1, .. })));
    facts.instances[2].trouble = Some("CrashLoopBackOff".to_owned());
    assert!(matches!(verdict(&facts, 320), Verdict::Do(Action::Recreate { instance: 2, .. })));
}

/// Lower than the source has, no server of a standby cluster comes up: without this it would be restarted every half minute until the
/// limit of the step.
#[test]
fn a_standby_cluster_does_not_go_below_its_source() {
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(10);
    let mut facts = Facts { follows: true, ..connections(2, 200, 100) };
    facts.instances.iter_mut().for_each(|instance| (instance.asked, instance.age) = (true, Some(SignedDuration::from_hours(1))));
    let brings = names(&["max_connections"]);
    let restart = Action::Restart { instance: 1, leads: false, brings };
    facts.memory.step = Some(StepRecord { action: restart, since: now - SignedDuration::from_secs(20) });
    let waits = next_change(Rules::ALL, &facts, now).verdict;
    assert!(matches!(waits, Verdict::Wait { .. }), "it has not started anew yet: {waits:?}");
    facts.instances[1].age = Some(SignedDuration::from_secs(12));
    let Verdict::Stop(failure) = next_change(Rules::ALL, &facts, now).verdict else { panic!("it goes on") };
    assert!(
        failure.cause.contains("max_connections = 200 and not 100") && failure.cause.contains("lower it there first"),
        "{}",
        failure.cause
    );
    facts.follows = false;
    let goes = next_change(Rules::ALL, &facts, now).verdict;
    assert!(!matches!(goes, Verdict::Stop(_)), "where its own leader writes the WAL its higher value may come from there: {goes:?}");
}
