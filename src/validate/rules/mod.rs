//! Semantic rules: one function, one code.
//!
//! In: a manifest, or a cluster with its inputs and effective values. Out: diagnostics. Invariant: a rule reads, and never
//! changes; its code never changes meaning. Why: a user can look every finding up, and a new rule has one file to copy from.

mod across;
mod autoscaling;
mod choices;
mod container_sizes;
mod custom_containers;
mod exporter;
mod extensions;
mod instance_profile;
mod names;
mod object_metadata;
mod object_storage;
mod operation_versions;
mod operations;
mod parameters;
mod patroni_configuration;
mod patroni_scope;
mod pod_names;
mod pooler_file;
mod pooling;
mod production;
mod replicate_from;
mod replication;
mod reserved;
mod resources;
mod script_text;
mod scripts;
mod security;
mod selectors;
mod service_fields;
mod service_values;
mod services;
mod sharded_cluster;
mod standby_parameters;
mod storage;
#[cfg(test)]
mod test_support;
mod update_strategy;
mod value_forms;
mod value_tables;
mod version;

pub use across::misfits;
pub use patroni_scope::name_collisions;
pub use standby_parameters::less_than_source;

use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use crate::resolve::{Effective, Inputs, Settings};

/// A cluster with everything a rule may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The cluster and what it refers to.
    pub inputs: &'a Inputs,
    /// Its effective values, unless no image serves its version.
    pub effective: Option<&'a Effective>,
    /// Images and versions.
    pub settings: &'a Settings,
}

impl Context<'_> {
    /// The finding at a pointer of the cluster's manifest.
    fn at(&self, pointer: &str, problem: Diagnostic) -> Diagnostic {
        at(&self.inputs.cluster, pointer, problem)
    }
}

/// The finding at a pointer of a manifest.
fn at(manifest: &Manifest, pointer: &str, problem: Diagnostic) -> Diagnostic {
    problem.at(manifest.locate(pointer)).path(pointer)
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Every manifest of one kind.
    Manifest(&'static str, fn(&Manifest) -> Vec<Diagnostic>),
    /// Every manifest of our kinds.
    Every(fn(&Manifest) -> Vec<Diagnostic>),
    /// Every cluster whose references are there.
    Cluster(fn(&Context<'_>) -> Vec<Diagnostic>),
}

/// A rule: its code, which `stackgres explain` tells about, and its function.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The code and its explanation.
    pub code: Code,
    /// The function.
    pub check: Check,
}

/// Every rule.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [
        across::RULES,
        autoscaling::RULES,
        choices::RULES,
        container_sizes::RULES,
        custom_containers::RULES,
        exporter::RULES,
        extensions::RULES,
        instance_profile::RULES,
        names::RULES,
        object_metadata::RULES,
        object_storage::RULES,
        operation_versions::RULES,
        operations::RULES,
        parameters::RULES,
        patroni_configuration::RULES,
        patroni_scope::RULES,
        pod_names::RULES,
        pooler_file::RULES,
        pooling::RULES,
        production::RULES,
        replicate_from::RULES,
        replication::RULES,
        reserved::RULES,
        resources::RULES,
        script_text::RULES,
        scripts::RULES,
        security::RULES,
        selectors::RULES,
        service_fields::RULES,
        service_values::RULES,
        services::RULES,
        sharded_cluster::RULES,
        standby_parameters::RULES,
        storage::RULES,
        update_strategy::RULES,
        value_forms::RULES,
        version::RULES,
    ]
    .into_iter()
    .flatten()
}
