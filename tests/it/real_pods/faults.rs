//! What a cluster survives, what it costs and what is lost. The outcomes stand in `docs/faults.md`.

use super::{Database, NAME, Nodes, left_out, on_real_nodes, until};

/// Tells what a fault did, for the table of the documentation.
fn told(fault: &str, (lost, gap, commits): &(Vec<u64>, f64, usize)) {
    eprintln!("| {fault} | {gap:.1} s without a commit | {} of {commits} acknowledged commits lost |", lost.len());
}

fn of_three<'a>(nodes: &'a Nodes, namespace: &str) -> Database<'a> {
    Database::new(nodes, namespace, 3, "")
}

/// The postmaster is gone without a goodbye: Patroni starts it again, or hands over, and nothing acknowledged is lost.
#[test]
fn a_killed_server_comes_back() {
    if left_out("a_killed_server_comes_back") {
        return;
    }
    on_real_nodes("a_killed_server_comes_back", |nodes| {
        let database = of_three(nodes, "killed");
        let primary = database.primary();
        let writer = database.writer(40);
        std::thread::sleep(std::time::Duration::from_secs(5));
        database.patroni(&primary, "kill -KILL $(head -n 1 /var/lib/postgresql/data/postmaster.pid)");
        let outcome = writer.lost(&database);
        told("kill -9 of PostgreSQL on the primary", &outcome);
        assert_eq!(outcome.0, [0; 0], "lost");
        database.ready(3);
    });
}

/// Patroni is gone: the server goes with its container, and the container starts again on the same volume.
#[test]
fn a_killed_patroni_comes_back() {
    on_real_nodes("a_killed_patroni_comes_back", |nodes| {
        let database = of_three(nodes, "patroni");
        let primary = database.primary();
        let writer = database.writer(60);
        std::thread::sleep(std::time::Duration::from_secs(5));
        // Process 1 of a container takes no signal from inside it, so the container runtime of the node has to end it.
        database.kill(&primary, "patroni");
        let outcome = writer.lost(&database);
        told("kill -9 of Patroni on the primary", &outcome);
        assert_eq!(outcome.0, [0; 0], "lost");
        database.ready(3);
        let restarts =
            database.kubectl(&["get", "pod", &primary, "-o", "jsonpath={.status.containerStatuses[?(@.name==\"patroni\")].restartCount}"]);
        assert_eq!(restarts, "1", "the container starts a second time");
    });
}

/// A primary's pod is deleted: another takes over, and the one that comes back follows.
#[test]
fn a_deleted_primary_is_replaced() {
    on_real_nodes("a_deleted_primary_is_replaced", |nodes| {
        let database = of_three(nodes, "deleted");
        let primary = database.primary();
        let writer = database.writer(40);
        std::thread::sleep(std::time::Duration::from_secs(5));
        database.kubectl(&["delete", "pod", &primary, "--wait=false"]);
        let outcome = writer.lost(&database);
        told("delete of the primary's pod", &outcome);
        assert_eq!(outcome.0, [0; 0], "an orderly stop loses nothing");
        database.ready(3);
        until("another timeline", 60, || database.status("/podStatuses/0/timeline").as_u64() > Some(1));
    });
}

/// A replica loses its volume: it is made anew from the others.
#[test]
fn a_lost_volume_is_cloned_again() {
    if left_out("a_lost_volume_is_cloned_again") {
        return;
    }
    on_real_nodes("a_lost_volume_is_cloned_again", |nodes| {
        let database = of_three(nodes, "volume");
        database.sql("create table t as select generate_series(1, 1000) i");
        let identifier = database.status("/systemIdentifier");
        let replica = database.replicas().remove(0);
        database.kubectl(&["delete", "pvc", &format!("{NAME}-data-{replica}"), "--wait=false"]);
        database.kubectl(&["delete", "pod", &replica]);
        until("it is gone", 60, || database.status("/readyInstances") != 3);
        database.ready(3);
        assert_eq!(database.inside(&replica, "select count(*) from t"), "1000");
        assert_eq!(database.status("/systemIdentifier"), identifier);
    });
}

/// The first volume is lost while the others hold the data: no second database may be made in its place.
#[test]
fn an_empty_first_volume_makes_no_second_database() {
    if left_out("an_empty_first_volume_makes_no_second_database") {
        return;
    }
    on_real_nodes("an_empty_first_volume_makes_no_second_database", |nodes| {
        let database = of_three(nodes, "empty");
        database.sql("create table t as select generate_series(1, 1000) i");
        let identifier = database.status("/systemIdentifier");
        let first = format!("{NAME}-0");
        database.kubectl(&["delete", "pvc", &format!("{NAME}-data-{first}"), "--wait=false"]);
        database.kubectl(&["delete", "pod", &first]);
        until("it is gone", 60, || database.status("/readyInstances") != 3);
        database.ready(3);
        assert_eq!(database.sql("select count(*) from t"), "1000");
        assert_eq!(database.inside(&first, "select system_identifier from pg_control_system()"), identifier.as_str().unwrap());
    });
}

