//! What may not change, and what may only grow.

use super::structural::of_rule;
use crate::api::schema::Schema;
use crate::api::{Kind, find_kind};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use crate::model::pointer::join;
use crate::model::{Object, ObjectKey, Quantity};
use crate::postgres::major;
use serde_json::Value;
use std::collections::BTreeMap;

/// Codes of the transition rules.
pub const CODES: &[Code] = &[
    Code::error(
        "storage-shrinks",
        "a volume would get smaller",
        "Volumes cannot shrink. To move to smaller ones, make a new cluster from a backup.",
    ),
    Code::error(
        "immutable-field",
        "the field cannot change after creation",
        "What it decides was decided when the object was made. Make a new one instead.",
    ),
    Code::error(
        "becomes-standby",
        "a cluster with data of its own would follow another one",
        "A standby cluster is a copy of its source from the first byte on. What this cluster holds would have to be thrown away, which is never a side effect. Make a new SGCluster with `replicateFrom`. A standby cluster that was promoted does not go back either.",
    ),
    Code::error(
        "major-version-changes",
        "the major version would change",
        "The data files of one major version cannot be read by another. The upgrade is an operation of its own (SGDbOps `majorVersionUpgrade`); a downgrade is a restore into a new cluster.",
    ),
    Code::error(
        "minor-version-downgrades",
        "the minor version would go back",
        "The older minor lacks fixes the running one has, may not know parameters that are written for the newer, and nobody tests the way back. Where an upgrade went wrong, roll back to the earlier revision, which names its version, or take a newer minor.",
    ),
];

/// Changes of Patroni's static configuration that Patroni takes without a new bootstrap.
const PATRONI_MUTABLE: &[&str] = &["pg_ctl_timeout", "callbacks", "pre_promote", "before_stop"];

/// Refused changes from `old` to `new` of one object of ours: by the rules in the schema of its kind, which the API server knows as well,
/// and of a cluster by those that it cannot know.
pub fn transition(old: &Object, new: &Manifest) -> Vec<Diagnostic> {
    let findings = find_kind(new.object.kind()).map(|kind| refused_by_schema(old.value(), new.object.value(), kind)).unwrap_or_default();
    let mut problems: Vec<Diagnostic> =
        findings.into_iter().map(|(pointer, problem)| problem.at(new.locate(&pointer)).path(&pointer)).collect();
    if new.object.kind() == "SGCluster" {
        cluster(old, new, &mut problems);
    }
    problems
}

/// Refused changes of a cluster and of what it refers to, each against what was before under the same name.
pub fn transitions<'a>(old: impl Iterator<Item = &'a Object>, new: impl Iterator<Item = &'a Manifest>) -> Vec<Diagnostic> {
    let old: BTreeMap<ObjectKey, &Object> = old.map(|object| (object.key(), object)).collect();
    new.filter_map(|new| Some((old.get(&new.key())?, new))).flat_map(|(old, new)| transition(old, new)).collect()
}

/// What the API server refuses of a change to an object of ours: JSON pointers, and what is wrong there.
pub fn refused_by_schema(old: &Value, new: &Value, kind: &Kind) -> Vec<(String, Diagnostic)> {
    let mut findings = Vec::new();
    walk("", &kind.schema, new, old, &mut findings);
    findings
}

/// Rules about what was before hold for what is there on both sides. Items of lists cannot be told apart, so there are none inside of them.
fn walk(pointer: &str, schema: &Schema, new: &Value, old: &Value, findings: &mut Vec<(String, Diagnostic)>) {
    let (Value::Object(fields), Value::Object(_)) = (new, old) else { return };
    let broken = schema.rules.iter().filter(|rule| rule.condition.is_transition() && !rule.condition.holds(new, Some(old)));
    findings.extend(broken.map(|rule| of_rule(pointer, rule, new)));
    for (key, value) in fields {
        if let (Some(schema), Some(old)) = (schema.child(key), old.get(key)) {
            walk(&join(pointer, key), schema, value, old, findings);
        }
    }
}

