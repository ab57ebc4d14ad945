//! Duties of instances and standby clusters.

use super::rollout::is_carried_out;
use super::{Database, NAME, Nodes, on_real_nodes, said, until, when_drawn};
use serde_json::Value;
use std::collections::BTreeSet;

/// Patroni's own list of members, with tags.
fn members(database: &Database<'_>) -> Value {
    let pod = database.primary();
    let script = "python3 -c \"import os, ssl, urllib.request; print(urllib.request.urlopen('https://' + os.environ['POD_IP'] + ':8009/cluster', context=ssl._create_unverified_context()).read().decode())\"";
    serde_json::from_str(&database.patroni(&pod, script)).unwrap()
}

fn tags(database: &Database<'_>, pod: &str) -> Value {
    let members = members(database);
    let member = members["members"].as_array().unwrap().iter().find(|member| member["name"] == pod).cloned();
    let mut tags = member.unwrap_or_default().get("tags").cloned().unwrap_or_default();
    // By this one an instance shows that it has read its credentials.
    if let Some(tags) = tags.as_object_mut() {
        tags.remove("credentials-version");
    }
    tags
}

/// Pods that the Service for reads leads to.
fn readers(database: &Database<'_>) -> BTreeSet<String> {
    let path = "jsonpath={.subsets[*].addresses[*].targetRef.name}";
    let names = database.kubectl(&["get", "endpoints", &format!("{NAME}-replicas"), "-o", path]);
    names.split_whitespace().map(str::to_owned).collect()
}

fn names(ordinals: &[u32]) -> BTreeSet<String> {
    ordinals.iter().map(|ordinal| format!("{NAME}-{ordinal}")).collect()
}

fn start_times(database: &Database<'_>) -> String {
    database.kubectl(&[
        "get",
        "pods",
        "-o",
        "jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[*].restartCount}{'\\n'}{end}",
    ])
}

/// A report server that becomes the primary on the night of a failure is a second failure; a changed role must restart nothing.
#[test]
fn roles_of_groups_are_kept() {
    when_drawn("roles_of_groups_are_kept", |nodes| {
        // Four instances on three nodes.
        let with = |groups: &str| format!("  profile: testing\n  replication: {{groups: [{groups}]}}\n");
        let groups = with("{name: reports, role: readonly, instances: 1}, {name: copy, role: none, instances: 1}");
        let database = Database::new(nodes, "grouped", 4, &groups);
        let of = |ordinal: u32| format!("{NAME}-{ordinal}");
        assert_eq!(tags(&database, &of(2)), serde_json::json!({"nofailover": true}));
        assert_eq!(tags(&database, &of(3)), serde_json::json!({"nofailover": true, "noloadbalance": true}));
        let primary = database.primary();
        assert!(names(&[0, 1]).contains(&primary), "{primary}");
        let other = u32::from(primary == of(0));
        until("reads go to those that serve them", 30, || readers(&database) == names(&[other, 2]));
        let group = |pod: &str| {
            let pods = database.status("/podStatuses");
            pods.as_array().unwrap().iter().find(|one| one["name"] == pod).unwrap()["replicationGroup"].as_u64()
        };
        assert_eq!((group(&of(0)), group(&of(2)), group(&of(3))), (Some(0), Some(1), Some(2)));

        // A failover finds the one that may lead, though the others are as far.
        database.kubectl(&["delete", "pod", &primary, "--wait=false"]);
        until("the other one leads", 90, || database.primary() == of(other));
        database.ready(4);
        // Both that may lead go: nobody else takes over, and the first that comes back leads.
        let leader = database.primary();
        database.kubectl(&["delete", "pod", &of(0), &of(1), "--wait=false"]);
        until("it is gone", 60, || database.primary() != leader || database.condition("Ready").0 != "True");
        let began = std::time::Instant::now();
        while began.elapsed().as_secs() < 20 {
            let leads = database.primary();
            assert!(leads.is_empty() || names(&[0, 1]).contains(&leads), "{leads} took over");
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        database.ready(4);

        // Roles change while everything runs: the primary's own group becomes one that never leads.
        let before = start_times(&database);
        if database.primary() != of(1) {
            let command =
                format!("patronictl -c /run/stackgres/patroni switchover --force --leader {} --candidate {}", database.primary(), of(1));
            database.patroni(&database.primary(), &command);
            until("it hands over", 60, || database.primary() == of(1));
            database.ready(4);
        }
        database.spec(4, &with("{role: readonly, instances: 3}"));
        until("the primary has handed over", 120, || database.primary() == of(0));
        for ordinal in [1, 2, 3] {
            until("the tags are known", 180, || tags(&database, &of(ordinal)) == serde_json::json!({"nofailover": true}));
        }
        until("all replicas serve reads", 30, || readers(&database) == names(&[1, 2, 3]));
        database.ready(4);
        database.spec(4, &with(""));
        for ordinal in [1, 2, 3] {
            until("the tags are gone", 180, || tags(&database, &of(ordinal)).as_object().is_none_or(serde_json::Map::is_empty));
        }
        let leader = database.primary();
        until("all replicas serve reads as before", 30, || readers(&database).len() == 3 && !readers(&database).contains(&leader));
        assert_eq!(start_times(&database), before, "nothing was restarted or made again");
    });
}

/// In the mode of all, a commit waits for each one.
#[test]
fn all_replicas_are_synchronous() {
    on_real_nodes("all_replicas_are_synchronous", |nodes| {
        let database = Database::new(nodes, "sync-all", 3, "  replication: {mode: sync-all}\n");
        let states = |database: &Database<'_>| {
            database.inside(
                &database.primary(),
                "select string_agg(sync_state, ',') from pg_stat_replication where application_name like 'db-%'",
            )
        };
        until("both are synchronous", 60, || states(&database) == "sync,sync");
        database.sql("create table t (i int)");
        let stopped = database.replicas().remove(0);
        let signal = |signal: &str| {
            let every = "for comm in /proc/[0-9]*/comm; do read -r name < $comm && [ \"$name\" = postgres ] && kill -SIGNAL $(basename $(dirname $comm)); done; true";
            database.patroni(&stopped, &every.replace("SIGNAL", signal));
        };
        signal("STOP");
        assert_eq!(waiting(&database), "1", "one of two would be enough for another mode");
        signal("CONT");
        until("commits go on", 60, || database.try_sql(NAME, "insert into t values (2)").status.success());
    });
}

