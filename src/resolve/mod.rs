//! References followed, defaults filled, origin of each value remembered.
//!
//! In: manifests. Out: [`Inputs`] (a cluster with everything it refers to) and [`Effective`] (inputs with defaults filled).
//! Invariant: nothing is written into a user's `spec`; every effective value says where it came from.
//! Why: one place decides defaults, so that rendering, status, `explain` and the plan cannot disagree.

#[cfg(test)]
mod api_defaults;
mod codes;
mod duty;
mod effective;
mod fill;
mod fill_parameters;
mod fill_pooling;
mod fill_replicate_from;
mod fill_resources;
mod fill_update_strategy;
mod follow;
mod inputs;
mod operations;
mod references;

pub use codes::CODES;
pub use duty::Duty;

pub use effective::{
    BindingSettings, Effective, EffectiveValue, ExporterSettings, Extension, Method, Origin, PoolingSettings, PostgresSettings,
    ReplicateFrom, Replication, ResourceAmounts, ScheduledWindow, SecretKey, ServiceSettings, SslSettings, StorageSettings, StrategyType,
    UpdateStrategy,
};
pub use fill::{Settings, effective};
pub use fill_parameters::IDENTITIES;
pub use follow::{Resolution, config_maps_of, resolve};
pub use inputs::Inputs;
pub use references::dangling;
