//! A model of a cluster under a rolling change: Kubernetes, Patroni, PostgreSQL, PgBouncer and the controller, second by second.
mod controller;
mod events;
mod generate;
mod instance;
mod invariants;
mod kubernetes;
mod ledger;
mod observe;
mod patroni;
mod postgres;
mod random;
mod release;
mod run;
mod scenario;
mod shrink;
mod status;
mod switchover;
mod wal;
mod world;

pub(crate) use generate::generate;
pub(crate) use invariants::Invariant;
pub(crate) use run::{Outcome, run};
pub(crate) use scenario::Scenario;
pub(crate) use shrink::shrink;
