//! Whether manifests and clusters are right.
//!
//! In: manifests, inputs, effective values. Out: diagnostics, and a [`ValidCluster`] that only this stage can make.
//! Invariant: everything that could make rendering fail is found here; all problems are told at once.
//! Why: `render` cannot fail, so a plan can be shown for every cluster that passed.

mod related;
pub mod rules;
mod silence;
mod structural;
mod transition;
mod valid;

pub use silence::{CODES as SILENCE_CODES, SILENCE, silence, silences};
pub use structural::{deprecated, not_supported_yet, structural, structural_of};
pub use transition::{CODES as TRANSITION_CODES, refused_by_schema, transition, transitions, version_transition};
pub use valid::{ValidCluster, check_cluster, check_flawed, check_manifest, check_written, wrong_paths};

/// Every code this stage uses, besides those of the rules.
pub use structural::{CODES, SCHEMA_CODES};
