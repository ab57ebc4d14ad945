//! References followed, defaults filled, origin of each value remembered.
//!
//! In: manifests. Out: [`Inputs`] (a cluster with everything it refers to) and [`Effective`] (inputs with defaults filled).
//! Invariant: nothing is written into a user's `spec`; every effective value says where it came from.
//! Why: one place decides defaults, so that rendering, status, `explain` and the plan cannot disagree.

mod effective;
mod inputs;

pub use effective::{
    Effective, EffectiveValue, ExporterSettings, Origin, PoolingSettings, PostgresSettings, Replication, ResourceAmounts, ServiceSettings,
    SslSettings, StorageSettings,
};
pub use inputs::Inputs;
