//! Identity of a Kubernetes object.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Namespace and name of a namespaced object; the identity of a cluster in every view.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NamespacedName {
    /// Namespace the object lives in.
    pub namespace: String,
    /// Object name inside the namespace.
    pub name: String,
}

impl NamespacedName {
    /// Makes an identity from its two parts.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Group, version, kind, namespace and name: what tells one API object from another.
///
/// Order is by kind, then namespace, then name, so that lists in output are stable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// Kind, for example `StatefulSet`.
    pub kind: String,
    /// Namespace; `None` for cluster-scoped objects.
    pub namespace: Option<String>,
    /// Object name.
    pub name: String,
    /// API group and version as written in a manifest, for example `apps/v1` or `v1`.
    pub api_version: String,
}

impl ObjectKey {
    /// Makes a key from its parts.
    pub fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self { kind: kind.to_owned(), namespace: namespace.map(str::to_owned), name: name.to_owned(), api_version: api_version.to_owned() }
    }

    /// API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Namespace and name; the namespace of a cluster-scoped object is the empty string.
    pub fn namespaced_name(&self) -> NamespacedName {
        NamespacedName::new(self.namespace.clone().unwrap_or_default(), self.name.clone())
    }
}

impl fmt::Display for ObjectKey {
    /// `StatefulSet shop/orders`, or `Namespace shop` without a namespace.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}