/// What only this program knows of a cluster.
fn cluster(old: &Object, new: &Manifest, problems: &mut Vec<Diagnostic>) {
    let mut refuse = |pointer: &str, problem: Diagnostic| problems.push(problem.at(new.locate(pointer)).path(pointer));

    let size = "/spec/pods/persistentVolume/size";
    if let (Some(before), Some(after)) = (old.text(size).and_then(Quantity::parse), new.object.text(size).and_then(Quantity::parse))
        && after < before
    {
        let problem = Diagnostic::error(
            "storage-shrinks",
            format!("the volume would shrink from {} to {}", before.memory_text(), after.memory_text()),
        );
        refuse(size, problem.help("volumes only grow: write the old size or more"));
    }
    if let (Some(before), Some(after)) = (old.text(VERSION), new.object.text(VERSION))
        && let Some(problem) = version_problem(before, after)
    {
        refuse(VERSION, problem);
    }
    let source = "/spec/replicateFrom";
    let follows = |object: &Object| object.get(source).is_some_and(|value| !value.is_null());
    if !follows(old) && follows(&new.object) {
        let problem = Diagnostic::error("becomes-standby", "a cluster that takes writes cannot become a standby cluster");
        refuse(source, problem.help("take replicateFrom out; make a new SGCluster that replicates from the source"));
    }
    let patroni = "/spec/configurations/patroni/initialConfig";
    if fixed_part(old.get(patroni)) != fixed_part(new.object.get(patroni)) {
        refuse(
            patroni,
            Diagnostic::error("immutable-field", "Patroni's static configuration cannot change")
                .help(format!("only postgresql.{} may", PATRONI_MUTABLE.join(", postgresql."))),
        );
    }
}

const VERSION: &str = "/spec/postgres/version";

/// Refused changes of the version that runs, both sides resolved: what is written may be an alias (`latest`, `17`) that says
/// nothing about what it stood for when the running revision was made.
pub fn version_transition(running: &str, wanted: &str, new: &Manifest) -> Option<Diagnostic> {
    version_problem(running, wanted).map(|problem| problem.at(new.locate(VERSION)).path(VERSION))
}

/// Of two full versions, or of as much of them as is written.
fn version_problem(before: &str, after: &str) -> Option<Diagnostic> {
    let (old, new) = (major(before)?, major(after)?);
    if old != new {
        let help = if new > old {
            format!("write `version: '{old}'` again; the upgrade is the operation majorVersionUpgrade of an SGDbOps")
        } else {
            format!("write `version: '{old}'` again; going back means restoring into a new cluster")
        };
        return Some(
            Diagnostic::error("major-version-changes", format!("the major version would change from {before} to {after}")).help(help),
        );
    }
    let minor = |version: &str| version.split_once('.').and_then(|(_, minor)| minor.parse::<u32>().ok());
    (minor(after)? < minor(before)?).then(|| {
        Diagnostic::error("minor-version-downgrades", format!("the minor version would go back from {before} to {after}"))
            .help(format!("write `version: '{before}'`; after an upgrade that went wrong, roll back to the earlier revision"))
    })
}

fn fixed_part(value: Option<&Value>) -> Value {
    let mut value = value.cloned().unwrap_or(Value::Null);
    if let Some(postgresql) = value.get_mut("postgresql").and_then(Value::as_object_mut) {
        postgresql.retain(|key, _| !PATRONI_MUTABLE.contains(&key.as_str()));
        if postgresql.is_empty() {
            value.as_object_mut().map(|map| map.remove("postgresql"));
        }
    }
    if value.as_object().is_some_and(serde_json::Map::is_empty) { Value::Null } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(version: &str) -> Object {
        Object::new(serde_json::json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": "a"},
            "spec": {"postgres": {"version": version}}}))
    }

    /// An alias says nothing about what runs: a downgrade in disguise would start an old server on new data files.
    #[test]
    fn versions_are_compared_as_they_run() {
        let new = Manifest::live(cluster("17"));
        let code = |running: &str, wanted: &str| version_transition(running, wanted, &new).map(|problem| problem.code);
        assert_eq!(code("18.6", "17.12").as_deref(), Some("major-version-changes"));
        assert_eq!(code("17.12", "18.6").as_deref(), Some("major-version-changes"));
        assert_eq!(code("17.12", "17.6").as_deref(), Some("minor-version-downgrades"));
        assert_eq!(code("17.6", "17.12"), None);
        assert_eq!(code("17.12", "17.12"), None);
        let written = |old: &str, new: &str| transition(&cluster(old), &Manifest::live(cluster(new))).len();
        assert_eq!((written("17", "18"), written("17.12", "17.6"), written("17.6", "17"), written("latest", "17")), (1, 1, 0, 0));
    }
}
