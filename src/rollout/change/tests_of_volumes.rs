//! Another storage class: which volume is given up when, and which never.

use super::tests::{healthy, steps};
use super::*;
use jiff::{SignedDuration, Timestamp};

const BEGUN: Timestamp = Timestamp::UNIX_EPOCH;

fn later(seconds: i64) -> Timestamp {
    BEGUN + SignedDuration::from_secs(seconds)
}

fn old(ordinal: u32) -> Option<OldVolume> {
    Some(OldVolume { claim: format!("c{ordinal}"), blank: false })
}

/// Every instance is on a volume of the old class; instance 0 leads.
fn on_old_volumes(count: u32) -> Facts {
    let mut facts = healthy(count);
    facts.instances.iter_mut().for_each(|instance| instance.old_volume = old(instance.ordinal));
    facts
}

/// The extra instance has joined on a volume of the new class.
fn with_an_extra_one(count: u32) -> Facts {
    let mut facts = on_old_volumes(count);
    let extra =
        InstanceFacts { ordinal: count, uid: "extra".to_owned(), old_volume: None, ..healthy(count + 1).instances.remove(count as usize) };
    facts.instances.push(extra);
    facts.asked_for = count + 1;
    facts
}

fn decide(facts: &Facts) -> Verdict {
    next_change(Rules::ALL, facts, BEGUN).verdict
}

/// A database whose copies are fewer than wanted, or whose primary stops without another one, is what a class change must not cost.
#[test]
fn one_more_comes_first_and_the_primary_is_last() {
    assert_eq!(steps(&on_old_volumes(3)), "a3 v1 v2 s0>1 v0");
    assert_eq!(steps(&on_old_volumes(2)), "a2 v1 s0>1 v0");
    assert_eq!(steps(&on_old_volumes(1)), "a1 s0>1 v0", "no outage with a single one");
    let mut synchronous = on_old_volumes(3);
    synchronous.target.synchronous = Synchronous::On;
    synchronous.instances[1].synchronous = true;
    assert_eq!(steps(&synchronous), "a3 v2 v1 s0>2 v0", "another one has to be waited for before the synchronous one goes");
    let mut grows = on_old_volumes(1);
    grows.target.instances = 3;
    assert_eq!(steps(&grows), "a1 a2 a3 s0>1 v0");
    let mut fewer = on_old_volumes(3);
    fewer.target.instances = 2;
    assert_eq!(steps(&fewer), "v2 v1 s0>1 v0", "the one that leaves is the extra one, and shows that the class serves");
}

/// Copying takes hours. What needs more memory must not be in force meanwhile for servers whose pods have no room for it yet: one that ends
/// would not come up again.
#[test]
fn what_needs_room_comes_after_the_pods_have_it() {
    let mut grows = on_old_volumes(3);
    for instance in &mut grows.instances {
        instance.amounts = Amount::More;
        instance.behind = Some(["shared_buffers".to_owned()].into());
    }
    let first = next_change(Rules::ALL, &grows, BEGUN);
    assert_eq!(first.force, Force::Released { held: ["shared_buffers".to_owned()].into() });
    assert_eq!(steps(&grows), "z1 z2 z0 a3 v1 v2 s0>1 v0", "the pods grow where they are, and the parameter comes with the new ones");
    let mut image = grows;
    image.instances.iter_mut().for_each(|instance| instance.pod = Some(false));
    assert_eq!(steps(&image), "a3 v1 v2 s0>1 v0 r0 r2 r3 r1", "with another image they cannot");
}

/// Two disturbances where one does cost caches, sessions and a second copy of the data.
#[test]
fn an_image_or_a_parameter_travels_along() {
    let mut image = on_old_volumes(3);
    image.instances.iter_mut().for_each(|instance| instance.pod = Some(false));
    assert_eq!(steps(&image), "a3 v1 v2 s0>1 v0");
    let mut raised = on_old_volumes(3);
    raised.instances.iter_mut().for_each(|instance| instance.behind = Some(["max_locks_per_transaction".to_owned()].into()));
    assert_eq!(steps(&raised), "a3 v1 v2 s0>1 v0");
}