/// Without any standby a mode goes on alone or stops writes; each promise is worth what it is under the one fault it speaks of.
#[test]
fn the_last_standby_is_lost() {
    when_drawn("the_last_standby_is_lost", |nodes| {
        let database = Database::new(nodes, "last-standby", 2, "  replication: {mode: sync-all}\n");
        database.sql("create table t (i int)");
        for (mode, goes_on) in [("sync-all", true), ("strict-sync-all", false)] {
            database.spec(2, &format!("  replication: {{mode: {mode}}}\n"));
            database.ready(2);
            let (primary, replica) = (database.primary(), database.replicas().remove(0));
            let strict = if goes_on { "f" } else { "t" };
            let state = "select string_agg(sync_state, ',') from pg_stat_replication where application_name like 'db-%'";
            until("the replica is synchronous", 60, || database.inside(&primary, state) == "sync");
            until("the mode is in force", 60, || {
                let config = database.patroni(&primary, "patronictl -c /run/stackgres/patroni show-config");
                config.contains("synchronous_mode_strict: true") == (strict == "t")
            });
            // It finds no node until the cordon is lifted.
            let cordon = Cordon::of_all(nodes);
            database.kubectl(&["delete", "pod", &replica]);
            if goes_on {
                until("commits go on alone", 60, || database.try_sql(NAME, "insert into t values (1)").status.success());
            } else {
                // Longer than Patroni needs to let go of a standby where it may.
                std::thread::sleep(std::time::Duration::from_secs(25));
                assert_eq!(waiting(&database), "1", "a strict commit does not go on alone");
            }
            drop(cordon);
            database.ready(2);
            until("commits go on", 60, || database.try_sql(NAME, "insert into t values (2)").status.success());
        }
    });
}

/// Nodes that take no pods, until it is dropped.
struct Cordon<'a>(&'a Nodes, Vec<String>);

impl<'a> Cordon<'a> {
    fn of_all(nodes: &'a Nodes) -> Self {
        let names = nodes.ok(&["get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"]);
        let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        for name in &names {
            nodes.ok(&["cordon", name]);
        }
        Self(nodes, names)
    }
}

impl Drop for Cordon<'_> {
    fn drop(&mut self) {
        for name in &self.1 {
            self.0.kubectl(&["uncordon", name]);
        }
    }
}

