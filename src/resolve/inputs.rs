//! A cluster's spec with everything it refers to.

use crate::load::Manifest;
use crate::model::{NamespacedName, ObjectKey};
use std::collections::BTreeMap;

/// A cluster and every object its spec refers to, from one commit or from the live objects of one moment.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The SGCluster.
    pub cluster: Manifest,
    /// The SGInstanceProfile it names, if it names one.
    pub instance_profile: Option<Manifest>,
    /// The SGPostgresConfig it names, if it names one.
    pub postgres_config: Option<Manifest>,
    /// The SGPoolingConfig it names, if it names one.
    pub pooling_config: Option<Manifest>,
    /// The SGScripts it names, in the order of `spec.managedSql.scripts`.
    pub scripts: Vec<Manifest>,
    /// The SGCluster it replicates from, if it names one. It is none of [`Inputs::manifests`]: the standby cluster needs to know
    /// where it is and nothing else, so a change of the source is no change of the standby cluster.
    pub source: Option<Manifest>,
    /// SGObjectStorages and ConfigMaps it refers to.
    pub others: BTreeMap<ObjectKey, Manifest>,
}

impl Inputs {
    /// Namespace and name of the cluster.
    pub fn name(&self) -> NamespacedName {
        self.cluster.object.namespaced_name()
    }

    /// Whether both hold the very same documents, which is seen without a look into them.
    pub fn are_same(&self, other: &Self) -> bool {
        let one = |one: &Option<Manifest>, other: &Option<Manifest>| match (one, other) {
            (Some(one), Some(other)) => one.is_same(other),
            (None, None) => true,
            _ => false,
        };
        let Self { cluster, instance_profile, postgres_config, pooling_config, scripts, source, others } = self;
        cluster.is_same(&other.cluster)
            && one(instance_profile, &other.instance_profile)
            && one(postgres_config, &other.postgres_config)
            && one(pooling_config, &other.pooling_config)
            && one(source, &other.source)
            && scripts.len() == other.scripts.len()
            && scripts.iter().zip(&other.scripts).all(|(one, other)| one.is_same(other))
            && others.len() == other.others.len()
            && others.values().zip(other.others.values()).all(|(one, other)| one.is_same(other))
    }

    /// The cluster and everything it refers to.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        std::iter::once(&self.cluster)
            .chain(self.instance_profile.iter())
            .chain(self.postgres_config.iter())
            .chain(self.pooling_config.iter())
            .chain(self.scripts.iter())
            .chain(self.others.values())
    }
}
