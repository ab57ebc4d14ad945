//! Fields of a Service that only some types have. The API server refuses the others, and a plan must not fail there.
//!
//! Source: Kubernetes API reference, "ServiceSpec".

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};
use crate::model::pointer::join;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "service-field-not-for-type",
            "a Service of this type has no such field",
            "Load balancer fields need the type LoadBalancer, `externalTrafficPolicy` a type that is reached from outside, `healthCheckNodePort` a load balancer with `externalTrafficPolicy: Local`, and `sessionAffinityConfig` the affinity ClientIP. The API server refuses anything else.",
        ),
        check: Check::Cluster(fields),
    },
    Rule {
        code: Code::warning(
            "service-field-without-effect",
            "the field has no effect on a Service of this type",
            "Node ports exist with the types NodePort and LoadBalancer only. The field stays unused until the type changes.",
        ),
        check: Check::Cluster(without_effect),
    },
    Rule {
        code: Code::error(
            "bad-port-number",
            "this is no port, or a node port is asked for twice",
            "Ports go from 1 to 65535; a Service port leads to a number, or to a name that a container's port has. A node port serves one port of one Service for each protocol, on all nodes.",
        ),
        check: Check::Cluster(ports),
    },
];

const SERVICES: [&str; 2] = ["primary", "replicas"];

/// The section of a Service, its pointer and its type.
fn sections<'a>(context: &'a Context<'_>) -> impl Iterator<Item = (String, &'a Value, &'a str)> {
    SERVICES.into_iter().filter_map(|name| {
        let pointer = format!("/spec/postgresServices/{name}");
        let section = context.inputs.cluster.object.get(&pointer)?;
        Some((pointer, section, section.get("type").and_then(Value::as_str).unwrap_or("ClusterIP")))
    })
}

fn present(section: &Value, field: &str) -> bool {
    section.get(field).is_some_and(|value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()))
}

fn fields(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (pointer, section, kind) in sections(context) {
        let outside = kind == "NodePort" || kind == "LoadBalancer" || present(section, "externalIPs");
        let local = section.get("externalTrafficPolicy").and_then(Value::as_str) == Some("Local");
        let affine = section.get("sessionAffinity").and_then(Value::as_str) == Some("ClientIP");
        for (field, allowed, needs) in [
            ("allocateLoadBalancerNodePorts", kind == "LoadBalancer", "type: LoadBalancer"),
            ("loadBalancerClass", kind == "LoadBalancer", "type: LoadBalancer"),
            ("loadBalancerSourceRanges", kind == "LoadBalancer", "type: LoadBalancer"),
            ("externalTrafficPolicy", outside, "type: NodePort or LoadBalancer"),
            ("healthCheckNodePort", kind == "LoadBalancer" && local, "type: LoadBalancer and externalTrafficPolicy: Local"),
            ("sessionAffinityConfig", affine, "sessionAffinity: ClientIP"),
        ] {
            if present(section, field) && !allowed {
                problems.push(
                    context.at(
                        &join(&pointer, field),
                        Diagnostic::error("service-field-not-for-type", format!("`{field}` needs {needs}"))
                            .help(format!("take it out, or write {needs}")),
                    ),
                );
            }
        }
    }
    problems
}

fn without_effect(context: &Context<'_>) -> Vec<Diagnostic> {
    let babelfish = context.effective.is_some_and(|effective| effective.postgres.flavor.value == "babelfish");
    let mut problems = Vec::new();
    let mut warn = |pointer: &str, message: String, help: &str| {
        problems.push(context.at(pointer, Diagnostic::warning("service-field-without-effect", message).help(help)));
    };
    for (pointer, section, kind) in sections(context) {
        let on_nodes = kind == "NodePort" || kind == "LoadBalancer";
        for (field, _) in section.get("nodePorts").and_then(Value::as_object).into_iter().flatten() {
            let place = format!("{pointer}/nodePorts/{field}");
            if !on_nodes {
                warn(&place, format!("a Service of type {kind} has no node ports"), "write type: NodePort or LoadBalancer");
            } else if field == "babelfish" && !babelfish {
                warn(&place, "this cluster has no such port".to_owned(), "take it out: the flavor is vanilla");
            }
        }
        if present(section, "loadBalancerIP") && kind != "LoadBalancer" {
            warn(
                &format!("{pointer}/loadBalancerIP"),
                format!("a Service of type {kind} has no load balancer"),
                "write type: LoadBalancer",
            );
        }
        for (index, port) in section.get("customPorts").and_then(Value::as_array).into_iter().flatten().enumerate() {
            if present(port, "nodePort") && !on_nodes {
                let place = format!("{pointer}/customPorts/{index}/nodePort");
                warn(&place, format!("a Service of type {kind} has no node ports"), "write type: NodePort or LoadBalancer");
            }
        }
    }
    problems
}

