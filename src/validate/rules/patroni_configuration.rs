//! What of Patroni's configuration is carried out.
//!
//! Source: Patroni documentation, "Dynamic Configuration Settings" and "YAML Configuration Settings"; which keys are rendered is
//! decided in `render/dynamic_configuration.rs` and `render/patroni.rs`.

use super::{Check, Context, Rule, at};
use crate::diagnostics::{Code, Diagnostic, nearest};
use crate::model::pointer::join;
use crate::postgres::{PATRONI_SYNCHRONOUS, hba_problem, ident_problem, patroni_defaults};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "patroni-setting-not-carried-out",
            "a key of Patroni's configuration is not carried out",
            "A cluster that looks like a standby and is a primary, or a bootstrap method that is passed over, costs data; so what would be passed over is refused. Remove the key, or use the field of the SGCluster that stands for it.",
        ),
        check: Check::Cluster(not_carried_out),
    },
    Rule {
        code: Code::warning(
            "patroni-setting-without-effect",
            "a key of Patroni's configuration has no effect",
            "Another field of the SGCluster decides it, so that both cannot disagree.",
        ),
        check: Check::Cluster(without_effect),
    },
    Rule {
        code: Code::error(
            "patroni-setting-value",
            "a value of Patroni's configuration is not what Patroni takes",
            "Patroni would refuse the whole configuration or fall back to its default. `ttl` is at least `loop_wait` and twice `retry_timeout` together, so that one lost request does not cost the leader its lock.",
        ),
        check: Check::Cluster(values),
    },
    Rule {
        code: Code::error(
            "unknown-patroni-setting",
            "Patroni has no such setting",
            "Patroni passes over what it does not know without a word, and what the key should have set keeps its default. The names are those of Patroni's dynamic configuration.",
        ),
        check: Check::Cluster(unknown),
    },
];

/// Keys of the dynamic configuration that Patroni 4.0 reads. Source: Patroni documentation, "Dynamic Configuration Settings"; the
/// older names `master_…` and `permanent_…` are still read.
const DYNAMIC_KEYS: &[&str] = &[
    "check_timeline",
    "failsafe_mode",
    "ignore_slots",
    "loop_wait",
    "master_start_timeout",
    "master_stop_timeout",
    "max_timelines_history",
    "maximum_lag_on_failover",
    "maximum_lag_on_syncnode",
    "member_slots_ttl",
    "pause",
    "permanent_replication_slots",
    "permanent_slots",
    "postgresql",
    "primary_start_timeout",
    "primary_stop_timeout",
    "retry_timeout",
    "slots",
    "standby_cluster",
    "synchronous_mode",
    "synchronous_mode_strict",
    "synchronous_node_count",
    "ttl",
];

const DYNAMIC: &str = "/spec/configurations/patroni/dynamicConfig";
const INITIAL: &str = "/spec/configurations/patroni/initialConfig";

/// Keys of the static configuration that are rendered.
const INITIAL_KEYS: &[&str] = &["scope", "log", "tags", "watchdog", "bootstrap", "postgresql"];
const POSTGRESQL_KEYS: &[&str] = &["callbacks", "pre_promote", "before_stop", "pg_ctl_timeout"];
const CALLBACKS: &[&str] = &["on_reload", "on_restart", "on_role_change", "on_start", "on_stop"];

fn map<'a>(context: &'a Context<'_>, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    context.inputs.cluster.object.get(pointer).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// One finding for each pointer, which names its last key, with its help.
fn told(context: &Context<'_>, found: Vec<(String, &str)>, say: impl Fn(&str) -> Diagnostic) -> Vec<Diagnostic> {
    let one = |(pointer, help): (String, &str)| context.at(&pointer, say(pointer.rsplit('/').next().unwrap_or_default()).help(help));
    found.into_iter().map(one).collect()
}

