//! `stackgres run`: one pass over every fleet and cluster, whenever something may have changed.
//!
//! In: hints. Out: writes to the API server. Invariant: a pass reads everything again, from what the watches keep, and decides from
//! that alone; nothing is written when nothing differs. Why: first run, retry and recovery are the same code.

mod at_once;
mod census;
mod claims;
mod cluster_pass;
mod drift;
mod events;
mod facts;
mod fleet_pass;
mod fleet_status;
mod kept;
mod look_again;
mod looked;
mod managed_sql;
mod marks;
mod mirror;
mod observe;
mod operations;
mod own_inputs;
mod pod_check;
mod pod_events;
mod promotion;
mod reach;
mod release;
mod reloads;
mod rollout;
mod run;
mod script_session;
mod secrets;
mod settings_of;
mod source;
mod strangers;
mod switchover;
mod works;

pub use census::{Census, Health};
pub use look_again::{LOOK_AGAIN, LookAgain};
pub use observe::observe;
pub use run::{RunError, RunOptions, State, now, run};
pub use source::SourceOptions;
