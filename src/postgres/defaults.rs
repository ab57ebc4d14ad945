//! Opinionated production defaults of PostgreSQL parameters.
//!
//! Every formula names its source. Amounts are bytes and thousandths of a core.

use super::memory;
use super::memory::MEBIBYTE;
use std::collections::BTreeMap;

/// What the defaults depend on.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Major version.
    pub major: u32,
    /// Memory of an instance, in bytes.
    pub memory: i64,
    /// CPU of an instance, in thousandths of a core.
    pub cpu: i64,
    /// Data volume, in bytes.
    pub volume: i64,
    /// Sessions that the server takes: `max_connections`.
    pub connections: i64,
}

/// Where a default comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// The same for every cluster.
    Always,
    /// Computed; says from what.
    Of(String),
}

/// `max_connections` of a cluster that sets none.
///
/// The same for every size: replicas need at least the primary's value, so one that followed the memory would make a resize of the
/// instance a change that has to go in an order of its own.
pub const CONNECTIONS: i64 = 100;

/// Parameters a user cannot set: the program or Patroni depends on them.
pub const BLOCKED: &[&str] = &[
    "archive_command",
    // PostgreSQL 16 and newer refuse it beside `archive_command`; 15 would leave WAL unarchived.
    "archive_library",
    "archive_mode",
    "cluster_name",
    "data_directory",
    "dynamic_library_path",
    "hba_file",
    "hot_standby",
    "ident_file",
    "lc_messages",
    "listen_addresses",
    "log_destination",
    "log_directory",
    "log_filename",
    "log_rotation_age",
    "log_rotation_size",
    "log_truncate_on_rotation",
    "logging_collector",
    "port",
    "primary_conninfo",
    "primary_slot_name",
    // Where recovery ends is Patroni's business at a bootstrap; left behind it would end the recovery of a standby.
    "recovery_target",
    "recovery_target_action",
    "recovery_target_inclusive",
    "recovery_target_lsn",
    "recovery_target_name",
    "recovery_target_time",
    "recovery_target_timeline",
    "recovery_target_xid",
    "restore_command",
    "ssl",
    "ssl_cert_file",
    "ssl_key_file",
    // Patroni decides who is a synchronous standby.
    "synchronous_standby_names",
    "unix_socket_directories",
    "wal_log_hints",
];

/// Default parameters for a size: name → (value, why).
pub fn defaults(size: Size) -> BTreeMap<&'static str, (String, Because)> {
    let mut parameters = BTreeMap::new();
    for (name, value) in FIXED {
        parameters.insert(*name, ((*value).to_owned(), Because::Always));
    }
    if size.major >= 14 {
        parameters.insert(TOAST.0, (TOAST.1.to_owned(), Because::Always));
    }
    for tuned in TUNED {
        parameters.insert(tuned.name, ((tuned.value)(size), tuned.of.because(size)));
    }
    parameters
}

/// Quicker than the built-in `pglz` and about as small; new in 14.
const TOAST: (&str, &str) = ("default_toast_compression", "lz4");

/// Defaults that depend on nothing.
const FIXED: &[(&str, &str)] = &[
    ("autovacuum_max_workers", "3"),
    ("autovacuum_vacuum_cost_delay", "2"),
    ("checkpoint_completion_target", "0.9"),
    ("checkpoint_timeout", "15min"),
    ("default_statistics_target", "200"),
    ("enable_partitionwise_aggregate", "on"),
    ("enable_partitionwise_join", "on"),
    ("fsync", "on"),
    ("huge_pages", "off"),
    ("jit_inline_above_cost", "-1"),
    ("log_autovacuum_min_duration", "0"),
    ("log_checkpoints", "on"),
    ("log_connections", "on"),
    ("log_disconnections", "on"),
    ("log_line_prefix", "%t [%p]: db=%d,user=%u,app=%a,client=%h "),
    ("log_lock_waits", "on"),
    ("log_min_duration_statement", "1000"),
    ("log_statement", "none"),
    ("log_temp_files", "0"),
    ("max_connections", "100"),
    ("max_locks_per_transaction", "128"),
    ("max_pred_locks_per_transaction", "128"),
    ("max_prepared_transactions", "32"),
    ("max_replication_slots", "20"),
    ("max_wal_senders", "20"),
    ("password_encryption", "scram-sha-256"),
    ("pg_stat_statements.track_utility", "off"),
    ("random_page_cost", "1.5"),
    ("shared_preload_libraries", "pg_stat_statements, auto_explain"),
    ("superuser_reserved_connections", "8"),
    ("track_activity_query_size", "4096"),
    ("track_commit_timestamp", "on"),
    ("track_functions", "pl"),
    ("track_io_timing", "on"),
    ("wal_compression", "on"),
    ("wal_level", "logical"),
];

