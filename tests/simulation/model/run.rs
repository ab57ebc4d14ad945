//! One run of a scenario.

use super::controller::Controller;
use super::invariants::{Invariant, Violation};
use super::scenario::{Scenario, What};
use super::world::World;
use crate::change::{Permission, Rules, Verdict};

/// How long after the last fault the end must have come: the longest limit of a step is 30 minutes.
const BOUND: u64 = 5_400;
/// How long everything must have been well before a run ends.
const CALM: u64 = 20;

#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) violations: Vec<Violation>,
    /// Simulated steps of the world.
    pub(crate) steps: u64,
    pub(crate) faults: u64,
    /// `done`, `stopped` or `waits`.
    pub(crate) end: &'static str,
    /// Steps of the last release.
    pub(crate) words: String,
    pub(crate) story: Vec<String>,
}

fn all_well(world: &World) -> bool {
    let target = world.status.target;
    let count = target.instances as usize;
    world.status.done
        && world.replicas == target.instances
        && world.instances.iter().skip(count).all(|one| one.pod.is_none())
        && (0..count.min(world.instances.len())).all(|index| {
            let one = &world.instances[index];
            world.is_up(index)
                && one.has_values(&target.values)
                && one.pod.as_ref().is_some_and(|pod| {
                    (pod.made_from.image, pod.made_from.label) == (target.template.image, target.template.label)
                        && pod.amounts == target.template.amounts
                })
        })
}

pub(crate) fn run(scenario: &Scenario, rules: Rules, tell: bool) -> Outcome {
    let mut world = World::new(&scenario.setup, tell);
    let mut controller = Controller::default();
    let mut happenings = scenario.happenings.clone();
    happenings.sort_by_key(|happening| happening.at);
    let ceases = happenings.iter().map(|happening| match &happening.what {
        What::Event("revert" | "retry" | "permit" | "pause" | "clock" | "dies", ..) | What::Release(_) => happening.at,
        What::Event(_, _, seconds) => happening.at + u64::try_from(*seconds).unwrap_or(0),
    });
    let ceases = ceases.max().unwrap_or(0) + 1;
    let (mut next, mut steps, mut well) = (0, 0, 0);
    let end = loop {
        world.now += if world.now > ceases + 400 { 4 } else { 1 };
        steps += 1;
        if world.now >= ceases && world.now < ceases + 2 {
            world.nodes.iter_mut().for_each(|node| node.cordoned = false);
            world.pause = false;
            if world.permission != Permission::Granted {
                world.permission = Permission::Granted;
                world.ledger.permission_changed = world.now;
            }
            controller.dies = None;
            controller.sleeps = None;
        }
        if world.now == ceases + 60 {
            world.people_help();
        }
        while let Some(happening) = happenings.get(next).filter(|happening| happening.at <= world.now) {
            world.happens(&mut controller, happening);
            next += 1;
        }
        world.kubernetes();
        world.patroni();
        world.flap();
        world.postgres();
        world.readiness();
        controller.run(&mut world, rules);
        let awake = world.now.saturating_sub(controller.awake_since);
        world.check(awake, controller.under_way());
        well = if all_well(&world) { well + 1 } else { 0 };
        if next < happenings.len() || world.now < ceases + 2 {
            continue;
        }
        if well > CALM {
            break "done";
        }
        let stopped = world.ledger.stopped.filter(|_| world.status.memory.failure.is_some());
        if stopped.is_some_and(|at| world.now > at.max(ceases) + 240) {
            break "stopped";
        }
        if world.now > ceases + BOUND {
            break "waits";
        }
    };
    judge(&mut world, &controller, end);
    let words = world.ledger.words.join(" ");
    let (violations, faults) = (world.ledger.violations, world.ledger.faults);
    Outcome { violations, steps, faults, end, words, story: world.story.unwrap_or_default() }
}

/// What has to be so in the end.
fn judge(world: &mut World, controller: &Controller, end: &'static str) {
    let (announced, waits) = world.ledger.announced.clone().unwrap_or_default();
    let mut words = world.ledger.words.clone();
    // A step that waited for permission is written down anew.
    words.dedup();
    let calm = world.ledger.faults == 0 && world.ledger.releases == 1;
    let flaw = world.flaw();
    // A pod that no node takes and that no step made (somebody deleted the old one) is waited for with its reason: a node may come.
    let waits_for_node = world.instances.iter().any(|one| {
        one.pod.as_ref().is_some_and(|pod| pod.phase == super::instance::Phase::Pending && pod.amounts >= super::release::TOO_MUCH)
    });
    if end == "waits" && !waits_for_node && (waits.is_none() || !calm) {
        let what = match &controller.last {
            Some(Verdict::Wait { what, .. }) => format!("it waits for ever: {what}"),
            other => format!("it never ends: {other:?}"),
        };
        world.violated(Invariant::Ends, what);
    }
    // What the kubelet refuses nobody knows before it is asked.
    if calm && flaw.is_none() && waits.is_none() {
        if end == "stopped" {
            world.violated(Invariant::Ends, "it stopped, and nothing was wrong");
        } else if !same(world, &words, &announced) && !super::release::is_infeasible(world.status.target.template.amounts) {
            world.violated(Invariant::AsAnnounced, format!("announced: {}; done: {}", announced.join(" "), words.join(" ")));
        }
    }
    if end == "stopped" && world.ledger.faults == 0 {
        let down = (0..world.replicas as usize).filter(|index| !world.is_up(*index)).count();
        if down > 1 {
            world.violated(Invariant::BadNeverDone, format!("{down} instances are down after a stop"));
        }
    }
}

/// Whether the steps are the announced ones. Which replica Patroni names as the synchronous standby is its own choice, and with it the
/// order of the replicas.
fn same(world: &World, words: &[String], announced: &[String]) -> bool {
    if world.setup.synchronous == crate::change::Synchronous::Off {
        return words == announced;
    }
    let sorted = |words: &[String]| {
        let mut words: Vec<String> = words.iter().map(|word| word.split('>').next().unwrap_or_default().to_owned()).collect();
        words.sort();
        words
    };
    sorted(words) == sorted(announced)
}
