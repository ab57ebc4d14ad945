//! From versions to a plan.

use crate::diagnostics::Diagnostic;
use crate::diff::{
    Cause, Disturbance, EffectiveChange, Impact, ObjectAction, ObjectChange, Risk, Version, causes, effective_changes, impact,
    object_changes,
};
use crate::model::{Digest, NamespacedName};
use crate::validate::version_transition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a cluster before the change.
#[derive(Debug, Clone)]
pub enum Before {
    /// It does not exist.
    Absent,
    /// It exists in this version.
    Known(Box<Version>),
    /// It exists, but the earlier version could not be read; says why. Never taken for absent.
    Unknown(String),
}

/// Everything a plan is made from.
#[derive(Debug, Clone, Default)]
pub struct PlanInput {
    /// Name of the older side: a commit, `live` or empty.
    pub base: String,
    /// Name of the newer side.
    pub head: String,
    /// Clusters of the older side.
    pub before: BTreeMap<NamespacedName, Before>,
    /// Clusters of the newer side that passed validation.
    pub after: BTreeMap<NamespacedName, Version>,
    /// Clusters of the newer side that did not, with what is wrong. They keep what runs.
    pub blocked: BTreeMap<NamespacedName, Vec<Diagnostic>>,
    /// Changes that a rule refuses although the newer side is valid by itself (a smaller volume, another major version).
    pub refused: BTreeMap<NamespacedName, Vec<Diagnostic>>,
    /// Why the earlier version of a cluster is not known, where that is a finding of the older side.
    pub unknown: BTreeMap<NamespacedName, Vec<Diagnostic>>,
    /// What a person should know of a cluster's change beside what differs.
    pub notes: BTreeMap<NamespacedName, String>,
    /// Objects outside clusters that differ: Namespaces, ConfigMaps, configurations that no cluster uses.
    pub others: Vec<ObjectChange>,
    /// What was rehearsed of the changes.
    pub rehearsals: BTreeMap<NamespacedName, Rehearsed>,
}

/// The steps of a change, as a rehearsal of the rollout carried them out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsed {
    /// The instance that led when it began: which instance is restarted when depends on it.
    pub leader: String,
    /// What was done, in order.
    pub steps: Vec<String>,
}

/// What happens to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClusterAction {
    /// A rule refuses the change; what runs stays.
    Refused,
    /// The manifest does not pass; what runs stays.
    Blocked,
    /// The earlier version is not known, so nobody can say what changes.
    Unknown,
    /// It changes.
    Change,
    /// It leaves the source: reported, kept running, untouched.
    Orphan,
    /// It appears.
    Create,
}

/// One cluster of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterPlan {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// What happens.
    pub action: ClusterAction,
    /// What that does.
    pub impact: Impact,
    /// The steps of it, where instances are touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsed>,
    /// What a person changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Effective values that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<EffectiveChange>,
    /// Kubernetes objects that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectChange>,
    /// Why it is refused or blocked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

impl ClusterPlan {
    /// Whether something is carried out that has an effect.
    pub fn changes(&self) -> bool {
        match self.action {
            ClusterAction::Create => true,
            ClusterAction::Change => self.has_effect(),
            ClusterAction::Refused | ClusterAction::Blocked | ClusterAction::Unknown | ClusterAction::Orphan => false,
        }
    }

    /// Whether anything differs beside the words of the manifest.
    pub fn has_effect(&self) -> bool {
        // A configuration whose text differs though no value does, such as a default that is written out, says the same.
        let same_words = |change: &ObjectChange| {
            matches!(change.kind.as_str(), "ConfigMap" | "Endpoints")
                && change.action == ObjectAction::Changed
                && change.fields.iter().all(|field| !field.pointer.starts_with("/metadata/labels"))
        };
        !self.values.is_empty() || !self.impact.findings.is_empty() || !self.objects.iter().all(same_words)
    }

    /// Namespace and name.
    pub fn key(&self) -> NamespacedName {
        NamespacedName::new(&self.namespace, &self.name)
    }
}