/// Commits on the primary, and tells how many sessions wait for a standby meanwhile.
fn waiting(database: &Database<'_>) -> String {
    let commit = "psql=\"psql -h /var/run/postgresql -U postgres -AtXqc\"; timeout 6 $psql 'insert into t values (1)' & sleep 3; $psql \"select count(*) from pg_stat_activity where wait_event = 'SyncRep'\"; wait; true";
    database.kubectl(&["exec", &database.primary(), "-c", "postgres-util", "--", "sh", "-c", commit]).trim().to_owned()
}

/// The name of the standby cluster beside the source.
const STANDBY: &str = "copy";

/// A standby cluster in the namespace of `database`; `replicate_from` and more are further fields of its spec.
fn standby(database: &Database<'_>, more: &str) {
    database.nodes.apply(&format!(
        "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: {STANDBY}, namespace: {}}}\nspec:\n  instances: 2\n  profile: testing\n  postgres: {{version: '17'}}\n  pods: {{persistentVolume: {{size: 1Gi}}}}\n{more}",
        database.namespace
    ));
}

fn standby_status(database: &Database<'_>, pointer: &str) -> Value {
    database.status_of(STANDBY, pointer)
}

fn standby_condition(database: &Database<'_>, name: &str) -> (String, String) {
    let conditions = standby_status(database, "/conditions");
    let found = conditions.as_array().and_then(|all| all.iter().find(|condition| condition["type"] == name)).cloned().unwrap_or_default();
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"))
}

fn standby_leader(database: &Database<'_>) -> Option<String> {
    let pods = standby_status(database, "/podStatuses");
    let leader = pods.as_array()?.iter().find(|pod| pod["role"] == "standby leader")?;
    Some(leader["name"].as_str()?.to_owned())
}

/// The second site: it streams, is read-only, follows a switchover of its source, and takes over only when it is told to.
#[test]
fn a_standby_cluster_follows_and_is_promoted() {
    on_real_nodes("a_standby_cluster_follows_and_is_promoted", |nodes| {
        let scripts = "  managedSql: {scripts: [{sgScript: app}]}\n";
        let database = Database::new(nodes, "standby", 2, "  profile: testing\n");
        database.sql("create table t as select generate_series(1, 1000) i");
        nodes.apply("apiVersion: stackgres.io/v1\nkind: SGScript\nmetadata: {name: app, namespace: standby}\nspec: {scripts: [{id: 0, script: 'create table made_by_script()'}]}\n");
        standby(&database, &format!("  replicateFrom: {{instance: {{sgCluster: {NAME}}}}}\n{scripts}"));
        until("it is ready", 240, || {
            standby_condition(&database, "Ready").0 == "True" && standby_status(&database, "/readyInstances") == 2
        });

        // The same database, read-only, told as what it is.
        assert_eq!(standby_status(&database, "/systemIdentifier"), database.status("/systemIdentifier"));
        let leader = standby_leader(&database).expect("a standby leader");
        assert_eq!(standby_status(&database, "/primary"), Value::Null, "nothing takes writes");
        let states = standby_status(&database, "/podStatuses");
        assert!(states.as_array().unwrap().iter().all(|pod| pod["state"] == "streaming"), "{states}");
        assert_eq!(
            database.password("superuser-password"),
            database.kubectl(&["get", "secret", STANDBY, "-o", "go-template={{index .data \"superuser-password\" | base64decode}}"])
        );
        let read = database.try_sql(STANDBY, "select count(*), pg_is_in_recovery() from t");
        assert_eq!(String::from_utf8_lossy(&read.stdout).trim(), "1000|t", "{}", said(&read));
        let write = database.try_sql(STANDBY, "insert into t values (0)");
        assert!(said(&write).contains("read-only transaction"), "{}", said(&write));
        assert_eq!(standby_condition(&database, "ManagedSql"), ("False".to_owned(), "StandbyCluster".to_owned()));
        let encrypted =
            format!("select bool_and(ssl) from pg_stat_ssl join pg_stat_replication using (pid) where application_name = '{leader}'");
        assert_eq!(database.inside(&database.primary(), &encrypted), "t", "the stream goes through TLS");

        // The source hands over: the stream follows the Service.
        let primary = database.primary();
        database.patroni(&primary, &format!("patronictl -c /run/stackgres/patroni switchover --force --leader {primary}"));
        until("the source has another primary", 60, || !database.primary().is_empty() && database.primary() != primary);
        database.ready(2);
        let row = || database.try_sql(NAME, "insert into t values (1001)").status.success();
        until("the source takes writes", 60, row);
        let count = |sql: &str| String::from_utf8_lossy(&database.try_sql(STANDBY, sql).stdout).trim().to_owned();
        until("the row arrives", 90, || count("select count(*) from t") == "1001");
        until("it is ready again", 90, || standby_condition(&database, "Ready").0 == "True");

        // Another identity than its own history is never made: going on without the source is a person's word.
        standby(&database, scripts);
        until("it takes writes", 90, || database.try_sql(STANDBY, "insert into t values (1002)").status.success());
        until("it has a primary", 60, || standby_status(&database, "/primary").is_string());
        until("its scripts run", 90, || standby_condition(&database, "ManagedSql").0 == "True");
        assert_eq!(count("select count(*) from made_by_script"), "0", "the table is there");
        until("all is well", 90, || standby_condition(&database, "Ready").0 == "True");
        assert_eq!(standby_status(&database, "/systemIdentifier"), database.status("/systemIdentifier"));
        assert_eq!(database.sql("select count(*) from t"), "1001", "the source goes on by itself");

        // And not back.
        standby(&database, &format!("  replicateFrom: {{instance: {{sgCluster: {NAME}}}}}\n{scripts}"));
        until("that is refused", 60, || standby_condition(&database, "Stalled") == ("True".to_owned(), "Invalid".to_owned()));
        assert!(database.try_sql(STANDBY, "insert into t values (1003)").status.success(), "and changes nothing");
    });
}

