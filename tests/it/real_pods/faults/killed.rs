//! Processes that are gone without a goodbye.

use super::{of_three, told};
use crate::real_pods::{Processes, when_drawn};

/// The postmaster is gone without a goodbye: Patroni starts it again, or hands over, and nothing acknowledged is lost.
#[test]
fn a_killed_server_comes_back() {
    when_drawn("a_killed_server_comes_back", |nodes| {
        let database = of_three(nodes, "killed");
        let primary = database.primary();
        let writer = database.writer(40);
        std::thread::sleep(std::time::Duration::from_secs(5));
        database.patroni(&primary, "kill -KILL $(head -n 1 /var/lib/postgresql/data/postmaster.pid)");
        let outcome = writer.outcome(&database);
        told("kill -9 of PostgreSQL on the primary", &outcome);
        assert_eq!(outcome.lost, [0; 0], "lost");
        database.sound(3);
    });
}

/// Patroni is gone: the server goes with its container, and the container starts again on the same volume.
#[test]
fn a_killed_patroni_comes_back() {
    when_drawn("a_killed_patroni_comes_back", |nodes| {
        let database = of_three(nodes, "patroni");
        let primary = database.primary();
        let writer = database.writer(60);
        std::thread::sleep(std::time::Duration::from_secs(5));
        // Process 1 of a container takes no signal from inside it, so the container runtime of the node has to end it.
        Processes::of_container(&database, &primary, "patroni").only_first().signal("KILL");
        let outcome = writer.outcome(&database);
        told("kill -9 of Patroni on the primary", &outcome);
        assert_eq!(outcome.lost, [0; 0], "lost");
        database.sound(3);
        let restarts =
            database.kubectl(&["get", "pod", &primary, "-o", "jsonpath={.status.containerStatuses[?(@.name==\"patroni\")].restartCount}"]);
        assert_eq!(restarts, "1", "the container starts a second time");
    });
}
