//! PgBouncer settings.

use super::{Check, Context, Rule, at};
use crate::diagnostics::{Code, Diagnostic, nearest, repeated};
use crate::load::Manifest;
use crate::model::pointer::join;
use crate::postgres::{POOLER_BLOCKED, PoolerSetting, pooler_setting, pooler_setting_names, pooler_value};
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
        code: Code::error(
            "bad-pooler-value",
            "PgBouncer would refuse or misread this value",
            "The setting takes one of a few words, a whole number, or seconds. PgBouncer does not start with a value it refuses; at a reload it stops reading there, and what follows falls back to defaults. A number that does not fit 32 bits wraps without a word.",
        ),
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
    let text = PoolerSetting::text_of(name, value);
    let problem = pooler_value(&setting.name, &text).err()?;
    let verdict = if problem.is_refused() { "is refused by PgBouncer" } else { "is taken by PgBouncer, which then does something else" };
    Some(Diagnostic::error("bad-pooler-value", format!("`{name}` = `{}` {verdict}", repeated(name, &text))).help(problem.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    /// PgBouncer does not start with a value it refuses; at a reload it keeps what stands before it, and has defaults for the rest.
    #[test]
    fn values_that_pgbouncer_refuses() {
        let ini =
            |text: &str| findings(&format!("  configurations: {{pooling: {{pgBouncer: {{pgbouncer.ini: {{pgbouncer: {{{text}}}}}}}}}}}"));
        for fine in [
            "default_pool_size: 20",
            "default_pool_size: '0x14'",
            "query_timeout: 1.5",
            "log_stats: true",
            "pool_mode: Transaction",
            "max_packet_size: 1",
        ] {
            assert_eq!(ini(fine), [""; 0], "{fine}");
        }
        for bad in [
            "default_pool_size: '1e2'",
            "default_pool_size: -1",
            "query_timeout: 5s",
            "log_stats: 'on'",
            "pool_mode: some",
            "max_packet_size: x",
        ] {
            let name = bad.split(':').next().unwrap();
            assert_eq!(
                ini(bad),
                [format!("bad-pooler-value /spec/configurations/pooling/pgBouncer/pgbouncer.ini/pgbouncer/{name}")],
                "{bad}"
            );
        }
    }
}
