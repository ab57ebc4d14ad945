//! What a changed effective value does.

use super::parameters::{self, Direction};
use super::{Disturbance, Finding, Risk, replication, secrets};
use crate::diff::Version;
use crate::diff::effective::EffectiveChange;
use crate::postgres::{self, pooler_number};
use crate::resolve::Effective;
use serde_json::Value;

/// Hot-standby parameters by the way they go.
#[derive(Debug, Default)]
pub(super) struct Moved {
    pub(super) raised: Vec<String>,
    pub(super) lowered: Vec<String>,
}

/// Which hot-standby parameters are raised and which are lowered.
pub(super) fn moved(major: u32, changes: &[EffectiveChange]) -> Moved {
    let mut moved = Moved::default();
    for change in changes {
        let Some(parameter) = change.name.strip_prefix("postgres.parameters.") else { continue };
        match parameters::hot_standby(major, parameter, change) {
            Some(Direction::Raised) => moved.raised.push(parameter.to_owned()),
            Some(Direction::Lowered) => moved.lowered.push(parameter.to_owned()),
            None => {}
        }
    }
    moved
}

/// Findings of the effective values that differ.
pub(super) fn findings(before: &Version, after: &Version, changes: &[EffectiveChange]) -> Vec<Finding> {
    let (old, new) = (&before.effective, &after.effective);
    let standbys = old.instances.value.max(new.instances.value) > 1;
    let mut findings = Vec::new();
    for change in changes {
        let name = change.name.as_str();
        if let Some(parameter) = name.strip_prefix("postgres.parameters.") {
            findings.push(parameters::finding(new.postgres.major, parameter, change, standbys));
        } else if name == "postgres.version" {
            findings.push(version(old, new, name));
        } else if name == "pooling" {
            findings.push(switched(new));
        } else if let Some(setting) = name.strip_prefix("pooling.") {
            findings.push(pooler(setting, change));
        } else if name.starts_with("postgres.hostBasedAuthentication") {
            let finding = Finding::new(Disturbance::Reload, name, "pg_hba.conf is read again; sessions that are open stay");
            findings.push(finding.because("who may log in changes"));
        } else if name == "storage.size" {
            findings.push(Finding::new(Disturbance::Storage, name, "volumes grow in place where the storage class allows it"));
        } else if name == "storage.storageClass" {
            findings.push(storage_class(old, new, name));
        } else if let Some(field) = name.strip_prefix("updateStrategy.") {
            let reason = match field {
                "method" => "how instances are disturbed from now on",
                _ => "when instances may be disturbed from now on, by changes that wait already too",
            };
            findings.push(Finding::new(Disturbance::Nothing, name, reason));
        } else if name.starts_with("postgres.collations.")
            && old.postgres.major == new.postgres.major
            && change.before.is_some()
            && change.after.is_some()
        {
            let reason = "text sorts by another version of the library: indexes over it are wrong until they are rebuilt; not begun unless only collations that cannot change are in use, or a person accepts it";
            findings.push(Finding::new(Disturbance::Nothing, name, reason).risk(Risk::Collation));
        } else if name == "instances" {
            findings.push(instances(old.instances.value, new.instances.value));
        }
    }
    findings.extend(replication::findings(old, new));
    findings.extend(secrets::findings(old, new));
    findings
}

/// Another storage class: no volume changes its class, so the data move to new ones.
fn storage_class(old: &Effective, new: &Effective, name: &str) -> Finding {
    let stay = |reason: &str| Finding::new(Disturbance::Storage, name, reason);
    if new.storage.storage_class.is_none() {
        // Which class the default is may change at any time.
        return stay("existing volumes keep the class they have; only volumes made from now on are of the default one");
    }
    if old.instances.value == 0 || new.instances.value == 0 {
        return stay("nothing runs that data could be copied from: existing volumes stay as they are");
    }
    let reason = "the data of each instance are copied to a new volume, one after the other, and the old volume is kept";
    let finding = Finding::new(Disturbance::PodRecreation, name, reason);
    if old.storage.storage_class.is_none() { finding.because("a volume that is of this class already, by default, stays") } else { finding }
}