/// What a commit does to a fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Twelve hexadecimal digits of the content's digest.
    pub id: String,
    /// The older side.
    pub base: String,
    /// The newer side.
    pub head: String,
    /// How many clusters both sides hold together.
    pub total: usize,
    /// Clusters per consequence, the strongest first.
    pub counts: Vec<Count>,
    /// Clusters that change, the most dangerous first.
    pub clusters: Vec<ClusterPlan>,
    /// Objects outside clusters that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<ObjectChange>,
}

/// How many clusters a consequence meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// The consequence in words.
    pub consequence: String,
    /// Number of clusters.
    pub clusters: usize,
}

impl Plan {
    /// Whether there is nothing to do and nothing to say. A cluster whose manifest says the same in another way counts as a
    /// difference (`diff --exit-code`): a revision of its own is released for it, although nothing that runs notices.
    pub fn is_empty(&self) -> bool {
        self.clusters.is_empty() && self.others.is_empty()
    }

    /// How many clusters change: those that are made and those whose change is carried out and has an effect.
    pub fn changing(&self) -> usize {
        self.clusters.iter().filter(|cluster| cluster.changes()).count()
    }
}

/// Builds the plan.
pub fn build(input: PlanInput) -> Plan {
    let PlanInput { base, head, before, after, blocked, refused, unknown, notes, others, rehearsals } = input;
    let names: BTreeSet<&NamespacedName> = before.keys().chain(after.keys()).chain(blocked.keys()).collect();
    let total = names.len();
    let mut clusters: Vec<ClusterPlan> = names
        .into_iter()
        .filter_map(|name| {
            let problems = |set: &BTreeMap<NamespacedName, Vec<Diagnostic>>| set.get(name).cloned().unwrap_or_default();
            match (blocked.contains_key(name), before.get(name), after.get(name)) {
                (true, _, _) => Some(plain(name, ClusterAction::Blocked, "blocked: what runs stays as it is", problems(&blocked))),
                (false, Some(_), None) => {
                    Some(plain(name, ClusterAction::Orphan, "no longer in the source: kept running, untouched", Vec::new()))
                }
                (false, Some(Before::Known(old)), Some(new)) => {
                    let mut changed = changed(name, old, new, problems(&refused), rehearsals.get(name))?;
                    changed.impact.notes.extend(notes.get(name).cloned());
                    Some(changed)
                }
                (false, Some(Before::Unknown(why)), Some(_)) => {
                    Some(plain(name, ClusterAction::Unknown, &format!("unknown before: {why}"), problems(&unknown)))
                }
                (false, Some(Before::Absent) | None, Some(new)) => Some(created(name, new)),
                (false, None, None) => None,
            }
        })
        .collect();
    clusters.sort_by_key(|cluster| (std::cmp::Reverse(danger(cluster)), cluster.namespace.clone(), cluster.name.clone()));
    let mut plan = Plan { id: String::new(), base, head, total, counts: counts(&clusters), clusters, others };
    plan.id = serde_json::to_value(&plan).map_or_else(|_| String::new(), |value| Digest::of(&value).short().to_owned());
    plan
}

fn danger(cluster: &ClusterPlan) -> (u8, usize, Disturbance) {
    let action = match cluster.action {
        ClusterAction::Refused => 5,
        ClusterAction::Blocked => 4,
        ClusterAction::Unknown => 3,
        ClusterAction::Change => 2,
        ClusterAction::Orphan => 1,
        ClusterAction::Create => 0,
    };
    (action, cluster.impact.risks.len(), cluster.impact.disturbance)
}

fn counts(clusters: &[ClusterPlan]) -> Vec<Count> {
    let mut counts: Vec<Count> = Vec::new();
    for cluster in clusters {
        let consequence = consequence(cluster);
        match counts.iter_mut().find(|count| count.consequence == consequence) {
            Some(count) => count.clusters += 1,
            None => counts.push(Count { consequence, clusters: 1 }),
        }
    }
    counts
}

