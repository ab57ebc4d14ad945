//! PostgreSQL parameters.

use super::{Check, Context, Rule, at};
use crate::diagnostics::{Code, Diagnostic, nearest, repeated};
use crate::load::Manifest;
use crate::model::pointer::join;
use crate::postgres::{
    BLOCKED, Context as ParameterContext, ValueProblem, context as context_of, find, major, names, normalise, patroni_substitutes,
};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "unknown-parameter",
            "PostgreSQL has no such parameter in this major version",
            "PostgreSQL refuses to start on a name it does not know. Parameters of extensions have a dot in their name and are taken as they are.",
        ),
        check: Check::Manifest("SGPostgresConfig", shared),
    },
    Rule {
        code: Code::error(
            "bad-parameter-value",
            "PostgreSQL would refuse this value",
            "Values are read as the server reads them: units are case-sensitive (`kB`, `MB`, `GB`; `ms`, `s`, `min`, `h`, `d`), and bounds count in the parameter's base unit. A value the server refuses keeps it from starting.",
        ),
        check: Check::Cluster(own),
    },
    Rule {
        code: Code::error(
            "parameter-not-settable",
            "the parameter cannot be set",
            "Addresses, file names, archiving and logging are tied to the pod and to Patroni: setting them would break replication, backups or the logs. Others are fixed when PostgreSQL is built or the data directory is made (`data_checksums`, `wal_segment_size`): a line with them stops the start.",
        ),
        check: Check::Cluster(|_| Vec::new()),
    },
    Rule {
        code: Code::error(
            "duplicate-parameter",
            "one parameter is written twice",
            "PostgreSQL reads the names of parameters without regard to case, so `JIT` and `jit` are one. Which of two values wins would depend on their order.",
        ),
        check: Check::Cluster(own_twice),
    },
    Rule {
        code: Code::error(
            "below-patroni-minimum",
            "Patroni would not take this value",
            "Patroni starts PostgreSQL and sets some parameters itself. A value below its own minimum is replaced by its own default, with a line in its log and nothing else, so the cluster would run with a value that nobody wrote.",
        ),
        check: Check::Cluster(patroni_minimum),
    },
    Rule {
        code: Code::error(
            "huge-pages-missing",
            "PostgreSQL would not start without huge pages",
            "With `huge_pages = on` the server stops at start unless it gets all of its shared memory in huge pages, and a pod gets only those that its SGInstanceProfile asks for (`spec.hugePages`). `try` takes them where they are.",
        ),
        check: Check::Cluster(huge_pages),
    },
    Rule {
        code: Code::error(
            "too-few-connections",
            "reserved connections use up all connections",
            "PostgreSQL does not start unless `superuser_reserved_connections` (and `reserved_connections`) is below `max_connections`. Patroni needs at least 25 connections.",
        ),
        check: Check::Cluster(connections),
    },
    Rule {
        code: Code::error(
            "wal-level-too-low",
            "replication needs more WAL",
            "With `wal_level = minimal` there is neither replication nor archiving, and PostgreSQL does not start with either switched on.",
        ),
        check: Check::Cluster(wal_level),
    },
    Rule {
        code: Code::warning(
            "crash-unsafe",
            "a crash may corrupt or lose data",
            "`fsync` and `full_page_writes` protect the data files, `synchronous_commit` the last commits. Switch them off only where the data can be made again.",
        ),
        check: Check::Cluster(crash_unsafe),
    },
    Rule {
        code: Code::warning(
            "autovacuum-off",
            "tables are never cleaned up",
            "Dead rows stay, statistics grow old, and before transaction ids run out PostgreSQL vacuums every table at once whatever this says, or stops taking writes. Switch autovacuum off for single tables, for a while.",
        ),
        check: Check::Cluster(autovacuum_off),
    },
    Rule {
        code: Code::warning(
            "damage-hidden",
            "damaged pages are passed over",
            "`zero_damaged_pages` empties a page that cannot be read, and `ignore_checksum_failure` reads it as if it were right: wrong answers, and damage that spreads to replicas and backups. They are for a rescue by hand, in one session.",
        ),
        check: Check::Cluster(damage_hidden),
    },
    Rule {
        code: Code::warning(
            "many-connections-without-pooling",
            "very many connections reach PostgreSQL directly",
            "Each connection is a process. With several hundred of them, pooling gives more throughput and steadier latencies than a higher limit.",
        ),
        check: Check::Cluster(many_connections),
    },
];

const OWN: &str = "/spec/configurations/postgres/postgresql.conf";

fn shared(manifest: &Manifest) -> Vec<Diagnostic> {
    manifest
        .object
        .text("/spec/postgresVersion")
        .and_then(major)
        .map(|major| {
            let mut problems = check(manifest, "/spec/postgresql.conf", major);
            problems.extend(twice(manifest, "/spec/postgresql.conf"));
            problems
        })
        .unwrap_or_default()
}