/// Values of `max_connections` go up and down in a standby cluster in the order of every other change, because nothing there writes them
/// into the WAL; below what its source has no server starts: one replica shows it, and nobody else is restarted for it.
#[test]
fn a_standby_cluster_changes_as_planned() {
    when_drawn("a_standby_cluster_changes_as_planned", |nodes| {
        let pods = |mark: &str| {
            format!(
                "  pods: {{persistentVolume: {{size: 1Gi}}, updateStrategy: {{type: Always}}, customEnv: {{patroni: [{{name: MARK, value: {mark}}}]}}}}\n"
            )
        };
        let of = |connections: u32| format!("  configurations: {{postgres: {{postgresql.conf: {{max_connections: '{connections}'}}}}}}\n");
        let source = |connections: u32| format!("  profile: testing\n{}{}", pods("source"), of(connections));
        let database = Database::new(nodes, "standby-changes", 1, &source(120));
        let copy = |connections: u32, mark: &str| {
            nodes.apply(&format!(
                "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: {STANDBY}, namespace: standby-changes}}\nspec:\n  instances: 2\n  profile: testing\n  postgres: {{version: '17'}}\n{}  replicateFrom: {{instance: {{sgCluster: {NAME}}}}}\n{}",
                pods(mark),
                of(connections)
            ));
        };
        let done = || is_carried_out(&standby_status(&database, ""), 2);
        let carried_out = |connections: u32, mark: &str| {
            copy(connections, mark);
            let effective = || standby_status(&database, "/effective").to_string();
            until("it is released", 60, || {
                effective().contains(&format!("\"{connections}\"")) && effective().contains(&format!("\"{mark}\""))
            });
            until(&format!("{connections}, {mark} is carried out"), 240, done);
        };
        copy(150, "one");
        until("it is ready", 240, || standby_condition(&database, "Ready").0 == "True" && done());
        let both = || {
            let leader = standby_leader(&database).expect("a standby leader");
            let other = if leader == format!("{STANDBY}-0") { format!("{STANDBY}-1") } else { format!("{STANDBY}-0") };
            (leader, other)
        };
        let order = |leader: &str, other: &str| vec![format!("PostgreSQL restarts on {other}"), format!("{leader} hands over to {other}")];
        let shows = |pod: &str| database.inside(pod, "SHOW max_connections");

        for (connections, what) in [(170, "up"), (130, "down")] {
            let ((leader, other), before) = (both(), database.steps_of(STANDBY).len());
            carried_out(connections, "one");
            assert_eq!(database.steps_of(STANDBY).split_off(before), order(&leader, &other), "{what}");
            let connections = connections.to_string();
            assert_eq!((shows(&leader), shows(&other)), (connections.clone(), connections), "{what}");
            until("both follow", 90, || standby_condition(&database, "Ready").0 == "True");
        }

        let ((leader, other), before) = (both(), database.steps_of(STANDBY).len());
        carried_out(130, "two");
        let pod = |pod: &str| format!("the pod of {pod} is made anew");
        let expected = [pod(&other), format!("{leader} hands over to {other}"), pod(&leader)];
        assert_eq!(database.steps_of(STANDBY).split_off(before), expected, "new pods");
        until("both follow again", 90, || standby_condition(&database, "Ready").0 == "True");

        let ((leader, other), before) = (both(), database.steps_of(STANDBY).len());
        copy(100, "two");
        until("it stops", 180, || standby_condition(&database, "Stalled").1 == "RolloutStopped");
        let cause = standby_status(&database, "/rollout/failure/cause").as_str().unwrap_or_default().to_owned();
        assert!(cause.contains("max_connections = 120 and not 100") && cause.contains("lower it there first"), "{cause}");
        assert_eq!(database.steps_of(STANDBY).split_off(before), [format!("PostgreSQL restarts on {other}")]);
        assert_eq!(shows(&leader), "130", "the leader was not touched");

        let old = database.status("/release/revision");
        database.spec(1, &source(100));
        until("it is released", 60, || database.status("/release/revision") != old);
        until("the source has less", 180, || database.runs_what_is_released(1));
        let retry = nodes.stackgres(&["rollout", "retry", &format!("standby-changes/{STANDBY}")]);
        assert!(retry.status.success(), "{}", said(&retry));
        until("it goes on", 240, || done() && standby_condition(&database, "Ready").0 == "True");
        assert_eq!((shows(&leader), shows(&other)), ("100".to_owned(), "100".to_owned()));
        assert_eq!(standby_leader(&database), Some(other));

        // More at the source alone would end the replay of both.
        let before = database.steps().len();
        database.spec(1, &source(180));
        until("the source waits", 60, || {
            let waits = database.status("/waiting").to_string();
            waits.contains(&format!("{STANDBY} has max_connections = 100 and not 180")) && waits.contains("as much is released")
        });
        assert_eq!(database.inside(&format!("{NAME}-0"), "SHOW max_connections"), "100");
        assert_eq!(database.steps().len(), before, "nothing of it was begun");
        carried_out(180, "two");
        until("the source goes on", 180, || database.runs_what_is_released(1));
        assert_eq!(database.inside(&format!("{NAME}-0"), "SHOW max_connections"), "180");
        database.sql("create table after_it as select 1 i");
        let arrived = || database.inside(&format!("{STANDBY}-0"), "SELECT to_regclass('after_it') IS NOT NULL");
        until("its WAL is still replayed", 60, || arrived() == "t");
        assert_eq!(database.inside(&format!("{STANDBY}-0"), "SELECT pg_get_wal_replay_pause_state()"), "not paused");
    });
}

