//! Kubernetes and the controller are away.

use super::{SMALL, of_three, told};
use crate::real_pods::writer::{node_of, while_in_force};
use crate::real_pods::{Database, Processes, until, when_drawn};
use std::time::{Duration, Instant};

/// Without the controller nothing happens to databases, and they fail over by themselves.
#[test]
fn databases_need_no_controller() {
    when_drawn("databases_need_no_controller", |nodes| {
        let database = of_three(nodes, "alone");
        let primary = database.primary();
        nodes.ok(&["-n", "stackgres", "scale", "deployment/stackgres", "--replicas=0"]);
        nodes.ok(&["-n", "stackgres", "wait", "pod", "--all", "--for=delete", "--timeout=60s"]);
        let writer = database.writer(40);
        std::thread::sleep(Duration::from_secs(5));
        database.kubectl(&["delete", "pod", &primary, "--wait=false"]);
        let outcome = writer.outcome(&database);
        nodes.ok(&["-n", "stackgres", "scale", "deployment/stackgres", "--replicas=2"]);
        told("delete of the primary's pod, controller down", &outcome);
        assert_eq!(outcome.lost, [0; 0], "lost");
        until("the controller sees the new primary", 120, || !database.primary().is_empty() && database.primary() != primary);
        database.sound(3);
    });
}

/// Nobody makes pods again and nobody keeps Endpoints of Services; a failover needs neither.
#[test]
fn a_failover_needs_no_controller_manager() {
    when_drawn("a_failover_needs_no_controller_manager", |nodes| {
        let database = of_three(nodes, "manager");
        let primary = database.primary();
        let writer = database.writer(50);
        std::thread::sleep(Duration::from_secs(5));
        while_in_force(nodes, &["component", "stop", "controller-manager"], &["component", "start", "controller-manager"], || {
            database.kubectl(&["delete", "pod", &primary, "--wait=false"]);
            until("another primary", 120, || !database.primary().is_empty() && database.primary() != primary);
            std::thread::sleep(Duration::from_secs(20));
            assert_eq!(database.kubectl(&["get", "pods", "-o", "name"]).lines().count(), 2, "nobody makes the pod again");
            eprintln!("manager:\n{}", database.conditions());
        });
        let outcome = writer.outcome(&database);
        told("delete of the primary's pod, kube-controller-manager down", &outcome);
        assert_eq!(outcome.lost, [0; 0], "lost");
        database.sound(3);
    });
}

/// The API server is where Patroni keeps its lock. As long as a primary reaches all other instances, it goes on without.
#[test]
fn five_minutes_without_the_api_server() {
    when_drawn("five_minutes_without_the_api_server", |nodes| {
        let whole = Database::requested(nodes, "away", 3, SMALL);
        let lacking = Database::new(nodes, "away-replica", 3, SMALL);
        whole.ready(3);
        let primaries = [whole.primary(), lacking.primary()];
        let replica = lacking.replicas().remove(0);
        let writers = [&whole, &lacking].map(|database| database.writer(360));
        let replica = Processes::of_pod(&lacking, &replica);
        std::thread::sleep(Duration::from_secs(5));
        let mut away = (Instant::now(), Instant::now());
        while_in_force(nodes, &["component", "stop", "apiserver"], &["component", "start", "apiserver"], || {
            away.0 = Instant::now();
            std::thread::sleep(Duration::from_secs(20));
            // Nobody tells the primary that it is gone, as when its node fails.
            replica.signal("STOP");
            std::thread::sleep(Duration::from_secs(280));
            replica.signal("CONT");
            away.1 = Instant::now();
        });
        // What depends on the API server comes back by itself on a real cluster; here `up` does what a supervisor does there.
        nodes.harness(&["up"]);
        for ((database, primary), writer) in [&whole, &lacking].into_iter().zip(primaries).zip(writers) {
            database.ready(3);
            let outcome = writer.stop(database);
            told(&format!("{}: the API server is away for 300 s", database.namespace), &outcome);
            eprintln!(
                "{}: the last commit within the outage after {:.0} s; the primary before: {primary}, afterwards: {}",
                database.namespace,
                outcome.last_before(away.1).saturating_duration_since(away.0).as_secs_f64(),
                database.primary(),
            );
            assert_eq!(outcome.lost, [0; 0], "lost");
            if database.namespace == "away" {
                assert!(outcome.gap < 30.0, "writes stopped while all instances were there: {} s", outcome.gap);
                assert_eq!(database.primary(), primary);
            }
            database.sound(3);
        }
    });
}

/// With its lock's keeper and the other instances out of reach, a primary stops taking writes; nobody else can take over before
/// the API server is back.
#[test]
fn an_isolated_primary_without_the_api_server() {
    when_drawn("an_isolated_primary_without_the_api_server", |nodes| {
        let database = of_three(nodes, "away-isolated");
        let primary = database.primary();
        let node = node_of(&database, &primary);
        let writer = database.writer(240);
        let inner = database.inner_writer(&primary, 240);
        std::thread::sleep(Duration::from_secs(5));
        let cut = Instant::now();
        while_in_force(nodes, &["component", "stop", "apiserver"], &["component", "start", "apiserver"], || {
            while_in_force(nodes, &["node", "partition", &node], &["node", "heal", &node], || {
                std::thread::sleep(Duration::from_secs(100));
            });
        });
        nodes.harness(&["up"]);
        database.ready(3);
        let (outcome, inner) = (writer.stop(&database), inner.stop(&database));
        told("the primary's node is cut off while the API server is away for 100 s", &outcome);
        let stopped = inner.last_before(cut + Duration::from_secs(100));
        eprintln!(
            "away-isolated: commits inside the node end {:.1} s after the cut, {} of {} lost; primary {primary} → {}",
            (stopped - cut).as_secs_f64(),
            inner.lost.len(),
            inner.commits,
            database.primary(),
        );
        assert!(stopped < cut + Duration::from_secs(45), "an isolated primary goes on taking writes");
        assert_eq!(outcome.lost, [0; 0], "lost outside");
        database.sound(3);
    });
}
