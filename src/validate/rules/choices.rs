//! Values that are one of a few, and counts that fit, where the schema of the API leaves them open.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic, nearest, repeated};
use serde_json::Value;

/// Also said of other kinds.
pub(super) const UNKNOWN_CHOICE: Code = Code::error(
    "unknown-choice",
    "the value is none of those that have a meaning",
    "The API takes any text here, and what it does not know would silently mean something else: an unknown `profile` would drop the rule that instances do not share a node, an unknown `updateStrategy.type` would be `OnlyDbOps`.",
);

pub(super) const RULES: &[Rule] = &[
    Rule { code: UNKNOWN_CHOICE, check: Check::Cluster(choices) },
    Rule {
        code: Code::error(
            "count-out-of-range",
            "there cannot be that many",
            "Kubernetes counts replicas with 32 bits, and PostgreSQL serves no such number of standbys.",
        ),
        check: Check::Cluster(counts),
    },
    Rule {
        code: Code::warning(
            "option-without-effect",
            "the API takes the option and ignores it",
            "The four `enableSet…Requests` of `nonProductionOptions` are deprecated: what the profile reserves is always reserved, so `false` does nothing. To reserve nothing, write `disablePatroniResourceRequirements` or `disableClusterResourceRequirements`.",
        ),
        check: Check::Cluster(ignored),
    },
];

/// Fields and what they may say. Source of the last two: Kubernetes API reference, StatefulSet and PodSecurityContext.
const CHOICES: &[(&str, &[&str])] = &[
    ("/spec/profile", &["production", "testing", "development"]),
    ("/spec/pods/updateStrategy/type", &["Always", "Schedule", "OnlyDbOps", "Never"]),
    ("/spec/pods/updateStrategy/method", &["InPlace", "ReducedImpact"]),
    ("/spec/pods/managementPolicy", &["OrderedReady", "Parallel"]),
    ("/spec/pods/persistentVolume/fsGroupChangePolicy", &["OnRootMismatch", "Always"]),
];

/// Most instances: `max_wal_senders` is at most 262143, and a cluster of more than this is a slip of the keyboard.
const MOST: i64 = 1_000;

fn choices(context: &Context<'_>) -> Vec<Diagnostic> {
    let wrong = |(pointer, allowed): &(&str, &[&str])| {
        let value = context.inputs.cluster.object.text(pointer).filter(|value| !allowed.contains(value))?;
        let list = allowed.join(", ");
        let help = match nearest(value, allowed.iter().copied()) {
            Some(near) => format!("did you mean {near}? It is one of {list}"),
            None => format!("it is one of {list}"),
        };
        Some(
            context
                .at(pointer, Diagnostic::error("unknown-choice", format!("`{}` has no meaning here", repeated(pointer, value))).help(help)),
        )
    };
    let mut problems: Vec<Diagnostic> = CHOICES.iter().filter_map(wrong).collect();
    let gates = context.inputs.cluster.object.get("/spec/nonProductionOptions/enabledFeatureGates").and_then(Value::as_array);
    for (index, gate) in gates.into_iter().flatten().enumerate().filter(|(_, gate)| gate.as_str().is_some_and(|gate| gate != BABELFISH)) {
        let problem =
            Diagnostic::error("unknown-choice", format!("there is no feature gate {gate}")).help(format!("the only one is {BABELFISH}"));
        problems.push(context.at(&format!("/spec/nonProductionOptions/enabledFeatureGates/{index}"), problem));
    }
    problems
}

/// The one feature gate of the API.
const BABELFISH: &str = "babelfish-flavor";

fn counts(context: &Context<'_>) -> Vec<Diagnostic> {
    let wrong = |pointer: &&str| {
        let value = context.inputs.cluster.object.get(pointer).and_then(Value::as_f64).filter(|value| *value > 1_000.0)?;
        let problem = Diagnostic::error("count-out-of-range", format!("{value} is more than {MOST}"));
        Some(context.at(pointer, problem.help(format!("write {MOST} or less"))))
    };
    ["/spec/instances", "/spec/replication/syncInstances"].iter().filter_map(wrong).collect()
}

fn ignored(context: &Context<'_>) -> Vec<Diagnostic> {
    let options =
        ["enableSetPatroniCpuRequests", "enableSetClusterCpuRequests", "enableSetPatroniMemoryRequests", "enableSetClusterMemoryRequests"];
    let off = options.into_iter().map(|option| format!("/spec/nonProductionOptions/{option}"));
    off.filter(|pointer| context.inputs.cluster.object.get(pointer) == Some(&Value::Bool(false)))
        .map(|pointer| {
            let problem = Diagnostic::warning("option-without-effect", "what the profile reserves is always reserved");
            context.at(&pointer, problem.help("take it out"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{examine, findings};

    /// A misspelt profile used to drop the rule that instances do not share a node, and a count that does not fit became 1.
    #[test]
    fn what_has_no_meaning_is_refused() {
        let has = |found: Vec<String>, code: &str| found.iter().any(|finding| finding.starts_with(code));
        assert!(has(findings("  profile: prod\n"), "unknown-choice /spec/profile"));
        assert!(!has(findings("  profile: testing\n"), "unknown-choice"));
        assert!(has(
            findings("  nonProductionOptions: {enabledFeatureGates: [babelfish]}\n"),
            "unknown-choice /spec/nonProductionOptions/enabledFeatureGates/0"
        ));
        assert_eq!(
            findings("  nonProductionOptions: {enabledFeatureGates: [babelfish-flavor], enableSetPatroniCpuRequests: true}\n"),
            [""; 0]
        );
        assert!(has(findings("  nonProductionOptions: {enableSetPatroniCpuRequests: false}\n"), "option-without-effect"));
        assert!(has(findings("  pods: {persistentVolume: {size: 5Gi}, managementPolicy: parallel}\n"), "unknown-choice"));
        let many = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a}\nspec: {instances: 5000000000, postgres: {version: '17'}, pods: {persistentVolume: {size: 5Gi}}}\n";
        assert!(has(examine(many).0, "count-out-of-range /spec/instances"));
    }
}