/// A default that follows the size of an instance.
struct Tuned {
    name: &'static str,
    of: Of,
    /// How it is computed, for people, with the source of the rule.
    rule: &'static str,
    value: fn(Size) -> String,
}

/// What a tuned default follows.
#[derive(Clone, Copy)]
enum Of {
    Memory,
    MemoryAndConnections,
    CpuAndMemory,
    Volume,
}

impl Of {
    fn because(self, size: Size) -> Because {
        let (memory, cpu) = (format!("memory {}MiB", size.memory / MEBIBYTE), format!("cpu {}m", size.cpu));
        Because::Of(match self {
            Self::Memory => memory,
            Self::MemoryAndConnections => format!("{memory}, max_connections {}", size.connections),
            Self::CpuAndMemory => format!("{cpu}, {memory}"),
            Self::Volume => format!("volume {}MiB", size.volume / MEBIBYTE),
        })
    }
}

fn megabytes(bytes: i64) -> String {
    format!("{}MB", bytes / MEBIBYTE)
}

/// A part of the volume, in whole megabytes between two bounds.
fn part(size: Size, divisor: i64, low: i64, high: i64) -> String {
    megabytes((size.volume / divisor).clamp(low * MEBIBYTE, high * MEBIBYTE))
}

/// The least of `max_wal_size` and `min_wal_size`, in MiB: the server wants two segments of 16 MB (PostgreSQL 17, `xlog.c`).
const TWO_SEGMENTS: i64 = 32;

/// The least of `wal_keep_size` and `max_slot_wal_keep_size`, in MiB: one segment, which is also Patroni's least.
const SEGMENT: i64 = 16;

/// The least that WAL takes with the smallest of these defaults, in MiB.
pub const LEAST_WAL: i64 = TWO_SEGMENTS + 2 * SEGMENT;

