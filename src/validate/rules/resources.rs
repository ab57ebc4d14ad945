//! CPU and memory.

use super::{Check, Context, Rule, at};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use crate::model::Quantity;
use crate::postgres::normalise;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "too-little-memory",
            "an instance cannot run in so little memory",
            "The database container holds PostgreSQL and Patroni: about 110 MiB at rest, and 150 more when every connection is open. Below 256 MiB the kernel ends it in ordinary use.",
        ),
        check: Check::Manifest("SGInstanceProfile", memory),
    },
    Rule {
        code: Code::error(
            "memory-overcommitted",
            "shared_buffers leaves no room in the memory limit",
            "The kernel ends PostgreSQL with an out-of-memory kill as soon as the pages are used. A quarter of the memory is usual; more than three quarters cannot work.",
        ),
        check: Check::Cluster(shared_buffers),
    },
    Rule {
        code: Code::error(
            "requests-above-limits",
            "more is reserved than may be used",
            "Kubernetes refuses a pod whose request is above its limit.",
        ),
        check: Check::Manifest("SGInstanceProfile", requests),
    },
];

fn amount(manifest: &Manifest, pointer: &str) -> Option<Quantity> {
    manifest.object.text(pointer).and_then(Quantity::parse)
}

fn memory(manifest: &Manifest) -> Vec<Diagnostic> {
    match amount(manifest, "/spec/memory") {
        Some(memory) if memory < LEAST => vec![at(manifest, "/spec/memory", too_little(memory))],
        _ => Vec::new(),
    }
}

/// The least memory of an instance; the default parameters fit into it (`postgres/memory.rs`).
const LEAST: Quantity = Quantity::whole(256 << 20);

fn too_little(memory: Quantity) -> Diagnostic {
    Diagnostic::error("too-little-memory", format!("{} is too little for an instance", memory.memory_text())).help("write 256Mi or more")
}

fn requests(manifest: &Manifest) -> Vec<Diagnostic> {
    ["cpu", "memory"]
        .into_iter()
        .filter_map(|resource| {
            let pointer = format!("/spec/requests/{resource}");
            let (request, limit) = (amount(manifest, &pointer)?, amount(manifest, &format!("/spec/{resource}"))?);
            (request > limit).then(|| {
                at(
                    manifest,
                    &pointer,
                    Diagnostic::error("requests-above-limits", format!("the {resource} request is above spec.{resource}")).help("lower it"),
                )
            })
        })
        .collect()
}

fn shared_buffers(context: &Context<'_>) -> Vec<Diagnostic> {
    // Of a set that is not complete the size may stand elsewhere.
    if context.inputs.instance_profile.is_none() && context.inputs.cluster.object.get("/spec/sgInstanceProfile").is_some() {
        return Vec::new();
    }
    let Some(effective) = context.effective else { return Vec::new() };
    let own = "/spec/pods/resources/containers/patroni/limits/memory";
    if let Some(memory) = amount(&context.inputs.cluster, own).filter(|memory| *memory < LEAST) {
        return vec![context.at(own, too_little(memory))];
    }
    let limit = effective.resources.get("patroni").and_then(|amounts| amounts.limits.get("memory")).and_then(|text| Quantity::parse(text));
    let buffers = effective
        .postgres
        .parameters
        .get("shared_buffers")
        .and_then(|value| normalise(effective.postgres.major, "shared_buffers", &value.value).ok());
    let (Some(limit), Some(pages)) = (limit, buffers.and_then(|pages| pages.parse::<i64>().ok())) else { return Vec::new() };
    if Quantity::whole(pages.saturating_mul(8_192)) <= Quantity::whole(limit.ceiling() / 4 * 3) {
        return Vec::new();
    }
    let problem =
        Diagnostic::error("memory-overcommitted", format!("shared_buffers takes more than three quarters of {}", limit.memory_text()))
            .help("lower shared_buffers or raise the memory");
    vec![context.at("/spec/sgInstanceProfile", problem)]
}

#[cfg(test)]
mod tests {
    use super::super::test_support::examine;

    fn of(profile: &str, pods: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {{name: p, namespace: n}}\nspec: {{cpu: '1', memory: {profile}}}\n---\napiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: a, namespace: n}}\nspec: {{instances: 3, postgres: {{version: '17'}}, sgInstanceProfile: p, pods: {{persistentVolume: {{size: 5Gi}}, {pods}}}}}\n"
        );
        examine(&text).0.into_iter().filter(|finding| finding.contains("memory")).collect()
    }

    /// Below the least the kernel ends the database in ordinary use; at it the defaults fit.
    #[test]
    fn the_least_memory_holds_for_the_profile_and_for_the_container() {
        assert_eq!(of("256Mi", ""), [""; 0]);
        assert_eq!(of("255Mi", ""), ["too-little-memory /spec/memory"]);
        let limit = |amount: &str| of("1Gi", &format!("resources: {{containers: {{patroni: {{limits: {{memory: {amount}}}}}}}}}"));
        assert_eq!(limit("256Mi"), [""; 0], "the defaults follow the container's own limit");
        assert_eq!(limit("255Mi"), ["too-little-memory /spec/pods/resources/containers/patroni/limits/memory"]);
    }
}
