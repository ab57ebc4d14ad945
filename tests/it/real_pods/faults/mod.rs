//! What a cluster survives, what it costs and what is lost. The outcomes stand in `docs/faults.md`.

mod cold_start;
mod control_plane;
mod deleted;
mod frozen;
mod full_volume;
mod killed;
mod mistakes;
mod nodes;

use super::writer::Outcome;
use super::{Database, Nodes, until};

/// Tells what a fault did, for the table of the documentation.
fn told(fault: &str, outcome: &Outcome) {
    let (lost, commits, gap) = (outcome.lost.len(), outcome.commits, outcome.gap);
    eprintln!("| {fault} | {gap:.1} s without a commit | {lost} of {commits} acknowledged commits lost |");
}

fn of_three<'a>(nodes: &'a Nodes, namespace: &str) -> Database<'a> {
    Database::new(nodes, namespace, 3, "")
}

/// With the profile that every namespace of a test has.
const SMALL: &str = "  sgInstanceProfile: small\n";

const SYNCHRONOUS: &str = "  replication: {mode: sync, syncInstances: 1}\n";

impl Database<'_> {
    /// All is well again, and no page or index of any instance is broken.
    fn sound(&self, instances: usize) {
        self.ready(instances);
        let check = |pod: &str, more: &str| {
            let check = "PGOPTIONS='-c client_min_messages=warning' /usr/lib/postgresql/17/bin/pg_amcheck --all --heapallindexed --host /var/run/postgresql --username postgres";
            // Patroni is asked for `pg_amcheck` only where the database is: nobody else has the server's programs.
            let said = self.patroni(pod, &format!("{check} {more} 2>&1"));
            assert_eq!(said.trim(), "", "pg_amcheck on {pod}");
        };
        check(&self.primary(), "--install-missing");
        for replica in self.replicas() {
            until("the replica has the extension", 60, || {
                self.inside(&replica, "select count(*) from pg_extension where extname = 'amcheck'") == "1"
            });
            check(&replica, "");
        }
    }

    /// The standby whose answer a commit waits for.
    fn synchronous_standby(&self) -> Option<String> {
        let pods = self.status("/podStatuses");
        let found = pods.as_array()?.iter().find(|pod| pod["synchronous"] == true)?["name"].as_str()?.to_owned();
        Some(found)
    }

    fn switch_over(&self, candidate: &str) {
        let primary = self.primary();
        if primary != candidate {
            let command = format!("patronictl -c /run/stackgres/patroni switchover --force --leader {primary} --candidate {candidate}");
            self.patroni(&primary, &command);
            until("another primary", 60, || self.primary() == candidate);
            self.ready(3);
        }
    }

    /// What the status says in its conditions, for people.
    fn conditions(&self) -> String {
        let conditions = self.status("/conditions");
        let lines = conditions.as_array().into_iter().flatten().map(|condition| {
            let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
            format!("{}={} {}: {}\n", text("type"), text("status"), text("reason"), text("message"))
        });
        lines.collect()
    }
}
