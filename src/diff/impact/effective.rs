//! What a changed effective value does.

use super::parameters;
use super::{Disturbance, Finding, Risk};
use crate::diff::Version;
use crate::diff::effective::EffectiveChange;
use crate::postgres;
use serde_json::Value;

/// Findings of the effective values that differ.
pub(super) fn findings(before: &Version, after: &Version, changes: &[EffectiveChange]) -> Vec<Finding> {
    let (old, new) = (&before.effective, &after.effective);
    let mut findings = Vec::new();
    for change in changes {
        let name = change.name.as_str();
        if let Some(parameter) = name.strip_prefix("postgres.parameters.") {
            findings.push(parameters::finding(new.postgres.major, parameter, change));
        } else if name == "postgres.version" {
            findings.push(version(old.postgres.major, new.postgres.major, &new.postgres.version.value, name));
        } else if let Some(parameter) = name.strip_prefix("pooling.parameters.") {
            findings.push(pooler(parameter, name));
        } else if name.starts_with("pooling.") && old.pooling.is_some() && new.pooling.is_some() {
            findings.push(Finding::new(Disturbance::Reload, name, "the pooler reads its file again"));
        } else if name.starts_with("postgres.hostBasedAuthentication") {
            findings.push(Finding::new(Disturbance::Reload, name, "pg_hba.conf is read again; sessions that are open stay"));
        } else if name == "storage.size" {
            findings.push(Finding::new(Disturbance::Storage, name, "volumes grow in place where the storage class allows it"));
        } else if name == "storage.storageClass" {
            findings.push(Finding::new(Disturbance::Storage, name, "only volumes made from now on use it"));
        } else if name.starts_with("replication.") {
            findings.push(replication(name, change));
        } else if name == "instances" {
            findings.extend(instances(old.instances.value, new.instances.value));
        }
    }
    findings
}

fn version(old: u32, new: u32, version: &str, name: &str) -> Finding {
    if old == new {
        Finding::new(Disturbance::PodRecreation, name, format!("the image of PostgreSQL {version} needs new pods"))
    } else {
        Finding::new(
            Disturbance::PodRecreation,
            name,
            "a major version changes only through the operation for it, never by editing the version",
        )
        .risk(Risk::Refused)
    }
}

fn pooler(parameter: &str, name: &str) -> Finding {
    if postgres::pooler_needs_restart(parameter) {
        Finding::new(Disturbance::PodRecreation, name, "the pooler reads it at start only")
    } else {
        Finding::new(Disturbance::Reload, name, "the pooler reads its file again")
    }
}

fn replication(name: &str, change: &EffectiveChange) -> Finding {
    let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    let finding = Finding::new(Disturbance::Reload, name, "Patroni applies it without a restart");
    if name != "replication.mode" {
        return finding;
    }
    let (old, new) = (text(&change.before), text(&change.after));
    let synchronous = |mode: &str| mode.contains("sync") && mode != "async";
    if synchronous(&old) && !synchronous(&new) {
        Finding::new(Disturbance::Reload, name, "commits no longer wait for a standby: a failover may lose the last ones")
            .risk(Risk::Durability)
    } else if new.starts_with("strict") {
        Finding::new(Disturbance::Reload, name, "writes stop whenever no synchronous standby is there").risk(Risk::Availability)
    } else {
        finding
    }
}

fn instances(old: u32, new: u32) -> Option<Finding> {
    if new > old {
        Some(Finding::new(Disturbance::Nothing, "instances", format!("{} more: each copies the data from a running instance", new - old)))
    } else {
        let finding = Finding::new(Disturbance::Nothing, "instances", format!("{} fewer: never the primary; volumes stay", old - new));
        Some(if new == 1 { finding.risk(Risk::Availability).risk(Risk::Durability) } else { finding })
    }
}
