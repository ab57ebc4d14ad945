//! Processes that stand still and go on later, when somebody else has taken over. No pod has a watchdog device.

use super::{SMALL, SYNCHRONOUS, told};
use crate::real_pods::{Database, Processes, until, when_drawn};
use std::time::{Duration, Instant};

/// Twice Patroni's `ttl`.
const STANDSTILL: Duration = Duration::from_mins(1);

/// Freezes part of the primary of an asynchronous and of a synchronous cluster.
///
/// An application holds a connection to the pooler of the primary all the time; another comes anew through the Service.
///
/// Both at once, as small ones: a cluster of the usual size takes the processors of two nodes.
fn frozen(name: &str, what: &str, of: impl Fn(&Database<'_>, &str) -> Processes) {
    when_drawn(name, |nodes| {
        let asynchronous = Database::requested(nodes, &format!("{what}-async"), 3, SMALL);
        let synchronous = Database::requested(nodes, &format!("{what}-sync"), 3, &format!("{SMALL}{SYNCHRONOUS}"));
        let both = [asynchronous, synchronous];
        for database in &both {
            database.ready(3);
        }
        until("a standby is synchronous", 60, || both[1].synchronous_standby().is_some());
        let primaries = both.each_ref().map(Database::primary);
        let writers = [0, 1].map(|index| {
            let (database, primary) = (&both[index], &primaries[index]);
            (database.writer(110), database.held_writer(primary, 110))
        });
        std::thread::sleep(Duration::from_secs(5));
        let processes = [0, 1].map(|index| of(&both[index], &primaries[index]));
        for processes in &processes {
            processes.signal("STOP");
        }
        let began = Instant::now();
        let mut gone = [None, None];
        while began.elapsed() < STANDSTILL {
            for (processes, gone) in processes.iter().zip(&mut gone) {
                if gone.is_none() && processes.left() == 0 {
                    *gone = Some(began.elapsed().as_secs_f64());
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        for processes in &processes {
            processes.signal("CONT");
        }
        let continued = Instant::now();
        for ((database, gone), (through_service, held)) in both.iter().zip(gone).zip(writers) {
            let through_service = through_service.outcome(database);
            let held = held.outcome(database);
            let namespace = &database.namespace;
            told(&format!("{namespace}: through the Service"), &through_service);
            told(&format!("{namespace}: over a held connection"), &held);
            let taken_over = through_service.taken_over();
            let split = taken_over.map(|moment| held.after(moment));
            let since = |moment: Instant| moment.saturating_duration_since(began).as_secs_f64();
            eprintln!(
                "{namespace}: processes killed after {gone:?} s; another primary after {:?} s; on the old one later: {split:?}; after the standstill: {:?}; held connection ended (s after the standstill began): {:?}",
                taken_over.map(since),
                held.after(continued),
                held.let_go(began),
            );
            assert_eq!(held.after(taken_over.unwrap_or(continued)).0, 0, "{namespace}: two primaries acknowledged commits at once");
            if database.namespace.ends_with("-sync") {
                assert_eq!((through_service.lost, held.lost), (vec![], vec![]), "an acknowledged commit is lost");
            }
            database.sound(3);
        }
    });
}

/// Patroni alone: its PostgreSQL would go on taking writes while another instance is promoted.
#[test]
fn a_frozen_patroni_is_replaced() {
    frozen("a_frozen_patroni_is_replaced", "patroni-frozen", |database, primary| {
        // Process 1 only waits for the Patroni that does the work, and both run Python.
        Processes::of_container(database, primary, "patroni").running("python")
    });
}

/// All containers, and so the pooler with its clients: who wakes up must not take what it no longer may.
#[test]
fn a_frozen_pod_is_replaced() {
    frozen("a_frozen_pod_is_replaced", "pod-frozen", Processes::of_pod);
}

/// A standby that recovers for long answers no query, and neither does one that stands still. Killing it would begin the recovery
/// anew, for ever: the kubelet asks Patroni, not PostgreSQL.
#[test]
fn a_standby_that_does_not_answer_is_not_killed() {
    when_drawn("a_standby_that_does_not_answer_is_not_killed", |nodes| {
        let database = Database::new(nodes, "silent", 2, SMALL);
        let replica = database.replicas().remove(0);
        let processes = Processes::of_container(&database, &replica, "patroni").running("postgres");
        processes.signal("STOP");
        // More than twice as long as the probe takes to kill an instance whose Patroni stands still.
        std::thread::sleep(Duration::from_secs(40));
        let path = "jsonpath={.status.containerStatuses[?(@.name==\"patroni\")].restartCount}";
        let restarts = database.kubectl(&["get", "pod", &replica, "-o", path]);
        processes.signal("CONT");
        assert_eq!(restarts, "0", "the kubelet killed a standby that did not answer");
        database.ready(2);
    });
}
