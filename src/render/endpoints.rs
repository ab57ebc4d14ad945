//! Patroni's own objects, made before it starts so that it needs few rights.

use super::dynamic_configuration::dynamic_configuration;
use super::metadata::{generic, patroni, scope};
use crate::model::Object;
use crate::resolve::Effective;
use serde_json::json;

/// The leader object, the configuration, the pending switchover and the synchronous state. Only metadata is ours: the
/// addresses and every other annotation belong to Patroni.
///
/// No label or annotation of the user stands here: Patroni keeps its state in annotations such as `leader` and `history`, and
/// reads some labels, so a wish for `allResources` could take the leader lock away.
pub(super) fn endpoints(effective: &Effective) -> Vec<Object> {
    let scope = scope(effective);
    ["", "-config", "-failover", "-sync"]
        .into_iter()
        .map(|suffix| {
            let mut labels = generic(effective);
            labels.extend(patroni(effective));
            let mut metadata = json!({"name": format!("{scope}{suffix}"), "namespace": effective.cluster.namespace, "labels": labels});
            if suffix == "-config" {
                metadata["annotations"] = json!({"config": dynamic_configuration(effective).to_string()});
            }
            Object::new(json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}))
        })
        .collect()
}
