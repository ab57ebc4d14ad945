//! Where pods may run, as the API server checks it in a pod.
//!
//! Source: Kubernetes API reference, "Toleration".

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[Rule {
    code: Code::error(
        "bad-toleration",
        "Kubernetes would refuse this toleration",
        "A toleration has the operator Equal or Exists; without a key it needs Exists, with Exists it has no value; the effect is NoSchedule, PreferNoSchedule or NoExecute; `tolerationSeconds` goes with NoExecute only. No pod would be made.",
    ),
    check: Check::Cluster(tolerations),
}];

fn tolerations(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for list in ["/spec/pods/scheduling/tolerations", "/spec/pods/scheduling/backup/tolerations"] {
        let items = context.inputs.cluster.object.get(list).and_then(Value::as_array);
        for (index, toleration) in items.into_iter().flatten().enumerate() {
            let text = |field: &str| toleration.get(field).and_then(Value::as_str).unwrap_or_default();
            let (operator, effect) = (text("operator"), text("effect"));
            let mut wrong = |field: &str, message: String, help: &str| {
                let problem = Diagnostic::error("bad-toleration", message).help(help);
                problems.push(context.at(&format!("{list}/{index}{field}"), problem));
            };
            if !["", "Equal", "Exists"].contains(&operator) {
                wrong("/operator", format!("there is no operator `{operator}`"), "write Equal or Exists");
            } else if text("key").is_empty() && operator != "Exists" {
                wrong("", "a toleration without a key needs the operator Exists".to_owned(), "add the key, or operator: Exists");
            } else if operator == "Exists" && !text("value").is_empty() {
                wrong(
                    "/value",
                    "with the operator Exists there is no value to compare".to_owned(),
                    "take it out, or write operator: Equal",
                );
            }
            if !["", "NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect) {
                wrong("/effect", format!("there is no effect `{effect}`"), "write NoSchedule, PreferNoSchedule or NoExecute");
            } else if toleration.get("tolerationSeconds").is_some_and(|value| !value.is_null()) && effect != "NoExecute" {
                wrong(
                    "/tolerationSeconds",
                    "seconds are counted for the effect NoExecute only".to_owned(),
                    "write effect: NoExecute, or take it out",
                );
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::test_support::pods;

    #[test]
    fn tolerations_as_kubernetes_takes_them() {
        let of = |text: &str| pods(&format!("scheduling: {{tolerations: [{{{text}}}]}}"));
        let place = "bad-toleration /spec/pods/scheduling/tolerations/0";
        for fine in [
            "operator: Exists",
            "key: a, value: b, effect: NoSchedule",
            "key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 3",
        ] {
            assert_eq!(of(fine), [""; 0], "{fine}");
        }
        assert_eq!(of("key: a, operator: Equals"), [format!("{place}/operator")]);
        assert_eq!(of("effect: NoSchedule"), [place]);
        assert_eq!(of("key: a, operator: Exists, value: b"), [format!("{place}/value")]);
        assert_eq!(of("key: a, effect: Never"), [format!("{place}/effect")]);
        assert_eq!(of("key: a, effect: NoSchedule, tolerationSeconds: 3"), [format!("{place}/tolerationSeconds")]);
    }
}
