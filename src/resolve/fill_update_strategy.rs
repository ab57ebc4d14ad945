//! When changes may disturb instances.

use super::effective::{EffectiveValue, Method, Origin, ScheduledWindow, StrategyType, UpdateStrategy};
use super::fill::pick;
use crate::load::Manifest;
use serde_json::Value;

/// Where it stands in the manifest.
const STRATEGY: &str = "/spec/pods/updateStrategy";

/// What is written; what cannot be read is left out here, and reported by `validate`.
pub(super) fn update_strategy(cluster: &Manifest) -> UpdateStrategy {
    let at = |field: &str| format!("{STRATEGY}/{field}");
    let written: Option<StrategyType> = cluster.object.get(&at("type")).and_then(read);
    UpdateStrategy {
        r#type: written.map(|value| EffectiveValue { value, origin: Origin::Manifest(cluster.locate(&at("type"))) }),
        method: pick(cluster, &at("method"), read, Method::InPlace),
        schedule: pick(cluster, &at("schedule"), windows, Vec::new()),
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

fn windows(value: &Value) -> Option<Vec<ScheduledWindow>> {
    Some(value.as_array()?.iter().filter_map(read).collect())
}
