//! What follows from a fleet's source alone, kept until the source is another one.
//!
//! In: content of a source. Out: what was checked of it. Invariant: it holds nothing that was read from the API server, beside which
//! live object was found to be as the source says; losing it costs a check. Why: a source changes now and then, and a pass is made
//! whenever anything changes.

use super::source::News;
use crate::engine::offline::{Known, Options, Report, check_again};
use crate::model::{Digest, NamespacedName, Object, ObjectKey};
use crate::render::revision::inputs_digest;
use crate::resolve::Settings;
use crate::validate::ValidCluster;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Of each fleet.
#[derive(Default)]
pub(super) struct KeptFleets(BTreeMap<NamespacedName, (Arc<Kept>, Known)>);

/// Of one fleet.
pub(super) struct Kept {
    /// What was found.
    pub(super) report: Report,
    /// Digest of the inputs of each cluster that passed.
    digests: BTreeMap<NamespacedName, Digest>,
    /// Clusters of which not a letter changed with the newest content.
    same_as_before: BTreeSet<NamespacedName>,
    /// Objects that are live just as they are described: the described one, and the live one it was compared with.
    in_place: Mutex<BTreeMap<ObjectKey, (Object, Object)>>,
    news: Arc<News>,
    namespaces: (Option<String>, Vec<String>),
    majors: BTreeMap<NamespacedName, u32>,
}

impl KeptFleets {
    /// Forgets fleets that are gone.
    pub(super) fn keep(&mut self, known: &[NamespacedName]) {
        self.0.retain(|fleet, _| known.contains(fleet));
    }

    /// What the newest content of a fleet's source says.
    pub(super) fn of(&mut self, fleet: NamespacedName, news: &Arc<News>, options: &Options) -> Arc<Kept> {
        let namespaces = (options.load.default_namespace.clone(), options.load.namespaces.clone());
        let same = |kept: &Kept| {
            Arc::ptr_eq(&kept.news, news) && kept.namespaces == namespaces && kept.majors == majors(&kept.report, &options.settings)
        };
        let (before, mut known) = match self.0.remove(&fleet) {
            Some((kept, known)) if same(&kept) => {
                self.0.insert(fleet, (kept.clone(), known));
                return kept;
            }
            Some((kept, known)) => (Some(kept), known),
            None => (None, Known::default()),
        };
        let mut report = check_again(&news.files.files, options, &mut known);
        report.diagnostics.extend(news.files.refused.clone());
        let unchanged = |name: &NamespacedName, valid: &ValidCluster| {
            let before = before.as_ref()?;
            before.report.clusters.get(name).is_some_and(|other| other.is_same(valid)).then(|| before.digests.get(name).cloned())?
        };
        let mut same_as_before = BTreeSet::new();
        let mut digests = BTreeMap::new();
        for (name, valid) in &report.clusters {
            let digest = unchanged(name, valid);
            if digest.is_some() {
                same_as_before.insert(name.clone());
            }
            digests.insert(name.clone(), digest.unwrap_or_else(|| inputs_digest(valid)));
        }
        let majors = majors(&report, &options.settings);
        let kept = Kept { report, digests, same_as_before, in_place: Mutex::default(), news: news.clone(), namespaces, majors };
        let kept = Arc::new(kept);
        self.0.insert(fleet, (kept.clone(), known));
        kept
    }
}

impl Kept {
    /// Whether these inputs of a cluster were released, so that no change is to be judged.
    pub(super) fn is_released(&self, cluster: &Object) -> bool {
        self.digests.get(&cluster.namespaced_name()).is_some_and(|digest| cluster.text("/status/release/digest") == Some(digest.as_str()))
    }

    /// Whether the newest content changed nothing of a cluster whose inputs were released.
    pub(super) fn is_unchanged(&self, cluster: &Object) -> bool {
        self.is_released(cluster) && self.same_as_before.contains(&cluster.namespaced_name())
    }

    /// Whether a live object was found to be as it is described.
    pub(super) fn is_in_place(&self, key: &ObjectKey, described: &Object, live: &Object) -> bool {
        let in_place = self.in_place.lock().unwrap_or_else(PoisonError::into_inner);
        in_place.get(key).is_some_and(|(known, seen)| known.is_same(described) && seen.is_same(live))
    }

    /// Remembers that it is.
    pub(super) fn found_in_place(&self, key: ObjectKey, described: &Object, live: &Object) {
        let found = (described.clone(), live.clone());
        self.in_place.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found);
    }
}

/// Versions that run, of the clusters whose manifest leaves them open.
fn majors(report: &Report, settings: &Settings) -> BTreeMap<NamespacedName, u32> {
    let open = report.manifests.iter().filter(|manifest| manifest.object.text("/spec/postgres/version") == Some("latest"));
    let major = |name: NamespacedName| settings.majors.get(&name).map(|major| (name, *major));
    open.filter_map(|manifest| major(manifest.object.namespaced_name())).collect()
}
