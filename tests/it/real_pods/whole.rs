//! One SGCluster alone gives a whole database.

use super::{Database, NAME, on_real_nodes, said, until};
use serde_json::Value;

/// The first promise: replicated, pooled, encrypted, monitored, and told as it is.
#[test]
fn the_smallest_cluster_is_whole() {
    on_real_nodes("the_smallest_cluster_is_whole", |nodes| {
        let database = Database::new(nodes, "whole", 2, "");
        let primary = database.primary();

        // The primary Service leads to the primary through the pooler, the replicas' Service to one that refuses writes.
        assert_eq!(database.sql("select pg_is_in_recovery()"), "f");
        let replicas = format!("{NAME}-replicas");
        let read = database.try_sql(&replicas, "select pg_is_in_recovery()");
        assert_eq!(String::from_utf8_lossy(&read.stdout).trim(), "t", "{}", said(&read));
        let write = database.try_sql(&replicas, "create table refused()");
        assert!(!write.status.success() && said(&write).contains("read-only transaction"), "{}", said(&write));
        let pooled = database.sql("select client_addr is null from pg_stat_activity where pid = pg_backend_pid()");
        assert_eq!(pooled, "t", "the server sees the pooler on its socket");

        // What is written is replicated.
        database.sql("create table t (i int); insert into t select generate_series(1, 1000)");
        let replica = database.replicas().remove(0);
        until("the replica has the rows", 30, || database.inside(&replica, "select count(*) from t") == "1000");

        // TLS with the cluster's own authority, verified by the name of the Service.
        let authority =
            database.kubectl(&["get", "secret", &format!("{NAME}-ssl"), "-o", "go-template={{index .data \"ca.crt\" | base64decode}}"]);
        let host = format!("{NAME}.whole.svc.cluster.local");
        let script = format!(
            "cat > /tmp/ca.crt; psql 'host={host} user=postgres sslmode=verify-full sslrootcert=/tmp/ca.crt' -AtXqc 'select 1' 2>&1; psql 'host={host} port=5433 user=postgres sslmode=verify-full sslrootcert=/tmp/ca.crt' -AtXqc 'select ssl from pg_stat_ssl where pid = pg_backend_pid()' 2>&1"
        );
        let password = format!("PGPASSWORD={}", database.password("superuser-password"));
        let mut command = nodes.command(&["-n", "client", "exec", "-i", "client", "--", "env", &password, "sh", "-c", &script]);
        let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), authority.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap(), "1\nt\n");

        // Facts: the same through kubectl as inside the database.
        let pods = database.status("/podStatuses");
        let of = |name: &str| pods.as_array().unwrap().iter().find(|pod| pod["name"] == name).cloned().unwrap();
        assert_eq!((of(&primary)["role"].as_str(), of(&primary)["timeline"].as_u64()), (Some("primary"), Some(1)));
        assert_eq!((of(&replica)["role"].as_str(), of(&replica)["state"].as_str()), (Some("replica"), Some("streaming")));
        assert_ne!(of(&primary)["nodeName"], of(&replica)["nodeName"], "instances do not share a node");
        let identifier = database.inside(&primary, "select system_identifier from pg_control_system()");
        assert_eq!(database.status("/systemIdentifier"), Value::from(identifier));
        let wide = database.kubectl(&["get", "sgclusters", "-o", "wide"]);
        assert!(wide.contains(&primary) && wide.contains("17.12") && wide.contains("Healthy"), "{wide}");

        // The page, pointed at this cluster, shows the same.
        let page = Page::of(nodes);
        let shown = http(&format!("{}/clusters/whole/{NAME}", page.address));
        let identifier = database.status("/systemIdentifier");
        for fact in [primary.as_str(), replica.as_str(), "17.12", "Healthy", "streaming", identifier.as_str().unwrap()] {
            assert!(shown.contains(fact), "{fact} is not on the page: {shown}");
        }
        drop(page);

        // Metrics of the exporter.
        let address = database.kubectl(&["get", "pod", &primary, "-o", "jsonpath={.status.podIP}"]);
        let metrics = http(&format!("http://{address}:9187/metrics"));
        for metric in [
            "pg_up 1",
            "pg_stat_archiver_failed_count",
            "pg_stat_activity_count",
            "pg_replication_slot",
            "pg_replication_lag_seconds 0",
            "pg_database_wraparound_age_datfrozenxid_seconds",
            "pg_long_running_transactions",
        ] {
            assert!(metrics.contains(metric), "{metric} is missing");
        }

        // Prepared statements and a load through the pooler.
        let host = format!("PGHOST={NAME}.whole");
        let load = "pgbench -i -q -s 1 postgres 2>&1 && pgbench -n -M prepared -c 4 -j 2 -t 200 postgres 2>&1";
        let output = nodes.ok(&["-n", "client", "exec", "client", "--", "env", &host, &password, "PGUSER=postgres", "sh", "-c", load]);
        assert!(
            output.contains("number of transactions actually processed: 800/800") && output.contains("number of failed transactions: 0"),
            "{output}"
        );

        // Nothing is written where nothing differs.
        let versions = || {
            database.kubectl(&[
                "get",
                "statefulset,configmap,service,secret,sgcluster",
                "-o",
                "jsonpath={.items[*].metadata.resourceVersion}",
            ])
        };
        let before = versions();
        std::thread::sleep(std::time::Duration::from_secs(35));
        assert_eq!(versions(), before, "an idle cluster is left alone");
    });
}

