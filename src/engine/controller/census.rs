//! Fleets and clusters by state, for metrics.

use super::facts::Facts;
use crate::model::{NamespacedName, Object};
use serde_json::Value;

/// How one object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Ready,
    /// Something is going on.
    Progressing,
    /// It needs somebody.
    Stalled,
}

impl Health {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Ready, Self::Progressing, Self::Stalled];

    /// Its name in a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Progressing => "progressing",
            Self::Stalled => "stalled",
        }
    }

    fn of(object: &Object) -> Self {
        if object.is_true("Stalled") {
            Self::Stalled
        } else if object.is_true("Ready") {
            Self::Ready
        } else {
            Self::Progressing
        }
    }
}

/// What there is, and how it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Fleets, each with the number of its errors.
    pub fleets: Vec<(NamespacedName, Health, i64)>,
    /// Clusters by state, in the order of [`Health::ALL`].
    pub clusters: [i64; 3],
    /// Clusters with something that is released and not carried out.
    pub waiting: i64,
}

impl Census {
    /// Counts.
    pub(super) fn of(facts: &Facts) -> Self {
        let fleet = |object: &Object| {
            let problems = object.get("/status/problemCount").and_then(Value::as_i64).unwrap_or_default();
            (object.namespaced_name(), Health::of(object), problems)
        };
        let mut census = Self { fleets: facts.of_kind("SGFleet").map(fleet).collect(), ..Self::default() };
        for cluster in facts.of_kind("SGCluster") {
            census.clusters[Health::of(cluster) as usize] += 1;
            census.waiting += i64::from(cluster.text("/status/waiting/for").is_some());
        }
        census
    }
}
