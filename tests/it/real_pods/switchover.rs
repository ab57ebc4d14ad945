//! A planned switchover: writers wait, and nobody fails.

use super::clients::{Clients, Connection};
use super::{Database, NAME, Processes, on_real_nodes, said, until, when_drawn};
use std::time::{Duration, Instant};

/// Transaction pooling, as `spec.configurations` has it.
pub(super) const TRANSACTIONS: &str = "  configurations: {pooling: {pgBouncer: {pgbouncer.ini: {pgbouncer: {pool_mode: transaction}}}}}\n";

const FORWARD: &str = "/var/run/postgresql/pgbouncer-forward.ini";

impl Database<'_> {
    fn ask(&self, candidate: &str) {
        self.kubectl(&["annotate", "sgcluster", NAME, "--overwrite", &format!("stackgres.io/switchover={candidate}")]);
    }

    /// Waits for the answer to a request, and takes the request away.
    fn answered(&self, candidate: &str) -> serde_json::Value {
        until(&format!("the switchover to {candidate} is answered ({:?})", self.condition("Switchover")), 150, || {
            let switchover = self.status("/switchover");
            switchover["asked"] == candidate && switchover["state"] != "under-way"
        });
        let answer = self.status("/switchover");
        self.kubectl(&["annotate", "sgcluster", NAME, "stackgres.io/switchover-"]);
        until("the request is forgotten", 60, || self.status("/switchover/asked").is_null());
        answer
    }

    /// Where the pooler of a pod leads, and whether it is paused, as its own console says.
    fn pooler(&self, pod: &str, sql: &str) -> String {
        let script = format!(". /etc/stackgres/scripts/pooler-console; echo '{sql};' | console 2>&1");
        self.patroni(pod, &script)
    }

    fn at_rest(&self, pod: &str) -> bool {
        let databases = self.pooler(pod, "SHOW DATABASES");
        let state = self.pooler(pod, "SHOW STATE");
        let foreign = databases.lines().any(|line| line.starts_with("host|") && !line.starts_with("host|/") && line != "host|");
        !foreign && state.contains("key|paused\nvalue|no") && self.patroni(pod, &format!("cat {FORWARD}")).is_empty()
    }

    fn all_at_rest(&self) {
        for pod in self.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].metadata.name}"]).split_whitespace() {
            until(&format!("the pooler of {pod} is at rest: {}", self.pooler(pod, "SHOW DATABASES")), 60, || self.at_rest(pod));
        }
    }
}

/// How many switchovers a run tries.
fn rounds() -> usize {
    let asked = std::env::var("STACKGRES_TEST_SWITCHOVERS").ok().and_then(|rounds| rounds.parse().ok());
    asked.unwrap_or(if std::env::var_os("STACKGRES_TEST_FULL").is_some() { 100 } else { 3 })
}

/// An application with transactions under a second sees a pause and no failed transaction, wherever its connection was made, also when the
/// old primary's pod is made anew afterwards, and no acknowledged commit is lost.
#[test]
fn a_switchover_fails_nobody() {
    on_real_nodes("a_switchover_fails_nobody", |nodes| {
        let database = Database::new(nodes, "switchover", 3, TRANSACTIONS);
        let clients = Clients::begin(&database, 7);
        let mut pauses = Vec::new();
        let mut cut = 0;
        for round in 0..rounds() {
            let leader = database.primary();
            let candidate = database.replicas()[round % 2].clone();
            database.ask(&candidate);
            let answer = database.answered(&candidate);
            assert_eq!(answer["state"], "done", "{answer}");
            until("the new primary is told", 30, || database.primary() == candidate);
            let pause = answer["pausedMilliseconds"].as_u64().unwrap();
            cut += answer["cut"].as_array().map_or(0, Vec::len);
            eprintln!("switchover {round}: {leader} -> {candidate}: {}", answer["message"].as_str().unwrap());
            pauses.push(pause);
            database.ready(3);
            // As a rollout does it: the old primary's pod comes last.
            if round % 10 == 1 {
                database.kubectl(&["delete", "pod", &leader]);
                until("the old primary's pod is another", 60, || database.replicas().contains(&leader));
                database.ready(3);
            }
        }
        let outcome = clients.end(&database);
        pauses.sort_unstable();
        eprintln!("pauses in ms: {pauses:?}; cut {cut}; longest transaction {:.2} s; {outcome:?}", outcome.longest);
        assert!(outcome.failed.is_empty() && outcome.lost == 0 && outcome.not_connected.is_empty(), "{outcome:?}");
        assert!(outcome.transactions > 20 * rounds(), "the clients hardly worked: {outcome:?}");
        assert!(outcome.closed_idle > 0, "nobody was let go, so nobody stayed at an old primary: {outcome:?}");
        assert_eq!(cut, 0, "these clients rest now and then, so none has to be cut off");
        database.all_at_rest();
    });
}