fn not_carried_out(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut found: Vec<(String, &str)> = Vec::new();
    let mut outside = |pointer: &str, known: &[&str], help: &'static str| {
        let unknown = map(context, pointer).filter(|(key, value)| !known.contains(&key.as_str()) && !value.is_null());
        found.extend(unknown.map(|(key, _)| (join(pointer, key), help)));
    };
    let postgresql = join(INITIAL, "postgresql");
    outside(INITIAL, INITIAL_KEYS, "this program writes the rest of Patroni's static configuration itself");
    outside(&join(INITIAL, "bootstrap"), &["initdb"], "only `initdb` of it is carried out: the first data come from `spec.initialData`");
    outside(&postgresql, POSTGRESQL_KEYS, "of `postgresql` only callbacks, pre_promote, before_stop and pg_ctl_timeout are carried out");
    outside(&join(&postgresql, "callbacks"), CALLBACKS, "Patroni knows on_reload, on_restart, on_role_change, on_start and on_stop");
    if map(context, DYNAMIC).any(|(key, value)| key == "standby_cluster" && !value.is_null()) {
        found.push((join(DYNAMIC, "standby_cluster"), "a standby cluster is described in `spec.replicateFrom`"));
    }
    told(context, found, |key| Diagnostic::error("patroni-setting-not-carried-out", format!("`{key}` is not carried out")))
}

fn without_effect(context: &Context<'_>) -> Vec<Diagnostic> {
    let decided = map(context, DYNAMIC).filter(|(key, _)| PATRONI_SYNCHRONOUS.contains(&key.as_str()));
    let mut found: Vec<(String, &str)> =
        decided.map(|(key, _)| (join(DYNAMIC, key), "`spec.replication.mode` and `syncInstances` decide it")).collect();
    let postgresql = join(DYNAMIC, "postgresql");
    for (key, _) in map(context, &postgresql).filter(|(key, _)| !["pg_hba", "pg_ident"].contains(&key.as_str())) {
        let help = if key == "parameters" {
            "parameters stand in an SGPostgresConfig or in `spec.configurations.postgres`"
        } else {
            "of `postgresql` only pg_hba and pg_ident are taken from here"
        };
        found.push((join(&postgresql, key), help));
    }
    told(context, found, |key| Diagnostic::warning("patroni-setting-without-effect", format!("`{key}` has no effect here")))
}

