//! Operations that would not do what is meant.

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use crate::model::iso_duration;
use jiff::Timestamp;
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[Rule {
    code: Code::error(
        "operation-time",
        "a moment, a length of time or a count of the operation cannot be read",
        "`runAt` is a moment with its offset, such as `2026-11-28T03:00:00Z`; `timeout` an ISO 8601 duration of a fixed length, such as `PT2H`; `maxRetries` is 0 or more.",
    ),
    check: Check::Manifest("SGDbOps", operation),
}];

/// The operations of the API that are not carried out, and what to do instead.
const INSTEAD: &[(&str, &str)] = &[
    ("benchmark", "run pgbench from a pod of your own"),
    ("vacuum", "run VACUUM with SQL; autovacuum runs all the same"),
    ("repack", "run pg_repack from a pod of your own"),
    ("majorVersionUpgrade", "make a new SGCluster of the newer major version, and move the data"),
    (
        "minorVersionUpgrade",
        "write the version into `spec.postgres.version` of the SGCluster; where its update strategy is OnlyDbOps, a `restart` carries it out",
    ),
];

/// What only this program knows of an operation; its sections are rules of the schema.
fn operation(manifest: &Manifest) -> Vec<Diagnostic> {
    let mut problems = not_carried_out(manifest);
    problems.extend(times(manifest));
    problems
}

fn not_carried_out(manifest: &Manifest) -> Vec<Diagnostic> {
    const OP: &str = "/spec/op";
    let instead = |op: &str| INSTEAD.iter().find(|(name, _)| *name == op).map(|(_, instead)| *instead);
    let Some((op, instead)) = manifest.object.text(OP).and_then(|op| Some((op, instead(op)?))) else { return Vec::new() };
    // A section that says something is told by itself.
    if manifest.object.get(&format!("/spec/{op}")).and_then(Value::as_object).is_some_and(|section| !section.is_empty()) {
        return Vec::new();
    }
    let problem = Diagnostic::error("not-supported-yet", format!("the operation `{op}` is not carried out yet")).help(instead);
    vec![at(manifest, OP, problem)]
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
        for op in ["benchmark", "majorVersionUpgrade", "minorVersionUpgrade"] {
            let expected = [format!("operation-section /spec/{op}"), "not-supported-yet /spec/op".to_owned()];
            assert_eq!(found(&format!("op: {op}")), expected);
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
