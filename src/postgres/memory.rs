//! What a server takes of its memory limit, so that the defaults fit into it.
//!
//! Two loads must fit, at every size from 256 MiB on:
//!
//! - *full house*: every one of `max_connections` is open and idle;
//! - *ordinary use*: the pooler's sessions are open, a quarter of them and every parallel worker has filled one `work_mem` times
//!   `hash_mem_multiplier`, every autovacuum worker its `autovacuum_work_mem`, one maintenance operation its `maintenance_work_mem`
//!   (its parallel workers share it) and one consumer of logical replication its `logical_decoding_work_mem`.
//!
//! Source of what each parameter bounds: PostgreSQL documentation, "Resource Consumption". Source of the constants: measured with
//! PostgreSQL 15.20 and Patroni 4.0.7 in a memory cgroup, kernel memory included; each says what was seen.

use super::defaults::Size;

/// Bytes in a MiB.
pub(super) const MEBIBYTE: i64 = 1 << 20;

/// Patroni (35 MiB of its own), the server without sessions (6 MiB), and room for scripts and probes that run for a moment.
const RESERVE: i64 = 64 * MEBIBYTE;

/// One session that has worked: 1.8 MiB under pgbench with prepared statements; 1.35 MiB when it has just connected.
const SESSION: i64 = 2 * MEBIBYTE;

/// Shared memory of a place for a session or a worker: locks, predicate locks, statistics (93 KiB with 128 locks a transaction).
const PLACE: i64 = 96 << 10;

/// Shared memory beside buffers, WAL buffers and places: 9 MiB in version 15, and some more for what came later.
const FIXED: i64 = 14 * MEBIBYTE;

/// Shared memory of a server, in bytes: the buffers, a thirty-second part for what describes them, the same up to 16 MiB as WAL buffers
/// (`wal_buffers = -1`), and what grows with sessions and workers.
fn shared_memory(buffers: i64, connections: i64, workers: i64) -> i64 {
    let part = buffers / 32;
    buffers.saturating_add(part + part.min(16 * MEBIBYTE) + FIXED).saturating_add(connections.saturating_add(workers).saturating_mul(PLACE))
}

/// A quarter of the memory; below 768 MiB a third of what 192 MiB leave, since sessions take as much there as on a large instance.
pub(super) fn shared_buffers(size: Size) -> i64 {
    (size.memory / 4).min((size.memory - 192 * MEBIBYTE) / 3).clamp(16 * MEBIBYTE, 32_768 * MEBIBYTE)
}

/// A sixteenth of the memory.
pub(super) fn maintenance_work_mem(size: Size) -> i64 {
    (size.memory / 16).clamp(16 * MEBIBYTE, 2_048 * MEBIBYTE)
}

/// A thirty-second part of the memory.
pub(super) fn autovacuum_work_mem(size: Size) -> i64 {
    (size.memory / 32).clamp(8 * MEBIBYTE, 512 * MEBIBYTE)
}

/// A thirty-second part of the memory, at most PostgreSQL's own default.
pub(super) fn logical_decoding_work_mem(size: Size) -> i64 {
    (size.memory / 32).clamp(4 * MEBIBYTE, 64 * MEBIBYTE)
}

/// Whole cores, the last one begun.
pub(super) const fn cores(size: Size) -> i64 {
    (size.cpu + 999) / 1_000
}

/// Places for workers: one a core, as far as the memory carries the places, and eight for extensions and logical replication.
pub(super) fn worker_processes(size: Size) -> i64 {
    cores(size).min(size.memory / (16 * MEBIBYTE)).max(1) + 8
}

/// Parallel workers at a time: one a core, as far as the memory carries them.
pub(super) fn parallel_workers(size: Size) -> i64 {
    cores(size).min(size.memory / (128 * MEBIBYTE)).max(2)
}

/// Autovacuum workers, the same for every size.
pub(super) const AUTOVACUUM_WORKERS: i64 = 3;

/// How often a hash takes `work_mem`: PostgreSQL's own default of `hash_mem_multiplier`.
const fn hash_multiplier(major: u32) -> i64 {
    if major < 15 { 1 } else { 2 }
}

/// What sessions and parallel workers may take together, in bytes.
fn for_sessions(size: Size) -> i64 {
    let shared = shared_memory(shared_buffers(size), size.connections, worker_processes(size));
    let autovacuum = AUTOVACUUM_WORKERS * (SESSION + autovacuum_work_mem(size));
    size.memory - RESERVE - shared - autovacuum - maintenance_work_mem(size) - logical_decoding_work_mem(size)
}

/// A two-hundredth part of the memory, and no more than a quarter of the sessions and all parallel workers can fill at once.
pub(super) fn work_mem(size: Size) -> i64 {
    let (connections, workers) = (size.connections.max(1), parallel_workers(size));
    let left = for_sessions(size) - connections.saturating_add(workers).saturating_mul(SESSION);
    let fill = (connections / 4 + workers) * hash_multiplier(size.major);
    (left / fill.max(1)).min(size.memory / 200).clamp(MEBIBYTE, 64 * MEBIBYTE)
}

