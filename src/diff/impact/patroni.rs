//! What a change of the user's own Patroni configuration does.
//!
//! Source: Patroni documentation, "Dynamic Configuration Settings". The effective values hold this part as written, so it is
//! compared here, key by key, with the defaults of the program filled in.

use super::{Disturbance, Finding, Risk};
use crate::diff::Version;
use crate::diff::compare::compare;
use crate::postgres::patroni_defaults;
use serde_json::{Map, Value, json};

/// Keys that the program decides from other fields; what is written there is not taken.
const OURS: &[(&str, &str)] = &[
    ("synchronous_mode", "spec.replication.mode decides it"),
    ("synchronous_mode_strict", "spec.replication.mode decides it"),
    ("synchronous_node_count", "spec.replication.syncInstances decides it"),
    ("standby_cluster", "spec.replicateFrom decides it"),
];

pub(super) fn findings(before: &Version, after: &Version) -> Vec<Finding> {
    let (old, new) = (&before.effective.patroni, &after.effective.patroni);
    let mut findings = dynamic(old.get("dynamicConfig"), new.get("dynamicConfig"));
    let fixed = compare(old.get("initialConfig").unwrap_or(&Value::Null), new.get("initialConfig").unwrap_or(&Value::Null));
    findings.extend(fixed.iter().map(|change| {
        let subject = format!("patroni.initialConfig.{}", change.path);
        if change.path == "postgresql.pg_ctl_timeout" || change.path.is_empty() {
            Finding::new(Disturbance::Reload, subject, "Patroni reads its file again")
        } else {
            Finding::new(Disturbance::Nothing, subject, "taken when the cluster is made; later changes have no effect")
        }
    }));
    findings
}

fn dynamic(old: Option<&Value>, new: Option<&Value>) -> Vec<Finding> {
    compare(&filled(old), &filled(new)).iter().map(|change| one(&change.path, change.before.as_ref(), change.after.as_ref())).collect()
}

/// With what the program adds where nothing is written.
fn filled(written: Option<&Value>) -> Value {
    let mut configuration: Map<String, Value> = written.and_then(Value::as_object).cloned().unwrap_or_default();
    // What appears or goes as a whole is told part by part.
    let parts = [("pause", json!(false)), ("slots", json!({})), ("postgresql", json!({}))];
    for (key, value) in patroni_defaults().into_iter().chain(parts) {
        configuration.entry(key).or_insert(value);
    }
    if let Some(section) = configuration.get_mut("postgresql").and_then(Value::as_object_mut) {
        section.entry("parameters").or_insert_with(|| json!({}));
        // The lines of pg_hba.conf are an effective value of their own.
        section.remove("pg_hba");
    }
    for flag in ["check_timeline", "failsafe_mode", "pause"] {
        if let Some(value) = configuration.get_mut(flag) {
            *value = json!(is_on(value));
        }
    }
    Value::Object(configuration)
}

/// A flag as Patroni reads it.
fn is_on(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => matches!(text.to_ascii_lowercase().as_str(), "on" | "true" | "yes" | "1"),
        _ => false,
    }
}

