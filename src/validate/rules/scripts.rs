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
            "script-source",
            "an entry needs exactly one source of SQL",
            "Write either `script` or `scriptFrom`; in `scriptFrom` either a Secret key or a ConfigMap key.",
        ),
        check: Check::Manifest("SGScript", source),
    },
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
            "script-transaction",
            "the entry's transaction settings contradict each other",
            "`storeStatusInDatabase` records the outcome in the same transaction, so it needs `wrapInTransaction`.",
        ),
        check: Check::Manifest("SGScript", transaction),
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

fn source(manifest: &Manifest) -> Vec<Diagnostic> {
    entries(manifest)
        .into_iter()
        .filter(|(_, entry)| {
            let from = entry.get("scriptFrom");
            let keys =
                ["secretKeyRef", "configMapKeyRef"].into_iter().filter(|key| from.is_some_and(|from| from.get(key).is_some())).count();
            !matches!((entry.get("script").is_some(), from.is_some(), keys), (true, false, _) | (false, true, 1))
        })
        .map(|(pointer, _)| {
            at(
                manifest,
                &pointer,
                Diagnostic::error("script-source", "the entry needs exactly one of `script` and `scriptFrom`")
                    .help("`scriptFrom` takes exactly one of secretKeyRef and configMapKeyRef"),
            )
        })
        .collect()
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

fn transaction(manifest: &Manifest) -> Vec<Diagnostic> {
    entries(manifest)
        .into_iter()
        .filter_map(|(pointer, entry)| {
            let wrap = entry.get("wrapInTransaction").and_then(Value::as_str);
            if wrap.is_some_and(|wrap| !["read-committed", "repeatable-read", "serializable"].contains(&wrap)) {
                let problem = Diagnostic::error("script-transaction", "no such isolation level")
                    .help("write read-committed, repeatable-read or serializable");
                return Some(at(manifest, &format!("{pointer}/wrapInTransaction"), problem));
            }
            (entry.get("storeStatusInDatabase") == Some(&Value::Bool(true)) && wrap.is_none()).then(|| {
                at(
                    manifest,
                    &format!("{pointer}/storeStatusInDatabase"),
                    Diagnostic::error("script-transaction", "it needs `wrapInTransaction`"),
                )
            })
        })
        .collect()
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
