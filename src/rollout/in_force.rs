//! The objects that are to be in force while a change is under way: some of the released revision, some of the one that ran before.
//!
//! Invariant: if every instance restarted now, the cluster would come up (DESIGN §8, rule 1), and what refers to something new moves
//! only when every instance has it (rule 3).

use super::change::{Force, Progress};
use super::restart_parameters::{needs_restart, switches_ssl_on};
use super::storage_class::keep_classes;
use crate::model::Object;
use crate::render::revision::Revision;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What decides beside the progress.
pub(super) struct Mixture<'a> {
    pub(super) running: &'a Revision,
    pub(super) released: &'a Revision,
    /// Parameters that are to keep their value because only the released image knows them.
    pub(super) late: &'a BTreeSet<String>,
    /// Highest value of each hot-standby parameter that an instance runs with.
    pub(super) highest: &'a BTreeMap<String, i64>,
    /// Whether a replica streams, so that commits can wait for one.
    pub(super) replicated: bool,
}

/// The objects.
pub(super) fn in_force(mixture: &Mixture<'_>, progress: &Progress) -> Vec<Object> {
    let Mixture { running, released, .. } = mixture;
    let finished = progress.stage.is_none() && progress.force != Force::LastGood;
    let mut objects = Vec::new();
    for new in &released.objects {
        let old = running.objects.iter().find(|old| old.key() == new.key());
        objects.push(match old {
            Some(old) if !finished => one(mixture, progress, old, new),
            Some(old) if new.kind() == "Endpoints" => configuration(mixture, progress, old, new),
            None if progress.force == Force::LastGood => continue,
            _ => new.clone(),
        });
    }
    if !finished {
        let gone = |old: &&Object| !released.objects.iter().any(|new| new.key() == old.key());
        objects.extend(running.objects.iter().filter(gone).cloned());
    }
    objects
}

/// One object that both revisions have.
fn one(mixture: &Mixture<'_>, progress: &Progress, old: &Object, new: &Object) -> Object {
    let is_released = matches!(progress.force, Force::Released { .. });
    let back = progress.force == Force::LastGood;
    let name = mixture.released.effective.cluster.name.as_str();
    match new.kind() {
        // With the template: what a pod reads when it starts.
        "StatefulSet" => stateful_set(old, new, is_released),
        "ConfigMap" if new.name() == format!("{name}-templates") => if is_released { new } else { old }.clone(),
        "ConfigMap" if new.name() == name => start_files(old, new, is_released, back),
        "ConfigMap" if new.name().ends_with("-connection-pooling-config") && another_pooler(mixture) => {
            if is_released { new } else { old }.clone()
        }
        // A pooler that is told to use files it does not have loses settings, or does not start (`postgres-facts` f). Which files it
        // has is decided by its pod: so those that only new pods have come when every pod is new, and go before the first lacks them.
        "ConfigMap" if new.name().ends_with("-connection-pooling-config") && needs_new_pods(mixture, old, new) => old.clone(),
        "Endpoints" => configuration(mixture, progress, old, new),
        // They lead to what only the new pods have, or away from what the old ones need.
        "Service" | "PodMonitor" | "PodDisruptionBudget" => old.clone(),
        _ if back => old.clone(),
        _ => new.clone(),
    }
}

/// Whether a pooler's file names files that the pods before have not: a certificate, or a file that it includes.
fn needs_new_pods(mixture: &Mixture<'_>, old: &Object, new: &Object) -> bool {
    let includes = |object: &Object| object.value()["data"]["pgbouncer.ini"].as_str().is_some_and(|file| file.contains("%include"));
    switches_ssl_on(mixture.running, mixture.released) || (includes(new) && !includes(old))
}

fn another_pooler(mixture: &Mixture<'_>) -> bool {
    mixture.running.effective.images.get("pgbouncer") != mixture.released.effective.images.get("pgbouncer")
}

/// Labels and annotations of the template do not come from a restart, so they need not wait for one; the number of instances is
/// decided elsewhere.
fn stateful_set(old: &Object, new: &Object, is_released: bool) -> Object {
    let mut set = if is_released { new.clone() } else { old.clone() };
    // Volumes grow whatever becomes of the rest (DESIGN §8, rule 12). Of which class new ones are belongs to the rest.
    set.value_mut()["spec"]["volumeClaimTemplates"] = new.value()["spec"]["volumeClaimTemplates"].clone();
    if !is_released {
        keep_classes(&mut set, old);
    }
    set
}

/// The static configuration goes with the template; the files of single instances, which are read again, at once.
fn start_files(old: &Object, new: &Object, is_released: bool, back: bool) -> Object {
    if is_released {
        return new.clone();
    }
    if back {
        return old.clone();
    }
    let mut mixed = new.clone();
    let start = "10-cluster.yml";
    if let Some(file) = old.value()["data"].get(start) {
        mixed.value_mut()["data"][start] = file.clone();
    }
    mixed
}

/// Patroni's dynamic configuration.
fn configuration(mixture: &Mixture<'_>, progress: &Progress, old: &Object, new: &Object) -> Object {
    let read = |object: &Object| -> Option<Value> { serde_json::from_str(object.annotation("config")?).ok() };
    let (Some(before), Some(mut after)) = (read(old), read(new)) else { return new.clone() };
    if progress.force == Force::LastGood {
        return old.clone();
    }
    let major = mixture.released.effective.postgres.major;
    let parameters = |value: &Value| value.pointer("/postgresql/parameters").and_then(Value::as_object).cloned().unwrap_or_default();
    let (had, mut wanted) = (parameters(&before), parameters(&after));
    let keep = |wanted: &mut Map<String, Value>, name: &str| {
        match had.get(name) {
            Some(value) => wanted.insert(name.to_owned(), value.clone()),
            None => wanted.remove(name),
        };
    };
    match &progress.force {
        Force::Reloadable => {
            let names: BTreeSet<String> = had.keys().chain(wanted.keys()).cloned().collect();
            for name in names.iter().filter(|name| needs_restart(major, name) || mixture.late.contains(*name)) {
                keep(&mut wanted, name);
            }
        }
        Force::Released { held } => {
            for name in held {
                match mixture.highest.get(name) {
                    Some(highest) if !mixture.late.contains(name) => drop(wanted.insert(name.clone(), json!(highest.to_string()))),
                    _ => keep(&mut wanted, name),
                }
            }
        }
        Force::LastGood => {}
    }
    after["postgresql"]["parameters"] = Value::Object(wanted);
    // Without a standby every commit would stand still.
    if !mixture.replicated && after["synchronous_mode_strict"] == true && before["synchronous_mode_strict"] != true {
        after["synchronous_mode_strict"] = json!(false);
    }
    let mut object = new.clone();
    object.value_mut()["metadata"]["annotations"]["config"] = json!(after.to_string());
    object
}

/// Puts the tag that keeps commits from waiting for an instance into its file.
pub(super) fn bar(objects: &mut [Object], cluster: &str, ordinal: u32) {
    let Some(files) = objects.iter_mut().find(|object| object.kind() == "ConfigMap" && object.name() == cluster) else { return };
    let file = format!("{cluster}-{ordinal}.yml");
    let mut tags: Value = files.value()["data"]
        .get(&file)
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_else(|| json!({}));
    tags["tags"]["nosync"] = json!(true);
    files.value_mut()["data"][&file] = json!(format!("{tags}\n"));
}
