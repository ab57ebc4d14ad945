//! Where the pods run.

use crate::render::metadata::patroni;
use crate::resolve::Effective;
use serde_json::{Map, Value, json};

/// Label of a node with its processor architecture. Source: Kubernetes documentation, "Well-Known Labels".
const ARCHITECTURE: &str = "kubernetes.io/arch";

/// Scheduling fields of the pod: the user's, and instances on different nodes.
pub(super) fn scheduling(effective: &Effective) -> Vec<(&'static str, Value)> {
    let user = effective.pods.get("scheduling").cloned().unwrap_or_else(|| json!({}));
    let mut fields = Vec::new();
    for field in ["nodeSelector", "tolerations", "topologySpreadConstraints", "priorityClassName"] {
        if let Some(value) = user.get(field).filter(|value| !value.is_null()) {
            fields.push((field, value.clone()));
        }
    }
    if let [only] = effective.architectures.iter().collect::<Vec<_>>().as_slice() {
        // On another node the program would end with "exec format error", and the pod would never say why.
        let written = fields.iter().position(|(field, _)| *field == "nodeSelector").map(|place| fields.remove(place).1);
        let mut selector = written.and_then(|written| written.as_object().cloned()).unwrap_or_default();
        selector.entry(ARCHITECTURE).or_insert_with(|| json!(only));
        fields.push(("nodeSelector", Value::Object(selector)));
    }
    if user.get("topologySpreadConstraints").is_none() && effective.pod_anti_affinity.value {
        // Zones as well as nodes: one zone lost must not take every instance, where there are several.
        fields.push((
            "topologySpreadConstraints",
            json!([{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": patroni(effective)}}]),
        ));
    }
    let mut affinity = Map::new();
    for field in ["nodeAffinity", "podAffinity", "podAntiAffinity"] {
        if let Some(value) = user.get(field).filter(|value| !value.is_null()) {
            affinity.insert(field.to_owned(), value.clone());
        }
    }
    if effective.pod_anti_affinity.value {
        let term = json!({
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": {"app": "StackGresCluster", "stackgres.io/cluster": "true"}},
        });
        let anti = affinity.entry("podAntiAffinity").or_insert_with(|| json!({}));
        let required = &mut anti["requiredDuringSchedulingIgnoredDuringExecution"];
        match required.as_array_mut() {
            Some(terms) => terms.push(term),
            None => *required = json!([term]),
        }
    }
    if !affinity.is_empty() {
        fields.push(("affinity", Value::Object(affinity)));
    }
    fields
}