fn own(context: &Context<'_>) -> Vec<Diagnostic> {
    context.effective.map(|effective| check(&context.inputs.cluster, OWN, effective.postgres.major)).unwrap_or_default()
}

fn check(manifest: &Manifest, pointer: &str, major: u32) -> Vec<Diagnostic> {
    let entries = manifest.object.get(pointer).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(name, value)| Some(at(manifest, &join(pointer, name), one(major, name, value.as_str()?)?))).collect()
}

/// Names that stand twice in one file, in different case; the second is the finding.
fn twice(manifest: &Manifest, pointer: &str) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    let entries = manifest.object.get(pointer).and_then(Value::as_object).into_iter().flatten();
    entries
        .filter_map(|(name, _)| {
            let first = seen.insert(name.to_ascii_lowercase(), name)?;
            let problem = Diagnostic::error("duplicate-parameter", format!("`{first}` and `{name}` are one parameter"))
                .help(format!("keep one of them; the other stands at {}", manifest.locate(&join(pointer, first))));
            Some(at(manifest, &join(pointer, name), problem))
        })
        .collect()
}

fn own_twice(context: &Context<'_>) -> Vec<Diagnostic> {
    twice(&context.inputs.cluster, OWN)
}

fn patroni_minimum(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let entries = effective.postgres.parameters.iter();
    entries
        // The connections have a rule of their own.
        .filter(|(name, _)| *name != "max_connections")
        .filter_map(|(name, value)| {
            let found = patroni_substitutes(effective.postgres.major, name, &value.value)?;
            let problem = Diagnostic::error(
                "below-patroni-minimum",
                format!("{name} = {}: Patroni would run with {} instead", value.value, found.instead),
            );
            Some(parameter(context, name, problem.help(format!("write {} or more", found.minimum))))
        })
        .collect()
}

fn huge_pages(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let on = value(context, "huge_pages").and_then(|value| normalise(effective.postgres.major, "huge_pages", value).ok());
    let asked = effective.resources.get("patroni").is_some_and(|amounts| amounts.limits.keys().any(|name| name.starts_with("hugepages-")));
    if on.as_deref() != Some("on") || asked {
        return Vec::new();
    }
    let problem = Diagnostic::error("huge-pages-missing", "huge_pages is on, and the pod asks for no huge pages")
        .help("add spec.hugePages to the SGInstanceProfile, or write `try`");
    vec![parameter(context, "huge_pages", problem)]
}

fn one(major: u32, name: &str, value: &str) -> Option<Diagnostic> {
    if find(name).is_some_and(|parameter| parameter.context(major).is_some() && !parameter.belongs_in_file())
        || name.eq_ignore_ascii_case("is_superuser")
    {
        let why = match context_of(major, name) {
            Some(ParameterContext::Internal) => "is fixed when PostgreSQL is built or the data directory is made",
            _ => "has no place in the configuration file",
        };
        return Some(
            Diagnostic::error("parameter-not-settable", format!("`{name}` {why}")).help("take it out: PostgreSQL would not start"),
        );
    }
    // Configurations exported from a running StackGres hold what is true on every instance anyway.
    if name.eq_ignore_ascii_case("hot_standby") && normalise(major, name, value).is_ok_and(|value| value == "on") {
        return None;
    }
    if BLOCKED.contains(&name.to_ascii_lowercase().as_str()) {
        return Some(Diagnostic::error("parameter-not-settable", format!("the program sets `{name}` itself")).help("take it out"));
    }
    let problem = normalise(major, name, value).err()?;
    if problem == ValueProblem::Unknown {
        if name.contains('.') {
            return None;
        }
        let help = match find(name) {
            Some(parameter) => {
                let majors: Vec<String> = parameter.majors().iter().map(ToString::to_string).collect();
                format!("it exists in PostgreSQL {}", majors.join(", "))
            }
            None => nearest(name, names(major).into_iter())
                .map_or_else(|| "parameters of extensions have a dot in their name".to_owned(), |near| format!("did you mean `{near}`?")),
        };
        return Some(Diagnostic::error("unknown-parameter", format!("PostgreSQL {major} has no parameter `{name}`")).help(help));
    }
    Some(Diagnostic::error("bad-parameter-value", format!("`{name}` = `{}`: {problem}", repeated(name, value))))
}

fn number(context: &Context<'_>, name: &str) -> Option<i64> {
    let effective = context.effective?;
    let value = effective.postgres.parameters.get(name)?;
    normalise(effective.postgres.major, name, &value.value).ok()?.parse::<f64>().ok().map(|value| {
        #[expect(clippy::cast_possible_truncation, reason = "parameters fit 32 bits")]
        let value = value as i64;
        value
    })
}

