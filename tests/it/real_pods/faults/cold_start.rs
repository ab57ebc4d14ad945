//! No instance runs, and all of them come back.

use super::{of_three, told};
use crate::real_pods::writer::node_of;
use crate::real_pods::{NAME, until, when_drawn};

/// All pods at once, as when a whole site loses its power.
#[test]
fn every_pod_is_deleted_at_once() {
    when_drawn("every_pod_is_deleted_at_once", |nodes| {
        let database = of_three(nodes, "all");
        let identifier = database.status("/systemIdentifier");
        let last = format!("{NAME}-2");
        database.switch_over(&last);
        let writer = database.writer(60);
        std::thread::sleep(std::time::Duration::from_secs(5));
        database.kubectl(&["delete", "pods", "--all", "--grace-period=0", "--force"]);
        let outcome = writer.outcome(&database);
        told("every pod is deleted at once, without grace", &outcome);
        assert_eq!(outcome.lost, [0; 0], "lost");
        database.sound(3);
        assert_eq!(database.status("/systemIdentifier"), identifier);
    });
}

/// The volume with the newest data belongs to the last instance, and its node comes back after the others.
#[test]
fn a_stopped_cluster_starts_from_its_newest_copy() {
    when_drawn("a_stopped_cluster_starts_from_its_newest_copy", |nodes| {
        let database = of_three(nodes, "cold");
        let identifier = database.status("/systemIdentifier");
        let last = format!("{NAME}-2");
        database.switch_over(&last);
        database.sql("create table t as select generate_series(1, 1000) i");
        // Replicas that stop first do not have what is written afterwards.
        for ordinal in [0, 1] {
            let pod = format!("{NAME}-{ordinal}");
            nodes.harness(&["node", "stop", &node_of(&database, &pod)]);
        }
        let newer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| database.inside(&last, "insert into t values (1001)")));
        let away = node_of(&database, &last);
        nodes.harness(&["node", "stop", &away]);
        let others = ["1", "2", "3"].into_iter().filter(|node| *node != away);
        others.for_each(|node| nodes.harness(&["node", "start", node]));
        if let Err(panic) = newer {
            nodes.harness(&["node", "start", &away]);
            std::panic::resume_unwind(panic);
        }
        // The two older copies may elect one of them, which loses the newest row, or wait; told, not asserted.
        let began = std::time::Instant::now();
        let mut led = None;
        while began.elapsed().as_secs() < 90 && led.is_none() {
            let primary = database.primary();
            if !primary.is_empty() && primary != last {
                led = Some(began.elapsed().as_secs_f64());
            }
        }
        nodes.harness(&["node", "start", &away]);
        database.sound(3);
        let rows = database.sql("select count(*) from t");
        eprintln!("without the newest copy: a primary after {led:?} s; rows in the end: {rows}");
        assert_eq!(database.status("/systemIdentifier"), identifier, "a second database was made");

        // Stopped and started in order, the newest copy is again on the last instance.
        database.switch_over(&last);
        database.sql("insert into t select generate_series(2001, 3000)");
        let rows = database.sql("select count(*) from t");
        database.spec(0, "");
        until("it stops", 120, || database.kubectl(&["get", "pods", "-o", "name"]).trim().is_empty());
        let began = std::time::Instant::now();
        database.spec(3, "");
        until("it takes writes", 120, || database.try_sql(NAME, "create table again ()").status.success());
        eprintln!("| instances 3 → 0 → 3, the last one led | writes {:.1} s after the start |", began.elapsed().as_secs_f64());
        database.sound(3);
        assert_eq!(database.sql("select count(*) from t"), rows);
        assert_eq!(database.status("/systemIdentifier"), identifier, "a second database was made");
    });
}