pub(super) fn http(url: &str) -> String {
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { reqwest::get(url).await.unwrap().text().await.unwrap() })
}

/// A synchronous mode that does not wait is a promise broken on the day of the failure.
#[test]
fn synchronous_commits_wait() {
    on_real_nodes("synchronous_commits_wait", |nodes| {
        let database = Database::new(nodes, "synchronous", 2, "  replication: {mode: strict-sync, syncInstances: 1}\n");
        let (primary, replica) = (database.primary(), database.replicas().remove(0));
        until("the replica is synchronous", 60, || {
            database.inside(&primary, "select sync_state from pg_stat_replication where application_name <> ''") == "sync"
        });
        until("the status says so", 60, || {
            let pods = database.status("/podStatuses");
            pods.as_array().unwrap().iter().any(|pod| pod["name"] == replica.as_str() && pod["synchronous"] == true)
        });
        database.sql("create table t (i int)");
        let signal = |signal: &str| {
            let every = "for comm in /proc/[0-9]*/comm; do read -r name < $comm && [ \"$name\" = postgres ] && kill -SIGNAL $(basename $(dirname $comm)); done; true";
            database.patroni(&replica, &every.replace("SIGNAL", signal));
        };
        signal("STOP");
        let commit = "psql=\"psql -h /var/run/postgresql -U postgres -AtXqc\"; timeout 6 $psql 'insert into t values (1)' & sleep 3; $psql \"select count(*) from pg_stat_activity where wait_event = 'SyncRep'\"; wait; true";
        let waiting = database.kubectl(&["exec", &primary, "-c", "postgres-util", "--", "sh", "-c", commit]);
        assert_eq!(waiting.trim(), "1", "the commit did not wait");
        signal("CONT");
        until("commits go on", 60, || database.try_sql(NAME, "insert into t values (2)").status.success());
    });
}

/// Fewer instances, none, and more again: the primary is never among those that go, and a stop loses nothing.
#[test]
fn instances_go_and_come_back() {
    on_real_nodes("instances_go_and_come_back", |nodes| {
        let database = Database::new(nodes, "scaled", 3, "");
        database.sql("create table t as select generate_series(1, 1000) i");
        let identifier = database.status("/systemIdentifier");
        let primary = database.primary();
        let last = format!("{NAME}-2");
        if primary != last {
            let command = format!("patronictl -c /run/stackgres/patroni switchover --force --leader {primary} --candidate {last}");
            database.patroni(&primary, &command);
            until("the last instance leads", 60, || database.primary() == last);
            database.ready(3);
        }
        database.spec(1, "");
        database.ready(1);
        assert_eq!(database.primary(), format!("{NAME}-0"), "it handed over before it went");
        database.sql("insert into t select generate_series(1001, 2000)");
        let slots = "SELECT pg_create_logical_replication_slot('cdc', 'pgoutput'), pg_create_physical_replication_slot('archive', true)";
        database.inside(&database.primary(), slots);
        database.spec(0, "");
        until("it stops", 120, || database.kubectl(&["get", "pods", "-o", "name"]).trim().is_empty());
        let volumes = database.kubectl(&["get", "pvc", "-o", "name"]);
        assert_eq!(volumes.lines().count(), 3, "volumes stay: {volumes}");
        database.spec(3, "");
        database.ready(3);
        assert_eq!(database.sql("select count(*) from t"), "2000");
        assert_eq!(database.status("/systemIdentifier"), identifier);
        // Patroni has made slots for the instances that joined, and read the list of all of them.
        let stay = database.slots(&database.primary());
        assert!(stay.contains("cdc") && stay.contains("archive"), "a consumer that is away loses its position: {stay:?}");
        for replica in database.replicas() {
            until("replicas follow", 60, || database.inside(&replica, "select count(*) from t") == "2000");
        }
    });
}

/// The program's own page of a cluster.
struct Page {
    child: std::process::Child,
    address: String,
}

impl Page {
    fn of(nodes: &super::Nodes) -> Self {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_stackgres"));
        let kubeconfig = nodes.folder.join("admin.kubeconfig");
        command.args(["page", "--listen", "127.0.0.1:0", "--kubeconfig"]).arg(kubeconfig).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
        let address = line.trim().trim_start_matches("the page: ").to_owned();
        let page = Self { child, address };
        until("the page knows the cluster", 30, || http(&format!("{}/", page.address)).contains("/clusters/"));
        page
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
