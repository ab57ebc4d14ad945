//! Services.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "port-clash",
            "two ports of a Service are the same",
            "5432 is the pooled and 5433 the direct PostgreSQL port of every Service; names and numbers must be unique.",
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
        let mut numbers: BTreeSet<i64> = [5432, 5433].into();
        let mut names = BTreeSet::new();
        for (index, port) in context.inputs.cluster.object.get(&pointer).and_then(Value::as_array).into_iter().flatten().enumerate() {
            let number = port.get("port").and_then(Value::as_i64).unwrap_or_default();
            let name = port.get("name").and_then(Value::as_str);
            if !numbers.insert(number) {
                problems.push(context.at(
                    &format!("{pointer}/{index}/port"),
                    Diagnostic::error("port-clash", format!("the port {number} is taken")).help("choose another number"),
                ));
            }
            if name.is_some_and(|name| !names.insert(name)) {
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