fn one(path: &str, before: Option<&Value>, after: Option<&Value>) -> Finding {
    let subject = format!("patroni.dynamicConfig.{path}");
    let key = path.split(['.', '[']).next().unwrap_or_default();
    if let Some((_, why)) = OURS.iter().find(|(ours, _)| *ours == key) {
        return Finding::new(Disturbance::Nothing, subject, format!("no effect: {why}"));
    }
    if key == "postgresql" {
        return if path.starts_with("postgresql.parameters") {
            Finding::new(
                Disturbance::Nothing,
                subject,
                "no effect: parameters belong into spec.configurations.postgres or an SGPostgresConfig",
            )
        } else {
            Finding::new(Disturbance::Nothing, subject, "no effect: the program sets this section itself")
        };
    }
    let reload = Finding::new(Disturbance::Reload, subject, "Patroni takes it without a restart");
    let off = after == Some(&Value::Bool(false));
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    match key {
        "failsafe_mode" if off => {
            reload.because("the primary steps down whenever the Kubernetes API cannot be reached").risk(Risk::Availability)
        }
        "pause" if !off => {
            reload.because("Patroni does nothing by itself: no failover, no restart of a crashed server").risk(Risk::Availability)
        }
        "check_timeline" if off => reload.because("a replica of another timeline may be promoted").risk(Risk::Durability),
        "maximum_lag_on_failover" if number(after) > number(before) => {
            reload.because("a replica that lags further may be promoted").risk(Risk::Durability)
        }
        "slots" if after.is_none() => reload.because("Patroni drops the slot, and its consumer loses its position").risk(Risk::Slots),
        "slots" if before.is_some() => {
            reload.because("Patroni drops the slot and makes another one; its consumer loses its position").risk(Risk::Slots)
        }
        // Patroni 4.0.7, `copy_logical_slots`: the slot's file is written while the server is down.
        "slots" if after.and_then(|slot| slot.get("type")) == Some(&json!("logical")) => reload
            .because("Patroni makes the slot, and restarts every replica, each by itself, to copy the slot into it")
            .risk(Risk::Availability),
        "ignore_slots" => reload
            .because("instances that follow drop slots that Patroni neither knows nor ignores; a primary keeps what its users made")
            .risk(Risk::Slots),
        "ttl" | "loop_wait" | "retry_timeout" | "primary_start_timeout" | "master_start_timeout" => {
            reload.because("it decides how soon a failover begins; too short a time gives failovers without a failure")
        }
        _ => reload,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_judged_one_by_one() {
        for (before, after, disturbance, risk, part) in [
            (json!({}), json!({"failsafe_mode": false}), Disturbance::Reload, Some(Risk::Availability), "failsafe_mode"),
            (json!({}), json!({"pause": true}), Disturbance::Reload, Some(Risk::Availability), "pause"),
            (json!({"pause": true}), json!({}), Disturbance::Reload, None, "pause"),
            (json!({}), json!({"ttl": 60}), Disturbance::Reload, None, "failover"),
            (json!({"slots": {"cdc": {"type": "logical"}}}), json!({"slots": {}}), Disturbance::Reload, Some(Risk::Slots), "slots.cdc"),
            (
                json!({}),
                json!({"slots": {"cdc": {"type": "logical"}}}),
                Disturbance::Reload,
                Some(Risk::Availability),
                "restarts every replica",
            ),
            (json!({}), json!({"slots": {"archive": {"type": "physical"}}}), Disturbance::Reload, None, "slots.archive"),
            (
                json!({"slots": {"cdc": {"plugin": "pgoutput"}}}),
                json!({"slots": {"cdc": {"plugin": "wal2json"}}}),
                Disturbance::Reload,
                Some(Risk::Slots),
                "another one",
            ),
            (json!({}), json!({"maximum_lag_on_failover": 5_000_000}), Disturbance::Reload, Some(Risk::Durability), "lags"),
            (json!({"slots": {"cdc": {"type": "logical"}}}), json!({}), Disturbance::Reload, Some(Risk::Slots), "slots.cdc"),
            (json!({}), json!({"synchronous_mode": true}), Disturbance::Nothing, None, "spec.replication.mode"),
            (json!({}), json!({"postgresql": {"parameters": {"work_mem": "1GB"}}}), Disturbance::Nothing, None, "SGPostgresConfig"),
        ] {
            let found = dynamic(Some(&before), Some(&after));
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!((found[0].disturbance, found[0].risks.iter().next().copied()), (disturbance, risk), "{found:?}");
            assert!(format!("{} {}", found[0].subject, found[0].reason).contains(part), "{found:?}");
        }
        assert!(dynamic(Some(&json!({})), Some(&json!({"ttl": 30, "failsafe_mode": "on", "pause": false}))).is_empty());
    }
}
