//! Resource names of the kinds this program reads and writes.

use crate::api::find_kind;

/// How a kind is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// API version, for example `apps/v1`.
    pub api_version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural name in the path.
    pub plural: &'static str,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
}

impl Resource {
    /// Name of the definition of a kind that neither Kubernetes nor this program brings.
    pub fn foreign_definition(&self) -> Option<String> {
        let (group, _) = self.api_version.split_once('/')?;
        let brought = !group.contains('.') || group.ends_with(".k8s.io") || find_kind(self.kind).is_some();
        (!brought).then(|| format!("{}.{group}", self.plural))
    }
}

const fn namespaced(api_version: &'static str, kind: &'static str, plural: &'static str) -> Resource {
    Resource { api_version, kind, plural, namespaced: true }
}

const fn cluster_wide(api_version: &'static str, kind: &'static str, plural: &'static str) -> Resource {
    Resource { api_version, kind, plural, namespaced: false }
}

const RESOURCES: &[Resource] = &[
    cluster_wide("v1", "Namespace", "namespaces"),
    cluster_wide("v1", "Node", "nodes"),
    cluster_wide("v1", "PersistentVolume", "persistentvolumes"),
    cluster_wide("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions"),
    namespaced("v1", "ConfigMap", "configmaps"),
    namespaced("v1", "Endpoints", "endpoints"),
    namespaced("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    namespaced("v1", "Pod", "pods"),
    namespaced("v1", "PodTemplate", "podtemplates"),
    namespaced("v1", "Secret", "secrets"),
    namespaced("v1", "Service", "services"),
    namespaced("v1", "ServiceAccount", "serviceaccounts"),
    namespaced("apps/v1", "Deployment", "deployments"),
    namespaced("apps/v1", "StatefulSet", "statefulsets"),
    namespaced("events.k8s.io/v1", "Event", "events"),
    namespaced("monitoring.coreos.com/v1", "PodMonitor", "podmonitors"),
    namespaced("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    namespaced("rbac.authorization.k8s.io/v1", "Role", "roles"),
    namespaced("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
];

/// The resource of a kind, if this program knows it.
pub fn resource(kind: &str) -> Option<Resource> {
    if let Some(own) = find_kind(kind) {
        let api_version = match own.version {
            "v1" => "stackgres.io/v1",
            "v1beta1" => "stackgres.io/v1beta1",
            _ => "stackgres.io/v1alpha1",
        };
        return Some(Resource { api_version, kind: own.kind, plural: own.plural, namespaced: true });
    }
    RESOURCES.iter().find(|resource| resource.kind == kind).copied()
}
