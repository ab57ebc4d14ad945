//! The plan of a push against what is live.

use super::{LiveError, asked, read_revision};
use crate::diagnostics::Diagnostic;
use crate::diff::{ObjectChange, object_changes};
use crate::engine::SOURCE_MANAGER;
use crate::engine::offline::{Options, Plan, Report, check_manifests, follow, frozen, version};
use crate::engine::rehearsals::{rehearse_changes, roles as roles_of};
use crate::kubernetes::{Apply, Cluster, KubernetesError};
use crate::load::Manifest;
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::plan::{Before, PlanInput, build};
use crate::render::revision::Revision;
use crate::resolve::Settings;
use crate::rollout::Roles;
use crate::validate::transitions;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What a push would do.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LivePlan {
    /// Clusters, from what is released to what the files say.
    #[serde(flatten)]
    pub plan: Plan,
    /// Custom resources, from what is live to what the server would make of the files.
    #[serde(rename = "customResources")]
    pub objects: Vec<ObjectChange>,
    /// What the server would refuse.
    #[serde(rename = "refusedByTheServer")]
    pub refused: Vec<Diagnostic>,
}

/// The plan from the live cluster to some files. Clusters that only live in the cluster are not looked at.
pub fn live_plan(kubeconfig: Option<&Path>, head: &Report, head_name: &str, settings: &Settings) -> Result<LivePlan, LiveError> {
    asked(kubeconfig, async |api| {
        let (objects, refused) = dry_run(&api, head).await?;
        let mut input = PlanInput { base: "live".to_owned(), head: head_name.to_owned(), ..PlanInput::default() };
        let mut live = Live { api: &api, settings, checked: BTreeMap::new(), roles: BTreeMap::new() };
        let mut released: BTreeMap<NamespacedName, Revision> = BTreeMap::new();
        for name in head.clusters.keys().chain(head.blocked.keys()) {
            match live.before(name).await? {
                Some(Known::Released(revision)) => {
                    input.before.insert(name.clone(), Before::Known(Box::new(frozen(&revision))));
                    released.insert(name.clone(), *revision);
                }
                Some(Known::Other(before)) => drop(input.before.insert(name.clone(), before)),
                None => {}
            }
        }
        for (name, cluster) in &head.clusters {
            let old: Vec<Object> = match input.before.get(name) {
                Some(Before::Known(version)) => version.manifests.iter().map(|manifest| manifest.object.clone()).collect(),
                _ => api.get(&cluster.inputs().cluster.key()).await?.into_iter().collect(),
            };
            let refused = transitions(old.iter(), cluster.inputs().manifests());
            if !refused.is_empty() {
                input.refused.insert(name.clone(), refused);
            }
            follow(&mut input, released.get(name), cluster, settings);
        }
        input.blocked.clone_from(&head.blocked);
        rehearse_changes(&mut input, &live.roles);
        Ok(LivePlan { plan: build(input), objects, refused })
    })
}

/// What the server would make of every manifest.
async fn dry_run(api: &Cluster, head: &Report) -> Result<(Vec<ObjectChange>, Vec<Diagnostic>), KubernetesError> {
    let coming: BTreeSet<&str> =
        head.manifests.iter().filter(|manifest| manifest.object.kind() == "Namespace").map(|manifest| manifest.object.name()).collect();
    let how = Apply { manager: SOURCE_MANAGER.to_owned(), force: true, dry_run: true, account: None };
    let (mut before, mut after, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for manifest in head.applied() {
        let key = manifest.key();
        let live = api.get(&key).await?;
        match api.apply(&manifest.object, &how).await {
            Ok(object) => after.push(plain(&object)),
            // The namespace comes with the same push: the server cannot look into it yet.
            Err(error) if error.is_not_found() && key.namespace.as_deref().is_some_and(|namespace| coming.contains(namespace)) => {
                after.push(plain(&manifest.object));
            }
            Err(error) if error.is_general() => return Err(error),
            Err(error) => {
                let help = "the API server judged this in a dry run, with the rights of the person who asks";
                refused.push(Diagnostic::error("apply-failed", error.to_string()).at(manifest.locate("")).help(help));
                continue;
            }
        }
        before.extend(live.as_ref().map(plain));
    }
    Ok((object_changes(&before, &after), refused))
}

/// Without what only the server writes.
fn plain(object: &Object) -> Object {
    let mut value = object.value().clone();
    if let Some(map) = value.as_object_mut() {
        map.remove("status");
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
        metadata.retain(|name, _| matches!(name.as_str(), "name" | "namespace" | "labels" | "annotations"));
    }
    Object::new(value)
}

/// What is known of a cluster.
enum Known {
    /// What was released to it.
    Released(Box<Revision>),
    /// Something else.
    Other(Before),
}

struct Live<'a> {
    api: &'a Cluster,
    settings: &'a Settings,
    /// What the live inputs of a namespace say, for clusters that were never released.
    checked: BTreeMap<String, Report>,
    /// Which instance does what, where that is known.
    roles: BTreeMap<NamespacedName, Roles>,
}

impl Live<'_> {
    /// What a cluster shall run now; `None` where it does not exist.
    async fn before(&mut self, name: &NamespacedName) -> Result<Option<Known>, KubernetesError> {
        let key = ObjectKey::new("stackgres.io/v1", "SGCluster", Some(&name.namespace), &name.name);
        let Some(cluster) = self.api.get(&key).await? else { return Ok(None) };
        self.roles.extend(roles_of(&cluster).map(|roles| (name.clone(), roles)));
        let Some(released) = cluster.text("/status/release/revision") else { return self.inputs(name).await.map(Known::Other).map(Some) };
        Ok(Some(match read_revision(self.api, name, released).await? {
            Ok(revision) => Known::Released(Box::new(revision)),
            Err(why) => Known::Other(Before::Unknown(why)),
        }))
    }

    async fn inputs(&mut self, name: &NamespacedName) -> Result<Before, KubernetesError> {
        if !self.checked.contains_key(&name.namespace) {
            let mut manifests = Vec::new();
            for kind in crate::api::carried_out().filter(|kind| kind.kind != "SGFleet") {
                manifests.extend(self.api.list(kind.kind, Some(&name.namespace), "").await?.into_iter().map(Manifest::live));
            }
            let options = Options { settings: self.settings.clone(), ..Options::default() };
            self.checked.insert(name.namespace.clone(), check_manifests(manifests, BTreeSet::new(), &options));
        }
        let report = self.checked.get(&name.namespace);
        Ok(match report.and_then(|report| report.clusters.get(name)) {
            Some(cluster) => Before::Known(Box::new(version(cluster))),
            None => Before::Unknown("it was never released, and its live inputs do not pass".to_owned()),
        })
    }
}
