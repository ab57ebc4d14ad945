//! What pods tell of themselves: metrics, log lines, extensions.

use super::{Database, NAME, Processes, on_real_nodes, until};
use serde_json::Value;
use std::collections::BTreeSet;

const ALERTS: &str = include_str!("../../../deploy/alerts/databases.yaml");

/// Names of metrics that the alerts ask for.
fn asked() -> BTreeSet<&'static str> {
    let words = ALERTS.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
    words.filter(|word| ["pg_", "pgbouncer_", "patroni_"].iter().any(|prefix| word.starts_with(prefix))).collect()
}

/// A rule that does not parse, or an alert without severity, is one that nobody is told of.
#[test]
fn alerts_on_databases_are_whole() {
    let document: Value = serde_yaml::from_str(ALERTS).unwrap();
    let rules = document.pointer("/spec/groups/0/rules").and_then(Value::as_array).unwrap();
    let mut names = BTreeSet::new();
    for rule in rules {
        assert!(names.insert(rule["alert"].as_str().unwrap()), "{rule} stands twice");
        assert!(["warning", "critical"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{rule}");
        assert!(rule["annotations"]["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{rule}");
        let expression = rule["expr"].as_str().unwrap();
        let count = |character| expression.matches(character).count();
        assert_eq!(count('('), count(')'), "{expression}");
    }
    assert!(asked().len() > 15, "{:?}", asked());
}

/// The text of the metrics of a port. Patroni's port speaks TLS where clients do.
fn metrics(address: &str, port: u16) -> String {
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().danger_accept_invalid_certs(true).build().unwrap();
        for scheme in ["http", "https"] {
            if let Ok(answer) = client.get(format!("{scheme}://{address}:{port}/metrics")).send().await
                && let Ok(answer) = answer.error_for_status()
            {
                return answer.text().await.unwrap();
            }
        }
        panic!("{address}:{port} has no metrics")
    })
}

/// The value of a sample whose line begins so.
fn sample(text: &str, begin: &str) -> Option<f64> {
    text.lines().find(|line| line.starts_with(begin))?.rsplit(' ').next()?.parse().ok()
}

/// A metric of one's own.
const QUERY: &str = "  configurations: {postgresExporter: {queries: {shop: {query: 'select 42 as answer', metrics: [{answer: {usage: GAUGE, description: All of it}}]}}}}\n";

/// An alert on a metric that nobody serves never fires, and looks like health.
#[test]
fn pods_serve_what_alerts_ask_for() {
    on_real_nodes("pods_serve_what_alerts_ask_for", |nodes| {
        let database = Database::new(nodes, "metrics", 2, QUERY);
        let primary = database.primary();
        let replica = database.replicas().remove(0);
        let ports: Value = serde_json::from_str(&database.kubectl(&["get", "pod", &primary, "-o", "json"])).unwrap();
        let containers = ports["spec"]["containers"].as_array().unwrap();
        let port = |name: &str| {
            let mut ports = containers.iter().filter_map(|container| container["ports"].as_array()).flatten();
            u16::try_from(ports.find(|port| port["name"] == name).unwrap()["containerPort"].as_u64().unwrap()).unwrap()
        };
        let scrape = |pod: &str| {
            let address = database.kubectl(&["get", "pod", pod, "-o", "jsonpath={.status.podIP}"]);
            ["pgexporter", "poolexporter", "patroniport"].map(|name| metrics(&address, port(name))).join("\n")
        };
        let (of_primary, of_replica) = (scrape(&primary), scrape(&replica));
        let served = |name: &str, text: &str| {
            text.lines().any(|line| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name} ")))
        };
        for name in asked() {
            assert!(served(name, &of_primary) || served(name, &of_replica), "no pod serves {name}, an alert asks for it");
        }

        // Values, where a wrong one would say that all is well.
        assert_eq!(sample(&of_primary, "pgbouncer_up"), Some(1.0));
        assert_eq!((sample(&of_primary, "pg_up"), sample(&of_primary, "pg_exporter_last_scrape_error")), (Some(1.0), Some(0.0)));
        assert_eq!((sample(&of_primary, "patroni_primary{"), sample(&of_replica, "patroni_primary{")), (Some(1.0), Some(0.0)));
        assert_eq!(sample(&of_replica, "patroni_postgres_streaming{"), Some(1.0));
        assert!(
            !of_primary.contains("pg_scrape_collector_success{collector=")
                || !of_primary.lines().any(|line| line.starts_with("pg_scrape_collector_success") && line.ends_with(" 0")),
            "{of_primary}"
        );

        // A query of the user's.
        assert_eq!(sample(&of_primary, "shop_answer"), Some(42.0), "{of_primary}");

        // A client of the pooler is seen as one.
        database.sql("select 1");
        let after = scrape(&primary);
        assert!(
            sample(&after, "pgbouncer_stats_queries_pooled_total{database=\"postgres\"}").is_some_and(|queries| queries >= 1.0),
            "{after}"
        );

        // The exporter of the pooler holds no password.
        let container = containers.iter().find(|container| container["name"] == "prometheus-pgbouncer-exporter").unwrap();
        assert!(container["env"].is_null() && container["envFrom"].is_null(), "{container}");
        assert_eq!(container["volumeMounts"].as_array().unwrap().len(), 1, "{container}");

        // The exporter finds a pooler that was away, by itself.
        let restarts = "jsonpath={.status.containerStatuses[?(@.name==\"prometheus-pgbouncer-exporter\")].restartCount}";
        let before = database.kubectl(&["get", "pod", &primary, "-o", restarts]);
        Processes::of_container(&database, &primary, "pgbouncer").only_first().signal("KILL");
        until("the pooler is back", 60, || {
            sample(&scrape(&primary), "pgbouncer_up") == Some(1.0) && database.try_sql(NAME, "select 1").status.success()
        });
        assert_eq!(database.kubectl(&["get", "pod", &primary, "-o", restarts]), before);

        // A slot that nobody reads.
        database.inside(&primary, "select pg_create_physical_replication_slot('forgotten', true)");
        until("the slot is among the metrics", 60, || {
            sample(&scrape(&primary), "pg_replication_slot_slot_is_active{slot_name=\"forgotten\"") == Some(0.0)
        });
    });
}

/// Lines of the database container since it began, with what does not parse apart.
fn lines(database: &Database<'_>, pod: &str) -> (Vec<Value>, Vec<String>) {
    let text = database.kubectl(&["logs", pod, "-c", "patroni"]);
    let (mut objects, mut rest) = (Vec::new(), Vec::new());
    for line in text.lines() {
        match serde_json::from_str::<Value>(line) {
            Ok(value) if value.is_object() => objects.push(value),
            _ => rest.push(line.to_owned()),
        }
    }
    (objects, rest)
}

/// A log that a collector cannot parse has no severity, so nobody is told of a PANIC.
#[test]
fn log_lines_are_json_with_their_severity() {
    on_real_nodes("log_lines_are_json_with_their_severity", |nodes| {
        let more = "  configurations: {postgres: {postgresql.conf: {log_statement: all, log_min_messages: notice}}}\n";
        let database = Database::new(nodes, "logs", 1, more);
        let pod = database.primary();

        // Line breaks, quotes, a line longer than a pipe takes at once and than a node keeps together, an error with its detail.
        database.inside(&pod, "select 'one\ntwo \"three\" \\ four\ttab'");
        let long = "x".repeat(40_000);
        database.inside(&pod, &format!("select length('{long}')"));
        database.inside(&pod, "do $$ begin raise warning 'careful: %', E'a\\nb'; end $$");
        let failed = database.patroni(&pod, "psql -h /var/run/postgresql -U postgres -Xqc 'select 1/0' || true");
        assert_eq!(failed, "");

        let with = |text: &str| {
            let (objects, _) = lines(&database, &pod);
            objects.into_iter().find(|line| line["message"].as_str().is_some_and(|message| message.contains(text)))
        };
        let mut found = Value::Null;
        let mut wait = |text: &str| {
            until(text, 30, || with(text).inspect(|line| found = line.clone()).is_some());
            found.clone()
        };
        assert_eq!(wait("two \"three\"")["message"], "statement: select 'one\ntwo \"three\" \\ four\ttab'");
        assert_eq!(wait(&long)["error_severity"], "LOG");
        let warning = wait("careful: a\nb");
        assert_eq!((&warning["error_severity"], &warning["backend_type"]), (&Value::from("WARNING"), &Value::from("client backend")));
        let error = wait("division by zero");
        assert_eq!(
            (&error["error_severity"], &error["statement"], &error["state_code"]),
            (&Value::from("ERROR"), &Value::from("select 1/0"), &Value::from("22012"))
        );
        let patroni = wait("the leader with the lock");
        assert_eq!((&patroni["error_severity"], &patroni["backend_type"]), (&Value::from("INFO"), &Value::from("patroni")));

        // A rotation by hand opens the same stream again; a restart of the server in its container as well.
        database.inside(&pod, "select pg_rotate_logfile()");
        database.inside(&pod, "select 'after the rotation'");
        wait("after the rotation");
        database.patroni(&pod, "patronictl -c /run/stackgres/patroni restart db db-0 --force >/dev/null 2>&1 || kill -INT $(head -n 1 /var/lib/postgresql/data/postmaster.pid)");
        until("the server is back", 90, || {
            let output = nodes.kubectl(&[
                "-n",
                "logs",
                "exec",
                &pod,
                "-c",
                "postgres-util",
                "--",
                "psql",
                "-h",
                "/var/run/postgresql",
                "-U",
                "postgres",
                "-Xqc",
                "select 'after the restart'",
            ]);
            output.status.success()
        });
        wait("after the restart");

        // What is said before the collector runs is text: at each start of the server, and by programs that it starts.
        let (objects, rest) = lines(&database, &pod);
        assert!(objects.iter().all(|line| line["error_severity"].is_string() && line["timestamp"].is_string()), "{objects:?}");
        let torn: Vec<&String> =
            rest.iter().filter(|line| line.contains(['{', '}']) || line.contains("ERROR") || line.contains("WARNING")).collect();
        assert!(torn.is_empty(), "{torn:#?}");
        let text = rest.iter().filter(|line| line.contains("LOG:")).count();
        assert_eq!(text, 4, "two lines a start: {rest:#?}");

        // No file grows: the names lead to the streams.
        let names = database.patroni(&pod, "cd /run/stackgres/log && for name in *; do echo $name $(readlink $name); done; ls /var/lib/postgresql/data/log 2>/dev/null || true");
        assert_eq!(names, "postgresql.json /proc/1/fd/1\npostgresql.log /proc/1/fd/2\n", "{NAME}");
    });
}

/// An extension that is accepted and cannot be created is found out by a script in production.
#[test]
fn extensions_asked_for_can_be_created() {
    on_real_nodes("extensions_asked_for_can_be_created", |nodes| {
        let names = ["vector", "pg_cron", "pgaudit", "uuid-ossp", "pg_repack"];
        let list: String = names.iter().map(|name| format!("{{name: {name}}}, ")).collect();
        let more = format!("  postgres: {{version: '17', extensions: [{list}{{name: wal2json}}]}}\n");
        let database = Database::new(nodes, "extensions", 1, &more);
        let pod = database.primary();

        // Each can be created, in the version that the status tells.
        let status = database.status("/extensions");
        for name in names {
            database.inside(&pod, &format!("create extension \"{name}\""));
            let version = database.inside(&pod, &format!("select extversion from pg_extension where extname = '{name}'"));
            let told = status.as_array().unwrap().iter().find(|entry| entry["name"] == name).unwrap();
            assert_eq!(told["version"], Value::from(version), "{name}");
            assert_eq!(told["postgresVersion"], database.status("/postgresVersion"));
        }

        // And works: a distance, a job that runs without a password, an audited statement, a plugin for one who is no superuser.
        assert_eq!(database.inside(&pod, "select '[1,2,3]'::vector <-> '[1,2,5]'"), "2");
        database
            .inside(&pod, "create table ran (at timestamptz); select cron.schedule('job', '1 second', 'insert into ran values (now())')");
        until("the job has run", 60, || database.inside(&pod, "select count(*) > 0 from ran") == "t");
        database.inside(&pod, "set pgaudit.log = 'ddl'; create table audited ()");
        until("the statement is audited", 30, || {
            let (objects, _) = lines(&database, &pod);
            objects.iter().any(|line| {
                line["message"].as_str().is_some_and(|message| message.starts_with("AUDIT: SESSION") && message.contains("audited"))
            })
        });
        database.inside(&pod, "create role reader replication login");
        let slot = "set session authorization reader; select slot_name from pg_create_logical_replication_slot('s', 'wal2json')";
        assert_eq!(database.inside(&pod, slot), "s");
    });
}
