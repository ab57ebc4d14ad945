//! Operations that would not do what is meant.

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic, nearest};
use crate::load::Manifest;
use crate::model::iso_duration;
use jiff::Timestamp;
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "unknown-operation",
            "there is no such operation",
            "`op` names what is done. The API takes any text in it; one that means nothing would never be carried out.",
        ),
        check: Check::Manifest("SGDbOps", operation),
    },
    Rule {
        code: Code::error(
            "operation-section",
            "a section of the operation does not fit it",
            "An SGDbOps is one operation. Only the section of that name may be there; what another section asks for would not be done.",
        ),
        check: Check::Manifest("SGDbOps", section),
    },
    Rule {
        code: Code::error(
            "operation-time",
            "a moment, a length of time or a count of the operation cannot be read",
            "`runAt` is a moment with its offset, such as `2026-11-28T03:00:00Z`; `timeout` an ISO 8601 duration of a fixed length, such as `PT2H`; `maxRetries` is 0 or more.",
        ),
        check: Check::Manifest("SGDbOps", times),
    },
];

/// The operations of the API, and whether they are carried out; what to do instead where they are not.
const OPERATIONS: &[(&str, Option<&str>)] = &[
    ("benchmark", Some("run pgbench from a pod of your own")),
    ("vacuum", Some("run VACUUM with SQL; autovacuum runs all the same")),
    ("repack", Some("run pg_repack from a pod of your own")),
    ("restart", None),
    ("majorVersionUpgrade", Some("make a new SGCluster of the newer major version, and move the data")),
    (
        "minorVersionUpgrade",
        Some(
            "write the version into `spec.postgres.version` of the SGCluster; where its update strategy is OnlyDbOps, a `restart` carries it out",
        ),
    ),
    ("securityUpgrade", None),
];

fn operation(manifest: &Manifest) -> Vec<Diagnostic> {
    const OP: &str = "/spec/op";
    let Some(op) = manifest.object.text(OP) else { return Vec::new() };
    let names = || OPERATIONS.iter().map(|(name, _)| *name);
    let Some((_, instead)) = OPERATIONS.iter().find(|(name, _)| *name == op) else {
        let list = names().collect::<Vec<_>>().join(", ");
        let help =
            nearest(op, names()).map_or_else(|| format!("it is one of {list}"), |near| format!("did you mean {near}? It is one of {list}"));
        return vec![at(manifest, OP, Diagnostic::error("unknown-operation", format!("there is no operation `{op}`")).help(help))];
    };
    // A section that says something is told by itself.
    let says_more = manifest.object.get(&format!("/spec/{op}")).and_then(Value::as_object).is_some_and(|section| !section.is_empty());
    match instead {
        Some(instead) if !says_more => {
            vec![at(
                manifest,
                OP,
                Diagnostic::error("not-supported-yet", format!("the operation `{op}` is not carried out yet")).help(*instead),
            )]
        }
        _ => Vec::new(),
    }
}

fn section(manifest: &Manifest) -> Vec<Diagnostic> {
    let Some(op) = manifest.object.text("/spec/op") else { return Vec::new() };
    let foreign = OPERATIONS.iter().map(|(name, _)| *name).filter(|name| *name != op);
    let mut problems: Vec<Diagnostic> = foreign
        .map(|name| (name, format!("/spec/{name}")))
        .filter(|(_, pointer)| manifest.object.get(pointer).is_some_and(|value| !value.is_null()))
        .map(|(name, pointer)| {
            let problem = Diagnostic::error("operation-section", format!("`{name}` is there, and the operation is `{op}`"));
            at(manifest, &pointer, problem.help(format!("take it out, or write `op: {name}`")))
        })
        .collect();
    let method = format!("/spec/{op}/method");
    if let Some(value) = manifest.object.text(&method).filter(|value| !["InPlace", "ReducedImpact"].contains(value)) {
        let problem = Diagnostic::error("unknown-choice", format!("`{value}` has no meaning here"));
        problems.push(at(manifest, &method, problem.help("it is one of InPlace, ReducedImpact")));
    }
    problems
}

