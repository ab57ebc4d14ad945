//! Instances and replication.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "unknown-replication-mode",
            "no such replication mode or role",
            "Modes are async, sync, strict-sync, sync-all and strict-sync-all; roles are ha-read, ha, readonly and none, and the first group must be able to take over.",
        ),
        check: Check::Cluster(words),
    },
    Rule {
        code: Code::warning(
            "single-instance",
            "one instance has no failover",
            "While its node or pod is away there is no database, and a lost volume is lost data unless there is a backup. Two instances or more fail over by themselves.",
        ),
        check: Check::Cluster(single),
    },
    Rule {
        code: Code::warning(
            "strict-without-spare",
            "one lost standby stops all writes",
            "A strict synchronous mode waits for ever when no synchronous standby is left. One instance more than the minimum keeps writes going while one is away.",
        ),
        check: Check::Cluster(strict),
    },
    Rule {
        code: Code::warning(
            "no-failover-candidate",
            "no other instance may take over",
            "Instances of the roles readonly and none never become primary. When the only one that may is away, the cluster takes no writes until it is back.",
        ),
        check: Check::Cluster(candidates),
    },
    Rule {
        code: Code::warning(
            "synchronous-without-candidate",
            "commits may wait for an instance that never takes over",
            "Patroni prefers standbys that may become primary, and takes others when there are too few. What only such a standby has confirmed is safe on its disk, and no failover finds it there.",
        ),
        check: Check::Cluster(synchronous_candidates),
    },
];

const MODES: &[&str] = &["async", "sync", "strict-sync", "sync-all", "strict-sync-all"];

fn words(context: &Context<'_>) -> Vec<Diagnostic> {
    let object = &context.inputs.cluster.object;
    let mut problems = Vec::new();
    for (pointer, allowed) in [("/spec/replication/mode", MODES), ("/spec/replication/role", &["ha-read", "ha"][..])] {
        if let Some(word) = object.text(pointer).filter(|word| !allowed.contains(word)) {
            problems.push(
                context.at(
                    pointer,
                    Diagnostic::error("unknown-replication-mode", format!("`{word}` is not known here"))
                        .help(format!("write one of {}", allowed.join(", "))),
                ),
            );
        }
    }
    for (index, group) in groups(context).enumerate() {
        let roles = ["ha-read", "ha", "readonly", "none"];
        if let Some(word) = group.get("role").and_then(Value::as_str).filter(|word| !roles.contains(word)) {
            let problem = Diagnostic::error("unknown-replication-mode", format!("`{word}` is not known here"));
            let pointer = format!("/spec/replication/groups/{index}/role");
            problems.push(context.at(&pointer, problem.help(format!("write one of {}", roles.join(", ")))));
        }
    }
    problems
}

fn groups<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a Value> + use<'a> {
    context.inputs.cluster.object.get("/spec/replication/groups").and_then(Value::as_array).into_iter().flatten()
}

fn single(context: &Context<'_>) -> Vec<Diagnostic> {
    match context.effective {
        Some(effective) if effective.instances.value == 1 && effective.profile.value == "production" => {
            vec![
                context.at(
                    "/spec/instances",
                    Diagnostic::warning("single-instance", "one instance has no failover")
                        .help("write 2 or more, or set spec.profile to testing or development"),
                ),
            ]
        }
        _ => Vec::new(),
    }
}

fn strict(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let instances = effective.instances.value;
    let spare = match effective.replication.mode.value.as_str() {
        "strict-sync" => instances != effective.replication.sync_instances.value + 1,
        // All standbys are synchronous; Patroni takes a lost one off the list, but the last one stays with `strict`.
        "strict-sync-all" => instances != 2,
        _ => true,
    };
    if spare {
        return Vec::new();
    }
    let problem = Diagnostic::warning("strict-without-spare", "one lost standby stops all writes").help("add an instance");
    vec![context.at("/spec/replication/mode", problem)]
}

fn candidates(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective.filter(|effective| effective.instances.value > 1) else { return Vec::new() };
    if effective.candidates() != 1 || effective.profile.value != "production" {
        return Vec::new();
    }
    let problem = Diagnostic::warning("no-failover-candidate", "one of the instances may become primary, and no other one");
    vec![context.at("/spec/replication/groups", problem.help("raise instances, or give a group the role ha-read or ha"))]
}

fn synchronous_candidates(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective.filter(|effective| effective.instances.value > 1) else { return Vec::new() };
    let standbys = effective.candidates().saturating_sub(1);
    let wanted = match effective.replication.mode.value.as_str() {
        "sync" | "strict-sync" => effective.replication.sync_instances.value as usize,
        // All are waited for, so one that may take over is always among them.
        "sync-all" | "strict-sync-all" => 1,
        _ => 0,
    };
    if wanted <= standbys {
        return Vec::new();
    }
    let message = format!("commits wait for {wanted} standbys, and {standbys} may take over");
    let problem = Diagnostic::warning("synchronous-without-candidate", message);
    vec![context.at("/spec/replication", problem.help("raise instances, or give a group the role ha-read or ha"))]
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    /// A role that is misspelt would make an instance a candidate that shall not be one.
    #[test]
    fn groups_have_roles_that_are_known_and_leave_a_candidate() {
        let of = |instances: u32, groups: &str| {
            let text = format!(
                "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: demo, namespace: n}}\nspec: {{instances: {instances}, postgres: {{version: '17'}}, pods: {{persistentVolume: {{size: 5Gi}}}}, replication: {{{groups}}}}}\n"
            );
            super::super::test_support::examine(&text).0
        };
        assert_eq!(of(4, "groups: [{role: readonly, instances: 1}, {role: none, instances: 1, minInstances: 1}]"), [""; 0]);
        assert_eq!(of(4, "groups: [{role: read-only, instances: 1}]"), ["unknown-replication-mode /spec/replication/groups/0/role"]);
        assert_eq!(
            of(4, "groups: [{role: ha, instances: 1, minInstances: 2}]"),
            ["too-few-instances /spec/replication/groups/0/minInstances"]
        );
        assert_eq!(of(2, "groups: [{role: none, instances: 2}]")[0], "too-few-instances /spec/instances");
        assert_eq!(of(3, "groups: [{role: none, instances: 2}]"), ["no-failover-candidate /spec/replication/groups"]);
        assert_eq!(
            of(4, "mode: sync, syncInstances: 2, groups: [{role: readonly, instances: 2}]"),
            ["synchronous-without-candidate /spec/replication"]
        );
        assert_eq!(of(4, "mode: sync-all, groups: [{role: readonly, instances: 2}]"), [""; 0]);
    }

    #[test]
    fn strict_modes_have_a_spare() {
        let of = |mode: &str| findings(&format!("  replication: {{mode: {mode}}}\n"));
        assert_eq!(of("strict-sync-all"), ["strict-without-spare /spec/replication/mode"]);
        assert_eq!(of("sync-all"), [""; 0]);
    }
}
