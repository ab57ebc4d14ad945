//! A seed becomes a scenario.

use super::random::Random;
use super::release::{BAD_IMAGE, NO_IMAGE, NO_LIBRARY, TOO_MUCH};
use super::scenario::{Expected, Happening, Scenario, Setup, Slots, What};
use crate::change::{Method, Synchronous};

/// One class of change.
fn change(random: &mut Random, instances: u32) -> Vec<(String, i64)> {
    let one = |name: &str, value: i64| (name.to_owned(), value);
    let number = i64::from(instances);
    match random.between(0, 24) {
        0 | 1 => vec![one("image", 2)],
        2 => vec![one("template", 2)],
        3 => vec![one("max_connections", 200)],
        4 => vec![one("max_connections", 50)],
        5 => vec![one("max_connections", 50), one("max_wal_senders", 20)],
        6 => vec![one("shared_buffers", 150)],
        7 => vec![one("shared_preload_libraries", 2), one("image", 2)],
        8 => vec![one("amounts", 4)],
        9 => vec![one("amounts", 1)],
        10 => vec![one("amounts", 4), one("shared_buffers", 350)],
        11 => vec![one("amounts", 1), one("shared_buffers", 60)],
        12 => vec![one("image", 2), one("max_connections", 50), one("max_wal_senders", 20), one("amounts", 4)],
        13 => vec![one("image", random.pick(&[NO_IMAGE, BAD_IMAGE]))],
        14 => vec![one("shared_buffers", 900)],
        15 => vec![one("shared_preload_libraries", NO_LIBRARY)],
        16 => vec![one("template", 2), one("amounts", TOO_MUCH)],
        17 => vec![one("instances", number + 1), one("image", random.pick(&[1, 2]))],
        18 => vec![one("instances", (number - 1).max(1)), one("template", random.pick(&[1, 2]))],
        19 => vec![one("work_mem", 8)],
        20 => vec![one("amounts", 60)],
        21 | 22 => vec![one("class", 2)],
        23 => vec![one("class", 2), one("image", random.pick(&[2, BAD_IMAGE])), one("max_connections", random.pick(&[50, 200]))],
        _ => vec![one("image", 2), one("max_connections", 200), one("shared_preload_libraries", 2), one("work_mem", 8)],
    }
}

fn fault(random: &mut Random, instances: u32) -> What {
    let one = |random: &mut Random| i64::try_from(random.between(0, u64::from(instances) - 1)).unwrap_or(0);
    let seconds = |random: &mut Random, low: u64, high: u64| i64::try_from(random.between(low, high)).unwrap_or(0);
    let index = one(random);
    let (word, first, second) = match random.between(0, 43) {
        0 | 1 => ("kill", index, 0),
        2 | 3 => ("delete", index, 0),
        4 => ("node", index, seconds(random, 20, 300)),
        5 | 6 => ("cordon", index, seconds(random, 20, 90)),
        7 => ("uncordon", 0, 0),
        8..=10 => ("dies", seconds(random, 0, 9), 0),
        11 | 12 => ("sleeps", random.pick(&[0, 1]), seconds(random, 12, 150)),
        13 => ("api", random.pick(&[0, 1]), seconds(random, 3, 60)),
        14 => ("stale", 0, seconds(random, 10, 90)),
        15 => ("unreachable", index, seconds(random, 10, 120)),
        16 => ("slow", index, seconds(random, 10, 120)),
        17 => ("replay-paused", index, seconds(random, 10, 200)),
        18 => ("slow-pull", index, seconds(random, 10, 120)),
        19 => ("detached", index, seconds(random, 10, 200)),
        20 => ("unread", index, seconds(random, 10, 120)),
        21 => ("slow-clone", index, seconds(random, 10, 300)),
        22 => ("switchover", index, 0),
        23 => ("restart", index, 0),
        24 => ("reinit", index, 0),
        25 => ("edit", 0, 0),
        26 => ("clock", random.pick(&[-300, -20, 20, 200, 2_000]), 0),
        27 => ("alter-system", index, random.pick(&[70, 90])),
        28 => ("wal-gone", index, 0),
        29 => ("rewind-fails", index, seconds(random, 60, 600)),
        30 | 31 => ("isolated", index, seconds(random, 10, 200)),
        33 | 34 => ("cut", index, seconds(random, 10, 300)),
        35 | 36 => ("frozen", index, seconds(random, 5, 40)),
        37 => ("lost-lock", 0, 0),
        38 => ("busy", 0, seconds(random, 10, 300)),
        39 => ("restless", 0, seconds(random, 10, 300)),
        40 => ("source", random.pick(&[30, 60, 90, 120]), 0),
        41 => ("cold-start", 0, seconds(random, 10, 120)),
        32 => ("flaps", index, seconds(random, 20, 200)),
        _ => ("refuses", 0, seconds(random, 10, 400)),
    };
    What::Event(word, first, second)
}

