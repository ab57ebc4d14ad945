//! Everything a pass decides from, read once at its beginning.

use crate::api::carried_out;
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::postgres::major;
use crate::render::revision::{REVISION_TYPE, Revision, from_secret};
use crate::resolve::Settings;
use crate::rollout::not_in_place;
use std::collections::BTreeMap;

/// Kinds of the objects a cluster is made of.
pub(super) const CHILDREN: &[&str] = &[
    "ConfigMap",
    "Endpoints",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "PodMonitor",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "ServiceAccount",
    "StatefulSet",
];

/// Label selector of the objects of clusters.
pub(super) const OURS: &str = "app=StackGresCluster";

/// One moment of the API server.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Our own kinds, by key.
    pub own: BTreeMap<ObjectKey, Object>,
    /// Objects of clusters, by the cluster they belong to.
    pub children: BTreeMap<NamespacedName, BTreeMap<ObjectKey, Object>>,
    /// Kinds that are not installed.
    pub absent_kinds: Vec<String>,
}

impl Facts {
    /// Reads everything. A kind that is not installed is noted; any other failure ends the pass, because unknown is not absent.
    pub(super) async fn read(cluster: &Cluster) -> Result<Self, KubernetesError> {
        let mut facts = Self::default();
        for kind in carried_out() {
            for object in cluster.seen(kind.kind, "").await? {
                facts.own.insert(object.key(), object);
            }
        }
        for kind in CHILDREN {
            match cluster.seen(kind, OURS).await {
                Ok(objects) => {
                    for object in objects {
                        let name = object.label("stackgres.io/cluster-name").unwrap_or_default();
                        let owner = NamespacedName::new(object.namespace().unwrap_or_default(), name);
                        facts.children.entry(owner).or_default().insert(object.key(), object);
                    }
                }
                Err(error) if error.is_not_found() => facts.absent_kinds.push((*kind).to_owned()),
                Err(error) => return Err(error),
            }
        }
        Ok(facts)
    }

    /// Objects of one of our kinds.
    pub(super) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object> {
        let from = self.own.range(ObjectKey::new("", kind, None, "")..);
        from.take_while(move |(key, _)| key.kind == kind).map(|(_, object)| object)
    }

    /// Objects of one of our kinds in one namespace, without a look at all the others.
    pub(super) fn of_kind_in<'a>(&'a self, kind: &'a str, namespace: &'a str) -> impl Iterator<Item = &'a Object> {
        let from = self.own.range(ObjectKey::new("", kind, Some(namespace), "")..);
        from.take_while(move |(key, _)| key.kind == kind && key.namespace.as_deref() == Some(namespace)).map(|(_, object)| object)
    }

    /// The settings, with the major version of every cluster that was released.
    pub(super) fn settings(&self, settings: &Settings) -> Settings {
        let version = |cluster: &Object| Some((cluster.namespaced_name(), major(cluster.text("/status/postgresVersion")?)?));
        Settings { majors: self.of_kind("SGCluster").filter_map(version).collect(), ..settings.clone() }
    }

    /// An object with the labels of any cluster, by its key: it may be another cluster's.
    pub(super) fn labelled(&self, key: &ObjectKey) -> Option<&Object> {
        let namespace = key.namespace.as_deref().unwrap_or_default();
        let of_namespace = self.children.range(NamespacedName::new(namespace, "")..).take_while(|(owner, _)| owner.namespace == namespace);
        of_namespace.map(|(_, children)| children).find_map(|children| children.get(key))
    }

    /// Whether a revision of a cluster is there, by the name of its Secret.
    pub(super) fn has_revision(&self, cluster: &NamespacedName, name: &str) -> bool {
        let key = ObjectKey::new("v1", "Secret", Some(&cluster.namespace), name);
        self.children.get(cluster).is_some_and(|children| children.contains_key(&key))
    }

    /// A revision of a cluster by the name of its Secret; `None` where it is missing or damaged.
    pub(super) fn revision(&self, cluster: &NamespacedName, name: &str) -> Option<Revision> {
        let key = ObjectKey::new("v1", "Secret", Some(&cluster.namespace), name);
        from_secret(self.children.get(cluster)?.get(&key)?).ok()
    }

    /// The newest kept revision whose objects are all in place: what runs, where nothing says so any more.
    pub(super) fn revision_in_place(&self, cluster: &NamespacedName, live: &BTreeMap<ObjectKey, Object>) -> Option<Revision> {
        let kept = self.children.get(cluster)?.values().filter(|object| object.text("/type") == Some(REVISION_TYPE));
        let mut kept: Vec<&Object> = kept.collect();
        kept.sort_by_key(|secret| secret.text("/metadata/creationTimestamp").unwrap_or_default());
        let in_place = |revision: &Revision| not_in_place(revision, live, &self.absent_kinds).next().is_none();
        kept.into_iter().rev().filter_map(|secret| from_secret(secret).ok()).find(in_place)
    }
}