fn version(old: &Effective, new: &Effective, name: &str) -> Finding {
    let version = &new.postgres.version.value;
    if old.postgres.major == new.postgres.major {
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

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

/// Pooling switched on or off.
fn switched(new: &Effective) -> Finding {
    let connections = new.postgres.parameters.get("max_connections").map_or("100", |value| value.value.as_str());
    let reason = match &new.pooling {
        None => format!("sessions through the pooler end; clients then connect to PostgreSQL itself, {connections} at most"),
        Some(pooling) => {
            let mode = pooling.parameters.get("pool_mode").map_or("session", |value| value.value.as_str());
            format!("sessions end with their pods; clients then come through the pooler in {mode} mode")
        }
    };
    Finding::new(Disturbance::PodRecreation, "pooling", reason).risk(Risk::Availability)
}

/// A setting of the pooler: `parameters.NAME`, `databases.NAME.OPTION`, `users.NAME.OPTION`.
fn pooler(setting: &str, change: &EffectiveChange) -> Finding {
    let reload = Finding::new(Disturbance::Reload, &change.name, "the pooler reads its file again");
    if setting.strip_prefix("parameters.").is_some_and(postgres::pooler_needs_restart) {
        return Finding::new(Disturbance::PodRecreation, &change.name, "the pooler reads it at start only");
    }
    let lowered = || {
        let number = |value: &Option<Value>| pooler_number(text(value.as_ref()));
        matches!((number(&change.before), number(&change.after)), (Some(old), Some(new)) if new < old && new > 0)
    };
    match setting.rsplit('.').next().unwrap_or_default() {
        "pool_mode" => pool_mode(reload, text(change.before.as_ref()), text(change.after.as_ref())),
        "max_client_conn" if lowered() => {
            reload.because(format!("clients beyond {} are refused", text(change.after.as_ref()))).risk(Risk::Availability)
        }
        "default_pool_size" | "pool_size" | "max_db_connections" | "max_user_connections" if lowered() => {
            reload.because("more clients wait for a server connection")
        }
        _ => reload,
    }
}

fn pool_mode(finding: Finding, old: &str, new: &str) -> Finding {
    let (old, new) = (old.to_ascii_lowercase(), new.to_ascii_lowercase());
    match new.as_str() {
        "statement" => finding.because("transactions of several statements are refused").risk(Risk::Availability),
        "transaction" if old != "statement" => finding
            .because("what a session keeps breaks: SET, LISTEN, temporary tables, session advisory locks, cursors WITH HOLD, SQL PREPARE")
            .risk(Risk::Availability),
        "session" => finding
            .because("a client holds its server connection until it leaves: clients beyond the pool size wait")
            .risk(Risk::Availability),
        _ => finding,
    }
}

fn instances(old: u32, new: u32) -> Finding {
    let finding = |disturbance: Disturbance, reason: String| Finding::new(disturbance, "instances", reason);
    match (old, new) {
        (_, 0) => finding(Disturbance::PodRemoval, "the cluster stops; its volumes, Secrets and Services stay".to_owned())
            .risk(Risk::Availability),
        (0, _) => finding(Disturbance::Nothing, "the cluster starts from the volumes it has".to_owned()),
        _ if new > old => finding(Disturbance::Nothing, format!("{} more: each copies the data from a running instance", new - old)),
        _ => {
            let finding = finding(
                Disturbance::PodRemoval,
                format!("{} fewer: their sessions end; a primary among them hands over first; volumes stay", old - new),
            );
            if new == 1 { finding.because("no failover is left").risk(Risk::Availability).risk(Risk::Durability) } else { finding }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, before: &str, after: &str) -> EffectiveChange {
        EffectiveChange { name: name.to_owned(), before: Some(Value::from(before)), after: Some(Value::from(after)), origin: None }
    }

    /// A reload of the pooler may break every client.
    #[test]
    fn the_pooler_s_clients_are_thought_of() {
        for (setting, before, after, risk, reason) in [
            ("parameters.pool_mode", "session", "transaction", true, "temporary tables"),
            ("parameters.pool_mode", "transaction", "session", true, "wait"),
            ("databases.app.pool_mode", "session", "statement", true, "refused"),
            ("parameters.max_client_conn", "1000", "100", true, "beyond 100"),
            ("parameters.max_client_conn", "100", "1000", false, "reads its file"),
            ("parameters.default_pool_size", "80", "0x10", false, "wait"),
            ("parameters.max_db_connections", "10", "0", false, "reads its file"),
        ] {
            let found = pooler(setting, &change(&format!("pooling.{setting}"), before, after));
            assert_eq!(found.risks.contains(&Risk::Availability), risk, "{setting} {before} {after}: {found:?}");
            assert!(found.reason.contains(reason), "{found:?}");
        }
    }

    #[test]
    fn fewer_instances_are_noticed() {
        assert_eq!(instances(1, 0).disturbance, Disturbance::PodRemoval);
        assert!(instances(1, 0).risks.contains(&Risk::Availability));
        assert_eq!(instances(3, 2).disturbance, Disturbance::PodRemoval);
        assert!(instances(3, 2).risks.is_empty());
        assert_eq!(instances(2, 1).risks.len(), 2);
        assert_eq!(instances(2, 3).disturbance, Disturbance::Nothing);
    }
}
