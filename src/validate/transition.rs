//! What may not change, and what may only grow.

use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use crate::model::{Object, Quantity};
use crate::postgres::major;
use serde_json::Value;

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
        "What it decides was decided when the database was made. Make a new cluster instead.",
    ),
    Code::error(
        "major-version-changes",
        "the major version would change",
        "The data files of one major version cannot be read by another. The upgrade is an operation of its own (SGDbOps `majorVersionUpgrade`); a downgrade is a restore into a new cluster.",
    ),
];

/// Changes of Patroni's static configuration that Patroni takes without a new bootstrap.
const PATRONI_MUTABLE: &[&str] = &["pg_ctl_timeout", "callbacks", "pre_promote", "before_stop"];

/// Refused changes from `old` to `new` of one SGCluster; none for other kinds.
pub fn transition(old: &Object, new: &Manifest) -> Vec<Diagnostic> {
    if new.object.kind() != "SGCluster" {
        return Vec::new();
    }
    let mut problems = Vec::new();
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
    let version = "/spec/postgres/version";
    if let (Some(before), Some(after)) = (old.text(version).and_then(major), new.object.text(version).and_then(major))
        && before != after
    {
        let help = if after > before {
            "put the old major back; the upgrade is the operation majorVersionUpgrade of an SGDbOps"
        } else {
            "put the old major back; going back means restoring into a new cluster"
        };
        refuse(
            version,
            Diagnostic::error("major-version-changes", format!("the major version would change from {before} to {after}")).help(help),
        );
    }
    let flavor = "/spec/postgres/flavor";
    if old.text(flavor).unwrap_or("vanilla") != new.object.text(flavor).unwrap_or("vanilla") {
        refuse(flavor, Diagnostic::error("immutable-field", "the flavor cannot change").help("put the old one back"));
    }
    let restore = "/spec/initialData/restore";
    if old.get(restore) != new.object.get(restore) {
        refuse(restore, Diagnostic::error("immutable-field", "the source of the first data cannot change").help("put it back as it was"));
    }
    let patroni = "/spec/configurations/patroni/initialConfig";
    if fixed_part(old.get(patroni)) != fixed_part(new.object.get(patroni)) {
        refuse(
            patroni,
            Diagnostic::error("immutable-field", "Patroni's static configuration cannot change")
                .help(format!("only postgresql.{} may", PATRONI_MUTABLE.join(", postgresql."))),
        );
    }
    problems
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
