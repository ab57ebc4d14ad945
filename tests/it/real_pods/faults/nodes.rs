//! Nodes that are stopped or cut off.

use super::{SYNCHRONOUS, told};
use crate::real_pods::writer::{node_of, while_in_force};
use crate::real_pods::{Database, until, when_drawn};
use std::time::{Duration, Instant};

/// Cuts the primary's node off and looks at both sides of the cut.
fn cut_off(name: &str, namespace: &str, more: &str) {
    when_drawn(name, |nodes| {
        let database = Database::new(nodes, namespace, 3, more);
        let synchronous = !more.is_empty();
        if synchronous {
            until("a standby is synchronous", 60, || database.synchronous_standby().is_some());
        }
        let primary = database.primary();
        let node = node_of(&database, &primary);
        let writer = database.writer(110);
        let inner = database.inner_writer(&primary, 110);
        let held = database.held_writer(&primary, 110);
        std::thread::sleep(Duration::from_secs(5));
        let mut cut = Instant::now();
        while_in_force(nodes, &["node", "partition", &node], &["node", "heal", &node], || {
            cut = Instant::now();
            until("another primary", 120, || !database.primary().is_empty() && database.primary() != primary);
            std::thread::sleep(Duration::from_secs(20));
        });
        let healed = Instant::now();
        let outcome = writer.outcome(&database);
        let inner = inner.outcome(&database);
        let held = held.outcome(&database);
        told(&format!("{namespace}: through the Service"), &outcome);
        told(&format!("{namespace}: inside the node that is cut off"), &inner);
        told(&format!("{namespace}: over a held connection from outside"), &held);
        let taken_over = outcome.taken_over().expect("commits on a new primary");
        eprintln!(
            "{namespace}: another primary {:.1} s after the cut; acknowledged inside after the cut: {:?}, after the takeover: {:?}; healed after {:.1} s; the held connection ended (s after the cut): {:?}",
            (taken_over - cut).as_secs_f64(),
            inner.after(cut),
            inner.after(taken_over),
            (healed - cut).as_secs_f64(),
            held.let_go(cut),
        );
        assert!(inner.after(cut).1 < 30.0, "the old primary acknowledges commits after its lock ran out");
        assert_eq!(inner.after(taken_over).0, 0, "two primaries acknowledged commits at once");
        assert_eq!(held.after(taken_over).0, 0, "a client of the old pooler goes on writing there");
        if synchronous {
            assert_eq!((outcome.lost, inner.lost, held.lost), (vec![], vec![], vec![]), "an acknowledged commit is lost");
        } else {
            let outside = outcome.lost.len() + held.lost.len();
            eprintln!("| {namespace} | lost outside the node: {outside}; inside it, after the cut: {} |", inner.lost.len());
            assert!(inner.lost.len() <= inner.after(cut).0 + 1, "only what no replica could receive may be lost");
        }
        database.sound(3);
    });
}

/// A node is cut off: its primary steps down by itself, another takes over, and with synchronous commits nothing is lost.
#[test]
fn an_isolated_primary_steps_down() {
    cut_off("an_isolated_primary_steps_down", "isolated", SYNCHRONOUS);
}

/// The same with asynchronous commits: what only the isolated side acknowledged is lost, and counted.
#[test]
fn an_isolated_primary_loses_little() {
    cut_off("an_isolated_primary_loses_little", "isolated-async", "");
}

/// The plug of the primary's node is pulled; later it is booted again.
#[test]
fn a_stopped_node_is_survived() {
    when_drawn("a_stopped_node_is_survived", |nodes| {
        let database = Database::new(nodes, "stopped", 3, "");
        let primary = database.primary();
        let node = node_of(&database, &primary);
        let writer = database.writer(80);
        std::thread::sleep(Duration::from_secs(5));
        let mut told_after = 0.0;
        while_in_force(nodes, &["node", "stop", &node], &["node", "start", &node], || {
            let began = Instant::now();
            until("another primary", 120, || !database.primary().is_empty() && database.primary() != primary);
            until("the status tells", 90, || database.status("/readyInstances") == 2);
            told_after = began.elapsed().as_secs_f64();
            eprintln!("stopped: after {told_after:.1} s\n{}", database.conditions());
        });
        let started = Instant::now();
        let outcome = writer.outcome(&database);
        told("the primary's node is stopped", &outcome);
        assert!(outcome.lost.len() <= 5, "more than the last moment is lost: {:?}", outcome.lost);
        // The client's own pod may have been on that node.
        nodes.ok(&["-n", "client", "wait", "pod/client", "--for=condition=Ready", "--timeout=120s"]);
        database.ready(3);
        eprintln!("stopped: all ready {:.1} s after the node was started", started.elapsed().as_secs_f64());
        database.sound(3);
    });
}
