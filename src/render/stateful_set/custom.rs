//! The user's own containers, volumes, mounts and variables. Their names get the prefix `custom-`.

use crate::resolve::Effective;
use serde_json::{Value, json};

fn prefixed(name: &Value) -> Value {
    json!(Effective::custom_name(name.as_str().unwrap_or_default()))
}

/// Volumes of the user.
pub(super) fn volumes(effective: &Effective) -> Vec<Value> {
    list(effective, "customVolumes")
        .map(|volume| {
            let mut volume = volume.clone();
            volume["name"] = prefixed(&volume["name"]);
            volume
        })
        .collect()
}

/// Containers or init containers of the user.
pub(super) fn containers(effective: &Effective, field: &str) -> Vec<Value> {
    let own: Vec<&str> = list(effective, "customVolumes").filter_map(|volume| volume.get("name").and_then(Value::as_str)).collect();
    list(effective, field)
        .map(|container| {
            let mut container = container.clone();
            container["name"] = prefixed(&container["name"]);
            for field in ["volumeMounts", "volumeDevices"] {
                for mount in container.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
                    if mount.get("name").and_then(Value::as_str).is_some_and(|name| own.contains(&name)) {
                        mount["name"] = prefixed(&mount["name"]);
                    }
                }
            }
            ports(&mut container);
            let name = container["name"].as_str().unwrap_or_default().to_owned();
            let init = field == "customInitContainers";
            if let Some(amounts) = effective.resources.get(&name).filter(|_| container.get("resources").is_none()) {
                container["resources"] = json!(amounts);
            }
            decorate(effective, &name, init, &mut container);
            container
        })
        .collect()
}

/// Where a container's ports are used by name.
const USES: &[&str] = &[
    "/livenessProbe/httpGet",
    "/livenessProbe/tcpSocket",
    "/readinessProbe/httpGet",
    "/readinessProbe/tcpSocket",
    "/startupProbe/httpGet",
    "/startupProbe/tcpSocket",
    "/lifecycle/postStart/httpGet",
    "/lifecycle/postStart/tcpSocket",
    "/lifecycle/preStop/httpGet",
    "/lifecycle/preStop/tcpSocket",
];

/// Prefixes the names of a container's ports, and the names by which its own probes and hooks mean them.
fn ports(container: &mut Value) {
    let mut own = Vec::new();
    for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(name) = port.get("name").and_then(Value::as_str).map(str::to_owned) {
            port["name"] = json!(Effective::custom_name(&name));
            own.push(name);
        }
    }
    for place in USES {
        if let Some(target) = container.pointer_mut(place)
            && target.get("port").and_then(Value::as_str).is_some_and(|name| own.iter().any(|own| own == name))
        {
            target["port"] = prefixed(&target["port"]);
        }
    }
}

/// Adds the user's mounts and variables for one container.
pub(super) fn decorate(effective: &Effective, name: &str, init: bool, container: &mut Value) {
    let fields = if init {
        [("customInitVolumeMounts", "volumeMounts"), ("customInitEnv", "env"), ("customInitEnvFrom", "envFrom")]
    } else {
        [("customVolumeMounts", "volumeMounts"), ("customEnv", "env"), ("customEnvFrom", "envFrom")]
    };
    for (from, into) in fields {
        let Some(items) =
            effective.pods.get(from).and_then(|map| map.get(name)).and_then(Value::as_array).filter(|items| !items.is_empty())
        else {
            continue;
        };
        let items = items.iter().map(|item| {
            let mut item = item.clone();
            if into == "volumeMounts" {
                item["name"] = prefixed(&item["name"]);
            }
            item
        });
        match container.get_mut(into).and_then(Value::as_array_mut) {
            Some(list) => list.extend(items),
            None => container[into] = Value::Array(items.collect()),
        }
    }
}

fn list<'a>(effective: &'a Effective, field: &str) -> impl Iterator<Item = &'a Value> {
    effective.pods.get(field).and_then(Value::as_array).into_iter().flatten()
}
