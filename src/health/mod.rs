//! How the pods of a cluster are.
//!
//! In: live objects. Out: counts and names. Invariant: what cannot be seen is unknown, never healthy.
//! Why: one reading of the facts for rollout, status and views.

use crate::model::Object;

/// The instances of a cluster as the API server shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instances {
    /// Pods that exist.
    pub existing: Vec<String>,
    /// Pods that are ready.
    pub ready: Vec<String>,
    /// The pod that Patroni marked as primary.
    pub primary: Option<String>,
}

/// Reads the pods of a cluster.
pub fn instances(pods: &[Object]) -> Instances {
    let mut instances = Instances::default();
    for pod in pods {
        let name = pod.name().to_owned();
        if pod.is_true("Ready") {
            instances.ready.push(name.clone());
        }
        if matches!(pod.label("role"), Some("primary" | "master")) {
            instances.primary = Some(name.clone());
        }
        instances.existing.push(name);
    }
    instances.existing.sort();
    instances.ready.sort();
    instances
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_without_a_condition_is_not_ready() {
        let pod = |name: &str, role: &str, ready: &str| {
            Object::new(
                json!({"kind": "Pod", "metadata": {"name": name, "labels": {"role": role}}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}),
            )
        };
        let bare = Object::new(json!({"kind": "Pod", "metadata": {"name": "a-2"}}));
        let found = instances(&[pod("a-1", "replica", "False"), pod("a-0", "primary", "True"), bare]);
        assert_eq!(found.existing, ["a-0", "a-1", "a-2"]);
        assert_eq!(found.ready, ["a-0"]);
        assert_eq!(found.primary.as_deref(), Some("a-0"));
    }
}
