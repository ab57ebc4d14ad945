//! Instances that run: Patroni, PostgreSQL and PgBouncer are asked, and managed SQL is carried out, on a real Kubernetes with nodes.
//! Skipped, loudly, where none is given: `STACKGRES_TEST_NODES_KUBECONFIG` names the `admin.kubeconfig` of a cluster that
//! `tests/cluster/up` started with the images of `deploy/images`.

use crate::real_cluster::{Server, deploy, install, resource};
use base64::Engine as _;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use stackgres::instance::{
    Class, Console, Endpoint, InstanceError, Limits, Login, PATRONI_PORT, POOLER_PORT, POSTGRES_PORT, Patroni, Purpose, Session,
};
use stackgres::model::{InstanceRole, SecretText};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const NAMESPACE: &str = "stackgres-scripts";

/// A cluster of two instances and the controller's program beside it.
struct World {
    server: Server,
    controller: Option<Child>,
    starts: usize,
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill();
    }
}

impl World {
    fn start(&mut self) {
        let folder = self.server.folder.clone().unwrap();
        self.starts += 1;
        let log = std::fs::File::create(folder.join(format!("scripts-{}.log", self.starts))).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_stackgres"))
            .args(["run", "--no-lease", "--listen", "127.0.0.1:0", "--log-text", "--interval-seconds", "5", "--namespaces", NAMESPACE])
            .arg("--cache-directory")
            .arg(folder.join("scripts-cache"))
            .env("KUBECONFIG", folder.join("controller.kubeconfig"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.controller = Some(child);
    }

    /// Without a word: no orderly end.
    fn kill(&mut self) {
        if let Some(mut child) = self.controller.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn api(&self, version: &str, kind: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.server.admin.clone(), NAMESPACE, &resource(version, kind))
    }

    async fn apply(&self, object: Value) {
        let api = self.api(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
        api.patch(object["metadata"]["name"].as_str().unwrap(), &PatchParams::apply("test").force(), &Patch::Apply(&object)).await.unwrap();
    }

    async fn script(&self, name: &str, spec: Value) {
        self.apply(json!({"apiVersion": "stackgres.io/v1", "kind": "SGScript", "metadata": {"name": name}, "spec": spec})).await;
    }

    /// The cluster, with these scripts and annotations.
    async fn cluster(&self, managed_sql: Value, annotations: Value) {
        self.apply(json!({
            "apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": "one", "annotations": annotations},
            "spec": {"instances": 2, "postgres": {"version": "17"}, "pods": {"persistentVolume": {"size": "1Gi"}}, "managedSql": managed_sql},
        }))
        .await;
    }

    async fn get(&self) -> Value {
        serde_json::to_value(self.api("stackgres.io/v1", "SGCluster").get("one").await.unwrap()).unwrap()
    }

    /// The record of an entry.
    async fn record(&self, script: &str, id: i64) -> Value {
        let cluster = self.get().await;
        let find = |list: &Value, key: &str, wanted: Value| {
            list.as_array().into_iter().flatten().find(|item| item[key] == wanted).cloned().unwrap_or_default()
        };
        let script = find(&cluster["status"]["managedSql"]["scripts"], "sgScript", json!(script));
        find(&script["scripts"], "id", json!(id))
    }

    /// Waits until a condition says this, and the spec as it is now was looked at.
    async fn until(&self, reason: &str) -> String {
        let mut last = Value::Null;
        for _ in 0..600 {
            let cluster = self.get().await;
            let conditions = cluster["status"]["conditions"].as_array().cloned().unwrap_or_default();
            last = conditions.iter().find(|condition| condition["type"] == "ManagedSql").cloned().unwrap_or_default();
            let seen = cluster["status"]["observedGeneration"] == cluster["metadata"]["generation"];
            if seen && last["reason"] == reason {
                return last["message"].as_str().unwrap_or_default().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("not {reason}: {last}");
    }

    /// Waits until an entry has this state and version.
    async fn until_entry(&self, script: &str, id: i64, state: &str, version: i64) {
        let mut last = Value::Null;
        for _ in 0..900 {
            last = self.record(script, id).await;
            if last["state"] == state && last["version"] == version {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("{script}/{id} is not {state} at version {version}: {last}");
    }

    async fn secret(&self, name: &str, key: &str) -> String {
        let secret = self.api("v1", "Secret").get(name).await.unwrap();
        let text = secret.data["data"][key].as_str().unwrap_or_else(|| panic!("{name} has no {key}")).to_owned();
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
    }

    /// Where the instance with this role is.
    async fn endpoint(&self, role: &str) -> Endpoint {
        let labels = format!("stackgres.io/cluster-name=one,role={role}");
        let pods = self.api("v1", "Pod").list(&kube::api::ListParams::default().labels(&labels)).await.unwrap();
        let address = pods.items[0].data["status"]["podIP"].as_str().unwrap().parse().unwrap();
        let authority = Some(self.secret("one-ssl", "ca.crt").await);
        Endpoint { address, port: POSTGRES_PORT, server_name: format!("one.{NAMESPACE}"), patroni: authority.clone(), authority }
    }

    async fn login(&self, database: &str) -> Login {
        Login {
            user: "postgres".to_owned(),
            password: SecretText::new(self.secret("one", "superuser-password").await),
            database: database.to_owned(),
        }
    }

    /// One text from the primary.
    async fn ask(&self, database: &str, sql: &str) -> Option<String> {
        let (endpoint, login) = (self.endpoint("primary").await, self.login(database).await);
        let session = Session::connect(&Limits::default(), &endpoint, &login, Purpose::Facts).await.unwrap();
        let rows = session.rows(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        session.close().await;
        rows.first().and_then(|row| row.get("value")).map(str::to_owned)
    }

    async fn run(&self, database: &str, sql: &str) {
        let (endpoint, login) = (self.endpoint("primary").await, self.login(database).await);
        let session = Session::connect(&Limits::default(), &endpoint, &login, Purpose::Script).await.unwrap();
        session.run(sql).await.unwrap();
        session.close().await;
    }

    /// What the scripts wrote down, in order.
    async fn notes(&self) -> String {
        self.ask("shop", "SELECT coalesce(string_agg(what, ' ' ORDER BY id), '') AS value FROM public.notes").await.unwrap()
    }
}

fn note(what: &str) -> String {
    format!("INSERT INTO notes (what) VALUES ('{what}')")
}

#[test]
fn on_real_instances() {
    let name = "managed_sql::on_real_instances";
    let Some(path) = std::env::var_os("STACKGRES_TEST_NODES_KUBECONFIG") else {
        eprintln!("SKIPPED {name}: no Kubernetes with nodes (STACKGRES_TEST_NODES_KUBECONFIG); tests/cluster/up starts one");
        return;
    };
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let kubeconfig = std::path::PathBuf::from(path);
        let read = kube::config::Kubeconfig::read_from(&kubeconfig).unwrap();
        let config = kube::Config::from_custom_kubeconfig(read, &kube::config::KubeConfigOptions::default()).await.unwrap();
        let admin = kube::Client::try_from(config).unwrap();
        let folder = kubeconfig.parent().unwrap().to_owned();
        let server = Server { controller: admin.clone(), admin, folder: Some(folder), kubeconfig, shared: false };
        deploy(&server).await;
        server.kubectl(&["scale", "deployment", "stackgres", "--namespace", "stackgres", "--replicas=0"]);
        install(&server.admin).await;
        crate::real_cluster::namespace(&server.admin, NAMESPACE).await;
        let mut world = World { server, controller: None, starts: 0 };

        in_order_and_once(&mut world).await;
        Box::pin(instances_answer(&world)).await;
        errors_have_a_class(&world).await;
        changed_content_runs_again(&world).await;
        a_failure_stops_what_follows(&world).await;
        from_a_secret_and_a_config_map(&world).await;
        as_another_user(&world).await;
        a_lost_record_is_found_in_the_database(&mut world).await;
        killed_in_the_middle(&mut world).await;
        a_database_that_knows_is_believed(&mut world).await;
        the_primary_is_lost_in_the_middle(&world).await;

        world.server.kubectl(&["annotate", "sgcluster", "one", "--namespace", NAMESPACE, "stackgres.io/deletion-protection=false"]);
        drop(world.api("stackgres.io/v1", "SGCluster").delete("one", &DeleteParams::default()).await);
        world.server.kubectl(&["delete", "namespace", NAMESPACE, "--wait=false"]);
    });
}

async fn in_order_and_once(world: &mut World) {
    world
        .script(
            "app",
            json!({"scripts": [
                {"id": 0, "script": "CREATE ROLE shopkeeper"},
                {"id": 1, "script": "CREATE DATABASE shop OWNER shopkeeper"},
                {"id": 2, "database": "shop", "script": "CREATE TABLE notes (id serial, what text); INSERT INTO notes (what) VALUES ('a')"},
                {"id": 3, "database": "shop", "wrapInTransaction": "serializable", "script": note("b")},
            ]}),
        )
        .await;
    world.script("more", json!({"scripts": [{"id": 0, "database": "shop", "script": note("c")}]})).await;
    world.cluster(json!({"scripts": [{"id": 0, "sgScript": "app"}, {"id": 1, "sgScript": "more"}]}), json!({})).await;
    world.start();
    world.until("Applied").await;
    assert_eq!(world.notes().await, "a b c");
    let conditions = world.get().await["status"]["conditions"].clone();
    let initial = conditions.as_array().unwrap().iter().find(|condition| condition["type"] == "InitialScriptsApplied").cloned();
    assert_eq!(initial.unwrap()["status"], "True");

    // Neither another pass nor another process runs anything again.
    let before = world.get().await["status"]["managedSql"].clone();
    world.kill();
    world.start();
    world.apply(json!({"apiVersion": "stackgres.io/v1", "kind": "SGScript", "metadata": {"name": "nobodys"}, "spec": {"scripts": [{"script": "SELECT 1"}]}})).await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(world.notes().await, "a b c");
    assert_eq!(world.get().await["status"]["managedSql"], before);
}

/// Patroni, PostgreSQL and PgBouncer of both instances.
async fn instances_answer(world: &World) {
    let (primary, replica) = (world.endpoint("primary").await, world.endpoint("replica").await);
    let patroni = Patroni::new(Limits::default());
    let asked = [primary.at(PATRONI_PORT), replica.at(PATRONI_PORT)];
    let mut reports = patroni.reports(&asked).await;
    // A copy that was just made waits for its replication slot, which the primary makes at its next look.
    for _ in 0..60 {
        let streams = reports[0].as_ref().is_ok_and(|report| report.standbys.as_ref().is_some_and(|standbys| !standbys.is_empty()));
        if streams {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        reports = patroni.reports(&asked).await;
    }
    let (one, two) = (reports[0].clone().unwrap(), reports[1].clone().unwrap());
    assert_eq!((one.role, two.role), (Some(InstanceRole::Primary), Some(InstanceRole::Replica)));
    assert!(one.written.is_some() && two.received.is_some() && two.replayed.is_some());
    assert!(one.system_identifier.is_some() && one.system_identifier == two.system_identifier);
    assert_eq!((one.timeline, two.timeline, one.paused), (Some(1), Some(1), Some(false)));
    assert_eq!(one.standbys.unwrap().values().map(String::as_str).collect::<Vec<_>>(), ["streaming"]);
    assert!(one.store_seen.is_some() && one.server_version.unwrap() >= 170_000);

    assert_eq!(world.ask("postgres", "SELECT current_setting('search_path') AS value").await.as_deref(), Some("pg_catalog"));
    let encrypted = "SELECT ssl::text AS value FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(world.ask("postgres", encrypted).await.as_deref(), Some("true"));

    let password = SecretText::new(world.secret("one", "pgbouncer-admin-password").await);
    let console = Console::connect(&Limits::default(), &primary.at(POOLER_PORT), "pgbouncer_admin", password).await.unwrap();
    assert!(console.version().await.unwrap().unwrap().starts_with("1."));
    assert!(console.databases().await.unwrap().iter().any(|database| database.name == "pgbouncer"));
    assert!(console.pools().await.unwrap().iter().any(|pool| pool.database == "pgbouncer" && pool.mode.is_some()));
    let settings = console.settings().await.unwrap();
    assert!(settings["pool_mode"].value.is_some() && settings["pool_mode"].changeable && !settings["listen_port"].changeable);
    console.reload().await.unwrap();
    console.close().await;
}

async fn errors_have_a_class(world: &World) {
    let (endpoint, login) = (world.endpoint("primary").await, world.login("postgres").await);
    let limits = Limits::new(4, Duration::from_secs(2));
    let fail = async |endpoint: &Endpoint, login: &Login| {
        let error = Session::connect(&limits, endpoint, login, Purpose::Facts).await.err().unwrap();
        assert!(!error.to_string().contains(login.password.expose()), "{error}");
        error.class()
    };
    assert_eq!(fail(&endpoint, &Login { password: SecretText::new("wrong"), ..login.clone() }).await, Class::Refused);
    assert_eq!(fail(&endpoint, &Login { database: "none".to_owned(), ..login.clone() }).await, Class::Failed);
    assert_eq!(fail(&endpoint.at(1), &login).await, Class::Unreachable);
    assert_eq!(fail(&Endpoint { server_name: "other.name".to_owned(), ..endpoint.clone() }, &login).await, Class::NotTrusted);
    let stranger = rcgen::generate_simple_self_signed(vec!["x".to_owned()]).unwrap().cert.pem();
    assert_eq!(fail(&Endpoint { authority: Some(stranger), ..endpoint.clone() }, &login).await, Class::NotTrusted);
    // Something that takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    assert_eq!(fail(&Endpoint { address: address.ip(), port: address.port(), ..endpoint.clone() }, &login).await, Class::TimedOut);

    let patroni = Patroni::new(limits.clone());
    assert_eq!(patroni.report(&endpoint.at(1).without_tls()).await.unwrap_err().class(), Class::Unreachable);
    // Patroni speaks TLS alone.
    assert!(matches!(
        patroni.report(&endpoint.at(PATRONI_PORT).without_tls()).await,
        Err(InstanceError::Unreachable { .. } | InstanceError::NotUnderstood { .. })
    ));
}

async fn changed_content_runs_again(world: &World) {
    world
        .script(
            "more",
            json!({"scripts": [
                {"id": 0, "database": "shop", "script": note("d")},
                {"id": 7, "database": "shop", "script": note("e")},
            ]}),
        )
        .await;
    world.until_entry("more", 7, "done", 0).await;
    world.until("Applied").await;
    assert_eq!(world.record("more", 0).await["version"], 1);
    assert_eq!(world.notes().await, "a b c d e");
}

async fn a_failure_stops_what_follows(world: &World) {
    let entries = json!([
        {"id": 0, "database": "shop", "wrapInTransaction": "read-committed", "script": format!("{};\nINSERT INTO nowhere VALUES (1)", note("lost"))},
        {"id": 1, "database": "shop", "script": note("f")},
    ]);
    world.script("bad", json!({"scripts": entries})).await;
    let references = json!([{"id": 0, "sgScript": "app"}, {"id": 1, "sgScript": "more"}, {"id": 2, "sgScript": "bad"}]);
    world.cluster(json!({"scripts": references}), json!({})).await;
    let message = world.until("Failed").await;
    assert!(message.contains("bad/0 failed: 42P01 relation \"nowhere\" does not exist (line 2)"), "{message}");
    let record = world.record("bad", 0).await;
    assert_eq!((&record["state"], &record["failureCode"]), (&json!("failed"), &json!("42P01")));
    assert_eq!(world.record("bad", 1).await, Value::Null);
    assert_eq!(world.notes().await, "a b c d e", "a wrapped entry leaves nothing of itself");
    let events = world.server.kubectl(&["get", "events", "--namespace", NAMESPACE]);
    assert!(String::from_utf8_lossy(&events.stdout).contains("ScriptFailed"));

    world.script("bad", json!({"continueOnError": true, "scripts": entries})).await;
    world.until_entry("bad", 1, "done", 0).await;
    assert_eq!(world.notes().await, "a b c d e f");
    assert_eq!(world.record("bad", 0).await["intents"], 1, "it waits for a person");

    // Corrected, it runs, and nothing else does.
    let fixed = json!([
        {"id": 0, "database": "shop", "wrapInTransaction": "read-committed", "script": note("g")},
        {"id": 1, "database": "shop", "script": note("f")},
    ]);
    world.script("bad", json!({"scripts": fixed})).await;
    world.until("Applied").await;
    assert_eq!(world.notes().await, "a b c d e f g");
}

async fn from_a_secret_and_a_config_map(world: &World) {
    world
        .script(
            "sources",
            json!({"scripts": [
                {"id": 0, "database": "shop", "scriptFrom": {"secretKeyRef": {"name": "sql", "key": "secret"}}},
                {"id": 1, "database": "shop", "scriptFrom": {"configMapKeyRef": {"name": "sql", "key": "plain"}}},
            ]}),
        )
        .await;
    let map = |text: String| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sql"}, "data": {"plain": text}});
    let secret = |text: String| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sql"}, "stringData": {"secret": text}});
    world.apply(map(note("i"))).await;
    world.cluster(json!({"scripts": [{"id": 0, "sgScript": "sources"}]}), json!({})).await;
    assert!(world.until("SourceMissing").await.contains("there is no Secret sql"));
    world.apply(secret(note("h"))).await;
    world.until("Applied").await;
    assert_eq!(world.notes().await, "a b c d e f g h i");

    world.apply(secret("SELECT hunter2 FROM 'hunter3'".to_owned())).await;
    let message = world.until("Failed").await;
    let status = world.get().await["status"].to_string();
    assert!(message.contains("42601") && !status.contains("hunter"), "{message}");
    world.apply(secret(note("j"))).await;
    world.apply(map(note("k"))).await;
    world.until_entry("sources", 1, "done", 1).await;
    assert_eq!(world.notes().await, "a b c d e f g h i j k");
}

async fn as_another_user(world: &World) {
    // What stands in the script itself is refused before it runs.
    let ends = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ends"}, "data": {"sql": "COMMIT"}});
    world.apply(ends).await;
    world
        .script(
            "owned",
            json!({"scripts": [
                {"id": 0, "database": "shop", "script": "GRANT CREATE ON SCHEMA public TO shopkeeper"},
                {"id": 1, "database": "shop", "user": "shopkeeper", "wrapInTransaction": "repeatable-read", "script": "CREATE TABLE theirs AS SELECT current_user::text AS me, session_user::text AS us, current_setting('transaction_isolation') AS level, current_setting('lock_timeout') AS patience"},
                {"id": 2, "database": "shop", "user": "nobody at \"all", "script": "SELECT 1"},
                {"id": 3, "database": "shop", "wrapInTransaction": "read-committed", "scriptFrom": {"configMapKeyRef": {"name": "ends", "key": "sql"}}},
                {"id": 4, "database": "shop", "script": "BEGIN; CREATE TABLE open ()"},
            ], "continueOnError": true}),
        )
        .await;
    world.cluster(json!({"scripts": [{"id": 0, "sgScript": "owned"}]}), json!({})).await;
    world.until_entry("owned", 4, "failed", 0).await;
    let seen = "SELECT me || ' ' || us || ' ' || level || ' ' || patience || ' ' || (SELECT tableowner FROM pg_tables WHERE tablename = 'theirs') AS value FROM public.theirs";
    assert_eq!(world.ask("shop", seen).await.as_deref(), Some("shopkeeper shopkeeper repeatable read 10s shopkeeper"));
    assert_eq!(world.record("owned", 2).await["failureCode"], "22023");
    for entry in [3, 4] {
        assert_eq!(world.record("owned", entry).await["failureCode"], "2D000");
    }
    let owner = "SELECT tableowner::text AS value FROM pg_tables WHERE schemaname = 'stackgres'";
    assert_eq!(world.ask("shop", owner).await.as_deref(), Some("postgres"));
}

/// Makes the record of an entry look as if the process had died right after its start was written.
async fn forget_the_end(world: &World, script: &str, id: i64) {
    let mut cluster = world.get().await;
    let scripts = cluster["status"]["managedSql"]["scripts"].as_array_mut().unwrap();
    let list = scripts.iter_mut().find(|list| list["sgScript"] == script).unwrap();
    let entry = list["scripts"].as_array_mut().unwrap().iter_mut().find(|entry| entry["id"] == id).unwrap();
    entry["state"] = json!("started");
    entry["wrapped"] = json!(true);
    entry["database"] = json!("shop");
    entry.as_object_mut().unwrap().remove("endedAt");
    let patch = json!({"status": {"managedSql": {"scripts": scripts}}});
    world.api("stackgres.io/v1", "SGCluster").patch_status("one", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

async fn a_lost_record_is_found_in_the_database(world: &mut World) {
    let wrapped =
        |what: &str| json!({"scripts": [{"id": 0, "database": "shop", "wrapInTransaction": "read-committed", "script": note(what)}]});
    world.script("wrapped", wrapped("l")).await;
    world.cluster(json!({"scripts": [{"id": 0, "sgScript": "wrapped"}]}), json!({})).await;
    world.until("Applied").await;
    let intents = |record: Value| record["intents"].clone();
    // The marker is there: it ran.
    world.kill();
    forget_the_end(world, "wrapped", 0).await;
    world.start();
    world.until_entry("wrapped", 0, "done", 0).await;
    assert_eq!(intents(world.record("wrapped", 0).await), 1);
    assert_eq!(world.notes().await, "a b c d e f g h i j k l");
    // The marker is not there: it did not, and runs.
    world.kill();
    forget_the_end(world, "wrapped", 0).await;
    world.run("shop", "DELETE FROM stackgres.script_runs; DELETE FROM public.notes WHERE what = 'l'").await;
    world.start();
    world.until_entry("wrapped", 0, "done", 0).await;
    assert_eq!(intents(world.record("wrapped", 0).await), 2);
    assert_eq!(world.notes().await, "a b c d e f g h i j k l");
}

async fn killed_in_the_middle(world: &mut World) {
    world
        .script(
            "slow",
            json!({"scripts": [
                {"id": 0, "database": "shop", "script": "INSERT INTO notes (what) SELECT 'm' FROM pg_sleep(20)"},
                {"id": 1, "database": "shop", "script": note("n")},
            ]}),
        )
        .await;
    world.cluster(json!({"scripts": [{"id": 0, "sgScript": "slow"}]}), json!({})).await;
    world.until_entry("slow", 0, "started", 0).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.kill();
    world.start();
    // Its session still runs: nothing is said of it before it has ended.
    assert!(world.until("Waiting").await.contains("still runs"));
    let message = world.until("Unknown").await;
    assert!(message.contains("slow/0") && message.contains("stackgres.io/run-script=slow/0"), "{message}");
    assert_eq!(world.record("slow", 1).await, Value::Null);
    tokio::time::sleep(Duration::from_secs(8)).await;
    let record = world.record("slow", 0).await;
    assert_eq!((&record["state"], &record["intents"]), (&json!("unknown"), &json!(1)));
    // It did run to its end, as it happens; the person who looked says so.
    assert_eq!(world.notes().await, "a b c d e f g h i j k l m");
    let references = json!({"scripts": [{"id": 0, "sgScript": "slow"}]});
    world.cluster(references.clone(), json!({"stackgres.io/script-done": "slow/0"})).await;
    world.until("Applied").await;
    assert_eq!(world.notes().await, "a b c d e f g h i j k l m n");
    // A request is answered once, however long it stays.
    world.cluster(references, json!({"stackgres.io/run-script": "slow/1"})).await;
    for _ in 0..100 {
        if world.record("slow", 1).await["asked"] == true {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    world.until("Applied").await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(world.notes().await, "a b c d e f g h i j k l m n n");
}

async fn a_database_that_knows_is_believed(world: &mut World) {
    let entry =
        json!({"id": 0, "database": "shop", "wrapInTransaction": "read-committed", "storeStatusInDatabase": true, "script": note("o")});
    world.script("stored", json!({"scripts": [entry]})).await;
    world.cluster(json!({"scripts": [{"id": 0, "sgScript": "stored"}]}), json!({})).await;
    world.until("Applied").await;
    world.kill();
    // The status is lost, as after a restore of the API objects.
    let patch = json!({"status": {"managedSql": null}});
    world.api("stackgres.io/v1", "SGCluster").patch_status("one", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    world.start();
    world.until_entry("stored", 0, "done", 0).await;
    assert_eq!(world.notes().await, "a b c d e f g h i j k l m n n o");
}

/// The new primary knows nothing of what the old one had begun, and runs it.
async fn the_primary_is_lost_in_the_middle(world: &World) {
    let slow = "INSERT INTO notes (what) SELECT 'p' FROM pg_sleep(12)";
    let entry = json!({"id": 0, "database": "shop", "wrapInTransaction": "read-committed", "script": slow});
    world.script("moved", json!({"scripts": [entry, {"id": 1, "database": "shop", "script": note("q")}]})).await;
    world.cluster(json!({"scripts": [{"id": 0, "sgScript": "moved"}]}), json!({})).await;
    world.until_entry("moved", 0, "started", 0).await;
    let before = world.endpoint("primary").await.address;
    world.server.kubectl(&[
        "delete",
        "pod",
        "--namespace",
        NAMESPACE,
        "--selector",
        "stackgres.io/cluster-name=one,role=primary",
        "--grace-period=0",
        "--force",
    ]);
    world.until_entry("moved", 0, "done", 0).await;
    world.until("Applied").await;
    assert_ne!(world.endpoint("primary").await.address, before);
    assert_eq!(world.notes().await, "a b c d e f g h i j k l m n n o p q");
    assert_eq!(world.record("moved", 0).await["intents"], 2);
}
