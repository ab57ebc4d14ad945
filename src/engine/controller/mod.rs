//! `stackgres run`: one pass over every fleet and cluster, whenever something may have changed.
//!
//! In: hints. Out: writes to the API server. Invariant: a pass reads everything again and decides from that alone; nothing is
//! written when nothing differs. Why: first run, retry and recovery are the same code.

mod cluster_pass;
mod drift;
mod events;
mod facts;
mod fleet_pass;
mod marks;
mod run;
mod settings_of;
mod source;

pub use run::{RunError, RunOptions, State, run};
pub use source::SourceOptions;
