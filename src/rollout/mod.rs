//! What to do next.
//!
//! In: a released revision, what runs, live objects. Out: steps to do, something to wait for, or a stop. Invariant: pure and
//! level-triggered; the same facts give the same answer, so a crash at any line resumes. Why: what is shown is what is done.

mod certificates;
pub mod change;
mod cluster;
mod credentials;
mod duties;
mod image;
mod in_force;
mod instances;
mod licence;
mod memory;
mod observed;
mod operation;
mod pause;
mod rehearsed;
mod restart_parameters;
mod scripts;
mod standby_clusters;
mod storage_class;
mod switchover;
mod volumes;

pub use certificates::{
    AUTHORITY, AUTHORITY_KEY, CHAIN, CertificateStep, GivenCertificate, KEY, NEXT_AUTHORITY, NEXT_AUTHORITY_KEY, ORIGIN, next_certificate,
};
pub use cluster::{Decision, Drift, MANAGER, Situation, Step, Wait, next, not_in_place, owned};
pub use credentials::{CredentialsStep, REFUSED, RolePassword, credential_problem, credentials_of, next_credentials};
pub use duties::unaware;
pub use image::{ACCEPT_COLLATIONS, Misfit, misfit};
pub use licence::{Licence, Method, RECONCILIATION_PAUSE, held, is_reconciliation_paused, licence};
pub use memory::{PROMOTE, RETRY, ROLLBACK, RolloutMemory};
pub use observed::{Observed, Probe, method_of};
pub use operation::{Finished, Operation, OperationKind, OperationOutcome, Turn, operation_content, operation_outcome, operation_turns};
pub use pause::{PAUSE_ENDS, PAUSED};
pub use rehearsed::{Roles, ahead, planned};
pub use scripts::{
    Entry, Isolation, ManagedSql, NextScript, Outcome, Place, Progress, RUN_SCRIPT, Record, Requests, SCRIPT_DONE, Script, ScriptRecord,
    Source, State, failure_message, next_script,
};
pub use standby_clusters::{ACCEPT_REPLICATION_STOP, Other, Outgrown, outgrown, raised};
pub use switchover::{
    ACCEPT_SLOT_LOSS, HandOver, RESTART, SWITCHOVER, SwitchoverWish, holds_candidate, holds_stop, slots_accepted, switchover_wish,
};