/// A source that is no SGCluster here: its users come from Secrets, and until they are there nothing is made.
#[test]
fn an_external_source_is_followed() {
    when_drawn("an_external_source_is_followed", |nodes| {
        let database = Database::new(nodes, "external", 1, "  profile: testing\n");
        database.sql("create table t as select 1 i");
        let user =
            |name: &str| format!("{name}: {{username: {{name: users, key: {name}}}, password: {{name: users, key: {name}-password}}}}");
        let users = format!("{}, {}, {}", user("superuser"), user("replication"), user("authenticator"));
        standby(
            &database,
            &format!("  replicateFrom: {{instance: {{external: {{host: {NAME}.external, port: 5433}}}}, users: {{{users}}}}}\n"),
        );
        until("it waits for the Secret", 60, || {
            standby_status(&database, "/waiting/for").as_str().is_some_and(|waits| waits.contains("there is no Secret users"))
        });
        assert!(!nodes.kubectl(&["-n", "external", "get", "secret", STANDBY]).status.success(), "no password is made up");
        assert!(!nodes.kubectl(&["-n", "external", "get", "statefulset", STANDBY]).status.success(), "and no pod");
        let password = |user: &str| database.password(&format!("{user}-password"));
        nodes.apply(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: users, namespace: external}}\nstringData: {{superuser: postgres, superuser-password: '{}', replication: replicator, replication-password: '{}', authenticator: authenticator, authenticator-password: '{}'}}\n",
            password("superuser"), password("replication"), password("authenticator")
        ));
        until("it is ready", 240, || {
            standby_condition(&database, "Ready").0 == "True" && standby_status(&database, "/readyInstances") == 2
        });
        assert_eq!(standby_status(&database, "/systemIdentifier"), database.status("/systemIdentifier"));
        database.sql("insert into t values (2)");
        let count = || String::from_utf8_lossy(&database.try_sql(STANDBY, "select count(*) from t").stdout).trim().to_owned();
        until("the row arrives", 60, || count() == "2");
    });
}