/// Defaults that follow the size. Memory: see `memory.rs`. WAL of every purpose together stays below two fifths of the volume, from
/// volumes of 256 MiB on, so that a stuck consumer cannot fill it.
const TUNED: &[Tuned] = &[
    Tuned {
        name: "shared_buffers",
        of: Of::Memory,
        rule: "a quarter of the memory, up to 32GB (PostgreSQL documentation, \"Resource Consumption\"); below 768 MiB a third of what 192 MiB leave, because sessions take as much there",
        value: |size| megabytes(memory::shared_buffers(size)),
    },
    Tuned {
        name: "effective_cache_size",
        of: Of::Memory,
        rule: "three quarters of the memory, up to 1TB: what the operating system and shared_buffers can cache together (\"Planner Cost Constants\")",
        value: |size| megabytes((size.memory / 4 * 3).clamp(16 * MEBIBYTE, 1_048_576 * MEBIBYTE)),
    },
    Tuned {
        name: "maintenance_work_mem",
        of: Of::Memory,
        rule: "a sixteenth of the memory, from 16MB to 2GB: one such operation at a time is counted on; autovacuum has its own bound",
        value: |size| megabytes(memory::maintenance_work_mem(size)),
    },
    Tuned {
        name: "autovacuum_work_mem",
        of: Of::Memory,
        rule: "a thirty-second part of the memory, from 8MB to 512MB, for each of three workers",
        value: |size| megabytes(memory::autovacuum_work_mem(size)),
    },
    Tuned {
        name: "logical_decoding_work_mem",
        of: Of::Memory,
        rule: "a thirty-second part of the memory, from 4MB to 64MB, for each consumer of logical replication",
        value: |size| megabytes(memory::logical_decoding_work_mem(size)),
    },
    Tuned {
        name: "work_mem",
        of: Of::MemoryAndConnections,
        rule: "a two-hundredth part of the memory, from 1MB to 64MB, and no more than a quarter of max_connections and every parallel worker can fill at once, times hash_mem_multiplier, beside all the rest",
        value: |size| megabytes(memory::work_mem(size)),
    },
    Tuned {
        name: "max_worker_processes",
        of: Of::CpuAndMemory,
        rule: "the cores, at most one for 16 MiB of memory, and eight for extensions and logical replication (\"Asynchronous Behavior\")",
        value: |size| memory::worker_processes(size).to_string(),
    },
    Tuned {
        name: "max_parallel_workers",
        of: Of::CpuAndMemory,
        rule: "the cores, at most one for 128 MiB of memory, at least 2",
        value: |size| memory::parallel_workers(size).to_string(),
    },
    Tuned {
        name: "max_parallel_workers_per_gather",
        of: Of::CpuAndMemory,
        rule: "half of max_parallel_workers, from 1 to 8",
        value: |size| (memory::parallel_workers(size) / 2).clamp(1, 8).to_string(),
    },
    Tuned {
        name: "max_parallel_maintenance_workers",
        of: Of::CpuAndMemory,
        rule: "half of max_parallel_workers, from 1 to 8",
        value: |size| (memory::parallel_workers(size) / 2).clamp(1, 8).to_string(),
    },
    Tuned {
        name: "max_wal_size",
        of: Of::Volume,
        rule: "a tenth of the volume, from 32MB (two segments) to 16GB",
        value: |size| part(size, 10, TWO_SEGMENTS, 16_384),
    },
    Tuned {
        name: "min_wal_size",
        of: Of::Volume,
        rule: "a fortieth of the volume, from 32MB (two segments) to 4GB",
        value: |size| part(size, 40, TWO_SEGMENTS, 4_096),
    },
    Tuned {
        name: "wal_keep_size",
        of: Of::Volume,
        rule: "a twentieth of the volume, from 16MB to 1536MB",
        value: |size| part(size, 20, SEGMENT, 1_536),
    },
    Tuned {
        name: "max_slot_wal_keep_size",
        of: Of::Volume,
        rule: "a fifth of the volume, from 16MB to 1TB: a slot that nobody reads loses its WAL before it fills the volume",
        value: |size| part(size, 5, SEGMENT, 1_048_576),
    },
];

/// How the default of a parameter comes about, for people; `None` for a parameter that this program gives none.
pub fn default_rule(name: &str) -> Option<String> {
    if let Some(tuned) = TUNED.iter().find(|tuned| tuned.name.eq_ignore_ascii_case(name)) {
        return Some(tuned.rule.to_owned());
    }
    if name.eq_ignore_ascii_case(TOAST.0) {
        return Some(format!("{}, from PostgreSQL 14 on", TOAST.1));
    }
    FIXED.iter().find(|(fixed, _)| fixed.eq_ignore_ascii_case(name)).map(|(_, value)| (*value).to_owned())
}

/// Parameters the program sets and nobody else.
pub fn forced(major: u32, ssl: bool) -> BTreeMap<&'static str, String> {
    let mut parameters: BTreeMap<&'static str, String> = [
        ("archive_command", "/bin/true"),
        ("archive_mode", "on"),
        ("lc_messages", "C"),
        ("listen_addresses", "*"),
        ("port", "5432"),
        ("unix_socket_directories", "/var/run/postgresql"),
        ("wal_log_hints", "on"),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.to_owned()))
    .collect();
    parameters.extend(logging(major).into_iter().map(|(name, value)| (name, value.to_owned())));
    if ssl {
        parameters.insert("ssl", "on".to_owned());
        parameters.insert("ssl_cert_file", "/etc/stackgres/ssl/tls.crt".to_owned());
        parameters.insert("ssl_key_file", "/etc/stackgres/ssl/tls.key".to_owned());
    }
    parameters
}

