//! Types of the Kubernetes core API that our kinds embed.
//!
//! In: nothing. Out: schema functions. Invariant: one function a type, used wherever the type occurs.
//! Why: two copies of a core type would drift apart.

pub(in crate::api) mod affinity;
pub(in crate::api) mod container;
pub(in crate::api) mod environment;
pub(in crate::api) mod probe;
pub(in crate::api) mod security;
pub(in crate::api) mod selector;
pub(in crate::api) mod service;
pub(in crate::api) mod volume;
