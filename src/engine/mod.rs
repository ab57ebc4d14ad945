//! Orders the stages; owns no rule of its own.
//!
//! In: files or live objects. Out: reports, plans, and writes through the adapters. Invariant: each pass reads the facts again;
//! nothing that matters lives in memory. Why: one code path for first run, retry and recovery.

pub mod codes;
pub mod controller;
pub mod files;
pub mod live;
pub mod offline;
mod rehearsals;
pub mod view;

/// Field manager under which content of a source is applied; only under it does the server say what would change then.
const SOURCE_MANAGER: &str = "stackgres-fleet";
