//! Configuration that holds no secret.

use super::metadata::{generic, metadata};
use super::patroni::static_configuration;
use super::{pooler, pooler_scripts, scripts};
use crate::model::Object;
use crate::resolve::Effective;
use serde_json::{Map, Value, json};

/// Every ConfigMap of a cluster.
pub(super) fn config_maps(effective: &Effective) -> Vec<Object> {
    let name = &effective.cluster.name;
    let mut maps = vec![
        config_map(effective, name, Value::Object(patroni_files(effective))),
        config_map(effective, &format!("{name}-templates"), scripts_of()),
    ];
    if let Some(pooling) = &effective.pooling {
        maps.push(config_map(effective, &format!("{name}-connection-pooling-config"), json!({"pgbouncer.ini": pooler::file(pooling)})));
    }
    if let Some(exporter) = effective.exporter.as_ref().filter(|exporter| !exporter.queries.is_null()) {
        // JSON is YAML.
        let queries = format!("{:#}\n", exporter.queries);
        maps.push(config_map(effective, &exporter_configuration(effective), json!({"queries.yaml": queries})));
    }
    maps
}

/// The scripts of the pods. Those around the pooler are there without one as well: pods made with a pooler call them until they are gone.
fn scripts_of() -> Value {
    json!({
        "start-patroni": scripts::START_PATRONI,
        "launch-patroni": scripts::LAUNCH_PATRONI,
        "post-bootstrap": scripts::POST_BOOTSTRAP,
        "pre-stop": scripts::PRE_STOP,
        "post-start": pooler_scripts::POST_START,
        "pooler-console": pooler_scripts::POOLER_CONSOLE,
        "keep-pooler": pooler_scripts::KEEP_POOLER,
        "role-changed": pooler_scripts::ROLE_CHANGED,
    })
}

/// The configuration of every instance, and a file of its own for each whose role needs tags. Patroni reads the latter again when
/// it is told to, through the link that the start script makes; the volume is a folder, whose files Kubernetes renews.
fn patroni_files(effective: &Effective) -> Map<String, Value> {
    let mut files = Map::new();
    files.insert("10-cluster.yml".to_owned(), json!(format!("{:#}\n", static_configuration(effective))));
    for (ordinal, duty) in effective.duties() {
        let tags: Map<String, Value> = [("nofailover", duty.nofailover), ("noloadbalance", duty.noloadbalance)]
            .into_iter()
            .filter(|(_, on)| *on)
            .map(|(tag, on)| (tag.to_owned(), json!(on)))
            .collect();
        if !tags.is_empty() {
            files.insert(format!("{}-{ordinal}.yml", effective.cluster.name), json!(format!("{}\n", json!({"tags": tags}))));
        }
    }
    files
}

/// Name of the ConfigMap with the exporter's further queries.
pub(super) fn exporter_configuration(effective: &Effective) -> String {
    format!("{}-prometheus-postgres-exporter-config", effective.cluster.name)
}

fn config_map(effective: &Effective, name: &str, data: Value) -> Object {
    let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(effective, name, generic(effective), &[])});
    // Moved into its place: the macro would copy it.
    map["data"] = data;
    Object::new(map)
}