fn times(manifest: &Manifest) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut refuse = |pointer: &str, message: String, help: &str| {
        problems.push(at(manifest, pointer, Diagnostic::error("operation-time", message).help(help)));
    };
    if let Some(text) = manifest.object.text("/spec/runAt").filter(|text| text.parse::<Timestamp>().is_err()) {
        refuse("/spec/runAt", format!("`{text}` is no moment"), "write it with its offset, for example 2026-11-28T03:00:00Z");
    }
    match manifest.object.text("/spec/timeout").map(iso_duration) {
        Some(Err(wrong)) => refuse("/spec/timeout", wrong, "leave it out to wait without end"),
        Some(Ok(length)) if length.is_negative() => {
            refuse("/spec/timeout", "it would be over before it begins".to_owned(), "write a duration such as PT2H");
        }
        _ => {}
    }
    if manifest.object.get("/spec/maxRetries").and_then(Value::as_i64).is_some_and(|retries| retries < 0) {
        refuse("/spec/maxRetries", "there cannot be fewer than none".to_owned(), "write 0 or more");
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::test_support::examine;

    fn found(spec: &str) -> Vec<String> {
        let cluster = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a}\nspec: {instances: 2, postgres: {version: '17'}, pods: {persistentVolume: {size: 5Gi}}}\n---\n";
        examine(&format!("{cluster}apiVersion: stackgres.io/v1\nkind: SGDbOps\nmetadata: {{name: o}}\nspec: {{sgCluster: a, {spec}}}\n")).0
    }

    /// An operation that is taken and never done is one that somebody counts on.
    #[test]
    fn what_would_not_be_done_is_refused() {
        for good in [
            "op: restart",
            "op: restart, restart: {method: ReducedImpact, onlyPendingRestart: true}, runAt: '2026-11-28T03:00:00+01:00', timeout: PT2H, maxRetries: 2",
            "op: securityUpgrade, securityUpgrade: {method: InPlace}",
        ] {
            assert_eq!(found(good), [""; 0], "{good}");
        }
        for (spec, expected) in [
            ("op: reboot", "unknown-operation /spec/op"),
            ("op: vacuum", "not-supported-yet /spec/op"),
            ("op: repack, repack: {}", "not-supported-yet /spec/op"),
            ("op: vacuum, vacuum: {full: true}", "not-supported-yet /spec/vacuum"),
            ("op: minorVersionUpgrade", "not-supported-yet /spec/op"),
            ("op: benchmark", "not-supported-yet /spec/op"),
            ("op: majorVersionUpgrade", "not-supported-yet /spec/op"),
            ("op: restart, securityUpgrade: {}", "operation-section /spec/securityUpgrade"),
            ("op: restart, restart: {method: InPlac}", "unknown-choice /spec/restart/method"),
            ("op: restart, runAt: tonight", "operation-time /spec/runAt"),
            ("op: restart, timeout: 2h", "operation-time /spec/timeout"),
            ("op: restart, timeout: -PT2H", "operation-time /spec/timeout"),
            ("op: restart, maxRetries: -1", "operation-time /spec/maxRetries"),
            ("op: restart, scheduling: {priorityClassName: high}", "not-supported-yet /spec/scheduling"),
            ("op: restart, restart: {metod: InPlace}", "unknown-field /spec/restart/metod"),
        ] {
            assert_eq!(found(spec), [expected], "{spec}");
        }
    }

    /// A misspelt cluster would be waited for and never restarted.
    #[test]
    fn its_cluster_is_one_of_its_namespace() {
        assert_eq!(found("op: restart").len(), 0);
        let other = "apiVersion: stackgres.io/v1\nkind: SGDbOps\nmetadata: {name: o}\nspec: {sgCluster: b, op: restart}\n";
        assert_eq!(examine(other).0, ["missing-reference /spec/sgCluster"]);
    }
}