/// The consequence of a cluster's change in a few words, the same for equal consequences.
pub fn consequence(cluster: &ClusterPlan) -> String {
    let base = match cluster.action {
        ClusterAction::Refused => "refused".to_owned(),
        ClusterAction::Blocked => "blocked".to_owned(),
        ClusterAction::Unknown => "unknown before".to_owned(),
        ClusterAction::Orphan => "orphaned, kept running".to_owned(),
        ClusterAction::Create => "created".to_owned(),
        ClusterAction::Change if !cluster.has_effect() => "no effect".to_owned(),
        ClusterAction::Change => disturbed(&cluster.impact),
    };
    let risks: Vec<String> = cluster.impact.risks.iter().filter(|risk| **risk != Risk::Refused).map(ToString::to_string).collect();
    if risks.is_empty() { base } else { format!("{base}, at risk: {}", risks.join(", ")) }
}

/// What stops or is read again, then the switchover, then the volumes: none of them hides another.
fn disturbed(impact: &Impact) -> String {
    let stops = impact.disturbances.iter().rev().find(|disturbance| **disturbance != Disturbance::Storage);
    let mut parts: Vec<String> = stops.iter().map(ToString::to_string).collect();
    if impact.rounds > 1 {
        parts = vec![match stops {
            Some(Disturbance::Restart) => "two restarts".to_owned(),
            _ => format!("{} and restart", parts.concat()),
        }];
    }
    if impact.switchovers > 0 {
        parts.push("switchover".to_owned());
    }
    if impact.disturbances.contains(&Disturbance::Storage) {
        parts.push(Disturbance::Storage.to_string());
    }
    if parts.is_empty() { Disturbance::Nothing.to_string() } else { parts.join(" + ") }
}

fn plain(name: &NamespacedName, action: ClusterAction, summary: &str, diagnostics: Vec<Diagnostic>) -> ClusterPlan {
    let impact = Impact::nothing(summary);
    ClusterPlan {
        namespace: name.namespace.clone(),
        name: name.name.clone(),
        action,
        impact,
        rehearsal: None,
        causes: Vec::new(),
        values: Vec::new(),
        objects: Vec::new(),
        diagnostics,
    }
}

fn created(name: &NamespacedName, new: &Version) -> ClusterPlan {
    let instances = new.effective.instances.value;
    let version = &new.effective.postgres.version.value;
    let summary = format!("new cluster: PostgreSQL {version}, {instances} {}", if instances == 1 { "instance" } else { "instances" });
    ClusterPlan { objects: object_changes(&[], &new.objects), ..plain(name, ClusterAction::Create, &summary, Vec::new()) }
}

fn changed(
    name: &NamespacedName,
    old: &Version,
    new: &Version,
    mut refusals: Vec<Diagnostic>,
    rehearsal: Option<&Rehearsed>,
) -> Option<ClusterPlan> {
    let causes = causes(Some(old), Some(new));
    let values = effective_changes(Some(old), Some(new));
    let objects = object_changes(&old.objects, &new.objects);
    if causes.is_empty() && values.is_empty() && objects.is_empty() {
        return None;
    }
    let mut impact = impact(old, new, &values, &objects);
    refusals.extend(version_refusal(old, new).filter(|problem| refusals.iter().all(|other| other.code != problem.code)));
    if !refusals.is_empty() {
        impact = impact.refused();
    }
    let action = if impact.risks.contains(&Risk::Refused) { ClusterAction::Refused } else { ClusterAction::Change };
    let mut cluster = ClusterPlan {
        namespace: name.namespace.clone(),
        name: name.name.clone(),
        action,
        impact,
        rehearsal: rehearsal.filter(|_| action == ClusterAction::Change).cloned(),
        causes,
        values,
        objects,
        diagnostics: refusals,
    };
    if action == ClusterAction::Change && !cluster.has_effect() {
        "no effect: the manifest says the same in another way".clone_into(&mut cluster.impact.summary);
    }
    Some(cluster)
}

/// The rule about versions needs both of them resolved, which only the two versions of a plan are.
fn version_refusal(old: &Version, new: &Version) -> Option<Diagnostic> {
    let cluster = new.manifests.iter().find(|manifest| manifest.object.kind() == "SGCluster")?;
    version_transition(&old.effective.postgres.version.value, &new.effective.postgres.version.value, cluster)
}