fn unknown(context: &Context<'_>) -> Vec<Diagnostic> {
    let strange = map(context, DYNAMIC).filter(|(key, value)| !DYNAMIC_KEYS.contains(&key.as_str()) && !value.is_null());
    strange
        .map(|(key, _)| {
            let problem = Diagnostic::error("unknown-patroni-setting", format!("Patroni has no setting `{key}`"));
            let help = nearest(key, DYNAMIC_KEYS.iter().copied()).map_or_else(
                || "take it out; `stackgres explain unknown-patroni-setting` tells more".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            context.at(&join(DYNAMIC, key), problem.help(help))
        })
        .collect()
}

fn values(context: &Context<'_>) -> Vec<Diagnostic> {
    let cluster = &context.inputs.cluster;
    let wrong =
        |pointer: &str, message: String, help: &str| at(cluster, pointer, Diagnostic::error("patroni-setting-value", message).help(help));
    let mut problems = Vec::new();
    let number = |key: &str| cluster.object.get(&join(DYNAMIC, key)).filter(|value| !value.is_null());
    // Least values: Patroni documentation, "Dynamic Configuration Settings".
    for (key, least) in [("ttl", 20), ("loop_wait", 1), ("retry_timeout", 3), ("maximum_lag_on_failover", 0), ("primary_start_timeout", 0)]
    {
        if number(key).is_some_and(|value| value.as_i64().is_none_or(|value| value < least)) {
            problems.push(wrong(&join(DYNAMIC, key), format!("`{key}` is a whole number of at least {least}"), "write it without quotes"));
        }
    }
    let defaults = BTreeMap::from(patroni_defaults());
    let or_default = |key: &str| number(key).or_else(|| defaults.get(key)).and_then(Value::as_i64).unwrap_or_default();
    let (ttl, wait, retry) = (or_default("ttl"), or_default("loop_wait"), or_default("retry_timeout"));
    if problems.is_empty() && wait + 2 * retry > ttl {
        let pointer = ["ttl", "retry_timeout", "loop_wait"].into_iter().find(|key| number(key).is_some()).unwrap_or("ttl");
        let message = format!("loop_wait {wait} + 2 × retry_timeout {retry} is more than ttl {ttl}");
        problems.push(wrong(
            &join(DYNAMIC, pointer),
            message,
            "Patroni would change the values by itself; raise `ttl`, or lower the other two",
        ));
    }
    for key in ["pause", "failsafe_mode", "check_timeline"] {
        if number(key).is_some_and(|value| !value.is_boolean()) {
            problems.push(wrong(&join(DYNAMIC, key), format!("`{key}` is true or false"), "write it without quotes"));
        }
    }
    for part in ["pg_hba", "pg_ident"] {
        let list = join(&join(DYNAMIC, "postgresql"), part);
        for (index, line) in cluster.object.get(&list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            let place = format!("{list}/{index}");
            match line.as_str().filter(|line| !line.contains(['\n', '\r'])) {
                None => {
                    let help = "each entry is one line of the file";
                    problems.push(wrong(&place, format!("an entry of `{part}` is one line of text"), help));
                }
                Some(line) => {
                    let found = if part == "pg_hba" { hba_problem(line) } else { ident_problem(line) };
                    // A broken line keeps the whole file out at a reload, and the server from starting.
                    problems.extend(found.map(|(message, help)| wrong(&place, message, help)));
                }
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    /// The server keeps its old file at a reload, and does not start with it at the next restart.
    #[test]
    fn lines_that_the_server_would_refuse() {
        for bad in ["nonsense", "host all all 10.0.0.0/33 scram-sha-256", "local all all trsut"] {
            assert_eq!(codes(&format!("{{dynamicConfig: {{postgresql: {{pg_hba: ['{bad}']}}}}}}")), ["patroni-setting-value"], "{bad}");
        }
        assert_eq!(
            codes("{dynamicConfig: {postgresql: {pg_hba: ['hostssl all all 10.0.0.0/8 cert map=m'], pg_ident: ['m a b']}}}"),
            [""; 0]
        );
        assert_eq!(codes("{dynamicConfig: {postgresql: {pg_ident: ['m a']}}}"), ["patroni-setting-value"]);
    }

    #[test]
    fn what_patroni_does_not_know() {
        let found = findings("  configurations: {patroni: {dynamicConfig: {tll: 30}}}\n");
        assert_eq!(found, ["unknown-patroni-setting /spec/configurations/patroni/dynamicConfig/tll"]);
    }

    fn codes(patroni: &str) -> Vec<String> {
        findings(&format!("  configurations: {{patroni: {patroni}}}\n"))
            .into_iter()
            .filter_map(|finding| finding.split(' ').next().filter(|code| code.starts_with("patroni-setting")).map(str::to_owned))
            .collect()
    }

    /// An ignored `standby_cluster` gives an independent primary beside the real one.
    #[test]
    fn what_would_be_passed_over_is_refused() {
        assert_eq!(codes("{dynamicConfig: {standby_cluster: {host: x}}}"), ["patroni-setting-not-carried-out"]);
        assert_eq!(codes("{initialConfig: {bootstrap: {method: x}, etcd3: {host: y}}}"), ["patroni-setting-not-carried-out"; 2]);
        assert_eq!(
            codes("{initialConfig: {postgresql: {callbacks: {on_start: x}, pg_ctl_timeout: 60}, tags: {nofailover: true}}}"),
            [""; 0]
        );
        assert_eq!(
            codes("{dynamicConfig: {synchronous_mode: true, postgresql: {parameters: {a: b}}}}"),
            ["patroni-setting-without-effect"; 2]
        );
    }

    /// Patroni falls back to its defaults without a word.
    #[test]
    fn values_are_what_patroni_takes() {
        assert_eq!(codes("{dynamicConfig: {ttl: 30, loop_wait: 5, retry_timeout: 10, pause: false}}"), [""; 0]);
        for bad in ["{ttl: '30'}", "{ttl: 3}", "{ttl: 25}", "{pause: 'no'}", "{postgresql: {pg_hba: [5]}}"] {
            assert_eq!(codes(&format!("{{dynamicConfig: {bad}}}")), ["patroni-setting-value"], "{bad}");
        }
    }
}
