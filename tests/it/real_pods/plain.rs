//! What the same changes cost an application of a hand-written StatefulSet under Patroni whose pods Kubernetes rolls by itself: the
//! reference of the table in `docs/rollouts.md`.

use super::clients::{Clients, FOUND, Outcome, TABLE};
use super::{Nodes, until, when_drawn};
use std::time::Instant;

const NAMESPACE: &str = "plain";

struct Plain<'a>(&'a Nodes);

impl Plain<'_> {
    fn kubectl(&self, arguments: &[&str]) -> String {
        self.0.ok(&[&["-n", NAMESPACE], arguments].concat())
    }

    fn members(&self) -> Vec<serde_json::Value> {
        let pods: serde_json::Value = serde_json::from_str(&self.kubectl(&["get", "pods", "-o", "json"])).unwrap();
        let ready = |pod: &serde_json::Value| {
            pod["status"]["conditions"].as_array().into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True")
        };
        let pods = pods["items"].as_array().cloned().unwrap_or_default();
        let note = |pod: &serde_json::Value| {
            let mut note: serde_json::Value = serde_json::from_str(pod["metadata"]["annotations"]["status"].as_str()?).ok()?;
            note["name"] = pod["metadata"]["name"].clone();
            Some(note)
        };
        pods.iter().filter(|pod| ready(pod)).filter_map(note).collect()
    }

    /// Whether three run, one leads and two stream.
    fn is_ready(&self) -> bool {
        let members = self.members();
        members.len() == 3
            && members.iter().filter(|member| member["replication_state"] == "streaming").count() == 2
            && members.iter().filter(|member| matches!(member["role"].as_str(), Some("primary" | "master"))).count() == 1
    }

    fn primary(&self) -> String {
        let members = self.members();
        let leader = members.iter().find(|member| matches!(member["role"].as_str(), Some("primary" | "master")));
        leader.and_then(|leader| leader["name"].as_str()).unwrap_or_default().to_owned()
    }

    fn sql(&self, sql: &str) -> String {
        let primary = self.primary();
        self.kubectl(&["exec", &primary, "--", "psql", "-h", "/run/db", "-U", "postgres", "-AtXqc", sql]).trim().to_owned()
    }

    /// What a change costs: seconds until all is well again, and what the application saw.
    fn roll(&self, change: impl Fn(&Self)) -> (f64, Outcome) {
        let first = self.sql(TABLE).parse().unwrap();
        let address = format!("{}:5432", self.kubectl(&["get", "service", "db", "-o", "jsonpath={.spec.clusterIP}"]));
        let clients = Clients::at(&address, "hand-written", first, 7);
        let began = Instant::now();
        change(self);
        self.kubectl(&["rollout", "status", "statefulset/db", "--timeout=300s"]);
        until("all is well again", 120, || self.is_ready());
        let seconds = began.elapsed().as_secs_f64();
        std::thread::sleep(std::time::Duration::from_secs(6));
        (seconds, clients.end_with(|| self.sql(FOUND)))
    }
}

/// If the reference lost nothing either, the care taken here would be worth nothing.
#[test]
fn a_plain_stateful_set_is_less_careful() {
    when_drawn("a_plain_stateful_set_is_less_careful", |nodes| {
        nodes.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: plain}\n");
        let text =
            include_str!("../../bench/hand-written.yaml").replace("NAMESPACE", NAMESPACE).replace("IMAGE", "stackgres/postgres:17.12");
        nodes.apply(&text);
        let plain = Plain(nodes);
        until("the plain StatefulSet is ready", 180, || plain.is_ready());
        let restart = |plain: &Plain<'_>| drop(plain.kubectl(&["rollout", "restart", "statefulset/db"]));
        let connections = |plain: &Plain<'_>, value: &str| {
            let primary = plain.primary();
            let edit = format!("patronictl -c /run/db/patroni.yml edit-config --force -p max_connections={value}");
            drop(plain.kubectl(&["exec", &primary, "--", "/bin/sh", "-c", &edit]));
            restart(plain);
        };
        let mut failed = 0;
        for (name, (seconds, outcome)) in [
            ("a hot-standby parameter raised", plain.roll(|plain| connections(plain, "130"))),
            ("a hot-standby parameter lowered", plain.roll(|plain| connections(plain, "110"))),
            ("new pods", plain.roll(restart)),
        ] {
            eprintln!(
                "PLAIN | {name} | {seconds:.0} | {:.1} | {} | {} | {} |",
                outcome.longest,
                outcome.failed.len() + outcome.not_connected.len(),
                outcome.closed_idle,
                outcome.lost
            );
            failed += outcome.failed.len();
        }
        drop(nodes.kubectl(&["delete", "namespace", NAMESPACE, "--wait=false"]));
        assert!(failed > 0, "no transaction failed at all");
    });
}