fn ports(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut taken: BTreeMap<(String, i64), String> = BTreeMap::new();
    for (pointer, section, kind) in sections(context) {
        let mut nodes: Vec<(String, String, i64)> = Vec::new();
        let mut numbers: Vec<(String, i64)> = Vec::new();
        for (field, value) in section.get("nodePorts").and_then(Value::as_object).into_iter().flatten() {
            nodes.extend(value.as_i64().map(|number| (format!("{pointer}/nodePorts/{field}"), "TCP".to_owned(), number)));
        }
        for (index, port) in section.get("customPorts").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let place = format!("{pointer}/customPorts/{index}");
            let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
            nodes.extend(
                port.get("nodePort").and_then(Value::as_i64).map(|number| (format!("{place}/nodePort"), protocol.to_owned(), number)),
            );
            for field in ["port", "targetPort"] {
                numbers.extend(port.get(field).and_then(Value::as_i64).map(|number| (format!("{place}/{field}"), number)));
            }
            if context.effective.is_some_and(|effective| effective.target_port(port).is_none()) {
                let name = port.get("targetPort").and_then(Value::as_str).unwrap_or_default();
                problems.push(
                    context.at(
                        &format!("{place}/targetPort"),
                        Diagnostic::error("bad-port-number", format!("no container of the pod has a port named `{name}`"))
                            .help("name a port of a custom container, or write its number"),
                    ),
                );
            }
        }
        if let Some(number) = section.get("healthCheckNodePort").and_then(Value::as_i64) {
            numbers.push((format!("{pointer}/healthCheckNodePort"), number));
        }
        numbers.extend(nodes.iter().map(|(place, _, number)| (place.clone(), *number)));
        for (place, number) in numbers.iter().filter(|(_, number)| !(1..=65_535).contains(number)) {
            problems.push(
                context
                    .at(place, Diagnostic::error("bad-port-number", format!("{number} is no port")).help("write a number from 1 to 65535")),
            );
        }
        for (place, protocol, number) in nodes.into_iter().filter(|_| kind == "NodePort" || kind == "LoadBalancer") {
            if let Some(first) = taken.get(&(protocol.clone(), number)) {
                problems.push(
                    context.at(
                        &place,
                        Diagnostic::error("bad-port-number", format!("the node port {number} is asked for twice"))
                            .help(format!("choose another number; first at {}", context.inputs.cluster.locate(first))),
                    ),
                );
            } else {
                taken.insert((protocol, number), place);
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    fn primary(text: &str) -> Vec<String> {
        findings(&format!("  postgresServices: {{primary: {text}}}"))
    }

    const PRIMARY: &str = "/spec/postgresServices/primary";

    #[test]
    fn fields_that_the_type_does_not_have() {
        for (section, field) in [
            ("{externalTrafficPolicy: Local}", "externalTrafficPolicy"),
            ("{type: NodePort, loadBalancerSourceRanges: [10.0.0.0/8]}", "loadBalancerSourceRanges"),
            ("{loadBalancerClass: a.b/c}", "loadBalancerClass"),
            ("{type: NodePort, allocateLoadBalancerNodePorts: false}", "allocateLoadBalancerNodePorts"),
            ("{type: LoadBalancer, healthCheckNodePort: 30000}", "healthCheckNodePort"),
            ("{sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}}", "sessionAffinityConfig"),
        ] {
            assert_eq!(primary(section), [format!("service-field-not-for-type {PRIMARY}/{field}")], "{section}");
        }
        for fine in [
            "{type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30000, loadBalancerSourceRanges: [10.0.0.0/8]}",
            "{externalIPs: [192.0.2.1], externalTrafficPolicy: Local}",
            "{loadBalancerSourceRanges: []}",
        ] {
            assert_eq!(primary(fine), [""; 0], "{fine}");
        }
    }

    #[test]
    fn node_ports() {
        for (section, finding) in [
            ("{nodePorts: {pgport: 30000}}", "service-field-without-effect /spec/postgresServices/primary/nodePorts/pgport"),
            ("{type: None, nodePorts: {pgport: 30000}}", "service-field-without-effect /spec/postgresServices/primary/nodePorts/pgport"),
            (
                "{type: NodePort, nodePorts: {babelfish: 30000}}",
                "service-field-without-effect /spec/postgresServices/primary/nodePorts/babelfish",
            ),
            ("{type: NodePort, nodePorts: {pgport: 70000}}", "bad-port-number /spec/postgresServices/primary/nodePorts/pgport"),
            (
                "{type: NodePort, nodePorts: {pgport: 30000, replicationport: 30000}}",
                "bad-port-number /spec/postgresServices/primary/nodePorts/replicationport",
            ),
            ("{customPorts: [{port: 0}]}", "bad-port-number /spec/postgresServices/primary/customPorts/0/port"),
            ("{customPorts: [{port: 80, targetPort: nowhere}]}", "bad-port-number /spec/postgresServices/primary/customPorts/0/targetPort"),
        ] {
            assert!(primary(section).contains(&finding.to_owned()), "{section}: {:?}", primary(section));
        }
        assert_eq!(
            primary("{type: NodePort, nodePorts: {pgport: 30000}, customPorts: [{port: 53, protocol: UDP, nodePort: 30000}]}"),
            [""; 0]
        );
    }
}
