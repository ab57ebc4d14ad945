//! What may stand in `pgbouncer.ini`.

use super::{Check, Context, Rule, at};
use crate::diagnostics::{Code, Diagnostic, nearest, repeated};
use crate::load::Manifest;
use crate::model::pointer::join;
use crate::postgres::{POOLER_BLOCKED, PoolerSetting};
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "pooler-line-break",
            "a name or value of pgbouncer.ini has more than one line",
            "The file has one setting a line, and PgBouncer has no way to write a line break: what follows it would be a setting of its own.",
        ),
        check: Check::Manifest("SGPoolingConfig", shared),
    },
    Rule {
        code: Code::error(
            "pooler-option",
            "the line of a database or user has an option or a name it cannot have",
            "PgBouncer stops reading its file at an option it does not know, and everything after it falls back to defaults. Address and port lead to the instance of the same pod, and credentials come from PostgreSQL, so neither is set here. The database `pgbouncer` is the console.",
        ),
        check: Check::Cluster(own),
    },
];

fn shared(manifest: &Manifest) -> Vec<Diagnostic> {
    check(manifest, "/spec/pgBouncer/pgbouncer.ini")
}

fn own(context: &Context<'_>) -> Vec<Diagnostic> {
    check(&context.inputs.cluster, "/spec/configurations/pooling/pgBouncer/pgbouncer.ini")
}

fn entries<'a>(manifest: &'a Manifest, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    manifest.object.get(pointer).and_then(Value::as_object).into_iter().flatten()
}

fn check(manifest: &Manifest, pointer: &str) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let section = join(pointer, "pgbouncer");
    for (name, value) in entries(manifest, &section) {
        problems.extend(lines(manifest, &join(&section, name), name, Some(value)));
    }
    for (part, allowed) in [("databases", PoolerSetting::DATABASE_OPTIONS), ("users", PoolerSetting::USER_OPTIONS)] {
        let section = join(pointer, part);
        for (entry, options) in entries(manifest, &section) {
            let place = join(&section, entry);
            problems.extend(lines(manifest, &place, entry, None));
            if entry.is_empty() || part == "databases" && entry == "pgbouncer" {
                let problem = Diagnostic::error("pooler-option", format!("`{entry}` is no name for a line of `{part}`"));
                problems.push(at(manifest, &place, problem.help("name a database or user; `*` stands for every other database")));
            }
            for (option, value) in options.as_object().into_iter().flatten() {
                let place = join(&place, option);
                problems.extend(lines(manifest, &place, option, Some(value)));
                problems.extend(one(part, option, value, allowed).map(|problem| at(manifest, &place, problem)));
            }
        }
    }
    problems
}

fn lines(manifest: &Manifest, place: &str, name: &str, value: Option<&Value>) -> Option<Diagnostic> {
    let fits =
        PoolerSetting::fits_one_line(name) && value.is_none_or(|value| PoolerSetting::fits_one_line(&PoolerSetting::text_of(name, value)));
    (!fits).then(|| {
        let problem = Diagnostic::error("pooler-line-break", "it holds a line break or another control character");
        at(manifest, place, problem.help("write it in one line"))
    })
}

fn one(part: &str, option: &str, value: &Value, allowed: &[&str]) -> Option<Diagnostic> {
    if POOLER_BLOCKED.contains(&option) {
        return None;
    }
    if !allowed.contains(&option) {
        let help = nearest(option, allowed.iter().copied())
            .map_or_else(|| format!("there are {}", allowed.join(", ")), |near| format!("did you mean `{near}`?"));
        return Some(Diagnostic::error("pooler-option", format!("a line of `{part}` has no option `{option}` here")).help(help));
    }
    let text = PoolerSetting::text_of(option, value);
    let fine = match option {
        "pool_mode" => ["session", "transaction", "statement"].contains(&text.as_str()),
        "application_name" | "client_encoding" | "connect_query" | "datestyle" | "dbname" | "timezone" => !text.is_empty(),
        _ => text.parse::<u32>().is_ok(),
    };
    let wanted = match option {
        "pool_mode" => "session, transaction or statement",
        "application_name" | "client_encoding" | "connect_query" | "datestyle" | "dbname" | "timezone" => "text that is not empty",
        _ => "a whole number",
    };
    (!fine).then(|| {
        Diagnostic::error("pooler-option", format!("`{option}` = `{}` is refused by PgBouncer", repeated(option, &text)))
            .help(format!("it takes {wanted}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    const INI: &str = "/spec/configurations/pooling/pgBouncer/pgbouncer.ini";

    fn ini(text: &str) -> Vec<String> {
        findings(&format!("  configurations: {{pooling: {{pgBouncer: {{pgbouncer.ini: {text}}}}}}}"))
    }

    #[test]
    fn one_line_a_value() {
        assert_eq!(
            ini("{pgbouncer: {track_extra_parameters: \"a\\nadmin_users = evil\"}}"),
            [format!("pooler-line-break {INI}/pgbouncer/track_extra_parameters")]
        );
        assert_eq!(ini("{databases: {\"a\\nb\": {pool_size: 1}}}"), [format!("pooler-line-break {INI}/databases/a\nb")]);
        assert_eq!(ini("{users: {a: {pool_mode: \"session\\rx\"}}}")[0], format!("pooler-line-break {INI}/users/a/pool_mode"));
    }

    #[test]
    fn lines_of_databases_and_users() {
        assert_eq!(
            ini("{databases: {my db: {pool_size: 5, dbname: other}, '*': {pool_mode: session}}, users: {a: {pool_mode: session}}}"),
            [""; 0]
        );
        for (bad, place) in [
            ("{databases: {a: {port: 1}}}", "databases/a/port"),
            ("{databases: {a: {pool_size: many}}}", "databases/a/pool_size"),
            ("{databases: {a: {connect_query: ''}}}", "databases/a/connect_query"),
            ("{databases: {pgbouncer: {pool_size: 1}}}", "databases/pgbouncer"),
            ("{users: {a: {max_user_conections: 1}}}", "users/a/max_user_conections"),
            ("{users: {a: {pool_mode: some}}}", "users/a/pool_mode"),
        ] {
            assert_eq!(ini(bad), [format!("pooler-option {INI}/{place}")], "{bad}");
        }
    }
}