/// What happens beside the good way: a transaction that does not end, a switchover that is not ours, a restart in place, a controller
/// that dies with the writers held back, and a step that nobody looks after.
#[test]
fn whatever_is_left_behind_is_put_right() {
    when_drawn("whatever_is_left_behind_is_put_right", |nodes| {
        let database = Database::new(nodes, "switchover-faults", 3, TRANSACTIONS);
        let clients = Clients::begin(&database, 11);

        // A transaction that does not end holds it, by name, and nobody is held back meanwhile.
        let mut open = Connection::of(&database);
        open.query("BEGIN").unwrap();
        open.query("SELECT 'held'").unwrap();
        std::thread::sleep(Duration::from_secs(4));
        let leader = database.primary();
        database.ask("any");
        until("the open transaction is named", 60, || {
            let (_, reason, message) = database.condition("Switchover");
            reason == "Waiting" && message.contains("database postgres, application `clients")
        });
        assert_eq!(database.primary(), leader);
        open.query("COMMIT").unwrap();
        drop(open);
        let answer = database.answered("any");
        assert_eq!(answer["state"], "done", "{answer}");
        database.ready(3);

        // A restart in place holds the writers back as well.
        let primary = database.primary();
        let started = database.inside(&primary, "select pg_postmaster_start_time()");
        database.kubectl(&["annotate", "sgcluster", NAME, &format!("stackgres.io/restart={primary}")]);
        until("the restart is answered", 90, || {
            let record = database.status("/switchover");
            record["asked"] == format!("restart {primary}") && record["state"] != "under-way"
        });
        eprintln!("{}", database.status("/switchover/message"));
        assert_eq!(database.status("/switchover/state"), "done");
        assert_ne!(database.inside(&primary, "select pg_postmaster_start_time()"), started);
        database.kubectl(&["annotate", "sgcluster", NAME, "stackgres.io/restart-"]);
        database.ready(3);

        // The controller dies while the writers are held back: all of its processes, at once.
        let leader = database.primary();
        let candidate = database.replicas()[0].clone();
        database.ask(&candidate);
        until("the writers are held back", 60, || database.pooler(&leader, "SHOW STATE").contains("key|paused\nvalue|yes"));
        Processes::of_controller(nodes).signal("KILL");
        let killed = Instant::now();
        until("nobody is held back", 90, || !database.pooler(&leader, "SHOW STATE").contains("key|paused\nvalue|yes"));
        eprintln!("resumed {:.1} s after the controller was killed", killed.elapsed().as_secs_f64());
        let answer = database.answered(&candidate);
        eprintln!("{answer}");
        database.all_at_rest();
        database.ready(3);

        // Nobody looks after a step: the pod does, and its primary leads to itself.
        let primary = database.primary();
        let other = database.address(&database.replicas()[0]);
        database.patroni(&primary, &format!("echo '* = host={other} port=6432 auth_dbname=stackgres-own' > {FORWARD}"));
        database.pooler(&primary, "PAUSE");
        database.pooler(&primary, "RELOAD");
        let left = Instant::now();
        assert!(!database.at_rest(&primary));
        until("the pod looks after its pooler", 60, || database.at_rest(&primary));
        eprintln!("looked after by the pod {:.1} s later", left.elapsed().as_secs_f64());
        assert!(left.elapsed() > Duration::from_secs(25), "a step that is under way is left alone");

        let outcome = clients.end(&database);
        eprintln!("{outcome:?}");
        assert!(outcome.failed.is_empty() && outcome.lost == 0, "{outcome:?}");

        // A switchover that is not ours: the old primary lets go of a client that idles, which would write to a standby otherwise.
        let mut idle = Connection::of(&database);
        idle.query("SELECT 1").unwrap();
        let leader = database.primary();
        database.patroni(&leader, &format!("patronictl -c /run/stackgres/patroni switchover --force --leader {leader}"));
        until("another leads", 60, || database.primary() != leader);
        until("the client is let go", 30, || idle.is_readable());
        Connection::of(&database).query("CREATE TABLE written()").unwrap();
        database.ready(3);
    });
}

