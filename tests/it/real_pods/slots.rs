//! Replication slots that users made: none is lost unless somebody says so.

use super::switchover::TRANSACTIONS;
use super::{Database, NAME, said, until, when_drawn};
use std::collections::BTreeSet;

/// A logical slot that the candidate lacks holds the primary where it is, until somebody gives it up by its name: what follows the slot
/// would have to begin anew.
#[test]
fn a_slot_is_given_up_by_its_name() {
    when_drawn("a_slot_is_given_up_by_its_name", |nodes| {
        let database = Database::new(nodes, "switchover-slot", 2, TRANSACTIONS);
        let (leader, candidate) = (database.primary(), database.replicas().remove(0));
        database.inside(&leader, "SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')");
        let command = |more: &[&str]| {
            let output = nodes.stackgres(&[&["switchover", &format!("switchover-slot/{NAME}"), "--candidate", &candidate], more].concat());
            (output.status.code(), said(&output))
        };
        let (code, text) = command(&["--timeout", "20"]);
        assert!(code != Some(0) && text.contains("cdc"), "{code:?} {text}");
        let (code, text) = command(&["--timeout", "20", "--accept-slot-loss", "other"]);
        assert!(code != Some(0) && text.contains("cdc"), "another slot than the one that was given up: {code:?} {text}");
        assert_eq!(database.primary(), leader);
        let (code, text) = command(&["--accept-slot-loss", "cdc"]);
        assert!(code == Some(0) && text.contains(&format!("handed over to {candidate}")), "{code:?} {text}");
        until("the new primary is told", 30, || database.primary() == candidate);
        database.ready(2);
    });
}

impl Database<'_> {
    /// Names of the slots of an instance; none while it starts.
    pub(super) fn slots(&self, pod: &str) -> BTreeSet<String> {
        let sql = "SELECT slot_name FROM pg_replication_slots WHERE NOT temporary";
        let psql = ["exec", pod, "-c", "postgres-util", "--", "psql", "-h", "/var/run/postgresql", "-U", "postgres", "-AtXqc", sql];
        let output = self.nodes.kubectl(&[&["-n", &self.namespace], &psql[..]].concat());
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// Makes Patroni read the list of slots anew, by the loss of the slot of a member, and waits until it has.
    fn slots_are_read_anew(&self, leader: &str, member: &str) {
        let member = member.replace('-', "_");
        let loss = format!(
            "DO $$ BEGIN FOR round IN 1..100 LOOP BEGIN
               PERFORM pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = '{member}';
               PERFORM pg_drop_replication_slot('{member}'); RETURN;
             EXCEPTION WHEN object_in_use THEN NULL; END; END LOOP; RAISE 'somebody reads it all the time'; END $$"
        );
        self.inside(leader, &loss);
        let again = format!("SELECT active FROM pg_replication_slots WHERE slot_name = '{member}'");
        until("the slot of the member is made again", 60, || self.inside(leader, &again) == "t");
    }
}

/// A consumer of changes, or a receiver of WAL, that is away for a minute would begin anew if Patroni dropped its slot, and what happened
/// meanwhile would be missing. With `failover` a slot goes to the next primary, and stays there; what stood in `slots` goes with its line.
#[test]
fn slots_that_users_made_stay() {
    when_drawn("slots_that_users_made_stay", |nodes| {
        let configurations = |slots: &str| {
            format!(
                "  configurations: {{pooling: {{pgBouncer: {{pgbouncer.ini: {{pgbouncer: {{pool_mode: transaction}}}}}}}}, postgres: {{postgresql.conf: {{sync_replication_slots: 'on', hot_standby_feedback: 'on'}}}}, patroni: {{dynamicConfig: {{slots: {{{slots}}}}}}}}}\n"
            )
        };
        let database = Database::new(nodes, "slots", 2, &configurations("written: {type: logical, database: postgres, plugin: pgoutput}"));
        let (leader, candidate) = (database.primary(), database.replicas().remove(0));
        let member = |pod: &str| pod.replace('-', "_");
        let has = |pod: &str, names: &[&str]| {
            let found = database.slots(pod);
            names.iter().all(|name| found.contains(*name))
        };
        // Patroni restarts a replica to copy a slot into it.
        until("the slot of `slots` is copied", 60, || has(&candidate, &["written"]));
        database.ready(2);
        database.inside(&leader, "SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')");
        database.inside(&leader, "SELECT pg_create_physical_replication_slot('archive', true)");
        database.inside(&leader, "SELECT pg_create_logical_replication_slot('follows', 'pgoutput', false, false, true)");
        until("PostgreSQL copies the slot that follows", 120, || has(&candidate, &["follows"]));
        database.slots_are_read_anew(&leader, &candidate);
        let all = ["archive", "cdc", "follows", "written", &member(&candidate)];
        assert!(has(&leader, &all), "{:?}", database.slots(&leader));
        // Patroni goes on looking after its own slots on an instance with copies that PostgreSQL keeps in step.
        assert!(has(&candidate, &["written", "follows", &member(&leader)]), "{:?}", database.slots(&candidate));

        let output = nodes.stackgres(&["switchover", &format!("slots/{NAME}"), "--candidate", &candidate, "--accept-slot-loss", "cdc"]);
        assert!(output.status.success(), "{}", said(&output));
        until("the new primary is told", 30, || database.primary() == candidate);
        database.ready(2);
        database.slots_are_read_anew(&candidate, &leader);
        assert!(has(&candidate, &["follows", "written"]), "{:?}", database.slots(&candidate));
        until("the old primary drops what is left of its role", 60, || {
            let found = database.slots(&leader);
            !found.contains("cdc") && !found.contains("archive")
        });
        let copied = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'follows' AND synced";
        until("the slot that follows is copied the other way", 120, || database.inside(&leader, copied) == "1");

        database.spec(2, &configurations(""));
        until("a slot goes with its line", 60, || !has(&candidate, &["written"]) && !has(&leader, &["written"]));
        assert!(has(&candidate, &["follows"]), "{:?}", database.slots(&candidate));
    });
}
