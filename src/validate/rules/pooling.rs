//! PgBouncer settings.

use super::{Check, Context, Rule, at};
use crate::diagnostics::{Code, Diagnostic, nearest, repeated};
use crate::load::Manifest;
use crate::model::pointer::join;
use crate::postgres::{POOLER_BLOCKED, pooler_setting, pooler_setting_names};
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "unknown-pooler-setting",
            "PgBouncer has no such setting",
            "PgBouncer refuses to start on a name it does not know.",
        ),
        check: Check::Manifest("SGPoolingConfig", shared),
    },
    Rule {
        code: Code::warning(
            "pooler-setting-not-settable",
            "the program sets this PgBouncer setting itself",
            "Addresses, authentication and files are tied to the pod. The value written here has no effect.",
        ),
        check: Check::Cluster(own),
    },
    Rule {
        code: Code::error("bad-pooler-value", "PgBouncer would refuse this value", "The setting takes one of a few words, or a number."),
        check: Check::Cluster(|_| Vec::new()),
    },
];

fn shared(manifest: &Manifest) -> Vec<Diagnostic> {
    check(manifest, "/spec/pgBouncer/pgbouncer.ini")
}

fn own(context: &Context<'_>) -> Vec<Diagnostic> {
    check(&context.inputs.cluster, "/spec/configurations/pooling/pgBouncer/pgbouncer.ini")
}

fn check(manifest: &Manifest, pointer: &str) -> Vec<Diagnostic> {
    let section = join(pointer, "pgbouncer");
    let mut problems: Vec<Diagnostic> = manifest
        .object
        .get(&section)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some(at(manifest, &join(&section, name), one(name, value)?)))
        .collect();
    for part in ["databases", "users"] {
        let section = join(pointer, part);
        for (entry, options) in manifest.object.get(&section).and_then(Value::as_object).into_iter().flatten() {
            for option in options
                .as_object()
                .into_iter()
                .flatten()
                .map(|(option, _)| option)
                .filter(|option| POOLER_BLOCKED.contains(&option.as_str()))
            {
                let place = join(&join(&section, entry), option);
                problems.push(at(
                    manifest,
                    &place,
                    Diagnostic::error("bad-pooler-value", format!("`{option}` cannot be set here"))
                        .help("take it out: it would lead clients elsewhere or show a password"),
                ));
            }
        }
    }
    problems
}

fn one(name: &str, value: &Value) -> Option<Diagnostic> {
    if POOLER_BLOCKED.contains(&name) {
        return Some(
            Diagnostic::warning("pooler-setting-not-settable", format!("the program sets `{name}` itself"))
                .help("take it out: it has no effect"),
        );
    }
    let Some(setting) = pooler_setting(name) else {
        let help = nearest(name, pooler_setting_names().into_iter())
            .map_or_else(|| "see PgBouncer's own documentation".to_owned(), |near| format!("did you mean `{near}`?"));
        return Some(Diagnostic::error("unknown-pooler-setting", format!("PgBouncer has no setting `{name}`")).help(help));
    };
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let fine = match setting.kind.as_str() {
        "int" | "seconds" => text.trim().parse::<f64>().is_ok_and(|number| number >= 0.0),
        "bool01" => matches!(text.as_str(), "0" | "1" | "true" | "false"),
        _ if name == "pool_mode" => ["session", "transaction", "statement"].contains(&text.as_str()),
        _ => true,
    };
    let wanted = match setting.kind.as_str() {
        "int" | "seconds" => "a number",
        "bool01" => "0 or 1",
        _ => "session, transaction or statement",
    };
    (!fine).then(|| {
        Diagnostic::error("bad-pooler-value", format!("`{name}` = `{}` is refused by PgBouncer", repeated(name, &text)))
            .help(format!("it takes {wanted}"))
    })
}
