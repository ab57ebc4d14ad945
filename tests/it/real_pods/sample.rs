//! Which of the slow tests a run tries: faults, for the most part.

use super::{Nodes, on_real_nodes};

/// Tests of which each run tries one: less than four minutes each.
const DRAWN: &[&str] = &[
    "a_killed_server_comes_back",
    "a_killed_patroni_comes_back",
    "a_lost_volume_is_cloned_again",
    "an_empty_first_volume_makes_no_second_database",
    "databases_need_no_controller",
    "a_frozen_patroni_is_replaced",
    "every_pod_is_deleted_at_once",
    "a_failover_needs_no_controller_manager",
    "a_full_volume_refuses_and_recovers",
    "a_wrong_image_is_told",
    "a_lost_secret_is_told",
    "an_isolated_primary_loses_little",
    "an_isolated_primary_steps_down",
    "a_deleted_replica_comes_back",
    "a_stopped_node_is_survived",
    "a_frozen_pod_is_replaced",
    "a_standby_that_does_not_answer_is_not_killed",
    "an_external_source_is_followed",
    "the_last_standby_is_lost",
    "a_change_waits_for_its_licence",
    "whatever_is_left_behind_is_put_right",
    "a_plain_stateful_set_is_less_careful",
    "a_single_instance_goes_as_planned",
    "a_restart_loses_no_transaction_and_is_done_once",
    "roles_of_groups_are_kept",
    "a_primary_leaves_a_node_that_is_emptied",
    "sessions_are_counted_and_named",
    "writers_without_a_rest_only_wait",
    "a_volume_that_comes_late_is_waited_for",
    "a_replica_that_flaps_holds_the_next_one_up",
    "a_slot_is_given_up_by_its_name",
    "slots_that_users_made_stay",
    "a_standby_cluster_changes_as_planned",
    "a_newer_image_waits_for_its_promotion",
];

/// Faults that `tests/run --full` alone tries: too long for every run.
const NEVER_DRAWN: &[&str] = &[
    "a_volume_that_does_not_come_stops_the_rollout",
    "a_stopped_cluster_starts_from_its_newest_copy",
    "five_minutes_without_the_api_server",
    "an_isolated_primary_without_the_api_server",
];

/// Runs a slow test on the real nodes where it is not left out.
pub(crate) fn when_drawn(name: &str, test: impl FnOnce(&Nodes)) {
    if !left_out(name) {
        on_real_nodes(name, test);
    }
}

/// Whether a slow test is left out. `tests/run --full` runs them all; another run one of them, drawn by a seed:
/// `STACKGRES_TEST_SEED`, or else the day, so that a second try of the same day is the same.
fn left_out(name: &str) -> bool {
    assert!([DRAWN, NEVER_DRAWN].concat().contains(&name), "{name} stands in neither list");
    if std::env::var_os("STACKGRES_TEST_FULL").is_some() {
        return false;
    }
    let seed = seed();
    if drawn(seed) == name {
        eprintln!("DRAWN {name} with STACKGRES_TEST_SEED={seed}");
        return false;
    }
    eprintln!("SKIPPED {name}: not drawn with STACKGRES_TEST_SEED={seed}; tests/run --full runs it");
    true
}

/// What draws.
pub(crate) fn seed() -> u64 {
    std::env::var("STACKGRES_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(today)
}

fn today() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / 86_400
}

/// Days in a row draw all of them, one after the other.
fn drawn(seed: u64) -> &'static str {
    DRAWN[usize::try_from(seed % DRAWN.len() as u64).unwrap()]
}

/// A fault that no seed draws would be tried by `--full` only, and one that takes too long would hold every run up.
#[test]
fn every_short_fault_is_drawn_and_no_long_one() {
    let found: std::collections::BTreeSet<&str> = (20_000..20_100).map(drawn).collect();
    assert!(DRAWN.iter().all(|name| found.contains(name)) && NEVER_DRAWN.iter().all(|name| !found.contains(name)), "{found:?}");
}
