//! `stackgres`: fleets of PostgreSQL clusters on Kubernetes from a Git repository.
//!
//! ```text
//!                      pure: no I/O, no clock                                             the world
//! source ─▶ load ─▶ resolve ─▶ validate ─▶ render ─▶ diff ─▶ plan ─▶ rollout::next ─▶ apply ─▶ observe ─▶ status
//! commit    documents inputs    effective   objects   changes  Plan    do│wait│stop     API server  facts     one read model
//! ```
//!
//! Folders are stages; `tests/it/architecture.rs` holds the table of who may import what.

pub mod api;
pub mod apply;
pub mod cli;
pub mod diagnostics;
pub mod diff;
pub mod engine;
pub mod health;
pub mod hooks;
pub mod instance;
pub mod kubernetes;
pub mod load;
pub mod model;
pub mod plan;
pub mod postgres;
pub mod render;
pub mod resolve;
pub mod rollout;
pub mod sandbox;
pub mod source;
pub mod status;
pub mod telemetry;
pub mod validate;
pub mod web;
pub mod wiring;
