//! What was found of single documents and clusters, kept for the next check of the same source.
//!
//! In: documents, inputs. Out: findings. Invariant: a finding is used again only where the very same documents are asked about, under the
//! same settings; what is not asked about any more is forgotten. Why: a commit changes one file of thousands.

use crate::diagnostics::Diagnostics;
use crate::load::{LoadedFiles, Manifest};
use crate::model::NamespacedName;
use crate::resolve::{Inputs, Settings};
use crate::validate::{ValidCluster, check_cluster, check_manifest};
use std::collections::HashMap;

/// Losing it costs a whole check. It holds for one catalogue and one domain: who has others begins anew.
#[derive(Debug, Default)]
pub struct Known {
    pub(super) files: LoadedFiles,
    /// By the address of the document, which holds as long as it is kept here.
    documents: HashMap<usize, (Manifest, Diagnostics)>,
    clusters: HashMap<usize, Cluster>,
}

#[derive(Debug)]
struct Cluster {
    inputs: Inputs,
    major: Option<u32>,
    found: (Option<ValidCluster>, Diagnostics),
}

impl Known {
    /// Checks documents, each alone.
    pub(super) fn documents(&mut self, manifests: Vec<Manifest>) -> Vec<(Manifest, Diagnostics)> {
        let mut before = std::mem::take(&mut self.documents);
        let known = manifests.into_iter().map(|manifest| {
            let found = before.remove(&manifest.object.address()).filter(|(known, _)| known.is_same(&manifest));
            (manifest, found.map(|(_, findings)| findings))
        });
        let checked = super::side_by_side::map(known.collect(), |(manifest, known)| {
            let findings = known.unwrap_or_else(|| check_manifest(&manifest));
            (manifest, findings)
        });
        self.documents =
            checked.iter().map(|(manifest, findings)| (manifest.object.address(), (manifest.clone(), findings.clone()))).collect();
        checked
    }

    /// Checks clusters.
    pub(super) fn clusters(&mut self, all: Vec<Inputs>, settings: &Settings) -> Vec<(NamespacedName, (Option<ValidCluster>, Diagnostics))> {
        let mut before = std::mem::take(&mut self.clusters);
        let known = all.into_iter().map(|inputs| {
            let name = inputs.name();
            let major = settings.majors.get(&name).copied();
            let found =
                before.remove(&inputs.cluster.object.address()).filter(|known| known.major == major && known.inputs.are_same(&inputs));
            (name, inputs, major, found)
        });
        let checked = super::side_by_side::map(known.collect(), |(name, inputs, major, found)| {
            let cluster = found.unwrap_or_else(|| Cluster { major, found: check_cluster(inputs.clone(), settings), inputs });
            (name, cluster)
        });
        let results = checked.iter().map(|(name, cluster)| (name.clone(), cluster.found.clone())).collect();
        self.clusters = checked.into_iter().map(|(_, cluster)| (cluster.inputs.cluster.object.address(), cluster)).collect();
        results
    }
}
