//! From a valid cluster to its Kubernetes objects.
//!
//! In: the effective values of a [`ValidCluster`](crate::validate::ValidCluster). Out: every object of the cluster, in the order in which they are applied. Invariant: it cannot fail,
//! and equal inputs give equal bytes; nothing secret is among the objects. Why: a plan can be shown for every cluster that passed.
//!
//! One file per kind of object; to add one, copy `pod_disruption_budget.rs` and add a line to [`from_effective`].

mod certificate;
mod config_maps;
mod dynamic_configuration;
mod endpoints;
mod metadata;
mod patroni;
mod pod_disruption_budget;
mod pod_monitor;
mod policy;
mod pooler;
mod pooler_scripts;
mod rbac;
pub mod revision;
mod scripts;
mod secrets;
mod services;
mod stateful_set;

pub use certificate::{CertificatePlan, certificate};
pub use pod_disruption_budget::{HANDS_OVER, guards_primary};
pub use policy::{Policy, policy};
pub use pooler::{FORWARD, MARKED, OWN, forwarding, pooler_mark};
pub use secrets::{
    CREDENTIALS, GeneratedSecret, Material, VERSION, VERSION_LENGTH, binding_entries, binding_secret, certificate_secret,
    credentials_in_use, derived_entries, secret_labels, secret_names,
};
pub use stateful_set::{MADE_FROM, mark};

use crate::model::Object;
use crate::resolve::Effective;

/// What a cluster is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// Objects to apply, in order: what others refer to comes first.
    pub objects: Vec<Object>,
    /// Secrets to make once, with random content. They are never part of a revision or a comparison.
    pub generated: Vec<GeneratedSecret>,
}

/// Renders every object of a cluster from effective values alone, which are those of a cluster that passed, or of a revision.
pub fn from_effective(effective: &Effective) -> Rendered {
    let mut objects = Vec::new();
    objects.extend(config_maps::config_maps(effective));
    objects.extend(rbac::rbac(effective));
    objects.extend(endpoints::endpoints(effective));
    objects.extend(services::services(effective));
    objects.push(pod_disruption_budget::pod_disruption_budget(effective));
    objects.extend(pod_disruption_budget::primary_pod_disruption_budget(effective));
    objects.extend(pod_disruption_budget::hand_over_pod_disruption_budget(effective));
    objects.extend(pod_monitor::pod_monitor(effective));
    objects.push(stateful_set::stateful_set(effective));
    Rendered { objects, generated: generated(effective) }
}

/// The Secrets to make once for a cluster with these effective values.
pub fn generated(effective: &Effective) -> Vec<GeneratedSecret> {
    secrets::generated(effective)
}
