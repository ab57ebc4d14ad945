//! Pods, volumes and objects that are deleted.

use super::{of_three, told};
use crate::real_pods::{NAME, on_real_nodes, until, when_drawn};

/// A primary's pod is deleted: another takes over, and the one that comes back follows.
#[test]
fn a_deleted_primary_is_replaced() {
    on_real_nodes("a_deleted_primary_is_replaced", |nodes| {
        let database = of_three(nodes, "deleted");
        let primary = database.primary();
        let writer = database.writer(40);
        std::thread::sleep(std::time::Duration::from_secs(5));
        database.kubectl(&["delete", "pod", &primary, "--wait=false"]);
        let outcome = writer.outcome(&database);
        told("delete of the primary's pod", &outcome);
        assert_eq!(outcome.lost, [0; 0], "an orderly stop loses nothing");
        database.sound(3);
        until("another timeline", 60, || database.status("/podStatuses/0/timeline").as_u64() > Some(1));
    });
}

/// A replica's pod is deleted: clients of the primary notice nothing.
#[test]
fn a_deleted_replica_comes_back() {
    when_drawn("a_deleted_replica_comes_back", |nodes| {
        let database = of_three(nodes, "deleted-replica");
        let (primary, replica) = (database.primary(), database.replicas().remove(0));
        let writer = database.writer(120);
        std::thread::sleep(std::time::Duration::from_secs(5));
        let began = std::time::Instant::now();
        database.kubectl(&["delete", "pod", &replica]);
        database.ready(3);
        let seconds = began.elapsed().as_secs_f64();
        let outcome = writer.stop(&database);
        told(&format!("delete of a replica's pod; ready again after {seconds:.1} s"), &outcome);
        assert_eq!(outcome.lost, [0; 0], "lost");
        assert_eq!(database.primary(), primary, "a replica that goes changes no roles");
        database.sound(3);
    });
}

/// A replica loses its volume: it is made anew from the others.
#[test]
fn a_lost_volume_is_cloned_again() {
    when_drawn("a_lost_volume_is_cloned_again", |nodes| {
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
    when_drawn("an_empty_first_volume_makes_no_second_database", |nodes| {
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
        let outcome = writer.outcome(&database);
        told("delete of Patroni's objects", &outcome);
        assert_eq!(outcome.lost, [0; 0], "lost");
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
