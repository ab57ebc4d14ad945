//! The addresses of a cluster.

use super::metadata::{generic, metadata, patroni, scope};
use crate::model::Object;
use crate::resolve::{Effective, ServiceSettings};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Every Service of a cluster.
pub(super) fn services(effective: &Effective) -> Vec<Object> {
    let mut services = Vec::new();
    if effective.primary_service.enabled.value {
        // Patroni keeps the Endpoints of this Service: traffic follows the leader lock, without waiting for a probe.
        services.push(service(effective, &scope(effective), &effective.primary_service, None, "primaryService"));
        let mut alias = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata(effective, &format!("{}-primary", effective.cluster.name), generic(effective), &["services", "primaryService"]),
            "spec": {"type": "ExternalName"},
        });
        alias["spec"]["externalName"] =
            json!(format!("{}.{}.svc.{}", scope(effective), effective.cluster.namespace, effective.cluster_domain));
        services.push(Object::new(alias));
    }
    if effective.replicas_service.enabled.value {
        let mut selector = patroni(effective);
        selector.insert("role".to_owned(), "replica".to_owned());
        services.push(service(
            effective,
            &format!("{}-replicas", effective.cluster.name),
            &effective.replicas_service,
            Some(selector),
            "replicasService",
        ));
    }
    services.push(Object::new(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(effective, &format!("{}-rest", effective.cluster.name), generic(effective), &["services"]),
        "spec": {
            "type": "ClusterIP",
            "selector": patroni(effective),
            "ports": [{"name": "patroniport", "port": 8008, "protocol": "TCP", "targetPort": "patroniport"}],
        },
    })));
    let mut labels = patroni(effective);
    labels.extend(generic(effective));
    services.push(Object::new(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(effective, &format!("{}-config", scope(effective)), labels, &["services"]),
        "spec": {"clusterIP": "None"},
    })));
    services
}

/// Fields of a Service that pass through as written.
const PASSED: &[&str] = &[
    "allocateLoadBalancerNodePorts",
    "externalIPs",
    "externalTrafficPolicy",
    "healthCheckNodePort",
    "internalTrafficPolicy",
    "ipFamilies",
    "ipFamilyPolicy",
    "loadBalancerClass",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
    "publishNotReadyAddresses",
    "sessionAffinity",
    "sessionAffinityConfig",
];

fn service(
    effective: &Effective,
    name: &str,
    settings: &ServiceSettings,
    selector: Option<BTreeMap<String, String>>,
    scope: &str,
) -> Object {
    let mut spec: Map<String, Value> = PASSED
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), settings.spec.get(field)?.clone())))
        .filter(|(_, value)| !value.is_null())
        .collect();
    if settings.r#type.value == "None" {
        spec.insert("type".to_owned(), json!("ClusterIP"));
        spec.insert("clusterIP".to_owned(), json!("None"));
    } else {
        spec.insert("type".to_owned(), json!(settings.r#type.value));
    }
    if let Some(selector) = &selector {
        spec.insert("selector".to_owned(), json!(selector));
    }
    spec.insert("ports".to_owned(), ports(settings, effective.pooling.is_some()));
    let mut labels = generic(effective);
    if selector.is_none() {
        labels.extend(patroni(effective));
    }
    Object::new(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(effective, name, labels, &["services", scope]),
        "spec": spec,
    }))
}

/// 5432 leads to the pooler, 5433 to PostgreSQL itself; then the user's own ports.
fn ports(settings: &ServiceSettings, pooled: bool) -> Value {
    // Without a pooler one port of the pod serves both, and a pod names each port once.
    let direct = if pooled { "pgreplication" } else { "pgport" };
    let mut ports = vec![
        json!({"name": "pgport", "port": 5432, "protocol": "TCP", "targetPort": "pgport"}),
        json!({"name": "pgreplication", "port": 5433, "protocol": "TCP", "targetPort": direct}),
    ];
    for (port, field) in ports.iter_mut().zip(["pgport", "replicationport"]) {
        if let Some(node_port) = settings.spec.pointer(&format!("/nodePorts/{field}")).filter(|_| settings.r#type.value != "ClusterIP") {
            port["nodePort"] = node_port.clone();
        }
    }
    for (index, custom) in settings.spec.get("customPorts").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let mut port = custom.clone();
        let name = custom.get("name").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned);
        port["name"] = json!(format!("custom-{name}"));
        if port.get("protocol").is_none() {
            port["protocol"] = json!("TCP");
        }
        ports.push(port);
    }
    Value::Array(ports)
}
