//! SQL scripts.

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "duplicate-script-id",
            "two entries have the same id",
            "The id tells which entry ran already. Entries without an id are numbered by position.",
        ),
        check: Check::Manifest("SGScript", ids),
    },
    Rule {
        code: Code::error(
            "script-target",
            "the entry does not say where it runs or what it is",
            "An absent `database` means `postgres` and an absent `user` the superuser; an empty text means nothing. Ids and versions count from 0; an id of -1 asks for a number, as an absent one does.",
        ),
        check: Check::Manifest("SGScript", target),
    },
    Rule {
        code: Code::error(
            "script-named-twice",
            "a cluster names a script twice, or gives two scripts one id",
            "What ran is recorded by script and entry, so a script runs once, wherever it is named. Ids tell references apart; a reference without one is numbered by position.",
        ),
        check: Check::Manifest("SGCluster", references),
    },
    Rule {
        code: Code::warning(
            "password-in-script",
            "a password stands in the SQL",
            "Whoever can read the object can read it. Keep such SQL in a Secret and refer to it with `scriptFrom.secretKeyRef`.",
        ),
        check: Check::Manifest("SGScript", password),
    },
];

fn entries(manifest: &Manifest) -> Vec<(String, &Value)> {
    let list = manifest.object.get("/spec/scripts").and_then(Value::as_array);
    list.into_iter().flatten().enumerate().map(|(index, entry)| (format!("/spec/scripts/{index}"), entry)).collect()
}

fn ids(manifest: &Manifest) -> Vec<Diagnostic> {
    let mut seen = BTreeMap::new();
    let mut problems = Vec::new();
    for (pointer, entry) in entries(manifest) {
        // -1 asks for a number, as an absent id does.
        if let Some(id) = entry.get("id").and_then(Value::as_i64).filter(|id| *id != -1)
            && let Some(first) = seen.insert(id, pointer.clone())
        {
            let problem = Diagnostic::error("duplicate-script-id", format!("the id {id} is used twice"))
                .help(format!("first at {}", manifest.locate(&format!("{first}/id"))));
            problems.push(at(manifest, &format!("{pointer}/id"), problem));
        }
    }
    problems
}

fn references(manifest: &Manifest) -> Vec<Diagnostic> {
    let list = manifest.object.get("/spec/managedSql/scripts").and_then(Value::as_array);
    let mut seen: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut problems = Vec::new();
    for (index, reference) in list.into_iter().flatten().enumerate() {
        let name = reference.get("sgScript").and_then(Value::as_str).map(str::to_owned);
        let id = reference.get("id").and_then(Value::as_i64).filter(|id| *id != -1).map(|id| id.to_string());
        for (field, value) in [("sgScript", name), ("id", id)] {
            let Some(value) = value else { continue };
            let Some(first) = seen.insert((field, value.clone()), index) else { continue };
            let pointer = format!("/spec/managedSql/scripts/{index}/{field}");
            let first = manifest.locate(&format!("/spec/managedSql/scripts/{first}/{field}"));
            let problem = Diagnostic::error("script-named-twice", format!("{value} is named twice")).help(format!("first at {first}"));
            problems.push(at(manifest, &pointer, problem));
        }
    }
    problems
}

fn target(manifest: &Manifest) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (pointer, entry) in entries(manifest) {
        let mut wrong = |field: &str, message: String, help: &str| {
            let problem = Diagnostic::error("script-target", message).help(help);
            problems.push(at(manifest, &format!("{pointer}/{field}"), problem));
        };
        for field in ["database", "user"].into_iter().filter(|field| entry.get(*field).and_then(Value::as_str) == Some("")) {
            wrong(field, format!("the {field} is empty"), "name it, or leave the field out");
        }
        for (field, least) in [("id", -1), ("version", 0)] {
            if let Some(number) = entry.get(field).and_then(Value::as_i64).filter(|number| *number < least) {
                wrong(field, format!("{number} is no {field}"), "write a number from 0 on, or leave the field out");
            }
        }
    }
    problems
}

fn password(manifest: &Manifest) -> Vec<Diagnostic> {
    static PASSWORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)\bpassword\s+('|\$)").ok());
    entries(manifest)
        .into_iter()
        .filter(|(_, entry)| {
            entry
                .get("script")
                .and_then(Value::as_str)
                .is_some_and(|script| PASSWORD.as_ref().is_some_and(|password| password.is_match(script)))
        })
        .map(|(pointer, _)| {
            at(
                manifest,
                &format!("{pointer}/script"),
                Diagnostic::warning("password-in-script", "a password stands in the SQL")
                    .help("keep the SQL in a Secret: scriptFrom.secretKeyRef"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::examine;

    fn of(entry: &str) -> Vec<String> {
        examine(&format!("apiVersion: stackgres.io/v1\nkind: SGScript\nmetadata: {{name: a}}\nspec: {{scripts: [{{{entry}}}]}}\n")).0
    }

    #[test]
    fn references_are_told_apart() {
        let of = |list: &str| {
            examine(&format!(
                "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: a}}\nspec: {{managedSql: {{scripts: [{list}]}}}}\n"
            ))
            .0
            .into_iter()
            .filter(|found| found.starts_with("script-named-twice"))
            .collect::<Vec<_>>()
        };
        assert_eq!(of("{sgScript: a, id: -1}, {sgScript: b, id: -1}, {sgScript: c}"), [""; 0]);
        assert_eq!(of("{sgScript: a, id: 1}, {sgScript: a, id: 2}"), ["script-named-twice /spec/managedSql/scripts/1/sgScript"]);
        assert_eq!(of("{sgScript: a, id: 1}, {sgScript: b, id: 1}"), ["script-named-twice /spec/managedSql/scripts/1/id"]);
    }

    #[test]
    fn sources_and_targets() {
        for fine in [
            "script: a",
            "script: a, scriptFrom: null",
            "script: null, scriptFrom: {secretKeyRef: {name: a, key: b}, configMapKeyRef: null}",
        ] {
            assert_eq!(of(fine), [""; 0], "{fine}");
        }
        for bad in ["name: a", "script: a, scriptFrom: {secretKeyRef: {name: a, key: b}}"] {
            assert_eq!(of(bad), ["script-source /spec/scripts/0"], "{bad}");
        }
        assert_eq!(of("scriptFrom: {}"), ["script-source /spec/scripts/0/scriptFrom"]);
        assert_eq!(of("script: a, database: ''"), ["script-target /spec/scripts/0/database"]);
        assert_eq!(of("script: a, id: -2"), ["script-target /spec/scripts/0/id"]);
        assert_eq!(of("script: a, id: -1, version: 0"), [""; 0]);
    }
}
