//! Metrics in the text format of OpenMetrics.
//!
//! Only the replica that leads knows of fleets and clusters; the other one tells that it does not lead.

use crate::engine::controller::{Health, State};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::Ordering;

/// Media type of the text (OpenMetrics 1.0, section "Text format").
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;

/// Every metric, from one look at the state.
pub(super) fn text(state: &State) -> String {
    let mut registry = Registry::with_prefix("stackgres");
    let gauge = |value: i64| ConstGauge::new(value);
    registry.register("leader", "Whether this replica leads", gauge(i64::from(state.leads.load(Ordering::Relaxed))));
    registry.register("passes", "Passes over all fleets and clusters", ConstCounter::new(state.passes.load(Ordering::Relaxed)));
    registry.register("pass_failures", "Passes that failed as a whole", ConstCounter::new(state.failures.load(Ordering::Relaxed)));
    registry.register_with_unit(
        "last_pass_timestamp",
        "When the last pass that succeeded ended, since 1970; 0 before it",
        Unit::Seconds,
        gauge(state.ended.load(Ordering::Relaxed)),
    );
    let census = state.census.lock().map(|census| census.clone()).unwrap_or_default();
    let (clusters, fleets, problems) =
        (Family::<Labels, Gauge>::default(), Family::<Labels, Gauge>::default(), Family::<Labels, Gauge>::default());
    for (health, count) in Health::ALL.into_iter().zip(census.clusters) {
        clusters.get_or_create(&vec![("state", health.as_str().to_owned())]).set(count);
    }
    for (fleet, health, errors) in &census.fleets {
        let of = |more: Option<&str>| {
            let mut labels = vec![("namespace", fleet.namespace.clone()), ("name", fleet.name.clone())];
            labels.extend(more.map(|state| ("state", state.to_owned())));
            labels
        };
        for state in Health::ALL {
            fleets.get_or_create(&of(Some(state.as_str()))).set(i64::from(state == *health));
        }
        problems.get_or_create(&of(None)).set(*errors);
    }
    registry.register("clusters", "Clusters by state", clusters);
    registry.register("clusters_waiting", "Clusters with a change that is released and not carried out", gauge(census.waiting));
    registry.register("fleet_state", "1 for the state a fleet is in", fleets);
    registry.register("fleet_problems", "Errors in the source of a fleet", problems);
    let mut text = String::new();
    // Writing to a text does not fail.
    match encode(&mut text, &registry) {
        Ok(()) => text,
        Err(error) => format!("# {error}\n# EOF\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::controller::Census;
    use crate::model::NamespacedName;

    /// The alerts of `deploy/` name these; a metric that is missing never alarms.
    #[test]
    fn what_alerts_ask_for_is_there() {
        let state = State::default();
        state.leads.store(true, Ordering::Relaxed);
        *state.census.lock().unwrap() =
            Census { fleets: vec![(NamespacedName::new("n", "f"), Health::Stalled, 3)], clusters: [5, 1, 2], waiting: 4 };
        let text = text(&state);
        for line in [
            "stackgres_leader 1",
            "stackgres_passes_total 0",
            "stackgres_last_pass_timestamp_seconds 0",
            "stackgres_clusters{state=\"stalled\"} 2",
            "stackgres_clusters_waiting 4",
            "stackgres_fleet_state{namespace=\"n\",name=\"f\",state=\"stalled\"} 1",
            "stackgres_fleet_state{namespace=\"n\",name=\"f\",state=\"ready\"} 0",
            "stackgres_fleet_problems{namespace=\"n\",name=\"f\"} 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
        }
        let alerts = include_str!("../../deploy/alerts/alerts.yaml");
        let named = alerts.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
        for metric in named.filter(|word| word.starts_with("stackgres_")) {
            assert!(text.contains(&format!("{metric} ")) || text.contains(&format!("{metric}{{")), "{metric} of an alert is no metric");
        }
    }
}