/// A change that is taken back in the middle touches only what was moved.
#[test]
fn instances_that_have_the_class_stay() {
    let mut half = with_an_extra_one(3);
    half.instances[1].old_volume = None;
    half.instances[2].old_volume = None;
    assert_eq!(steps(&half), "s0>1 v0");
    let mut back = with_an_extra_one(3);
    back.instances[0].old_volume = None;
    back.instances[2].old_volume = None;
    back.instances[3].old_volume = old(3);
    leave_surplus(&mut back.instances, 3);
    assert_eq!(back.instances[3].old_volume, None, "it leaves anyway");
    assert_eq!(steps(&back), "v1");
    let mut unproven = with_an_extra_one(3);
    unproven.instances[3].old_volume = old(3);
    leave_surplus(&mut unproven.instances, 3);
    assert_eq!(steps(&unproven), "v3 v1 v2 s0>1 v0", "it came with a volume that an earlier instance left: nobody has tried the class yet");
    let mut alone = on_old_volumes(1);
    alone.instances.push(InstanceFacts { old_volume: old(1), ..on_old_volumes(2).instances.remove(1) });
    alone.asked_for = 2;
    leave_surplus(&mut alone.instances, 1);
    assert_eq!(steps(&alone), "v1 s0>1 v0");
}

/// The claim of a leader never goes, whatever keeps others from taking over.
#[test]
fn a_leader_keeps_its_volume() {
    let mut facts = on_old_volumes(2);
    facts.instances[1].nofailover = true;
    assert_eq!(steps(&facts), "a2 v1 s0>2 v0", "where no other may lead, the extra one does meanwhile");
    let mut facts = with_an_extra_one(2);
    facts.instances[1].old_volume = None;
    facts.instances[1].nofailover = true;
    facts.instances[2].nofailover = true;
    let verdict = decide(&facts);
    assert!(matches!(&verdict, Verdict::Wait { what, .. } if what.contains("no replica can take over")), "{verdict:?}");
    let mut facts = on_old_volumes(1);
    facts.instances[0].pod = Some(false);
    facts.instances.push(InstanceFacts { nofailover: true, old_volume: None, ..on_old_volumes(2).instances.remove(1) });
    facts.asked_for = 2;
    assert!(matches!(decide(&facts), Verdict::Wait { .. }), "{:?}", decide(&facts));
}

/// While another one copies or lags, or is down, nothing is given up.
#[test]
fn one_at_a_time_and_only_what_others_hold() {
    let mut facts = with_an_extra_one(3);
    facts.instances[3].caught_up = false;
    assert!(matches!(decide(&facts), Verdict::Wait { what, .. } if what.contains("instance 3 has not replayed")));
    facts.instances[3].caught_up = true;
    facts.instances[2].ready = false;
    facts.instances[2].old_volume = None;
    assert!(matches!(decide(&facts), Verdict::Wait { what, .. } if what.contains("instance 2")));
    facts.instances[2].ready = true;
    assert!(matches!(decide(&facts), Verdict::Do(Action::Recreate { instance: 1, claim: Some(claim), leads: false, .. }) if claim == "c1"));
    facts.permission = Permission::NotNow { why: "window".to_owned(), ends: String::new() };
    assert!(matches!(decide(&facts), Verdict::Wait { what, .. } if what == "window"));
}