/// Patroni's objects are deleted by hand: they come back, and with them no second bootstrap.
#[test]
fn patronis_objects_come_back() {
    on_real_nodes("patronis_objects_come_back", |nodes| {
        let database = of_three(nodes, "objects");
        database.sql("create table t as select generate_series(1, 1000) i");
        let identifier = database.status("/systemIdentifier");
        let writer = database.writer(45);
        std::thread::sleep(std::time::Duration::from_secs(5));
        database.kubectl(&["delete", "endpoints", NAME, &format!("{NAME}-config"), &format!("{NAME}-sync"), "--ignore-not-found"]);
        let outcome = writer.lost(&database);
        told("delete of Patroni's objects", &outcome);
        assert_eq!(outcome.0, [0; 0], "lost");
        database.ready(3);
        assert_eq!(database.sql("select count(*) from t"), "1000");
        let primary = database.primary();
        assert_eq!(database.inside(&primary, "select system_identifier from pg_control_system()"), identifier.as_str().unwrap());
        until("the identity is noted again", 60, || {
            database.kubectl(&["get", "endpoints", &format!("{NAME}-config"), "-o", "jsonpath={.metadata.annotations.initialize}"])
                == identifier.as_str().unwrap()
        });
    });
}

/// Without the controller nothing happens to databases, and they fail over by themselves.
#[test]
fn databases_need_no_controller() {
    if left_out("databases_need_no_controller") {
        return;
    }
    on_real_nodes("databases_need_no_controller", |nodes| {
        let database = of_three(nodes, "alone");
        let primary = database.primary();
        nodes.ok(&["-n", "stackgres", "scale", "deployment/stackgres", "--replicas=0"]);
        nodes.ok(&["-n", "stackgres", "wait", "pod", "--all", "--for=delete", "--timeout=60s"]);
        let writer = database.writer(40);
        std::thread::sleep(std::time::Duration::from_secs(5));
        database.kubectl(&["delete", "pod", &primary, "--wait=false"]);
        let outcome = writer.lost(&database);
        nodes.ok(&["-n", "stackgres", "scale", "deployment/stackgres", "--replicas=2"]);
        told("delete of the primary's pod, controller down", &outcome);
        assert_eq!(outcome.0, [0; 0], "lost");
        until("the controller sees the new primary", 120, || !database.primary().is_empty() && database.primary() != primary);
        database.ready(3);
    });
}

/// A node is cut off: its primary steps down by itself, another takes over, and with synchronous commits nothing is lost.
#[test]
fn an_isolated_primary_steps_down() {
    if left_out("an_isolated_primary_steps_down") {
        return;
    }
    on_real_nodes("an_isolated_primary_steps_down", |nodes| {
        let database = Database::new(nodes, "isolated", 3, "  replication: {mode: sync, syncInstances: 1}\n");
        let primary = database.primary();
        let synchronous = || {
            let pods = database.status("/podStatuses");
            let found = pods.as_array().unwrap().iter().find(|pod| pod["synchronous"] == true).cloned();
            found.and_then(|pod| pod["name"].as_str().map(str::to_owned))
        };
        until("a standby is synchronous", 60, || synchronous().is_some());
        let client = nodes.ok(&["-n", "client", "get", "pod", "client", "-o", "jsonpath={.spec.nodeName}"]);
        let node = database.kubectl(&["get", "pod", &primary, "-o", "jsonpath={.spec.nodeName}"]);
        if client == node {
            // The client must see both sides' outcome: hand over first.
            let other = synchronous().unwrap();
            database.patroni(
                &primary,
                &format!("patronictl -c /run/stackgres/patroni switchover --force --leader {primary} --candidate {other}"),
            );
            until("another primary", 60, || database.primary() == other);
            database.ready(3);
        }
        let primary = database.primary();
        let node = database.kubectl(&["get", "pod", &primary, "-o", "jsonpath={.spec.nodeName}"]);
        let writer = database.writer(90);
        std::thread::sleep(std::time::Duration::from_secs(5));
        let number = node.trim_start_matches("node").to_owned();
        nodes.harness(&["node", "partition", &number]);
        let taken_over = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until("another primary", 120, || !database.primary().is_empty() && database.primary() != primary);
        }));
        nodes.harness(&["node", "heal", &number]);
        if let Err(panic) = taken_over {
            std::panic::resume_unwind(panic);
        }
        let outcome = writer.lost(&database);
        told("node of the primary cut off (synchronous)", &outcome);
        assert_eq!(outcome.0, [0; 0], "an acknowledged commit is lost");
        database.ready(3);
    });
}
