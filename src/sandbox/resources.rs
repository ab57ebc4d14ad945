//! The kinds that are served.

use crate::api::{GROUP, KINDS, Kind};
use std::sync::LazyLock;

/// One resource of the API.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    pub(super) short_names: &'static [&'static str],
    pub(super) categories: &'static [&'static str],
    pub(super) namespaced: bool,
    /// Whether there is a status subresource.
    pub(super) status: bool,
    /// Whether `metadata.generation` counts changes of the spec.
    pub(super) generation: bool,
    /// Our own kind, with its schema.
    pub(super) own: Option<&'static Kind>,
}

impl Resource {
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `sgclusters.stackgres.io`, as messages name it.
    pub(super) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `SGCluster.stackgres.io`, as some messages name it.
    pub(super) fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.to_owned() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// The subresources beside `status`.
    pub(super) fn subresources(&self) -> Vec<&'static str> {
        let scale = self.has_scale().then_some("scale");
        // Processor and memory of a running pod.
        let resize = (self.kind == "Pod").then_some("resize");
        scale.into_iter().chain(resize).collect()
    }

    pub(super) fn has_scale(&self) -> bool {
        self.own.is_some_and(|kind| kind.scale.is_some()) || matches!(self.kind, "StatefulSet" | "Deployment")
    }
}

type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, bool, bool, bool);

/// Group, version, kind, plural, short name, namespaced, status, generation.
const BUILT_IN: &[Row] = &[
    ("", "v1", "ConfigMap", "configmaps", "cm", true, false, false),
    ("", "v1", "Endpoints", "endpoints", "ep", true, false, false),
    ("", "v1", "Event", "events", "ev", true, false, false),
    ("", "v1", "Namespace", "namespaces", "ns", false, true, false),
    ("", "v1", "Node", "nodes", "no", false, true, false),
    ("", "v1", "PersistentVolume", "persistentvolumes", "pv", false, true, false),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", true, true, false),
    ("", "v1", "Pod", "pods", "po", true, true, true),
    ("", "v1", "PodTemplate", "podtemplates", "", true, false, true),
    ("", "v1", "Secret", "secrets", "", true, false, false),
    ("", "v1", "Service", "services", "svc", true, true, false),
    ("", "v1", "ServiceAccount", "serviceaccounts", "sa", true, false, false),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", "crd", false, true, true),
    ("apps", "v1", "Deployment", "deployments", "deploy", true, true, true),
    ("apps", "v1", "StatefulSet", "statefulsets", "sts", true, true, true),
    ("batch", "v1", "CronJob", "cronjobs", "cj", true, true, true),
    ("batch", "v1", "Job", "jobs", "", true, true, true),
    ("coordination.k8s.io", "v1", "Lease", "leases", "", true, false, false),
    ("events.k8s.io", "v1", "Event", "events", "ev", true, false, false),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", true, true, true),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", "", false, false, false),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", "", false, false, false),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles", "", true, false, false),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", "", true, false, false),
    ("storage.k8s.io", "v1", "StorageClass", "storageclasses", "sc", false, false, false),
];

/// Every resource, by group and plural name.
pub(super) static ALL: LazyLock<Vec<Resource>> = LazyLock::new(|| {
    let built_in = BUILT_IN.iter().map(|(group, version, kind, plural, short, namespaced, status, generation)| Resource {
        group,
        version,
        kind,
        plural,
        singular: Box::leak(kind.to_lowercase().into_boxed_str()),
        short_names: if short.is_empty() { &[] } else { std::slice::from_ref(short) },
        categories: if matches!(*kind, "Pod" | "Service" | "StatefulSet" | "Deployment") { &["all"] } else { &[] },
        namespaced: *namespaced,
        status: *status,
        generation: *generation,
        own: None,
    });
    let own = KINDS.iter().map(|kind| Resource {
        group: GROUP,
        version: kind.version,
        kind: kind.kind,
        plural: kind.plural,
        singular: kind.singular,
        short_names: kind.short_names,
        categories: kind.categories,
        namespaced: true,
        status: true,
        generation: true,
        own: Some(kind),
    });
    built_in.chain(own).collect()
});

/// The resource of a path.
pub(super) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    ALL.iter().find(|resource| resource.group == group && resource.version == version && resource.plural == plural)
}

/// The resource of a kind; events are those of `events.k8s.io`.
pub(super) fn of_kind(kind: &str) -> Option<&'static Resource> {
    ALL.iter().rfind(|resource| resource.kind == kind)
}

/// Where objects of a resource are kept: core events are a view of those of `events.k8s.io`.
pub(super) fn stored(resource: &'static Resource) -> &'static Resource {
    if resource.kind == "Event" { of_kind("Event").unwrap_or(resource) } else { resource }
}
