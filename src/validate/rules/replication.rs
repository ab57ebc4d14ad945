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
        code: Code::error(
            "too-few-instances",
            "there are fewer instances than replication needs",
            "A synchronous commit waits for `syncInstances` standbys, so there must be one instance more than that. Groups take their instances out of `spec.instances`, and the first group needs at least one.",
        ),
        check: Check::Cluster(counts),
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
    problems
}

fn counts(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let (instances, needed) = (effective.instances.value, effective.replication.sync_instances.value);
    if instances == 0 {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let synchronous = matches!(effective.replication.mode.value.as_str(), "sync" | "strict-sync");
    if synchronous && instances <= needed {
        problems.push(
            context.at(
                "/spec/instances",
                Diagnostic::error("too-few-instances", format!("{needed} synchronous standbys need more than {instances} instances"))
                    .help(format!("raise instances to {} or more", needed + 1)),
            ),
        );
    }
    let grouped: u64 = effective
        .replication
        .groups
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|group| group.get("instances").and_then(Value::as_u64))
        .sum();
    if grouped > 0 && u64::from(instances) <= grouped {
        problems.push(
            context.at(
                "/spec/instances",
                Diagnostic::error("too-few-instances", format!("groups take {grouped} of {instances} instances"))
                    .help("leave at least one to the first group"),
            ),
        );
    }
    problems
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

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    #[test]
    fn strict_modes_have_a_spare() {
        let of = |mode: &str| findings(&format!("  replication: {{mode: {mode}}}\n"));
        assert_eq!(of("strict-sync-all"), ["strict-without-spare /spec/replication/mode"]);
        assert_eq!(of("sync-all"), [""; 0]);
    }
}
