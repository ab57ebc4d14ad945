//! Which of the slow faults a run tries.

/// Faults that are not in every run, and about how many seconds each takes.
const DRAWN: &[(&str, u64)] = &[
    ("a_killed_server_comes_back", 100),
    ("a_killed_patroni_comes_back", 110),
    ("a_deleted_replica_comes_back", 80),
    ("a_lost_volume_is_cloned_again", 80),
    ("an_empty_first_volume_makes_no_second_database", 80),
    ("databases_need_no_controller", 100),
    ("an_isolated_primary_steps_down", 160),
    ("an_isolated_primary_loses_little", 190),
    ("a_stopped_node_is_survived", 190),
    ("a_frozen_patroni_is_replaced", 220),
    ("a_frozen_pod_is_replaced", 220),
    ("every_pod_is_deleted_at_once", 120),
    ("a_stopped_cluster_starts_from_its_newest_copy", 200),
    ("a_failover_needs_no_controller_manager", 120),
    ("a_full_volume_is_told_and_recovers", 200),
    ("a_wrong_image_is_told", 150),
    ("a_wrong_secret_is_told", 150),
    ("five_minutes_without_the_api_server", 500),
    ("an_isolated_primary_without_the_api_server", 300),
];

/// What takes longer is never drawn.
const LONGEST: u64 = 240;

/// Whether a slow fault is left out. `tests/run --full` runs them all; another run one of them, drawn by a seed:
/// `STACKGRES_TEST_SEED`, or else the day, so that a second try of the same day is the same.
pub(crate) fn left_out(name: &str) -> bool {
    assert!(DRAWN.iter().any(|(known, _)| *known == name), "{name} is missing in DRAWN");
    if std::env::var_os("STACKGRES_TEST_FULL").is_some() {
        return false;
    }
    let seed = std::env::var("STACKGRES_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(today);
    if drawn(seed) == name {
        eprintln!("DRAWN {name} with STACKGRES_TEST_SEED={seed}");
        return false;
    }
    eprintln!("SKIPPED {name}: not drawn with STACKGRES_TEST_SEED={seed}; tests/run --full runs it");
    true
}

fn today() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / 86_400
}

/// Days in a row draw all of them, one after the other.
fn drawn(seed: u64) -> &'static str {
    let short: Vec<&str> = DRAWN.iter().filter(|(_, seconds)| *seconds <= LONGEST).map(|(name, _)| *name).collect();
    short[usize::try_from(seed % short.len() as u64).unwrap()]
}

/// A fault that no seed draws would be tried by `--full` only, and one that takes too long would hold every run up.
#[test]
fn every_short_fault_is_drawn_and_no_long_one() {
    let found: std::collections::BTreeSet<&str> = (20_000..20_100).map(drawn).collect();
    let short: std::collections::BTreeSet<&str> = DRAWN.iter().filter(|(_, seconds)| *seconds <= 240).map(|(name, _)| *name).collect();
    assert_eq!(found, short);
    assert!(found.len() < DRAWN.len());
}
