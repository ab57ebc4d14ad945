//! What differs between two versions of a cluster, and what that does to the database.
//!
//! In: two frozen versions of a cluster (manifests, effective values, rendered objects). Out: changes with their cause and impact.
//! Invariant: spelling is no difference (`1024Mi` equals `1Gi`, list items pair by name); a secret value never appears in a change.
//! Why: the same comparison serves the pull request, the plan, drift and the tests, so they cannot disagree.

mod cause;
mod compare;
mod effective;
mod impact;
mod mask;
mod meaning;
mod objects;
mod ownership;
mod shown;
mod transfer;

pub use cause::{Cause, causes};
pub use compare::{FieldChange, compare};
pub use effective::{EffectiveChange, effective_changes};
pub use impact::{Disturbance, Finding, Impact, InstanceImpact, Risk, impact};
pub use meaning::same_meaning;
pub use objects::{ObjectAction, ObjectChange, object_changes};
pub use ownership::{is_in_place, would_change};
pub use shown::{effective_in_words, origin_in_words};
pub use transfer::{Entangled, transfer};

use crate::load::Manifest;
use crate::model::Object;
use crate::resolve::Effective;

/// One frozen version of a cluster: what was asked for, what it means, what is rendered from it.
#[derive(Debug, Clone)]
pub struct Version {
    /// The cluster and everything it refers to.
    pub manifests: Vec<Manifest>,
    /// The values it runs with.
    pub effective: Effective,
    /// The Kubernetes objects.
    pub objects: Vec<Object>,
}