/// Log lines as JSON on the container's standard output, one object a line, from the version on that can write them.
///
/// PostgreSQL writes JSON through its collector only, and the collector to files only; the start script makes the names it opens
/// lead to the streams of the container. So there is no file that grows and nothing that must be rotated: a rotation would
/// open the same stream again. Source: PostgreSQL documentation, "Error Reporting and Logging"; `jsonlog` is new in 15.
fn logging(major: u32) -> BTreeMap<&'static str, &'static str> {
    if major < 15 {
        return [("log_destination", "stderr"), ("logging_collector", "off")].into();
    }
    [
        ("log_destination", "jsonlog"),
        ("logging_collector", "on"),
        ("log_directory", "/run/stackgres/log"),
        // The collector puts `.json` in the place of `.log`; what is not a message of PostgreSQL's own goes to the `.log`.
        ("log_filename", "postgresql.log"),
        ("log_rotation_age", "0"),
        ("log_rotation_size", "0"),
        ("log_truncate_on_rotation", "off"),
    ]
    .into()
}

#[cfg(test)]
pub(super) fn parameter_number(major: u32, all: &BTreeMap<&'static str, (String, Because)>, name: &str) -> i64 {
    super::normalise(major, name, &all[name].0).unwrap().parse().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{MAJORS, normalise};

    fn sizes() -> impl Iterator<Item = Size> {
        let shapes = [(256_i64 << 20, 250), (256 << 20, 128_000), (512 << 20, 500), (2 << 30, 1_000), (1 << 40, 250), (1 << 40, 128_000)];
        // 256 MiB to 64 TiB, and some between.
        let volumes = (0..=18).flat_map(|power| [0, 3, 7].map(move |more| (256_i64 << (20 + power)) / 8 * (8 + more)));
        let volumes = volumes.filter(|volume| *volume <= 64 << 40);
        let all = volumes.flat_map(move |volume| shapes.map(|(memory, cpu)| (memory, cpu, volume)));
        all.flat_map(|(memory, cpu, volume)| MAJORS.map(move |major| Size { major, memory, cpu, volume, connections: CONNECTIONS }))
    }

    /// One bad default stops every new cluster of a major version from starting.
    #[test]
    fn every_default_is_valid_for_every_major_and_size() {
        for size in sizes() {
            for (name, (value, _)) in defaults(size) {
                assert!(
                    normalise(size.major, name, &value).is_ok(),
                    "{size:?} {name} = {value}: {:?}",
                    normalise(size.major, name, &value)
                );
            }
        }
        for major in MAJORS {
            for (name, value) in forced(major, true) {
                assert!(normalise(major, name, &value).is_ok(), "{major} {name} = {value}");
                assert!(BLOCKED.contains(&name), "{name} would be taken from the user, and have no effect");
            }
        }
    }

    /// A full volume stops the database, and a server that is asked for less than two segments does not start.
    #[test]
    fn wal_leaves_room_on_every_volume() {
        for size in sizes() {
            let all = defaults(size);
            let number = |name: &str| parameter_number(size.major, &all, name);
            let (most, least) = (number("max_wal_size"), number("min_wal_size"));
            let wal = most + number("wal_keep_size") + number("max_slot_wal_keep_size");
            assert!(wal * MEBIBYTE * 5 <= size.volume * 2, "WAL may take {wal} MB of {} MiB", size.volume / MEBIBYTE);
            assert!(32 <= least && least <= most, "{size:?}: {least} to {most}");
            assert!(number("max_slot_wal_keep_size") > 0 && number("wal_keep_size") >= 16, "{size:?}");
            assert!(wal >= LEAST_WAL);
        }
    }

    /// More workers for one query than the server has at all are planned for and never come; none at all stop logical replication.
    #[test]
    fn workers_fit_into_each_other() {
        for size in sizes() {
            let all = defaults(size);
            let number = |name: &str| parameter_number(size.major, &all, name);
            let (gather, parallel, processes) =
                (number("max_parallel_workers_per_gather"), number("max_parallel_workers"), number("max_worker_processes"));
            assert!(1 <= gather && gather <= parallel && parallel + 7 <= processes, "{size:?}: {gather} {parallel} {processes}");
            assert!(number("max_parallel_maintenance_workers") <= parallel);
            assert!(processes <= 136 && number("autovacuum_max_workers") == memory::AUTOVACUUM_WORKERS, "{size:?}");
            assert_eq!(number("max_connections"), CONNECTIONS);
        }
    }
}