/// The most advanced copy may be the one that is down: with no leader, or with more than the leader has, its claim stays.
#[test]
fn a_copy_that_is_down_is_given_up_only_where_others_have_more() {
    let down = |position: Option<u64>, trouble: bool, blank: bool| {
        let mut facts = on_old_volumes(2);
        let one = &mut facts.instances[1];
        (one.ready, one.streaming, one.position) = (false, false, position);
        one.trouble = trouble.then(|| "its disk is gone".to_owned());
        one.old_volume = Some(OldVolume { claim: "c1".to_owned(), blank });
        facts
    };
    let given_up = |facts: &Facts| matches!(decide(facts), Verdict::Do(Action::Recreate { instance: 1, claim: Some(_), .. }));
    assert!(given_up(&down(Some(90), true, false)), "a broken disk is repaired by the class that works");
    assert!(given_up(&down(None, false, true)), "nothing was ever on it");
    assert!(!given_up(&down(Some(90), false, false)), "it only starts");
    assert!(!given_up(&down(Some(110), true, false)), "it has more than the leader");
    assert!(!given_up(&down(None, true, false)), "nobody knows what it has");
    let mut leaderless = down(Some(90), true, false);
    leaderless.instances[0].leads = false;
    leaderless.instances[0].streaming = false;
    assert!(!given_up(&leaderless));
    leaderless.instances[1].pod = Some(false);
    let repair = decide(&leaderless);
    assert!(matches!(repair, Verdict::Do(Action::Recreate { claim: None, .. })), "a pod is repaired, its data stay: {repair:?}");
}

/// The controller may end between any two requests: what is found then goes on as the same step.
#[test]
fn a_step_that_was_cut_off_goes_on() {
    let step = |facts: &mut Facts| {
        let action = Action::Recreate { instance: 1, uid: "u1".to_owned(), claim: Some("c1".to_owned()), leads: false };
        facts.memory.step = Some(StepRecord { action, since: BEGUN });
    };
    // Written down, the volume kept, the claim perhaps ending already: the pod is still the same.
    let mut facts = with_an_extra_one(3);
    step(&mut facts);
    assert!(matches!(decide(&facts), Verdict::Do(Action::Recreate { instance: 1, claim: Some(_), .. })));
    // The new pod came while the old claim is still ending.
    let one = &mut facts.instances[1];
    one.uid = "new".to_owned();
    (one.ready, one.streaming, one.caught_up, one.position) = (false, false, false, None);
    let copies = |verdict: &Verdict| matches!(verdict, Verdict::Wait { what, .. } if what.contains("it copies the data"));
    assert!(copies(&decide(&facts)), "{:?}", decide(&facts));
    // The claim is new and the clone is not finished, for hours.
    facts.instances[1].old_volume = None;
    assert!(copies(&next_change(Rules::ALL, &facts, later(7_200)).verdict));
    let end = next_change(Rules::ALL, &facts, later(90_000)).verdict;
    assert!(matches!(&end, Verdict::Stop(failure) if failure.cause.contains("24h")), "{end:?}");
    // Somebody deleted the pod before its claim went: it came back on the old volume and streams. The step is taken again.
    let mut again = with_an_extra_one(3);
    step(&mut again);
    again.instances[1].uid = "other".to_owned();
    assert!(matches!(decide(&again), Verdict::Do(Action::Recreate { uid, .. }) if uid == "other"));
}

/// A class that gives no volumes stops at the extra instance; the next class does not trip over the claim that was left.
#[test]
fn a_class_that_does_not_serve_costs_nothing() {
    let mut facts = on_old_volumes(3);
    facts.asked_for = 4;
    facts.memory.step = Some(StepRecord { action: Action::Add { instance: 3 }, since: BEGUN });
    let waits = InstanceFacts {
        ordinal: 3,
        uid: "extra".to_owned(),
        pod: Some(true),
        trouble: Some("no node takes it: unbound immediate PersistentVolumeClaims".to_owned()),
        ..InstanceFacts::default()
    };
    facts.instances.push(waits);
    assert!(matches!(decide(&facts), Verdict::Wait { .. }));
    let stopped = next_change(Rules::ALL, &facts, later(400));
    assert!(matches!(&stopped.verdict, Verdict::Stop(failure) if failure.cause.contains("unbound")), "{stopped:?}");
    assert_eq!(stopped.force, Force::LastGood);
    facts.instances[3].old_volume = Some(OldVolume { claim: "left".to_owned(), blank: true });
    let repair = decide(&facts);
    assert!(matches!(&repair, Verdict::Do(Action::Recreate { instance: 3, claim: Some(claim), .. }) if claim == "left"), "{repair:?}");
}