/// With sessions in the pooler nobody can be held back: they are counted and named. Asked for by the command, which tells the end.
#[test]
fn sessions_are_counted_and_named() {
    when_drawn("sessions_are_counted_and_named", |nodes| {
        let database = Database::new(nodes, "switchover-sessions", 2, "");
        let command = |candidate: &str| {
            let kubeconfig = nodes.folder.join("admin.kubeconfig");
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_stackgres"));
            command.args(["switchover", "switchover-sessions/db", "--candidate", candidate, "--kubeconfig"]).arg(kubeconfig);
            let output = command.output().unwrap();
            (output.status.code(), said(&output))
        };
        let refused = command("nobody");
        assert!(refused.0 == Some(4) && refused.1.contains("there is no instance nobody"), "{refused:?}");
        let mut session = Connection::of(&database);
        session.query("SELECT 1").unwrap();
        let candidate = database.replicas()[0].clone();
        let (code, text) = command(&candidate);
        assert!(code == Some(0) && text.contains(&format!("hands over to {candidate}")), "{code:?} {text}");
        assert!(text.contains("1 cut off: postgres@postgres (clients"), "{text}");
        until("the session is cut", 30, || session.is_readable());
        Connection::of(&database).query("CREATE TABLE written()").unwrap();
        database.all_at_rest();
        let (code, text) = command(&candidate);
        assert!(code == Some(4) && text.contains("leads already"), "the same is asked for again: {code:?} {text}");
    });
}

/// The figures of docs/switchover.md: eight clients that never rest, through the Service, while the primary role moves.
#[test]
fn writers_without_a_rest_only_wait() {
    when_drawn("writers_without_a_rest_only_wait", |nodes| {
        let database = Database::new(nodes, "switchover-bench", 3, TRANSACTIONS);
        let scale = std::env::var("STACKGRES_TEST_SCALE").unwrap_or_else(|_| "1".to_owned());
        let made = database.client(NAME, 5, &["pgbench", "-i", "-q", "-s", &scale, "postgres"]).output().unwrap();
        assert!(made.status.success(), "{}", said(&made));
        for _ in 0..3 {
            let bench = database.client(NAME, 5, &["pgbench", "-n", "-c", "8", "-j", "2", "-T", "14", "-P", "1", "postgres"]);
            let bench = std::thread::spawn({
                let mut bench = bench;
                move || bench.output().unwrap()
            });
            std::thread::sleep(Duration::from_secs(3));
            let candidate = database.replicas()[0].clone();
            database.ask(&candidate);
            let output = bench.join().unwrap();
            let answer = database.answered(&candidate);
            let text = said(&output);
            let processed = text.lines().find(|line| line.contains("actually processed")).unwrap_or_default();
            eprintln!("{}; pgbench: {processed}", answer["message"]);
            assert_eq!(answer["state"], "done", "{answer}");
            assert!(output.status.success() && text.contains("number of failed transactions: 0 "), "{text}");
            database.ready(3);
        }
        database.all_at_rest();
    });
}