/// Sessions that the memory carries in ordinary use, with the defaults of everything else.
pub fn sessions(size: Size) -> i64 {
    let fill = work_mem(size) * hash_multiplier(size.major);
    let left = for_sessions(size) - parallel_workers(size) * (SESSION + fill);
    (left / (SESSION + fill / 4)).max(10)
}

#[cfg(test)]
mod tests {
    use super::super::defaults::{defaults, parameter_number};
    use super::*;

    /// Memory of a just connected session: 1.1 MiB of its own and a quarter for page tables and the like.
    const IDLE: i64 = MEBIBYTE * 7 / 5;

    fn sizes() -> impl Iterator<Item = Size> {
        // Every power of two and some sizes between, from 256 MiB to 1 TiB, with 0.25 to 128 CPUs.
        let memory = (0..=12).flat_map(|power| [0, 37, 271, 511, 777].map(move |more| ((256_i64 << power) * (1_000 + more) / 1_000) << 20));
        let memory = memory.filter(|memory| *memory <= 1 << 40);
        let cpu = [250, 500, 1_000, 1_500, 2_000, 4_000, 16_000, 64_000, 128_000];
        memory
            .flat_map(move |memory| cpu.map(|cpu| (memory, cpu)))
            .flat_map(|(memory, cpu)| [13, 14, 15, 18].map(|major| Size { major, memory, cpu, volume: 5 << 30, connections: 100 }))
    }

    /// More than the limit, and the kernel ends the database in the middle of an ordinary day.
    #[test]
    fn what_a_server_may_take_fits_into_its_limit() {
        for size in sizes() {
            let all = defaults(size);
            let number = |name: &str| parameter_number(size.major, &all, name);
            let kibi = |name: &str| number(name) << 10;
            let (connections, workers) = (number("max_connections"), number("max_worker_processes"));
            let shared = shared_memory(number("shared_buffers") * 8_192, connections, workers);
            let full = RESERVE + shared + connections * IDLE;
            assert!(full <= size.memory, "{size:?}: {connections} idle sessions take {} MiB", full / MEBIBYTE);
            let pool = sessions(size).min(80);
            let fill = kibi("work_mem") * if size.major < 15 { 1 } else { 2 };
            let parallel = number("max_parallel_workers");
            let sum = RESERVE
                + shared
                + number("autovacuum_max_workers") * (SESSION + kibi("autovacuum_work_mem"))
                + kibi("maintenance_work_mem")
                + kibi("logical_decoding_work_mem")
                + (pool + parallel) * SESSION
                + (pool / 4 + parallel) * fill;
            assert!(sum <= size.memory, "{size:?}: {pool} sessions, ordinary use takes {} MiB: {all:?}", sum / MEBIBYTE);
            assert!(pool >= 25, "{size:?}: {pool} sessions");
            assert!(number("effective_cache_size") * 8_192 <= size.memory, "{size:?}: the planner counts on more than there is");
        }
    }

    /// A default session count that memory does not carry shows at the smallest size; from 512 MiB on the pool is bounded by the server alone.
    #[test]
    fn memory_bounds_the_pool_of_very_small_instances_only() {
        let of = |memory: i64| sessions(Size { major: 17, memory: memory << 20, cpu: 1_000, volume: 5 << 30, connections: 100 });
        assert!((25..80).contains(&of(256)), "{}", of(256));
        assert!(of(512) >= 80 && of(1_024) >= 80 && of(2_048) >= 80, "{} {} {}", of(512), of(1_024), of(2_048));
    }

    /// Somebody who raises `max_connections` gets less for each session instead of a kill.
    #[test]
    fn work_mem_follows_the_connections() {
        let of = |connections: i64| work_mem(Size { major: 17, memory: 4 << 30, cpu: 2_000, volume: 5 << 30, connections }) / MEBIBYTE;
        assert_eq!((of(100), of(300), of(1_000), of(200_000)), (20, 10, 1, 1));
    }

    /// `postgres -C shared_memory_size` of 15.20 with these defaults, in MiB; an estimate below it would promise memory that is taken.
    #[test]
    fn shared_memory_is_not_underestimated() {
        let measured = [
            (16, 100, 9, 35),
            (32, 100, 9, 52),
            (64, 100, 136, 98),
            (128, 1_000, 9, 238),
            (512, 100, 9, 562),
            (512, 1_000, 136, 656),
            (2_048, 100, 9, 2_131),
            (32_768, 1_000, 136, 33_621),
        ];
        for (buffers, connections, workers, seen) in measured {
            let found = shared_memory(buffers * MEBIBYTE, connections, workers) / MEBIBYTE;
            assert!(found >= seen && found <= seen + seen / 16 + 8, "{buffers} MB, {connections} sessions: {found}, seen {seen}");
        }
    }
}
