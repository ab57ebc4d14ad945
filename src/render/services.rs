//! The addresses of a cluster.

use super::metadata::{generic, metadata, patroni, scope};
use crate::model::Object;
use crate::resolve::{Effective, ServiceSettings};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Every Service of a cluster.
pub(super) fn services(effective: &Effective) -> Vec<Object> {
    // Patroni keeps the Endpoints of this Service: traffic follows the leader lock, without waiting for a probe.
    let mut services = vec![service(effective, &scope(effective), &effective.primary_service, None, "primaryService")];
    if effective.primary_service.enabled.value {
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
        if effective.some_serve_no_reads() {
            // The cluster loop puts the label on each pod; one that is not labelled yet serves no reads.
            selector.insert("noloadbalance".to_owned(), "false".to_owned());
        }
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
    // Endpoints without a Service are removed when the controller manager starts: with them would go Patroni's configuration and
    // the record of who is synchronous, and a replica that lacks commits could take over.
    for suffix in ["config", "failover", "sync"] {
        let mut labels = patroni(effective);
        labels.extend(generic(effective));
        services.push(Object::new(json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata(effective, &format!("{}-{suffix}", scope(effective)), labels, &["services"]),
            "spec": {"clusterIP": "None"},
        })));
    }
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
        .filter(|_| settings.enabled.value)
        .filter_map(|field| Some(((*field).to_owned(), settings.spec.get(field)?.clone())))
        .filter(|(_, value)| !value.is_null())
        .collect();
    if settings.r#type.value == "None" {
        spec.insert("type".to_owned(), json!("ClusterIP"));
        spec.insert("clusterIP".to_owned(), json!("None"));
    } else if settings.enabled.value {
        spec.insert("type".to_owned(), json!(settings.r#type.value));
    } else {
        spec.insert("type".to_owned(), json!("ClusterIP"));
    }
    if let Some(selector) = &selector {
        spec.insert("selector".to_owned(), json!(selector));
    }
    if settings.enabled.value {
        spec.insert("ports".to_owned(), ports(effective, settings));
    } else if settings.r#type.value != "None" {
        // Switched off, it stays: Endpoints without a Service are removed, and the leader lock is in them. One port of a name that
        // no Endpoints have leads nowhere. It cannot become headless: `clusterIP` of a Service never changes to `None`.
        spec.insert("ports".to_owned(), json!([{"name": "disabled", "port": 1, "protocol": "TCP", "targetPort": 1}]));
    }
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

/// The user's ports with their names in the Service. One without a name is named by its position.
pub(super) fn custom_ports(settings: &ServiceSettings) -> impl Iterator<Item = (String, &Value)> {
    let ports = settings.spec.get("customPorts").and_then(Value::as_array).into_iter().flatten().enumerate();
    ports.map(|(index, port)| {
        let name = port.get("name").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned);
        (Effective::custom_name(&name), port)
    })
}

/// 5432 leads to the pooler, 5433 to PostgreSQL itself; then the user's own ports.
fn ports(effective: &Effective, settings: &ServiceSettings) -> Value {
    // Without a pooler one port of the pod serves both, and a pod names each port once.
    let direct = if effective.pooling.is_some() { "pgreplication" } else { "pgport" };
    let mut ports = vec![
        json!({"name": "pgport", "port": 5432, "protocol": "TCP", "targetPort": "pgport"}),
        json!({"name": "pgreplication", "port": 5433, "protocol": "TCP", "targetPort": direct}),
    ];
    let on_nodes = matches!(settings.r#type.value.as_str(), "NodePort" | "LoadBalancer");
    for (port, field) in ports.iter_mut().zip(["pgport", "replicationport"]) {
        if let Some(node_port) = settings.spec.pointer(&format!("/nodePorts/{field}")).filter(|_| on_nodes) {
            port["nodePort"] = node_port.clone();
        }
    }
    for (name, custom) in custom_ports(settings) {
        let mut port = json!({"name": name, "port": custom["port"], "protocol": "TCP"});
        for field in ["appProtocol", "protocol", "nodePort"] {
            if let Some(value) = custom.get(field).filter(|value| !value.is_null() && (field != "nodePort" || on_nodes)) {
                port[field] = value.clone();
            }
        }
        if let Some((name, number)) = effective.target_port(custom) {
            port["targetPort"] = name.map_or_else(|| json!(number), Value::String);
        }
        ports.push(port);
    }
    Value::Array(ports)
}
