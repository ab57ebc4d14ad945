//! Services.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};
use crate::resolve::Effective;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "port-clash",
            "two ports of a Service are the same",
            "5432 is the pooled and 5433 the direct PostgreSQL port of every Service; names, and numbers of one protocol, must be unique. Names get the prefix `custom-`, and a port without one is named by its position.",
        ),
        check: Check::Cluster(clash),
    },
    Rule {
        code: Code::warning(
            "no-primary-service",
            "clients have no stable address of the primary",
            "After a failover the primary is another pod. Without the Service, clients must find it themselves.",
        ),
        check: Check::Cluster(disabled),
    },
];

fn clash(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for service in ["primary", "replicas"] {
        let pointer = format!("/spec/postgresServices/{service}/customPorts");
        let mut numbers: BTreeSet<(&str, i64)> = [("TCP", 5432), ("TCP", 5433)].into();
        let mut names = BTreeSet::new();
        for (index, port) in context.inputs.cluster.object.get(&pointer).and_then(Value::as_array).into_iter().flatten().enumerate() {
            let number = port.get("port").and_then(Value::as_i64).unwrap_or_default();
            let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
            // A port without a name is named by its position.
            let name = port.get("name").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned);
            if !numbers.insert((protocol, number)) {
                problems.push(context.at(
                    &format!("{pointer}/{index}/port"),
                    Diagnostic::error("port-clash", format!("the {protocol} port {number} is taken")).help("choose another number"),
                ));
            }
            if !names.insert(Effective::custom_name(&name)) {
                problems.push(context.at(
                    &format!("{pointer}/{index}/name"),
                    Diagnostic::error("port-clash", "the name is taken").help("choose another name"),
                ));
            }
        }
    }
    problems
}

fn disabled(context: &Context<'_>) -> Vec<Diagnostic> {
    match context.effective {
        Some(effective) if !effective.primary_service.enabled.value => {
            vec![context.at(
                "/spec/postgresServices/primary/enabled",
                Diagnostic::warning("no-primary-service", "clients have no stable address of the primary"),
            )]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    #[test]
    fn names_and_numbers_of_custom_ports() {
        let ports = |text: &str| findings(&format!("  postgresServices: {{primary: {{customPorts: {text}}}}}"));
        assert_eq!(ports("[{port: 53}, {port: 53, protocol: UDP}]"), [""; 0], "protocols have their own numbers");
        let place = "port-clash /spec/postgresServices/primary/customPorts";
        assert_eq!(ports("[{port: 53}, {port: 53}]"), [format!("{place}/1/port")]);
        assert_eq!(
            ports("[{port: 53}, {port: 54, name: '0'}]"),
            [format!("{place}/1/name")],
            "one without a name is named by its position"
        );
        assert_eq!(ports("[{port: 53, name: a}, {port: 54, name: custom-a}]"), [format!("{place}/1/name")]);
    }
}
