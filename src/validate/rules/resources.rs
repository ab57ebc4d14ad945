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
            "PostgreSQL, Patroni and the side containers need about 512 MiB before the first query.",
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
        Some(memory) if memory < Quantity::whole(512 << 20) => {
            vec![at(
                manifest,
                "/spec/memory",
                Diagnostic::error("too-little-memory", format!("{} is too little for an instance", memory.memory_text()))
                    .help("write 512Mi or more"),
            )]
        }
        _ => Vec::new(),
    }
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
