//! What the live manifests say, for clusters that release themselves.

use super::claims;
use super::facts::Facts;
use crate::engine::offline::{Options, Report, check_manifests};
use crate::kubernetes::{Cluster, KubernetesError};
use crate::load::Manifest;
use crate::model::{Object, ObjectKey};
use crate::resolve::{Settings, config_maps_of};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The last check, with what it was made of. Losing it costs a check.
#[derive(Default)]
pub(super) struct OwnInputs(Option<(Vec<Object>, Arc<Report>)>);

impl OwnInputs {
    /// Checks the manifests of every namespace that has such a cluster, with the ConfigMaps that those refer to.
    pub(super) async fn check(&mut self, api: &Cluster, facts: &Facts, settings: &Settings) -> Result<Arc<Report>, KubernetesError> {
        let itself = |cluster: &&Object| claims::named(cluster).is_none() || claims::is_set_free(cluster);
        let clusters: Vec<&Object> = facts.of_kind("SGCluster").filter(itself).collect();
        let namespaces: BTreeSet<&str> = clusters.iter().filter_map(|cluster| cluster.namespace()).collect();
        let concerned = |object: &&Object| object.kind() != "SGFleet" && object.namespace().is_some_and(|own| namespaces.contains(own));
        let mut objects: Vec<Object> = facts.own.values().filter(concerned).cloned().collect();
        let mut wanted = BTreeSet::new();
        for cluster in clusters {
            let namespace = cluster.namespace().unwrap_or_default();
            let scripts = facts.of_kind_in("SGScript", namespace);
            let names = std::iter::once(cluster).chain(scripts).flat_map(config_maps_of);
            wanted.extend(names.map(|name| ObjectKey::new("v1", "ConfigMap", Some(namespace), &name)));
        }
        for key in wanted {
            objects.extend(api.get(&key).await?);
        }
        let same = |known: &[Object]| known.len() == objects.len() && known.iter().zip(&objects).all(|(known, object)| known == object);
        if let Some((_, report)) = self.0.as_ref().filter(|(known, _)| same(known)) {
            return Ok(report.clone());
        }
        let manifests = objects.iter().cloned().map(Manifest::live).collect();
        let options = Options { settings: facts.settings(settings), ..Options::default() };
        let report = Arc::new(check_manifests(manifests, BTreeSet::new(), &options));
        self.0 = Some((objects, report.clone()));
        Ok(report)
    }
}
