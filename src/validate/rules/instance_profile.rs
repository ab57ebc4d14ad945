//! Sizes of a profile that contradict each other.

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use crate::model::Quantity;
use crate::model::pointer::join;
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[Rule {
    code: Code::error(
        "bad-huge-pages",
        "the huge pages cannot be reserved like this",
        "Huge pages come in whole pages of 2 MiB or 1 GiB and are part of the memory: their sum may not be more than the memory of the same container. Source: Kubernetes documentation, Manage HugePages.",
    ),
    check: Check::Manifest("SGInstanceProfile", huge_pages),
}];

fn huge_pages(manifest: &Manifest) -> Vec<Diagnostic> {
    let mut sizes: Vec<String> = vec!["/spec".to_owned()];
    for section in ["containers", "initContainers"] {
        let pointer = format!("/spec/{section}");
        sizes.extend(manifest.object.get(&pointer).and_then(Value::as_object).into_iter().flatten().map(|(name, _)| join(&pointer, name)));
    }
    sizes.iter().flat_map(|size| of_one(manifest, size)).collect()
}

fn of_one(manifest: &Manifest, size: &str) -> Vec<Diagnostic> {
    let section = format!("{size}/hugePages");
    if manifest.object.get(&section).is_none_or(Value::is_null) {
        return Vec::new();
    }
    let wrong = |pointer: &str, message: String, help: &str| at(manifest, pointer, Diagnostic::error("bad-huge-pages", message).help(help));
    let amount = |pointer: &str| manifest.object.text(pointer).and_then(Quantity::parse);
    let (mut problems, mut sum) = (Vec::new(), 0);
    for (kind, bytes, unit) in [("hugepages-2Mi", 2_i64 << 20, "2Mi"), ("hugepages-1Gi", 1 << 30, "1Gi")] {
        let pointer = join(&section, kind);
        let Some(amount) = amount(&pointer) else { continue };
        sum += amount.ceiling();
        if amount.ceiling() % bytes != 0 {
            problems.push(wrong(&pointer, format!("{} is no whole number of pages of {unit}", amount.memory_text()), "round it up"));
        }
    }
    if let Some(memory) = amount(&format!("{size}/memory")).filter(|memory| memory.ceiling() < sum) {
        problems.push(wrong(
            &section,
            format!("the huge pages are more than the memory of {}", memory.memory_text()),
            "raise the memory or lower them",
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::test_support::examine;

    #[test]
    fn huge_pages_fit_into_the_memory() {
        let of = |spec: &str| {
            examine(&format!("apiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {{name: a}}\nspec: {{{spec}}}\n")).0
        };
        assert_eq!(of("memory: 4Gi, hugePages: {hugepages-2Mi: 2Gi, hugepages-1Gi: 2Gi}"), [""; 0]);
        assert_eq!(of("memory: 2Gi, hugePages: {}"), ["bad-huge-pages /spec/hugePages"]);
        assert_eq!(of("memory: 2Gi, hugePages: {hugepages-2Mi: 3Gi}"), ["bad-huge-pages /spec/hugePages"]);
        assert_eq!(of("memory: 2Gi, hugePages: {hugepages-2Mi: 3Mi}"), ["bad-huge-pages /spec/hugePages/hugepages-2Mi"]);
        assert_eq!(
            of("memory: 4Gi, containers: {pgbouncer: {memory: 64Mi, hugePages: {hugepages-2Mi: 128Mi}}}"),
            ["bad-huge-pages /spec/containers/pgbouncer/hugePages"]
        );
    }
}
