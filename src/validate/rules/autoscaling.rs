//! Bounds of automatic scaling that contradict each other.

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic, repeated};
use crate::load::Manifest;
use crate::model::Quantity;
use crate::model::pointer::{join, places};
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[Rule {
    code: Code::error(
        "autoscaling-bounds",
        "bounds of automatic scaling contradict each other, or cannot be read",
        "The least is not more than the most, for instances as for CPU and memory; groups keep their least number of instances, and the first group needs one as well; the share of connections in use is a number above 0. A scaler with other bounds would stand still, and nobody would be told.",
    ),
    check: Check::Every(bounds),
}];

/// Sections, wherever a kind has one.
const SECTIONS: &[&str] =
    &["/spec/autoscaling", "/spec/coordinator/autoscaling", "/spec/shards/autoscaling", "/spec/shards/overrides/*/autoscaling"];

fn bounds(manifest: &Manifest) -> Vec<Diagnostic> {
    let sections = SECTIONS.iter().flat_map(|path| places(manifest.object.value(), path));
    sections.flat_map(|(pointer, section)| [counts(manifest, &pointer, section), sizes(manifest, &pointer, section)].concat()).collect()
}

fn problem(manifest: &Manifest, pointer: &str, message: String, help: &str) -> Diagnostic {
    at(manifest, pointer, Diagnostic::error("autoscaling-bounds", message).help(help))
}

fn counts(manifest: &Manifest, pointer: &str, section: &Value) -> Vec<Diagnostic> {
    let number = |field: &str| section.get(field).and_then(Value::as_u64);
    let mut problems = Vec::new();
    let groups = manifest.object.get("/spec/replication/groups").and_then(Value::as_array);
    let of_groups: u64 = groups.into_iter().flatten().filter_map(|group| group.get("minInstances").and_then(Value::as_u64)).sum();
    let stopped = manifest.object.get("/spec/instances").and_then(Value::as_u64) == Some(0);
    if let Some(least) = number("minInstances").filter(|least| *least <= of_groups && of_groups > 0 && !stopped) {
        let message = format!("groups keep {of_groups} instances of {least} at least");
        problems.push(problem(manifest, &join(pointer, "minInstances"), message, "leave at least one to the first group"));
    }
    let target = join(&join(pointer, "horizontal"), "replicasConnectionsUsageTarget");
    if let Some(text) = manifest.object.text(&target)
        && !text.parse::<f64>().is_ok_and(|share| share > 0.0 && share.is_finite())
    {
        let message = format!("`{}` is no share of connections", repeated(&target, text));
        problems.push(problem(manifest, &target, message, "write a number, for example '0.8'"));
    }
    problems
}

fn sizes(manifest: &Manifest, pointer: &str, section: &Value) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for bound in ["minAllowed", "maxAllowed"] {
        let list = join(pointer, bound);
        for (container, size) in section.get(bound).and_then(Value::as_object).into_iter().flatten() {
            let place = join(&list, container);
            let written = |resource: &str| size.get(resource).and_then(Value::as_str);
            if size.is_object() && written("cpu").is_none() && written("memory").is_none() {
                problems.push(problem(manifest, &place, "the bound bounds nothing".to_owned(), "write cpu or memory, or take it out"));
            }
            for resource in ["cpu", "memory"] {
                let Some(text) = written(resource) else { continue };
                let place = join(&place, resource);
                let Some(amount) = Quantity::parse(text).filter(|amount| *amount > Quantity::whole(0)) else {
                    let message = format!("`{}` is no amount of {resource}", repeated(&place, text));
                    problems.push(problem(manifest, &place, message, "write for example 500m of CPU, 2Gi of memory"));
                    continue;
                };
                let most = section.pointer(&format!("{}/{resource}", join("/maxAllowed", container))).and_then(Value::as_str);
                if bound == "minAllowed"
                    && let Some(most) = most
                    && Quantity::parse(most).is_some_and(|most| most < amount)
                {
                    problems.push(problem(
                        manifest,
                        &place,
                        format!("at least {text} and {most} at most"),
                        "lower it, or raise maxAllowed",
                    ));
                }
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    /// A scaler whose bounds exclude every size stands still.
    #[test]
    fn the_least_is_not_more_than_the_most() {
        let of = |text: &str| {
            let found = findings(&format!("  autoscaling: {{{text}}}"));
            found.into_iter().filter(|found| found.starts_with("autoscaling-bounds")).collect::<Vec<_>>()
        };
        let place = "autoscaling-bounds /spec/autoscaling";
        assert_eq!(of("mode: horizontal, minInstances: 2, maxInstances: 2, horizontal: {replicasConnectionsUsageTarget: '0.8'}"), [""; 0]);
        assert_eq!(of("mode: horizontal, minInstances: 3, maxInstances: 2"), [format!("{place}/minInstances")]);
        assert_eq!(
            of("mode: horizontal, minInstances: 2, maxInstances: 4, horizontal: {replicasConnectionsUsageTarget: most}"),
            [format!("{place}/horizontal/replicasConnectionsUsageTarget")]
        );
        let vertical = |least: &str, most: &str| {
            of(&format!("mode: vertical, minAllowed: {{patroni: {{{least}}}}}, maxAllowed: {{patroni: {{{most}}}}}"))
        };
        assert_eq!(vertical("cpu: 500m, memory: 2Gi", "cpu: '1', memory: 2Gi"), [""; 0]);
        assert_eq!(vertical("cpu: '2'", "cpu: '1'"), [format!("{place}/minAllowed/patroni/cpu")]);
        assert_eq!(vertical("cpu: much", "cpu: '1'"), [format!("{place}/minAllowed/patroni/cpu")]);
        assert_eq!(vertical("cpu: '1'", ""), [format!("{place}/maxAllowed/patroni")]);
        let groups = |least: u32| {
            let text = format!(
                "  replication: {{groups: [{{role: ha, instances: 1, minInstances: 1}}]}}\n  autoscaling: {{mode: horizontal, minInstances: {least}, maxInstances: 4}}"
            );
            findings(&text).iter().filter(|found| found.starts_with("autoscaling-bounds")).count()
        };
        assert_eq!(groups(2), 0);
    }

    #[test]
    fn groups_leave_one() {
        let text = "  replication: {groups: [{role: ha, instances: 1, minInstances: 1}, {role: ha, instances: 1, minInstances: 1}]}\n  autoscaling: {mode: horizontal, minInstances: 2, maxInstances: 4}";
        assert!(findings(text).contains(&"autoscaling-bounds /spec/autoscaling/minInstances".to_owned()));
    }
}