fn connections(context: &Context<'_>) -> Vec<Diagnostic> {
    let (Some(all), Some(reserved)) = (number(context, "max_connections"), number(context, "superuser_reserved_connections")) else {
        return Vec::new();
    };
    let reserved = reserved + number(context, "reserved_connections").unwrap_or(0);
    if all > reserved && all >= 25 {
        return Vec::new();
    }
    let problem = Diagnostic::error("too-few-connections", format!("max_connections is {all}, of which {reserved} are reserved"))
        .help("raise max_connections to 25 or more, above what is reserved");
    vec![parameter(context, "max_connections", problem)]
}

/// The finding where a parameter is written, or at the cluster.
fn parameter(context: &Context<'_>, name: &str, problem: Diagnostic) -> Diagnostic {
    let own = (&context.inputs.cluster, OWN);
    let shared = context.inputs.postgres_config.as_ref().map(|config| (config, "/spec/postgresql.conf"));
    let place = std::iter::once(own).chain(shared).find_map(|(manifest, pointer)| {
        let entries = manifest.object.get(pointer)?.as_object()?;
        let written = entries.keys().find(|written| written.eq_ignore_ascii_case(name))?;
        Some((manifest, join(pointer, written)))
    });
    match place {
        Some((manifest, pointer)) => at(manifest, &pointer, problem),
        None => context.at("/spec", problem),
    }
}

fn value<'a>(context: &'a Context<'_>, name: &str) -> Option<&'a str> {
    context.effective?.postgres.parameters.get(name).map(|value| value.value.as_str())
}

fn wal_level(context: &Context<'_>) -> Vec<Diagnostic> {
    let major = context.effective.map_or(17, |effective| effective.postgres.major);
    match value(context, "wal_level").and_then(|value| normalise(major, "wal_level", value).ok()).as_deref() {
        Some("minimal") => vec![parameter(
            context,
            "wal_level",
            Diagnostic::error("wal-level-too-low", "wal_level = minimal rules out replication and archiving")
                .help("write replica or logical"),
        )],
        _ => Vec::new(),
    }
}

fn crash_unsafe(context: &Context<'_>) -> Vec<Diagnostic> {
    ["fsync", "full_page_writes", "synchronous_commit"]
        .into_iter()
        .filter(|name| is_set_to(context, name, "off"))
        .map(|name| {
            parameter(
                context,
                name,
                Diagnostic::warning("crash-unsafe", format!("{name} is off")).help("only where the data can be made again"),
            )
        })
        .collect()
}

fn autovacuum_off(context: &Context<'_>) -> Vec<Diagnostic> {
    let problem =
        || Diagnostic::warning("autovacuum-off", "autovacuum is off").help("take it out; single tables have a setting of their own");
    is_set_to(context, "autovacuum", "off").then(|| parameter(context, "autovacuum", problem())).into_iter().collect()
}

fn damage_hidden(context: &Context<'_>) -> Vec<Diagnostic> {
    let hides = ["zero_damaged_pages", "ignore_checksum_failure"].into_iter().filter(|name| is_set_to(context, name, "on"));
    let problem =
        |name| Diagnostic::warning("damage-hidden", format!("{name} is on")).help("take it out; set it in the session that rescues");
    hides.map(|name| parameter(context, name, problem(name))).collect()
}

fn is_set_to(context: &Context<'_>, name: &str, wanted: &str) -> bool {
    let major = context.effective.map_or(17, |effective| effective.postgres.major);
    value(context, name).and_then(|value| normalise(major, name, value).ok()).is_some_and(|value| value == wanted)
}

fn many_connections(context: &Context<'_>) -> Vec<Diagnostic> {
    let pooled = context.effective.is_none_or(|effective| effective.pooling.is_some());
    match number(context, "max_connections") {
        Some(connections) if connections > 500 && !pooled => {
            vec![parameter(
                context,
                "max_connections",
                Diagnostic::warning("many-connections-without-pooling", format!("{connections} connections without pooling"))
                    .help("switch pooling on"),
            )]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    /// Both are for an hour of need, and are forgotten in a file.
    #[test]
    fn what_is_for_an_emergency_is_told() {
        let of = |setting: &str| findings(&format!("  configurations: {{postgres: {{postgresql.conf: {{{setting}}}}}}}"));
        let place = "/spec/configurations/postgres/postgresql.conf";
        assert_eq!(of("autovacuum: 'off'"), [format!("autovacuum-off {place}/autovacuum")]);
        assert_eq!(of("autovacuum: 'on'"), [""; 0]);
        assert_eq!(of("zero_damaged_pages: 'on'"), [format!("damage-hidden {place}/zero_damaged_pages")]);
        assert_eq!(of("zero_damaged_pages: 'off'"), [""; 0]);
    }
}
