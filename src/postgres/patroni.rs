//! Parameters that Patroni sets on the server's command line, and what it makes of them.
//!
//! Source: Patroni documentation, "PostgreSQL parameters controlled by Patroni"; the bounds were measured on Patroni 4.0.7.

use super::parameters::built_in_default;
use super::value::number_of;
use serde_json::{Value, json};

/// Parameter, Patroni's default, the smallest value it takes.
const CONTROLLED: &[(&str, &str, f64)] = &[
    ("max_connections", "100", 25.0),
    ("max_locks_per_transaction", "64", 32.0),
    ("max_prepared_transactions", "0", 0.0),
    ("max_replication_slots", "10", 4.0),
    ("max_wal_senders", "10", 3.0),
    ("max_worker_processes", "8", 2.0),
    ("wal_keep_size", "128MB", 16.0),
];

/// Why a server that Patroni runs does not get a value as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Substitution {
    /// What Patroni takes instead: its own default.
    pub instead: &'static str,
    /// The smallest value it takes, in the parameter's base unit.
    pub minimum: f64,
}

/// What Patroni takes instead of a value below its own minimum; it says so only in its log.
pub fn patroni_substitutes(major: u32, name: &str, value: &str) -> Option<Substitution> {
    let (_, instead, minimum) = CONTROLLED.iter().find(|(controlled, ..)| *controlled == name)?;
    let value = number_of(major, name, value)?;
    (value < *minimum).then_some(Substitution { instead, minimum: *minimum })
}

/// The smallest value of a parameter that Patroni takes, in its base unit; `None` for one that it does not control.
pub fn patroni_minimum(name: &str) -> Option<f64> {
    CONTROLLED.iter().find(|(controlled, ..)| *controlled == name).map(|(_, _, minimum)| *minimum)
}

/// The value that a server gets for what is written: what Patroni makes of it, or its own default where nothing is written; `None` where
/// that is not known.
pub fn server_value(major: u32, name: &str, written: Option<&str>) -> Option<String> {
    let Some(written) = written else { return built_in_default(major, name) };
    Some(patroni_substitutes(major, name, written).map_or(written, |found| found.instead).to_owned())
}

/// Keys of Patroni's dynamic configuration that the replication mode of the cluster decides.
pub const PATRONI_SYNCHRONOUS: &[&str] = &["synchronous_mode", "synchronous_mode_strict", "synchronous_node_count"];

/// What stands in Patroni's dynamic configuration where the user writes nothing; times in seconds.
///
/// Source: Patroni documentation, "Dynamic Configuration Settings"; `check_timeline` and `failsafe_mode` are on against its defaults.
pub fn patroni_defaults() -> [(&'static str, Value); 5] {
    [
        ("ttl", json!(30)),
        ("loop_wait", json!(10)),
        ("retry_timeout", json!(10)),
        ("check_timeline", json!(true)),
        ("failsafe_mode", json!(true)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who takes the text for the value announces a lowering where the server gets more than before.
    #[test]
    fn too_low_values_are_replaced_by_patronis_default() {
        let instead = |name: &str, value: &str| patroni_substitutes(17, name, value).map(|found| found.instead);
        assert_eq!(instead("max_wal_senders", "0"), Some("10"));
        assert_eq!(instead("max_replication_slots", "3"), Some("10"));
        assert_eq!(instead("max_replication_slots", "4"), None);
        assert_eq!(instead("wal_keep_size", "8MB"), Some("128MB"));
        assert_eq!(instead("max_connections", "0x10"), Some("100"));
        assert_eq!(instead("work_mem", "64kB"), None);
    }
}