pub(crate) fn generate(seed: u64) -> Scenario {
    let mut random = Random::new(seed ^ 0x5167_5f53_494d);
    let instances = random.pick(&[1, 2, 2, 3, 3, 3, 4, 5]);
    let mut setup = Setup {
        seed,
        instances,
        synchronous: random.pick(&[Synchronous::Off, Synchronous::Off, Synchronous::On, Synchronous::Strict]),
        method: random.pick(&[Method::InPlace, Method::InPlace, Method::ReducedImpact]),
        pooler: random.chance(70),
        slots: random.pick(&[Slots::None, Slots::None, Slots::None, Slots::None, Slots::None, Slots::None, Slots::Plain, Slots::Failover]),
        failsafe: random.chance(70),
        nofailover: (instances > 2 && random.chance(10)).then_some(1),
        source: random.chance(12).then(|| random.pick(&[40, 80, 100])),
    };
    if setup.source.is_some() {
        // The first instance of a standby cluster takes no writes: no commit waits there, and slots are the source's.
        (setup.synchronous, setup.slots) = (Synchronous::Off, Slots::None);
    }
    let mut happenings = Vec::new();
    let mut add = |at: u64, what: What| happenings.push(Happening { at, what });
    if random.chance(25) {
        add(1, What::Event("permit", random.pick(&[1, 1, 2]), 0));
        add(random.between(15, 200), What::Event("permit", 0, 0));
    }
    if random.chance(15) {
        // A window that closes in the middle.
        let at = random.between(20, 120);
        add(at, What::Event("permit", random.pick(&[1, 1, 2]), 0));
        add(at + random.between(60, 300), What::Event("permit", 0, 0));
    }
    let begins = random.between(5, 20);
    let first = change(&mut random, instances);
    let lowers = first.iter().any(|(name, value)| name == "max_connections" && *value < 100);
    add(begins, What::Release(first));
    if lowers && random.chance(60) {
        // Between the leader's lowering and that of the others, where its note counts.
        let at = begins + random.between(12, 70);
        add(at, What::Event(random.pick(&["delete", "delete", "kill", "switchover"]), random.pick(&[0, 0, 1]), 0));
        if random.chance(50) {
            let at = begins + random.between(3, 20);
            add(at, What::Event("restart", random.pick(&[0, 1, 2]), 0));
        }
    }
    if lowers && random.chance(15) {
        // Another one leads that was not lowered yet, and somebody restarts it: what the first one noted says nothing of it.
        let (at, other) = (begins + random.between(25, 60), random.pick(&[1, 2]));
        add(at, What::Event("switchover", other, 0));
        add(at + random.between(6, 20), What::Event("restart", other, 0));
    }
    if random.chance(20) {
        // In the middle, or after a stop.
        let at = begins + random.pick(&[random.clone().between(5, 60), random.clone().between(60, 300)]);
        let what = match random.between(0, 3) {
            0 | 1 => What::Event("revert", 0, 0),
            2 => What::Event("retry", 0, 0),
            _ => What::Release(change(&mut random, instances)),
        };
        add(at, what);
    }
    // Some runs have no fault at all: those must go as announced.
    let faults = random.pick(&[0, 0, 1, 1, 2, 3, 5, 8]);
    for _ in 0..faults {
        let at = begins + random.between(0, 150);
        let what = fault(&mut random, instances);
        add(at, what);
    }
    if random.chance(4) {
        let at = begins + random.between(0, 100);
        add(at, What::Event("pause", 1, 0));
        add(at + random.between(20, 120), What::Event("pause", 0, 0));
    }
    happenings.sort_by_key(|happening| happening.at);
    Scenario { setup, happenings, expected: Expected::default() }
}
